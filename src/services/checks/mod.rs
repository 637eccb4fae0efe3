//! Whether all is as it was made, pure: what is recorded and what the host has come in, findings come
//! out. A check is a function of [`CHECKS`] and a file here.

mod chains;
mod host;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use crate::model::{Difference, Network, Owner};
use crate::plan::rules::{ListedTable, SetElements};
use crate::plan::{Ask, Done, Facts, Step};

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
    /// The networks that are in the kernel and have a bridge.
    pub(crate) networks: &'a [Network],
    /// Verbs that were interrupted, in words.
    pub(crate) unfinished: &'a [String],
    /// Netberth's table as the kernel lists it where nobody has touched it, without elements.
    pub(crate) table: &'a ListedTable,
    /// The host.
    pub(crate) facts: &'a Facts,
}

/// A difference, and what sets it right: nothing where that is not netberth's to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) difference: Difference,
    pub(crate) mend: Vec<Action>,
}

/// A part of what sets a difference right. All parts are done or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A step of a plan is applied, again or for the first time.
    Do(Step),
    /// What a step would have made is taken away.
    Undo(Step),
    /// The table of netberth is made anew with everything in it: once for all that ask for it.
    Reload,
}

impl Finding {
    /// With what sets it right.
    fn mended_by(difference: Difference, mend: Vec<Action>) -> Self {
        Finding { difference, mend }
    }
}

/// What cannot be set right here.
impl From<Difference> for Finding {
    fn from(difference: Difference) -> Self {
        Finding { difference, mend: Vec::new() }
    }
}

/// A check.
type Check = fn(&Known<'_>) -> Vec<Finding>;

const CHECKS: &[Check] =
    &[host::unfinished, table::check, host::forwarding, host::bridge_filter, chains::findings];

/// What the checks ask the kernel.
pub(crate) fn ask() -> Ask {
    Ask { host: true, rules: true, sysctls: host::sysctls(), ..Ask::default() }
}

/// The judgement.
pub(crate) fn judge(known: &Known<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(known)).collect();
    // What concerns all first, then those of one noun together; the order of the checks within.
    let rank = |one: &Finding| {
        let owner = &one.difference.owner;
        (*owner != Owner::host(), owner.clone())
    };
    findings.sort_by_cached_key(rank);
    findings
}

/// Everything that the table should have in its sets.
pub(crate) fn elements(known: &Known<'_>) -> Vec<SetElements> {
    table::all_elements(known)
}

/// The word for what is not there.
const NOTHING: &str = "nothing";

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
