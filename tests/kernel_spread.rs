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

/// Others are called all the time: they have no part in a service's turns.
#[test]
fn others_do_not_disturb_the_shares() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let names = ["one", "two", "three"];
        let vips = names.map(|name| publish(&bed, name, "round-robin"));
        let _servers = ten(&bed, &names);
        let clients = names.map(|name| bed.container("foo", &format!("client-{name}")).key);
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (client, vip) in clients[1..].iter().zip(&vips[1..]) {
                let ends = &ends;
                scope.spawn(move || {
                    within(client, || {
                        for _ in 0..20 * MANY {
                            if ends.load(Ordering::Relaxed) {
                                break;
                            }
                            asked(vip, PORT).unwrap();
                        }
                    });
                });
            }
            let exact = tally(&clients[0], &vips[0], PORT, MANY);
            ends.store(true, Ordering::Relaxed);
            assert!(exact.values().all(|count| *count == MANY / 10), "{exact:?}");
        });
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
