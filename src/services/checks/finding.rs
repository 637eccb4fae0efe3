//! What was found, and what would mend it.

use super::NOTHING;
use crate::model::{Difference, Owner};
use crate::plan::Step;

/// One thing that is done to mend a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mend {
    /// The step is done again.
    Apply(Step),
    /// The step is undone.
    Undo(Step),
    /// The table is made anew, with every element that is recorded.
    Table,
}

/// A difference.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) difference: Difference,
    /// In this order; nothing = netberth cannot mend it.
    pub(crate) mends: Vec<Mend>,
    /// It follows from another one, which is told: an address is missing because its device is.
    pub(crate) follows: bool,
}

impl Finding {
    pub(super) fn new(owner: &Owner, object: String, expected: &str, found: &str) -> Self {
        let difference = Difference {
            owner: owner.clone(),
            object,
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        Finding { difference, mends: Vec::new(), follows: false }
    }

    pub(super) fn missing(owner: &Owner, object: String, expected: &str) -> Self {
        Finding::new(owner, object, expected, NOTHING)
    }

    pub(super) fn mended(mut self, mends: impl IntoIterator<Item = Mend>) -> Self {
        self.mends.extend(mends);
        self
    }

    pub(super) fn following(mut self, follows: bool) -> Self {
        self.follows = follows;
        self
    }
}

impl From<Difference> for Finding {
    fn from(difference: Difference) -> Self {
        Finding { difference, mends: Vec::new(), follows: false }
    }
}
