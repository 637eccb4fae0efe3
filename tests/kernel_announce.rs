//! Announcements and facts, with neighbours and addresses as `ip` and `bridge` show them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use common::bed::ip;
use common::steps::{MAC, container};
use common::{on_a_host, sh};
use netberth::kernel::Kernel;
use netberth::plan::{Ask, Step};

/// What the host knows of an address on the bridge: hardware address and states.
fn neighbour(address: &str) -> Option<(String, String)> {
    let all = ip(None, &format!("neigh show {address} dev br0"));
    let one = all.as_array().unwrap().first()?.clone();
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    Some((text("lladdr"), one["state"].to_string()))
}

#[test]
fn the_host_knows_a_container_at_once() {
    on_a_host(|host| {
        host.apply(&container(&host.directory)[..3]);
        sh("ip addr add fd00::1/64 dev br0 nodad");
        for round in 0..20 {
            let mut steps = container(&host.directory).split_off(3);
            steps.push(Step::Announce {
                mac: MAC.into(),
                addresses: ["10.1.0.2", "10.1.0.3", "fd00::2"].map(|a| a.parse().unwrap()).into(),
                port: "nb1".into(),
                bridge: "br0".into(),
            });
            let (announce, before) = steps.split_last().unwrap();
            host.apply(before);
            // Left by another container; asked for, in vain so far.
            sh("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:99 dev br0 nud stale && \
                ip neigh replace fd00::2 dev br0 nud incomplete");
            host.apply(std::slice::from_ref(announce));
            for address in ["10.1.0.2", "fd00::2"] {
                let (mac, state) = neighbour(address).unwrap();
                assert_eq!(mac, MAC, "round {round}, {address}");
                assert!(state.contains("REACHABLE"), "round {round}, {address}: {state}");
            }
            assert_eq!(neighbour("10.1.0.3"), None, "nobody has asked for it");
            let port = sh("bridge fdb show dev nb1");
            assert!(port.lines().any(|line| line.starts_with(MAC)), "{port}");
            let state = sh("bridge -d link show dev nb1");
            assert!(state.contains("state forwarding"), "{state}");
            host.undo(&steps);
        }
    });
}

#[test]
fn the_hosts_facts() {
    on_a_host(|host| {
        host.apply(&container(&host.directory));
        sh("ip route add 10.66.0.0/16 via 10.1.0.2 table 1000 && \
                    ip route add unreachable 10.67.0.0/16 && \
                    ip -6 addr add fd01::1/64 dev br0 nodad && \
                    ip link set br0 mtu 1300 && ip route add default via 10.1.0.2 metric 5");
        std::fs::write(host.path("file"), "text").unwrap();
        let ask = Ask {
            host: true,
            sysctls: vec!["net.ipv4.ip_forward".into(), "net/ipv4/no_such_key".into()],
            namespace: Some(host.ns("c1")),
            ns_sysctls: vec!["net/ipv4/conf/lo/forwarding".into()],
            files: vec![host.path("file"), host.path("absent")],
            ..Ask::default()
        };
        let facts = host.kernel.facts(&ask).unwrap();
        for link in ["lo", "br0", "nb1"] {
            assert!(facts.host.links.iter().any(|name| name == link), "{link}");
        }
        let routes: Vec<String> = facts.host.routes.iter().map(ToString::to_string).collect();
        for route in ["10.1.0.0/24", "10.66.0.0/16", "10.67.0.0/16", "fd01::/64"] {
            assert!(routes.iter().any(|there| there == route), "{route}: {routes:?}");
        }
        assert_eq!(routes.len(), 4, "{routes:?}");
        assert!(facts.host.addresses.contains(&"10.1.0.1/24".parse().unwrap()));
        assert!(facts.host.addresses.contains(&"fd01::1/64".parse().unwrap()));
        assert_eq!(facts.host.default_mtu, Some(1300));
        assert!(facts.host.ipv6);
        assert_eq!(facts.sysctls.len(), 1);
        assert_eq!(facts.interfaces, ["lo", "eth0"]);
        assert!(facts.cookie.is_some());
        assert_eq!(facts.files[&host.path("file")], "text");
        assert_eq!(facts.files.len(), 1);
    });
}
