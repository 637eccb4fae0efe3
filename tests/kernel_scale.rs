//! A bridge with as many containers as it can hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::time::{Duration, Instant};

use common::bed::{Bed, ip, same, snapshot};
use common::{on_a_host, sh};
use netberth::error::Kind;

/// What the test is about: more than a host ever has, fewer than a bridge can hold.
const MANY: u32 = 1000;
/// `BR_MAX_PORTS` less port number 0.
const PORTS: u32 = 1023;

#[test]
fn a_thousand_containers_come_and_go_without_a_trace() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), snapshot(host));
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.5.0.0/20"}]}}"#);
        let bridge = bed.bridge("foo");
        let ports = || sh(&format!("ip -o link show master {bridge} | wc -l"));
        let mut took: Vec<Duration> = Vec::new();
        for number in 0..MANY {
            let name = endpoint(number);
            bed.endpoint("foo", &format!("{{\"name\":\"{name}\"}}"));
            let began = Instant::now();
            bed.try_join("foo", &name, &format!("{{\"container_id\":\"c{number}\"}}")).unwrap();
            took.push(began.elapsed());
        }
        println!("join: first {:?}, 500th {:?}, 1000th {:?}", took[0], took[499], took[999]);
        assert_eq!(ports().trim(), MANY.to_string());
        let (first, last) = (bed.more("foo", &endpoint(0)), bed.more("foo", &endpoint(999)));
        let last_key = last.sandbox_key.unwrap();
        let to = first.addresses[0].split('/').next().unwrap().to_owned();
        assert!(common::net::ping(&last_key, &to, 5), "the last does not reach the first");
        fill_up(&bed, &bridge);
        let began = Instant::now();
        for number in 0..MANY {
            bed.netberth.sandbox_delete(&format!("c{number}")).unwrap();
            bed.netberth.endpoint_delete("foo", &endpoint(number), false).unwrap();
        }
        println!("removed in {:?}", began.elapsed());
        bed.netberth.network_delete("foo").unwrap();
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}

/// A name of two words cannot stand in a hosts file: this test is about the bridge, and a thousand
/// files of a thousand lines, each written anew a thousand times, take longer than all the rest.
fn endpoint(number: u32) -> String {
    format!("number {number}")
}

/// Other links take the ports that are left; the next container finds the bridge full.
fn fill_up(bed: &Bed<'_>, bridge: &str) {
    let others = PORTS - MANY;
    let batch: Vec<String> = (0..others)
        .map(|number| {
            format!("link add x{number} type veth peer name y{number}\nlink set x{number} master {bridge}\n")
        })
        .collect();
    std::fs::write(bed.host.path("batch"), batch.concat()).unwrap();
    sh(&format!("ip -batch {}", bed.host.path("batch").display()));
    bed.endpoint("foo", r#"{"name":"more"}"#);
    let (records, before) = (bed.records(), snapshot(bed.host));
    let error = bed.try_join("foo", "more", r#"{"container_id":"more"}"#).unwrap_err();
    assert_eq!(error.kind(), Kind::Exhausted, "{error}");
    assert!(error.message().contains("1023 ports"), "{error}");
    assert_eq!(error.cleanup(), [], "{error}");
    same(&records, &bed.records());
    same(&before, &snapshot(bed.host));
    sh("ip link del x0");
    bed.join("foo", "more", r#"{"container_id":"more"}"#);
    bed.remove("foo", "more");
    let rest: Vec<String> = (1..others).map(|number| format!("link del x{number}\n")).collect();
    std::fs::write(bed.host.path("batch"), rest.concat()).unwrap();
    sh(&format!("ip -batch {0} && rm {0}", bed.host.path("batch").display()));
    assert_eq!(
        ip(None, &format!("link show master {bridge}")).as_array().map(Vec::len),
        Some(1000)
    );
}
