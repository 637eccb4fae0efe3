//! Ten thousand joins and detaches, alone in their process: nothing is left of them, in it or elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fmt::Write;
use std::path::Path;

use common::bed::{Bed, same};
use common::{Host, on_a_host, reaped, sh, threads_and_descriptors};
use netberth::model::{EndpointSpec, JoinRequest, JoinSpec};

/// In namespaces of their own, by ones and in bulk; in one that is given. Mostly in bulk: the kernel makes
/// no namespace while it takes one down, and the deletion of a link waits for RCU, both for tens of
/// milliseconds.
const OWN: usize = 500;
const BULK: usize = 9_300;
const GIVEN: usize = 200;
const TOGETHER: usize = 50;
/// What allocators keep for the next time, and a list that has grown by one: a descriptor's worth of
/// memory lost at each join would be megabytes.
const HEAP: usize = 128 * 1024;
/// The log of the records is copied when it has 1,000 pages of 4 KiB, and begins anew.
const RECORDS: u64 = 2 * 1024 * 1024;

/// What must be the same before and after, whatever happened in between.
struct Count {
    threads_and_descriptors: (usize, usize),
    world: String,
    heap: usize,
    records: u64,
}

impl Count {
    fn new(host: &Host) -> Self {
        reaped();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mut world =
            sh("ip -o link | sed 's/^[0-9]*: //'; nft list table inet netberth; ip route");
        let files = format!("cd {} && find . ! -name '*.db*' | sort", host.directory.display());
        write!(world, "{} mounts\n{}", mounts.lines().count(), sh(&files)).unwrap();
        let sizes = std::fs::read_dir(host.path("state")).unwrap();
        let records = sizes.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        Count { threads_and_descriptors: threads_and_descriptors(), world, heap: heap(), records }
    }
}

/// Bytes that are allocated.
#[expect(unsafe_code, reason = "glibc alone knows")]
fn heap() -> usize {
    // SAFETY: it takes nothing, and what it gives is numbers.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

fn endpoint(bed: &Bed<'_>, name: &str) {
    let json = format!(
        "{{\"name\":\"{name}\",\"port_mapping\":[{{\"proto\":6,\"port\":80,\"host_port\":8080}}]}}"
    );
    let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
    bed.netberth.endpoint_create("foo", &spec).unwrap();
}

/// One after the other, with a port, in namespaces of their own.
fn own(bed: &Bed<'_>, times: usize) {
    let join = JoinSpec::from_json(br#"{"container_id":"own","host_name":"own"}"#).unwrap();
    for _ in 0..times {
        bed.netberth.join("foo", "own", &join).unwrap();
        bed.netberth.sandbox_delete("own").unwrap();
    }
}

fn given(bed: &Bed<'_>, path: &Path, times: usize) {
    let json = format!("{{\"container_id\":\"given\",\"netns\":\"{}\"}}", path.display());
    let join = JoinSpec::from_json(json.as_bytes()).unwrap();
    for _ in 0..times {
        bed.netberth.join("foo", "given", &join).unwrap();
        bed.netberth.detach("foo", "given", "given").unwrap();
        bed.netberth.sandbox_delete("given").unwrap();
    }
}

fn bulk(bed: &Bed<'_>, times: usize) {
    let item = |n: usize| {
        format!(
            "{{\"network\":\"foo\",\"endpoint\":{{\"name\":\"b{n}\"}},\
             \"container\":{{\"container_id\":\"b{n}\"}}}}"
        )
    };
    let items: Vec<String> = (0..TOGETHER).map(item).collect();
    let requests =
        JoinRequest::list_from_json(format!("[{}]", items.join(",")).as_bytes()).unwrap();
    for _ in 0..times / TOGETHER {
        bed.netberth.join_many(&requests, true).unwrap();
        for n in 0..TOGETHER {
            bed.netberth.sandbox_delete(&format!("b{n}")).unwrap();
            bed.netberth.endpoint_delete("foo", &format!("b{n}"), false).unwrap();
        }
    }
}

#[test]
fn nothing_is_left_of_ten_thousand() {
    on_a_host(|host| {
        // Definitions wait for the disk, which is not what this is about.
        sh(&format!("mkdir {0} && mount -t tmpfs none {0}", host.path("state").display()));
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        endpoint(&bed, "own");
        bed.endpoint("foo", r#"{"name":"given"}"#);
        let path = bed.namespace("given");
        // What is allocated once, and the log at its full length.
        own(&bed, 200);
        given(&bed, &path, 4);
        bulk(&bed, TOGETHER);
        let before = Count::new(host);
        own(&bed, OWN);
        let first = heap();
        bulk(&bed, BULK);
        given(&bed, &path, GIVEN);
        let after = Count::new(host);
        let joins = OWN + BULK + GIVEN;
        println!(
            "{joins} joins: heap {} then {first} then {} bytes, records {} then {} bytes",
            before.heap, after.heap, before.records, after.records
        );
        assert_eq!(joins, 10_000);
        assert_eq!(after.threads_and_descriptors, before.threads_and_descriptors);
        same(&before.world, &after.world);
        assert!(after.heap < before.heap + HEAP, "{} then {} bytes", before.heap, after.heap);
        assert!(after.records < before.records + RECORDS, "{} bytes", after.records);
        assert!(
            bed.netberth.verify().unwrap().differences.iter().all(|one| one.owner.kind == "host")
        );
    });
}
