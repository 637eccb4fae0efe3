//! The one judgement of [`Expect`], so that every store refuses in the same words.

use super::{Change, Expect, Key};
use crate::error::{Error, Kind, Result};

impl Change {
    /// The key of the record that it changes.
    pub fn key(&self) -> &Key {
        match self {
            Change::Put { key, .. } | Change::Delete { key, .. } => key,
        }
    }

    /// Fails unless the record, of which `found` is the revision, is as this change expects it.
    pub(super) fn check(&self, found: Option<u64>) -> Result<()> {
        let (Change::Put { key, expect, .. } | Change::Delete { key, expect }) = self;
        let what = match (*expect, found) {
            (Expect::Any, _) | (Expect::Absent, None) => return Ok(()),
            (Expect::Revision(wanted), Some(found)) if wanted == found => return Ok(()),
            (Expect::Absent, Some(found)) => {
                format!("{key} is there already, at revision {found}")
            }
            (Expect::Revision(wanted), Some(found)) => format!(
                "{key} was changed meanwhile, from revision {wanted} to {found}; read it again"
            ),
            (Expect::Revision(wanted), None) => {
                format!("{key} was removed meanwhile, after revision {wanted}; read it again")
            }
        };
        Err(Error::new(Kind::Exists, what))
    }
}
