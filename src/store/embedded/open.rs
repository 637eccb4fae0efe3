//! Opening the file of records, and refusing what is not whole or not ours.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use nix::unistd::AccessFlags;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row};

use super::fork::Live;
use super::intent::Intent;
use super::known::Known;
use super::mark::{self, Mark};
use super::{create, fault, migrate, read};
use crate::error::{Error, Kind, Result};

/// Older ones can lose commits when a checkpoint and a restart of the log meet (the WAL-reset bug).
const OLDEST: i32 = 3_051_003;

/// How long another process may hold the file, several times what its longest commit takes.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// 256 KiB are read and summed up at every open; larger files list by list, as they are read.
const SUMMED_AT_OPEN: i64 = 64;

/// SQLite's header alone is longer than this.
const SHORTEST: u64 = 512;

/// A connection to `file`, which is made if there is none.
pub(super) fn open(file: &Path) -> Result<Live> {
    new_enough(rusqlite::version_number())?;
    if !is_there(file)? {
        mark::is_at_the_beginning(file)?;
        create::database(file)?;
    }
    create::may_change(file, AccessFlags::R_OK | AccessFlags::W_OK)?;
    // Before the records are read: others may go on meanwhile.
    let told = mark::read(file);
    let connection = connect(file).map_err(|error| fault::sqlite(file, &error))?;
    if is_ours(&connection, file)? < create::FORMAT {
        migrate::to_the_present(&connection, file)?;
    }
    let last = sum_up(&connection, file)?;
    mark::reached(file, told, last)?;
    let (mark, intent) = (Mark::open(file, last), Intent::default());
    let known = Known::default();
    Ok(Live { connection, durable: false, mark, kept: None, intent, known })
}

/// Looks without opening: closing another descriptor of the file would drop SQLite's locks, and
/// SQLite itself takes a file without content for a new one and removes its log.
fn is_there(file: &Path) -> Result<bool> {
    for _ in 0..2 {
        match fs::metadata(file) {
            Ok(found) if found.is_file() && found.len() >= SHORTEST => return Ok(true),
            Ok(found) if found.is_file() => {
                let what = format!("it was cut off after {} bytes", found.len());
                return Err(fault::damaged(file, &what));
            }
            Ok(_) => return Err(fault::store(file, "this is no file; move it away")),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(&error).doing(file.display().to_string())),
        }
        // The log is made after the file: if it is there, the file must be there by now.
        if !fs::exists(file.with_extension("db-wal")).unwrap_or(false) {
            return Ok(false);
        }
    }
    Err(fault::damaged(file, "it is missing while its log, netberth.db-wal, is there"))
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    // Else the last one to close would copy the log and remove it, which short-lived callers
    // would pay for each time and a forked child must never do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // temp_store: a statement's own journal is else 64 KiB, taken from and given back to the
    // kernel at every commit.
    connection.execute_batch(
        "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA synchronous=NORMAL;
         PRAGMA cell_size_check=ON; PRAGMA wal_autocheckpoint=0;",
    )?;
    Ok(connection)
}

/// The format of a file that is ours and may be used.
fn is_ours(connection: &Connection, file: &Path) -> Result<i64> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row: &Row<'_>| row.get::<_, i64>(0))
            .map_err(|error| fault::sqlite(file, &error))
    };
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    if application != create::APPLICATION {
        let what = format!(
            "this is a file of SQLite but not of netberth (application id {application}, not {}); \
             move it away or name another state directory",
            create::APPLICATION
        );
        return Err(fault::store(file, what));
    }
    if !(1..=create::FORMAT).contains(&format) {
        let what = format!(
            "the file has format {format} and this netberth knows 1 to {}; use the netberth that \
             wrote it, or name another state directory",
            create::FORMAT
        );
        return Err(fault::store(file, what));
    }
    let journal = connection
        .query_row("PRAGMA journal_mode=WAL", [], |row: &Row<'_>| row.get::<_, String>(0))
        .map_err(|error| fault::sqlite(file, &error))?;
    if journal != "wal" {
        let what = format!("its journal is {journal} and WAL cannot be had on this file system");
        return Err(fault::store(file, what));
    }
    Ok(format)
}

/// Reads all of a small file against its sums. A `PRAGMA quick_check` would look at the trees and
/// not at what is in them. Returns the last revision given.
fn sum_up(connection: &Connection, file: &Path) -> Result<u64> {
    let failed = |error| fault::sqlite(file, &error);
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let pages: i64 =
        snapshot.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(failed)?;
    if pages <= SUMMED_AT_OPEN {
        read::everything(&snapshot, file)?;
    }
    read::last(&snapshot, file)
}

fn new_enough(found: i32) -> Result<()> {
    if found >= OLDEST {
        return Ok(());
    }
    let dotted = |n: i32| format!("{}.{}.{}", n / 1_000_000, n / 1000 % 1000, n % 1000);
    let what = format!(
        "SQLite {} loses commits of several processes: build netberth with {} or newer",
        dotted(found),
        dotted(OLDEST)
    );
    Err(Error::new(Kind::Unsupported, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_sqlite_is_refused_by_its_number() {
        let error = new_enough(3_051_002).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.message().contains("3.51.2"), "{error}");
        assert!(error.message().contains("3.51.3"), "{error}");
        new_enough(3_051_003).unwrap();
        new_enough(rusqlite::version_number()).unwrap();
    }
}
