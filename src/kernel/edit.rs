//! Lines that come to files and go from them: to a thousand of them when a container joins a network whose
//! containers are told each other's names.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::file::{bytes, not_text, open, over, put_back, read_all, without_blank};
use crate::error::{Error, Kind, Result};
use crate::plan::with_lines;

/// Adds and removes lines of each file; a file that is not there is passed over. If one fails, those
/// before it are put back.
pub(super) fn edit(paths: &[PathBuf], add: &[String], remove: &[String]) -> Result<()> {
    let mut changed: Vec<(&Path, Before)> = Vec::new();
    let mut edit = Edit::of(add, remove);
    for path in paths {
        match edit.one(path) {
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

/// Lines that come to files and go from them.
struct Edit<'a> {
    add: &'a [String],
    remove: &'a [String],
    /// What is put at the end of a file that has none of the lines, where none go.
    more: Option<String>,
    found: Vec<u8>,
}

impl<'a> Edit<'a> {
    fn of(add: &'a [String], remove: &'a [String]) -> Self {
        let mut once = HashSet::new();
        let alone = remove.is_empty() && add.iter().all(|line| once.insert(line));
        let more = alone.then(|| add.iter().flat_map(|line| [line.as_str(), "\n"]).collect());
        Edit { add, remove, more, found: Vec::new() }
    }

    /// A failure comes with what the file was, if it may have been changed.
    fn one(&mut self, path: &Path) -> std::result::Result<Option<Before>, (Error, Option<Before>)> {
        let mut file = match open(path, OpenOptions::new().read(true).write(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            Err(error) => return Err((error, None)),
        };
        read_all(&mut file, &mut self.found).map_err(|error| (error, None))?;
        if let Some(more) = self.more.as_ref().filter(|_| self.is_new_to(&self.found)) {
            let was = Before::Shorter(self.found.len());
            return match file.write_all(more.as_bytes()) {
                Ok(()) => Ok(Some(was)),
                Err(error) => Err((Error::io(&error), Some(was))),
            };
        }
        let found = std::str::from_utf8(&self.found).map_err(|_| (not_text(), None))?;
        let before = without_blank(found);
        let after = with_lines(before, self.add, self.remove);
        if after == found {
            return Ok(None);
        }
        let (written, was) = match after.strip_prefix(found) {
            Some(more) => (file.write_all(more.as_bytes()), Before::Shorter(found.len())),
            None => (over(&mut file, &after), Before::Other(before.to_owned())),
        };
        match written {
            Ok(()) => Ok(Some(was)),
            Err(error) => Err((Error::io(&error), Some(was))),
        }
    }

    /// Whether the text ends as one does, with a whole line that is not blank, and has none of the lines.
    fn is_new_to(&self, text: &[u8]) -> bool {
        let whole = text.ends_with(b"\n") && !text.ends_with(b" \n");
        whole && self.add.iter().all(|line| memmem::find(text, line.as_bytes()).is_none())
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

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
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

    proptest! {
        /// What is put at the end of a file is what the whole text would have there.
        #[test]
        fn a_file_becomes_what_its_text_would(
            text in "([a-c ]{0,2}\n){0,4}[a-c ]{0,2}",
            add in proptest::collection::vec("[a-d]{1,3}", 0..3),
            remove in proptest::collection::vec("[a-d]{1,2}", 0..2),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("hosts");
            fs::write(&path, &text).unwrap();
            edit(std::slice::from_ref(&path), &add, &remove).unwrap();
            let expected = with_lines(without_blank(&text), &add, &remove);
            prop_assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
