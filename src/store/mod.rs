//! Memory: records by key, in one place that several processes may use at once.

use crate::error::Result;

/// What kind of thing a record is: part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// What a changing verb was about to do; no parent.
    Intent,
}

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What it is.
    pub table: Table,
    /// What it belongs to; empty where it belongs to nothing.
    pub parent: String,
    /// Unique within table and parent.
    pub id: String,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// Its text, JSON in most tables.
    pub text: String,
    /// Grows with each change of this record; never 0.
    pub revision: u64,
}

/// What must be true of a record for a batch to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing is expected.
    Any,
    /// There is no such record.
    Absent,
    /// It has this revision.
    Revision(u64),
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// Where records are kept.
///
/// Errors are of kind `store`, or `exists` where an expectation of [`Expect`] failed (the message
/// names the key). A failed commit has changed nothing.
pub trait Store: Send + Sync {
    /// One record.
    fn get(&self, key: &Key) -> Result<Option<Record>>;

    /// The records selected, in order of creation (a record that is put again keeps its place).
    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>>;

    /// Makes all changes or none.
    fn commit(&self, batch: &Batch) -> Result<()>;
}
