//! Steps as a driver would ask for them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "constants of tests")]

use std::path::Path;

use netberth::plan::{Hop, Ns, Step};

pub const MAC: &str = "02:00:00:00:00:02";

pub fn bridge(name: &str) -> Step {
    Step::Bridge { name: name.into(), mac: "02:00:00:00:00:01".into(), mtu: 1500 }
}

pub fn up(ns: Ns, dev: &str) -> Step {
    Step::Up { ns, dev: dev.into() }
}

pub fn veth(name: &str, ns: Ns, peer: &str) -> Step {
    let (bridge, mac) = ("br0".into(), MAC.into());
    Step::Veth { name: name.into(), bridge, mtu: 1400, ns, peer: peer.into(), mac }
}

pub fn netns(directory: &Path, name: &str) -> Step {
    Step::Netns { path: directory.join(name), of: None }
}

pub fn address(ns: Ns, dev: &str, address: &str, noprefixroute: bool) -> Step {
    Step::Address { ns, dev: dev.into(), address: address.parse().unwrap(), noprefixroute }
}

pub fn route(ns: Ns, destination: &str, via: Option<&str>, source: Option<&str>) -> Step {
    Step::Route {
        ns,
        destination: destination.parse().unwrap(),
        via: via.map(|via| via.parse().unwrap()),
        dev: "eth0".into(),
        source: source.map(|source| source.parse().unwrap()),
        local: None,
    }
}

/// A gateway on `eth0`.
pub fn hop(via: &str) -> Hop {
    Hop { via: via.parse().unwrap(), dev: "eth0".into() }
}

/// A bridge and one container, as a driver would ask for it.
pub fn container(directory: &Path) -> Vec<Step> {
    let c1 = || Ns::At { path: directory.join("c1"), cookie: None };
    vec![
        bridge("br0"),
        address(Ns::Host, "br0", "10.1.0.1/24", false),
        up(Ns::Host, "br0"),
        netns(directory, "c1"),
        veth("nb1", c1(), "eth0"),
        Step::BridgePort { name: "nb1".into() },
        up(Ns::Host, "nb1"),
        up(c1(), "lo"),
        Step::Sysctl {
            ns: c1(),
            key: "net/ipv6/conf/eth0/accept_ra".into(),
            value: "0".into(),
            before: None,
        },
        up(c1(), "eth0"),
        address(c1(), "eth0", "10.1.0.2/24", true),
        address(c1(), "eth0", "fd00::2/64", true),
        route(c1(), "10.1.0.1/32", None, Some("10.1.0.2")),
        route(c1(), "10.1.0.0/24", Some("10.1.0.1"), Some("10.1.0.2")),
        route(c1(), "fd00::1/128", None, None),
        Step::DefaultRoute { ns: c1(), ipv6: false, to: Some(hop("10.1.0.1")), from: None },
        Step::DefaultRoute { ns: c1(), ipv6: true, to: Some(hop("fd00::1")), from: None },
    ]
}
