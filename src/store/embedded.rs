//! The store in a file, for any number of processes at once.
//!
//! SQLite in WAL mode: a reader never waits, one process writes at a time, and a process that is
//! killed loses nothing that was acknowledged. SQLite maps only its `-shm` index (32 KiB and up),
//! which never leaves the state directory; the records themselves are never mapped.
//!
//! SQLite keeps no sums of its pages. Here every record carries one, and each table and parent a
//! tally of its records, so a list is what was written or an error, and so is a record that is
//! found. Small files are summed up whole at every open. What stays unseen is a flipped bit in a
//! key of a large file, which hides that record from `get` until its table is listed.
//!
//! A log that is damaged, cut off or gone takes its last commits along in silence: SQLite ends it
//! at the first frame that is not whole. So how far the records had got is written beside them.

mod create;
mod fault;
mod fork;
mod intent;
mod kept;
mod known;
mod mark;
mod migrate;
mod open;
mod read;
mod row;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use create::directory;
use fork::{Live, Shared};

use super::{Batch, Key, Listed, Record, Rows, Select, Store, Table};
use crate::error::{Error, Kind, Result};

/// Records in `<state directory>/netberth.db`.
///
/// One handle may be used from any number of threads, and several handles may be open. A forked
/// child opens its own: the inherited one refuses, and is closed when the child opens.
#[derive(Debug)]
pub struct Embedded {
    file: PathBuf,
    shared: Arc<Shared>,
}

impl Embedded {
    /// Opens the records of a state directory, which is made (0700) if it is absent.
    ///
    /// Errors are `denied` where the directory or the file may not be read and written, `busy`
    /// where another process held them for five seconds, `unsupported` where SQLite is too old,
    /// and `store` else: a file of something else, of a newer format, or damaged. None of these
    /// changes the file. One of an older format is brought to the present one.
    pub fn open(state_dir: &Path) -> Result<Embedded> {
        let file = directory(state_dir)?.join("netberth.db");
        let shared = fork::register(|| open::open(&file))?;
        Ok(Embedded { file, shared })
    }

    /// The file of records.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn with<T>(&self, work: impl FnOnce(&mut Live, &Path) -> Result<T>) -> Result<T> {
        let pid = self.shared.pid;
        // Before the mutex, which a thread may have held when this process was forked.
        if pid != std::process::id() {
            return Err(forked(pid));
        }
        match self.shared.live.lock().as_mut() {
            Some(live) => work(live, &self.file),
            None => Err(forked(pid)),
        }
    }
}

fn forked(pid: u32) -> Error {
    let what = format!("this handle belongs to process {pid}; after a fork open another");
    Error::new(Kind::Invalid, what)
}

impl Drop for Embedded {
    fn drop(&mut self) {
        fork::close(&self.shared);
    }
}

impl Store for Embedded {
    fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.with(|live, file| {
            let mut finder =
                read::finder(&live.connection).map_err(|error| fault::sqlite(file, &error))?;
            Ok(read::find(&mut finder, file, key)?.map(|row| row.record))
        })
    }

    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>> {
        self.with(|live, file| read::list(&live.connection, file, select))
    }

    fn found(&self, key: &Key) -> Result<Option<Arc<Listed>>> {
        self.with(|live, file| {
            if let Some(known::Lately(found)) = live.known.get(key) {
                return Ok(found);
            }
            let kept = live.kept.as_ref().filter(|_| live.known.is_held());
            if let Some(kept) = kept.and_then(|kept| kept.get(key)) {
                return Ok(Some(kept));
            }
            let finder =
                &mut read::finder(&live.connection).map_err(|error| fault::sqlite(file, &error))?;
            let found = read::find(finder, file, key)?.map(|row| Listed::new(row.record));
            live.known.put(key, found.clone());
            Ok(found)
        })
    }

    fn listed(&self, table: Table, parent: &str) -> Result<Rows> {
        self.with(|live, file| kept::listed(live, file, table, parent))
    }

    fn is_empty(&self, table: Table) -> Result<bool> {
        self.with(|live, file| known::is_empty(live, file, table))
    }

    fn hold(&self) -> Result<()> {
        self.with(|live, file| known::hold(live).map_err(|error| fault::sqlite(file, &error)))
    }

    fn release(&self) {
        // A child that was forked holds nothing.
        let _ = self.with(|live, _| {
            known::release(live);
            Ok(())
        });
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        self.with(|live, file| write::commit(live, file, batch))
    }

    fn intend(&self, text: &str) -> Result<()> {
        self.with(|live, file| {
            let last = known::last(live, file)?;
            live.intent.write(file, last, text)
        })
    }

    fn intended(&self) -> Result<Option<String>> {
        self.with(|live, file| {
            let last = known::last(live, file)?;
            live.intent.read(file, last)
        })
    }
}
