//! Whether all is as it was made, pure: what is recorded and what the host has come in, differences
//! come out. A check is a function of [`CHECKS`] and a file here.

mod chains;
mod host;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use crate::model::{Difference, Network, Owner, Verification};
use crate::plan::rules::ListedTable;
use crate::plan::{Ask, Done, Facts};

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

/// A check.
type Check = fn(&Known<'_>) -> Vec<Difference>;

const CHECKS: &[Check] =
    &[host::unfinished, table::check, host::forwarding, host::bridge_filter, chains::check];

/// What the checks ask the kernel.
pub(crate) fn ask() -> Ask {
    Ask { host: true, rules: true, sysctls: host::sysctls(), ..Ask::default() }
}

/// The judgement.
pub(crate) fn judge(known: &Known<'_>) -> Verification {
    let mut differences: Vec<Difference> = CHECKS.iter().flat_map(|check| check(known)).collect();
    // What concerns all first, then those of one noun together; the order of the checks within.
    let rank = |one: &Difference| (one.owner != Owner::host(), one.owner.clone());
    differences.sort_by_cached_key(rank);
    Verification { differences }
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
