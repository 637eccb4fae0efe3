//! Files of older formats.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{create, fault, read};
use crate::error::Result;

/// What each format lacks that the next one has, the oldest first.
///
/// 1: the format of a record's text, which was 1 in all of them; sums leave that out, so that none
/// changes and a process that still runs the older library writes what this one reads.
const STEPS: [&str; 1] = ["ALTER TABLE record ADD COLUMN v INTEGER NOT NULL DEFAULT 1;"];

/// Brings a file to the present format, whole or not at all; one that is damaged stays as it is.
pub(super) fn to_the_present(connection: &Connection, file: &Path) -> Result<()> {
    let failed = |error| fault::sqlite(file, &error);
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let transaction = transaction.map_err(failed)?;
    // Another process may have been quicker.
    let format: i64 =
        transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let done = usize::try_from(format).unwrap_or_default().saturating_sub(1);
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", create::FORMAT).map_err(failed)?;
    read::everything(&transaction, file)?;
    transaction.commit().map_err(failed)
}
