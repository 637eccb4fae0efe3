//! The state directory and a new, empty file of records in it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::unistd::{AccessFlags, access};
use rusqlite::{Connection, OpenFlags};

use super::fault;
use crate::error::{Doing, Error, Kind, Result};

/// `NtBh`: what `file` and `sqlite3` see of whose file this is.
pub(super) const APPLICATION: i64 = 0x4e74_4268;

/// The version of the tables below; [`super::migrate`] says how the older ones come to it.
pub(super) const FORMAT: i64 = 2;

/// Records lie in a tree of their own, beside that of their keys: in a tree of both (`WITHOUT ROWID`)
/// SQLite reads the whole of every record that it compares keys with on its way down, and one that
/// holds tens of thousands of ports is 10 MB. `tally` says what the records of a table and parent must
/// come to, and under `('', '')` the last revision and its complement. `v` is the format of the
/// record's text.
const TABLES: &str = "
    CREATE TABLE record (tbl TEXT NOT NULL, parent TEXT NOT NULL, id TEXT NOT NULL,
        revision INTEGER NOT NULL, born INTEGER NOT NULL, sum INTEGER NOT NULL,
        text TEXT NOT NULL, v INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (tbl, parent, id)) STRICT;
    CREATE TABLE tally (tbl TEXT NOT NULL, parent TEXT NOT NULL,
        count INTEGER NOT NULL, sums INTEGER NOT NULL, PRIMARY KEY (tbl, parent))
        STRICT, WITHOUT ROWID;
    INSERT INTO tally VALUES ('', '', 0, -1);";

/// Makes the state directory if it is absent, and says in words if it cannot be used.
pub(crate) fn directory(path: &Path) -> Result<PathBuf> {
    let doing = || format!("state directory {}", path.display());
    if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(path) {
        return Err(match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                Error::new(Kind::Store, "a file is in its place; remove it or name another path")
            }
            _ => denied_or_store(&error),
        }
        .doing(doing()));
    }
    // Absolute, so that a later chdir changes nothing and no name can begin with SQLite's `file:`.
    let path = fs::canonicalize(path).map_err(|error| denied_or_store(&error).doing(doing()))?;
    may_change(&path, AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK)?;
    Ok(path)
}

/// Asks before SQLite does, whose "unable to open database file" does not say why.
pub(super) fn may_change(path: &Path, how: AccessFlags) -> Result<()> {
    access(path, how).map_err(|errno| {
        denied_or_store(&errno.into())
            .because("reading and writing are needed")
            .doing(path.display().to_string())
    })
}

fn denied_or_store(error: &std::io::Error) -> Error {
    let error = Error::io(error);
    let kind = if error.kind() == Kind::Denied { Kind::Denied } else { Kind::Store };
    error.with_kind(kind)
}

/// Makes an empty file of records at `file`, unless another process is quicker.
///
/// It is made whole under another name and then linked: whoever opens `file` finds all of it, and
/// a file without content at that name has been damaged, never just begun.
pub(super) fn database(file: &Path) -> Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let new = file.with_extension(format!("new-{}-{number}", std::process::id()));
    let made = fill(&new).and_then(|()| match fs::hard_link(&new, file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(denied_or_store(&error).doing(format!("link {}", file.display())))
        }
        _ => Ok(()),
    });
    let removed = fs::remove_file(&new);
    made?;
    removed.doing(|| format!("remove {}", new.display())).map_err(|e| e.with_kind(Kind::Store))?;
    let directory = file.parent().unwrap_or(file);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .doing(|| format!("sync {}", directory.display()))
        .map_err(|error| error.with_kind(Kind::Store))
}

/// A whole file of records at `new`, a name that nobody else uses, and on the disk.
fn fill(new: &Path) -> Result<()> {
    let storing = |error: std::io::Error| denied_or_store(&error).doing(new.display().to_string());
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(storing(error)),
        _ => {}
    }
    let made = File::create_new(new).map_err(storing)?;
    made.set_permissions(Permissions::from_mode(0o600)).map_err(storing)?;
    let sql = format!(
        "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; BEGIN; {TABLES}
         PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}; COMMIT;
         PRAGMA journal_mode=WAL;"
    );
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(new, flags)
        .and_then(|connection| connection.execute_batch(&sql))
        .map_err(|error| fault::sqlite(new, &error))?;
    made.sync_all().map_err(storing)
}
