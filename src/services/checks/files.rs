//! The containers' files, and the namespaces that they are in.

use std::collections::HashSet;
use std::path::Path;

use super::Known;
use super::finding::{Action, Finding};
use crate::model::{Ns, Owner, SandboxKind};
use crate::plan::{Look, Step};

/// A sandbox whose namespace is gone.
pub(super) fn namespaces(known: &Known<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for sandbox in known.sandboxes {
        let at = known.looks.iter().position(|Look { ns, .. }| *ns == sandbox.ns);
        let there = at.and_then(|at| known.facts.spaces.get(at)).is_none_or(Option::is_some);
        let own = sandbox.kind != SandboxKind::Host;
        if (there || !own) && !sandbox.ended {
            continue;
        }
        let id = sandbox.container.to_string();
        let owner = Owner { kind: "sandbox".into(), id: id.clone(), name: id };
        let object = format!("namespace {}", sandbox.ns);
        if let Some(lived) = known.tenants.get(&sandbox.key) {
            found.push(unmounted(&owner, object, &sandbox.key, lived));
            continue;
        }
        let found_there = "nothing: the container is gone, and `gc` collects what it had";
        found.push(Finding::new(&owner, object, "the container's namespace", found_there));
    }
    found
}

/// A namespace that is lived in, and whose file leads to it no more.
fn unmounted(owner: &Owner, object: String, path: &Path, lived: &Ns) -> Finding {
    // `/proc/PID/ns/net`
    let process = lived.to_string();
    let process = process.split('/').nth(2).unwrap_or_default();
    let what = format!("nothing is mounted there, and process {process} is in it");
    let (path, of) = (path.to_owned(), Some(lived.clone()));
    let empty = Action::Undo(Step::Netns { path: path.clone(), of: None });
    let mounted = Action::Do(Step::Netns { path, of });
    Finding::new(owner, object, "the container's namespace", &what).mended([empty, mounted])
}

/// Files that are gone, and lines that are missing in them.
pub(super) fn check(known: &Known<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for record in known.derived {
        for done in &record.steps {
            match &done.step {
                Step::File { path, .. } if !known.facts.files.contains_key(path) => {
                    let object = format!("file {}", path.display());
                    let finding = Finding::missing(&record.owner, object, "the file");
                    let names = record.steps.iter().filter(|done| tells(&done.step, path));
                    let names = names.map(|done| Action::Do(done.step.clone()));
                    let file = Action::Do(done.step.clone());
                    found.push(finding.mended([file].into_iter().chain(names)));
                }
                Step::Lines { paths, add, .. } => {
                    for path in paths {
                        let Some(text) = known.facts.files.get(path) else { continue };
                        let there = Lines::of(text);
                        let gone = add.iter().filter(|line| !there.has(line)).cloned();
                        let gone: Vec<String> = gone.collect();
                        if gone.is_empty() {
                            continue;
                        }
                        let object = format!("file {}", path.display());
                        let expected = gone.join("; ").replace('\t', " ");
                        let step = Step::Lines {
                            paths: vec![path.clone()],
                            add: gone,
                            remove: Vec::new(),
                        };
                        let finding = Finding::missing(&record.owner, object, &expected);
                        found.push(finding.mended([Action::Do(step)]));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether the step writes lines into this file.
fn tells(step: &Step, file: &Path) -> bool {
    matches!(step, Step::Lines { paths, .. } if paths.iter().any(|path| path == file))
}

/// What a hosts file has: read once, since each of a network's containers has the names of all.
struct Lines<'a> {
    whole: HashSet<&'a str>,
    names: HashSet<(Vec<&'a str>, bool)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let whole: HashSet<&str> = text.lines().collect();
        let names = whole.iter().map(|line| (names(line), is_v6(line))).collect();
        Lines { whole, names }
    }

    /// Whether it has the line, or its names with another address: a caller's update.
    fn has(&self, line: &str) -> bool {
        let same = || {
            let names = names(line);
            !names.is_empty() && self.names.contains(&(names, is_v6(line)))
        };
        self.whole.contains(line) || same()
    }
}

/// The words behind the address.
fn names(line: &str) -> Vec<&str> {
    line.split('#').next().unwrap_or_default().split_whitespace().skip(1).collect()
}

/// IPv4 and IPv6 have the same names, on lines of their own.
fn is_v6(line: &str) -> bool {
    line.split_whitespace().next().unwrap_or_default().contains(':')
}
