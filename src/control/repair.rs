//! Setting right what is not as it was made: exactly that, and nothing else is touched.

use std::collections::BTreeMap;

use super::commit::{Intent, and_drop_intent, intent_batch, removable};
use super::locked::Locked;
use super::log::Level;
use super::verify::{Sight, look};
use super::{Netberth, recover};
use crate::error::{Doing, Error, Result};
use crate::model::{Difference, Owner, Repair};
use crate::plan::Step;
use crate::plan::rules::SetElements;
use crate::services::checks::{self, Action, Finding};
use crate::store::Batch;

/// What is set right may show what was hidden behind it: an address behind the device that was gone.
const ROUNDS: usize = 4;
const DOING: &str = "repair";

impl Netberth {
    /// Sets right what [`Netberth::verify`] tells of, as far as it is netberth's. What is right is
    /// not touched; a difference that cannot be set right is left as it was, and keeps none of the
    /// others from it.
    ///
    /// # Errors
    /// As [`Netberth::verify`]; a step that fails is told with its difference.
    pub fn repair(&self) -> Result<Repair> {
        let mut locked = self.lock_as_it_is()?;
        repair(&mut locked).doing(|| DOING)
    }
}

fn repair(locked: &mut Locked<'_>) -> Result<Repair> {
    let mut seen = look(locked)?;
    let told = seen.findings()?;
    if seen.is_unfinished() {
        recover::unfinished(locked)?;
        seen = look(locked)?;
    }
    // A rehearsal changes nothing, so that another look would find the same again.
    if reconcile(locked, &seen)? && !locked.netberth.silent {
        seen = look(locked)?;
    }
    let (left, failures) = rounds(locked, seen.findings()?)?;
    let left = checks::told(&left);
    let place = |one: &Difference| (one.owner.clone(), one.object.clone());
    let mut repaired = checks::told(&told);
    repaired.retain(|one| !left.iter().any(|left| place(left) == place(one)));
    let with_error = |difference: Difference| {
        let error = failures.get(&place(&difference)).cloned();
        Difference { error, ..difference }
    };
    let differences = left.into_iter().map(with_error).collect();
    let count = repaired.len();
    locked.say(Level::Info, || format!("{count} differences repaired"));
    Ok(Repair { repaired, differences })
}

/// Sets right the records that contradict each other, as a verb that takes down what nobody has: after
/// a crash it is finished. Says whether there was anything to do.
fn reconcile(locked: &mut Locked<'_>, seen: &Sight) -> Result<bool> {
    let audit = seen.audit();
    if !audit.is_mended() {
        return Ok(false);
    }
    let undo = removable(locked, &audit.owners, audit.undo.clone())?;
    let (doing, adjust) = ("repair records".to_owned(), seen.forgetting());
    let batch = audit.batch.clone();
    let intent = Intent::TakeDown { doing, adjust, undo, batch };
    locked.store().commit(&intent_batch(&intent)?)?;
    recover::unfinished(locked)?;
    Ok(true)
}

/// After a crash in the middle of it: the records are as they were, and say what is still to do.
pub(super) fn again(locked: &mut Locked<'_>) -> Result<()> {
    locked.store().commit(&and_drop_intent(Batch::default()))?;
    let found = look(locked)?.findings()?;
    rounds(locked, found).map(drop)
}

type Failures = BTreeMap<(Owner, String), String>;

/// Repairs until nothing is left that can be set right; returns what is left, and why.
fn rounds(locked: &mut Locked<'_>, found: Vec<Finding>) -> Result<(Vec<Finding>, Failures)> {
    let mut failures = Failures::new();
    let mut left = found;
    if left.iter().all(|one| one.mend.is_empty()) {
        return Ok((left, failures));
    }
    locked.store().commit(&intent_batch(&Intent::Repair { doing: DOING.to_owned() })?)?;
    let result = (0..ROUNDS).try_for_each(|_| {
        if left.iter().all(|one| one.mend.is_empty()) {
            return Ok(());
        }
        round(locked, &left, &mut failures)?;
        // A rehearsal changes nothing, so that another look would find the same again.
        left = if locked.netberth.silent { Vec::new() } else { look(locked)?.findings()? };
        Ok(())
    });
    let dropped = locked.store().commit(&and_drop_intent(Batch::default()));
    result.and(dropped).map(|()| (left, failures))
}

