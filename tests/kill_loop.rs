//! Whatever system call a process dies at in the midst of a verb, its successor finds everything as
//! before the verb or as after it. The library knows nothing of this: the death comes by ptrace.
//!
//! By default a process dies before every call that may leave something behind; `NETBERTH_KILL=all`
//! has it die before and after each call there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a loop of a test that cannot go on must say so"
)]

mod common;

mod kill {
    pub(super) mod look;
    pub(super) mod tracer;
    pub(super) mod trials;
}

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use common::bed::config;
use common::verbs::{Verb, tear_down};
use common::{Host, on_a_host, reaped, sh};
use kill::look::{Look, eventually};
use kill::tracer::{self, Call, End, Points};
use kill::trials::{TRIALS, Trial};
use netberth::{Config, Netberth};

const VICTIM: &str = "NETBERTH_VICTIM";
/// So many hosts at once: much of the time is spent waiting for the kernel.
const AT_ONCE: usize = 3;

/// No test of its own: what is killed.
#[test]
fn the_process_that_is_killed() {
    let Ok(what) = std::env::var(VICTIM) else { return };
    let (index, directory) = what.split_once(' ').unwrap();
    let (index, directory): (usize, &Path) = (index.parse().unwrap(), Path::new(directory));
    let config = Config {
        state_dir: directory.join("state"),
        run_dir: directory.join("run"),
        ..Config::default()
    };
    let netberth = Netberth::open(config).unwrap();
    tracer::ready();
    tracer::mark();
    TRIALS[index].verb.run(&netberth, directory).unwrap();
    tracer::mark();
    std::process::exit(0);
}

/// What is known of a trial, and what came of it.
struct Tally {
    which: Points,
    next: AtomicUsize,
    over: AtomicBool,
    calls: AtomicUsize,
    undone: AtomicUsize,
    done: AtomicUsize,
    at: Mutex<BTreeMap<i64, usize>>,
}

/// A trial on one host, as often as there are points.
struct Bench<'a> {
    host: &'a Host,
    index: usize,
    trial: &'static Trial,
    pristine: Look,
    /// After the verb, without ids.
    after: Look,
}

impl<'a> Bench<'a> {
    fn new(host: &'a Host, index: usize) -> Self {
        // Where bridges call `ip6tables`, verify says so: it is of the host.
        sh("ip link set lo up; cd /proc/sys/net/bridge 2>/dev/null || exit 0; \
            echo 0 >bridge-nf-call-iptables; echo 0 >bridge-nf-call-ip6tables");
        sh(&format!("touch {0} && unshare --net={0} true", host.path("given").display()));
        let trial = &TRIALS[index];
        let netberth = Netberth::open(config(host)).unwrap();
        let pristine = Look::at(host, &netberth);
        let bench = Bench { host, index, trial, after: pristine.clone(), pristine };
        bench.prepare(&netberth);
        reaped();
        let before = Look::at(host, &netberth);
        bench.run(&netberth, trial.verb);
        reaped();
        let after = Look::at(host, &netberth).without_ids();
        assert_ne!(before.without_ids(), after, "{}: it does nothing", trial.name);
        let bench = Bench { after, ..bench };
        bench.end(&netberth, 0);
        bench
    }

    fn run(&self, netberth: &Netberth, verb: Verb) {
        let result = verb.run(netberth, &self.host.directory);
        result.unwrap_or_else(|error| panic!("{}: {verb:?}: {error}", self.trial.name));
    }

    fn prepare(&self, netberth: &Netberth) {
        for verb in self.trial.setup {
            self.run(netberth, *verb);
        }
    }

    /// Everything goes, and the host is as if nothing had ever been.
    fn end(&self, netberth: &Netberth, n: usize) {
        tear_down(netberth).unwrap_or_else(|error| panic!("{}, {n}: {error}", self.trial.name));
        let what = || format!("{}, {n}: torn down", self.trial.name);
        eventually(&what, &self.pristine, || Look::at(self.host, netberth));
    }

