//! The test bed: netberth on a test's host, and an outside world linked to it by veth.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test bed says so and ends")]

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use netberth::model::view::EndpointMore;
use netberth::model::{EndpointSpec, JoinSpec, NetworkSpec};
use netberth::{Config, Netberth};
use serde_json::Value;

use super::{Host, sh};

/// The host's addresses towards the outside, and the outside's own.
pub const HOST4: &str = "198.51.100.1";
pub const HOST6: &str = "2001:db8:51::1";
pub const OUTSIDE4: &str = "198.51.100.2";
pub const OUTSIDE6: &str = "2001:db8:51::2";

/// netberth on a test's host.
pub struct Bed<'a> {
    pub host: &'a Host,
    pub netberth: Netberth,
}

/// A container: its sandbox key, and its addresses on the network it was made on.
#[derive(Clone, Debug)]
pub struct Container {
    pub key: PathBuf,
    pub v4: String,
    pub v6: String,
    pub mac: String,
}

impl Container {
    /// Its addresses, of either family.
    pub fn addresses(&self) -> Vec<IpAddr> {
        [&self.v4, &self.v6].into_iter().filter_map(|text| text.parse().ok()).collect()
    }
}

pub fn config(host: &Host) -> Config {
    Config { state_dir: host.path("state"), run_dir: host.path("run"), ..Config::default() }
}

impl<'a> Bed<'a> {
    /// With `lo` up and nothing else.
    pub fn new(host: &'a Host) -> Self {
        sh("ip link set lo up");
        Bed { host, netberth: Netberth::open(config(host)).unwrap() }
    }

    /// An outside world that has a route back to everything by way of the host, so that what does
    /// not come through was stopped by a rule.
    pub fn outside(&self) -> PathBuf {
        let path = self.namespace("outside");
        let p = path.display();
        sh(&format!(
            "ip link add out0 type veth peer name eth0 netns {p} && \
             ip addr add {HOST4}/24 dev out0 && ip -6 addr add {HOST6}/64 dev out0 nodad && \
             ip link set out0 up"
        ));
        sh(&format!(
            "nsenter --net={p} sh -ec 'ip addr add {OUTSIDE4}/24 dev eth0; \
             ip -6 addr add {OUTSIDE6}/64 dev eth0 nodad; ip link set lo up; ip link set eth0 up; \
             ip route add default via {HOST4}; ip -6 route add default via {HOST6}; \
             nft -f -' <<'END'\n{SEEN}\nEND"
        ));
        path
    }

    /// A namespace that netberth does not know of.
    pub fn namespace(&self, name: &str) -> PathBuf {
        let path = self.host.path(name);
        sh(&format!("touch {0} && unshare --net={0} true", path.display()));
        path
    }

    pub fn network(&self, json: &str) {
        self.try_network(json).unwrap();
    }

    pub fn try_network(&self, json: &str) -> netberth::Result<()> {
        let spec = NetworkSpec::from_json(json.as_bytes()).unwrap();
        self.netberth.network_create(&spec).map(drop)
    }

    /// A container on a new endpoint of the same name.
    pub fn container(&self, network: &str, name: &str) -> Container {
        self.endpoint(network, &format!("{{\"name\":\"{name}\"}}"));
        self.join(network, name, &format!("{{\"container_id\":\"{name}\"}}"))
    }

    pub fn endpoint(&self, network: &str, json: &str) {
        let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
        self.netberth.endpoint_create(network, &spec).unwrap();
    }

    pub fn join(&self, network: &str, endpoint: &str, json: &str) -> Container {
        let key = self.try_join(network, endpoint, json).unwrap();
        let more = self.more(network, endpoint);
        let of = |v6: bool| {
            let found = more.addresses.iter().find(|address| address.contains(':') == v6);
            found.and_then(|cidr| cidr.split('/').next()).unwrap_or_default().to_owned()
        };
        Container { key, v4: of(false), v6: of(true), mac: more.mac.unwrap_or_default() }
    }

    pub fn try_join(&self, network: &str, endpoint: &str, json: &str) -> netberth::Result<PathBuf> {
        self.netberth.join(network, endpoint, &JoinSpec::from_json(json.as_bytes()).unwrap())
    }

    pub fn more(&self, network: &str, endpoint: &str) -> EndpointMore {
        self.netberth.endpoint(network, endpoint, true).unwrap().more.unwrap()
    }

    /// The device of a network.
    pub fn bridge(&self, network: &str) -> String {
        self.netberth.network(network, true).unwrap().options.unwrap().bridge
    }

    /// Deletes a container made by [`Bed::container`].
    pub fn remove(&self, network: &str, name: &str) {
        self.netberth.sandbox_delete(name).unwrap();
        self.netberth.endpoint_delete(network, name, false).unwrap();
    }

