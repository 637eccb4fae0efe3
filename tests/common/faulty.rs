//! A kernel and a store that fail, or fall silent, at a chosen call.

use std::sync::Arc;

use netberth::kernel::{Kernel, Outcome};
use netberth::plan::{Ask, Facts, Ns, Step};
use netberth::store::{Batch, Key, Record, Select, Store};
use netberth::{Error, Kind, Result};
use parking_lot::Mutex;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A question to the kernel.
    Ask,
    /// One step.
    Apply,
    /// The undoing of one step.
    Undo,
    /// A question to the store.
    Read,
    /// A batch of the store.
    Commit,
}

/// What is to happen.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Calm,
    /// The n-th call fails, the others do not.
    Once(usize),
    /// The n-th call fails, and of the undoings that follow the m-th.
    Twice(usize, usize),
    /// From the n-th call on nothing has an effect: the process is dead.
    Dead(usize),
    /// The process is told to stop before the n-th call.
    Halt(usize, fn()),
}

/// Whether failing steps of one `sendmsg` let the later ones happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Every step is a call of its own.
    OneByOne,
    /// A failing step is replaced by one that the kernel refuses; the others go with it.
    Together,
}

struct Plot {
    mode: Mode,
    manner: Manner,
    /// Questions are not counted: dying before one is dying after the last that had an effect.
    effects_only: bool,
    calls: usize,
    failed: Vec<Call>,
    randoms: u64,
}

/// Decides which call fails; the kernel and the store share it.
pub struct Script(Mutex<Plot>);

impl Script {
    pub fn new() -> Arc<Script> {
        let manner = Manner::OneByOne;
        let (effects_only, failed) = (false, Vec::new());
        let plot = Plot { mode: Mode::Calm, manner, effects_only, calls: 0, failed, randoms: 0 };
        Arc::new(Script(Mutex::new(plot)))
    }

    /// The same, in which only what has an effect counts as a call.
    pub fn of_effects() -> Arc<Script> {
        let script = Script::new();
        script.0.lock().effects_only = true;
        script
    }

    /// From now on only what has an effect counts as a call.
    pub fn count_effects(&self) {
        self.0.lock().effects_only = true;
    }

    /// Nothing fails from now on; random numbers begin anew at `randoms`, so that a verb that is
    /// repeated makes the same choices.
    pub fn calm(&self, randoms: u64) {
        let mut plot = self.0.lock();
        *plot = Plot { mode: Mode::Calm, calls: 0, failed: Vec::new(), randoms, ..*plot };
    }

    /// Random numbers begin anew, and nothing else changes.
    pub fn choose_from(&self, randoms: u64) {
        self.0.lock().randoms = randoms;
    }

    fn set(&self, mode: Mode) {
        let mut plot = self.0.lock();
        (plot.mode, plot.calls) = (mode, 0);
        plot.failed.clear();
    }

    /// The `n`-th call from now fails; 1 is the next.
    pub fn fail_once(&self, n: usize, manner: Manner) {
        self.set(Mode::Once(n));
        self.0.lock().manner = manner;
    }

    /// The same, and then the `m`-th undoing.
    pub fn fail_twice(&self, n: usize, m: usize) {
        self.set(Mode::Twice(n, m));
        self.0.lock().manner = Manner::OneByOne;
    }

    /// Nothing fails but the `m`-th undoing from now.
    pub fn fail_undoing(&self, m: usize) {
        self.fail_twice(0, m);
    }

    /// The process dies before the `n`-th call.
    pub fn die_at(&self, n: usize) {
        self.set(Mode::Dead(n));
        self.0.lock().manner = Manner::OneByOne;
    }

    /// The process runs `halt`, which does not return, before the `n`-th call.
    pub fn halt_at(&self, n: usize, halt: fn()) {
        self.set(Mode::Halt(n, halt));
    }

    /// The calls that failed.
    pub fn failed(&self) -> Vec<Call> {
        self.0.lock().failed.clone()
    }

    fn call(&self, call: Call) -> Result<()> {
        let mut plot = self.0.lock();
        if plot.effects_only && matches!(call, Call::Ask | Call::Read) {
            return Ok(());
        }
        plot.calls += 1;
        let fails = match plot.mode {
            Mode::Once(n) => plot.calls == n,
            Mode::Twice(n, m) if plot.calls == n => {
                plot.mode = Mode::Twice(0, m);
                true
            }
            Mode::Twice(0, m) if call == Call::Undo => {
                plot.mode = Mode::Twice(0, m.saturating_sub(1));
                m == 1
            }
            Mode::Calm | Mode::Twice(..) => false,
            Mode::Dead(n) => plot.calls >= n,
            Mode::Halt(n, halt) => {
                if plot.calls == n {
                    halt();
                }
                false
            }
        };
        if fails {
            plot.failed.push(call);
            return Err(Error::new(Kind::Kernel, "on demand").with_errno(libc::EIO));
        }
        Ok(())
    }
}

