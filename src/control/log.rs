//! Messages to whoever embeds the library.

use std::sync::Arc;

use parking_lot::RwLock;

/// How much a message matters; the numbers are those of syslog(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something could not be cleaned up or recovered.
    Warning = 4,
    /// A verb was done.
    Info = 6,
    /// A step, as the `ip`, `nft` or `sysctl` line it equals.
    Debug = 7,
}

/// A callback for messages: one line each, without a line end.
pub type Log = dyn Fn(Level, &str) + Send + Sync;

/// The callback in use.
#[derive(Default)]
pub(super) struct Slot(RwLock<Option<Arc<Log>>>);

impl Slot {
    pub(super) fn set(&self, log: Option<Arc<Log>>) {
        *self.0.write() = log;
    }

    pub(super) fn get(&self) -> Option<Arc<Log>> {
        self.0.read().clone()
    }
}
