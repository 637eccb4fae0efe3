//! Alone in its process: what a join asks of the kernel, and what it leaves in the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::process::Command;

use common::bed::{Bed, inside};
use common::{on_a_host, threads_and_descriptors};

const CHILD: &str = "NETBERTH_SYSCALLS_CHILD";

/// One test, because threads are counted; it runs itself again under strace.
#[test]
fn a_join_starts_no_program_and_leaves_no_thread_or_descriptor() {
    if std::env::var_os(CHILD).is_some() {
        join_and_detach();
        return;
    }
    rounds();
    traced();
}

/// What strace sees: between the two marks is one join and one detach.
fn join_and_detach() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint("foo", r#"{"name":"a"}"#);
        let before = threads_and_descriptors();
        mark("begin");
        bed.try_join("foo", "a", r#"{"container_id":"a"}"#).unwrap();
        bed.netberth.detach("foo", "a", "a").unwrap();
        bed.netberth.sandbox_delete("a").unwrap();
        mark("end");
        assert_eq!(threads_and_descriptors(), before);
    });
}

/// A call that strace shows and nobody else makes.
fn mark(name: &str) {
    let _ = std::fs::metadata(format!("/netberth-mark-{name}"));
}

fn traced() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&trace);
    strace.args(["-e", "trace=execve,execveat,clone,clone3,fork,vfork,statx,newfstatat,stat"]);
    strace.arg(std::env::current_exe().unwrap()).env(CHILD, "1");
    let output = strace.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = std::fs::read_to_string(&trace).unwrap();
    let mut lines = text.lines();
    assert!(lines.any(|line| line.contains("netberth-mark-begin")), "{text}");
    let between: Vec<&str> = lines.take_while(|line| !line.contains("netberth-mark-end")).collect();
    assert!(!between.is_empty());
    let calls = |name: &str| between.iter().filter(|line| line.contains(name)).count();
    assert_eq!(calls("exec"), 0, "{between:#?}");
    assert_eq!(calls("fork("), 0, "{between:#?}");
    // Threads, not processes: each shares the memory.
    let clones = between.iter().filter(|line| line.contains("clone") && !line.contains("resumed"));
    for clone in clones {
        assert!(clone.contains("CLONE_THREAD"), "{clone}");
    }
}

fn rounds() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint("foo", r#"{"name":"a"}"#);
        bed.endpoint("foo", r#"{"name":"b"}"#);
        let given = bed.namespace("given");
        let b = format!("{{\"container_id\":\"b\",\"netns\":\"{}\"}}", given.display());
        let round = || {
            bed.try_join("foo", "a", r#"{"container_id":"a"}"#).unwrap();
            bed.try_join("foo", "b", &b).unwrap();
            bed.try_join("foo", "b", &b).unwrap_err();
            bed.netberth.detach("foo", "a", "a").unwrap();
            bed.netberth.detach("foo", "b", "b").unwrap();
            bed.netberth.detach("foo", "b", "b").unwrap_err();
        };
        // What is opened once, or after some time.
        for _ in 0..40 {
            round();
        }
        let before = threads_and_descriptors();
        for _ in 0..100 {
            round();
        }
        assert_eq!(threads_and_descriptors(), before);
        assert_eq!(inside(&given, "ip -o link").lines().count(), 1);
        bed.netberth.sandbox_delete("a").unwrap();
        bed.netberth.sandbox_delete("b").unwrap();
    });
}
