//! What is made from the commands: the manual and completions.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::bed::{NETBERTH, said};

#[test]
fn bash_completes() {
    let script = format!(
        r#"set -eu; source <({NETBERTH} completion bash); complete -p netberth
        try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _netberth netberth "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
            echo "${{COMPREPLY[@]}}"; }}
        try netberth netw; try netberth network cr; try netberth network create --inter"#
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let said = said(output);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[1..], ["network", "create", "--internal"], "{said:?}");
    for shell in ["zsh", "fish"] {
        let output = Command::new(NETBERTH).args(["completion", shell]).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn every_command_has_a_page_that_man_reads() {
    let folder = TempDir::new().unwrap();
    let made = Command::new(NETBERTH).arg("man").arg(folder.path()).status().unwrap();
    assert!(made.success());
    let mut pages: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() > 30, "{pages:?}");
    assert!(pages.iter().any(|page| page.ends_with("netberth-network-create.1")));
    for page in pages {
        let mut man = Command::new("man");
        man.args(["--warnings", "--nj", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page);
        let output = man.env("MANWIDTH", "80").stdin(Stdio::null()).output().expect("man runs");
        let cried = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && cried.is_empty(), "{page:?}: {cried}");
        assert!(!output.stdout.is_empty(), "{page:?}");
    }
}