/// A kernel under a script.
pub struct FaultyKernel {
    pub inner: Arc<dyn Kernel>,
    pub script: Arc<Script>,
}

impl FaultyKernel {
    /// All in one call of the real one, where the step that fails is replaced by one that the kernel
    /// refuses in the same place.
    fn together(&self, steps: &[Step]) -> Outcome {
        let mut mine = None;
        let mut sent = steps.to_vec();
        for (index, step) in sent.iter_mut().enumerate() {
            if mine.is_none() && self.script.call(Call::Apply).is_err() {
                mine = Some(index);
                *step = refused(step);
            }
        }
        self.inner.apply(&sent)
    }

    fn one_by_one(&self, steps: &[Step]) -> Outcome {
        let mut outcome = Outcome::default();
        for (index, step) in steps.iter().enumerate() {
            let result = self.script.call(Call::Apply).and_then(|()| {
                let one = self.inner.apply(std::slice::from_ref(step));
                one.failed.map_or(Ok(()), |(_, error)| Err(error))
            });
            outcome.done.push(result.is_ok());
            if let Err(error) = result {
                outcome.failed = Some((index, error));
                break;
            }
        }
        outcome
    }
}

/// A step of the same kind of request, in the same namespace, that cannot succeed.
fn refused(step: &Step) -> Step {
    let dev = "nb-is-not-there".to_owned();
    match step {
        Step::Bridge { .. } | Step::Veth { .. } | Step::BridgePort { .. } => {
            Step::BridgePort { name: dev }
        }
        Step::Up { ns, .. }
        | Step::Address { ns, .. }
        | Step::Route { ns, .. }
        | Step::DefaultRoute { ns, .. } => Step::Up { ns: ns.clone(), dev },
        Step::Sysctl { ns, .. } => {
            let key = "net/ipv4/conf/nb-is-not-there/forwarding".to_owned();
            Step::Sysctl { ns: ns.clone(), key, value: "1".into(), before: None }
        }
        _ => {
            let key = "net/ipv4/conf/nb-is-not-there/forwarding".to_owned();
            Step::Sysctl { ns: Ns::Host, key, value: "1".into(), before: None }
        }
    }
}

impl Kernel for FaultyKernel {
    fn random(&self) -> Result<[u8; 32]> {
        self.script.call(Call::Ask)?;
        let mut plot = self.script.0.lock();
        plot.randoms += 1;
        // Spread, so that prefixes differ: Knuth's multiplicative hash of a counter.
        let mut word = plot.randoms;
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Ok(bytes)
    }

    fn facts(&self, ask: &Ask) -> Result<Facts> {
        self.script.call(Call::Ask)?;
        self.inner.facts(ask)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        self.script.call(Call::Ask)?;
        self.inner.holds(step)
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        let manner = self.script.0.lock().manner;
        match manner {
            Manner::OneByOne => self.one_by_one(steps),
            Manner::Together => self.together(steps),
        }
    }

    /// In one call of the real one where no undoing fails: there a step may go with another.
    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        let Plot { mode, manner, .. } = *self.script.0.lock();
        if matches!(mode, Mode::Calm) || manner == Manner::Together {
            return self.inner.undo(steps);
        }
        let mut results: Vec<Result<()>> = Vec::new();
        for step in steps.iter().rev() {
            results.push(self.script.call(Call::Undo).and_then(|()| {
                let mut one = self.inner.undo(std::slice::from_ref(step));
                one.pop().unwrap_or(Ok(()))
            }));
        }
        results.reverse();
        results
    }
}

/// A store under a script.
pub struct FaultyStore {
    pub inner: Arc<dyn Store>,
    pub script: Arc<Script>,
}

impl Store for FaultyStore {
    fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.script.call(Call::Read)?;
        self.inner.get(key)
    }

    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>> {
        self.script.call(Call::Read)?;
        self.inner.list(select)
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        self.script.call(Call::Commit)?;
        self.inner.commit(batch)
    }

    fn intend(&self, text: &str) -> Result<()> {
        self.script.call(Call::Commit)?;
        self.inner.intend(text)
    }

    fn intended(&self) -> Result<Option<String>> {
        self.script.call(Call::Read)?;
        self.inner.intended()
    }
}
