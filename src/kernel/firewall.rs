//! `nf_tables` behind one narrow door.
#![expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "stands in for kernel::nft")]

use crate::error::{Error, Kind, Result};
use crate::plan::rules::SetElements;

/// The table, its rules and its elements. Its errors say the `nft` line themselves.
pub(super) struct Firewall;

impl Firewall {
    /// In the namespace of the calling thread.
    pub(super) fn open() -> Result<Self> {
        Ok(Firewall)
    }

    /// `nft list table inet NAME`
    pub(super) fn table_exists(&self, _name: &str) -> Result<bool> {
        Ok(false)
    }

    /// `nft -f -` with the whole table.
    pub(super) fn add_table(&self, _name: &str) -> Result<()> {
        Err(absent())
    }

    /// `nft delete table inet NAME`; gone already is no error.
    pub(super) fn delete_table(&self, _name: &str) -> Result<()> {
        Ok(())
    }

    /// `nft add element inet TABLE …`
    pub(super) fn add_elements(&self, _table: &str, _sets: &[SetElements]) -> Result<()> {
        Err(absent())
    }

    /// `nft delete element inet TABLE …`; gone already is no error.
    pub(super) fn delete_elements(&self, _table: &str, _sets: &[SetElements]) -> Result<()> {
        Ok(())
    }
}

fn absent() -> Error {
    Error::new(Kind::Unsupported, "nf_tables is not built in yet")
}
