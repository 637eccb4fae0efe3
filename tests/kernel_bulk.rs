//! Many joins in one call: all there, as if each had been made by itself; one batch of rules; and
//! what becomes of the others when one is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fmt::Write;
use std::time::Instant;

use common::bed::{Bed, HOST4, OUTSIDE4, inside, same, snapshot};
use common::net::{Echo, PORT, ping, talks};
use common::{Host, on_a_host, sh};
use netberth::Kind;
use netberth::model::JoinRequest;

/// `count` joins on a network, each with a port of its own.
fn requests(network: &str, first: usize, count: usize) -> Vec<JoinRequest> {
    let mut text = String::from("[");
    for number in first..first + count {
        let comma = if number == first { "" } else { "," };
        let host_port = 10_000 + number;
        write!(
            text,
            "{comma}{{\"network\":\"{network}\",\"endpoint\":{{\"name\":\"e{number}\",\
             \"port_mapping\":[{{\"proto\":\"tcp\",\"port\":80,\"host_port\":{host_port}}}]}},\
             \"container\":{{\"container_id\":\"c{number}\",\"host_name\":\"h{number}\"}}}}"
        )
        .unwrap();
    }
    JoinRequest::list_from_json((text + "]").as_bytes()).unwrap()
}

fn clean(bed: &Bed<'_>) {
    let found = bed.netberth.verify().unwrap();
    let all: Vec<String> = found
        .differences
        .iter()
        .map(|one| format!("{}: {} instead of {}", one.object, one.found, one.expected))
        .filter(|one| !one.contains("bridge-nf-call"))
        .collect();
    assert!(all.is_empty(), "{all:#?}");
}

fn tear_down(bed: &Bed<'_>, network: &str) {
    for sandbox in bed.netberth.sandboxes().unwrap() {
        bed.netberth.sandbox_delete(&sandbox.container_id).unwrap();
    }
    let all = netberth::model::Filter::all();
    for endpoint in bed.netberth.endpoints(network, &all, false).unwrap() {
        bed.netberth.endpoint_delete(network, &endpoint.id, false).unwrap();
    }
    bed.netberth.network_delete(network).unwrap();
}

/// The files, links and elements of containers, without what chance has chosen.
fn made(bed: &Bed<'_>, host: &Host) -> String {
    let mut text = sh("nft -s list table inet netberth");
    for sandbox in bed.netberth.sandboxes().unwrap() {
        let ns = &sandbox.key;
        text +=
            &inside(ns, "ip -o addr; ip route; ip -6 route; ip -o link | sed 's/link-netns.*//'");
        let mut lines: Vec<String> = std::fs::read_to_string(&sandbox.hosts_path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        text += &lines.join("\n");
    }
    text.replace(&host.directory.display().to_string(), "@")
}

#[test]
fn many_are_as_each_by_itself() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let before = snapshot(host);
        let network = r#"{"name":"foo","options":{"ipv6":true,"bridge":"br-foo",
            "subnets":[{"subnet":"10.66.0.0/24"},{"subnet":"fd00:66::/64"}]}}"#;
        bed.network(network);
        let joined = bed.netberth.join_many(&requests("foo", 0, 12), true).unwrap();
        let together = made(&bed, host);
        clean(&bed);
        for (number, one) in joined.into_iter().enumerate() {
            let key = one.unwrap().key;
            assert!(ping(&key, "10.66.0.1", 5) && ping(&key, "10.66.0.2", 5), "{number}");
        }
        let more = r#"{"name":"web","port_mapping":[{"proto":6,"port":7777,"host_port":7777},
            {"proto":17,"port":7777,"host_port":7777}]}"#;
        let text = format!(
            "[{{\"network\":\"foo\",\"endpoint\":{more},\"container\":{{\"container_id\":\"web\"}}}}]"
        );
        let web = bed
            .netberth
            .join_many(&JoinRequest::list_from_json(text.as_bytes()).unwrap(), false)
            .unwrap();
        let echo = Echo::new(&web[0].as_ref().unwrap().key);
        assert_eq!(PORT, 7777);
        talks(&outside, HOST4, OUTSIDE4);
        drop(echo);
        tear_down(&bed, "foo");
        same(&before, &snapshot(host));

        bed.network(network);
        for request in requests("foo", 0, 12) {
            bed.netberth.endpoint_create("foo", &request.endpoint).unwrap();
            let name = request.endpoint.name.as_str();
            bed.netberth.join("foo", name, &request.container).unwrap();
        }
        let links = |text: &str| {
            // Interfaces are numbered as they come, and named after ids.
            let words = text.split_whitespace().filter(|word| !word.contains("@if"));
            words
                .map(|word| word.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(links(&together), links(&made(&bed, host)));
        tear_down(&bed, "foo");
    });
}

