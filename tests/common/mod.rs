//! A host of its own for a test: fresh network and mount namespaces, which end with the test.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

pub mod bed;
pub mod conntrack;
pub mod faulty;
pub mod foreign;
pub mod net;
pub mod real;
pub mod scenarios;
pub mod server;
pub mod services;
pub mod steps;
pub mod verbs;
pub mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use netberth::kernel::{Kernel, Linux, Outcome};
use netberth::plan::{Ns, Step};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// What a test sees: a kernel handle, and a directory on a file system that ends with the test.
pub struct Host {
    pub kernel: Linux,
    pub directory: PathBuf,
}

/// Runs a test on a thread whose namespaces nobody shares. Programs and threads started by the test
/// are in them too.
pub fn on_a_host(test: impl FnOnce(&Host) + Send) {
    let outside = tempfile::tempdir().expect("a temporary directory");
    let directory = outside.path().to_owned();
    let run = || {
        unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
            .expect("tests with a real kernel need CAP_SYS_ADMIN: run them as root");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private mounts");
        let none = MsFlags::empty();
        mount(Some("tmpfs"), &directory, Some("tmpfs"), none, None::<&str>).expect("a tmpfs");
        test(&Host { kernel: Linux::open().expect("a kernel"), directory: directory.clone() });
    };
    let ended = std::thread::scope(|scope| scope.spawn(run).join());
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

impl Host {
    /// A path on the host's own file system.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The namespace at a path of the host's own.
    pub fn ns(&self, name: &str) -> Ns {
        Ns::At { path: self.path(name), cookie: None }
    }

    /// Applies steps, which must succeed.
    pub fn apply(&self, steps: &[Step]) {
        let outcome = self.kernel.apply(steps);
        assert!(outcome.failed.is_none(), "{outcome:?}");
        assert_eq!(outcome.done, vec![true; steps.len()]);
    }

    /// Applies steps, of which one must fail.
    pub fn fails(&self, steps: &[Step]) -> Outcome {
        let outcome = self.kernel.apply(steps);
        assert!(outcome.failed.is_some(), "{outcome:?}");
        outcome
    }

    /// Undoes steps, which must succeed.
    pub fn undo(&self, steps: &[Step]) {
        for result in self.kernel.undo(steps) {
            result.expect("undone");
        }
    }

    /// Everything that the steps can change, as text to compare.
    pub fn snapshot(&self, namespaces: &[&str]) -> String {
        let mut all = String::new();
        let show = "ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*/@if/; s/link-netns.*//' | sort; \
                    ip -o addr | sed 's/^[0-9]*: //' | sort; ip route show table all | sort; \
                    ip -6 route show table all | sort; \
                    cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/lo/forwarding";
        all.push_str(&sh(show));
        for name in namespaces {
            all.push_str(&sh(&format!(
                "nsenter --net={} sh -c \"{show}\"",
                self.path(name).display()
            )));
        }
        all.push_str(&sh(&format!(
            "cd {} && find . -type f -o -type d | sort",
            self.directory.display()
        )));
        all
    }

    /// Runs a program in one of the host's namespaces.
    pub fn inside(&self, name: &str, line: &str) -> String {
        sh(&format!("nsenter --net={} {line}", self.path(name).display()))
    }
}

/// Runs a line of shell in the test's namespaces; it must succeed.
pub fn sh(line: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(line).output().expect("sh");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

/// How many threads and descriptors this process has. A thread that ends is none: the kernel says that
/// it has ended before it takes it off its list.
pub fn threads_and_descriptors() -> (usize, usize) {
    let entries = |path: &str| std::fs::read_dir(Path::new(path)).expect("/proc");
    let lives = |task: &PathBuf| {
        // `PF_EXITING` of `linux/sched.h`, in the ninth field (proc_pid_stat(5)).
        let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let flags = fields.split_whitespace().nth(6).and_then(|word| word.parse::<u32>().ok());
        flags.is_some_and(|flags| flags & 4 == 0)
    };
    let tasks = entries("/proc/self/task").map(|entry| entry.expect("a task").path());
    (tasks.filter(lives).count(), entries("/proc/self/fd").count())
}

/// Waits until the kernel has reaped the links of namespaces that were given up.
pub fn reaped() {
    let unplugged = |line: &str| !line.contains(" master ") && !line.contains(",UP");
    let began = std::time::Instant::now();
    loop {
        let links = sh("ip -o link show type veth");
        let left: Vec<&str> =
            links.lines().filter(|line| line.contains(": nb") && unplugged(line)).collect();
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "not reaped: {left:#?}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
