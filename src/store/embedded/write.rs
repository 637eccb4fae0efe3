//! One batch, one transaction.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior, params};

use super::fault;
use super::fork::Live;
use super::read::{Prepared, find, finder, prepare};
use super::row::{Stored, Tally, number};
use crate::error::Result;
use crate::store::{Batch, Change, Key, Record};

/// Makes all changes of `batch` or none.
pub(super) fn commit(live: &mut Live, file: &Path, batch: &Batch) -> Result<()> {
    let failed = |error| fault::sqlite(file, &error);
    make_durable(live, batch.durable).map_err(failed)?;
    // IMMEDIATE: what is read below stays true until the commit.
    let immediate = TransactionBehavior::Immediate;
    let transaction = Transaction::new_unchecked(&live.connection, immediate).map_err(failed)?;
    let mut writer = Writer::new(&transaction, file, batch).map_err(failed)?;
    for change in &batch.changes {
        writer.apply(change)?;
    }
    writer.tally().map_err(failed)?;
    let last = writer.reached;
    drop(writer);
    transaction.commit().map_err(failed)?;
    live.mark.advance(last, batch.durable);
    Ok(())
}

/// FULL waits for the disk at each commit, NORMAL only when the log is copied into the file.
fn make_durable(live: &mut Live, durable: bool) -> rusqlite::Result<()> {
    if live.durable != durable {
        let level = if durable { "FULL" } else { "NORMAL" };
        live.connection.execute_batch(&format!("PRAGMA synchronous={level}"))?;
        live.durable = durable;
    }
    Ok(())
}

struct Writer<'c> {
    connection: &'c Connection,
    file: &'c Path,
    find: Prepared<'c>,
    put: Prepared<'c>,
    delete: Prepared<'c>,
    /// The last revision given.
    last: u64,
    /// The last that may be given. A batch that only removes has one, too: the mark counts it.
    reached: u64,
    /// By table and parent, how far their tallies move.
    moved: BTreeMap<(&'static str, String), Tally>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection, file: &'c Path, batch: &Batch) -> rusqlite::Result<Self> {
        let puts = batch.changes.iter().filter(|c| matches!(c, Change::Put { .. })).count();
        let sql = "UPDATE tally SET count=count+?1, sums=~(count+?1)
             WHERE tbl='' AND parent='' AND count>=0 AND sums=~count RETURNING count";
        let given = i64::try_from(puts.max(1)).unwrap_or(i64::MAX);
        let reached = prepare(connection, sql)?.query_row(params![given], |row| number(row, 0))?;
        Ok(Writer {
            connection,
            file,
            find: finder(connection)?,
            put: prepare(
                connection,
                "INSERT OR REPLACE INTO record (tbl, parent, id, revision, born, sum, text, v)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            delete: prepare(connection, "DELETE FROM record WHERE tbl=?1 AND parent=?2 AND id=?3")?,
            last: reached.saturating_sub(given.cast_unsigned()),
            reached,
            moved: BTreeMap::new(),
        })
    }

    fn apply(&mut self, change: &Change) -> Result<()> {
        let key = change.key();
        let old = find(&mut self.find, self.file, key)?;
        let revision = old.as_ref().map(|row| row.record.revision);
        change.check(revision)?;
        let new = match change {
            Change::Put { text, .. } => {
                self.last += 1;
                if revision.is_some_and(|revision| revision >= self.last) {
                    return Err(fault::damaged(self.file, "the count of revisions went back"));
                }
                let born = old.as_ref().map_or(self.last, |row| row.born);
                let (key, text) = (key.clone(), text.clone());
                Some(Stored::new(Record { key, text, revision: self.last }, born))
            }
            Change::Delete { .. } => None,
        };
        let failed = |error| fault::sqlite(self.file, &error);
        match (&old, &new) {
            (_, Some(row)) => put(&mut self.put, row).map_err(failed)?,
            (Some(_), None) => delete(&mut self.delete, key).map_err(failed)?,
            (None, None) => return Ok(()),
        }
        let moved = self.moved.entry((key.table.name(), key.parent.clone())).or_default();
        if let Some(row) = &old {
            moved.remove(row);
        }
        if let Some(row) = &new {
            moved.add(row);
        }
        Ok(())
    }

    /// Writes the tallies; `a|b - a&b` is `a^b`, which SQLite lacks.
    fn tally(&self) -> rusqlite::Result<()> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let mut upsert = prepare(
            self.connection,
            "INSERT INTO tally (tbl, parent, count, sums) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET count = count + excluded.count,
             sums = (sums | excluded.sums) - (sums & excluded.sums) RETURNING count",
        )?;
        for ((table, parent), moved) in &self.moved {
            let sums = moved.sums.cast_signed();
            let left: i64 =
                upsert.query_row(params![table, parent, moved.count, sums], |row| row.get(0))?;
            if left == 0 {
                let sql = "DELETE FROM tally WHERE tbl=?1 AND parent=?2 AND count=0 AND sums=0";
                prepare(self.connection, sql)?.execute(params![table, parent])?;
            }
        }
        Ok(())
    }
}

fn put(statement: &mut Statement<'_>, row: &Stored) -> rusqlite::Result<()> {
    let Record { key, text, revision } = &row.record;
    let (revision, born) = (revision.cast_signed(), row.born.cast_signed());
    let sum = row.sum.cast_signed();
    let key = (key.table.name(), &key.parent, &key.id);
    statement
        .execute(params![key.0, key.1, key.2, revision, born, sum, text, row.version])
        .map(drop)
}

fn delete(statement: &mut Statement<'_>, key: &Key) -> rusqlite::Result<()> {
    statement.execute(params![key.table.name(), key.parent, key.id]).map(drop)
}
