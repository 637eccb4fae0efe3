//! Every step as the lines an operator would type.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use super::rules::SetElements;
use super::{Hop, Step};
use crate::model::Ns;

/// `ip`, or `nsenter --net=PATH ip` where the work is in another namespace: unlike `ip -n` it takes
/// any path.
fn within(ns: &Ns, line: &str) -> String {
    match ns {
        Ns::Host => line.to_owned(),
        Ns::At { path, .. } => format!("nsenter --net={} {line}", path.display()),
    }
}

fn netns(path: &Path, of: Option<&Ns>) -> String {
    let at = path.display();
    match of {
        None => format!("touch {at} && unshare --net={at} true"),
        Some(of) => format!("touch {at} && mount --bind {of} {at}"),
    }
}

fn default_route(ns: &Ns, ipv6: bool, to: Option<&Hop>, from: Option<&Hop>) -> String {
    let family = if ipv6 { " -6" } else { "" };
    match to {
        Some(hop) => {
            let verb = if from.is_some() { "replace" } else { "add" };
            within(ns, &format!("ip{family} route {verb} default via {} dev {}", hop.via, hop.dev))
        }
        None => within(ns, &format!("ip{family} route del default")),
    }
}

fn joined<'a>(lines: impl Iterator<Item = &'a String>) -> String {
    lines.map(|line| format!("{line:?}")).collect::<Vec<_>>().join(" ")
}

/// One call of nft, and so one batch. A service has a thousand slots at the most: the first of a set
/// say how it goes on.
fn swap(remove: &[SetElements], add: &[SetElements]) -> Vec<String> {
    let line = |verb: &str, set: &SetElements| {
        let some: Vec<String> = set.elements.iter().take(3).map(ToString::to_string).collect();
        let more = match set.elements.len().saturating_sub(3) {
            0 => String::new(),
            more => format!(", <{more} more>"),
        };
        format!("{verb} element inet netberth {} {{ {}{more} }}", set.set, some.join(", "))
    };
    let removed = remove.iter().map(|set| line("destroy", set));
    let lines: Vec<String> = removed.chain(add.iter().map(|set| line("add", set))).collect();
    if lines.is_empty() { Vec::new() } else { vec![format!("nft '{}'", lines.join("; "))] }
}

impl Step {
    /// The lines it equals; most steps are one line.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Step::Elements { sets } => {
                sets.iter().map(|set| format!("nft add element inet netberth {set}")).collect()
            }
            Step::Swap { remove, add } => swap(remove, add),
            Step::Conntrack { leaving: true, .. } | Step::Neighbour { .. } => Vec::new(),
            Step::Conntrack { flows, .. } => flows.iter().map(ToString::to_string).collect(),
            Step::Announce { mac, addresses, port, bridge } => {
                let known = |address: &IpAddr| {
                    format!("ip neigh change {address} lladdr {mac} dev {bridge} nud reachable")
                };
                let port = format!("bridge fdb replace {mac} dev {port} master dynamic");
                std::iter::once(port).chain(addresses.iter().map(known)).collect()
            }
            Step::Lines { paths, add, remove } => paths
                .iter()
                .flat_map(|path| {
                    let at = path.display();
                    let removed = (!remove.is_empty())
                        .then(|| format!("sed -i <exact lines {}> {at}", joined(remove.iter())));
                    let added = (!add.is_empty())
                        .then(|| format!("printf '%s\\n' {} >> {at}", joined(add.iter())));
                    removed.into_iter().chain(added)
                })
                .collect(),
            other => vec![other.line()],
        }
    }

    fn line(&self) -> String {
        match self {
            Step::Directory { path } => format!("mkdir -p {}", path.display()),
            Step::Netns { path, of } => netns(path, of.as_ref()),
            Step::Bridge { name, mac, mtu } => {
                let options = "forward_delay 0 mcast_snooping 0";
                format!("ip link add {name} address {mac} mtu {mtu} type bridge {options}")
            }
            Step::Veth { name, bridge, mtu, ns, peer, mac } => format!(
                "ip link add {name} mtu {mtu} master {bridge} type veth \
                 peer name {peer} address {mac} mtu {mtu} netns {ns}"
            ),
            Step::BridgePort { name } => {
                format!("ip link set {name} addrgenmode none type bridge_slave hairpin on")
            }
            Step::Up { ns, dev } => within(ns, &format!("ip link set {dev} up")),
            Step::Link { ns, dev, name, mac, mtu, master } => {
                let name = name.as_ref().map(|name| format!(" name {name}"));
                let mac = mac.as_ref().map(|mac| format!(" address {mac}"));
                let mtu = mtu.map(|mtu| format!(" mtu {mtu}"));
                let master = master.as_ref().map(|master| match master.as_str() {
                    "" => " nomaster".to_owned(),
                    master => format!(" master {master}"),
                });
                let words: String = [name, mac, mtu, master].into_iter().flatten().collect();
                within(ns, &format!("ip link set {dev}{words}"))
            }
            Step::Address { ns, dev, address, noprefixroute } => {
                let nodad = if address.addr().is_ipv6() { " nodad" } else { "" };
                let bare = if *noprefixroute { " noprefixroute" } else { "" };
                within(ns, &format!("ip addr add {address} dev {dev}{nodad}{bare}"))
            }
            Step::Route { ns, destination, dev, local: Some(metric), .. } => within(
                ns,
                &format!("ip route add local {destination} dev {dev} table local metric {metric}"),
            ),
            Step::Route { ns, destination, via, dev, source, .. } => {
                let via = via.map(|via| format!(" via {via}")).unwrap_or_default();
                let source = source.map(|source| format!(" src {source}")).unwrap_or_default();
                within(ns, &format!("ip route add {destination}{via} dev {dev}{source}"))
            }
            Step::DefaultRoute { ns, ipv6, to, from } => {
                default_route(ns, *ipv6, to.as_ref(), from.as_ref())
            }
            Step::Sysctl { ns, key, value, .. } => within(ns, &format!("sysctl -w {key}={value}")),
            Step::Table { name } => format!("nft -f - # table inet {name}"),
            Step::Reload { name, .. } => {
                format!(
                    "nft -f - # destroy table inet {name}; table inet {name}, with its elements"
                )
            }
            Step::File { path, text, .. } => {
                format!("printf %s {text:?} > {}", path.display())
            }
            Step::Mode { path, mode, .. } => format!("chmod {mode:04o} {}", path.display()),
            Step::Owner { path, uid, .. } => format!("chown {uid} {}", path.display()),
            Step::Elements { .. }
            | Step::Swap { .. }
            | Step::Conntrack { .. }
            | Step::Neighbour { .. }
            | Step::Announce { .. }
            | Step::Lines { .. } => self.lines().join("; "),
        }
    }
}

