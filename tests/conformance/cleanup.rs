//! What a container published goes with it, and nothing else: netavark's tests of the removal of
//! rules, by protocol and by host address, in every order.

use std::collections::BTreeSet;
use std::path::Path;

use super::wire::{
    Expect, OTHER4, Probe, Server, Via, endpoint, host_path, mapping, outside, prove,
};
use crate::common::bed::{Bed, HOST4, OUTSIDE4, same};
use crate::common::{on_a_host, sh};

/// The containers: each has something that is another's but for one thing. `b` and `c` have the same
/// port on two addresses, `a` one number for two protocols, `c` a span beside `b`'s port.
fn mappings(name: &str) -> Vec<String> {
    match name {
        "a" => vec![mapping("tcp", 7001, 8080, ""), mapping("udp", 7001, 8080, "")],
        "b" => vec![mapping("tcp", 7002, 8081, HOST4), mapping("udp", 7002, 8089, "0.0.0.0")],
        _ => {
            let span = mapping("udp", 8090, 8090, "");
            let span = span.replace(",\"host_port\"", ",\"port_end\":8094,\"host_port\"");
            vec![mapping("tcp", 7003, 8081, OTHER4), span]
        }
    }
}

/// How each is reached: by what, where, and at which port of its own.
const WAYS: [(&str, Via, &str, u16, u16); 6] = [
    ("a", Via::Tcp, HOST4, 8080, 7001),
    ("a", Via::Udp, OTHER4, 8080, 7001),
    ("b", Via::Tcp, HOST4, 8081, 7002),
    ("b", Via::Udp, OTHER4, 8089, 7002),
    ("c", Via::Tcp, OTHER4, 8081, 7003),
    ("c", Via::Udp, HOST4, 8092, 8092),
];

const ORDERS: [[&str; 3]; 6] = [
    ["a", "b", "c"],
    ["a", "c", "b"],
    ["b", "a", "c"],
    ["b", "c", "a"],
    ["c", "a", "b"],
    ["c", "b", "a"],
];

/// Every element of every set and map, as `map element`.
fn elements() -> BTreeSet<String> {
    let json = sh("nft -j list table inet netberth");
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut all = BTreeSet::new();
    for object in document["nftables"].as_array().unwrap() {
        for set in ["set", "map"].map(|kind| &object[kind]) {
            for element in set["elem"].as_array().into_iter().flatten() {
                all.insert(format!("{} {element}", set["name"].as_str().unwrap()));
            }
        }
    }
    all
}

fn probes(outside: &Path, alive: &[&str]) -> Vec<Probe> {
    let of = |(name, via, to, port, own): (&str, Via, &str, u16, u16)| {
        let expect = if alive.contains(&name) {
            Expect::Says(format!("{name}:{own} {OUTSIDE4}"))
        } else {
            Expect::Nobody
        };
        Probe::new(&format!("{name} with {alive:?}"), outside, via, (to, port), expect)
    };
    WAYS.map(of).into_iter().collect()
}

fn ruleset() -> String {
    sh("nft -s list ruleset")
}

/// A container that comes, what it brought into the table, and its server.
fn comes(bed: &Bed<'_>, name: &str) -> (BTreeSet<String>, Server) {
    let before = elements();
    bed.endpoint("foo", &endpoint(name, &mappings(name)));
    let container = bed.join("foo", name, &format!("{{\"container_id\":\"{name}\"}}"));
    let after = elements();
    assert!(before.is_subset(&after));
    let own = after.difference(&before).cloned().collect();
    let ports = [7001, 7002, 7003].into_iter().chain(8090..=8094);
    (own, Server::new(&container.key, name, ports))
}

#[test]
fn exactly_what_it_brought_in_every_order() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        let nothing = ruleset();
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let empty = ruleset();
        for order in ORDERS {
            let mut here: Vec<_> = ["a", "b", "c"].map(|name| (name, comes(&bed, name))).into();
            assert_eq!(here[0].1.0.len(), 6, "{:?}", here[0].1.0);
            assert_eq!(here[1].1.0.len(), 4, "{:?}", here[1].1.0);
            assert_eq!(here[2].1.0.len(), 5, "{:?}", here[2].1.0);
            prove(&probes(&outside, &["a", "b", "c"]));
            for name in order {
                let before = elements();
                bed.remove("foo", name);
                let index = here.iter().position(|(known, _)| *known == name).unwrap();
                let (_, (own, _server)) = here.remove(index);
                let left: BTreeSet<String> = before.difference(&own).cloned().collect();
                assert_eq!(elements(), left, "{order:?}: without {name}");
                let alive: Vec<&str> = here.iter().map(|(name, _)| *name).collect();
                prove(&probes(&outside, &alive));
            }
            same(&empty, &ruleset());
        }
        bed.netberth.network_delete("foo").unwrap();
        same(&nothing, &ruleset());
        assert_eq!(nothing, "");
    });
}

/// A container whose namespace somebody has taken away leaves nothing either.
#[test]
fn also_when_the_namespace_is_gone() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let empty = ruleset();
        let (_, other) = comes(&bed, "a");
        let with_one = ruleset();
        let ns = bed.namespace("given");
        bed.endpoint("foo", &endpoint("b", &mappings("b")));
        let join = format!("{{\"container_id\":\"b\",\"netns\":\"{}\"}}", ns.display());
        bed.join("foo", "b", &join);
        assert_ne!(with_one, ruleset());
        sh(&format!("umount {0} && rm {0}", ns.display()));
        bed.remove("foo", "b");
        same(&with_one, &ruleset());
        prove(&probes(&outside, &["a"]));
        drop(other);
        bed.remove("foo", "a");
        same(&empty, &ruleset());
    });
}

/// One number, two protocols, two containers; each end is the other's neighbour only.
#[test]
fn one_number_of_two_protocols_in_two_containers() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(r#"{"name":"foo"}"#);
        let mut servers = Vec::new();
        for (name, via) in [("t", Via::Tcp), ("u", Via::Udp)] {
            bed.endpoint("foo", &endpoint(name, &[mapping(via.name(), 7000, 8080, "")]));
            let container = bed.join("foo", name, &format!("{{\"container_id\":\"{name}\"}}"));
            servers.push(Server::new(&container.key, name, [7000]));
        }
        let ask = |via: Via, name: &str| {
            let says = |seen: &str| match name {
                "" => Expect::Nobody,
                name => Expect::Says(format!("{name}:7000 {seen}")),
            };
            prove(&[
                Probe::new("from outside", &outside, via, (HOST4, 8080), says(OUTSIDE4)),
                Probe::new("from the host", &host_path(), via, (OTHER4, 8080), says(OTHER4)),
            ]);
        };
        ask(Via::Tcp, "t");
        ask(Via::Udp, "u");
        bed.remove("foo", "t");
        ask(Via::Tcp, "");
        ask(Via::Udp, "u");
    });
}
