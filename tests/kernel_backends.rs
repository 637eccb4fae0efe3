//! Back ends as they come and go: their names, their places, and the connections that they have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::bed::{Bed, Container, ip, same, snapshot};
use common::net::{PORT, silent};
use common::server::{Server, asked_from, tally};
use common::services::{attach, backends, detach, publish, try_publish};
use common::verbs::tear_down;
use common::{on_a_host, sh};
use netberth::Kind;

/// Runs a test, and takes down what it has made: then nothing is left.
fn on_a_bed(test: impl FnOnce(&Bed<'_>) + Send) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        // `verify` would speak of it.
        sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
            [ ! -e $call ] || echo 0 > $call; done");
        let before = snapshot(host);
        test(&bed);
        assert_eq!(bed.netberth.verify().unwrap().differences, []);
        tear_down(&bed.netberth).unwrap();
        same(&before, &snapshot(host));
        assert_eq!(bed.netberth.verify().unwrap().differences, []);
    });
}

/// What a container's hosts file says, by name.
fn names(bed: &Bed<'_>, container: &str) -> BTreeMap<String, BTreeSet<String>> {
    let path = bed.netberth.sandbox(container).unwrap().hosts_path;
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut words = line.split_whitespace().map(str::to_owned);
        let address = words.next().unwrap();
        for name in words {
            let new = names.entry(name).or_default().insert(address.clone());
            assert!(new, "twice: {line}");
        }
    }
    names
}

/// All of `listeners` find the service and these back ends by their names, and nothing else.
#[track_caller]
fn find(bed: &Bed<'_>, listeners: &[&str], vips: &(String, String), backs: &[&Container]) {
    let set = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    let tasks: Vec<&str> =
        backs.iter().flat_map(|back| [back.v4.as_str(), back.v6.as_str()]).collect();
    for listener in listeners {
        let known = names(bed, listener);
        for name in ["web", "web.foo", "www", "www.foo"] {
            assert_eq!(known[name], set(&[&vips.0, &vips.1]), "{name} for {listener}");
        }
        for name in ["tasks.web", "tasks.web.foo"] {
            let found = known.get(name).cloned().unwrap_or_default();
            assert_eq!(found, set(&tasks), "{name} for {listener}");
        }
    }
}

