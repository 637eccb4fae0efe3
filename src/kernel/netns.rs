//! Network namespaces: made, mounted, entered by threads that die afterwards.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{
    CloneFlags, CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity, setns, unshare,
};
use nix::unistd::Pid;

use super::sys::SignalsBlocked;
use crate::error::{Doing, Error, Kind, Result};

/// The namespace of the thread that looks.
const OWN: &str = "/proc/thread-self/ns/net";
/// More mounts on one file than this are not of netberth's making.
const MOUNTS: usize = 8;

/// A namespace held by a descriptor: it lives at least as long.
pub(super) struct Handle {
    fd: OwnedFd,
    /// Device and inode: equal for the same namespace only.
    identity: (u64, u64),
}

impl Handle {
    /// The namespace of the calling thread.
    pub(super) fn current() -> Result<Self> {
        Self::open(Path::new(OWN))
    }

    /// The namespace that a path leads to; `NotFound` where it leads to none.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let doing = || format!("open the namespace {}", path.display());
        // Not blocking: an operator's path may lead to a fifo.
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = opened.map_err(|error| gone(&error).doing(doing()))?;
        let metadata = file.metadata().doing(doing)?;
        if !is_nsfs(&file).doing(doing)? {
            let what = "it is not a namespace: nothing is mounted there";
            return Err(Error::new(Kind::NotFound, what).doing(doing()));
        }
        Ok(Handle { identity: (metadata.dev(), metadata.ino()), fd: file.into() })
    }

    /// The same namespace by another descriptor.
    pub(super) fn again(&self) -> Result<Self> {
        let fd = self.fd.try_clone().doing(|| "duplicate a descriptor")?;
        Ok(Handle { fd, identity: self.identity })
    }

    /// Whether both are the same namespace.
    pub(super) fn is(&self, other: &Handle) -> bool {
        self.identity == other.identity
    }

    /// Whether the calling thread is in this namespace.
    pub(super) fn is_here(&self) -> bool {
        std::fs::metadata(OWN).is_ok_and(|own| (own.dev(), own.ino()) == self.identity)
    }

    /// Runs `work` in this namespace, on a thread that ends with it. The caller's thread stays where
    /// it is whatever happens.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_a_thread(|| {
            setns(&self.fd, CloneFlags::CLONE_NEWNET).map_err(|errno| match errno {
                // A namespace of another type.
                Errno::EINVAL => Error::os(errno as i32).with_kind(Kind::NotFound),
                _ => privileged(errno),
            })?;
            work()
        })
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Mounts a new namespace, or `of`, on a file that it makes; leaves nothing behind on failure. `then` is
/// done in a new one, on the thread that is there already.
pub(super) fn create<T: Send>(
    path: &Path,
    of: Option<&Handle>,
    then: impl FnOnce() -> T + Send,
) -> Result<Option<T>> {
    OpenOptions::new().write(true).create_new(true).mode(0o444).open(path).map_err(|error| {
        let taken = error.kind() == io::ErrorKind::AlreadyExists;
        if taken { Error::io(&error).with_kind(Kind::Exists) } else { gone(&error) }
    })?;
    let mounted = match of {
        Some(of) => on_a_thread(|| {
            let own = PathBuf::from(format!("/proc/thread-self/fd/{}", of.fd.as_raw_fd()));
            bind(&own, path).map(|()| None)
        }),
        None => on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(privileged)
                .doing(|| "unshare the network namespace")?;
            bind(Path::new(OWN), path)?;
            Ok(Some(then()))
        }),
    };
    mounted.map_err(|error| match std::fs::remove_file(path) {
        Ok(()) => error,
        Err(left) => error.and_while_undoing(Error::io(&left).doing("remove the mount point")),
    })
}

