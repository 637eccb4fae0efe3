//! Other programs' chains that packets of ours pass: a verdict `accept` of netberth's ends its own
//! chain only, so what another one drops is dropped.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::walk::{Device, Packet, accepts};
use super::{Known, NOTHING, TABLE, of_host};
use crate::model::{Difference, Network};
use crate::plan::rules::{
    Family, Field, Hook, ListedBase, ListedChain, ListedTable, Part, State, Statement, TableFamily,
    Test, Value,
};

/// With which names of bridges begin, unless they were chosen.
const PREFIX: &str = "nb-";

pub(super) fn check(known: &Known<'_>) -> Vec<Finding> {
    let differences = if known.networks.is_empty() { Vec::new() } else { in_the_way(known) };
    // Rules of others are the operator's to change.
    differences.into_iter().map(Finding::from).collect()
}

fn in_the_way(known: &Known<'_>) -> Vec<Difference> {
    let mut all = Vec::new();
    for table in known.facts.rules.tables.iter().filter(|table| is_foreign(table)) {
        for chain in &table.chains {
            let Some(base) = &chain.base else { continue };
            match (base.kind.as_str(), base.hook) {
                ("filter", Some(Hook::Forward)) => all.extend(forward(known, table, chain)),
                ("filter", Some(Hook::Input)) => all.extend(input(known, table, chain)),
                ("nat", Some(Hook::Prerouting)) => all.extend(ports(known, table, chain, base)),
                _ => {}
            }
        }
    }
    let filters = known.facts.rules.legacy.iter().filter(|name| name.ends_with(" filter"));
    all.extend(filters.map(|name| {
        let expected = "tables that can be read (iptables-nft)";
        let found = "a table of iptables-legacy, which cannot be read: see to it yourself that its \
                     chain FORWARD accepts what comes from the bridges and what goes to them";
        of_host(format!("table {name}"), expected, found)
    }));
    all
}

fn is_foreign(table: &ListedTable) -> bool {
    !table.dormant && !is_own(table)
}

fn is_own(table: &ListedTable) -> bool {
    table.family == TableFamily::Inet && table.name == TABLE
}

fn families(table: &ListedTable) -> &'static [Family] {
    match table.family {
        TableFamily::Inet => &[Family::Ipv4, Family::Ipv6],
        TableFamily::Ip => &[Family::Ipv4],
        TableFamily::Ip6 => &[Family::Ipv6],
    }
}

/// Networks that a family's packets come from.
fn of_family<'a>(known: &Known<'a>, family: Family) -> impl Iterator<Item = &'a Network> {
    known.networks.iter().filter(move |network| family == Family::Ipv4 || network.options.ipv6)
}

/// The devices of the host.
struct Host<'a> {
    carrier: Option<&'a str>,
    bridges: &'a [&'a str],
}

/// What passes the forward hook for a network, each in words.
fn passing<'a>(
    network: &'a Network,
    host: &Host<'a>,
    family: Family,
) -> Vec<(&'static str, Packet<'a>)> {
    let own = Device::Ours(&network.options.bridge);
    let (carrier, bridges) = (host.carrier, host.bridges);
    let packet = |from, to, state, dnat| Packet { family, from, to, state, dnat, carrier, bridges };
    // Without icc only what was published passes between siblings.
    let among = packet(own, own, State::New, !network.options.icc);
    let mut all = vec![("within", among)];
    if !network.options.internal {
        all.push(("out of", packet(own, Device::Outside, State::New, false)));
        all.push(("answers to", packet(Device::Outside, own, State::Established, false)));
        all.push(("published ports of", packet(Device::Outside, own, State::New, true)));
    }
    all
}

fn forward(known: &Known<'_>, table: &ListedTable, chain: &ListedChain) -> Option<Difference> {
    let bridges = bridges(known);
    let host = Host { carrier: known.facts.host.default_dev.as_deref(), bridges: &bridges };
    let mut stopped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for family in families(table) {
        for network in of_family(known, *family) {
            for (what, packet) in passing(network, &host, *family) {
                let names = stopped.entry(what).or_default();
                let bridge = network.options.bridge.as_str();
                if !accepts(table, chain, &packet) && !names.contains(&bridge) {
                    names.push(bridge);
                }
            }
        }
    }
    stopped.retain(|_, names| !names.is_empty());
    if stopped.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = stopped.values().flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    let told: Vec<String> =
        stopped.iter().map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    let found = format!("{}, and no rule was found that accepts: {}", end(chain), told.join("; "));
    let expected = lines(table, chain, &names).join("; ");
    Some(of_host(format!("chain {table} {}", chain.name), &expected, &found))
}

fn bridges<'a>(known: &Known<'a>) -> Vec<&'a str> {
    known.networks.iter().map(|network| network.options.bridge.as_str()).collect()
}

/// How the chain ends.
fn end(chain: &ListedChain) -> String {
    if chain.base.as_ref().is_some_and(|base| base.drops) {
        return "policy drop".to_owned();
    }
    match chain.rules.last().filter(|rule| rule.refuses_all()) {
        Some(rule) => format!("its last rule is `{rule}`"),
        None => "a chain that it leads to refuses".to_owned(),
    }
}

