//! Ten thousand connections over ten back ends: shares, turns, and who moves when one is replaced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use common::bed::{Bed, inside};
use common::net::{PORT, within};
use common::server::{Server, Tally, asked, tally};
use common::{on_a_host, sh};
use netberth::model::{JoinSpec, ServiceSpec};

const MANY: usize = 10_000;

fn publish(bed: &Bed<'_>, name: &str, balance: &str) -> String {
    let json = format!(
        "{{\"name\":\"{name}\",\"network_name\":\"foo\",\"balance\":\"{balance}\",\
         \"port_mapping\":[{{\"proto\":6,\"port\":{PORT}}}]}}"
    );
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    bed.netberth.service_publish(&spec).unwrap();
    let view = bed.netberth.service(name, true).unwrap().more.unwrap();
    view.addresses[0].split('/').next().unwrap().to_owned()
}

fn attach(bed: &Bed<'_>, service: &str, name: &str) -> PathBuf {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    bed.netberth.service_attach(service, &spec).unwrap()
}

/// Ten containers that serve, each behind all of `services`.
fn ten(bed: &Bed<'_>, services: &[&str]) -> Vec<Server> {
    let one = |number: usize| {
        let name = format!("c{number}");
        let keys: Vec<PathBuf> =
            services.iter().map(|service| attach(bed, service, &name)).collect();
        Server::new(&keys[0], &name)
    };
    (0..10).map(one).collect()
}

#[track_caller]
fn even(tally: &Tally, within_percent: usize) {
    assert_eq!(tally.len(), 10, "{tally:?}");
    let share = tally.values().sum::<usize>() / 10;
    for (name, count) in tally {
        assert!(count.abs_diff(share) * 100 <= share * within_percent, "{name}: {tally:?}");
    }
}

/// Many clients of one namespace: each connection from the next of their addresses.
fn from_many(client: &Path, to: &str, count: usize) -> BTreeMap<String, String> {
    let to: Ipv4Addr = to.parse().unwrap();
    within(client, || {
        let mut answered = BTreeMap::new();
        for number in 0..count {
            let own = format!("10.99.{}.{}", number / 250, number % 250 + 1);
            answered.insert(own.clone(), common::server::asked_as(&own, (to, PORT)).unwrap().0);
        }
        answered
    })
}

fn counted(answers: &BTreeMap<String, String>) -> Tally {
    let mut tally = Tally::new();
    for name in answers.values() {
        *tally.entry(name.clone()).or_default() += 1;
    }
    tally
}

/// A namespace beyond the container's own addresses, whose packets the host routes to the network:
/// one that holds ten thousand addresses on its loopback.
fn crowd(bed: &Bed<'_>) -> PathBuf {
    let client = bed.container("foo", "crowd");
    inside(&client.key, "ip route add local 10.99.0.0/16 dev lo");
    sh(&format!("ip route add 10.99.0.0/16 via {} dev {}", client.v4, bed.bridge("foo")));
    client.key
}

#[test]
fn turns_are_exact_and_chance_is_even() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let (turns, random) =
            (publish(&bed, "turns", "round-robin"), publish(&bed, "random", "random"));
        let _servers = ten(&bed, &["turns", "random"]);
        let client = bed.container("foo", "client").key;
        let exact = tally(&client, &turns, PORT, MANY);
        assert!(exact.values().all(|count| *count == MANY / 10), "{exact:?}");
        // A tenth is 3.3 times the spread of chance at ten thousand, and 4.7 times at twice that.
        even(&tally(&client, &random, PORT, 2 * MANY), 10);
    });
}

/// Others are called all the time: they have no part in a service's turns, nor in whom a client is
/// led to by its address.
#[test]
fn others_do_not_disturb_the_shares() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let names = ["one", "two", "three", "sticky"];
        let vips = names.map(|name| {
            publish(&bed, name, if name == "sticky" { "source" } else { "round-robin" })
        });
        let _servers = ten(&bed, &names);
        let clients = names.map(|name| bed.container("foo", &format!("client-{name}")).key);
        let crowd = crowd(&bed);
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _guard = Ends(&ends);
            for (client, vip) in clients[1..3].iter().zip(&vips[1..3]) {
                let ends = &ends;
                scope.spawn(move || {
                    within(client, || {
                        for _ in 0..40 * MANY {
                            if ends.load(Ordering::Relaxed) {
                                break;
                            }
                            asked(vip, PORT).unwrap();
                        }
                    });
                });
            }
            let exact = tally(&clients[0], &vips[0], PORT, MANY);
            assert!(exact.values().all(|count| *count == MANY / 10), "{exact:?}");
            even(&counted(&from_many(&crowd, &vips[3], MANY)), 10);
        });
    });
}

/// Ends the others whatever happens.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Slot by slot, the address that a virtual one leads to.
fn slots(vip: &str) -> BTreeMap<u64, String> {
    let listed = sh("nft -j list map inet netberth slot4");
    let document: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let maps = document["nftables"].as_array().unwrap().iter();
    let elements = maps.filter_map(|object| object["map"]["elem"].as_array()).flatten();
    let of_it = elements.filter(|element| element[0]["concat"][0] == vip);
    let slot = |key: &serde_json::Value| {
        key.as_u64().or_else(|| key.as_str().and_then(|text| text.parse().ok())).unwrap()
    };
    of_it.map(|e| (slot(&e[0]["concat"][1]), e[1].as_str().unwrap().to_owned())).collect()
}

