//! What gives a container its interface on a bridge.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::drivers::Join;
use crate::model::{Mac, Ns, Subnet};
use crate::plan::{Plan, Step};

pub(super) fn plan(join: &Join<'_>) -> Plan {
    let options = &join.network.options;
    let mut plan = Plan::new();
    let mac = join.endpoint.mac.unwrap_or_else(|| Mac::of_number(join.endpoint.id.number()));
    plan.push(Step::Veth {
        name: join.link.to_owned(),
        bridge: options.bridge.clone(),
        mtu: options.mtu,
        ns: join.ns.clone(),
        peer: join.interface.to_owned(),
        mac: mac.to_string(),
    });
    plan.push(Step::BridgePort { name: join.link.to_owned() });
    plan.push(Step::Up { ns: Ns::Host, dev: join.link.to_owned() });
    let has_ipv6 = join.endpoint.ips().any(|ip| ip.is_ipv6());
    for (key, value) in of_interface(join.interface, has_ipv6) {
        let (ns, value) = (join.ns.clone(), value.to_owned());
        plan.push(Step::Sysctl { ns, key, value, before: None });
    }
    plan.push(Step::Up { ns: join.ns.clone(), dev: join.interface.to_owned() });
    for address in &join.endpoint.addresses {
        let (ns, dev) = (join.ns.clone(), join.interface.to_owned());
        plan.push(Step::Address { ns, dev, address: *address, noprefixroute: true });
    }
    for address in &join.endpoint.addresses {
        routes(&mut plan, join, *address);
    }
    plan.push(Step::Announce {
        mac: mac.to_string(),
        addresses: join.endpoint.ips().collect(),
        port: join.link.to_owned(),
        bridge: options.bridge.clone(),
    });
    plan
}

/// The gateway on-link, every subnet of the family by way of it: siblings talk through the host's
/// IP layer, where the rules are.
fn routes(plan: &mut Plan, join: &Join<'_>, address: IpNet) {
    let source = address.addr();
    let subnets = &join.network.options.subnets;
    let Some(own) = subnets.iter().find(|subnet| subnet.subnet.contains(&source)) else { return };
    plan.push(route(join, IpNet::from(own.gateway), None, source));
    let of_family = |subnet: &&Subnet| subnet.subnet.addr().is_ipv6() == source.is_ipv6();
    for subnet in subnets.iter().filter(of_family) {
        plan.push(route(join, subnet.subnet, Some(own.gateway), source));
    }
}

fn route(join: &Join<'_>, destination: IpNet, via: Option<IpAddr>, source: IpAddr) -> Step {
    let ns: Ns = join.ns.clone();
    let dev = join.interface.to_owned();
    Step::Route { ns, destination, via, dev, source: Some(source), local: None }
}

/// Sysctls of the interface, which go with it. Without an address of its own, IPv6 is off: a
/// link-local address alone serves nobody and makes every port of the bridge hear its chatter.
fn of_interface(interface: &str, ipv6: bool) -> Vec<(String, &'static str)> {
    let key = |family: &str, name: &str| format!("net/{family}/conf/{interface}/{name}");
    let mut keys = vec![
        (key("ipv4", "accept_redirects"), "0"),
        // What came in by a port of this network is answered by the default route, which may be
        // another interface's: a strict filter (1) of `all` would drop it, and 2 goes before 1.
        (key("ipv4", "rp_filter"), "2"),
    ];
    if ipv6 {
        keys.push((key("ipv6", "accept_ra"), "0"));
        keys.push((key("ipv6", "accept_redirects"), "0"));
        keys.push((key("ipv6", "accept_dad"), "0"));
    } else {
        keys.push((key("ipv6", "disable_ipv6"), "1"));
    }
    keys
}
