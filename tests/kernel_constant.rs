//! What does not grow: the rules with networks and ports, and the cost of a port with those that
//! others have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

/// Shared with `tests/rules.rs`.
mod rules {
    pub(super) mod listing;
}

mod constant {
    pub(super) mod trace;
}

use std::process::Command;
use std::time::Instant;

use common::bed::{Bed, config, same};
use common::{Host, on_a_host, sh};
use constant::trace::{Cost, mark};
use netberth::Netberth;
use netberth::model::{EndpointSpec, JoinSpec};
use rules::listing::{constant_part, constant_table};

/// Chains, rules, sets and maps.
fn counts() -> [usize; 4] {
    let constant = constant_part();
    let of = |kind: &str| constant.lines().filter(|line| line.starts_with(kind)).count();
    [of("{\"chain\""), of("{\"rule\""), of("{\"set\""), of("{\"map\"")]
}

/// Every fourth network is one of the other sorts.
fn options(number: usize) -> String {
    let sort = ["", ",\"ipv6\":true", ",\"internal\":true", ",\"icc\":false"][number % 4];
    format!("\"subnets\":[{{\"subnet\":\"10.9.{number}.0/24\"}}]{sort}")
}

#[test]
fn rules_do_not_depend_on_what_there_is() {
    let constant = constant_table();
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network("{\"name\":\"n0\"}");
        same(&constant, &constant_part());
        let (one, short) = (counts(), sh("nft -s list table inet netberth"));
        println!("chains, rules, sets, maps: {one:?}");
        for number in 1..20 {
            bed.network(&format!("{{\"name\":\"n{number}\",\"options\":{{{}}}}}", options(number)));
        }
        // A hundred single ports of ten containers, and spans of each sort.
        for number in 0..10 {
            let port = |at: usize| {
                let host_port = 8000 + number * 10 + at;
                format!("{{\"proto\":\"tcp\",\"port\":80,\"host_port\":{host_port}}}")
            };
            let span = |first: usize, proto: &str| {
                let (port, host_port) = (first + number * 10, 20_000 + number * 10);
                let end = port + 9;
                format!(
                    "{{\"proto\":\"{proto}\",\"port\":{port},\"port_end\":{end},\"host_port\":{host_port}}}"
                )
            };
            let mut mappings: Vec<String> = (0..10).map(port).collect();
            mappings.extend([span(20_000, "tcp"), span(30_000, "udp")]);
            let network = format!("n{}", [0, 1, 3, 4, 5][number % 5]);
            let name = format!("c{number}");
            bed.endpoint(
                &network,
                &format!("{{\"name\":\"{name}\",\"port_mapping\":[{}]}}", mappings.join(",")),
            );
            bed.join(&network, &name, &format!("{{\"container_id\":\"{name}\"}}"));
        }
        same(&constant, &constant_part());
        assert_eq!(counts(), one);
        let long = sh("nft -s list table inet netberth");
        assert!(long.len() > 2 * short.len(), "the ports are not there: {long}");
        same(&without_elements(&short), &without_elements(&long));
    });
}

/// The listing without what is between `elements = {` and `}`, which may be several lines.
fn without_elements(listing: &str) -> String {
    let mut inside = false;
    let kept = listing.lines().filter(|line| {
        let begins = line.starts_with("\t\telements = {");
        let left_out = inside || begins;
        inside = left_out && !line.ends_with('}');
        !left_out
    });
    kept.collect::<Vec<_>>().join("\n")
}

const CHILD: &str = "NETBERTH_CONSTANT_CHILD";

/// Who is on the host before the one whose port is measured.
#[derive(Clone, Copy, Debug)]
enum Others {
    Nobody,
    /// A container on a network of its own.
    One,
    /// The same, with ports 1 to 59,999 of the host, none of which keeps its number.
    Published,
}

/// The highest port that is taken by [`Others::Published`].
const LAST: u16 = 59_999;