    /// Dies at the `n`-th point; whether there is one.
    fn point(&self, n: usize, tally: &Tally) -> bool {
        let survivor = Netberth::open(config(self.host)).unwrap();
        self.prepare(&survivor);
        reaped();
        let before = Look::at(self.host, &survivor);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "the_process_that_is_killed"]);
        command.env(VICTIM, format!("{} {}", self.index, self.host.directory.display()));
        let (call, after) = match tracer::run(&mut command, n, tally.which) {
            End::Killed { call, after } => (Some(call), after),
            End::Done { calls } => {
                tally.calls.store(calls, Ordering::SeqCst);
                (None, true)
            }
        };
        let name = || format!("{}, point {n}, {call:?}, after it: {after}", self.trial.name);
        // One who had the state directory open all the time, or one who comes now.
        let heir =
            if n.is_multiple_of(2) { survivor } else { Netberth::open(config(self.host)).unwrap() };
        heir.network_delete("there is none").unwrap_err();
        let found = heir.verify().unwrap().differences;
        assert!(found.is_empty(), "{}: {found:#?}", name());
        let undone = self.is_undone(&heir, &before, &name);
        if let Some(Call { number, .. }) = call {
            let tallied = if undone { &tally.undone } else { &tally.done };
            tallied.fetch_add(1, Ordering::SeqCst);
            *tally.at.lock().unwrap().entry(number).or_default() += 1;
        } else {
            assert!(!undone, "{}", name());
        }
        let again = self.trial.verb.run(&heir, &self.host.directory);
        assert_eq!(again.is_ok(), undone, "{}: again: {again:?}", name());
        eventually(&name, &self.after, || Look::at(self.host, &heir).without_ids());
        let found = heir.verify().unwrap().differences;
        assert!(found.is_empty(), "{}, again: {found:#?}", name());
        self.end(&heir, n);
        call.is_some()
    }

    /// Whether all is as before the verb; if not, it is as after it.
    fn is_undone(&self, heir: &Netberth, before: &Look, name: &dyn Fn() -> String) -> bool {
        let found = Look::at(self.host, heir);
        if found.store == before.store {
            eventually(name, before, || Look::at(self.host, heir));
            return true;
        }
        if found.without_ids().store != self.after.store {
            println!("{}: not before: {}", name(), before.difference(&found));
        }
        eventually(name, &self.after, || Look::at(self.host, heir).without_ids());
        false
    }
}

fn kill_at_every_call(index: usize, which: Points) {
    let tally = Tally {
        which,
        next: AtomicUsize::new(1),
        over: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        undone: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        at: Mutex::default(),
    };
    let started = Instant::now();
    let worker = || {
        on_a_host(|host| {
            let bench = Bench::new(host, index);
            while !tally.over.load(Ordering::SeqCst) {
                let n = tally.next.fetch_add(1, Ordering::SeqCst);
                if !bench.point(n, &tally) {
                    tally.over.store(true, Ordering::SeqCst);
                }
            }
        });
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        for ended in workers.into_iter().map(std::thread::ScopedJoinHandle::join) {
            if let Err(panic) = ended {
                tally.over.store(true, Ordering::SeqCst);
                std::panic::resume_unwind(panic);
            }
        }
    });
    let (undone, done) = (tally.undone.into_inner(), tally.done.into_inner());
    println!(
        "{}: {} calls, killed {} times: {undone} undone, {done} done, every verify clean; {:.1?}",
        TRIALS[index].name,
        tally.calls.into_inner(),
        undone + done,
        started.elapsed(),
    );
    println!("    at {:?}", tally.at.into_inner().unwrap());
    assert!(undone > 0 && done > 0, "{}: one of them must be", TRIALS[index].name);
}

#[test]
fn a_death_at_any_call_leaves_before_or_after() {
    let which = match std::env::var("NETBERTH_KILL").as_deref() {
        Ok("all") => Points::All,
        _ => Points::Effects,
    };
    if which == Points::Effects {
        println!(
            "killed before each call that may leave something behind; calls that cannot (memory, \
             clocks, locks of threads, what is read or received) leave what the next one finds. \
             NETBERTH_KILL=all: before and after every call"
        );
    }
    let only = std::env::var("NETBERTH_KILL_ONLY").ok();
    for (index, trial) in TRIALS.iter().enumerate() {
        if only.as_ref().is_none_or(|only| trial.name.contains(only)) {
            kill_at_every_call(index, which);
        }
    }
}
