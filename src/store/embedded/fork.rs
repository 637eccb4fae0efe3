//! What a forked child has to forget before it opens a store of its own.
//!
//! SQLite keeps one list per process of the files it has locked, and POSIX record locks are not
//! inherited. A child that opened the same file beside an inherited connection would find itself
//! in that list, take no lock, and lose commits when its parent closes. So the inherited
//! connections are closed first, which empties the list; that touches neither the file nor the
//! parent, because the child owns no lock and `NO_CKPT_ON_CLOSE` keeps close from writing.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::intent::Intent;
use super::kept::Kept;
use super::known::Known;
use super::mark::Mark;
use crate::error::{Error, Kind, Result};

/// Every handle of this process, and held while one is opened or closed: a fork that happens in
/// the middle of SQLite leaves this or the handle's own mutex locked, and is noticed by it.
static HANDLES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// How long a mutex may be held before a fork is blamed; an open takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, and the process that opened it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) pid: u32,
    pub(super) live: Mutex<Option<Live>>,
}

#[derive(Debug)]
pub(super) struct Live {
    pub(super) connection: Connection,
    /// Whether `synchronous` is FULL now.
    pub(super) durable: bool,
    pub(super) mark: Mark,
    pub(super) kept: Option<Kept>,
    pub(super) intent: Intent,
    pub(super) known: Known,
}

/// Opens a connection with `open` when no inherited one is left.
pub(super) fn register(open: impl FnOnce() -> Result<Live>) -> Result<Arc<Shared>> {
    let mut handles = patiently(&HANDLES)?;
    let pid = std::process::id();
    for inherited in handles.iter().filter_map(Weak::upgrade).filter(|shared| shared.pid != pid) {
        patiently(&inherited.live)?.take();
    }
    handles.retain(|handle| handle.upgrade().is_some_and(|shared| shared.pid == pid));
    let shared = Arc::new(Shared { pid, live: Mutex::new(Some(open()?)) });
    handles.push(Arc::downgrade(&shared));
    Ok(shared)
}

/// Closes the connection, or leaves it alone where a fork interrupted its use.
pub(super) fn close(shared: &Shared) {
    if let (Ok(_handles), Ok(mut live)) = (patiently(&HANDLES), patiently(&shared.live)) {
        live.take();
    }
}

/// Locks without parking: a parked thread of the parent may hold the parking lot's own tables.
fn patiently<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    let begun = Instant::now();
    loop {
        if let Some(guard) = mutex.try_lock() {
            return Ok(guard);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::new(
                Kind::Busy,
                "the records are locked by a thread that does not let go; if this process was \
                 forked from one that used netberth, it must exec first",
            ));
        }
        thread::sleep(Duration::from_micros(50));
    }
}
