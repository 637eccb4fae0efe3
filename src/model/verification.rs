//! What the records say against what the host has.

use serde::Serialize;

/// The answer to `POST /verify`: no differences = everything is as it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The differences, those of one noun together.
    pub differences: Vec<Difference>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Difference {
    /// Whose it is.
    pub owner: Owner,
    /// What it is, in the words of `ip`, `nft` and `sysctl`.
    pub object: String,
    /// What there should be, or `nothing`.
    pub expected: String,
    /// What there is, or `nothing`.
    pub found: String,
    /// Why a repair could not set it right: only in the answer of one that tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer to `POST /repair`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The differences that are no more.
    pub repaired: Vec<Difference>,
    /// Those that are left.
    pub differences: Vec<Difference>,
}

/// The answer to `POST /gc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// What was collected, in the order in which it went.
    pub collected: Vec<Collected>,
}

/// One thing that nobody needs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// `sandbox`, `link` or `file`.
    pub kind: String,
    /// The container of a sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of a link, the path of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why.
    pub why: String,
}

/// Whose a thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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
