//! Whatever becomes of a service, the kernel is told in one transaction: no packet meets half of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::process::Command;

use common::bed::{Bed, config};
use common::{Host, on_a_host, sh};
use netberth::Netberth;
use netberth::model::{JoinSpec, ServiceSpec};

const CHILD: &str = "NETBERTH_TRANSACTIONS_CHILD";

/// A call that strace shows and nobody else makes.
fn mark(name: &str) {
    let _ = std::fs::metadata(format!("/netberth-mark-{name}"));
}

/// Ports on all addresses and on one of each family, one of them a span.
const SERVICE: &str = r#"{"name":"web","network_name":"foo","aliases":["www"],"port_mapping":[
    {"proto":6,"port":80,"host_port":8080},
    {"proto":17,"port":53,"host_port":5300,"port_end":55},
    {"proto":6,"port":81,"host_ip":"127.0.0.1","host_port":8081},
    {"proto":6,"port":81,"host_ip":"::1","host_port":8081}]}"#;

fn publish(netberth: &Netberth) {
    let spec = ServiceSpec::from_json(SERVICE.as_bytes()).unwrap();
    netberth.service_publish(&spec).unwrap();
}

fn attach(netberth: &Netberth, name: &str) {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    netberth.service_attach("web", &spec).unwrap();
}

fn detach(netberth: &Netberth, name: &str, drain: bool) {
    netberth.service_detach("web", name, drain).unwrap();
}

/// A verb, how many slots lead somewhere after it, and its transactions. A container that has drained
/// is no longer one that may reach itself.
type Verb = (&'static str, fn(&Netberth), usize, usize);

/// A life: `here` is on the network already, `new` and `other` get places of their own.
const LIFE: [Verb; 12] = [
    ("publish", publish, 0, 1),
    ("attach the first", |n| attach(n, "here"), 60, 1),
    ("attach with a place", |n| attach(n, "new"), 60, 1),
    ("drain", |n| detach(n, "here", true), 60, 1),
    ("attach again", |n| attach(n, "here"), 60, 1),
    ("drain again", |n| detach(n, "here", true), 60, 1),
    ("detach the drained", |n| detach(n, "here", false), 60, 1),
    ("attach a third", |n| attach(n, "other"), 60, 1),
    ("detach with a place", |n| detach(n, "new", false), 60, 1),
    ("delete a sandbox, the last", |n| n.sandbox_delete("other").unwrap(), 0, 1),
    ("unpublish", |n| n.service_unpublish("web", false).unwrap(), 0, 1),
    ("publish again", publish, 0, 1),
];

/// How many elements a map has.
fn elements(map: &str) -> usize {
    let listed = sh(&format!("nft -j list map inet netberth {map}"));
    let document: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let maps = document["nftables"].as_array().unwrap().iter();
    maps.filter_map(|object| object["map"]["elem"].as_array()).map(Vec::len).sum()
}

/// No test of its own: what the other one runs under strace, in the host's namespaces.
#[test]
fn the_process_that_changes() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let host =
        Host { kernel: netberth::kernel::Linux::open().unwrap(), directory: directory.into() };
    let netberth = Netberth::open(config(&host)).unwrap();
    for (name, verb, slots, _) in LIFE {
        mark(name);
        verb(&netberth);
        mark("end");
        // Both families; four ports of all addresses, and one of one.
        let found =
            ["slot4", "slot6", "pslot4_any", "pslot6_any", "pslot4", "pslot6"].map(elements);
        assert_eq!(found, [slots, slots, 4 * slots, 4 * slots, slots, slots], "{name}");
    }
}

/// What strace saw between the marks of a verb.
fn part<'a>(trace: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = trace.lines();
    let begins = format!("/netberth-mark-{name}\"");
    assert!(lines.any(|line| line.contains(&begins)), "no {name}: {trace}");
    lines.take_while(|line| !line.contains("/netberth-mark-end\"")).collect()
}

#[test]
fn each_change_of_a_service_is_one_transaction() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.container("foo", "here");
        bed.container("foo", "witness");
        let trace = host.path("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(&trace);
        strace.args(["-e", "trace=sendto,sendmsg,statx,newfstatat,stat"]);
        strace.arg(std::env::current_exe().unwrap());
        strace.args(["--exact", "the_process_that_changes"]).env(CHILD, &host.directory);
        let output = strace.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let text = std::fs::read_to_string(&trace).unwrap();
        for (name, .., expected) in LIFE {
            let lines = part(&text, name);
            let batches = lines.iter().filter(|line| line.contains("NFNL_MSG_BATCH_BEGIN")).count();
            assert_eq!(batches, expected, "{name}: {lines:#?}");
        }
    });
}
