//! How a decision becomes true: ask what holds, write the intent, apply, write the record. Rollback,
//! deletion and recovery are the same undoing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::locked::Locked;
use super::log::Level;
use super::{plans, records};
use crate::error::{Error, Kind, Result};
use crate::plan::{Done, Makes, Step, without_doomed};
use crate::store::{Batch, Change, Expect, Key, Record, Select, Store, Table, encode};

/// What a verb is about to do, written before the kernel is touched.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub(super) enum Intent {
    /// Something is built: a crash undoes it.
    Build {
        /// The verb, in words.
        doing: String,
        /// What to undo.
        undo: Vec<Step>,
    },
    /// Something is taken down: a crash finishes it.
    TakeDown {
        /// The verb, in words.
        doing: String,
        /// What to apply; safe to repeat.
        adjust: Vec<Step>,
        /// What to undo.
        undo: Vec<Step>,
        /// What to write at the end.
        batch: Batch,
    },
    /// What is not as it was made is set right: after a crash, from there on.
    Repair {
        /// The verb, in words.
        doing: String,
    },
}

/// [`Intent`], as it is written: of what the verb itself goes on with.
#[derive(Serialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
enum Writing<'a> {
    Build { doing: &'a str, undo: Vec<Cow<'a, Step>> },
    TakeDown { doing: &'a str, adjust: &'a [Step], undo: Vec<Cow<'a, Step>>, batch: &'a Batch },
}

/// The verb in progress if it is one that commits on its way, or an older netberth's; there is at most
/// one, because the lock is held.
pub(super) fn current() -> Key {
    Key::new(Table::Intent, "", "current")
}

/// What is not finished, that of the last verb first.
pub(super) fn unfinished(store: &dyn Store) -> Result<Vec<Record>> {
    let last = store.intended()?.map(|text| Record { key: current(), text, revision: 0 });
    let mut all: Vec<Record> = last.into_iter().collect();
    if !store.is_empty(Table::Intent)? {
        all.extend(store.list(&Select::all(Table::Intent))?);
    }
    Ok(all)
}

pub(super) fn intent_batch(intent: &Intent) -> Result<Batch> {
    let text = encode(intent)?;
    let put = Change::Put { key: current(), text, expect: Expect::Absent };
    Ok(Batch { changes: vec![put], durable: false })
}

pub(super) fn and_drop_intent(mut batch: Batch) -> Batch {
    batch.changes.push(Change::Delete { key: current(), expect: Expect::Any });
    batch
}

/// A step about to be applied.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) done: Done,
    pub(super) apply: bool,
    pub(super) undo: bool,
}

impl Ready {
    /// A step that is not recorded: it is worked out anew at each change.
    pub(super) fn transient(step: Step) -> Self {
        Ready { done: Done { step, held: false }, apply: true, undo: true }
    }
}

/// Builds `plan`, which is recorded by what `records` makes of it, and applies `adjust`, which is
/// not: names and default routes are worked out anew at each change.
pub(super) fn build(
    locked: &mut Locked<'_>,
    doing: &str,
    plan: Vec<Step>,
    adjust: Vec<Step>,
    records: impl FnOnce(&[Done]) -> Result<Batch>,
) -> Result<()> {
    build_with_last(locked, doing, plan, adjust, Vec::new(), records)
}

/// The same with steps of the plan that wait for what is adjusted.
pub(super) fn build_with_last(
    locked: &mut Locked<'_>,
    doing: &str,
    mut plan: Vec<Step>,
    adjust: Vec<Step>,
    last: Vec<Step>,
    records: impl FnOnce(&[Done]) -> Result<Batch>,
) -> Result<()> {
    let split = plan.len();
    plan.extend(last);
    let (done, how) = prepare(locked, plan)?;
    let batch = records(&done)?;
    let planned = done.into_iter().zip(how);
    let mut ready: Vec<Ready> =
        planned.map(|(done, How { apply, undo })| Ready { done, apply, undo }).collect();
    let last = ready.split_off(split);
    ready.extend(adjust.into_iter().map(Ready::transient));
    ready.extend(last);
    if let Some(staged) = locked.staged() {
        staged.extend(ready);
        return locked.store().commit(&batch);
    }
    perform(locked, doing, ready, &batch)
}

/// Does what is ready, and writes the records.
pub(super) fn perform(
    locked: &mut Locked<'_>,
    doing: &str,
    ready: Vec<Ready>,
    batch: &Batch,
) -> Result<()> {
    if ready.is_empty() {
        return locked.store().commit(batch);
    }
    let undo = ready.iter().filter(|ready| ready.undo).map(|ready| &ready.done.step);
    let intent = Writing::Build { doing, undo: intended(undo) };
    locked.store().intend(&encode(&intent)?)?;
    let (applied, result) = apply(locked, ready);
    let result = result.and_then(|()| locked.store().commit(batch));
    let Err(cause) = result else { return Ok(()) };
    Err(roll_back(locked, doing, &applied, cause))
}

