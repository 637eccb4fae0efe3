//! One batch, one transaction.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::fork::Live;
use super::open::BUSY;
use super::read::{Begun, Prepared, prepare};
use super::row::{Stored, Tally, number};
use super::{fault, kept};
use crate::error::Result;
use crate::store::{Batch, Change, Key, Listed, Record};

/// In bytes: 256 pages of 4 KiB, which forty joins write. Whoever opens the state when nobody has it open
/// reads all of it; and each time it is cut the disk is waited for.
const LONGEST_LOG: u64 = 1 << 20;

/// Makes all changes of `batch` or none.
pub(super) fn commit(live: &mut Live, file: &Path, batch: &Batch) -> Result<()> {
    let failed = |error| fault::sqlite(file, &error);
    make_durable(live, batch.durable).map_err(failed)?;
    // IMMEDIATE: what is read below stays true until the commit.
    let transaction = Begun::new(&live.connection, "BEGIN IMMEDIATE").map_err(failed)?;
    if !live.known.is_held() {
        kept::check(&live.connection, &mut live.kept).map_err(failed)?;
        live.mark.forget();
    }
    let mut writer =
        Writer::new(&live.connection, file, batch, live.known.last()).map_err(failed)?;
    for change in &batch.changes {
        writer.apply(change)?;
    }
    writer.tally().map_err(failed)?;
    let (first, last) = (writer.first, writer.reached);
    drop(writer);
    if let Err(error) = transaction.commit() {
        // It may be done or not.
        live.kept = None;
        live.known.forget();
        return Err(failed(error));
    }
    note(live, &batch.changes, first);
    live.known.note_last(last);
    live.mark.advance(last, batch.durable);
    shorten(live, file);
    Ok(())
}

/// Copies a long log into the file, and cuts it off. SQLite by itself would begin to write it from the
/// front the next time, and not know that it may where the next commit is another process's: a log that
/// nobody has open is read whole, and taken for what is still to be copied.
fn shorten(live: &Live, file: &Path) {
    let log = std::fs::metadata(file.with_extension("db-wal"));
    if log.is_ok_and(|log| log.len() > LONGEST_LOG) {
        // Nobody is waited for, and nothing is lost where it fails: the next commit tries again.
        let _ = live.connection.busy_timeout(Duration::ZERO);
        let _ = live.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = live.connection.busy_timeout(BUSY);
    }
}