#[test]
fn one_that_is_refused_does_not_keep_the_others_unless_asked() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let mut four = requests("foo", 0, 4);
        four[2].endpoint.port_mapping[0].host_port = 10_000;
        let before = (bed.records(), snapshot(host));
        let error = bed.netberth.join_many(&four, true).unwrap_err();
        assert_eq!(error.kind(), Kind::Exists, "{error}");
        assert!(error.to_string().contains("joins[2]"), "{error}");
        assert_eq!(before.0, bed.records());
        same(&before.1, &snapshot(host));
        let results = bed.netberth.join_many(&four, false).unwrap();
        let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, true, false, true]);
        assert!(results[2].as_ref().unwrap_err().to_string().contains("endpoint e0"));
        clean(&bed);
        tear_down(&bed, "foo");
    });
}

/// What only the kernel knows: the rest is done all the same, one by one.
#[test]
fn one_that_the_kernel_refuses() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.66.0.0/24"}]}}"#);
        sh("nft add element inet netberth pub4_any '{ tcp . 10001 : 192.0.2.1 . 80 }'");
        let before = (bed.records(), snapshot(host));
        let error = bed.netberth.join_many(&requests("foo", 0, 4), true).unwrap_err();
        assert_eq!(error.kind(), Kind::Exists, "{error}");
        assert!(error.to_string().contains("10001"), "{error}");
        assert_eq!(before.0, bed.records());
        same(&before.1, &snapshot(host));
        let results = bed.netberth.join_many(&requests("foo", 0, 4), false).unwrap();
        let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, true, true]);
        sh("nft delete element inet netberth pub4_any '{ tcp . 10001 }'");
        clean(&bed);
        tear_down(&bed, "foo");
    });
}

/// One container on two networks, in one call and in one rehearsal.
#[test]
fn a_container_may_come_twice() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        bed.network(r#"{"name":"bar"}"#);
        let text = r#"[{"network":"foo","endpoint":{"name":"e"},"container":{"container_id":"c"}},
            {"network":"bar","endpoint":{"name":"e"},"container":{"container_id":"c"}}]"#;
        let both = JoinRequest::list_from_json(text.as_bytes()).unwrap();
        let play = |nb: &netberth::Netberth| nb.join_many(&both, true).map(drop);
        let ((), lines) = bed.netberth.rehearse(play).unwrap();
        assert!(lines.iter().any(|line| line.contains("eth1")), "{lines:#?}");
        let joined = bed.netberth.join_many(&both, true).unwrap();
        let key = &joined[1].as_ref().unwrap().key;
        let found = inside(key, "ip -o link");
        assert!(found.contains("eth0") && found.contains("eth1"), "{found}");
        clean(&bed);
    });
}

/// A ratio of one run, told and not judged.
#[test]
fn what_it_saves() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.66.0.0/16"}]}}"#);
        let began = Instant::now();
        let results = bed.netberth.join_many(&requests("foo", 0, 60), true).unwrap();
        let together = began.elapsed();
        assert_eq!(results.len(), 60);
        tear_down(&bed, "foo");
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.66.0.0/16"}]}}"#);
        let began = Instant::now();
        for request in requests("foo", 0, 60) {
            bed.netberth.endpoint_create("foo", &request.endpoint).unwrap();
            let name = request.endpoint.name.as_str();
            bed.netberth.join("foo", name, &request.container).unwrap();
        }
        println!("60 together {together:?}, one by one {:?}", began.elapsed());
        tear_down(&bed, "foo");
    });
}