/// What is done with a step of a plan.
struct How {
    apply: bool,
    undo: bool,
}

/// Whether each step holds already, and whether others need it too.
fn prepare(locked: &Locked<'_>, plan: Vec<Step>) -> Result<(Vec<Done>, Vec<How>)> {
    let shared = shared_elsewhere(locked, plan.iter(), &[])?;
    let makes = Makes::of(plan.iter());
    let look = |step: &Step| {
        let may = step.may_hold() && !makes.holds_back(step);
        if may { locked.kernel().holds(step) } else { Ok(false) }
    };
    let holds: Vec<bool> = plan.iter().map(look).collect::<Result<_>>()?;
    let decide = |(step, holds): (Step, bool)| {
        let other = shared.iter().find(|done| step.is_shared() && done.step.same_as(&step));
        match other {
            // The first to need it found the world as it was: its memory is the true one.
            Some(done) => (done.clone(), How { apply: !holds, undo: false }),
            None => (Done { step, held: holds }, How { apply: !holds, undo: !holds }),
        }
    };
    Ok(plan.into_iter().zip(holds).map(decide).unzip())
}

/// The shared steps in the plans of everything but `except` that any of `steps` could be the same
/// as: those of sandboxes, of which there may be thousands, are read only if need be.
fn shared_elsewhere<'a>(
    locked: &Locked<'_>,
    steps: impl Iterator<Item = &'a Step>,
    except: &[Key],
) -> Result<Vec<Done>> {
    let in_plans_of = |step: &Step| match step {
        Step::Netns { .. } => records::OF_SANDBOX,
        _ => records::OF_NETWORK,
    };
    let parents: BTreeSet<&str> = steps.filter(|step| step.is_shared()).map(in_plans_of).collect();
    let mut shared = Vec::new();
    for parent in parents {
        let select = Select { table: Table::Steps, parent: Some(parent), prefix: "" };
        for record in locked.store().list(&select)? {
            if !except.contains(&record.key) {
                let steps = plans::decode(&record)?.into_iter();
                shared.extend(steps.filter(|done| done.step.is_shared()));
            }
        }
    }
    Ok(shared)
}

/// Applies what does not hold yet; tells what there is to undo.
fn apply(locked: &mut Locked<'_>, ready: Vec<Ready>) -> (Vec<Step>, Result<()>) {
    let wanted = ready.into_iter().filter(|ready| ready.apply);
    let (steps, undo): (Vec<Step>, Vec<bool>) =
        wanted.map(|ready| (ready.done.step, ready.undo)).unzip();
    let outcome = locked.kernel().apply(&steps);
    let mut applied = Vec::new();
    for ((step, undo), done) in steps.into_iter().zip(undo).zip(&outcome.done) {
        if *done {
            locked.say(Level::Debug, || step.to_string());
        }
        if *done && undo {
            applied.push(step);
        }
    }
    (applied, outcome.failed.map_or(Ok(()), |(_, error)| Err(error)))
}

fn roll_back(locked: &mut Locked<'_>, doing: &str, applied: &[Step], cause: Error) -> Error {
    let (left, failures) = undo(locked, applied);
    let cause = failures.into_iter().fold(cause, Error::and_while_undoing);
    let dropped = match leftover(doing, left) {
        Ok(batch) => locked.store().commit(&batch),
        Err(error) => Err(error),
    };
    match dropped {
        Ok(()) => cause,
        Err(error) => cause.and_while_undoing(error),
    }
}

/// What could not be undone is kept, and tried again before the next verb.
pub(super) fn leftover(doing: &str, left: Vec<Step>) -> Result<Batch> {
    let mut batch = Batch::default();
    if !left.is_empty() {
        let key = Key::new(Table::Intent, "left", super::now().to_string());
        let text = encode(&Intent::Build { doing: doing.to_owned(), undo: left })?;
        batch.changes.push(Change::Put { key, text, expect: Expect::Any });
    }
    Ok(batch)
}

