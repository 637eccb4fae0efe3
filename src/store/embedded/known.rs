//! What the lock's holder has read or written lately, so that a verb does not ask SQLite again and again
//! for the network and the endpoint that it is about.
//!
//! Whoever commits has the lock, so while it is held nothing changes but by this connection; whether
//! others have committed before is asked once, when it is taken (`PRAGMA data_version`).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use super::fork::Live;
use super::{kept, read};
use crate::error::Result;
use crate::store::{Key, Listed, Table};

/// Room for the records of a few hundred endpoints.
const MOST: usize = 1024;
/// And for no more than so many bytes of text: one record may hold tens of thousands of ports.
const LONGEST: usize = 1 << 20;

/// A record, or that there is none.
#[derive(Clone, Debug)]
pub(super) struct Lately(pub(super) Option<Arc<Listed>>);

/// Records by key, and keys that have none.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Who has the lock. What is known is for this thread alone: another one that reads meanwhile does
    /// not have the lock, and has nothing to do with what is read under it.
    holder: Option<ThreadId>,
    version: i64,
    rows: HashMap<Key, Lately>,
    length: usize,
    /// The last revision.
    last: Option<u64>,
    /// There is no record of an intent.
    no_intents: bool,
}

impl Known {
    /// The calling thread has the lock.
    pub(super) fn is_held(&self) -> bool {
        self.holder == Some(thread::current().id())
    }

    /// The last revision, if that is known.
    pub(super) fn last(&self) -> Option<u64> {
        self.last.filter(|_| self.is_held())
    }

    /// The record of a key, or that there is none, if that is known.
    pub(super) fn get(&self, key: &Key) -> Option<Lately> {
        self.rows.get(key).filter(|_| self.is_held()).cloned()
    }

    /// What was found while the lock is held.
    pub(super) fn put(&mut self, key: &Key, found: Option<Arc<Listed>>) {
        if !self.is_held() {
            return;
        }
        let length = found.as_ref().map_or(0, |listed| listed.record().text.len());
        if self.rows.len() >= MOST || self.length + length > LONGEST {
            self.forget_rows();
        }
        // What is replaced is counted still: then it is forgotten all the sooner.
        self.length += length;
        if length <= LONGEST {
            self.rows.insert(key.clone(), Lately(found));
        }
    }

    /// Knows nothing any more.
    pub(super) fn forget(&mut self) {
        self.forget_rows();
        self.last = None;
        self.no_intents = false;
    }

    fn forget_rows(&mut self) {
        self.rows.clear();
        self.length = 0;
    }

    /// After a commit: what became of a record.
    pub(super) fn note(&mut self, key: &Key, record: Option<Arc<Listed>>) {
        self.no_intents &= key.table != Table::Intent;
        if self.is_held() {
            self.put(key, record);
        } else {
            self.forget_rows();
        }
    }

    /// After a commit: the last revision.
    pub(super) fn note_last(&mut self, last: u64) {
        self.last = Some(last).filter(|_| self.is_held());
    }
}

/// The lock is held from now on.
pub(super) fn hold(live: &mut Live) -> rusqlite::Result<()> {
    let version = kept::version(&live.connection)?;
    if version != live.known.version {
        live.known.forget();
        live.mark.forget();
        live.known.version = version;
    }
    kept::forget_unless(&mut live.kept, version);
    live.known.holder = Some(thread::current().id());
    Ok(())
}

/// The last revision given.
pub(super) fn last(live: &mut Live, file: &Path) -> Result<u64> {
    if let Some(last) = live.known.last() {
        return Ok(last);
    }
    let last = read::last(&live.connection, file)?;
    live.known.note_last(last);
    Ok(last)
}

/// Whether a table has no records.
pub(super) fn is_empty(live: &mut Live, file: &Path, table: Table) -> Result<bool> {
    let of_intents = table == Table::Intent && live.known.is_held();
    if of_intents && live.known.no_intents {
        return Ok(true);
    }
    let empty = read::is_empty(&live.connection, file, table)?;
    live.known.no_intents |= of_intents && empty;
    Ok(empty)
}

/// It is given up.
pub(super) fn release(live: &mut Live) {
    live.known.holder = None;
}