/// Unmounts and removes the file; what is gone already is no error. The kernel reaps the namespace
/// and its links in the background once nobody is in it.
pub(super) fn remove(path: &Path) -> Result<()> {
    for _ in 0..MOUNTS {
        match umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) => {}
            // Nothing is mounted there, or nothing is there.
            Err(Errno::EINVAL) => break,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            Err(errno) => return Err(privileged(errno)),
        }
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(&error)),
        _ => Ok(()),
    }
}

fn bind(source: &Path, path: &Path) -> Result<()> {
    mount(Some(source), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(privileged)
        .doing(|| format!("mount a namespace at {}", path.display()))
}

/// setns(2), unshare(2) and mount(2) want the same right.
fn privileged(errno: Errno) -> Error {
    let error = Error::os(errno as i32);
    if errno == Errno::EPERM { error.because("it takes CAP_SYS_ADMIN") } else { error }
}

/// Runs `work` on a thread of its own, which no signal of the caller's is delivered to.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let _stays = Staying::here();
    thread::scope(|scope| {
        let blocked = SignalsBlocked::new();
        let spawned = thread::Builder::new().name("netberth".into()).spawn_scoped(scope, work);
        drop(blocked);
        let joined = spawned.doing(|| "start a thread")?.join();
        joined.unwrap_or_else(|_| Err(Error::new(Kind::Bug, "work in a namespace panicked")))
    })
}

/// While it lives, the calling thread stays on its processor, and so do threads that it spawns.
///
/// The caller does nothing but wait for such a thread. Left alone, the scheduler begins it on the
/// idlest processor (`SD_BALANCE_FORK`) and wakes the caller on another than the one it ends on
/// (`select_idle_sibling`): twice a sleeping processor to wake, or a busy one's turn to wait for.
struct Staying(Option<CpuSet>);

impl Staying {
    /// Where a seccomp filter forbids it, or there are more than 1,024 processors, nothing stays.
    fn here() -> Self {
        let own = Pid::from_raw(0);
        let stay = || {
            let before = sched_getaffinity(own)?;
            let mut here = CpuSet::new();
            here.set(sched_getcpu()?)?;
            sched_setaffinity(own, &here)?;
            Ok::<_, Errno>(before)
        };
        Staying(stay().ok())
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A cpuset that was made smaller meanwhile has moved the thread by itself.
            let _ = sched_setaffinity(Pid::from_raw(0), before);
        }
    }
}

fn is_nsfs(file: &File) -> nix::Result<bool> {
    Ok(nix::sys::statfs::fstatfs(file)?.filesystem_type() == nix::sys::statfs::NSFS_MAGIC)
}

/// What a path of a dead process or of a removed namespace answers.
fn gone(error: &io::Error) -> Error {
    let absent = [libc::ENOENT, libc::ENOTDIR, libc::ESRCH, libc::ENXIO];
    let is_gone = error.raw_os_error().is_some_and(|errno| absent.contains(&errno));
    let error = Error::io(error);
    if is_gone { error.with_kind(Kind::NotFound) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_namespace_is_an_error() {
        let result: Result<()> = on_a_thread(|| panic!("on purpose"));
        assert_eq!(result.unwrap_err().kind(), Kind::Bug);
    }

    #[test]
    fn the_caller_may_run_everywhere_afterwards() {
        let allowed = || sched_getaffinity(Pid::from_raw(0)).unwrap();
        let before = allowed();
        on_a_thread(|| Ok(())).unwrap();
        assert_eq!(allowed(), before);
        let _: Error = on_a_thread::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(allowed(), before);
    }

    #[test]
    fn what_is_no_namespace_is_not_found() {
        for path in ["/", "/dev/null", "/nowhere", "/proc/self/ns", "/dev/null/below"] {
            let error = Handle::open(Path::new(path)).err().unwrap();
            assert_eq!(error.kind(), Kind::NotFound, "{error}");
        }
    }

    #[test]
    fn removing_what_is_gone_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        remove(&directory.path().join("absent")).unwrap();
        let file = directory.path().join("not mounted");
        std::fs::write(&file, "").unwrap();
        remove(&file).unwrap();
        assert!(!file.exists());
    }
}
