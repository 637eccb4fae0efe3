//! The verbs: look up, decide, commit. Each file is one noun.

mod backend;
mod books;
mod boot;
mod bulk;
mod commit;
mod config;
mod detach;
mod disputes;
mod endpoint;
mod flaws;
mod gc;
mod join;
mod locked;
mod log;
mod lookup;
mod names;
mod network;
mod plans;
mod ports;
mod records;
mod recover;
mod rehearse;
mod repair;
mod route;
mod sandbox;
mod seat;
mod service;
mod verify;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use config::Config;
pub use log::{Level, Log};

use crate::error::Result;
use crate::kernel::{Kernel, Linux};
use crate::model::Id;
use crate::plan::Step;
use crate::store::{Embedded, FileLock, Store};

/// A handle on one state directory: the library's whole interface hangs on it.
///
/// It may be used from any number of threads, and any number of handles and processes may share a
/// state directory. Cloning is cheap and yields the same handle. The network namespace in which it
/// was opened is the host's for it, whatever thread calls later.
#[derive(Clone)]
pub struct Netberth {
    kernel: Arc<dyn Kernel>,
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    /// A rehearsal does nothing, so it has nothing to tell.
    silent: bool,
}

struct Shared {
    config: Config,
    lock: FileLock,
    log: log::Slot,
}

impl Netberth {
    /// Opens a state directory, which is created where it is absent, in the network namespace of
    /// the calling thread; finishes or undoes what a process that died had begun, and defines the
    /// networks `none`, `host` and `bridge` if they are not there. The kernel is not changed by a
    /// first open: `bridge` is brought up by its first endpoint.
    ///
    /// # Errors
    /// `denied` or `store` for a state directory that cannot be used, `busy` if another process
    /// holds it for longer than the configured timeout.
    pub fn open(config: Config) -> Result<Self> {
        let kernel = Arc::new(Linux::open()?);
        let store = Arc::new(Embedded::open(&config.state_dir)?);
        Self::assemble(config, kernel, store)
    }

    /// The same with another kernel and another memory.
    #[cfg(feature = "testing")]
    pub fn open_with(
        config: Config,
        kernel: Arc<dyn Kernel>,
        store: Arc<dyn Store>,
    ) -> Result<Self> {
        Self::assemble(config, kernel, store)
    }

    fn assemble(config: Config, kernel: Arc<dyn Kernel>, store: Arc<dyn Store>) -> Result<Self> {
        let lock = FileLock::open(&config.state_dir)?;
        let shared = Arc::new(Shared { config, lock, log: log::Slot::default() });
        let netberth = Netberth { kernel, store, shared, silent: false };
        netberth.begin().map_err(|error| {
            error.doing(format!("open {}", netberth.shared.config.state_dir.display()))
        })?;
        Ok(netberth)
    }

    fn begin(&self) -> Result<()> {
        let locked = self.lock()?;
        // Made once, so that a container leaves nothing but its own.
        let Shared { config, .. } = &*self.shared;
        let directories = [config.netns_dir(), config.sandboxes_dir()];
        let outcome = self.kernel.apply(&directories.map(|path| Step::Directory { path }));
        if let Some((_, error)) = outcome.failed {
            return Err(error);
        }
        network::define_predefined(&locked)?;
        boot::notice(&locked)
    }

    /// Where messages go: nowhere at first. The callback runs on the thread of the verb, after the
    /// lock is given up, and may call netberth.
    pub fn set_log(&self, log: Option<Arc<Log>>) {
        self.shared.log.set(log);
    }

    /// What the handle was opened with.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    fn fresh_id(&self) -> Result<Id> {
        Ok(Id::from_bytes(self.kernel.random()?))
    }
}

/// Nanoseconds since 1970; the year 2554 is far enough.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
