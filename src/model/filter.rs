//! Filters of lists.

use crate::error::{Error, Kind, Result};

/// Which of a list are wanted; at most one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// An id that begins with this.
    pub partial_id: Option<String>,
    /// On the network of this name (services only).
    pub network: Option<String>,
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Checks that at most one is set.
    pub fn check(self) -> Result<Self> {
        let set = [&self.name, &self.partial_id, &self.network];
        if set.iter().filter(|filter| filter.is_some()).count() > 1 {
            let what = "unsupported query: give one of name, partial-id and network";
            return Err(Error::new(Kind::Invalid, what));
        }
        Ok(self)
    }

    /// Whether a noun of this id, name and network is wanted.
    pub fn matches(&self, id: &str, name: &str, network: &str) -> bool {
        self.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.partial_id.as_ref().is_none_or(|prefix| id.starts_with(prefix.as_str()))
            && self.network.as_ref().is_none_or(|wanted| wanted == network)
    }
}
