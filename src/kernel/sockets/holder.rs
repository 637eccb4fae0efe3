//! Whose a socket is.

use std::fmt;
use std::fs;
use std::path::Path;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its name, at most 15 bytes: `/proc/PID/comm`.
    pub comm: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.comm, self.pid)
    }
}

/// The process of the lowest number that has the socket open; none where it is the kernel's own, or
/// of a process that is not in this `/proc`. Looks at the descriptors of every process: it is for an
/// error's text only.
pub fn holder(inode: u32) -> Option<Holder> {
    // Sockets of the kernel's own.
    if inode == 0 {
        return None;
    }
    let wanted = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?;
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let mut pids: Vec<u32> = entries.flatten().filter_map(number).collect();
    pids.sort_unstable();
    let pid = pids.into_iter().find(|pid| has(*pid, &wanted))?;
    // A name is any bytes, and may end a line of a log.
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    let comm = String::from_utf8_lossy(comm.trim_ascii_end());
    let comm = comm.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Some(Holder { pid, comm })
}

/// Whether a process has a descriptor that leads there; one that ends meanwhile has not.
fn has(pid: u32, wanted: &str) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(wanted)))
}