/// Sets right what it can, each for itself, but for elements and the table: those go together.
fn round(locked: &mut Locked<'_>, found: &[Finding], failures: &mut Failures) -> Result<()> {
    let mut fail = |one: &Finding, error: &Error| {
        let place = (one.difference.owner.clone(), one.difference.object.clone());
        failures.insert(place, error.to_string());
    };
    let (reloads, others): (Vec<&Finding>, Vec<&Finding>) =
        found.iter().partition(|one| one.mend.contains(&Action::Reload));
    if !reloads.is_empty() {
        let reload = look(locked)?.reloading()?;
        if let Err(error) = play(locked, &[Action::Do(reload)]) {
            for one in &reloads {
                fail(one, &error);
            }
        }
    }
    let (swaps, others): (Vec<&Finding>, Vec<&Finding>) = others.into_iter().partition(|one| {
        !one.mend.is_empty()
            && one.mend.iter().all(|action| matches!(action, Action::Do(Step::Swap { .. })))
    });
    let together = gathered(&swaps);
    if swaps.len() < 2 || play(locked, &[Action::Do(together)]).is_err() {
        for one in swaps {
            play(locked, &one.mend).unwrap_or_else(|error| fail(one, &error));
        }
    }
    for one in others.into_iter().filter(|one| !one.mend.is_empty()) {
        play(locked, &one.mend).unwrap_or_else(|error| fail(one, &error));
    }
    Ok(())
}

/// All swaps as one.
fn gathered(findings: &[&Finding]) -> Step {
    let (mut all_removed, mut all_added) = (Vec::new(), Vec::new());
    for action in findings.iter().flat_map(|one| &one.mend) {
        if let Action::Do(Step::Swap { remove, add }) = action {
            SetElements::gather(&mut all_removed, remove.clone());
            SetElements::gather(&mut all_added, add.clone());
        }
    }
    Step::Swap { remove: all_removed, add: all_added }
}

/// Does all of it, or leaves it as it was.
fn play(locked: &mut Locked<'_>, actions: &[Action]) -> Result<()> {
    for (index, action) in actions.iter().enumerate() {
        let Err(error) = act(locked, action) else { continue };
        let done = actions.get(..index).unwrap_or_default();
        return Err(done.iter().rev().fold(error, |error, action| match back(locked, action) {
            Ok(()) => error,
            Err(cleanup) => error.and_while_undoing(cleanup),
        }));
    }
    Ok(())
}

fn act(locked: &mut Locked<'_>, action: &Action) -> Result<()> {
    match action {
        Action::Do(step) => apply(locked, step),
        Action::Undo(step) => undo(locked, step),
        Action::Reload => Ok(()),
    }
}

fn back(locked: &mut Locked<'_>, action: &Action) -> Result<()> {
    match action {
        Action::Do(step) => undo(locked, step),
        Action::Undo(step) => apply(locked, step),
        Action::Reload => Ok(()),
    }
}

fn apply(locked: &mut Locked<'_>, step: &Step) -> Result<()> {
    if let Some((_, error)) = locked.kernel().apply(std::slice::from_ref(step)).failed {
        return Err(error);
    }
    locked.say(Level::Debug, || step.to_string());
    Ok(())
}

fn undo(locked: &mut Locked<'_>, step: &Step) -> Result<()> {
    locked.kernel().undo(std::slice::from_ref(step)).into_iter().collect::<Result<()>>()?;
    locked.say(Level::Debug, || format!("undone: {step}"));
    Ok(())
}
