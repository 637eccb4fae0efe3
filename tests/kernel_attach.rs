//! What a join leaves in the kernel: devices, addresses, routes, neighbours, as `ip` sees them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use common::bed::{Bed, inside, ip};
use common::net::{Echo, PORT, within};
use common::{on_a_host, sh};
use serde_json::Value;

/// The only object of an answer of `ip -j`.
fn one(answer: &Value) -> &Value {
    assert_eq!(answer.as_array().map(Vec::len), Some(1), "{answer}");
    &answer[0]
}

/// Destination, gateway and preferred source of every route but the multicast one of the kernel.
fn routes(ns: &Path, family: &str) -> Vec<String> {
    let answer = ip(Some(ns), &format!("{family} route show"));
    let text = |route: &Value, key: &str| route[key].as_str().unwrap_or("-").to_owned();
    let all = answer.as_array().unwrap().iter();
    let mut routes: Vec<String> = all
        .map(|route| {
            let parts = ["dst", "gateway", "dev", "prefsrc"].map(|key| text(route, key));
            parts.join(" ")
        })
        .collect();
    routes.sort();
    routes
}

#[test]
fn both_ends_have_the_mtu_and_one_queue_and_the_port_its_hairpin() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        for (name, mtu) in [("small", 1280), ("plain", 1500), ("jumbo", 9000)] {
            bed.network(&format!(
                "{{\"name\":\"{name}\",\"options\":{{\"mtu\":{mtu},\"ipv6\":true}}}}"
            ));
            let c = bed.container(name, name);
            let inner = ip(Some(&c.key), "link show dev eth0");
            let inner = one(&inner);
            let ports = ip(None, &format!("link show master {}", bed.bridge(name)));
            let port = one(&ports);
            let bridge = ip(None, &format!("link show dev {}", bed.bridge(name)));
            for link in [inner, port, one(&bridge)] {
                assert_eq!(link["mtu"], mtu, "{link}");
                assert_eq!(link["operstate"], "UP", "{link}");
            }
            for link in [inner, port] {
                assert_eq!(link["num_tx_queues"], 1, "{link}");
                assert_eq!(link["num_rx_queues"], 1, "{link}");
            }
            let data = &port["linkinfo"]["info_slave_data"];
            assert_eq!(data["hairpin"], true, "{data}");
            assert_eq!(data["isolated"], false, "{data}");
            assert_eq!(data["state"], "forwarding", "{data}");
            assert_eq!(inner["address"], c.mac.as_str());
            // A frame of the full size passes; one byte more does not.
            let ping = |size: u32| {
                let line = format!("busybox ping -c 1 -W 1 -s {size} {}", c.v4);
                std::process::Command::new("sh").args(["-c", &line]).output().unwrap()
            };
            assert!(ping(mtu - 28).status.success());
        }
    });
}

#[test]
fn routes_lead_by_way_of_the_gateway_and_no_connected_one_is_there() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(
            r#"{"name":"foo","options":{"subnets":[{"subnet":"10.5.0.0/24"},
                {"subnet":"10.6.0.0/24","gateway":"10.6.0.254"},{"subnet":"fd05::/64"}]}}"#,
        );
        let c = bed.container("foo", "c");
        assert_eq!(
            routes(&c.key, "-4"),
            [
                "10.5.0.0/24 10.5.0.1 eth0 10.5.0.2",
                "10.5.0.1 - eth0 10.5.0.2",
                "10.6.0.0/24 10.5.0.1 eth0 10.5.0.2",
                "default 10.5.0.1 eth0 -",
            ]
        );
        let v6 = routes(&c.key, "-6");
        let v6: Vec<&String> = v6.iter().filter(|route| !route.starts_with("fe80::")).collect();
        assert_eq!(
            v6,
            ["default fd05::1 eth0 -", "fd05::/64 fd05::1 eth0 fd05::2", "fd05::1 - eth0 fd05::2"]
        );
        let on_host = ip(None, &format!("route show dev {}", bed.bridge("foo")));
        let mut destinations: Vec<&str> = on_host
            .as_array()
            .unwrap()
            .iter()
            .map(|route| route["dst"].as_str().unwrap())
            .collect();
        destinations.sort_unstable();
        assert_eq!(destinations, ["10.5.0.0/24", "10.6.0.0/24"]);
    });
}

#[test]
fn the_bridges_address_does_not_change_when_ports_come_and_go() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let bridge = bed.bridge("foo");
        let mac = || {
            sh(&format!("cat /sys/class/net/{bridge}/address 2>/dev/null || true"))
                + &ip(None, &format!("link show dev {bridge}"))[0]["address"].to_string()
        };
        let before = mac();
        // Without a fixed address a bridge takes the lowest of its ports'.
        bed.endpoint("foo", r#"{"name":"low","mac_address":"02:00:00:00:00:01"}"#);
        bed.join("foo", "low", r#"{"container_id":"low"}"#);
        bed.container("foo", "b");
        assert_eq!(mac(), before);
        bed.remove("foo", "low");
        assert_eq!(mac(), before);
        bed.remove("foo", "b");
        assert_eq!(mac(), before);
    });
}

