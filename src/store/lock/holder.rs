//! Who holds a lock, as far as `/proc/locks` tells.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `process 4711 (netberthd)`, or `another process` where it cannot be told: the kernel shows the
/// locks of this pid namespace only, and some file systems show another device there.
pub(super) fn of(file: &Path) -> String {
    let Some(pid) = pid(file) else { return "another process".into() };
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("process {pid} ({})", name.trim_end()),
        Err(_) => format!("a child of process {pid} (which is gone)"),
    }
}

fn pid(file: &Path) -> Option<u32> {
    let found = fs::metadata(file).ok()?;
    let (major, minor) = (libc::major(found.dev()), libc::minor(found.dev()));
    let place = format!("{major:02x}:{minor:02x}:{}", found.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| holder(line, &place))
}

/// A line is `1: FLOCK  ADVISORY  WRITE 4711 fe:01:131 0 EOF`; one who waits has `->` second.
fn holder(line: &str, place: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let pid = words.nth(2)?;
    (words.next()? == place).then(|| pid.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_holder_and_not_who_waits() {
        let place = "fe:01:131";
        assert_eq!(holder("1: FLOCK  ADVISORY  WRITE 4711 fe:01:131 0 EOF", place), Some(4711));
        assert_eq!(holder("1: -> FLOCK  ADVISORY  WRITE 47 fe:01:131 0 EOF", place), None);
        assert_eq!(holder("1: POSIX  ADVISORY  WRITE 47 fe:01:131 0 EOF", place), None);
        assert_eq!(holder("1: FLOCK  ADVISORY  WRITE 47 fe:01:132 0 EOF", place), None);
        assert_eq!(holder("1: FLOCK", place), None);
        assert_eq!(holder("", place), None);
    }
}
