//! Published ports with packets: from everywhere they must be reachable, and from where they must
//! not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, same, snapshot};
use common::net::{Echo, PORT, silent, talks};
use common::{on_a_host, sh};
use netberth::Kind;
use netberth::model::EndpointSpec;

fn host_path() -> PathBuf {
    std::fs::canonicalize("/proc/thread-self").unwrap().join("ns/net")
}

/// A container with PORT published, TCP and UDP, on `host_ip` or everywhere.
fn published(bed: &Bed<'_>, network: &str, name: &str, host_ip: Option<&str>) -> Container {
    let ip = host_ip.map(|ip| format!(",\"host_ip\":\"{ip}\"")).unwrap_or_default();
    let map =
        |proto: &str| format!("{{\"proto\":\"{proto}\",\"port\":{PORT},\"host_port\":{PORT}{ip}}}");
    let (tcp, udp) = (map("tcp"), map("udp"));
    bed.endpoint(network, &format!("{{\"name\":\"{name}\",\"port_mapping\":[{tcp},{udp}]}}"));
    bed.join(network, name, &format!("{{\"container_id\":\"{name}\"}}"))
}

fn gateways(bed: &Bed<'_>, network: &str) -> (String, String) {
    let subnets = bed.netberth.network(network, true).unwrap().options.unwrap().subnets;
    (subnets[0].gateway.to_string(), subnets[1].gateway.to_string())
}

#[test]
fn reachable_from_everywhere() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        // Where br_netfilter is built in, a new namespace has it on, and `::1` does not work with it.
        sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
            [ ! -e $call ] || echo 0 > $call; done");
        let before = snapshot(host);
        for (name, icc) in [("foo", true), ("shut", false)] {
            bed.network(&format!(
                "{{\"name\":\"{name}\",\"options\":{{\"ipv6\":true,\"icc\":{icc}}}}}"
            ));
            bed.network(r#"{"name":"other","options":{"ipv6":true}}"#);
            let web = published(&bed, name, "web", None);
            let sibling = bed.container(name, "sibling");
            let stranger = bed.container("other", "stranger");
            let echo = Echo::new(&web.key);
            let (gateway4, gateway6) = gateways(&bed, name);
            talks(&outside, HOST4, OUTSIDE4);
            talks(&outside, HOST6, OUTSIDE6);
            talks(&host_path(), HOST4, HOST4);
            talks(&host_path(), HOST6, HOST6);
            talks(&host_path(), "127.0.0.1", &gateway4);
            talks(&host_path(), "::1", &gateway6);
            talks(&stranger.key, HOST4, &stranger.v4);
            talks(&stranger.key, HOST6, &stranger.v6);
            talks(&sibling.key, HOST4, &sibling.v4);
            talks(&sibling.key, HOST6, &sibling.v6);
            talks(&web.key, HOST4, &gateway4);
            talks(&web.key, HOST6, &gateway6);
            drop(echo);
            for (network, name) in [(name, "web"), (name, "sibling"), ("other", "stranger")] {
                bed.remove(network, name);
            }
            bed.netberth.network_delete("other").unwrap();
            bed.netberth.network_delete(name).unwrap();
        }
        same(&before, &snapshot(host));
    });
}

#[test]
fn live_exactly_while_a_container_is_joined() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo"}"#);
        let web = published(&bed, "foo", "web", None);
        let echo = Echo::new(&web.key);
        talks(&outside, HOST4, OUTSIDE4);
        bed.netberth.detach("foo", "web", "web").unwrap();
        let rules = sh("nft list table inet netberth");
        assert!(!rules.contains(&format!(" . {PORT} :")), "{rules}");
        let flows = sh("conntrack -L 2>/dev/null");
        assert!(!flows.contains(&web.v4), "{flows}");
        bed.join("foo", "web", "{\"container_id\":\"web\"}");
        talks(&outside, HOST4, OUTSIDE4);
        drop(echo);
    });
}

