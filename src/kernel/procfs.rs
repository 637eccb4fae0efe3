//! Instances of proc that nobody else looks at.
//!
//! `/proc/sys/net/ipv6` has a directory `conf` for each network namespace in which somebody has looked
//! at it. All have that name, and the kernel's cache of names keeps them in one chain, through which it
//! asks each whether it is of the namespace meant (`proc_sys_compare`): half a millisecond among 1,000.
//! Each mount of proc has a cache of its own (since Linux 5.8).

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statvfs::{FsFlags, statvfs};
use parking_lot::Mutex;

use super::sys;

/// Whoever looks at fewer namespaces than this is through before a mount is worth its while.
const PATIENCE: u32 = 32;
/// So many namespaces are looked at in one instance: to unmount it takes most of a millisecond.
const ENOUGH: u32 = 128;

static INSTANCE: Mutex<Own> = Mutex::new(Own { looked: 0, proc: None, refused: false });

/// How many have a [`Use`].
static USERS: AtomicUsize = AtomicUsize::new(0);

/// While there is one, an instance is kept from one time to the next.
pub(super) struct Use(());

impl Use {
    pub(super) fn new() -> Self {
        USERS.fetch_add(1, Ordering::Relaxed);
        Use(())
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if USERS.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(mut own) = INSTANCE.try_lock()
        {
            (own.looked, own.proc) = (0, None);
        }
    }
}

struct Own {
    /// How many namespaces have been looked at in the present instance, at first `/proc`.
    looked: u32,
    proc: Option<OwnedFd>,
    /// A filter of system calls, or a namespace of users that may not mount proc.
    refused: bool,
}

impl Own {
    fn instance(&mut self) -> Option<&OwnedFd> {
        self.looked += 1;
        let enough = if self.proc.is_some() { ENOUGH } else { PATIENCE };
        if self.looked > enough && !self.refused {
            self.proc = sys::proc().ok();
            (self.looked, self.refused) = (0, self.proc.is_none());
        }
        self.proc.as_ref()
    }
}

/// `/proc/sys/net/ipv6/conf` of the calling thread's namespace, as a place to look up names at
/// (`O_PATH`).
pub(super) fn ipv6_conf() -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // Not waited for: who was forked may find it locked for ever.
    if let Some(mut own) = INSTANCE.try_lock()
        && let Some(proc) = own.instance()
        && is_writable()
    {
        return Ok(openat(proc, "sys/net/ipv6/conf", flags, Mode::empty())?);
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY);
    Ok(options.open("/proc/sys/net/ipv6/conf")?.into())
}

/// Who made `/proc/sys` read-only meant all of it.
fn is_writable() -> bool {
    statvfs("/proc/sys").is_ok_and(|of| !of.flags().contains(FsFlags::ST_RDONLY))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn every_instance_shows_the_same() {
        let names = |directory: &OwnedFd| {
            let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
            let entries = std::fs::read_dir(path).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let first = names(&ipv6_conf().unwrap());
        assert!(first.iter().any(|name| name == "lo"));
        for _ in 0..PATIENCE + 2 * ENOUGH {
            assert_eq!(names(&ipv6_conf().unwrap()), first);
        }
    }
}
