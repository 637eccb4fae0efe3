//! A file is read in one sitting, a function on one screen.

use super::lexer::{functions, line};
use super::sources::{self, File};
use super::{bites, hold};

/// A file has fewer lines than this.
const FILE: usize = 400;
/// A function has no more lines than this, from its `fn` to its closing brace.
const FUNCTION: usize = 80;
/// A function that has more than this is named, to be looked at.
const LONG: usize = 40;

fn too_long_files(files: &[File]) -> Vec<String> {
    let long = files.iter().map(|file| (&file.path, file.text.lines().count()));
    let long = long.filter(|(_, lines)| *lines >= FILE);
    long.map(|(path, lines)| format!("{path}: {lines} lines")).collect()
}

/// The functions of more than `limit` lines.
fn longer(files: &[File], limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let code = file.code();
        for function in functions(&code) {
            let (first, last) = (line(&code, function.at), line(&code, function.close));
            let lines = last - first + 1;
            if lines > limit {
                found.push(format!("{}:{first}: {} has {lines} lines", file.path, function.name));
            }
        }
    }
    found
}

fn files() -> Vec<File> {
    sources::rust(&["build.rs", "src/", "bindings/", "tests/", "bench/"])
}

#[test]
fn files_are_short() {
    hold("a file has fewer than 400 lines: split it by noun:", &too_long_files(&files()));
}

#[test]
fn functions_are_short() {
    let files = files();
    for long in longer(&files, LONG) {
        eprintln!("long: {long}");
    }
    hold("a function has at most 80 lines:", &longer(&files, FUNCTION));
}

#[test]
fn what_is_too_long_is_seen() {
    let file = File::new("src/a.rs", &"\n".repeat(FILE));
    bites(&too_long_files(&[file]), &["src/a.rs: 400 lines"]);
    let fits = format!("fn fits() {{{}}}", "\n".repeat(FUNCTION - 1));
    let quotes = "const A: &str = \"fn a() {\"; fn a() { let b = '{'; /* { */ }";
    let file =
        File::new("src/b.rs", &format!("{quotes}\n{fits}\nfn long() {{{}}}", "\n".repeat(80)));
    bites(&longer(&[file], FUNCTION), &["src/b.rs:82: long has 81 lines"]);
}