/// What became of each record, for who asks next; writes were given the revisions after `revision`.
fn note(live: &mut Live, changes: &[Change], mut revision: u64) {
    for change in changes {
        let key = change.key();
        let record = match change {
            Change::Put { key, text, .. } => {
                revision += 1;
                Some(Listed::new(Record { key: key.clone(), text: text.clone(), revision }))
            }
            Change::Delete { .. } => None,
        };
        if let Some(kept) = &mut live.kept {
            kept.note(key, record.clone());
        }
        live.known.note(key, record);
    }
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
    insert: Prepared<'c>,
    update: Prepared<'c>,
    delete: Prepared<'c>,
    /// The last revision given, and the last that was given before.
    last: u64,
    first: u64,
    /// The last that may be given. A batch that only removes has one, too: the mark counts it.
    reached: u64,
    /// By table and parent, how far their tallies move.
    moved: BTreeMap<(&'static str, String), Tally>,
}

impl<'c> Writer<'c> {
    /// `last` is the last revision where that is known.
    fn new(
        connection: &'c Connection,
        file: &'c Path,
        batch: &Batch,
        last: Option<u64>,
    ) -> rusqlite::Result<Self> {
        let puts = batch.changes.iter().filter(|c| matches!(c, Change::Put { .. })).count();
        let given = i64::try_from(puts.max(1)).unwrap_or(i64::MAX);
        // Neither RETURNING nor OR REPLACE, here and below: for the one SQLite makes a table for each
        // run of the statement, for the other it copies every page before it writes it.
        let last = if let Some(last) = last {
            last
        } else {
            let sql = "SELECT count FROM tally
                 WHERE tbl='' AND parent='' AND count>=0 AND sums=~count";
            prepare(connection, sql)?.query_row([], |row| number(row, 0))?
        };
        let reached = last.saturating_add(given.cast_unsigned());
        let sql = "UPDATE tally SET count=?1, sums=~?1 WHERE tbl='' AND parent=''
             AND count=?2 AND sums=~?2";
        let told = params![reached.cast_signed(), last.cast_signed()];
        if prepare(connection, sql)?.execute(told)? == 0 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        Ok(Writer {
            connection,
            file,
            find: prepare(
                connection,
                "SELECT revision, born, sum FROM record WHERE tbl=?1 AND parent=?2 AND id=?3",
            )?,
            insert: prepare(
                connection,
                "INSERT INTO record (tbl, parent, id, revision, born, sum, text, v)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            update: prepare(
                connection,
                "UPDATE record SET revision=?4, born=?5, sum=?6, text=?7, v=?8
                 WHERE tbl=?1 AND parent=?2 AND id=?3",
            )?,
            delete: prepare(connection, "DELETE FROM record WHERE tbl=?1 AND parent=?2 AND id=?3")?,
            last,
            first: last,
            reached,
            moved: BTreeMap::new(),
        })
    }

    fn apply(&mut self, change: &Change) -> Result<()> {
        let key = change.key();
        let failed = |error| fault::sqlite(self.file, &error);
        let old = old(&mut self.find, key).map_err(failed)?;
        let revision = old.as_ref().map(|old| old.revision);
        change.check(revision)?;
        let new = match change {
            Change::Put { text, .. } => {
                self.last += 1;
                if revision.is_some_and(|revision| revision >= self.last) {
                    return Err(fault::damaged(self.file, "the count of revisions went back"));
                }
                let born = old.as_ref().map_or(self.last, |old| old.born);
                let (key, text) = (key.clone(), text.clone());
                Some(Stored::new(Record { key, text, revision: self.last }, born))
            }
            Change::Delete { .. } => None,
        };
        match (&old, &new) {
            (None, Some(row)) => put(&mut self.insert, row).map_err(failed)?,
            (Some(_), Some(row)) => put(&mut self.update, row).map_err(failed)?,
            (Some(_), None) => delete(&mut self.delete, key).map_err(failed)?,
            (None, None) => return Ok(()),
        }
        let moved = self.moved.entry((key.table.name(), key.parent.clone())).or_default();
        if let Some(old) = &old {
            moved.remove(old.sum);
        }
        if let Some(row) = &new {
            moved.add(row.sum);
        }
        Ok(())
    }

    /// Writes the tallies; `a|b - a&b` is `a^b`, which SQLite lacks.
    fn tally(&self) -> rusqlite::Result<()> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let mut update = prepare(
            self.connection,
            "UPDATE tally SET count=count+?3, sums=(sums|?4)-(sums&?4)
             WHERE tbl=?1 AND parent=?2",
        )?;
        for ((table, parent), moved) in &self.moved {
            let moves = params![table, parent, moved.count, moved.sums.cast_signed()];
            if update.execute(moves)? == 0 {
                // Made and removed at once.
                if moved.count == 0 {
                    continue;
                }
                let sql = "INSERT INTO tally (tbl, parent, count, sums) VALUES (?1, ?2, ?3, ?4)";
                prepare(self.connection, sql)?.execute(moves)?;
            } else if moved.count < 0 {
                let sql = "DELETE FROM tally WHERE tbl=?1 AND parent=?2 AND count=0 AND sums=0";
                prepare(self.connection, sql)?.execute(params![table, parent])?;
            }
        }
        Ok(())
    }
}

/// What a record was that is written anew or removed.
struct Old {
    revision: u64,
    born: u64,
    sum: u64,
}

fn old(statement: &mut Statement<'_>, key: &Key) -> rusqlite::Result<Option<Old>> {
    let read = |row: &Row<'_>| {
        Ok(Old { revision: number(row, 0)?, born: number(row, 1)?, sum: number(row, 2)? })
    };
    statement.query_row(params![key.table.name(), key.parent, key.id], read).optional()
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
