//! Sysctls, in the network namespace of the calling thread: `/proc/sys/net` shows each thread its own.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Kind, Result};

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
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::io(&error).with_kind(Kind::NotFound).because("this kernel has no such key"))
        }
        Err(error) => Err(Error::io(&error)),
    }
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

/// Whether the kernel has IPv6 in this namespace.
pub(super) fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

fn beyond_this_kernel(path: &Path) -> bool {
    path.starts_with("/proc/sys/net/ipv6") && !has_ipv6()
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