/// In turns and by chance: the others keep every slot that they had, and the newcomer has those of the
/// one that left.
#[test]
fn one_of_ten_is_replaced_and_the_others_keep_their_shares() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let names = ["turns", "random"];
        let vips = [publish(&bed, "turns", "round-robin"), publish(&bed, "random", "random")];
        let mut servers = ten(&bed, &names);
        // A client that has used up its ports meets connections of before: each measure has its own.
        let shares = |time: &str| {
            let clients = names.map(|name| bed.container("foo", &format!("{name}-{time}")).key);
            let exact = tally(&clients[0], &vips[0], PORT, MANY);
            assert!(exact.len() == 10 && exact.values().all(|n| *n == MANY / 10), "{exact:?}");
            let by_chance = tally(&clients[1], &vips[1], PORT, 2 * MANY);
            even(&by_chance, 10);
            [exact, by_chance]
        };
        let (before, slots_before) = (shares("before"), [slots(&vips[0]), slots(&vips[1])]);
        for service in names {
            bed.netberth.service_detach(service, "c3", false).unwrap();
        }
        servers.remove(3);
        let keys = names.map(|service| attach(&bed, service, "new"));
        servers.push(Server::new(&keys[0], "new"));
        let (after, slots_after) = (shares("after"), [slots(&vips[0]), slots(&vips[1])]);
        for at in 0..2 {
            assert_eq!((slots_before[at].len(), slots_after[at].len()), (60, 60));
            let moved: Vec<_> = slots_before[at]
                .iter()
                .filter(|(slot, to)| slots_after[at][slot] != **to)
                .collect();
            assert!(moved.len() == 6 && moved.iter().all(|one| one.1 == moved[0].1), "{moved:?}");
            for (name, count) in &before[at] {
                let name = if name == "c3" { "new" } else { name };
                // Turns are exact; two samples of chance may each be a tenth from the share.
                let most = if at == 0 { 0 } else { count / 5 };
                assert!(after[at][name].abs_diff(*count) <= most, "{name}: {before:?}, {after:?}");
            }
        }
    });
}

/// 13 and 50 do not divide 1020: each back end has as many slots as any other, or one more, and as
/// many connections as its slots say. Turns are by chance then.
#[test]
fn many_have_the_shares_that_their_slots_say() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let names = ["turns", "sticky"];
        let vips = [publish(&bed, "turns", "round-robin"), publish(&bed, "sticky", "source")];
        let client = bed.container("foo", "client").key;
        let crowd = crowd(&bed);
        let mut servers = Vec::new();
        for many in [13_usize, 50] {
            for number in servers.len()..many {
                let name = format!("c{number}");
                let keys = names.map(|service| attach(&bed, service, &name));
                // Its name is its address, as the slots have it.
                let place = bed.netberth.service_backends("turns", true).unwrap();
                let place = place.into_iter().find(|backend| backend.id == name).unwrap();
                let address = place.addresses.unwrap()[0].split('/').next().unwrap().to_owned();
                servers.push(Server::new(&keys[0], &address));
            }
            let tallies =
                [tally(&client, &vips[0], PORT, MANY), counted(&from_many(&crowd, &vips[1], MANY))];
            for (vip, tally) in vips.iter().zip(tallies) {
                let mut shares = Tally::new();
                for to in slots(vip).into_values() {
                    *shares.entry(to).or_default() += 1;
                }
                assert_eq!((shares.values().sum::<usize>(), shares.len()), (1020, many));
                let least = 1020 / many;
                assert!(shares.values().all(|n| [least, least + 1].contains(n)), "{shares:?}");
                for (address, slots) in &shares {
                    let (due, has) = (MANY * slots / 1020, tally[address]);
                    // Five times the spread of chance.
                    assert!(has.abs_diff(due).pow(2) <= 25 * due, "{address}: {has} of {due}");
                }
            }
        }
    });
}

#[test]
fn a_client_stays_where_it_was_while_one_of_ten_is_replaced() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let vip = publish(&bed, "sticky", "source");
        let mut servers = ten(&bed, &["sticky"]);
        let crowd = crowd(&bed);
        let before = from_many(&crowd, &vip, MANY);
        even(&counted(&before), 10);
        assert_eq!(before, from_many(&crowd, &vip, MANY), "each finds its own again");
        bed.netberth.service_detach("sticky", "c3", false).unwrap();
        servers.remove(3);
        let during = from_many(&crowd, &vip, MANY);
        for (client, name) in &before {
            assert!(name == "c3" || during[client] == *name, "{client}");
        }
        let key = attach(&bed, "sticky", "new");
        servers.push(Server::new(&key, "new"));
        let after = from_many(&crowd, &vip, MANY);
        for (client, name) in &before {
            let expected = if name == "c3" { "new" } else { name };
            assert_eq!(after[client], expected, "{client}");
        }
    });
}
