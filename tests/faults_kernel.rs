//! A failed step leaves nothing on the running kernel, and neither does a process that is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a loop of a test that cannot go on must say so"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use common::faulty::{Manner, Script};
use common::real::Real;
use common::verbs::{Verb, tear_down};
use common::world::{same, whole_life};
use common::{on_a_host, sh};

/// A verb on the running kernel, and the one that it takes back or is taken back by.
struct Trial {
    name: &'static str,
    setup: &'static [Verb],
    verb: Verb,
    reverse: Verb,
}

const FOO: Verb = Verb::Network(r#"{"name":"foo","options":{"ipv6":true}}"#);
const BAR: Verb = Verb::Network(r#"{"name":"bar"}"#);
const A: Verb = Verb::Endpoint(
    "foo",
    r#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080},
        {"proto":17,"port":9000,"port_end":9010,"host_port":9000}]}"#,
);
const B: Verb = Verb::Endpoint("foo", r#"{"name":"b"}"#);
const FIRST: Verb = Verb::Endpoint("bar", r#"{"name":"first","priority":9}"#);
const JOIN: Verb = Verb::Join("foo", "a", r#"{"container_id":"ca","host_name":"web"}"#);
const OTHERS: Verb = Verb::Join("foo", "b", r#"{"container_id":"cb"}"#);
const GIVEN: Verb = Verb::Join(
    "foo",
    "a",
    r#"{"container_id":"ca","netns":"@/given","sysctls":{"net.core.somaxconn":"100"}}"#,
);
const SECOND: Verb = Verb::Join("bar", "first", r#"{"container_id":"ca"}"#);

const TRIALS: &[Trial] = &[
    Trial { name: "create", setup: &[], verb: FOO, reverse: Verb::NetworkDelete("foo") },
    Trial {
        name: "join",
        setup: &[FOO, A, B, OTHERS],
        verb: JOIN,
        reverse: Verb::SandboxDelete("ca"),
    },
    Trial { name: "given", setup: &[FOO, A], verb: GIVEN, reverse: Verb::SandboxDelete("ca") },
    Trial {
        name: "second",
        setup: &[FOO, A, JOIN, BAR, FIRST],
        verb: SECOND,
        reverse: Verb::Detach("bar", "first", "ca"),
    },
    Trial {
        name: "detach",
        setup: &[FOO, A, JOIN, BAR, FIRST, SECOND],
        verb: Verb::Detach("bar", "first", "ca"),
        reverse: SECOND,
    },
    Trial {
        name: "leave",
        setup: &[FOO, A, B, OTHERS, JOIN],
        verb: Verb::SandboxDelete("ca"),
        reverse: JOIN,
    },
    Trial { name: "delete", setup: &[FOO], verb: Verb::NetworkDelete("foo"), reverse: FOO },
];

/// Runs a trial on a host of its own; whatever it does, it can be torn down to nothing.
fn on_a_new_host(trial: &Trial, attempt: impl FnOnce(&mut Real) + Send) {
    on_a_host(|host| {
        sh("ip link set lo up");
        sh(&format!("touch {0} && unshare --net={0} true", host.path("given").display()));
        let mut real = Real::new(host.directory.clone(), Script::of_effects());
        let pristine = real.state();
        for verb in trial.setup {
            real.calmly(*verb);
        }
        attempt(&mut real);
        real.script.calm(0);
        tear_down(real.netberth()).unwrap();
        whole_life(trial.name, 0, &pristine, &real.state());
    });
}

fn fail_every_step(trial: &Trial, manner: Manner) {
    on_a_new_host(trial, |real| {
        let before = real.state();
        real.calmly(trial.verb);
        let after = real.state();
        real.calmly(trial.reverse);
        same(trial.name, 0, "and back", &before, &real.state());
        for n in 1.. {
            real.script.calm(0);
            real.script.fail_once(n, manner);
            let result = real.run(trial.verb);
            if real.script.failed().is_empty() {
                result.unwrap();
                println!("{}: {} calls, {manner:?}", trial.name, n - 1);
                return;
            }
            if trial.verb.builds() {
                assert!(result.is_err(), "{}, {n}", trial.name);
                same(trial.name, n, "before", &before, &real.state());
                continue;
            }
            real.script.calm(0);
            let finished = result.is_ok() || real.state().has_intent();
            let again = real.run(trial.verb);
            assert!(finished || again.is_ok(), "{}, {n}: {again:?}", trial.name);
            same(trial.name, n, "after", &after, &real.state());
            real.calmly(trial.reverse);
        }
    });
}

/// A process of its own does the verb and is killed before its `n`-th call; whether it was.
fn killed(real: &Real, index: usize, n: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "the_process_that_is_killed"])
        .env("NETBERTH_KILLED", format!("{index} {n} {}", real.directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let halted = lines.map_while(Result::ok).any(|line| line.ends_with(HALTED));
    if halted {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(libc::SIGKILL), "{index}, {n}: {status}");
    halted
}

const HALTED: &str = "halted before a call";

fn halt() {
    println!("{HALTED}");
    loop {
        std::thread::park();
    }
}

/// No test of its own: what [`killed`] runs.
#[test]
fn the_process_that_is_killed() {
    let Ok(what) = std::env::var("NETBERTH_KILLED") else { return };
    let mut words = what.splitn(3, ' ');
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (index, n) = (number(), number());
    let real = Real::new(Path::new(words.next().unwrap()).to_owned(), Script::of_effects());
    real.script.halt_at(n, halt);
    real.run(TRIALS[index].verb).unwrap();
}

fn kill_at_every_call(index: usize) {
    let trial = &TRIALS[index];
    on_a_new_host(trial, |real| {
        let before = real.state();
        real.calmly(trial.verb);
        let after = real.state();
        real.calmly(trial.reverse);
        let (mut points, mut undone) = (0, 0);
        while killed(real, index, points + 1) {
            points += 1;
            real.script.calm(0);
            real.open().unwrap();
            let state = real.state();
            if state == before {
                undone += 1;
                continue;
            }
            same(trial.name, points, "after", &after, &state);
            real.calmly(trial.reverse);
        }
        same(trial.name, points + 1, "after", &after, &real.state());
        println!("{}: killed {points} times, {undone} undone", trial.name);
    });
}

#[test]
fn what_fails_while_building_leaves_nothing() {
    for trial in TRIALS.iter().filter(|trial| trial.verb.builds()) {
        fail_every_step(trial, Manner::OneByOne);
    }
    // What is sent together: into the host's namespace, and into another.
    for trial in TRIALS.iter().filter(|trial| ["create", "given"].contains(&trial.name)) {
        fail_every_step(trial, Manner::Together);
    }
}

#[test]
fn what_fails_while_taking_down_is_finished_by_the_next_call() {
    for trial in TRIALS.iter().filter(|trial| !trial.verb.builds()) {
        fail_every_step(trial, Manner::OneByOne);
    }
}

#[test]
fn a_process_that_is_killed_while_building_leaves_nothing() {
    for index in (0..TRIALS.len()).filter(|index| TRIALS[*index].verb.builds()) {
        kill_at_every_call(index);
    }
}

#[test]
fn a_process_that_is_killed_while_taking_down_has_done_all_or_nothing() {
    for index in (0..TRIALS.len()).filter(|index| !TRIALS[*index].verb.builds()) {
        kill_at_every_call(index);
    }
}
