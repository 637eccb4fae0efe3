//! After a crash: what was being built is undone, what was being taken down is finished.

use super::commit::{Intent, adjust_all, current, leftover, undo};
use super::locked::Locked;
use super::log::Level;
use crate::error::{Error, Result};
use crate::store::{Batch, Change, Expect, Record, Select, Table, decode};

/// The verb that the last holder of the lock did not finish, if any.
pub(super) fn interrupted(locked: &mut Locked<'_>) -> Result<()> {
    let Some(record) = locked.store().get(&current())? else { return Ok(()) };
    let intent: Intent = decode(&record)?;
    let (doing, left, failures, batch) = match intent {
        Intent::Build { doing, undo: steps } => {
            let (left, failures) = undo(locked, steps);
            (doing, left, failures, Batch::default())
        }
        Intent::TakeDown { doing, adjust, undo: steps, batch } => {
            let mut failures = adjust_all(locked, &adjust);
            let (left, undoing) = undo(locked, steps);
            failures.extend(undoing);
            (doing, left, failures, batch)
        }
    };
    tell(locked, &doing, &failures);
    let mut all = leftover(&doing, left)?;
    all.durable = batch.durable;
    all.changes.extend(batch.changes);
    locked.store().commit(&all)
}

/// What an earlier clean-up could not undo is tried again.
pub(super) fn leftovers(locked: &mut Locked<'_>) -> Result<()> {
    let select = Select { table: Table::Intent, parent: Some("left"), prefix: "" };
    for record in locked.store().list(&select)? {
        retry(locked, &record)?;
    }
    Ok(())
}

fn retry(locked: &mut Locked<'_>, record: &Record) -> Result<()> {
    let Intent::Build { doing, undo: steps } = decode(record)? else { return Ok(()) };
    let (left, failures) = undo(locked, steps);
    tell(locked, &doing, &failures);
    if left.is_empty() {
        let delete = Change::Delete { key: record.key.clone(), expect: Expect::Any };
        return locked.store().commit(&Batch { changes: vec![delete], durable: false });
    }
    Ok(())
}

fn tell(locked: &mut Locked<'_>, doing: &str, failures: &[Error]) {
    locked.say(Level::Info, || format!("recovered from an interrupted verb: {doing}"));
    for failure in failures {
        locked.say(Level::Warning, || format!("while recovering from {doing}: {failure}"));
    }
}
