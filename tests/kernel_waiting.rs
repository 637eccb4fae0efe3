//! Many processes and threads at one state directory, on the running kernel: waiting is bounded, who
//! dies blocks nobody, and what a dead one began is undone by the next verb.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::bed::{Bed, config, same, snapshot};
use common::faulty::Script;
use common::net::ping;
use common::real::Real;
use common::verbs::{Verb, tear_down};
use common::{Host, on_a_host};
use netberth::model::Filter;
use netberth::{Config, Kind, Netberth};

const CHILD: &str = "NETBERTH_WAITING_CHILD";
const JOIN: Verb = Verb::Join("foo", "a", r#"{"container_id":"a"}"#);

/// Not a test of its own: a process that stops in the middle of a join.
#[test]
fn child() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let real = Real::new(Path::new(&directory).to_owned(), Script::of_effects());
    real.script.halt_at(6, || {
        println!("\nhalted");
        loop {
            std::thread::park();
        }
    });
    real.run(JOIN).unwrap();
}

/// A process that holds the lock, in the middle of a join.
fn holder(host: &Host) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, &host.directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "halted"));
    child
}

fn signal(child: &Child, name: &str) {
    common::sh(&format!("kill -{name} {}", child.id()));
}

fn impatient(host: &Host) -> Config {
    Config { lock_timeout: Duration::from_millis(200), ..config(host) }
}

/// A network with an endpoint that is not joined, and a handle that does not wait for long.
fn prepared(host: &Host) -> Netberth {
    let bed = Bed::new(host);
    bed.network(r#"{"name":"foo"}"#);
    bed.endpoint("foo", r#"{"name":"a"}"#);
    Netberth::open(impatient(host)).unwrap()
}

#[test]
fn a_holder_that_was_stopped_is_named_and_blocks_no_reader() {
    on_a_host(|host| {
        let netberth = prepared(host);
        let mut child = holder(host);
        signal(&child, "STOP");
        let opened = Netberth::open(impatient(host)).err().expect("opened");
        for error in [netberth.network_delete("foo").unwrap_err(), opened] {
            assert_eq!(error.kind(), Kind::Busy, "{error}");
            assert!(error.message().contains(&format!("process {} (", child.id())), "{error}");
            assert!(error.message().contains("waited 2"), "{error}");
        }
        assert_eq!(netberth.networks(&Filter::all(), false).unwrap().len(), 4);
        signal(&child, "KILL");
        child.wait().unwrap();
        JOIN.run(&netberth, &host.directory).unwrap();
        tear_down(&netberth).unwrap();
    });
}

#[test]
fn what_a_killed_holder_began_is_undone_by_the_next_verb() {
    on_a_host(|host| {
        let netberth = prepared(host);
        let before = snapshot(host);
        for _ in 0..3 {
            let mut child = holder(host);
            assert!(snapshot(host) != before, "it was stopped before it did anything");
            signal(&child, "KILL");
            child.wait().unwrap();
            // A verb of a handle that was open all the time, and that has nothing to do with it.
            netberth.network_delete("none such").unwrap_err();
            same(&before, &snapshot(host));
        }
        JOIN.run(&netberth, &host.directory).unwrap();
        tear_down(&netberth).unwrap();
    });
}

/// The descriptor of a lock goes to a child that is forked, and an flock lives as long as any of its
/// descriptors: only `O_CLOEXEC` keeps a program that is started meanwhile from holding on to it.
#[test]
fn a_program_that_the_holder_started_does_not_keep_the_lock() {
    on_a_host(|host| {
        let netberth = prepared(host);
        let ends = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Programs are started all the time while verbs hold the lock.
            let starter = scope.spawn(|| {
                let mut sleepers = Vec::new();
                while !ends.load(std::sync::atomic::Ordering::Relaxed) && sleepers.len() < 300 {
                    sleepers.push(Command::new("sleep").arg("1000").spawn().unwrap());
                }
                sleepers
            });
            for _ in 0..10 {
                JOIN.run(&netberth, &host.directory).unwrap();
                netberth.sandbox_delete("a").unwrap();
            }
            ends.store(true, std::sync::atomic::Ordering::Relaxed);
            let sleepers = starter.join().unwrap();
            assert!(sleepers.len() > 3, "{}", sleepers.len());
            // They live, and another process gets the lock all the same.
            Netberth::open(impatient(host)).unwrap().network_delete("foo").unwrap_err();
            for mut sleeper in sleepers {
                sleeper.kill().unwrap();
                sleeper.wait().unwrap();
            }
        });
        tear_down(&netberth).unwrap();
    });
}

#[test]
fn thirty_two_threads_share_one_handle() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let before = snapshot(host);
        bed.network(r#"{"name":"foo"}"#);
        let between = snapshot(host);
        // Handles know their own namespace: these threads are in the test's, as all that it starts.
        let shared = Arc::new(Netberth::open(config(host)).unwrap());
        std::thread::scope(|scope| {
            for n in 0..32 {
                let (shared, directory) = (shared.clone(), &host.directory);
                scope.spawn(move || {
                    let name = format!("t{n}");
                    let endpoint = format!("{{\"name\":\"{name}\"}}");
                    let join = format!("{{\"container_id\":\"{name}\"}}");
                    let spec = |text: &str| {
                        netberth::model::EndpointSpec::from_json(text.as_bytes()).unwrap()
                    };
                    shared.endpoint_create("foo", &spec(&endpoint)).unwrap();
                    for _ in 0..2 {
                        let join = netberth::model::JoinSpec::from_json(join.as_bytes()).unwrap();
                        let key = shared.join("foo", &name, &join).unwrap();
                        assert!(key.starts_with(directory));
                        assert!(ping(&key, "172.17.0.1", 5), "{name}");
                        shared.sandbox_delete(&name).unwrap();
                    }
                    shared.endpoint_delete("foo", &name, false).unwrap();
                });
            }
        });
        same(&between, &snapshot(host));
        shared.network_delete("foo").unwrap();
        same(&before, &snapshot(host));
    });
}
