//! The list that was asked for last, so that a verb among a thousand endpoints does not read them all.
//!
//! SQLite tells by `PRAGMA data_version` whether another connection has committed since; what this
//! connection commits is put in here, too.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::fork::Live;
use super::read::prepare;
use super::{fault, read};
use crate::error::Result;
use crate::store::{Key, Listed, Rows, Select, Table};

/// Longer lists are read anew each time: a few endpoints with tens of thousands of ports each.
const LONGEST: usize = 8 << 20;

/// A list of all records of one table and parent.
#[derive(Debug)]
pub(super) struct Kept {
    table: Table,
    parent: String,
    version: i64,
    rows: Rows,
    /// Where each id stands among the rows.
    places: HashMap<String, usize>,
}

/// The list of `table` and `parent`, from `kept` where nobody has changed it.
pub(super) fn listed(live: &mut Live, file: &Path, table: Table, parent: &str) -> Result<Rows> {
    let failed = |error| fault::sqlite(file, &error);
    let Live { connection, kept, known, .. } = live;
    if !known.is_held() {
        forget_unless(kept, version(connection).map_err(failed)?);
    }
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is(table, parent)) {
        return Ok(kept.rows.clone());
    }
    let now = version(connection).map_err(failed)?;
    // A commit between the version and the list makes the version the older one: then it is read again.
    let records = read::list(connection, file, &Select::of(table, parent))?;
    let length: usize = records.iter().map(|record| record.text.len()).sum();
    let rows: Rows = Arc::new(records.into_iter().map(Listed::new).collect());
    if length <= LONGEST {
        let id = |row: &Arc<Listed>| row.record().key.id.clone();
        let places = rows.iter().enumerate().map(|(at, row)| (id(row), at)).collect();
        let (parent, rows) = (parent.to_owned(), rows.clone());
        live.kept = Some(Kept { table, parent, version: now, rows, places });
    }
    Ok(rows)
}

/// Within a transaction that writes: forgets the list if others have written since.
pub(super) fn check(connection: &Connection, kept: &mut Option<Kept>) -> rusqlite::Result<()> {
    if kept.is_some() {
        forget_unless(kept, version(connection)?);
    }
    Ok(())
}

/// Forgets a list that is of another version.
pub(super) fn forget_unless(kept: &mut Option<Kept>, version: i64) {
    kept.take_if(|kept| kept.version != version);
}

/// Changes when another connection has committed.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    prepare(connection, "PRAGMA data_version")?.query_row([], |row| row.get(0))
}

impl Kept {
    fn is(&self, table: Table, parent: &str) -> bool {
        self.table == table && self.parent == parent
    }

    /// The record of a key, if this is the list where it stands.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Listed>> {
        let at = self.places.get(&key.id).filter(|_| self.is(key.table, &key.parent))?;
        self.rows.get(*at).cloned()
    }

    /// After a commit: what became of a record, which keeps its place if it was there.
    pub(super) fn note(&mut self, key: &Key, record: Option<Arc<Listed>>) {
        if !self.is(key.table, &key.parent) {
            return;
        }
        // Not copied, for nobody keeps it until the end of a verb.
        let rows = Arc::make_mut(&mut self.rows);
        match (self.places.get(&key.id).copied(), record) {
            (Some(at), Some(new)) => {
                if let Some(row) = rows.get_mut(at) {
                    *row = new;
                }
            }
            (Some(at), None) => {
                rows.remove(at);
                self.places.remove(&key.id);
                self.places.values_mut().filter(|place| **place > at).for_each(|place| *place -= 1);
            }
            (None, Some(new)) => {
                self.places.insert(key.id.clone(), rows.len());
                rows.push(new);
            }
            (None, None) => {}
        }
    }
}
