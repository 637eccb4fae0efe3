//! Whether all is as it was made, pure: what is recorded and what the host has come in, differences
//! come out. A check is a function of [`CHECKS`] and a file here.

mod chains;
mod files;
mod finding;
mod foreign;
mod host;
mod links;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub(crate) use finding::{Finding, Mend};
pub(crate) use table::every_element;

use std::collections::BTreeMap;
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
];

/// What the checks ask the kernel.
pub(crate) fn ask(records: &[Recorded], derived: &[Recorded], sandboxes: &[Sandbox]) -> Ask {
    let path = |ns: &Ns| match ns {
        Ns::Host => None,
        Ns::At { path, .. } => Some(path.clone()),
    };
    let mut spaces: BTreeMap<Option<PathBuf>, Look> = BTreeMap::new();
    let mut space = |ns: &Ns| {
        let look = || Look { ns: ns.clone(), sysctls: Vec::new() };
        spaces.entry(path(ns)).or_insert_with(look);
    };
    space(&Ns::Host);
    sandboxes.iter().for_each(|sandbox| space(&sandbox.ns));
    let mut ask = Ask { host: true, rules: true, sysctls: host::sysctls(), ..Ask::default() };
    for done in records.iter().chain(derived).flat_map(|record| &record.steps) {
        match &done.step {
            Step::Sysctl { ns, key, .. } => {
                let look = spaces
                    .entry(path(ns))
                    .or_insert_with(|| Look { ns: ns.clone(), sysctls: Vec::new() });
                if !look.sysctls.contains(key) {
                    look.sysctls.push(key.clone());
                }
            }
            Step::Netns { path: at, of: Some(_) } => {
                let ns = Ns::At { path: at.clone(), cookie: None };
                spaces.entry(Some(at.clone())).or_insert_with(|| Look { ns, sysctls: Vec::new() });
            }
            Step::Directory { path } => ask.directories.push(path.clone()),
            Step::File { path, .. } => ask.files.push(path.clone()),
            Step::Lines { paths, .. } => ask.files.extend(paths.iter().cloned()),
            _ => {}
        }
    }
    ask.spaces = spaces.into_values().collect();
    ask
}

/// Everything that is found, in the order in which it is mended.
pub(crate) fn find(known: &Known<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(known)).collect()
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
const NOTHING: &str = "nothing";

fn of_host(object: impl Into<String>, expected: &str, found: &str) -> Difference {
    Difference {
        owner: Owner::host(),
        object: object.into(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}
