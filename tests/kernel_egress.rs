//! Containers and the world outside: who gets out, as whom, and that nobody gets in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::path::Path;

use common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, inside, ip, seen};
use common::net::{Echo, PORT, reaches, silent, talks};
use common::{on_a_host, sh};

fn host_path() -> std::path::PathBuf {
    std::fs::canonicalize("/proc/thread-self").unwrap().join("ns/net")
}

#[test]
fn masqueraded_egress_leaves_as_the_host() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let a = bed.container("foo", "a");
        talks(&a.key, OUTSIDE4, HOST4);
        talks(&a.key, OUTSIDE6, HOST6);
        for protocol in ["icmp", "tcp", "udp"] {
            assert_eq!(seen(&outside, &format!("{protocol}4")), [HOST4]);
            assert_eq!(seen(&outside, &format!("{protocol}6")), [HOST6]);
        }
        let flows = sh("conntrack -L -p tcp 2>/dev/null");
        let flow = format!("src={} dst={OUTSIDE4}", a.v4);
        let back = format!("src={OUTSIDE4} dst={HOST4}");
        assert!(flows.lines().any(|line| line.contains(&flow) && line.contains(&back)), "{flows}");
    });
}

#[test]
fn without_masquerade_the_container_is_seen() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        bed.network(r#"{"name":"foo","options":{"ipv6":true,"masquerade":false}}"#);
        let a = bed.container("foo", "a");
        talks(&a.key, OUTSIDE4, &a.v4);
        talks(&a.key, OUTSIDE6, &a.v6);
        assert_eq!(seen(&outside, "icmp4"), [a.v4.as_str()]);
        assert_eq!(seen(&outside, "icmp6"), [a.v6.as_str()]);
    });
}

#[test]
fn the_outside_does_not_reach_containers_though_it_has_a_route() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        for (name, masquerade) in [("foo", true), ("bar", false)] {
            bed.network(&format!(
                "{{\"name\":\"{name}\",\"options\":{{\"ipv6\":true,\"masquerade\":{masquerade}}}}}"
            ));
            let a = bed.container(name, name);
            let _echo = Echo::new(&a.key);
            talks(&host_path(), &a.v4, &gateway(&a.v4));
            silent(&outside, &a.v4);
            silent(&outside, &a.v6);
        }
        // They did come as far as the host, and there the rule stopped them.
        let route = inside(&outside, "ip route get 172.17.0.2");
        assert!(route.contains(HOST4), "{route}");
        let counted = sh("nft list chain inet netberth forward");
        let dropped = counted.lines().find(|line| line.contains("oifname @br counter")).unwrap();
        assert!(!dropped.contains("packets 0 "), "{counted}");
    });
}

/// The first address of a container's /24.
fn gateway(v4: &str) -> String {
    format!("{}.1", v4.rsplit_once('.').unwrap().0)
}

#[test]
fn the_host_reaches_its_containers_and_they_reach_it() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let a = bed.container("foo", "a");
        let host_path = host_path();
        let (_inside, _host) = (Echo::new(&a.key), Echo::new(&host_path));
        let of_bridge = ip(None, &format!("-6 addr show dev {}", bed.bridge("foo")));
        let gateway6 = global(&of_bridge);
        talks(&host_path, &a.v4, "172.17.0.1");
        talks(&host_path, &a.v6, &gateway6);
        talks(&a.key, "172.17.0.1", &a.v4);
        talks(&a.key, &gateway6, &a.v6);
    });
}

/// The address of global scope in an answer of `ip -j -6 addr`.
fn global(addresses: &serde_json::Value) -> String {
    let all = addresses[0]["addr_info"].as_array().unwrap();
    let global = all.iter().find(|address| address["scope"] == "global").unwrap();
    global["local"].as_str().unwrap().to_owned()
}

