//! The containers' files, and the namespaces that they are in.

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
                    found.push(finding.mended([Action::Do(done.step.clone())]));
                }
                Step::Lines { paths, add, .. } => {
                    for path in paths {
                        let Some(text) = known.facts.files.get(path) else { continue };
                        let gone = add.iter().filter(|line| !has(text, line)).cloned();
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

/// Whether a hosts file has the line, or its names with another address: a caller's update.
fn has(text: &str, line: &str) -> bool {
    let names = |line: &str| -> Vec<String> {
        line.split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect()
    };
    let (wanted, six) = (names(line), is_v6(line));
    let same = |there: &str| !wanted.is_empty() && names(there) == wanted && is_v6(there) == six;
    text.lines().any(|there| there == line || same(there))
}

/// IPv4 and IPv6 have the same names, on lines of their own.
fn is_v6(line: &str) -> bool {
    line.split_whitespace().next().unwrap_or_default().contains(':')
}
