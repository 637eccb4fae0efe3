//! Memory: records by key, in one place that several processes may use at once.

#[cfg(feature = "testing")]
pub mod conformance;
mod embedded;
mod expect;
mod listed;
mod lock;
#[cfg(feature = "testing")]
mod memory;
mod overlay;
mod record;

pub use embedded::Embedded;
pub use listed::{Listed, Rows};
pub use lock::{FileLock, Held};
#[cfg(feature = "testing")]
pub use memory::Memory;
pub use overlay::Overlay;
pub use record::{decode, encode};

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What kind of thing a record is: part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Table {
    /// Networks; no parent.
    Network,
    /// Endpoints; parent = network id.
    Endpoint,
    /// Sandboxes; no parent, id = container id.
    Sandbox,
    /// Unique names; parent = "" for networks, network id for endpoints; text = the id.
    Name,
    /// Addresses in use; parent = network id, id = the address; text = the endpoint's id.
    Lease,
    /// Where the next free address is looked for; parent = network id, id = the subnet.
    Cursor,
    /// What was done for a noun; parent = "network" or "sandbox" with the noun's id, or an endpoint's
    /// id with the container's.
    Steps,
    /// What a verb was about to do that commits on its way, and what could not be undone; no parent, or
    /// "left". Any other verb says it by [`Store::intend`].
    Intent,
}

impl Table {
    /// Every table, in the order of declaration.
    pub const ALL: [Table; 8] = [
        Table::Network,
        Table::Endpoint,
        Table::Sandbox,
        Table::Name,
        Table::Lease,
        Table::Cursor,
        Table::Steps,
        Table::Intent,
    ];

    /// The word that stands for it on disk and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Network => "network",
            Table::Endpoint => "endpoint",
            Table::Sandbox => "sandbox",
            Table::Name => "name",
            Table::Lease => "lease",
            Table::Cursor => "cursor",
            Table::Steps => "steps",
            Table::Intent => "intent",
        }
    }
}

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What it is.
    pub table: Table,
    /// What it belongs to; empty where it belongs to nothing.
    pub parent: String,
    /// Unique within table and parent.
    pub id: String,
}

impl Key {
    /// A key from its parts.
    pub fn new(table: Table, parent: impl Into<String>, id: impl Into<String>) -> Self {
        Key { table, parent: parent.into(), id: id.into() }
    }
}

/// `network/1f3c`, `endpoint/1f3c/77aa`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table.name())?;
        if !self.parent.is_empty() {
            write!(f, "/{}", self.parent)?;
        }
        write!(f, "/{}", self.id)
    }
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// Its text, JSON in most tables.
    pub text: String,
    /// Grows with each change of this record, also when it is removed and made again; never 0.
    pub revision: u64,
}

/// What must be true of a record for a batch to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Nothing is expected.
    Any,
    /// There is no such record.
    Absent,
    /// It has this revision.
    Revision(u64),
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Writes a record, new or not.
    Put {
        /// Its key.
        key: Key,
        /// Its text.
        text: String,
        /// Compare before set.
        expect: Expect,
    },
    /// Removes a record; one that is not there is no error unless a revision is expected.
    Delete {
        /// Its key.
        key: Key,
        /// Compare before set.
        expect: Expect,
    },
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// In order.
    pub changes: Vec<Change>,
    /// Must survive a power cut (definitions), not only a crash of the process (what the kernel
    /// forgets at a power cut anyway).
    pub durable: bool,
}

/// Which records to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select<'a> {
    /// Of this table.
    pub table: Table,
    /// With this parent, or any.
    pub parent: Option<&'a str>,
    /// With an id that begins with this.
    pub prefix: &'a str,
}

impl<'a> Select<'a> {
    /// All records of a table.
    pub const fn all(table: Table) -> Self {
        Select { table, parent: None, prefix: "" }
    }

    /// All records of a table with this parent.
    pub const fn of(table: Table, parent: &'a str) -> Self {
        Select { table, parent: Some(parent), prefix: "" }
    }

    /// Whether it selects this key.
    pub fn takes(&self, key: &Key) -> bool {
        key.table == self.table
            && self.parent.is_none_or(|parent| key.parent == parent)
            && key.id.starts_with(self.prefix)
    }
}

/// Where records are kept.
///
/// Errors are of kind `store`; `exists` where an expectation of [`Expect`] failed (the message
/// names the key); `busy` where another process held the records for too long; `denied` where the
/// caller may not read or write them. A commit that failed for one of these has changed nothing,
/// and a later change of a batch sees the earlier ones.
pub trait Store: Send + Sync {
    /// One record.
    fn get(&self, key: &Key) -> Result<Option<Record>>;

    /// One record, as [`Store::get`], for who asks again and again.
    fn found(&self, key: &Key) -> Result<Option<Arc<Listed>>> {
        Ok(self.get(key)?.map(Listed::new))
    }

    /// The records selected, in order of creation (a record that is put again keeps its place).
    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>>;

    /// All records of a table and parent, as [`Store::list`], for who asks again and again.
    fn listed(&self, table: Table, parent: &str) -> Result<Rows> {
        let records = self.list(&Select::of(table, parent))?;
        Ok(Arc::new(records.into_iter().map(Listed::new).collect()))
    }

    /// Whether a table has no records.
    fn is_empty(&self, table: Table) -> Result<bool> {
        Ok(self.list(&Select::all(table))?.is_empty())
    }

    /// Whoever commits has the lock, and the caller has it until [`Store::release`]: what was read or
    /// written stays true until then.
    fn hold(&self) -> Result<()> {
        Ok(())
    }

    /// The lock is given up, or is about to be.
    fn release(&self) {}

    /// Makes all changes or none.
    fn commit(&self, batch: &Batch) -> Result<()>;

    /// Writes down what is about to be done, for who comes after a crash; replaces what was written
    /// before. The next commit drops it, together with what that writes.
    fn intend(&self, text: &str) -> Result<()>;

    /// What was written down, if nothing has been committed since.
    fn intended(&self) -> Result<Option<String>>;
}
