//! Rehearsals: the same verbs on a kernel that only writes down, and on a memory that forgets.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Netberth;
use crate::error::Result;
use crate::kernel::{Kernel, Outcome};
use crate::plan::{Ask, Facts, Ns, Step};
use crate::store::Overlay;

/// Answers as the real kernel does, and does nothing.
pub(super) struct Rehearsal {
    real: Arc<dyn Kernel>,
    lines: Mutex<Vec<String>>,
    /// Namespaces that would be there by now.
    made: Mutex<HashSet<PathBuf>>,
}

impl Rehearsal {
    pub(super) fn of(real: Arc<dyn Kernel>) -> Self {
        Rehearsal { real, lines: Mutex::default(), made: Mutex::default() }
    }

    /// Remembers what would have been done.
    pub(super) fn note<'s>(&self, steps: impl Iterator<Item = &'s Step>) {
        let path = |step: &Step| match step {
            Step::Netns { path, of: None } => Some(path.clone()),
            _ => None,
        };
        self.made.lock().extend(steps.filter_map(path));
    }
}

impl Netberth {
    /// What the verbs called in `play` would do, as `ip`, `nft` and `sysctl` lines; nothing is
    /// changed. `play` gets a handle of its own, on which several verbs see each other's records.
    ///
    /// # Errors
    /// The first error of `play`.
    pub fn rehearse<T>(
        &self,
        play: impl FnOnce(&Netberth) -> Result<T>,
    ) -> Result<(T, Vec<String>)> {
        let kernel = Arc::new(Rehearsal::of(self.kernel.clone()));
        let stage = Netberth {
            kernel: kernel.clone(),
            store: Arc::new(Overlay::over(self.store.clone())),
            shared: self.shared.clone(),
            silent: true,
        };
        let result = play(&stage)?;
        let lines = std::mem::take(&mut *kernel.lines.lock());
        Ok((result, lines))
    }
}

impl Kernel for Rehearsal {
    fn random(&self) -> Result<[u8; 32]> {
        self.real.random()
    }

    fn facts(&self, ask: &Ask) -> Result<Facts> {
        let mut facts = self.real.facts(ask)?;
        // A new namespace has a cookie, and nothing but `lo`, which nobody asks for by name.
        if let Some(Ns::At { path, cookie: None }) = &ask.namespace
            && self.made.lock().contains(path)
        {
            facts.cookie = facts.cookie.or(Some(u64::MAX));
        }
        Ok(facts)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        self.real.holds(step)
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        self.note(steps.iter());
        self.lines.lock().extend(steps.iter().flat_map(Step::lines));
        Outcome { done: vec![true; steps.len()], failed: None }
    }

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        for step in steps {
            if let Step::Netns { path, .. } = step {
                self.made.lock().remove(path);
            }
        }
        let undone = steps.iter().rev().flat_map(Step::undo_lines);
        self.lines.lock().extend(undone);
        steps.iter().map(|_| Ok(())).collect()
    }
}
