//! A process under ptrace, and its end at the system call that one chooses.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use libc::c_long;
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The call that marks beginning and end of the verb: it does nothing, and nobody else makes it.
pub(crate) fn mark() {
    let _ = nix::unistd::getppid();
}

/// Says that it is ready, and waits to be told to begin.
pub(crate) fn ready() {
    println!("\n{READY}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

const READY: &str = "ready for the verb";

/// Which calls are points, and whether their ends are, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Points {
    /// The beginning of each call that may leave something behind when its process dies.
    Effects,
    /// Beginning and end of every call.
    All,
}

/// What only the process itself sees, and what ends with it: memory, clocks, locks of threads, and
/// whatever is asked, read or received. A process that dies before one of these leaves the same as
/// one that dies before the next call that is none of these: nothing happened in between that
/// outlives it. Not a few are calls that only other architectures or libraries make.
const NO_EFFECT: &[c_long] = &[
    // Memory, clocks, threads, identity.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_prctl,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    // A namespace that nobody else has, and a thread's stay in one, end with it.
    libc::SYS_unshare,
    libc::SYS_setns,
    // What is read and asked.
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_ppoll,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_statfs,
    libc::SYS_lseek,
    libc::SYS_faccessat,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    // Descriptors, and the locks that hang on them.
    libc::SYS_socket,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_setsockopt,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_fcntl,
    libc::SYS_flock,
];

/// The same under the names that only this architecture has.
#[cfg(target_arch = "x86_64")]
const NO_EFFECT_HERE: &[c_long] = &[
    libc::SYS_poll,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const NO_EFFECT_HERE: &[c_long] = &[];

/// A call that a thread is about to make or has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) number: c_long,
    third: u64,
}

impl Call {
    /// The call in which a stopped thread is.
    fn of(process: Pid, thread: Pid) -> Call {
        let text = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall"));
        let text = text.unwrap_or_default();
        let mut words = text.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(-1);
        let third = words.nth(2).and_then(|word| word.strip_prefix("0x"));
        let third = third.and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or_default();
        Call { number, third }
    }

    /// Whether it may leave something behind.
    fn has_effect(self) -> bool {
        if self.number == libc::SYS_openat {
            let making = libc::O_CREAT | libc::O_TRUNC;
            return self.third & u64::try_from(making).unwrap() != 0;
        }
        ![NO_EFFECT, NO_EFFECT_HERE].iter().any(|list| list.contains(&self.number))
    }
}

/// How a run of the verb ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Killed at this call, whose end it was if `after`.
    Killed { call: Call, after: bool },
    /// It was done before the point came, in this many calls.
    Done { calls: usize },
}

/// A process and all its threads.
struct Traced {
    process: Pid,
    /// The thread and the call that it is in.
    within: HashMap<Pid, Call>,
    marks: usize,
    calls: usize,
    points: usize,
}

/// Runs a command that calls [`ready`], [`mark`], does its verb, calls [`mark`] again and exits. It
/// is killed at the `n`-th point between the marks.
#[expect(clippy::zombie_processes, reason = "its end is what the loop waits for, by waitpid")]
pub(crate) fn run(command: &mut Command, n: usize, which: Points) -> End {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
    let output = child.stdout.take().unwrap();
    let lines: Vec<String> = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.ends_with(READY))
        .collect();
    let mut traced = Traced::seize(&child, &lines);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    traced.until(n, which)
}

impl Traced {
    fn seize(child: &Child, said: &[String]) -> Traced {
        let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        let threads = std::fs::read_dir(format!("/proc/{process}/task"));
        let threads = threads.unwrap_or_else(|error| panic!("{error}: {said:#?}"));
        for thread in threads {
            let name = thread.unwrap().file_name();
            let thread = Pid::from_raw(name.to_str().unwrap().parse().unwrap());
            ptrace::seize(thread, options).expect("tests trace: run them as root");
            ptrace::interrupt(thread).unwrap();
        }
        Traced { process, within: HashMap::new(), marks: 0, calls: 0, points: 0 }
    }

    /// What happened next to a thread of this thread's children.
    fn next() -> WaitStatus {
        let of_this_thread = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(None, Some(of_this_thread)) {
                Err(Errno::EINTR) => {}
                status => return status.expect("a child to wait for"),
            }
        }
    }

    fn until(&mut self, n: usize, which: Points) -> End {
        loop {
            match Self::next() {
                WaitStatus::PtraceSyscall(thread) => {
                    if let Some(end) = self.stop(thread, n, which) {
                        kill(self.process, Signal::SIGKILL).unwrap();
                        self.reap();
                        return end;
                    }
                    go_on(thread, None);
                }
                WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
                WaitStatus::Stopped(thread, signal) => go_on(thread, signal),
                WaitStatus::Exited(process, status) if process == self.process => {
                    assert_eq!((status, self.marks), (0, 2), "the verb has failed");
                    return End::Done { calls: self.calls };
                }
                WaitStatus::Signaled(process, signal, _) if process == self.process => {
                    panic!("it died of {} by itself", signal.as_str());
                }
                _ => {}
            }
        }
    }

    /// A thread begins or ends a call; how the run ends if this is the point.
    fn stop(&mut self, thread: Pid, n: usize, which: Points) -> Option<End> {
        let (call, after) = if let Some(call) = self.within.remove(&thread) {
            (call, true)
        } else {
            let call = Call::of(self.process, thread);
            self.within.insert(thread, call);
            (call, false)
        };
        if call.number == libc::SYS_getppid {
            self.marks += usize::from(!after);
            // Done and told, and nothing else: the last point.
            self.points += usize::from(self.marks == 2 && !after);
            let is_last = self.marks == 2 && !after && self.points == n;
            return is_last.then_some(End::Killed { call, after });
        }
        if self.marks != 1 {
            return None;
        }
        self.calls += usize::from(!after);
        let is_one = which == Points::All || (!after && call.has_effect());
        self.points += usize::from(is_one);
        (is_one && self.points == n).then_some(End::Killed { call, after })
    }

    /// Until nothing is left of it, and so of its descriptors.
    fn reap(&self) {
        loop {
            match Self::next() {
                WaitStatus::Signaled(process, ..) if process == self.process => return,
                WaitStatus::Exited(process, _) => assert_ne!(process, self.process, "it has ended"),
                // It dies of the signal, whatever it had stopped for.
                _ => {}
            }
        }
    }
}

/// To its next call; a thread that is dying meanwhile is not there.
fn go_on(thread: Pid, signal: impl Into<Option<Signal>>) {
    match ptrace::syscall(thread, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("{error}"),
    }
}