/// The lines that let our bridges through.
fn lines(table: &ListedTable, chain: &ListedChain, names: &[&str]) -> Vec<String> {
    let chosen = names.iter().filter(|name| !name.starts_with(PREFIX));
    let mut patterns: Vec<(String, bool)> =
        chosen.map(|name| ((*name).to_owned(), false)).collect();
    if patterns.len() < names.len() {
        patterns.push((PREFIX.to_owned(), true));
    }
    let each = |line: &dyn Fn(&str, &str) -> String, star: &str| -> Vec<String> {
        let both = patterns.iter().flat_map(|(name, wild)| {
            let name = if *wild { format!("{name}{star}") } else { name.clone() };
            [line("i", &name), line("o", &name)]
        });
        both.collect()
    };
    match iptables(table) {
        Some(program) => {
            let friendly = ["DOCKER-USER", "ufw-before-forward", "ufw6-before-forward"];
            let into = friendly.into_iter().find(|name| table.chain(name).is_some());
            let into = into.unwrap_or(&chain.name);
            each(&|way, name| format!("{program} -I {into} -{way} {name} -j ACCEPT"), "+")
        }
        None if table.name == "firewalld" => {
            let zone = "firewall-cmd --zone=trusted --add-interface=";
            // A zone goes by where a packet comes from: one line for both directions.
            each(&|_, name| format!("{zone}{name}"), "+").into_iter().step_by(2).collect()
        }
        None => {
            let into = format!("nft insert rule {table} {}", chain.name);
            each(&|way, name| format!("{into} {way}ifname \"{name}\" accept"), "*")
        }
    }
}

/// The program whose table it is.
fn iptables(table: &ListedTable) -> Option<&'static str> {
    match (table.family, table.name.as_str()) {
        (TableFamily::Ip, "filter") => Some("iptables"),
        (TableFamily::Ip6, "filter") => Some("ip6tables"),
        _ => None,
    }
}

/// What the host has asked a container comes back by the input hook.
fn input(known: &Known<'_>, table: &ListedTable, chain: &ListedChain) -> Option<Difference> {
    let bridges = bridges(known);
    let mut stopped = Vec::new();
    for family in families(table) {
        for network in of_family(known, *family) {
            let bridge = network.options.bridge.as_str();
            let packet = Packet {
                family: *family,
                from: Device::Ours(bridge),
                to: Device::Nowhere,
                state: State::Established,
                dnat: false,
                carrier: None,
                bridges: &bridges,
            };
            if !accepts(table, chain, &packet) && !stopped.contains(&bridge) {
                stopped.push(bridge);
            }
        }
    }
    if stopped.is_empty() {
        return None;
    }
    let expected = match iptables(table) {
        Some(program) => {
            let state = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT";
            format!("{program} -I {} {state}", chain.name)
        }
        None => {
            format!("nft insert rule {table} {} ct state established,related accept", chain.name)
        }
    };
    let found = format!(
        "{}, and no rule was found that accepts: answers to the host from {}",
        end(chain),
        stopped.join(", ")
    );
    Some(of_host(format!("chain {table} {}", chain.name), &expected, &found))
}

/// A rule that translates a port of ours before netberth does.
fn ports(
    known: &Known<'_>,
    table: &ListedTable,
    chain: &ListedChain,
    base: &ListedBase,
) -> Vec<Difference> {
    let ours = known.table.chain("nat_pre").and_then(|chain| chain.base.as_ref());
    if ours.is_none_or(|ours| base.priority > ours.priority) {
        return Vec::new();
    }
    let published = published(known);
    let mut all = Vec::new();
    for rule in table.chains.iter().flat_map(|chain| &chain.rules) {
        let port = rule.parts.iter().find_map(|part| match part {
            Part::Known(Statement::Match { key, test: Test::Is(Value::Port(port)) })
                if key.as_slice() == [Field::Dport] =>
            {
                Some(*port)
            }
            _ => None,
        });
        let Some(port) = port.filter(|_| rule.parts.contains(&Part::Nat)) else { continue };
        if published.iter().any(|(first, last)| (*first..=*last).contains(&port)) {
            let found = format!("`{rule}` comes first, and netberth publishes {port}");
            all.push(of_host(format!("chain {table} {}", chain.name), NOTHING, &found));
        }
    }
    all
}

/// The spans of host ports that netberth's table has.
fn published(known: &Known<'_>) -> Vec<(u16, u16)> {
    let mut tables = known.facts.rules.tables.iter();
    let Some(own) = tables.find(|table| is_own(table)) else {
        return Vec::new();
    };
    let port = |key: &[Value]| match key.last() {
        Some(Value::Port(port)) => Some(*port),
        _ => None,
    };
    let elements = own.sets.iter().flat_map(|set| &set.elements);
    let spans = elements.filter_map(|element| {
        let first = port(&element.key)?;
        Some((first, element.key_end.as_deref().and_then(port).unwrap_or(first)))
    });
    spans.collect()
}
