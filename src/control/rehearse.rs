//! Rehearsals: the same verbs on a kernel that only writes down, and on a memory that forgets.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Netberth;
use crate::error::Result;
use crate::kernel::{Kernel, Outcome};
use crate::plan::{Ask, Facts, Step};
use crate::store::Overlay;

/// Answers as the real kernel does, and does nothing.
struct Rehearsal {
    real: Arc<dyn Kernel>,
    lines: Mutex<Vec<String>>,
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
        let kernel =
            Arc::new(Rehearsal { real: self.kernel.clone(), lines: Mutex::new(Vec::new()) });
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
        self.real.facts(ask)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        self.real.holds(step)
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        self.lines.lock().extend(steps.iter().flat_map(Step::lines));
        Outcome { done: vec![true; steps.len()], failed: None }
    }

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        let undone = steps.iter().rev().flat_map(Step::undo_lines);
        self.lines.lock().extend(undone);
        steps.iter().map(|_| Ok(())).collect()
    }
}
