//! Whether all is as it was made, pure: what is recorded and what the host has come in, differences
//! come out. A check is a function of [`CHECKS`] and a file here.

mod chains;
mod files;
mod finding;
mod foreign;
mod host;
mod links;
mod modes;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub(crate) use finding::{Action, Finding};
pub(crate) use foreign::is_ours;
pub(crate) use modes::Places;
pub(crate) use table::all_elements;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::model::{Difference, Network, Owner, Sandbox};
use crate::plan::rules::ListedTable;
use crate::plan::{Ask, Done, Facts, Look, Ns, Step};

/// The table of netberth.
pub(crate) const TABLE: &str = "netberth";

/// A recorded plan, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) owner: Owner,
    pub(crate) steps: Vec<Done>,
}

/// Everything a check may look at.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// Every recorded plan.
    pub(crate) records: &'a [Recorded],
    /// What no plan has, because it is worked out anew at each change: default routes, files.
    pub(crate) derived: &'a [Recorded],
    /// Every sandbox.
    pub(crate) sandboxes: &'a [Sandbox],
    /// The namespaces that were looked at, as [`Facts::spaces`] answers.
    pub(crate) looks: &'a [Look],
    /// The networks that are in the kernel and have a bridge.
    pub(crate) networks: &'a [Network],
    /// Verbs that were interrupted, in words.
    pub(crate) unfinished: &'a [String],
    /// Netberth's table as the kernel lists it where nobody has touched it, without elements.
    pub(crate) table: &'a ListedTable,
    /// Where netberth keeps what is its own.
    pub(crate) places: &'a Places,
    /// For each sandbox whose namespace is not where it was, where a process has it.
    pub(crate) tenants: &'a BTreeMap<PathBuf, Ns>,
    /// The host.
    pub(crate) facts: &'a Facts,
}

/// A check.
type Check = fn(&Known<'_>) -> Vec<Finding>;

const CHECKS: &[Check] = &[
    host::unfinished,
    table::check,
    host::forwarding,
    host::bridge_filter,
    chains::check,
    files::namespaces,
    steps::check,
    files::check,
    modes::check,
];

/// What the checks ask the kernel.
pub(crate) fn ask(
    records: &[Recorded],
    derived: &[Recorded],
    sandboxes: &[Sandbox],
    places: &Places,
) -> Ask {
    let mut ask = Ask { host: true, rules: true, sysctls: host::sysctls(), ..Ask::default() };
    ask.inodes = places.all().cloned().collect();
    let mut spaces = Spaces::default();
    spaces.of(&Ns::Host);
    for sandbox in sandboxes {
        spaces.of(&sandbox.ns);
    }
    for done in records.iter().chain(derived).flat_map(|record| &record.steps) {
        match &done.step {
            Step::Sysctl { ns, key, .. } => {
                let look = spaces.of(ns);
                if !look.sysctls.contains(key) {
                    look.sysctls.push(key.clone());
                }
            }
            Step::Netns { path, of: Some(_) } => {
                spaces.of(&Ns::At { path: path.clone(), cookie: None });
            }
            Step::Directory { path } => ask.inodes.push(path.clone()),
            Step::File { path, .. } => ask.files.push(path.clone()),
            Step::Lines { paths, .. } => ask.files.extend(paths.iter().cloned()),
            _ => {}
        }
    }
    ask.spaces = spaces.0.into_values().collect();
    ask
}

/// The namespaces that are looked at, each once; the host's has no path.
#[derive(Default)]
struct Spaces(BTreeMap<Option<PathBuf>, Look>);

impl Spaces {
    fn of(&mut self, ns: &Ns) -> &mut Look {
        let path = match ns {
            Ns::Host => None,
            Ns::At { path, .. } => Some(path.clone()),
        };
        let look = || Look { ns: ns.clone(), sysctls: Vec::new() };
        self.0.entry(path).or_insert_with(look)
    }
}

/// Everything that is found, in the order in which it is mended.
pub(crate) fn find(known: &Known<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = CHECKS.iter().flat_map(|check| check(known)).collect();
    // What several networks need is recorded with each of them.
    let mut seen = HashSet::new();
    found.retain(|one| seen.insert((one.difference.clone(), one.mend.len())));
    found
}

/// What is told of it: not what follows from something else that is told.
pub(crate) fn told(findings: &[Finding]) -> Vec<Difference> {
    let told = findings.iter().filter(|finding| !finding.follows);
    let mut differences: Vec<Difference> = told.map(|finding| finding.difference.clone()).collect();
    // What concerns all first, then those of one noun together; the order of the checks within.
    let rank = |one: &Difference| (one.owner != Owner::host(), one.owner.clone());
    differences.sort_by_cached_key(rank);
    differences
}

/// The word for what is not there.
pub(crate) const NOTHING: &str = "nothing";

fn of_host(object: impl Into<String>, expected: &str, found: &str) -> Difference {
    of(&Owner::host(), object, expected, found)
}

fn of(owner: &Owner, object: impl Into<String>, expected: &str, found: &str) -> Difference {
    Difference {
        owner: owner.clone(),
        object: object.into(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        error: None,
    }
}