/// Takes down what `remove` says was done under the keys `owners`: `adjust` first, so that nothing
/// names or routes what is about to go, then the undoing, newest first. `gone` is written when all
/// is undone; otherwise `left` is, with what remains, and the verb can be called again.
pub(super) fn take_down(
    locked: &mut Locked<'_>,
    doing: &str,
    owners: &[Key],
    adjust: &[Step],
    remove: Vec<Done>,
    gone: &Batch,
    left: impl FnOnce(&Remains) -> Result<Batch>,
) -> Result<()> {
    let undo_list = removable(locked, owners, remove)?;
    if adjust.is_empty() && undo_list.is_empty() {
        return locked.store().commit(gone);
    }
    let undo_intended = intended(undo_list.iter());
    let intent = Writing::TakeDown { doing, adjust, undo: undo_intended, batch: gone };
    locked.store().intend(&encode(&intent)?)?;
    let unadjusted = adjust_all(locked, adjust);
    let unswapped = unadjusted.iter().any(|(step, _)| matches!(step, Step::Swap { .. }));
    let (remaining, undoing) = undo(locked, &undo_list);
    let mut failures = unadjusted.into_iter().map(|(_, error)| error).chain(undoing);
    let Some(first) = failures.next() else {
        return locked.store().commit(gone);
    };
    let cause = failures.fold(first, Error::and_while_undoing);
    let steps = remaining.into_iter().map(|step| Done { step, held: false }).collect();
    let remains = Remains { steps, unswapped };
    let marked = left(&remains).and_then(|batch| locked.store().commit(&batch));
    Err(match marked {
        Ok(()) => cause,
        Err(error) => cause.and_while_undoing(error),
    })
}

/// What is left when something could not be taken down.
pub(super) struct Remains {
    /// What could not be undone.
    pub(super) steps: Vec<Done>,
    /// Services have their elements of before.
    pub(super) unswapped: bool,
}

/// What of a recorded plan is ours to undo.
pub(super) fn removable(
    locked: &Locked<'_>,
    owners: &[Key],
    remove: Vec<Done>,
) -> Result<Vec<Step>> {
    let shared = shared_elsewhere(locked, remove.iter().map(|done| &done.step), owners)?;
    let needed = |step: &Step| shared.iter().any(|done| done.step.same_as(step));
    let ours = remove.into_iter().filter(|done| !done.held);
    Ok(ours.map(|done| done.step).filter(|step| !(step.is_shared() && needed(step))).collect())
}

/// Applies every adjustment, whatever becomes of the others. What it would change may be gone: the
/// namespace of a container that ended, the device of a route. Returns what failed, and why.
pub(super) fn adjust_all<'a>(
    locked: &mut Locked<'_>,
    adjust: &'a [Step],
) -> Vec<(&'a Step, Error)> {
    let mut failures = Vec::new();
    for step in adjust {
        match locked.kernel().apply(std::slice::from_ref(step)).failed {
            None => locked.say(Level::Debug, || step.to_string()),
            Some((_, error)) if is_gone(&error) => {}
            Some((_, error)) => failures.push((step, error)),
        }
    }
    failures
}

fn is_gone(error: &Error) -> bool {
    error.kind() == Kind::NotFound || error.errno() == Some(libc::ENODEV)
}

/// Undoes the steps, newest first, never stopping early; returns what remains, and why.
pub(super) fn undo(locked: &mut Locked<'_>, steps: &[Step]) -> (Vec<Step>, Vec<Error>) {
    let steps = by_themselves(steps);
    let results = locked.kernel().undo(&steps);
    let stays: Vec<PathBuf> = steps
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_err())
        .filter_map(|(step, _)| file_of(step))
        .collect();
    // A directory that is not empty counts as undone, and is tried again with what is in it.
    let keeps = |step: &Step| match step {
        Step::Directory { path } => stays.iter().any(|file| file.starts_with(path)),
        _ => false,
    };
    let (mut left, mut failures) = (Vec::new(), Vec::new());
    for (step, result) in steps.into_iter().zip(results) {
        match result {
            Ok(()) if keeps(&step) => left.push(step),
            Ok(()) => locked.say(Level::Debug, || format!("undone: {step}")),
            Err(error) => {
                failures.push(error);
                left.push(step);
            }
        }
    }
    (left, failures)
}

/// What an intent holds of these: as much as an undoing looks at. A file that was not there is removed,
/// whatever was to be in it.
fn intended<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> Vec<Cow<'a, Step>> {
    let bare = |step: &'a Step| match step {
        Step::File { path, before: None, .. } => {
            Cow::Owned(Step::File { path: path.clone(), text: String::new(), before: None })
        }
        step => Cow::Borrowed(step),
    };
    without_doomed(steps).into_iter().map(|(_, step)| bare(step)).collect()
}

/// Those that do not go with others.
fn by_themselves(steps: &[Step]) -> Vec<Step> {
    without_doomed(steps.iter()).into_iter().map(|(_, step)| step.clone()).collect()
}

/// The file that the step makes.
fn file_of(step: &Step) -> Option<PathBuf> {
    match step {
        Step::File { path, .. } | Step::Netns { path, .. } => Some(path.clone()),
        _ => None,
    }
}
