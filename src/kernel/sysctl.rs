//! Sysctls, in the network namespace of the calling thread: `/proc/sys/net` shows each thread its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::procfs;
use crate::error::{Error, Kind, Result};

const IPV6: &str = "/proc/sys/net/ipv6";

/// `sysctl -n KEY`; none where the key does not exist.
pub(super) fn read(key: &str) -> Result<Option<String>> {
    match std::fs::read_to_string(path(key)?) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&error)),
    }
}

/// `sysctl -w KEY=VALUE`. A key under `net/ipv6` is passed over where the kernel has no IPv6.
pub(super) fn write(key: &str, value: &str) -> Result<()> {
    let path = path(key)?;
    // Never created: /proc/sys has the file or the key does not exist.
    let written = OpenOptions::new().write(true).open(&path).and_then(|mut file| {
        // One write(2): a sysctl takes each write as a whole value.
        file.write_all(value.as_bytes())
    });
    match written {
        Ok(()) => Ok(()),
        Err(_) if beyond_this_kernel(&path) => Ok(()),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::io(error).with_kind(Kind::NotFound).because("this kernel has no such key");
    }
    Error::io(error)
}

/// `sysctl -w KEY=VALUE`, where the key may have gone with its device.
pub(super) fn restore(key: &str, value: &str) -> Result<()> {
    write(key, value).or_else(|error| match error.kind() {
        Kind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// Whether the key has the value, or cannot have any because the kernel has no IPv6.
pub(super) fn holds(key: &str, value: &str) -> Result<bool> {
    match read(key)? {
        Some(now) => Ok(now.split_whitespace().eq(value.split_whitespace())),
        None => Ok(beyond_this_kernel(&path(key)?)),
    }
}

/// Whether the kernel has IPv6, which it cannot lose (`ipv6_exit` does not exist).
pub(super) fn has_ipv6() -> bool {
    static SEEN: AtomicBool = AtomicBool::new(false);
    if !SEEN.load(Ordering::Relaxed) {
        SEEN.store(Path::new(IPV6).exists(), Ordering::Relaxed);
    }
    SEEN.load(Ordering::Relaxed)
}

/// The IPv6 sysctls of a namespace's interfaces, for threads that are elsewhere: a directory below
/// `/proc/sys/net` remains the one of the namespace in which its path was looked up (`proc_sys_lookup`
/// follows the directory, `sysctl_follow_link` the thread).
pub(super) struct Interfaces(OwnedFd);

impl Interfaces {
    /// Those of the calling thread's namespace; none where the kernel has no IPv6.
    pub(super) fn here() -> Option<Self> {
        procfs::ipv6_conf().ok().map(Interfaces)
    }

    /// Whether the key is one of these.
    pub(super) fn has(key: &str) -> bool {
        Self::relative(key).is_some()
    }

    /// `sysctl -w KEY=VALUE` there.
    pub(super) fn write(&self, key: &str, value: &str) -> Result<()> {
        let none = || Error::new(Kind::Bug, format!("{key:?} is no sysctl of an interface"));
        let name = Self::relative(key).ok_or_else(none)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let written = openat(&self.0, name, flags, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|file| File::from(file).write_all(value.as_bytes()));
        written.map_err(|error| refused(&error))
    }

    /// `eth0/accept_ra`
    fn relative(key: &str) -> Option<&str> {
        let name = key.strip_prefix("net/ipv6/conf/")?;
        let (interface, key) = name.split_once('/')?;
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['/', '\0']);
        (plain(interface) && plain(key)).then_some(name)
    }
}

/// An IPv4 sysctl of one interface that rtnetlink sets, too (`IFLA_INET_CONF`, `inet_set_link_af`).
pub(super) struct OfInterface<'a> {
    pub(super) interface: &'a str,
    /// `IPV4_DEVCONF_*` of `linux/ip.h`.
    pub(super) number: u16,
    pub(super) value: u32,
}

impl<'a> OfInterface<'a> {
    /// Of the keys those that have no other effect than their value: for others the file does more.
    pub(super) fn of(key: &'a str, value: &str) -> Option<Self> {
        let (interface, key) = key.strip_prefix("net/ipv4/conf/")?.rsplit_once('/')?;
        let number = match key {
            "accept_redirects" => 4,
            "rp_filter" => 8,
            _ => return None,
        };
        let is_all = matches!(interface, "all" | "default");
        let value = value.parse().ok()?;
        (!is_all).then_some(OfInterface { interface, number, value })
    }
}

fn beyond_this_kernel(path: &Path) -> bool {
    path.starts_with(IPV6) && !has_ipv6()
}

/// As sysctl(8): the first separator decides which one is meant, so that with slashes a device's
/// name may contain a dot.
fn path(key: &str) -> Result<PathBuf> {
    let key = if key.contains('/') { key.to_owned() } else { key.replace('.', "/") };
    let plain = Path::new(&key).components().all(|part| matches!(part, Component::Normal(_)));
    if key.is_empty() || key.contains('\0') || !plain {
        let what = format!("{key:?} is no sysctl: write net/ipv4/ip_forward");
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(Path::new("/proc/sys").join(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_separate_only_where_there_is_no_slash() {
        let at = |key| path(key).unwrap().display().to_string();
        assert_eq!(at("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(at("net/ipv4/conf/eth0.1/mtu"), "/proc/sys/net/ipv4/conf/eth0.1/mtu");
        for wrong in ["", "/etc/passwd", "net/../../etc/passwd", "..", "net/\0"] {
            assert_eq!(path(wrong).unwrap_err().kind(), Kind::Invalid, "{wrong}");
        }
    }

    #[test]
    fn reads_and_compares() {
        let now = read("kernel.ostype").unwrap();
        assert_eq!(now.as_deref(), Some("Linux"));
        assert!(holds("kernel/ostype", "Linux").unwrap());
        assert!(!holds("kernel/ostype", "Plan 9").unwrap());
        assert_eq!(read("kernel/no_such_key").unwrap(), None);
        assert!(!holds("kernel/no_such_key", "1").unwrap());
        assert_eq!(write("kernel/no_such_key", "1").unwrap_err().kind(), Kind::NotFound);
        restore("kernel/no_such_key", "1").unwrap();
    }
}
