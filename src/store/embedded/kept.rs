//! The list that was asked for last, so that a verb among a thousand endpoints does not read them all.
//!
//! SQLite tells by `PRAGMA data_version` whether another connection has committed since; what this
//! connection commits is put in here, too.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::read::prepare;
use super::{fault, read};
use crate::error::Result;
use crate::store::{Change, Key, Listed, Record, Select, Table};

/// Longer lists are read anew each time: a few endpoints with tens of thousands of ports each.
const LONGEST: usize = 8 << 20;

/// A list of all records of one table and parent.
#[derive(Debug)]
pub(super) struct Kept {
    table: Table,
    parent: String,
    version: i64,
    rows: Vec<Arc<Listed>>,
    /// Where each id stands among the rows.
    places: HashMap<String, usize>,
}

/// The list of `table` and `parent`, from `kept` where nobody has changed it.
pub(super) fn listed(
    connection: &Connection,
    kept: &mut Option<Kept>,
    file: &Path,
    table: Table,
    parent: &str,
) -> Result<Vec<Arc<Listed>>> {
    let failed = |error| fault::sqlite(file, &error);
    let now = version(connection).map_err(failed)?;
    if let Some(known) =
        kept.as_ref().filter(|known| known.version == now && known.is(table, parent))
    {
        return Ok(known.rows.clone());
    }
    *kept = None;
    // A commit between the version and the list makes the version the older one: then it is read again.
    let records = read::list(connection, file, &Select::of(table, parent))?;
    let length: usize = records.iter().map(|record| record.text.len()).sum();
    let rows: Vec<Arc<Listed>> = records.into_iter().map(Listed::new).collect();
    if length <= LONGEST {
        let id = |row: &Arc<Listed>| row.record().key.id.clone();
        let places = rows.iter().enumerate().map(|(at, row)| (id(row), at)).collect();
        let (parent, rows) = (parent.to_owned(), rows.clone());
        *kept = Some(Kept { table, parent, version: now, rows, places });
    }
    Ok(rows)
}

/// Within a transaction that writes: forgets the list if others have written since.
pub(super) fn check(connection: &Connection, kept: &mut Option<Kept>) -> rusqlite::Result<()> {
    if let Some(known) = kept {
        let same = version(connection)? == known.version;
        kept.take_if(|_| !same);
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    prepare(connection, "PRAGMA data_version")?.query_row([], |row| row.get(0))
}

impl Kept {
    fn is(&self, table: Table, parent: &str) -> bool {
        self.table == table && self.parent == parent
    }

    /// After a commit: what became of a record, which keeps its place if it was there.
    fn note(&mut self, key: &Key, record: Option<Record>) {
        if !self.is(key.table, &key.parent) {
            return;
        }
        match (self.places.get(&key.id).copied(), record.map(Listed::new)) {
            (Some(at), Some(new)) => {
                if let Some(row) = self.rows.get_mut(at) {
                    *row = new;
                }
            }
            (Some(at), None) => {
                self.rows.remove(at);
                self.places.remove(&key.id);
                self.places.values_mut().filter(|place| **place > at).for_each(|place| *place -= 1);
            }
            (None, Some(new)) => {
                self.places.insert(key.id.clone(), self.rows.len());
                self.rows.push(new);
            }
            (None, None) => {}
        }
    }
}

/// After a commit of `changes`, whose writes were given the revisions after `revision`.
pub(super) fn note(kept: &mut Option<Kept>, changes: &[Change], mut revision: u64) {
    let Some(kept) = kept else { return };
    for change in changes {
        match change {
            Change::Put { key, text, .. } => {
                revision += 1;
                let record = Record { key: key.clone(), text: text.clone(), revision };
                kept.note(key, Some(record));
            }
            Change::Delete { key, .. } => kept.note(key, None),
        }
    }
}
