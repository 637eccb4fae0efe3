//! Permissions and owners. A file is held by a descriptor that opens nothing (`O_PATH`): closing another
//! one of the file of records would give up the locks that SQLite has on it (fcntl(2)).

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::plan::Inode;

/// Twelve bits of `st_mode`.
const MODE: u32 = 0o7777;

/// What lies at a path; none where nothing does.
pub(super) fn at(path: &Path) -> Result<Option<Inode>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(of(&found))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Error::io(&error)),
    }
}

pub(super) fn of(found: &Metadata) -> Inode {
    // A clock that was set back makes it young.
    let age = found.modified().ok().and_then(|then| then.elapsed().ok()).unwrap_or_default();
    Inode {
        directory: found.is_dir(),
        file: found.is_file(),
        mode: found.mode() & MODE,
        uid: found.uid(),
        length: found.len(),
        age,
    }
}

/// `chmod MODE PATH`
pub(super) fn change_mode(path: &Path, mode: u32) -> Result<()> {
    let (_held, door) = hold(path)?;
    fs::set_permissions(door, Permissions::from_mode(mode)).map_err(|error| Error::io(&error))
}

/// `chown OWNER PATH`
pub(super) fn change_owner(path: &Path, uid: u32) -> Result<()> {
    let (_held, door) = hold(path)?;
    chown(door, Some(uid), None).map_err(|error| Error::io(&error))
}

/// The file, and the path by which chmod(2) finds this file whatever becomes of its name.
fn hold(path: &Path) -> Result<(File, PathBuf)> {
    let failed = |error: &io::Error| Error::io(error);
    let flags = libc::O_PATH | libc::O_NOFOLLOW;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| failed(&error))?;
    let found = file.metadata().map_err(|error| failed(&error))?;
    if !(found.is_file() || found.is_dir()) {
        return Err(Error::new(Kind::Denied, "it is neither a regular file nor a directory"));
    }
    let door = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok((file, door))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_change_and_links_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        change_mode(&file, 0o600).unwrap();
        let found = at(&file).unwrap().unwrap();
        assert_eq!((found.mode, found.length, found.file), (0o600, 1, true));
        assert_eq!(change_mode(&link, 0o777).unwrap_err().kind(), Kind::Denied);
        assert_eq!(at(&file).unwrap().unwrap().mode, 0o600);
        assert_eq!(at(&file.join("below")).unwrap(), None);
        let error = change_mode(&directory.path().join("absent"), 0o600).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOENT));
    }
}
