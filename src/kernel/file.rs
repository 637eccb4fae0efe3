//! Files and directories: written in place, because they may be bind-mounted into a container, where
//! a file that is replaced would stay the old one.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::inode;
use crate::error::{Doing, Error, Kind, Result};
use crate::plan::Inode;

/// Readable by every user of the container.
const MODE: u32 = 0o644;
/// No file of netberth's is near this; a container may grow what it shares with us.
const LONGEST: u64 = 4 * 1024 * 1024;

/// `mkdir -p PATH`, mode 0755.
pub(super) fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(|error| Error::io(&error))
}

/// `rmdir PATH`, where it is there and empty.
pub(super) fn remove_directory(path: &Path) -> Result<()> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(()),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTEMPTY | libc::ENOTDIR | libc::EBUSY) => Ok(()),
            _ => Err(Error::io(&error)),
        },
    }
}

/// Writes a whole file, mode 0644; puts back what was there if that fails half-way.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    // Mostly there is none, and nothing to look at or to cut.
    let (before, written) = match create(path) {
        Ok(mut file) => (None, fill(&mut file, text)),
        Err(_) => (read(path)?, replace(path, text)),
    };
    written.map_err(|error| match put_back(path, before.as_deref()) {
        Ok(()) => error,
        Err(cleanup) => error.and_while_undoing(cleanup.doing("put the file back")),
    })
}

/// Writes a file as it was, or removes it where there was none.
pub(super) fn put_back(path: &Path, before: Option<&str>) -> Result<()> {
    let done = match before {
        Some(text) => replace(path, text),
        None => fs::remove_file(path).map_err(|error| absent(&error)),
    };
    // With its directory gone there is nothing left to put back into.
    done.or_else(|error| if error.kind() == Kind::NotFound { Ok(()) } else { Err(error) })
}

/// The text of a file; none where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    Ok(look(path)?.map(|(text, _)| text))
}

/// The same, with what else there is to know of the file.
pub(super) fn look(path: &Path) -> Result<Option<(String, Inode)>> {
    match open(path, OpenOptions::new().read(true)) {
        Ok(mut file) => {
            let found = file.metadata().doing(|| "look at the file")?;
            Ok(Some((text_of(&mut file)?, inode::of(&found))))
        }
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names of what is in a directory, in order; none where there is no such directory.
pub(super) fn list(path: &Path) -> Result<Option<Vec<String>>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        // Nothing is there, or no directory.
        Err(error) if absent(&error).kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(&error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(Some(names))
}

/// In place: the inode stays, and whoever has it mounted sees the new text.
fn replace(path: &Path, text: &str) -> Result<()> {
    let mut file = open(path, OpenOptions::new().write(true).create(true).mode(MODE))?;
    over(&mut file, text).and_then(|()| readable(&file)).map_err(|error| Error::io(&error))
}

/// A new file; fails where anything is.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)
}

fn fill(file: &mut File, text: &str) -> Result<()> {
    file.write_all(text.as_bytes()).and_then(|()| readable(file)).map_err(|error| Error::io(&error))
}

/// Mode 0644: the umask does not count.
fn readable(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o777 == MODE {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(MODE))
}

/// Written over, then cut: a reader in between never sees an empty file. What is cut is made blank in
/// the same write, so that whoever dies before the cut leaves no end of the old text.
pub(super) fn over(file: &mut File, text: &str) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let found = file.metadata()?.len().min(LONGEST);
    let rest = usize::try_from(found).unwrap_or(0).saturating_sub(text.len());
    if rest == 0 {
        return file.write_all(text.as_bytes());
    }
    let blank = format!("{text}{:rest$}\n", "", rest = rest - 1);
    file.write_all(blank.as_bytes())?;
    file.set_len(bytes(text.len()))
}

/// The text without the line of spaces that somebody left who died before the cut.
pub(super) fn without_blank(text: &str) -> &str {
    let lines = text.strip_suffix('\n').unwrap_or_default();
    let last = lines.rfind('\n').map_or(0, |end| end + 1);
    match lines.get(last..) {
        Some(line) if !line.is_empty() && line.trim_matches(' ').is_empty() => {
            text.get(..last).unwrap_or(text)
        }
        _ => text,
    }
}

pub(super) fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Only regular files, and never through a symbolic link at the end of the path: a container that
/// shares the directory could lead it anywhere. Not blocking, in case it is a fifo.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = options.custom_flags(flags).open(path).map_err(|error| absent(&error))?;
    if file.metadata().doing(|| "look at the file")?.is_file() {
        return Ok(file);
    }
    Err(Error::new(Kind::Denied, "it is not a regular file"))
}

fn text_of(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    read_all(file, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| not_text())
}

/// Reads a file into `bytes`, whose room is used again.
pub(super) fn read_all(file: &mut File, bytes: &mut Vec<u8>) -> Result<()> {
    // Room for all of it at once: without, it is read in pieces of 32 bytes and more.
    let length = file.metadata().map_or(0, |found| found.len().min(LONGEST));
    bytes.clear();
    bytes.reserve(usize::try_from(length).unwrap_or(0) + 64);
    let read = file.take(LONGEST + 1).read_to_end(bytes);
    read.map_err(|error| Error::io(&error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Error::new(Kind::Invalid, "it is longer than 4 MiB"));
    }
    Ok(())
}

pub(super) fn not_text() -> Error {
    Error::new(Kind::Kernel, "it is not UTF-8 text")
}

fn absent(error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => Error::io(error).with_kind(Kind::NotFound),
        Some(libc::ELOOP) => Error::io(error).with_kind(Kind::Denied),
        _ => Error::io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_inode_stays_and_the_mode_is_0644() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        write(&path, "a longer text\n").unwrap();
        let inode = path.metadata().unwrap().ino();
        write(&path, "short\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short\n");
        assert_eq!(path.metadata().unwrap().ino(), inode);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o644);
        put_back(&path, None).unwrap();
        put_back(&path, None).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn links_directories_and_fifos_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        let link = directory.path().join("link");
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(write(&link, "x").unwrap_err().kind(), Kind::Denied);
        assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
        assert!(write(directory.path(), "x").is_err());
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read(&fifo).unwrap_err().kind(), Kind::Denied);
    }

    #[test]
    fn directories_go_only_when_empty() {
        let directory = tempfile::tempdir().unwrap();
        let leaf = directory.path().join("a/b");
        make_directory(&leaf).unwrap();
        make_directory(&leaf).unwrap();
        fs::write(leaf.join("file"), "").unwrap();
        remove_directory(&leaf).unwrap();
        assert!(leaf.exists());
        fs::remove_file(leaf.join("file")).unwrap();
        remove_directory(&leaf).unwrap();
        remove_directory(&leaf).unwrap();
        assert!(!leaf.exists());
    }
}
