//! What was found, and what sets it right.

use super::{NOTHING, of};
use crate::model::{Difference, Owner};
use crate::plan::Step;

/// A part of what sets a difference right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A step of a plan is applied, again or for the first time.
    Do(Step),
    /// What a step would have made is taken away.
    Undo(Step),
    /// The table of netberth is made anew with everything in it: once for all that ask for it.
    Reload,
}

/// A difference, and what sets it right: nothing where that is not netberth's to do. All parts are done
/// or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) difference: Difference,
    pub(crate) mend: Vec<Action>,
    /// It follows from another one, which is told: an address is missing because its device is.
    pub(crate) follows: bool,
}

impl Finding {
    pub(super) fn new(owner: &Owner, object: String, expected: &str, found: &str) -> Self {
        Finding::from(of(owner, object, expected, found))
    }

    pub(super) fn missing(owner: &Owner, object: String, expected: &str) -> Self {
        Finding::new(owner, object, expected, NOTHING)
    }

    /// With what sets it right, in this order.
    pub(super) fn mended(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.mend.extend(actions);
        self
    }

    pub(super) fn following(mut self, follows: bool) -> Self {
        self.follows = follows;
        self
    }
}

/// What cannot be set right here.
impl From<Difference> for Finding {
    fn from(difference: Difference) -> Self {
        Finding { difference, mend: Vec::new(), follows: false }
    }
}
