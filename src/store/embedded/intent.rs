//! What the verb in progress is about to do: `netberth.intent`, beside the records.
//!
//! ```text
//! netberth 00000000000000000052 00000000000000000311 2c5d9b1f00e1a3f7
//!          the last revision    bytes of text        their sum
//! ```
//!
//! and then the text. It holds while the records are at that revision, so the next commit drops it
//! together with what it writes, and nothing has to be removed. A file of its own, for as a record it
//! would be written and removed by two commits that put a dozen pages in the log. It outlives its
//! process as what was not durable does: a power cut may take it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::fault;
use super::row::Sum;
use crate::error::Result;

/// `netberth `, two numbers of 20 digits, 16 digits and what stands between.
const HEADER: usize = 68;

/// A longer one is cut off when the next is written.
const LONG: u64 = 64 << 10;

/// The file, opened when it is first wanted.
#[derive(Debug, Default)]
pub(super) struct Intent {
    file: Option<File>,
    /// What this process wrote last is short.
    short: bool,
}

impl Intent {
    /// Writes an intent of which nothing is committed: `last` is the last revision.
    pub(super) fn write(&mut self, records: &Path, last: u64, text: &str) -> Result<()> {
        let failed = |error: &std::io::Error| fault::io(&path(records), error);
        let whole = header(last, text) + text;
        let short = std::mem::replace(&mut self.short, bytes(&whole) <= LONG);
        let file = self.file(records)?;
        if !short && file.metadata().map_err(|error| failed(&error))?.len() > LONG {
            file.set_len(0).map_err(|error| failed(&error))?;
        }
        file.write_all_at(whole.as_bytes(), 0).map_err(|error| failed(&error))
    }

    /// The intent that was written at this revision, the last, if there is one and it is whole: who died
    /// while writing it had done nothing yet.
    pub(super) fn read(&mut self, records: &Path, last: u64) -> Result<Option<String>> {
        let failed = |error: &std::io::Error| fault::io(&path(records), error);
        let file = self.file(records)?;
        let mut start = [0; HEADER];
        let read = file.read_at(&mut start, 0).map_err(|error| failed(&error))?;
        let Some((of, length)) = start.get(..read).and_then(parse) else { return Ok(None) };
        if of > last {
            // A power cut took commits. Their revisions are given again, and this is not theirs.
            file.set_len(0).map_err(|error| failed(&error))?;
        }
        if of != last {
            return Ok(None);
        }
        // Not longer than the file, whatever stands in it.
        if length > file.metadata().map_err(|error| failed(&error))?.len() {
            return Ok(None);
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        if file.read_exact_at(&mut text, HEADER as u64).is_err() {
            return Ok(None);
        }
        let text = String::from_utf8(text).ok();
        Ok(text.filter(|text| header(last, text).as_bytes() == start))
    }

    fn file(&mut self, records: &Path) -> Result<&File> {
        let file = if let Some(file) = self.file.take() {
            file
        } else {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
            let path = path(records);
            options.open(&path).map_err(|error| fault::io(&path, &error))?
        };
        Ok(self.file.insert(file))
    }
}

fn path(records: &Path) -> std::path::PathBuf {
    records.with_extension("intent")
}

fn bytes(text: &str) -> u64 {
    text.len().try_into().unwrap_or(u64::MAX)
}

fn header(last: u64, text: &str) -> String {
    let (length, Sum(sum)) = (text.len(), Sum::default().number(last).text(text));
    format!("netberth {last:020} {length:020} {sum:016x}\n")
}

/// The revision and the length, as far as they can be told without the text.
fn parse(start: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(start).ok().filter(|text| text.len() == HEADER)?;
    let mut words = text.strip_prefix("netberth ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let records = dir.path().join("netberth.db");
        (dir, records)
    }

    #[test]
    fn holds_at_its_revision_and_at_no_other() {
        let (_dir, records) = fresh();
        let mut intent = Intent::default();
        assert_eq!(intent.read(&records, 0).unwrap(), None);
        assert_eq!(header(7, "join").len(), HEADER);
        intent.write(&records, 7, "join é").unwrap();
        assert_eq!(Intent::default().read(&records, 7).unwrap().unwrap(), "join é");
        assert_eq!(intent.read(&records, 8).unwrap(), None);
        // A shorter one over a longer one.
        intent.write(&records, 8, "").unwrap();
        assert_eq!(intent.read(&records, 8).unwrap().unwrap(), "");
    }

    #[test]
    fn is_not_that_of_a_revision_that_is_given_again() {
        let (_dir, records) = fresh();
        let mut intent = Intent::default();
        intent.write(&records, 9, "join").unwrap();
        assert_eq!(intent.read(&records, 5).unwrap(), None);
        assert_eq!(intent.read(&records, 9).unwrap(), None);
    }

    #[test]
    fn is_whole_or_nothing() {
        let (_dir, records) = fresh();
        let mut intent = Intent::default();
        intent.write(&records, 7, "detach").unwrap();
        let whole = std::fs::read(path(&records)).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            std::fs::write(path(&records), &bytes).unwrap();
            assert_eq!(intent.read(&records, 7).unwrap(), None, "{place}");
            std::fs::write(path(&records), &whole[..place]).unwrap();
            assert_eq!(intent.read(&records, 7).unwrap(), None, "{place}");
        }
    }

    #[test]
    fn a_long_one_does_not_stay() {
        let (_dir, records) = fresh();
        let mut intent = Intent::default();
        intent.write(&records, 1, &"x".repeat(1 << 20)).unwrap();
        intent.write(&records, 2, "short").unwrap();
        assert_eq!(intent.read(&records, 2).unwrap().unwrap(), "short");
        assert_eq!(std::fs::metadata(path(&records)).unwrap().len(), HEADER as u64 + 5);
    }
}
