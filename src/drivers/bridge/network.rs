//! What brings a bridge network up.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use crate::error::{Error, Kind, Result};
use crate::model::{Mac, Network, Ns};
use crate::plan::rules::{Element, SetElements, Value};
use crate::plan::{Ask, Facts, Plan, Step};

/// The one table of netberth.
const TABLE: &str = "netberth";

/// Host-wide sysctls, and the values that routing between containers needs. Order matters: a write
/// to `ip_forward` sets `accept_redirects` of `all` to its opposite (`inet_forward_change`), so
/// that one is taken first and given back last.
fn host_wide(ipv6: bool) -> Vec<(&'static str, &'static str)> {
    let mut wanted = vec![
        ("net/ipv4/conf/all/accept_redirects", "0"),
        ("net/ipv4/ip_forward", "1"),
        // Effective is the OR of `all` and the device: containers reach siblings by way of their
        // gateway, and a redirect would send them around it.
        ("net/ipv4/conf/all/send_redirects", "0"),
    ];
    if ipv6 {
        wanted.push(("net/ipv6/conf/all/forwarding", "1"));
    }
    wanted
}

pub(super) fn ask(network: &Network) -> Ask {
    let keys = host_wide(network.options.ipv6).into_iter().map(|(key, _)| key.to_owned());
    Ask { host: true, sysctls: keys.collect(), ..Ask::default() }
}

pub(super) fn plan(network: &Network, facts: &Facts) -> Result<Plan> {
    let options = &network.options;
    let bridge = &options.bridge;
    if options.ipv6 && !facts.host.ipv6 {
        let what = "this kernel has no IPv6: leave out ipv6 and IPv6 subnets";
        return Err(Error::new(Kind::Unsupported, what));
    }
    if facts.host.links.contains(bridge) {
        let what = format!(
            "device {bridge} exists and is not netberth's: it is never adopted, choose another name"
        );
        return Err(Error::new(Kind::Denied, what));
    }
    let mut plan = Plan::new();
    for (key, value) in host_wide(options.ipv6) {
        let before = facts.sysctls.get(key).cloned();
        plan.push(sysctl(key.to_owned(), value, before));
    }
    plan.push(Step::Table { name: TABLE.to_owned() });
    let mac = Mac::of_number(network.id.number()).to_string();
    plan.push(Step::Bridge { name: bridge.clone(), mac, mtu: options.mtu });
    for (key, value) in of_device(bridge, facts.host.ipv6) {
        plan.push(sysctl(key, value, None));
    }
    for subnet in &options.subnets {
        let address = IpNet::new_assert(subnet.gateway, subnet.subnet.prefix_len());
        let dev = bridge.clone();
        plan.push(Step::Address { ns: Ns::Host, dev, address, noprefixroute: false });
    }
    plan.push(Step::Up { ns: Ns::Host, dev: bridge.clone() });
    if options.ipv6 {
        plan.push(own_loopback(network));
    }
    plan.push(Step::Elements { sets: elements(network) });
    Ok(plan)
}

fn sysctl(key: String, value: &str, before: Option<String>) -> Step {
    Step::Sysctl { ns: Ns::Host, key, value: value.to_owned(), before }
}

/// Answers to what the host sent from `::1` to a published port come back by the bridge, and the
/// kernel takes `::1` from no device but one that has a local route for it. Each bridge has a metric
/// of its own, because IPv6 keeps one route for each destination and metric.
fn own_loopback(network: &Network) -> Step {
    // Above the kernel's own metric of 0, below the host's other routes.
    let metric = 1 + u32::try_from(network.id.number() >> 40).unwrap_or_default();
    Step::Route {
        ns: Ns::Host,
        destination: IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
        via: None,
        dev: network.options.bridge.clone(),
        source: None,
        local: Some(metric),
    }
}

/// Sysctls of the bridge itself, which go with it.
fn of_device(bridge: &str, ipv6: bool) -> Vec<(String, &'static str)> {
    let mut keys = vec![
        (format!("net/ipv4/conf/{bridge}/send_redirects"), "0"),
        // Ports published on 127.0.0.1 are answered by containers; chain raw_pre closes what this
        // opens to the wire.
        (format!("net/ipv4/conf/{bridge}/route_localnet"), "1"),
        // A container of two networks answers by its default route, with the address that it was
        // asked by. A strict filter (1) of `all` would drop that, and 2 goes before 1; chain spoof
        // looks at the first packets.
        (format!("net/ipv4/conf/{bridge}/rp_filter"), "2"),
    ];
    if ipv6 {
        keys.push((format!("net/ipv6/conf/{bridge}/accept_dad"), "0"));
        keys.push((format!("net/ipv6/conf/{bridge}/accept_ra"), "0"));
    }
    keys
}

/// The elements by which the constant rules know this network.
fn elements(network: &Network) -> Vec<SetElements> {
    let options = &network.options;
    let name = || Value::Ifname(options.bridge.clone());
    let set = |set: &str, key: Vec<Value>, data: Vec<Value>| SetElements {
        set: set.to_owned(),
        elements: vec![Element { key, key_end: None, data }],
    };
    let own = if options.icc { "icc_on" } else { "icc_off" };
    let mut sets = vec![set("br", vec![name()], vec![])];
    if options.masquerade && !options.internal {
        sets.push(set("br_masq", vec![name()], vec![]));
    }
    if options.internal {
        sets.push(set("br_int", vec![name()], vec![]));
    }
    sets.push(set("pair", vec![name(), name()], vec![Value::Goto(own.to_owned())]));
    sets
}