    /// Every record that a caller can list, as text to compare.
    pub fn records(&self) -> String {
        let all = netberth::model::Filter::all();
        let networks = self.netberth.networks(&all, true).unwrap();
        let services = self.netberth.services(&all, true).unwrap();
        let sandboxes = self.netberth.sandboxes().unwrap();
        serde_json::to_string_pretty(&(networks, services, sandboxes)).unwrap()
    }
}

/// What the outside has heard from whom, by protocol, whether or not anybody answers.
const SEEN: &str = "table inet seen {
    set icmp4 { type ipv4_addr; flags dynamic; size 64; }
    set icmp6 { type ipv6_addr; flags dynamic; size 64; }
    set tcp4 { type ipv4_addr; flags dynamic; size 64; }
    set tcp6 { type ipv6_addr; flags dynamic; size 64; }
    set udp4 { type ipv4_addr; flags dynamic; size 64; }
    set udp6 { type ipv6_addr; flags dynamic; size 64; }
    chain in {
        type filter hook prerouting priority raw; policy accept;
        icmp type echo-request add @icmp4 { ip saddr }
        icmpv6 type echo-request add @icmp6 { ip6 saddr }
        meta nfproto ipv4 meta l4proto tcp add @tcp4 { ip saddr }
        meta nfproto ipv6 meta l4proto tcp add @tcp6 { ip6 saddr }
        meta nfproto ipv4 meta l4proto udp add @udp4 { ip saddr }
        meta nfproto ipv6 meta l4proto udp add @udp6 { ip6 saddr }
    }
}";

/// From which addresses the outside has heard: `set` is `icmp4`, `tcp6` and so on.
pub fn seen(outside: &Path, set: &str) -> Vec<String> {
    let json = inside(outside, &format!("nft -j list set inet seen {set}"));
    let document: Value = serde_json::from_str(&json).unwrap();
    let sets = document["nftables"].as_array().unwrap().iter();
    let elements = sets.filter_map(|object| object["set"]["elem"].as_array()).flatten();
    elements.map(|element| element.as_str().unwrap().to_owned()).collect()
}

/// Runs a line of shell in a namespace; it must succeed.
pub fn inside(ns: &Path, line: &str) -> String {
    let quoted = line.replace('\'', "'\\''");
    sh(&format!("nsenter --net={} sh -c '{quoted}'", ns.display()))
}

/// What `ip -j` says, in a namespace or, without one, on the host.
pub fn ip(ns: Option<&Path>, arguments: &str) -> Value {
    let line = format!("ip -j -d {arguments}");
    let text = ns.map_or_else(|| sh(&line), |ns| inside(ns, &line));
    if text.trim().is_empty() {
        Value::Array(Vec::new())
    } else {
        serde_json::from_str(&text).unwrap()
    }
}

/// Everything of the host that netberth may touch, as lines to compare: links, addresses, routes,
/// rules, sysctls, mounts and files. Carrier, and what the kernel itself makes of it, is left out.
pub fn snapshot(host: &Host) -> String {
    super::reaped();
    let network = "ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*/@if/; s/link-netns.*//' | sort; \
         ip -o addr | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort; \
         ip rule; ip -6 rule; \
         ip -4 route show table all | sort; ip -6 route show table all | sort; \
         nft -s list ruleset; \
         cd /proc/sys/net; { grep -rs . ipv4/ip_forward ipv[46]/conf/all ipv[46]/conf/default \
         ipv[46]/conf/lo || true; } | sort; \
         cut -d ' ' -f 5 /proc/self/mountinfo | sort";
    let text = sh(network).replace("NO-CARRIER,", "").replace(",LOWER_UP", "");
    let text = text.replace("state UP", "state DOWN").replace(" linkdown", "");
    let by_the_kernel = ["fe80:", "ff00:"];
    let kept = |line: &&str| !by_the_kernel.iter().any(|prefix| line.contains(prefix));
    let lines: Vec<&str> = text.lines().filter(kept).collect();
    let find = "find . -path './state/netberth.*' -prune -o -printf '%p %y %m\\n' | sort";
    lines.join("\n") + "\n" + &sh(&format!("cd {} && {find}", host.directory.display()))
}

/// Asserts that two texts have the same lines, and shows only those that differ.
#[track_caller]
pub fn same(before: &str, after: &str) {
    let without = |text: &str, other: &str| -> Vec<String> {
        let others: std::collections::HashSet<&str> = other.lines().collect();
        text.lines().filter(|line| !others.contains(line)).map(ToOwned::to_owned).collect()
    };
    let (gone, new) = (without(before, after), without(after, before));
    assert!(before == after, "no longer there: {gone:#?}\nnew: {new:#?}");
}