#[test]
fn an_ipv6_address_is_usable_at_once() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let a = bed.container("foo", "a");
        let _echo = Echo::new(&a.key);
        for round in 0..5 {
            let name = format!("b{round}");
            let b = bed.container("foo", &name);
            // The very first thing that is done with the address.
            let to: SocketAddr = (a.v6.parse::<std::net::Ipv6Addr>().unwrap(), PORT).into();
            let wait = Duration::from_secs(3);
            within(&b.key, || TcpStream::connect_timeout(&to, wait).map(drop)).unwrap();
            let all = ip(Some(&b.key), "-6 addr show dev eth0");
            let found = all[0]["addr_info"].as_array().unwrap();
            let global = found.iter().find(|address| address["local"] == b.v6.as_str()).unwrap();
            assert_eq!(global["nodad"], true, "{global}");
            assert_eq!(global["noprefixroute"], true, "{global}");
            assert!(found.iter().all(|address| address.get("tentative").is_none()), "{all}");
        }
    });
}

#[test]
fn router_advertisements_and_redirects_are_not_heard() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.network(r#"{"name":"four"}"#);
        let (a, four) = (bed.container("foo", "a"), bed.container("four", "four"));
        for (key, value) in [
            ("ipv6.conf.eth0.accept_ra", "0"),
            ("ipv6.conf.eth0.accept_redirects", "0"),
            ("ipv6.conf.eth0.accept_dad", "0"),
            ("ipv4.conf.eth0.accept_redirects", "0"),
            ("ipv4.conf.eth0.rp_filter", "2"),
        ] {
            assert_eq!(sysctl(Some(&a.key), &format!("net.{key}")), value, "{key}");
        }
        assert_eq!(sysctl(Some(&four.key), "net.ipv6.conf.eth0.disable_ipv6"), "1");
        let bridge = bed.bridge("foo");
        for (key, value) in [
            (format!("net/ipv6/conf/{bridge}/accept_ra"), "0"),
            (format!("net/ipv6/conf/{bridge}/accept_dad"), "0"),
            (format!("net/ipv4/conf/{bridge}/send_redirects"), "0"),
            (format!("net/ipv4/conf/{bridge}/route_localnet"), "1"),
            (format!("net/ipv4/conf/{bridge}/rp_filter"), "2"),
            ("net/ipv4/ip_forward".to_owned(), "1"),
            ("net/ipv6/conf/all/forwarding".to_owned(), "1"),
        ] {
            assert_eq!(sysctl(None, &key), value, "{key}");
        }
    });
}

fn sysctl(ns: Option<&Path>, key: &str) -> String {
    let line = format!("busybox sysctl -n {key}");
    let text = ns.map_or_else(|| sh(&line), |ns| inside(ns, &line));
    text.trim().to_owned()
}

#[test]
fn a_reused_address_is_announced_with_its_new_hardware_address() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(
            r#"{"name":"foo","options":{"subnets":[{"subnet":"10.5.0.0/24"},
                {"subnet":"fd05::/64"}]}}"#,
        );
        let make = |mac: &str| {
            let json = format!(
                "{{\"name\":\"a\",\"mac_address\":\"{mac}\",\"ipv4_address\":\"10.5.0.9\",\
                 \"ipv6_address\":\"fd05::9\"}}"
            );
            bed.endpoint("foo", &json);
            bed.join("foo", "a", r#"{"container_id":"a"}"#);
        };
        let bridge = bed.bridge("foo");
        let known = |address: &str| {
            let answer = ip(None, &format!("neigh show {address} dev {bridge}"));
            answer[0]["lladdr"].as_str().unwrap_or_default().to_owned()
        };
        // A bridge without ports has no carrier, and forgets its neighbours by itself.
        bed.container("foo", "stays");
        make("02:00:00:00:00:0a");
        sh("busybox ping -c 1 -W 2 10.5.0.9 && busybox ping -c 1 -W 2 fd05::9");
        assert_eq!([known("10.5.0.9"), known("fd05::9")], ["02:00:00:00:00:0a"; 2]);
        bed.remove("foo", "a");
        // What waits for the address goes with the host's memory of it.
        assert_eq!([known("10.5.0.9"), known("fd05::9")], ["", ""]);
        for address in ["10.5.0.9", "fd05::9"] {
            let old = "lladdr 02:00:00:00:00:0a nud stale";
            sh(&format!("ip neigh add {address} dev {bridge} {old}"));
        }
        make("02:00:00:00:00:0b");
        // Without a packet of ours: the join alone has told.
        assert_eq!([known("10.5.0.9"), known("fd05::9")], ["02:00:00:00:00:0b"; 2]);
        sh("busybox ping -c 1 -W 2 10.5.0.9 && busybox ping -c 1 -W 2 fd05::9");
    });
}
