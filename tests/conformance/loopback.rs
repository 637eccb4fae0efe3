//! What is published on loopback is for the host alone, whatever a neighbour writes into his packets.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};

use super::wire::{
    Expect, Probe, Server, Via, endpoint, gateways, host_path, mapping, outside, prove,
};
use crate::common::bed::{Bed, HOST4, HOST6, inside};
use crate::common::net::{ping, within};
use crate::common::{on_a_host, sh};

/// Published on loopback, and on everything; where the container listens.
const LOOPBACK: u16 = 8000;
const ALL: u16 = 8001;
const LISTENS: u16 = 7000;

/// A host with a container that publishes on loopback, and its neighbours on either side.
struct Place {
    outside: PathBuf,
    stranger: PathBuf,
    sibling: PathBuf,
    gateway4: String,
    gateway6: String,
    server: Server,
}

impl Place {
    fn new(bed: &Bed<'_>) -> Place {
        let outside = outside(bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.network(r#"{"name":"bar","options":{"ipv6":true}}"#);
        let mut mappings = Vec::new();
        for via in Via::PORTS {
            for (port, ip) in [(LOOPBACK, "127.0.0.1"), (LOOPBACK, "::1"), (ALL, "")] {
                mappings.push(mapping(via.name(), LISTENS, port, ip));
            }
        }
        bed.endpoint("foo", &endpoint("web", &mappings));
        let web = bed.join("foo", "web", r#"{"container_id":"web"}"#);
        let (gateway4, gateway6) = gateways(bed, "foo");
        Place {
            outside,
            stranger: bed.container("bar", "stranger").key,
            sibling: bed.container("foo", "sibling").key,
            gateway4,
            gateway6,
            server: Server::new(&web.key, "web", [LISTENS]),
        }
    }

    /// Those who are not the host, and by which gateways they reach it.
    fn neighbours(&self, bed: &Bed<'_>) -> [(&'static str, PathBuf, String, String); 3] {
        let (other4, other6) = gateways(bed, "bar");
        [
            ("outside", self.outside.clone(), HOST4.to_owned(), HOST6.to_owned()),
            ("stranger", self.stranger.clone(), other4, other6),
            ("sibling", self.sibling.clone(), self.gateway4.clone(), self.gateway6.clone()),
        ]
    }
}

#[test]
fn for_the_host_and_for_nobody_else() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let place = Place::new(&bed);
        let mut probes = Vec::new();
        for via in Via::PORTS {
            for (to, seen) in [("127.0.0.1", &place.gateway4), ("::1", &place.gateway6)] {
                let says = Expect::Says(format!("web:{LISTENS} {seen}"));
                probes.push(Probe::new("host", &host_path(), via, (to, LOOPBACK), says));
            }
            for (name, ns, gateway4, gateway6) in place.neighbours(&bed) {
                for to in [HOST4, HOST6, &gateway4, &gateway6] {
                    probes.push(Probe::new(name, &ns, via, (to, LOOPBACK), Expect::Nobody));
                }
            }
            for to in [HOST4, HOST6] {
                let here = host_path();
                probes.push(Probe::new("host", &here, via, (to, LOOPBACK), Expect::Nobody));
            }
        }
        prove(&probes);
    });
}

/// Counts what comes in from a wire and says that it is from or to the host's loopback. This is before
/// every chain of the product's.
const WATCH: &str = "table inet watch { chain in { type filter hook prerouting priority -400; \
    iifname != lo ip daddr 127.0.0.0/8 counter; iifname != lo ip saddr 127.0.0.0/8 counter; }; }";

/// How many packets each rule of [`WATCH`] has counted: by destination, by source.
fn martians() -> (u64, u64) {
    let text = sh("nft list chain inet watch in");
    let words: Vec<&str> = text.split_whitespace().collect();
    let counts = words.windows(2).filter(|pair| pair[0] == "packets");
    let counts: Vec<u64> = counts.map(|pair| pair[1].parse().unwrap()).collect();
    (counts[0], counts[1])
}

/// A neighbour whose own loopback is elsewhere, so that 127.0.0.1 and `::1` are the host's to him.
fn loopback_by_way_of(ns: &Path, gateway4: &str, gateway6: &str) {
    inside(ns, "ip addr flush dev lo; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
    inside(ns, &format!("ip route add 127.0.0.1/32 via {gateway4}"));
    inside(ns, &format!("ip -6 route add ::1/128 via {gateway6}"));
}

fn asks_for_loopback(ns: &Path, name: &str) -> Vec<Probe> {
    let ask = |(via, to)| Probe::new(name, ns, via, (to, LOOPBACK), Expect::Silence);
    let ways = Via::PORTS.into_iter().flat_map(|via| ["127.0.0.1", "::1"].map(|to| (via, to)));
    ways.map(ask).collect()
}

#[test]
fn not_by_way_of_the_host() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let place = Place::new(&bed);
        sh(&format!("echo '{WATCH}' | nft -f -"));
        let neighbours = place.neighbours(&bed);
        for (name, ns, gateway4, gateway6) in &neighbours {
            loopback_by_way_of(ns, gateway4, gateway6);
            let before = martians().0;
            prove(&asks_for_loopback(ns, name));
            assert!(martians().0 > before, "{name}: nothing came to the host, so nothing is shown");
        }
        assert!(place.server.heard().is_empty(), "{:?}", place.server.heard());
        // It is this chain that holds: a bridge lets 127.0.0.1 in, so that the host can be answered.
        sh("nft flush chain inet netberth raw_pre");
        let (_, ns, ..) = &neighbours[2];
        let to = ("127.0.0.1", LOOPBACK);
        let open = Probe::new("sibling, unprotected", ns, Via::Tcp, to, Expect::Silence);
        assert!(std::panic::catch_unwind(|| prove(&[open])).is_err(), "the test cannot fail");
    });
}

/// From 127.0.0.1 to what is published everywhere: the host's own loopback is let through, a
/// neighbour's is not.
#[test]
fn not_with_loopback_for_a_source() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let place = Place::new(&bed);
        sh(&format!("echo '{WATCH}' | nft -f -"));
        let neighbours = place.neighbours(&bed);
        for (_, ns, gateway, _) in &neighbours {
            // The host does not tell such an address where it is: it must be known before.
            assert!(ping(ns, gateway, 5));
            inside(ns, "ip addr flush dev lo; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
            inside(ns, "ip addr add 127.0.0.7/32 dev eth0");
        }
        let send = |ns: &Path| {
            within(ns, || {
                let socket = UdpSocket::bind(("127.0.0.7", 0)).unwrap();
                for port in [ALL, LOOPBACK] {
                    socket.send_to(b"spoofed", (HOST4, port)).unwrap();
                }
            });
            std::thread::sleep(std::time::Duration::from_millis(50));
        };
        for (name, ns, ..) in &neighbours {
            let before = martians().1;
            send(ns);
            assert!(martians().1 > before, "{name}: nothing came to the host");
        }
        assert!(place.server.heard().is_empty(), "{:?}", place.server.heard());
        // Three things hold: the chain for loopback, the one for foreign sources, and the kernel's
        // filter on the bridge.
        let bridge = bed.bridge("foo");
        sh(&format!(
            "nft flush chain inet netberth raw_pre; nft flush chain inet netberth spoof; \
             echo 0 > /proc/sys/net/ipv4/conf/{bridge}/rp_filter"
        ));
        send(&neighbours[2].1);
        assert!(!place.server.heard().is_empty(), "the test cannot fail");
    });
}