fn prepare(bed: &Bed<'_>, others: Others) {
    let mapping = match others {
        Others::Published => {
            let (first, last) = (2, LAST + 1);
            format!("{{\"proto\":6,\"port\":{first},\"port_end\":{last},\"host_port\":1}}")
        }
        _ => String::new(),
    };
    // The host has the same addresses each time: connections to each of them are forgotten.
    bed.network("{\"name\":\"bar\",\"options\":{\"ipv6\":true}}");
    if !matches!(others, Others::Nobody) {
        let began = Instant::now();
        bed.endpoint("bar", &format!("{{\"name\":\"other\",\"port_mapping\":[{mapping}]}}"));
        println!("{others:?}: created in {:?}", began.elapsed());
        let began = Instant::now();
        bed.try_join("bar", "other", "{\"container_id\":\"other\"}").unwrap();
        println!("{others:?}: joined in {:?}", began.elapsed());
    }
    bed.network("{\"name\":\"foo\",\"options\":{\"ipv6\":true}}");
}

/// One more endpoint with one port, and its container.
fn publish_one(netberth: &Netberth) {
    let mapping = format!("{{\"proto\":6,\"port\":80,\"host_port\":{}}}", LAST + 1);
    let endpoint = format!("{{\"name\":\"a\",\"port_mapping\":[{mapping}]}}");
    let spec = EndpointSpec::from_json(endpoint.as_bytes()).unwrap();
    netberth.endpoint_create("foo", &spec).unwrap();
    let spec = JoinSpec::from_json(b"{\"container_id\":\"a\"}").unwrap();
    netberth.join("foo", "a", &spec).unwrap();
}

/// Until the kernel has given every link its own address and the routes for it, and has no link of a
/// container that has gone.
fn settle() {
    let line = "for i in $(seq 100); do \
        [ -n \"$(ip -6 addr show tentative)\" ] || [ -n \"$(ip -o link show type veth | grep 'state DOWN')\" ] || break; \
        sleep 0.05; done; ip -6 addr show tentative";
    assert_eq!(sh(line), "");
}

/// No test of its own: what [`measured`] runs under strace, in the host's namespaces.
#[test]
fn the_process_that_publishes() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let host =
        Host { kernel: netberth::kernel::Linux::open().unwrap(), directory: directory.into() };
    let netberth = Netberth::open(config(&host)).unwrap();
    mark("begin");
    publish_one(&netberth);
    mark("end");
}

/// What one more port costs, by a process of its own.
fn measured(others: Others) -> Cost {
    let mut cost = Cost::default();
    on_a_host(|host| {
        let bed = Bed::new(host);
        prepare(&bed, others);
        settle();
        // Untraced, for the clock; then back to where it was.
        let began = Instant::now();
        publish_one(&bed.netberth);
        println!("{others:?}: one more in {:?}", began.elapsed());
        bed.remove("foo", "a");
        settle();
        let trace = host.path("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-s", "0", "-o"]).arg(&trace);
        strace.arg(std::env::current_exe().unwrap());
        strace.args(["--exact", "the_process_that_publishes"]).env(CHILD, &host.directory);
        let output = strace.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let listed = sh("nft list map inet netberth pub4_any");
        let ports = listed.matches("tcp . ").count();
        assert_eq!(ports, if matches!(others, Others::Published) { 60_000 } else { 1 });
        let text = std::fs::read_to_string(&trace).unwrap();
        cost = Cost::of(&text);
    });
    println!("{others:?}: {cost}");
    cost
}

/// The 60,000th port against the first. What is received differs where there are more links, because
/// the host's addresses are asked for: that is why the first is also tried beside one more container.
#[test]
fn a_port_costs_the_same_whatever_others_publish() {
    let nobody = measured(Others::Nobody);
    let one = measured(Others::One);
    let published = measured(Others::Published);
    assert_ne!(nobody.sent(), Cost::default());
    assert_eq!(nobody.sent(), published.sent());
    assert_eq!(one.certain(), published.certain());
    // The plan of 59,999 ports is 10 MB of the store, and none of it is read.
    let (few, many) = (one.pages(), published.pages());
    assert!(
        many.count <= few.count + 32 && many.bytes <= few.bytes + (128 << 10),
        "{few:?}, {many:?}"
    );
}
