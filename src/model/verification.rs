//! What the records say against what the host has.

use serde::Serialize;

/// The answer to `POST /verify`: no differences = everything is as it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The differences, those of one noun together.
    pub differences: Vec<Difference>,
}

/// The answer to `POST /repair`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What differed and does no more.
    pub repaired: Vec<Difference>,
    /// What differs still.
    pub differences: Vec<Difference>,
}

/// The answer to `POST /gc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// What is gone now.
    pub collected: Vec<Collected>,
}

/// One thing that was collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// `sandbox` or `file`.
    pub kind: String,
    /// The container's id, or the path.
    pub name: String,
    /// Why nobody has it any more.
    pub why: String,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose it is.
    pub owner: Owner,
    /// What it is, in the words of `ip`, `nft` and `sysctl`.
    pub object: String,
    /// What there should be, or `nothing`.
    pub expected: String,
    /// What there is, or `nothing`.
    pub found: String,
}

/// Whose a thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Owner {
    /// `network`, `endpoint`, `service`, `sandbox`; `host` for what belongs to all of them.
    pub kind: String,
    /// Its id; empty for the host.
    pub id: String,
    /// Its name; empty for the host.
    pub name: String,
}

impl Owner {
    /// What belongs to no noun.
    pub(crate) fn host() -> Self {
        Owner { kind: "host".to_owned(), id: String::new(), name: String::new() }
    }
}
