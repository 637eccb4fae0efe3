//! One queue per state directory for all handles of a process.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use crate::error::{Doing, Result};

/// By process, device and inode. The process, because a child that was forked while a thread of
/// its parent held a queue would wait for that thread for ever. `LazyLock` is std's `once_cell`.
type Queues = BTreeMap<(u32, u64, u64), Weak<Mutex<()>>>;

static QUEUES: LazyLock<Mutex<Queues>> = LazyLock::new(Mutex::default);

/// The queue of a directory.
pub(super) fn of(directory: &Path) -> Result<Arc<Mutex<()>>> {
    let found = fs::metadata(directory).doing(|| directory.display().to_string())?;
    let mut queues = QUEUES.lock();
    queues.retain(|_, queue| queue.strong_count() > 0);
    let key = (std::process::id(), found.dev(), found.ino());
    if let Some(queue) = queues.get(&key).and_then(Weak::upgrade) {
        return Ok(queue);
    }
    let queue = Arc::new(Mutex::new(()));
    queues.insert(key, Arc::downgrade(&queue));
    Ok(queue)
}
