//! The way to netberth: in this process, or through a server.

use netberth::Result;

use crate::verb::{Change, Read};

/// Answers are JSON documents of API.md, as text: what one door answers, the other answers to the
/// byte.
pub(crate) trait Door {
    /// Asks.
    ///
    /// # Errors
    /// Those of the verb, and those of the way.
    fn read(&self, verb: &Read) -> Result<String>;

    /// Changes something; a verb without an answer has an empty one.
    ///
    /// # Errors
    /// Those of the verb, and those of the way.
    fn change(&self, verb: &Change) -> Result<String>;

    /// What a change would do, as `ip`, `nft` and `sysctl` lines: `{"plan":[…]}`.
    ///
    /// # Errors
    /// Those of the verb, and those of the way.
    fn plan(&self, verb: &Change) -> Result<String>;

    /// Whether its namespaces and files are those of this machine.
    fn is_local(&self) -> bool;
}
