//! Who may read and write netberth's own files and directories.

use std::path::{Path, PathBuf};

use super::Known;
use super::finding::{Action, Finding};
use crate::model::Owner;
use crate::plan::{Inode, Step};

/// What every user of a container reads.
const OF_CONTAINER: u32 = 0o644;
/// What only netberth reads.
const OF_RECORDS: u32 = 0o600;
/// As they are made.
const STATE: u32 = 0o700;
const DIRECTORY: u32 = 0o755;
/// Who else may write in a directory may put anything into it, and take away what is there.
const OTHERS_WRITE: u32 = 0o022;
const OWNER_ALL: u32 = 0o700;
/// Everybody may write, and nobody takes away what is another's.
const STICKY: u32 = 0o1000;

/// Where netberth keeps what is its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Whose it is, everything in it is.
    pub(crate) state: PathBuf,
    /// Other directories.
    pub(crate) directories: Vec<PathBuf>,
    /// The files of records.
    pub(crate) files: Vec<PathBuf>,
}

impl Places {
    pub(super) fn all(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.state).chain(&self.directories).chain(&self.files)
    }
}

pub(super) fn check(known: &Known<'_>) -> Vec<Finding> {
    let inode = |path: &Path| known.facts.inodes.get(path);
    let places = known.places;
    let state = inode(&places.state).filter(|state| state.directory);
    let owner = state.map(|state| state.uid);
    let mut found = Vec::new();
    let mut judge = |whose: &Owner, path: &Path, mode: u32, owner: Option<u32>| {
        if let Some(inode) = inode(path) {
            found.extend(mode_of(whose, path, inode, mode));
            found.extend(owner_of(whose, path, inode, owner));
        }
    };
    let host = Owner::host();
    judge(&host, &places.state, STATE, None);
    for path in &places.directories {
        judge(&host, path, DIRECTORY, owner.filter(|_| path.starts_with(&places.state)));
    }
    for path in &places.files {
        judge(&host, path, OF_RECORDS, owner);
    }
    let steps = known.records.iter().flat_map(|record| {
        let of = record.steps.iter().filter(|done| !done.held);
        of.map(move |done| (&record.owner, &done.step))
    });
    let mut directory = None;
    for (whose, step) in steps {
        match step {
            Step::Directory { path } => {
                judge(whose, path, DIRECTORY, owner);
                directory = Some(path);
            }
            // A runtime that maps users gives these to the container's root; a file elsewhere is its
            // caller's.
            Step::File { path, .. } if directory.is_some_and(|own| path.starts_with(own)) => {
                judge(whose, path, OF_CONTAINER, None);
            }
            _ => {}
        }
    }
    found
}

fn object(path: &Path, inode: &Inode) -> String {
    let kind = if inode.directory { "directory" } else { "file" };
    format!("{kind} {}", path.display())
}

/// A directory may have another mode than it was made with, as the umask or the operator has it, as
/// long as nobody else can change what is in it and its owner can.
fn mode_of(whose: &Owner, path: &Path, inode: &Inode, mode: u32) -> Option<Finding> {
    let safe = inode.mode & OTHERS_WRITE == 0 || inode.mode & STICKY != 0;
    let fits = if inode.directory {
        safe && inode.mode & OWNER_ALL == OWNER_ALL
    } else {
        inode.mode == mode || !inode.file
    };
    let words = |mode: u32| format!("mode {mode:04o}");
    let step = Step::Mode { path: path.to_owned(), mode, before: inode.mode };
    let finding = Finding::new(whose, object(path, inode), &words(mode), &words(inode.mode));
    (!fits).then(|| finding.mended([Action::Do(step)]))
}

fn owner_of(whose: &Owner, path: &Path, inode: &Inode, owner: Option<u32>) -> Option<Finding> {
    let wanted = owner.filter(|owner| *owner != inode.uid && (inode.file || inode.directory))?;
    let words = |uid: u32| format!("owner {uid}");
    let step = Step::Owner { path: path.to_owned(), uid: wanted, before: inode.uid };
    let finding = Finding::new(whose, object(path, inode), &words(wanted), &words(inode.uid));
    Some(finding.mended([Action::Do(step)]))
}
