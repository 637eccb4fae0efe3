//! Where `unsafe` may stand, what an exception to a lint must say, and what is never called.

use super::lexer::{closing, line, words};
use super::sources::{self, File};
use super::{bites, hold};

/// The only places where `unsafe` may stand; a name that ends in `/` is a folder.
const UNSAFE: &[&str] = &["src/ffi/", "src/kernel/sys.rs", "src/kernel/netns.rs"];

fn misplaced(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let allowed = UNSAFE.iter().any(|place| {
            file.path == *place || (place.ends_with('/') && file.path.starts_with(place))
        });
        let code = file.code();
        for word in words(&code).into_iter().filter(|word| !allowed && word.text == "unsafe") {
            found.push(format!("{}:{}", file.path, line(&code, word.at)));
        }
    }
    found
}

/// `allow` and `expect` of a lint that do not say why. The compiler says so too, but only of what
/// it compiles.
fn without_reason(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let code = file.code();
        for word in words(&code) {
            let before = code[..word.at].trim_end();
            let attribute = ["#[", "#![", ","].iter().any(|start| before.ends_with(start));
            let excepts = matches!(word.text, "allow" | "expect");
            if !attribute || !excepts || !code[word.end()..].starts_with('(') {
                continue;
            }
            let end = closing(&code, word.end()).unwrap_or(code.len());
            let inside = &code[word.end()..end];
            if !words(inside).iter().any(|word| word.text == "reason") {
                found.push(format!("{}:{}", file.path, line(&code, word.at)));
            }
        }
    }
    found
}

/// The library runs no program: whatever it does to the host it says to the kernel.
fn programs(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let code = without_tests(&file.code());
        let runs = ["Command", "execve", "execv", "execvp", "posix_spawn", "system"];
        for word in words(&code).into_iter().filter(|word| runs.contains(&word.text)) {
            found.push(format!("{}:{}: {}", file.path, line(&code, word.at), word.text));
        }
    }
    found
}

/// Masked code with the bodies of what is `#[cfg(test)]` blanked.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let Some(open) = code[at..].find(['{', ';']).map(|open| at + open) else { continue };
        let Some(close) = closing(code, open).filter(|_| code.as_bytes()[open] == b'{') else {
            continue;
        };
        let blank = |c| if c == '\n' { '\n' } else { ' ' };
        out.replace_range(at..=close, &code[at..=close].chars().map(blank).collect::<String>());
    }
    out
}

#[test]
fn unsafe_stands_where_it_may() {
    hold(
        "`unsafe` may stand in src/ffi, src/kernel/sys.rs and src/kernel/netns.rs only:",
        &misplaced(&sources::rust(&["build.rs", "src/", "bindings/"])),
    );
}

#[test]
fn exceptions_say_why() {
    let files = sources::rust(&["build.rs", "src/", "bindings/", "tests/", "bench/"]);
    hold("`#[expect(lint, reason = \"...\")]`:", &without_reason(&files));
}

#[test]
fn no_program_is_run() {
    hold("the library runs no program:", &programs(&sources::rust(&["src/"])));
}

#[test]
fn misplaced_unsafe_is_seen() {
    let text = "#![deny(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";\nunsafe { a() }";
    let files = ["src/a.rs", "src/ffi/a.rs", "src/ffi.rs", "src/kernel/sys.rs", "bindings/a.rs"];
    let files = files.map(|path| File::new(path, text));
    bites(&misplaced(&files), &["src/a.rs:3", "src/ffi.rs:3", "bindings/a.rs:3"]);
}

#[test]
fn an_exception_without_reason_is_seen() {
    let text = "#![allow(a, reason = \"r\")]\n#[expect(b)]\nx.expect(\"reason\");\n\
                #[cfg_attr(c, allow(d))]\n#[allow(e, /* reason */)]";
    let found = without_reason(&[File::new("src/a.rs", text)]);
    bites(&found, &["src/a.rs:2", "src/a.rs:4", "src/a.rs:5"]);
}

#[test]
fn a_program_that_is_run_is_seen() {
    let text = "use std::process::Command;\n#[cfg(test)]\nmod tests { use std::process::Command; }\n\
                #[cfg(test)] mod a;\nfn b() { libc::execve(c) }";
    bites(&programs(&[File::new("src/a.rs", text)]), &["src/a.rs:1: Command", "src/a.rs:5"]);
}
