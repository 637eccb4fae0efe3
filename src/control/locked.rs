//! Proof that the lock is held: what changes something takes `&mut Locked`.

use std::time::Duration;

use super::commit::Ready;
use super::log::Level;
use super::{Netberth, recover};
use crate::error::Result;
use crate::kernel::Kernel;
use crate::store::{Held, Store};

/// One mutex in the process and one file lock between processes, both held. Messages are kept until
/// it is dropped: nothing calls out while locked.
pub(super) struct Locked<'a> {
    pub(super) netberth: &'a Netberth,
    held: Option<Held<'a>>,
    messages: Vec<(Level, String)>,
    /// Somebody listens, so that it is worth writing messages.
    listened: bool,
    /// Steps that are kept instead of applied, where many verbs are done at once.
    staged: Option<Vec<Ready>>,
}

impl Netberth {
    /// Takes the lock and, if its last holder died in the middle of a verb or something could not be
    /// undone, repairs that first.
    pub(super) fn lock(&self) -> Result<Locked<'_>> {
        let mut locked = self.lock_as_it_is()?;
        recover::unfinished(&mut locked)?;
        Ok(locked)
    }

    /// Takes the lock to look, and repairs nothing.
    pub(super) fn lock_as_it_is(&self) -> Result<Locked<'_>> {
        let wait: Duration = self.shared.config.lock_timeout;
        let held = Some(self.shared.lock.lock(wait)?);
        self.store.hold()?;
        let listened = !self.silent && self.shared.log.get().is_some();
        Ok(Locked { netberth: self, held, messages: Vec::new(), listened, staged: None })
    }
}

impl<'a> Locked<'a> {
    /// On a stage of the lock's holder: what is built is kept, not done.
    pub(super) fn on_stage(stage: &'a Netberth) -> Self {
        let (held, staged) = (None, Some(Vec::new()));
        Locked { netberth: stage, held, messages: Vec::new(), listened: false, staged }
    }
}

impl Locked<'_> {
    /// Where steps are kept instead of applied.
    pub(super) fn staged(&mut self) -> Option<&mut Vec<Ready>> {
        self.staged.as_mut()
    }

    pub(super) fn kernel(&self) -> &dyn Kernel {
        &*self.netberth.kernel
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.netberth.store
    }

    pub(super) fn say(&mut self, level: Level, message: impl FnOnce() -> String) {
        if self.listened {
            self.messages.push((level, message()));
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // On a stage nothing ends: the verb is the holder's.
        if self.held.is_some() {
            self.kernel().rest();
            self.store().release();
        }
        drop(self.held.take());
        if let Some(log) = self.netberth.shared.log.get() {
            for (level, message) in &self.messages {
                log(*level, message);
            }
        }
    }
}
