//! Files and directories as they lie there: whose, for whom, how old.

use std::path::PathBuf;
use std::time::Duration;

/// What a path leads to, symbolic links not followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inode {
    /// A directory.
    pub directory: bool,
    /// A regular file.
    pub file: bool,
    /// Permissions, twelve bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// In bytes.
    pub length: u64,
    /// Since it was last written.
    pub age: Duration,
}

/// A namespace that may be lived in though its path leads to none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Where it was mounted.
    pub path: PathBuf,
    /// Its cookie, where that is known.
    pub cookie: Option<u64>,
    /// Links of the host whose other ends are in it.
    pub links: Vec<String>,
}
