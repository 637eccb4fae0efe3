//! After a crash: what was being built is undone, what was being taken down is finished.

use super::commit::{self, Intent, adjust_all, current, leftover, undo};
use super::locked::Locked;
use super::log::Level;
use super::{plans, repair};
use crate::error::{Error, Result};
use crate::plan::{Done, Step};
use crate::store::{Batch, Change, Expect, Record, Select, Table, decode, encode};

/// The verb that the last holder of the lock did not finish, if any, and what earlier clean-ups
/// could not undo: before anything is built where it stands.
pub(super) fn unfinished(locked: &mut Locked<'_>) -> Result<()> {
    for record in commit::unfinished(locked.store())? {
        // Of nobody's verb everything is seen to as if it were the last one's.
        let left = record.key != current();
        match decode(&record)? {
            Intent::Build { doing, undo } if left => retry(locked, &record, doing, undo)?,
            intent => interrupted(locked, &record, intent)?,
        }
    }
    Ok(())
}

fn interrupted(locked: &mut Locked<'_>, record: &Record, intent: Intent) -> Result<()> {
    let (doing, left, failures, batch) = match intent {
        Intent::Build { doing, undo: steps } => {
            let (left, failures) = undo(locked, &steps);
            (doing, left, failures, Batch::default())
        }
        Intent::TakeDown { doing, adjust, undo: steps, batch } => {
            let unadjusted = adjust_all(locked, &adjust).into_iter().map(|(_, error)| error);
            let mut failures: Vec<Error> = unadjusted.collect();
            let (left, undoing) = undo(locked, &steps);
            failures.extend(undoing);
            (doing, left, failures, batch)
        }
        Intent::Repair { .. } if record.key == current() => return repair::again(locked),
        Intent::Repair { doing } => (doing, Vec::new(), Vec::new(), Batch::default()),
    };
    tell(locked, &doing, &failures);
    let mut all = leftover(&doing, left)?;
    all.changes.push(Change::Delete { key: record.key.clone(), expect: Expect::Any });
    all.durable = batch.durable;
    all.changes.extend(batch.changes);
    locked.store().commit(&all)
}

fn retry(
    locked: &mut Locked<'_>,
    record: &Record,
    doing: String,
    mut steps: Vec<Step>,
) -> Result<()> {
    let owned = recorded(locked)?;
    // What somebody needs by now waits until he is gone: he found it done, and will leave it.
    let needed = |step: &Step| owned.iter().any(|done| same_thing(&done.step, step));
    let free: Vec<Step> = steps.iter().filter(|step| !needed(step)).cloned().collect();
    let (left, failures) = undo(locked, &free);
    tell(locked, &doing, &failures);
    steps.retain(|step| needed(step) || left.contains(step));
    let (key, expect) = (record.key.clone(), Expect::Any);
    let change = if steps.is_empty() {
        Change::Delete { key, expect }
    } else {
        Change::Put { key, text: encode(&Intent::Build { doing, undo: steps })?, expect }
    };
    locked.store().commit(&Batch { changes: vec![change], durable: false })
}

/// The plans of everything there is.
fn recorded(locked: &Locked<'_>) -> Result<Vec<Done>> {
    let mut all = Vec::new();
    for record in locked.store().list(&Select::all(Table::Steps))? {
        all.extend(plans::decode(&record)?);
    }
    Ok(all)
}

/// Whether undoing the one takes away what the other made.
fn same_thing(one: &Step, other: &Step) -> bool {
    use Step::{Bridge, Elements, File, Netns, Veth};
    match (one, other) {
        (
            Bridge { name, .. } | Veth { name, .. },
            Bridge { name: of, .. } | Veth { name: of, .. },
        ) => name == of,
        // A file that was there is put back, whoever has it.
        (File { path, text, .. }, File { path: of, text: written, before }) => {
            path == of && (before.is_none() || text == written)
        }
        (Netns { path, .. }, Netns { path: of, .. }) => path == of,
        (Elements { sets }, Elements { sets: others }) => sets.iter().any(|set| {
            let same = others.iter().filter(|other| other.set == set.set);
            let keys = |key| set.elements.iter().any(|element| element.key == key);
            same.flat_map(|other| &other.elements).any(|element| keys(element.key.clone()))
        }),
        _ => one.same_as(other),
    }
}

fn tell(locked: &mut Locked<'_>, doing: &str, failures: &[Error]) {
    locked.say(Level::Info, || format!("recovered from an interrupted verb: {doing}"));
    for failure in failures {
        locked.say(Level::Warning, || format!("while recovering from {doing}: {failure}"));
    }
}
