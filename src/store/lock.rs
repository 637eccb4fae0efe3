//! The exclusive lock on a state directory: one holder among all threads and processes.

mod holder;
mod queue;

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::mem;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use parking_lot::{Mutex, MutexGuard};

use super::embedded::directory;
use crate::error::{Error, Kind, Result};

/// Between two tries; doubled from the first to the last, which is what a quick verb takes.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(2));

/// `<state directory>/lock`.
///
/// Threads of one process queue for it fairly, whichever handle they use; between processes it is
/// an flock, which the kernel releases when its holder dies. A child that was forked while the
/// lock was held and did not exec keeps a dead holder's lock until it ends, too.
#[derive(Debug)]
pub struct FileLock {
    file: PathBuf,
    queue: Arc<Mutex<()>>,
}

/// Proof that the lock is held; dropping it lets the next one in.
#[derive(Debug)]
pub struct Held<'a> {
    /// Taken in `drop` only.
    flock: Option<Flock<File>>,
    turn: Option<MutexGuard<'a, ()>>,
    pid: u32,
}

impl FileLock {
    /// The lock of a state directory, which is made (0700) if it is absent. Takes nothing yet.
    pub fn open(state_dir: &Path) -> Result<FileLock> {
        let directory = directory(state_dir)?;
        let queue = queue::of(&directory)?;
        Ok(FileLock { file: directory.join("lock"), queue })
    }

    /// Waits for the lock up to `timeout`; then fails with `busy`, saying who holds it where
    /// `/proc/locks` tells. With a timeout of zero it tries once.
    pub fn lock(&self, timeout: Duration) -> Result<Held<'_>> {
        let begun = Instant::now();
        let Some(turn) = self.queue.try_lock_for(timeout) else {
            return Err(self.busy(begun, "another thread of this process"));
        };
        let mut pause = PAUSES.0;
        loop {
            if let Some(flock) = self.try_flock()? {
                return Ok(Held { flock: Some(flock), turn: Some(turn), pid: std::process::id() });
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(self.busy(begun, &holder::of(&self.file)));
            }
            thread::sleep(pause.min(left));
            pause = PAUSES.1.min(pause * 2);
        }
    }

    /// Opens the file anew for each try that succeeds: a lock on a file that somebody removed
    /// keeps nobody out.
    fn try_flock(&self) -> Result<Option<Flock<File>>> {
        let failed = |error: &std::io::Error| {
            let error = Error::io(error);
            let kind = if error.kind() == Kind::Denied { Kind::Denied } else { Kind::Store };
            error.with_kind(kind).doing(format!("lock {}", self.file.display()))
        };
        // std opens with O_CLOEXEC: a program that is executed does not inherit the lock.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let file = options.open(&self.file).map_err(|error| failed(&error))?;
        let flock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(flock) => flock,
            Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => return Ok(None),
            Err((_, errno)) => return Err(failed(&errno.into())),
        };
        let locked = flock.metadata().map_err(|error| failed(&error))?;
        match fs::symlink_metadata(&self.file) {
            Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {
                Ok(Some(flock))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn busy(&self, begun: Instant, holder: &str) -> Error {
        let what = format!(
            "waited {} ms and {holder} still holds it; try again, or wait longer",
            begun.elapsed().as_millis()
        );
        Error::new(Kind::Busy, what).doing(format!("lock {}", self.file.display()))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(flock) = self.flock.take() else { return };
        // In a forked child the lock is the parent's: unlocking would take it from the parent.
        if self.pid != std::process::id() {
            mem::forget(flock);
        } else if let Err((flock, _)) = flock.unlock() {
            // nix would panic when it is dropped; the kernel unlocks when the process ends.
            mem::forget(flock);
        }
        // Handed to whoever waits longest, or one busy thread would win every time.
        if let Some(turn) = self.turn.take() {
            MutexGuard::unlock_fair(turn);
        }
    }
}
