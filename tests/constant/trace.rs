//! What strace saw between two marks.

use std::collections::BTreeMap;
use std::fmt;

/// A call that strace shows and nobody else makes.
pub(crate) fn mark(name: &str) {
    let _ = std::fs::metadata(format!("/netberth-mark-{name}"));
}

/// How many calls of a name there were, and the bytes that they moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
}

/// Calls by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost(BTreeMap<String, Calls>);

/// What depends on how threads meet, and on what the allocator has at hand.
const CHANCE: [&str; 7] = ["futex", "sched_yield", "mmap", "munmap", "mprotect", "madvise", "brk"];
/// Pages of the store: how its trees are cut into pages depends on ids, which are random.
const PAGES: [&str; 2] = ["pread64", "pwrite64"];
/// Whose results are bytes of netlink; those of the lock's file tell a process id.
const NETLINK: [&str; 4] = ["sendto", "sendmsg", "recvfrom", "recvmsg"];

impl Cost {
    pub(crate) fn of(trace: &str) -> Cost {
        let mut lines = trace.lines();
        assert!(lines.any(|line| line.contains("netberth-mark-begin")), "no beginning: {trace}");
        let mut cost = Cost::default();
        for line in lines.take_while(|line| !line.contains("netberth-mark-end")) {
            let Some((name, bytes)) = call(line) else { continue };
            let calls = cost.0.entry(name.to_owned()).or_default();
            calls.count += 1;
            if NETLINK.contains(&name) || PAGES.contains(&name) {
                calls.bytes += bytes.unwrap_or_default();
            }
        }
        cost
    }

    fn only(&self, is_one: impl Fn(&str) -> bool) -> Cost {
        let some = self.0.iter().filter(|(name, _)| is_one(name));
        Cost(some.map(|(name, calls)| (name.clone(), *calls)).collect())
    }

    /// What is asked of the kernel by netlink.
    pub(crate) fn sent(&self) -> Cost {
        self.only(|name| name.starts_with("send"))
    }

    /// Everything that does not depend on chance.
    pub(crate) fn certain(&self) -> Cost {
        self.only(|name| !CHANCE.contains(&name) && !PAGES.contains(&name))
    }

    /// Pages of the store, read and written.
    pub(crate) fn pages(&self) -> Calls {
        let pages = self.only(|name| PAGES.contains(&name)).0;
        pages.values().fold(Calls::default(), |sum, one| Calls {
            count: sum.count + one.count,
            bytes: sum.bytes + one.bytes,
        })
    }
}

/// `812 sendto(7, ""..., 40, 0, NULL, 0) = 40`, or the second half of one that another thread cut in
/// two: `812 <... sendto resumed>) = 40`.
fn call(line: &str) -> Option<(&str, Option<u64>)> {
    let (_, line) = line.split_once(' ')?;
    let line = line.trim_start();
    if line.ends_with("<unfinished ...>") || line.starts_with(['+', '-']) {
        return None;
    }
    let name = match line.strip_prefix("<... ") {
        Some(resumed) => resumed.split(' ').next()?,
        None => line.split('(').next()?,
    };
    let result = line.rsplit_once(" = ")?.1;
    Some((name, result.split(' ').next()?.parse().ok()))
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: usize = self.0.values().map(|calls| calls.count).sum();
        write!(f, "{calls} calls")?;
        let shown =
            |name: &&String| NETLINK.contains(&name.as_str()) || PAGES.contains(&name.as_str());
        for name in self.0.keys().filter(shown) {
            write!(f, ", {name} {} ({} bytes)", self.0[name].count, self.0[name].bytes)?;
        }
        Ok(())
    }
}
