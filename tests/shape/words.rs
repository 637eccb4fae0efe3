//! What must not be said anywhere in the repository.

use super::sources::{self, File};
use super::{bites, hold};

/// Written in pieces, so that this file may be read like every other.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of somebody's machine"),
    (concat!("/ro", "ot/"), "a path of somebody's machine"),
    (concat!("/ho", "me/"), "a path of somebody's machine"),
    (concat!("TO", "DO"), "a promise: do it, or say in the documents what does not hold"),
    (concat!("FIX", "ME"), "a promise: do it, or say in the documents what does not hold"),
    (concat!("<<<<", "<<<"), "an unfinished merge"),
    (concat!(">>>>", ">>>"), "an unfinished merge"),
];

fn breaches(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for (_, why) in FORBIDDEN.iter().filter(|(word, _)| said(line, word)) {
                found.push(format!("{}:{}: {why}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    found
}

/// Whether a line says a word: a path begins there, and is not the tail of a longer one.
fn said(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~}".contains(c))
    })
}

#[test]
fn nothing_forbidden_is_said() {
    // But for what chance wrote.
    let all = sources::all().into_iter().filter(|file| !file.path.starts_with("fuzz/corpus/"));
    hold("this does not belong in the repository:", &breaches(&all.collect::<Vec<_>>()));
}

#[test]
fn what_is_forbidden_is_seen() {
    let text: Vec<String> = FORBIDDEN.iter().map(|(word, _)| format!("see {word}x")).collect();
    let harmless = concat!("the net", "/wo", "rk/a, todo, mount\n");
    let file = File::new("a.md", &format!("{}\n{harmless}", text.join("\n")));
    let lines: Vec<String> = (1..=FORBIDDEN.len()).map(|line| format!("a.md:{line}: ")).collect();
    bites(&breaches(&[file]), &lines.iter().map(String::as_str).collect::<Vec<_>>());
}