#[test]
fn internal_networks_have_siblings_and_nothing_else() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"in","options":{"ipv6":true,"internal":true}}"#);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let (a, b) = (bed.container("in", "a"), bed.container("in", "b"));
        let other = bed.container("foo", "other");
        let echoes = [&a.key, &b.key, &other.key, &outside].map(|ns| Echo::new(ns));
        talks(&a.key, &b.v4, &a.v4);
        talks(&b.key, &a.v6, &b.v6);
        for family in ["-4", "-6"] {
            let routes = ip(Some(&a.key), &format!("{family} route show default"));
            assert_eq!(routes.as_array().map(Vec::len), Some(0), "{routes}");
        }
        for to in [OUTSIDE4, OUTSIDE6, &other.v4, &other.v6] {
            silent(&a.key, to);
        }
        // Even by a route of its own making: it is the rules that hold.
        inside(&a.key, "ip route add default via 172.17.0.1");
        inside(&a.key, &format!("ip -6 route add default via {}", global_of(&bed, "in")));
        for to in [OUTSIDE4, OUTSIDE6, &other.v4, &other.v6] {
            silent(&a.key, to);
        }
        for (from, to) in [(&outside, &a.v4), (&outside, &a.v6), (&other.key, &a.v4)] {
            silent(from, to);
        }
        for set in ["icmp4", "icmp6", "tcp4", "tcp6", "udp4", "udp6"] {
            let heard = seen(&outside, set);
            assert!(heard.is_empty(), "{set}: {heard:?}");
        }
        drop(echoes);
    });
}

fn global_of(bed: &Bed<'_>, network: &str) -> String {
    global(&ip(None, &format!("-6 addr show dev {}", bed.bridge(network))))
}

#[test]
fn networks_are_closed_to_each_other() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.network(r#"{"name":"bar","options":{"ipv6":true}}"#);
        let (a, b) = (bed.container("foo", "a"), bed.container("bar", "b"));
        let (_a, _b) = (Echo::new(&a.key), Echo::new(&b.key));
        let both = |from: &Container, to: &Container| {
            silent(&from.key, &to.v4);
            silent(&from.key, &to.v6);
        };
        both(&a, &b);
        both(&b, &a);
        // The gateway of another network is the host, and what listens on the host is there for
        // all: only the networks' containers are kept apart.
        let _host = Echo::new(&host_path());
        for (from, to, of) in [(&a, &b, "bar"), (&b, &a, "foo")] {
            reaches(&from.key, &gateway(&to.v4), &from.v4);
            reaches(&from.key, &global_of(&bed, of), &from.v6);
        }
        // But nobody gets through it: a packet for b by way of the other network's gateway.
        inside(&a.key, &format!("ip route add {}/32 via 172.17.0.1 dev eth0", b.v4));
        silent(&a.key, &b.v4);
    });
}

#[test]
fn icc_off_keeps_siblings_apart_and_lets_them_out() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"ipv6":true,"icc":false}}"#);
        let (a, b) = (bed.container("foo", "a"), bed.container("foo", "b"));
        let _echoes = [&a.key, &b.key, &outside].map(|ns| Echo::new(ns));
        for (from, to) in [(&a, &b), (&b, &a)] {
            silent(&from.key, &to.v4);
            silent(&from.key, &to.v6);
        }
        talks(&a.key, OUTSIDE4, HOST4);
        talks(&b.key, OUTSIDE6, HOST6);
        talks(&host_path(), &a.v4, "172.17.0.1");
    });
}

#[test]
fn a_source_that_is_not_its_own_does_not_leave_a_container() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        bed.network(r#"{"name":"foo","options":{"ipv6":true,"masquerade":false}}"#);
        bed.network(r#"{"name":"bar","options":{"ipv6":true,"masquerade":false}}"#);
        let (a, other) = (bed.container("foo", "a"), bed.container("bar", "other"));
        talks(&a.key, OUTSIDE4, &a.v4);
        let foreign = ["203.0.113.9", "2001:db8:99::9", &other.v4, &other.v6];
        for source in foreign {
            spoof(&a.key, source);
        }
        for set in ["udp4", "udp6"] {
            let heard = seen(&outside, set);
            let spoofed = heard.iter().find(|heard| foreign.contains(&heard.as_str()));
            assert_eq!(spoofed, None, "{heard:?}");
        }
        let counted = sh("nft list chain inet netberth spoof");
        assert!(!counted.contains("packets 0 "), "{counted}");
    });
}

/// One datagram to the outside from an address that the container has given itself.
fn spoof(ns: &Path, source: &str) {
    let (v6, outside) = if source.contains(':') { (true, OUTSIDE6) } else { (false, OUTSIDE4) };
    let bits = if v6 { "/128" } else { "/32" };
    inside(ns, &format!("ip addr add {source}{bits} dev eth0 {}", if v6 { "nodad" } else { "" }));
    common::net::within(ns, || {
        let address: std::net::IpAddr = source.parse().unwrap();
        let socket = std::net::UdpSocket::bind((address, 0)).unwrap();
        let to: std::net::IpAddr = outside.parse().unwrap();
        socket.send_to(b"?", (to, PORT)).unwrap();
    });
}
