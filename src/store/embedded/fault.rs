//! Errors of SQLite, in words that name the file and say what to do.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::error::{Error, Kind};

/// What an operator can do about a file that is damaged.
pub(super) const RECOVER: &str = "nothing was changed: keep a copy of the directory, then restore \
     netberth.db from a backup or salvage it with `sqlite3 netberth.db .dump` (docs/operations.md, \
     when the state is damaged); to begin anew move netberth.db, netberth.db-wal, netberth.db-shm \
     and netberth.mark away together";

const FULL: &str = "the disk is full: make room and try again; nothing was changed";

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// An error about `file`, with the path of the file as what was being done.
pub(super) fn store(file: &Path, what: impl Into<String>) -> Error {
    Error::new(Kind::Store, what).doing(file.display().to_string())
}

/// The file says something that netberth did not write.
pub(super) fn damaged(file: &Path, what: &str) -> Error {
    store(file, format!("the file is damaged, {what}; {RECOVER}"))
}

/// An error of the operating system at `file`, which is beside the records.
pub(super) fn io(file: &Path, error: &std::io::Error) -> Error {
    let told = Error::io(error);
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => store(file, FULL),
        _ if told.kind() == Kind::Denied => told.doing(file.display().to_string()),
        _ => told.with_kind(Kind::Store).doing(file.display().to_string()),
    }
}

/// An error of SQLite at `file`.
pub(super) fn sqlite(file: &Path, error: &rusqlite::Error) -> Error {
    let text = error.to_string().to_lowercase();
    let Some(code) = error.sqlite_error_code() else {
        // A value of a type, or a text of an encoding, that netberth never writes.
        return damaged(file, &text);
    };
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => {
            let what = format!("another process kept the records locked for too long ({text})");
            store(file, what).with_kind(Kind::Busy)
        }
        ErrorCode::NotADatabase => store(
            file,
            format!("not a file of netberth, or its first page is damaged ({text}); {RECOVER}"),
        ),
        // `Unknown` is SQLITE_ERROR: the tables that the format number promises are not there.
        ErrorCode::DatabaseCorrupt
        | ErrorCode::Unknown
        | ErrorCode::SchemaChanged
        | ErrorCode::TypeMismatch
        | ErrorCode::ConstraintViolation => damaged(file, &text),
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
            let what = format!("the records cannot be written ({text}); give this user the right");
            store(file, what).with_kind(Kind::Denied)
        }
        ErrorCode::DiskFull => store(file, FULL),
        // The index of the log is made longer before it is used: no room, and nothing else.
        ErrorCode::SystemIoFailure if extended(error) == ffi::SQLITE_IOERR_SHMSIZE => {
            store(file, FULL)
        }
        ErrorCode::CannotOpen => store(
            file,
            format!(
                "it or its -wal and -shm files cannot be opened ({text}); look at their rights"
            ),
        ),
        _ => store(file, format!("the records cannot be read or written ({text})")),
    }
}
