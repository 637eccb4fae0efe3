//! Reading records, each against its sum and lists against their tally.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::fault;
use super::row::{COLUMNS, Stored, Tallies, Tally, VERSION, number};
use crate::error::Result;
use crate::store::{Key, Record, Select, Table};

/// A statement that is kept for the next time: preparing costs more than running.
pub(super) type Prepared<'c> = rusqlite::CachedStatement<'c>;

pub(super) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<Prepared<'c>> {
    connection.prepare_cached(sql)
}

/// A transaction by statements that are kept; rolled back unless it is committed.
pub(super) struct Begun<'c> {
    connection: &'c Connection,
    committed: bool,
}

impl<'c> Begun<'c> {
    pub(super) fn new(connection: &'c Connection, begin: &str) -> rusqlite::Result<Self> {
        prepare(connection, begin)?.execute([])?;
        Ok(Begun { connection, committed: false })
    }

    pub(super) fn commit(mut self) -> rusqlite::Result<()> {
        prepare(self.connection, "COMMIT")?.execute([])?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        // Some errors have ended it already.
        if !self.committed && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// A statement that finds the one row of a key.
pub(super) fn finder(connection: &Connection) -> rusqlite::Result<Prepared<'_>> {
    let sql = format!("SELECT {COLUMNS} FROM record WHERE tbl=?1 AND parent=?2 AND id=?3");
    prepare(connection, &sql)
}

/// The row of a key, by [`finder`].
pub(super) fn find(finder: &mut Prepared<'_>, file: &Path, key: &Key) -> Result<Option<Stored>> {
    let row = finder
        .query_row(params![key.table.name(), key.parent, key.id], |row| {
            Stored::read(key.table, row)
        })
        .optional()
        .map_err(|error| fault::sqlite(file, &error))?;
    row.map(|row| whole(row, file)).transpose()
}

/// Both trees of the records, each with all of them: a list and a `get` descend by the keys'.
const TREES: [&str; 2] = ["NOT INDEXED", "INDEXED BY sqlite_autoindex_record_1"];

/// Reads everything against its sums and tallies, in the snapshot of a transaction.
pub(super) fn everything(snapshot: &Transaction<'_>, file: &Path) -> Result<()> {
    TREES.into_iter().try_for_each(|tree| tree_of(snapshot, file, tree))
}

/// The last revision that was given to any record.
pub(super) fn last(connection: &Connection, file: &Path) -> Result<u64> {
    let sql = "SELECT count FROM tally WHERE tbl='' AND parent='' AND count>=0 AND sums=~count";
    let last = prepare(connection, sql)
        .and_then(|mut statement| statement.query_row([], |row| number(row, 0)).optional());
    last.map_err(|error| fault::sqlite(file, &error))?
        .ok_or_else(|| fault::damaged(file, "the count of revisions is not as it was written"))
}

/// Whether there is neither a record of the table nor a tally of one.
pub(super) fn is_empty(connection: &Connection, file: &Path, table: Table) -> Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM record WHERE tbl=?1)
         AND NOT EXISTS (SELECT 1 FROM tally WHERE tbl=?1)";
    prepare(connection, sql)
        .and_then(|mut statement| statement.query_row([table.name()], |row| row.get(0)))
        .map_err(|error| fault::sqlite(file, &error))
}

fn tree_of(snapshot: &Connection, file: &Path, tree: &str) -> Result<()> {
    let failed = |error| fault::sqlite(file, &error);
    let (mut found, mut newest) = (BTreeMap::<(String, String), Tally>::new(), 0);
    let sql = format!("SELECT {COLUMNS} FROM record {tree}");
    let mut statement = prepare(snapshot, &sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let name: String = row.get(0).map_err(failed)?;
        let Some(table) = Table::ALL.into_iter().find(|table| table.name() == name) else {
            return Err(fault::damaged(file, &format!("there is no table {name}")));
        };
        let row = whole(Stored::read(table, row).map_err(failed)?, file)?;
        newest = newest.max(row.record.revision);
        found.entry((name, row.record.key.parent.clone())).or_default().add(row.sum);
    }
    let mut statement =
        prepare(snapshot, "SELECT tbl, parent, count, sums FROM tally").map_err(failed)?;
    let told = statement.query_map([], |row| {
        Ok(((row.get(0)?, row.get(1)?), Tally { count: row.get(2)?, sums: number(row, 3)? }))
    });
    let told: rusqlite::Result<BTreeMap<_, _>> = told.map_err(failed)?.collect();
    let mut told = told.map_err(failed)?;
    // The last revision given, which is kept beside its complement.
    let last = told.remove(&(String::new(), String::new()));
    let last = last.filter(|last| !last.count.cast_unsigned() == last.sums);
    if last.is_none_or(|last| last.count.cast_unsigned() < newest) {
        return Err(fault::damaged(file, "the count of revisions went back"));
    }
    if found != told {
        return Err(fault::damaged(file, "records are missing"));
    }
    Ok(())
}