#[test]
fn loopback_is_not_for_the_wire() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo"}"#);
        let web = published(&bed, "foo", "web", Some("127.0.0.1"));
        let _echo = Echo::new(&web.key);
        let gateway =
            bed.netberth.network("foo", true).unwrap().options.unwrap().subnets[0].gateway;
        talks(&host_path(), "127.0.0.1", &gateway.to_string());
        let nobody = |ns: &std::path::Path, to: &str| {
            assert!(common::net::refused(ns, to), "{to} answers from {}", ns.display());
        };
        nobody(&outside, HOST4);
        // A neighbour that sends martians: 127.0.0.1 by way of the host.
        common::bed::inside(&outside, "ip route del local 127.0.0.0/8 dev lo table local; true");
        common::bed::inside(&outside, &format!("ip route add 127.0.0.0/8 via {HOST4}; true"));
        common::bed::inside(&outside, "ip addr del 127.0.0.1/8 dev lo; true");
        silent(&outside, "127.0.0.1");
    });
}

/// As systemd-resolved has port 53.
#[test]
fn a_resolver_on_another_loopback_address_keeps_its_port() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let resolver = std::net::UdpSocket::bind(("127.0.0.53", PORT)).unwrap();
        resolver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        bed.network(r#"{"name":"foo"}"#);
        let web = published(&bed, "foo", "web", None);
        let _echo = Echo::new(&web.key);
        let gateway =
            bed.netberth.network("foo", true).unwrap().options.unwrap().subnets[0].gateway;
        talks(&host_path(), "127.0.0.1", &gateway.to_string());
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"name?", ("127.0.0.53", PORT)).unwrap();
        let mut asked = [0; 8];
        assert_eq!(resolver.recv(&mut asked).unwrap(), 5);
    });
}

#[test]
fn conflicts_name_the_holder() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let create = |name: &str, mapping: &str| {
            let json = format!("{{\"name\":\"{name}\",\"port_mapping\":[{mapping}]}}");
            let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
            bed.netberth.endpoint_create("foo", &spec)
        };
        create("a", r#"{"proto":6,"port":80,"host_port":8080}"#).unwrap();
        create("span", r#"{"proto":6,"port":100,"port_end":200,"host_port":100}"#).unwrap();
        let held = |mapping: &str, holder: &str| {
            let error = create("b", mapping).unwrap_err();
            assert_eq!(error.kind(), Kind::Exists, "{error}");
            assert!(error.message().contains(holder), "{error}");
        };
        held(r#"{"proto":6,"port":80,"host_port":8080}"#, "endpoint a");
        held(r#"{"proto":6,"port":80,"host_port":8080,"host_ip":"127.0.0.1"}"#, "endpoint a");
        held(r#"{"proto":6,"port":80,"host_port":150}"#, "endpoint span");
        held(r#"{"proto":6,"port":1,"port_end":9999,"host_port":1}"#, "is taken by endpoint");
        let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        held(&format!("{{\"proto\":6,\"port\":80,\"host_port\":{port}}}"), "pid");
        create("udp", r#"{"proto":17,"port":80,"host_port":8080}"#).unwrap();
        // Automatic: from the kernel's range, one after the other.
        create("auto", r#"{"proto":6,"port":80},{"proto":6,"port":81}"#).unwrap();
        let chosen = bed.more("foo", "auto").port_mapping;
        assert!(chosen[0].host_port >= 32768 && chosen[1].host_port != chosen[0].host_port);
        // One of a span.
        create("of", r#"{"proto":6,"port":80,"host_port":8080,"host_port_end":8082}"#).unwrap();
        assert_eq!(bed.more("foo", "of").port_mapping[0].host_port, 8081);
        bed.netberth.endpoint_delete("foo", "a", false).unwrap();
        create("again", r#"{"proto":6,"port":80,"host_port":8080}"#).unwrap();
    });
}

#[test]
fn spans_keep_their_numbers_in_one_element() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let (first, last) = (PORT - 10, PORT + 10);
        let map = |proto: &str| {
            format!(
                "{{\"proto\":\"{proto}\",\"port\":{first},\"port_end\":{last},\"host_port\":{first}}}"
            )
        };
        let (tcp, udp) = (map("tcp"), map("udp"));
        bed.endpoint("foo", &format!("{{\"name\":\"web\",\"port_mapping\":[{tcp},{udp}]}}"));
        let web = bed.join("foo", "web", "{\"container_id\":\"web\"}");
        let _echo = Echo::new(&web.key);
        talks(&outside, HOST4, OUTSIDE4);
        talks(&outside, HOST6, OUTSIDE6);
        let listed = sh("nft list map inet netberth span4_any");
        assert!(listed.contains(&format!("tcp . {first}-{last}")), "{listed}");
        assert!(!sh("nft list map inet netberth pub4_any").contains("elements"));
    });
}