impl Step {
    /// The lines that its undoing equals; nothing where it goes with something else.
    pub fn undo_lines(&self) -> Vec<String> {
        match self {
            Step::Directory { path } => vec![format!("rmdir {}", path.display())],
            Step::Netns { path, .. } => {
                let at = path.display();
                vec![format!("umount -l {at} && rm {at}")]
            }
            Step::Bridge { name, .. } | Step::Veth { name, .. } => {
                vec![format!("ip link del {name}")]
            }
            Step::BridgePort { .. }
            | Step::Link { .. }
            | Step::Announce { .. }
            | Step::Reload { .. }
            | Step::Conntrack { leaving: false, .. } => Vec::new(),
            Step::Up { ns, dev } => vec![within(ns, &format!("ip link set {dev} down"))],
            Step::Address { ns, dev, address, .. } => {
                vec![within(ns, &format!("ip addr del {address} dev {dev}"))]
            }
            Step::Route { ns, destination, dev, local: Some(_), .. } => {
                vec![within(ns, &format!("ip route del local {destination} dev {dev} table local"))]
            }
            Step::Route { ns, destination, dev, .. } => {
                vec![within(ns, &format!("ip route del {destination} dev {dev}"))]
            }
            Step::DefaultRoute { ns, ipv6, to, from } => {
                vec![default_route(ns, *ipv6, from.as_ref(), to.as_ref())]
            }
            Step::Sysctl { ns, key, before, .. } => before
                .iter()
                .map(|before| within(ns, &format!("sysctl -w {key}={before}")))
                .collect(),
            Step::Table { name } => vec![format!("nft delete table inet {name}")],
            Step::Elements { sets } => {
                sets.iter().map(|set| format!("nft delete element inet netberth {set}")).collect()
            }
            Step::Swap { remove, add } => swap(add, remove),
            Step::Conntrack { flows, .. } => flows.iter().map(ToString::to_string).collect(),
            Step::Neighbour { dev, address } => vec![format!("ip neigh del {address} dev {dev}")],
            Step::File { path, before: None, .. } => vec![format!("rm {}", path.display())],
            Step::File { path, before: Some(text), .. } => {
                vec![format!("printf %s {text:?} > {}", path.display())]
            }
            Step::Mode { path, before, .. } => {
                vec![format!("chmod {before:04o} {}", path.display())]
            }
            Step::Owner { path, before, .. } => {
                vec![format!("chown {before} {}", path.display())]
            }
            Step::Lines { paths, add, remove } => {
                let (paths, add, remove) = (paths.clone(), remove.clone(), add.clone());
                Step::Lines { paths, add, remove }.lines()
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("; "))
    }
}