/// The records selected, in order of creation.
pub(super) fn list(
    connection: &Connection,
    file: &Path,
    select: &Select<'_>,
) -> Result<Vec<Record>> {
    let failed = |error| fault::sqlite(file, &error);
    // One snapshot for the rows and their tally.
    let snapshot = Begun::new(connection, "BEGIN").map_err(failed)?;
    let mut rows = Vec::new();
    for row in selected(connection, select).map_err(failed)? {
        rows.push(whole(row, file)?);
    }
    if select.prefix.is_empty() {
        let mut found = Tallies::new();
        for row in &rows {
            found.entry(row.record.key.parent.clone()).or_default().add(row.sum);
        }
        if found != tallies(connection, select).map_err(failed)? {
            let what = format!("records of the table {} are missing", select.table.name());
            return Err(fault::damaged(file, &what));
        }
    }
    snapshot.commit().map_err(failed)?;
    rows.sort_by_key(|row| row.born);
    Ok(rows.into_iter().map(|row| row.record).collect())
}

fn selected(connection: &Connection, select: &Select<'_>) -> rusqlite::Result<Vec<Stored>> {
    let (table, prefix) = (select.table.name(), select.prefix);
    let mut statement = match select.parent {
        Some(_) => {
            let rule = "tbl=?1 AND parent=?2 AND id>=?3 ORDER BY id";
            prepare(connection, &format!("SELECT {COLUMNS} FROM record WHERE {rule}"))?
        }
        None => prepare(connection, &format!("SELECT {COLUMNS} FROM record WHERE tbl=?1"))?,
    };
    let mut rows = match select.parent {
        Some(parent) => statement.query(params![table, parent, prefix])?,
        None => statement.query(params![table])?,
    };
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let row = Stored::read(select.table, row)?;
        if row.record.key.id.starts_with(prefix) {
            found.push(row);
        } else if select.parent.is_some() {
            break;
        }
    }
    Ok(found)
}

fn tallies(connection: &Connection, select: &Select<'_>) -> rusqlite::Result<Tallies> {
    let sql = "SELECT parent, count, sums FROM tally WHERE tbl=?1 AND (?2 IS NULL OR parent=?2)";
    let mut statement = prepare(connection, sql)?;
    let rows = statement.query_map(params![select.table.name(), select.parent], |row| {
        Ok((row.get(0)?, Tally { count: row.get(1)?, sums: number(row, 2)? }))
    })?;
    rows.collect()
}

fn whole(row: Stored, file: &Path) -> Result<Stored> {
    let key = &row.record.key;
    if row.whole && row.version != VERSION {
        let what = format!(
            "record {key} has format {} and this netberth knows {VERSION}; use the netberth that \
             wrote it, or a newer one",
            row.version
        );
        return Err(fault::store(file, what));
    }
    if row.whole {
        return Ok(row);
    }
    Err(fault::damaged(file, &format!("record {key} is not as it was written")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_newer_format_is_refused_by_its_number() {
        let record = Record {
            key: Key::new(Table::Lease, "web", "172.17.0.2"),
            text: "1f3c".into(),
            revision: 7,
        };
        let row = Stored { version: VERSION + 1, ..Stored::new(record, 7) };
        let error = whole(row, Path::new("netberth.db")).unwrap_err().message();
        assert!(error.contains("lease/web/172.17.0.2 has format 2"), "{error}");
    }
}
