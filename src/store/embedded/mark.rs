//! How far the records had got: `netberth.mark`, one line beside them.
//!
//! ```text
//! netberth 0f4c6a5e-… 00000000000000000052 00000000000000000047 2c5d9b1f00e1a3f7
//!          the boot   the last revision    the last durable one  their sum
//! ```
//!
//! It is written after each commit and never ahead of one. A crash of a process takes nothing from
//! the records, so they must have got as far as it says; a power cut may take what was not durable,
//! so after another boot only that counts. Nothing waits for it: a mark that cannot be read or
//! written vouches for nothing, and the records are taken for what they are.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::LazyLock;

use super::fault;
use crate::error::Result;

/// Of the running kernel; none without `/proc`. `LazyLock` is std's `once_cell`.
static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(boot.trim_end().to_owned()).filter(|boot| !boot.is_empty() && !boot.contains(' '))
});

/// A line is 106 bytes long.
const LONGEST: usize = 256;

/// How often a mark is read again that another process is just writing.
const TRIES: usize = 8;

/// What a mark says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    boot: String,
    last: u64,
    durable: u64,
}

impl Told {
    /// The revision that the records must have reached.
    fn must(&self) -> u64 {
        if BOOT.as_ref() == Some(&self.boot) { self.last } else { self.durable }
    }

    fn line(&self) -> String {
        let Told { boot, last, durable } = self;
        format!("netberth {boot} {last:020} {durable:020} {:016x}\n", self.sum())
    }

    fn parse(text: &str) -> Option<Told> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let (name, boot) = (words.next()?, words.next()?.to_owned());
        let (last, durable) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let told = Told { boot, last, durable };
        let same = name == "netberth" && told.line() == text;
        same.then_some(told)
    }

    /// FNV-1a.
    fn sum(&self) -> u64 {
        let Told { boot, last, durable } = self;
        let bytes = boot.bytes().chain(last.to_be_bytes()).chain(durable.to_be_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

/// The mark of a file of records, if it has one that can be read.
pub(super) fn read(file: &Path) -> Option<Told> {
    for _ in 0..TRIES {
        let mut text = String::new();
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let mark = OpenOptions::new().read(true).custom_flags(flags).open(path(file)).ok()?;
        // A line and no more, whatever lies there.
        mark.take(LONGEST as u64).read_to_string(&mut text).ok()?;
        let told = Told::parse(&text);
        if told.is_some() {
            return told;
        }
    }
    None
}

/// Fails unless nothing was ever recorded: what is missing was there.
pub(super) fn is_at_the_beginning(file: &Path) -> Result<()> {
    let told = read(file);
    if told.as_ref().is_none_or(|told| told.must() == 0) {
        return Ok(());
    }
    // Another process has just begun.
    if file.exists() {
        return Ok(());
    }
    Err(fault::damaged(file, "it is missing while its mark, netberth.mark, is there"))
}

/// Fails if the records have not got as far as was said.
pub(super) fn reached(file: &Path, told: Option<Told>, last: u64) -> Result<()> {
    let Some(must) = told.map(|told| told.must()).filter(|must| last < *must) else {
        return Ok(());
    };
    let what = format!(
        "it ends at revision {last} and netberth.mark says that {must} was written: the \
         end of netberth.db-wal is damaged or gone, or the file is an older copy (then remove \
         netberth.mark, and what was done since is forgotten)"
    );
    Err(fault::damaged(file, &what))
}

fn path(file: &Path) -> std::path::PathBuf {
    file.with_extension("mark")
}

/// The mark of an open file of records, if it can be written.
#[derive(Debug)]
pub(super) struct Mark {
    file: Option<File>,
    /// What it says, unless another process has written since.
    told: Option<Told>,
}

impl Mark {
    /// Makes one that is missing or cannot be read.
    pub(super) fn open(file: &Path, last: u64) -> Mark {
        let told = read(file).is_some();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let opened = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path(file));
        let mut mark = Mark { file: opened.ok(), told: None };
        if !told {
            mark.advance(last, false);
        }
        mark
    }

    /// Another process may have written.
    pub(super) fn forget(&mut self) {
        self.told = None;
    }

    /// After a commit whose last revision is `last`.
    pub(super) fn advance(&mut self, last: u64, durable: bool) {
        let (Some(file), Some(boot)) = (&self.file, &*BOOT) else { return };
        let mut told = Told { boot: boot.clone(), last, durable: if durable { last } else { 0 } };
        // What other processes have said stays said.
        let read = || {
            let mut line = [0; LONGEST];
            let length = file.read_at(&mut line, 0).unwrap_or_default();
            let line = line.get(..length).and_then(|line| std::str::from_utf8(line).ok());
            line.and_then(Told::parse)
        };
        if let Some(before) = self.told.take().or_else(read) {
            told.durable = told.durable.max(before.durable);
            told.last = told.last.max(if before.boot == told.boot { before.last } else { 0 });
        }
        // Nobody can act on a failure: the commit is done, and the mark merely vouches for less.
        let written = file.write_all_at(told.line().as_bytes(), 0);
        self.told = Some(told).filter(|_| written.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(boot: &str) -> Told {
        Told { boot: boot.into(), last: 52, durable: 47 }
    }

    #[test]
    fn comes_back_as_it_went_and_not_otherwise() {
        let line = told("0f4c6a5e").line();
        assert!(line.len() < LONGEST);
        assert_eq!(Told::parse(&line), Some(told("0f4c6a5e")));
        assert_eq!(Told::parse(&format!("{line}\n")), None);
        for place in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[place] ^= 1;
            assert_eq!(std::str::from_utf8(&bytes).ok().and_then(Told::parse), None, "{place}");
            assert_eq!(Told::parse(&line[..place]), None);
        }
    }

    #[test]
    fn after_another_boot_only_what_was_durable_counts() {
        let boot = BOOT.clone().unwrap();
        assert_eq!((told(&boot).must(), told("another").must()), (52, 47));
    }

    #[test]
    fn is_not_behind_what_others_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("netberth.db");
        let (mut one, mut two) = (Mark::open(&file, 5), Mark::open(&file, 5));
        two.advance(9, true);
        one.forget();
        one.advance(7, false);
        let told = read(&file).unwrap();
        assert_eq!((told.last, told.durable), (9, 9));
        // A boot later the same numbers may be given again.
        let old = Told { boot: "another".into(), last: 99, durable: 9 };
        std::fs::write(path(&file), old.line()).unwrap();
        one.forget();
        one.advance(12, false);
        let told = read(&file).unwrap();
        assert_eq!((told.last, told.durable), (12, 9));
    }
}