fn knows_none(bed: &Bed<'_>, container: &str) {
    let known = names(bed, container);
    let of_web = |name: &&String| name.contains("web") || name.contains("www");
    assert_eq!(known.keys().filter(of_web).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn names_follow_services_and_back_ends() {
    on_a_bed(|bed| {
        for network in ["foo", "bar"] {
            bed.network(&format!("{{\"name\":\"{network}\",\"options\":{{\"ipv6\":true}}}}"));
        }
        bed.container("foo", "one");
        bed.container("bar", "far");
        let vips = publish(bed, "web", "foo", ",\"aliases\":[\"www\"]");
        find(bed, &["one"], &vips, &[]);
        let a = attach(bed, "web", "a");
        find(bed, &["one", "a"], &vips, &[&a]);
        let one = attach(bed, "web", "one");
        let late = bed.container("foo", "late");
        find(bed, &["one", "a", "late"], &vips, &[&a, &one]);
        let late_too = attach(bed, "web", "late");
        assert_eq!(late.v4, late_too.v4);
        let b = attach(bed, "web", "b");
        let all = ["one", "a", "b", "late"];
        find(bed, &all, &vips, &[&a, &one, &late, &b]);
        bed.netberth.service_detach("web", "a", true).unwrap();
        find(bed, &all, &vips, &[&one, &late, &b]);
        bed.container("foo", "later");
        find(bed, &["later"], &vips, &[&one, &late, &b]);
        assert_eq!(attach(bed, "web", "a").v4, a.v4);
        find(bed, &all, &vips, &[&a, &one, &late, &b]);
        detach(bed, "web", "late");
        find(bed, &all, &vips, &[&a, &one, &b]);
        detach(bed, "web", "a");
        // It is on no network any more.
        knows_none(bed, "a");
        bed.netberth.sandbox_delete("b").unwrap();
        find(bed, &["one", "late", "later"], &vips, &[&one]);
        knows_none(bed, "far");
        bed.netberth.service_unpublish("web", true).unwrap();
        for name in ["one", "late", "later", "a"] {
            knows_none(bed, name);
        }
    });
}

fn interfaces(ns: &Path) -> Vec<String> {
    let links = ip(Some(ns), "link");
    let names = links.as_array().unwrap().iter().map(|link| link["ifname"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[track_caller]
fn answers(from: &Container, to: &str, name: &str) {
    assert_eq!(asked_from(&from.key, to, PORT).unwrap().0, name, "{to}");
}

#[test]
fn one_place_for_several_services_of_a_network() {
    on_a_bed(|bed| {
        bed.network(r#"{"name":"foo"}"#);
        bed.network(r#"{"name":"bar"}"#);
        let (s, t) = (publish(bed, "s", "foo", "").0, publish(bed, "t", "foo", "").0);
        let far = publish(bed, "far", "bar", "").0;
        let (client, other) = (bed.container("foo", "client"), bed.container("bar", "other"));
        let first = attach(bed, "s", "c");
        let second = attach(bed, "t", "c");
        assert_eq!((&first.key, &first.v4, &first.mac), (&second.key, &second.v4, &second.mac));
        assert_eq!(interfaces(&first.key), ["lo", "eth0"]);
        assert_ne!(attach(bed, "far", "c").v4, first.v4);
        assert_eq!(interfaces(&first.key), ["lo", "eth0", "eth1"]);
        let _server = Server::new(&first.key, "c");
        answers(&client, &s, "c");
        answers(&client, &t, "c");
        answers(&other, &far, "c");
        silent(&client.key, &far);
        detach(bed, "s", "c");
        assert_eq!(interfaces(&first.key), ["lo", "eth0", "eth1"]);
        asked_from(&client.key, &s, PORT).unwrap_err();
        answers(&client, &t, "c");
        detach(bed, "t", "c");
        assert_eq!(interfaces(&first.key), ["lo", "eth1"]);
        answers(&other, &far, "c");
        detach(bed, "far", "c");
        assert_eq!(interfaces(&first.key), ["lo"]);
    });
}

#[test]
fn an_endpoint_keeps_its_container_while_that_is_behind_a_service() {
    on_a_bed(|bed| {
        bed.network(r#"{"name":"foo"}"#);
        let own = bed.container("foo", "own");
        let client = bed.container("foo", "client");
        let vip = publish(bed, "s", "foo", "").0;
        assert_eq!(attach(bed, "s", "own").v4, own.v4);
        assert_eq!(interfaces(&own.key), ["lo", "eth0"]);
        let _server = Server::new(&own.key, "own");
        answers(&client, &vip, "own");
        let error = bed.netberth.detach("foo", "own", "own").unwrap_err();
        assert_eq!(error.kind(), Kind::InUse);
        assert!(error.to_string().contains("service s"), "{error}");
        let error = bed.netberth.endpoint_delete("foo", "own", false).unwrap_err();
        assert_eq!(error.kind(), Kind::InUse);
        answers(&client, &vip, "own");
        detach(bed, "s", "own");
        answers(&client, &own.v4, "own");
        bed.netberth.detach("foo", "own", "own").unwrap();
        assert_eq!(interfaces(&own.key), ["lo"]);
    });
}

#[test]
fn thirteen_and_then_five() {
    on_a_bed(|bed| {
        bed.network(r#"{"name":"foo"}"#);
        let client = bed.container("foo", "client");
        for balance in ["round-robin", "random"] {
            let more = format!(",\"balance\":\"{balance}\"");
            let vip = publish(bed, "web", "foo", &more).0;
            let all: Vec<String> = (0..13).map(|number| format!("c{number}")).collect();
            let serve = |name: &String| Server::new(&attach(bed, "web", name).key, name);
            let servers: Vec<Server> = all.iter().map(serve).collect();
            let listed: Vec<String> = backends(bed, "web").into_iter().map(|one| one.id).collect();
            assert_eq!(listed, all);
            // One of thirteen is not among 600 by chance once in 10^20 times.
            let who = tally(&client.key, &vip, PORT, 600);
            assert_eq!(who.len(), 13, "{who:?}");
            for name in &all[..8] {
                detach(bed, "web", name);
            }
            let who = tally(&client.key, &vip, PORT, 200);
            let names: Vec<&String> = who.keys().collect();
            let mut left: Vec<&String> = all[8..].iter().collect();
            left.sort();
            assert_eq!(names, left);
            drop(servers);
            bed.netberth.service_unpublish("web", true).unwrap();
        }
    });
}

#[test]
fn a_virtual_address_of_ones_own_choice() {
    on_a_bed(|bed| {
        bed.network(
            r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/29"},
                {"subnet":"fd00:88::/64"}]}}"#,
        );
        let chosen = |name: &str, address: &str| {
            let more = format!("\"network_name\":\"foo\",\"virtual_address\":\"{address}\"");
            try_publish(bed, &format!("{{\"name\":\"{name}\",{more}}}"))
        };
        let refused = |name: &str, address: &str, kind: Kind| {
            let error = chosen(name, address).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        };
        assert_eq!(chosen("web", "10.88.0.3").unwrap().0, "10.88.0.3");
        assert_eq!(chosen("six", "fd00:88::77").unwrap().1, "fd00:88::77");
        refused("again", "10.88.0.3", Kind::Exists);
        refused("again", "fd00:88::77", Kind::Exists);
        refused("again", "10.88.0.1", Kind::Exists);
        refused("again", "10.88.0.7", Kind::Invalid);
        refused("again", "10.99.0.1", Kind::Invalid);
        // Nobody else gets it.
        let back = attach(bed, "web", "a");
        let client = bed.container("foo", "client");
        assert!(back.v4 != "10.88.0.3" && client.v4 != "10.88.0.3");
        refused("again", &back.v4, Kind::Exists);
        refused("again", &client.v4, Kind::Exists);
        let _server = Server::new(&back.key, "a");
        answers(&client, "10.88.0.3", "a");
    });
}
