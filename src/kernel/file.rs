//! Files and directories: written in place, because they may be bind-mounted into a container, where
//! a file that is replaced would stay the old one.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::inode;
use crate::error::{Doing, Error, Kind, Result};
use crate::plan::{Inode, with_lines};

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

/// Adds and removes lines of each file; a file that is not there is passed over. If one fails, those
/// before it are put back.
pub(super) fn edit(paths: &[PathBuf], add: &[String], remove: &[String]) -> Result<()> {
    let mut changed: Vec<(&Path, Before)> = Vec::new();
    for path in paths {
        match edit_one(path, add, remove) {
            Ok(before) => changed.extend(before.map(|before| (path.as_path(), before))),
            Err((error, before)) => {
                changed.extend(before.map(|before| (path.as_path(), before)));
                let error = error.doing(format!("edit {}", path.display()));
                return Err(changed.iter().rev().fold(error, |error, (path, before)| match before
                    .put_back(path)
                {
                    Ok(()) => error,
                    Err(cleanup) => error.and_while_undoing(cleanup),
                }));
            }
        }
    }
    Ok(())
}

/// What a file was before it was edited.
enum Before {
    /// So long, where lines were added at its end: a thousand files are not kept whole.
    Shorter(usize),
    Other(String),
}

impl Before {
    fn put_back(&self, path: &Path) -> Result<()> {
        match self {
            Before::Shorter(length) => match open(path, OpenOptions::new().write(true)) {
                Ok(file) => file.set_len(bytes(*length)).map_err(|error| Error::io(&error)),
                Err(error) if error.kind() == Kind::NotFound => Ok(()),
                Err(error) => Err(error),
            },
            Before::Other(text) => put_back(path, Some(text)),
        }
    }
}

/// A failure comes with what the file was, if it may have been changed.
fn edit_one(
    path: &Path,
    add: &[String],
    remove: &[String],
) -> std::result::Result<Option<Before>, (Error, Option<Before>)> {
    let mut file = match open(path, OpenOptions::new().read(true).write(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err((error, None)),
    };
    let found = text_of(&mut file).map_err(|error| (error, None))?;
    let before = without_blank(&found);
    let after = with_lines(before, add, remove);
    if after == found {
        return Ok(None);
    }
    let (written, was) = match after.strip_prefix(&found) {
        Some(more) => (file.write_all(more.as_bytes()), Before::Shorter(found.len())),
        None => (over(&mut file, &after), Before::Other(before.to_owned())),
    };
    match written {
        Ok(()) => Ok(Some(was)),
        Err(error) => Err((Error::io(&error), Some(was))),
    }
}

/// The reverse of [`edit`], for every file whatever becomes of the others.
pub(super) fn edit_back(paths: &[PathBuf], added: &[String], removed: &[String]) -> Result<()> {
    let mut failed: Option<Error> = None;
    for path in paths {
        if let Err(error) = edit(std::slice::from_ref(path), removed, added) {
            failed = Some(match failed {
                None => error,
                Some(first) => first.and_while_undoing(error),
            });
        }
    }
    failed.map_or(Ok(()), Err)
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
fn over(file: &mut File, text: &str) -> io::Result<()> {
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
fn without_blank(text: &str) -> &str {
    let lines = text.strip_suffix('\n').unwrap_or_default();
    let last = lines.rfind('\n').map_or(0, |end| end + 1);
    match lines.get(last..) {
        Some(line) if !line.is_empty() && line.trim_matches(' ').is_empty() => {
            text.get(..last).unwrap_or(text)
        }
        _ => text,
    }
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Only regular files, and never through a symbolic link at the end of the path: a container that
/// shares the directory could lead it anywhere. Not blocking, in case it is a fifo.
fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = options.custom_flags(flags).open(path).map_err(|error| absent(&error))?;
    if file.metadata().doing(|| "look at the file")?.is_file() {
        return Ok(file);
    }
    Err(Error::new(Kind::Denied, "it is not a regular file"))
}

fn text_of(file: &mut File) -> Result<String> {
    // Room for all of it at once: without, it is read in pieces of 32 bytes and more.
    let length = file.metadata().map_or(0, |found| found.len().min(LONGEST));
    let mut text = String::with_capacity(usize::try_from(length).unwrap_or(0) + 64);
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| Error::io(&error))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Error::new(Kind::Invalid, "it is longer than 4 MiB"));
    }
    Ok(text)
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

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

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
    fn an_edit_that_fails_half_way_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let first = directory.path().join("first");
        fs::write(&first, "one\n").unwrap();
        let paths = [directory.path().join("absent"), first.clone(), directory.path().into()];
        assert!(edit(&paths, &lines(&["two"]), &[]).is_err());
        assert_eq!(fs::read_to_string(&first).unwrap(), "one\n");
        edit(&paths[..2], &lines(&["two"]), &lines(&["one"])).unwrap();
        assert_eq!(fs::read_to_string(&first).unwrap(), "two\n");
        edit_back(&paths[..2], &lines(&["two"]), &lines(&["one"])).unwrap();
        assert_eq!(fs::read_to_string(&first).unwrap(), "one\n");
    }

    #[test]
    fn a_death_before_the_cut_leaves_no_old_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let paths = [path.clone()];
        edit(&paths, &[], &lines(&["two"])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nthree\n");
        fs::write(&path, "one\nthree\n   \n").unwrap();
        edit(&paths, &[], &lines(&["two"])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nthree\n");
        for kept in ["", "\n", "one\n\n", "one", " ", "one \n"] {
            assert_eq!(without_blank(kept), kept);
        }
        assert_eq!(without_blank("  \n"), "");
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
