//! Containers on several networks: default routes that move, fixed addresses, ranges, gateways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use common::bed::{Bed, HOST4, HOST6, OUTSIDE4, OUTSIDE6, inside, ip, seen};
use common::net::{Echo, talks};
use common::{Host, on_a_host};
use netberth::error::Kind;
use netberth::model::EndpointSpec;

/// The interface and the gateway of the default route.
fn default_route(ns: &Path, family: &str) -> Option<(String, String)> {
    let answer = ip(Some(ns), &format!("{family} route show default"));
    let all = answer.as_array().unwrap();
    assert!(all.len() < 2, "{answer}");
    let text = |key: &str| all[0][key].as_str().unwrap().to_owned();
    (!all.is_empty()).then(|| (text("dev"), text("gateway")))
}

/// Three networks without masquerade: the outside sees by which the container left.
fn three(host: &Host) -> Bed<'_> {
    let bed = Bed::new(host);
    for number in 1..=3 {
        bed.network(&format!(
            "{{\"name\":\"n{number}\",\"options\":{{\"masquerade\":false,\"subnets\":[
              {{\"subnet\":\"10.{number}.0.0/24\"}},{{\"subnet\":\"fd0{number}::/64\"}}]}}}}"
        ));
    }
    bed
}

fn on(bed: &Bed<'_>, number: u8, priority: i64) -> std::path::PathBuf {
    let network = format!("n{number}");
    bed.endpoint(&network, &format!("{{\"name\":\"c\",\"priority\":{priority}}}"));
    bed.join(&network, "c", r#"{"container_id":"c"}"#).key
}

#[test]
fn the_default_route_follows_priority_and_moves_with_its_endpoint() {
    on_a_host(|host| {
        let bed = three(host);
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        let leaves_by = |ns: &Path, number: u8, interface: &str| {
            let gateways = [format!("10.{number}.0.1"), format!("fd0{number}::1")];
            let [v4, v6] = gateways.map(|gateway| Some((interface.to_owned(), gateway)));
            assert_eq!(default_route(ns, "-4"), v4);
            assert_eq!(default_route(ns, "-6"), v6);
            talks(ns, OUTSIDE4, &format!("10.{number}.0.2"));
            talks(ns, OUTSIDE6, &format!("fd0{number}::2"));
        };
        let key = on(&bed, 1, 0);
        leaves_by(&key, 1, "eth0");
        on(&bed, 2, 10);
        leaves_by(&key, 2, "eth1");
        // As high as the present one, but younger.
        on(&bed, 3, 10);
        leaves_by(&key, 2, "eth1");
        bed.netberth.detach("n2", "c", "c").unwrap();
        leaves_by(&key, 3, "eth2");
        bed.netberth.detach("n1", "c", "c").unwrap();
        leaves_by(&key, 3, "eth2");
        // The endpoint kept its addresses and its rank, and the first free name is its interface.
        bed.join("n2", "c", r#"{"container_id":"c"}"#);
        leaves_by(&key, 2, "eth0");
        bed.netberth.detach("n3", "c", "c").unwrap();
        bed.netberth.detach("n2", "c", "c").unwrap();
        assert_eq!(default_route(&key, "-4"), None);
        assert_eq!(default_route(&key, "-6"), None);
    });
}

#[test]
fn a_container_on_two_networks_talks_on_both_and_joins_them_for_nobody() {
    on_a_host(|host| {
        let bed = three(host);
        let key = on(&bed, 1, 0);
        on(&bed, 2, 0);
        let (a, b) = (bed.container("n1", "a"), bed.container("n2", "b"));
        let (_a, _b) = (Echo::new(&a.key), Echo::new(&b.key));
        talks(&key, &a.v4, "10.1.0.2");
        talks(&key, &b.v4, "10.2.0.2");
        talks(&key, &b.v6, "fd02::2");
        inside(&a.key, "ip route add 10.2.0.0/24 via 10.1.0.2 dev eth0 onlink");
        common::net::silent(&a.key, &b.v4);
    });
}

#[test]
fn fixed_addresses_are_what_ip_shows_and_survive_a_rejoin() {
    on_a_host(|host| {
        let bed = three(host);
        bed.endpoint(
            "n1",
            r#"{"name":"c","mac_address":"02:11:22:33:44:55","ipv4_address":"10.1.0.77",
                "ipv6_address":"fd01::77"}"#,
        );
        for _ in 0..2 {
            let c = bed.join("n1", "c", r#"{"container_id":"c","interface_name":"wan0"}"#);
            let link = ip(Some(&c.key), "addr show dev wan0");
            assert_eq!(link[0]["address"], "02:11:22:33:44:55");
            let found: Vec<(&str, u64)> = link[0]["addr_info"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|address| address["scope"] == "global")
                .map(|address| {
                    (address["local"].as_str().unwrap(), address["prefixlen"].as_u64().unwrap())
                })
                .collect();
            assert_eq!(found, [("10.1.0.77", 24), ("fd01::77", 64)]);
            bed.netberth.detach("n1", "c", "c").unwrap();
            let left = inside(&c.key, "ip -o link");
            assert_eq!(left.lines().count(), 1, "{left}");
        }
        for (json, kind) in [
            (r#"{"name":"d","ipv4_address":"10.1.0.77"}"#, Kind::Exists),
            (r#"{"name":"d","ipv6_address":"fd01::77"}"#, Kind::Exists),
            (r#"{"name":"d","mac_address":"02:11:22:33:44:55"}"#, Kind::Exists),
            (r#"{"name":"d","ipv4_address":"10.1.0.1"}"#, Kind::Exists),
            (r#"{"name":"d","ipv4_address":"10.9.0.1"}"#, Kind::Invalid),
        ] {
            let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
            let error = bed.netberth.endpoint_create("n1", &spec).unwrap_err();
            assert_eq!(error.kind(), kind, "{json}: {error}");
        }
    });
}

#[test]
fn ranges_reserved_addresses_and_gateways_are_kept() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        bed.network(
            r#"{"name":"foo","options":{"subnets":[
                {"subnet":"10.7.0.0/16","range":"10.7.5.0/29","gateway":"10.7.200.1",
                 "reserved":["10.7.5.1","10.7.5.2"]},
                {"subnet":"fd07::/64","gateway":"fd07::ffff"}]}}"#,
        );
        let mut got = Vec::new();
        for number in 0..8 {
            let name = format!("c{number}");
            match EndpointSpec::from_json(format!("{{\"name\":\"{name}\"}}").as_bytes())
                .and_then(|spec| bed.netberth.endpoint_create("foo", &spec))
            {
                Ok(_) => got.push(bed.more("foo", &name).addresses[0].clone()),
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Exhausted, "{error}");
                    break;
                }
            }
        }
        // In a /16 the range's first and last are addresses like any other.
        assert_eq!(got, [0, 3, 4, 5, 6, 7].map(|last| format!("10.7.5.{last}/16")));
        let c = bed.join("foo", "c0", r#"{"container_id":"c"}"#);
        let gateway = |v4: &str| Some(("eth0".to_owned(), v4.to_owned()));
        assert_eq!(default_route(&c.key, "-4"), gateway("10.7.200.1"));
        assert_eq!(default_route(&c.key, "-6"), gateway("fd07::ffff"));
        talks(&c.key, OUTSIDE4, HOST4);
        talks(&c.key, OUTSIDE6, HOST6);
        assert_eq!(seen(&outside, "udp4"), [HOST4]);
        let gateways = ip(None, &format!("addr show dev {}", bed.bridge("foo")));
        let mut of_bridge: Vec<IpAddr> = gateways[0]["addr_info"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|address| address["scope"] == "global")
            .map(|address| address["local"].as_str().unwrap().parse().unwrap())
            .collect();
        of_bridge.sort();
        assert_eq!(
            of_bridge,
            ["10.7.200.1", "fd07::ffff"].map(|text| text.parse::<IpAddr>().unwrap())
        );
    });
}

#[test]
fn any_number_of_containers_share_the_hosts_network() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), common::bed::snapshot(host));
        for name in ["a", "b"] {
            bed.endpoint("host", &format!("{{\"name\":\"{name}\"}}"));
            let join = format!("{{\"container_id\":\"{name}\",\"use_default_sandbox\":true}}");
            let key = bed.try_join("host", name, &join).unwrap();
            assert_eq!(key, host.path("run/netns/default"));
            // It is the host's own namespace that is mounted there.
            let namespace = |path: &Path| std::fs::metadata(path).unwrap().ino();
            assert_eq!(namespace(&key), namespace(Path::new("/proc/thread-self/ns/net")));
        }
        bed.remove("host", "a");
        assert!(host.path("run/netns/default").exists(), "b is in it yet");
        bed.remove("host", "b");
        common::bed::same(&records, &bed.records());
        common::bed::same(&before, &common::bed::snapshot(host));
    });
}
