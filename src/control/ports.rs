//! Who has which of the host's ports.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::locked::Locked;
use super::records::{self, Writes};
use crate::error::{Error, Kind, Result};
use crate::model::{Endpoint, EndpointSpec, Network, PortMapping, Proto};
use crate::plan::{Ask, PortAsk, Step};
use crate::services::ports::{
    self, Wanted, clash, extent, host_ports, is_reserved, local_range, name,
};
use crate::store::{Key, Select, Table};

const LOCAL_RANGE: &str = "net/ipv4/ip_local_port_range";
const RESERVED: &str = "net/ipv4/ip_local_reserved_ports";

/// How many ports are asked about at once while a free one is sought.
const AT_ONCE: usize = 16;

/// The claims in the way of a longer span are found in one list of all that there are: asking for each
/// of 60,000 ports takes seconds.
const ONE_BY_ONE: usize = 1024;

/// One port's claims, below the parent of its protocol: `08080/*` or `08080/192.0.2.1`.
fn one_key(mapping: &PortMapping) -> Key {
    let ip = host_ip(mapping);
    Key::new(
        Table::Lease,
        format!("port/{}", mapping.proto),
        format!("{:05}/{ip}", mapping.host_port),
    )
}

/// A span's claim: `08000-08100/*`.
fn span_key(mapping: &PortMapping) -> Key {
    let range = host_ports(mapping);
    let id = format!("{:05}-{:05}/{}", range.start(), range.end(), host_ip(mapping));
    Key::new(Table::Lease, format!("span/{}", mapping.proto), id)
}

fn host_ip(mapping: &PortMapping) -> String {
    mapping.host_ip.map_or_else(|| "*".to_owned(), |ip| ip.to_string())
}

pub(super) fn claim_key(mapping: &PortMapping) -> Key {
    if extent(mapping) == 0 { one_key(mapping) } else { span_key(mapping) }
}

/// Where the last automatic port of a protocol is kept.
fn cursor(proto: Proto) -> Key {
    Key::new(Table::Cursor, "port", proto.to_string())
}

/// The step by which the kernel forgets who went to the ports of an endpoint while they led nowhere.
pub(super) fn forgetting(locked: &Locked<'_>, endpoint: &Endpoint) -> Result<Option<Step>> {
    if !ports::may_be_stale(&endpoint.port_mapping) {
        return Ok(None);
    }
    let facts = locked.kernel().facts(&Ask { addresses: true, ..Ask::default() })?;
    let host: Vec<IpAddr> = facts.host.addresses.iter().map(IpNet::addr).collect();
    let own: Vec<IpAddr> = endpoint.ips().collect();
    let flows = ports::stale(&endpoint.port_mapping, &own, &host);
    Ok((!flows.is_empty()).then_some(Step::Conntrack { flows, leaving: false }))
}

/// Chooses the host ports of a new endpoint.
///
/// # Errors
/// `exists`, naming the holder, for a port that is taken; `exhausted` when no automatic one is
/// free; `invalid` where the network cannot publish.
pub(super) fn allot(
    locked: &Locked<'_>,
    network: &Network,
    spec: &EndpointSpec,
    addresses: &[IpAddr],
) -> Result<Vec<PortMapping>> {
    let mut chosen = Vec::new();
    if !spec.port_mapping.is_empty() {
        may_publish(network, addresses)?;
    }
    for (index, mapping) in spec.port_mapping.iter().enumerate() {
        let host_ip = mapping.host_ip.or(network.options.host_binding);
        let bound = PortMapping { host_ip, ..mapping.clone() };
        let one = check(&bound, addresses).and_then(|()| choose(locked, &bound, &chosen));
        chosen.push(one.map_err(|error| error.doing(format!("port_mapping[{index}]")))?);
    }
    Ok(chosen)
}

fn may_publish(network: &Network, addresses: &[IpAddr]) -> Result<()> {
    let why = if network.options.internal {
        "is internal: nothing comes in"
    } else if addresses.is_empty() {
        "gives its containers no address of their own"
    } else {
        return Ok(());
    };
    let what = format!("port_mapping: network {} {why}", network.name);
    Err(Error::new(Kind::Invalid, what))
}

fn check(mapping: &PortMapping, addresses: &[IpAddr]) -> Result<()> {
    mapping.host_ip.map_or(Ok(()), |ip| ports::check_host_ip(ip, addresses))
}

fn choose(
    locked: &Locked<'_>,
    mapping: &PortMapping,
    earlier: &[PortMapping],
) -> Result<PortMapping> {
    let at = |port: u16| ports::at(mapping, port, mapping.host_ip);
    match ports::wanted(mapping) {
        Wanted::Fixed(port) => {
            let fixed = at(port);
            match holders(locked, std::slice::from_ref(&fixed), earlier)?.pop().flatten() {
                None => Ok(fixed),
                Some(words) => Err(Error::new(Kind::Exists, words)),
            }
        }
        Wanted::OneOf(range) => {
            let candidates = range.clone().map(at);
            let what = || {
                let (first, last) = (range.start(), range.end());
                format!("no free {} port is left of {first} to {last}", mapping.proto)
            };
            first_free(locked, candidates, earlier, &what)
        }
        Wanted::Automatic => automatic(locked, mapping, earlier),
    }
}

/// The next free port of the kernel's local range after the last one given out.
fn automatic(
    locked: &Locked<'_>,
    mapping: &PortMapping,
    earlier: &[PortMapping],
) -> Result<PortMapping> {
    let sysctls = vec![LOCAL_RANGE.to_owned(), RESERVED.to_owned()];
    let facts = locked.kernel().facts(&Ask { sysctls, ..Ask::default() })?;
    let range = local_range(facts.sysctls.get(LOCAL_RANGE).map(String::as_str));
    let reserved = facts.sysctls.get(RESERVED).cloned().unwrap_or_default();
    let last = records::text(locked.store(), &cursor(mapping.proto))?;
    let last = last.and_then(|text| text.parse::<u16>().ok()).filter(|last| range.contains(last));
    let (first, end) = (*range.start(), *range.end());
    let after = last.filter(|last| *last < end).map_or(first, |last| last + 1);
    let extent = extent(mapping);
    let fits = |port: &u16| {
        let last = port.checked_add(extent).filter(|last| *last <= end);
        last.is_some_and(|last| (*port..=last).all(|port| !is_reserved(&reserved, port)))
    };
    let candidates = (after..=end).chain(first..after).filter(fits);
    let candidates = candidates.map(|port| ports::at(mapping, port, mapping.host_ip));
    let what = || format!("no free {} port is left of {first} to {end}", mapping.proto);
    first_free(locked, candidates, earlier, &what)
}

fn first_free(
    locked: &Locked<'_>,
    candidates: impl Iterator<Item = PortMapping>,
    earlier: &[PortMapping],
    what: &dyn Fn() -> String,
) -> Result<PortMapping> {
    let mut candidates = candidates.peekable();
    while candidates.peek().is_some() {
        let some: Vec<PortMapping> = candidates.by_ref().take(AT_ONCE).collect();
        let holders = holders(locked, &some, earlier)?;
        let free = some.into_iter().zip(holders).find(|(_, holder)| holder.is_none());
        if let Some((free, _)) = free {
            return Ok(free);
        }
    }
    Err(Error::new(Kind::Exhausted, what()))
}

/// Who has the ports of each of these mappings: another mapping, or a socket of the host.
fn holders(
    locked: &Locked<'_>,
    mappings: &[PortMapping],
    earlier: &[PortMapping],
) -> Result<Vec<Option<String>>> {
    let mut holders = Vec::new();
    for mapping in mappings {
        holders.push(claimed(locked, mapping, earlier)?);
    }
    let asks = mappings.iter().map(|mapping| PortAsk {
        proto: mapping.proto,
        host_ip: mapping.host_ip,
        ports: host_ports(mapping),
    });
    let facts = locked.kernel().facts(&Ask { ports: asks.collect(), ..Ask::default() })?;
    for (holder, listener) in holders.iter_mut().zip(facts.ports) {
        *holder = holder.take().or(listener);
    }
    Ok(holders)
}

fn overlap(one: &RangeInclusive<u16>, other: &RangeInclusive<u16>) -> bool {
    one.start() <= other.end() && other.start() <= one.end()
}

/// Which mapping has these ports: one of the same request, or one on record.
fn claimed(
    locked: &Locked<'_>,
    mapping: &PortMapping,
    earlier: &[PortMapping],
) -> Result<Option<String>> {
    let wanted = host_ports(mapping);
    let same = earlier.iter().find(|other| {
        other.proto == mapping.proto
            && clash(other.host_ip, mapping.host_ip)
            && overlap(&host_ports(other), &wanted)
    });
    if same.is_some() {
        let port = name(mapping.proto, mapping.host_ip, *wanted.start());
        return Ok(Some(format!("{port} is asked for twice")));
    }
    if let Some((port, endpoint)) = claimed_alone(locked, mapping, &wanted)? {
        return taken(locked, mapping, port, &endpoint).map(Some);
    }
    let parent = format!("span/{}", mapping.proto);
    let select = Select { table: Table::Lease, parent: Some(&parent), prefix: "" };
    for record in locked.store().list(&select)? {
        let Some((range, ip)) = parse_span(&record.key.id) else { continue };
        if overlap(&range, &wanted) && clash(ip, mapping.host_ip) {
            let port = (*range.start()).max(*wanted.start());
            return taken(locked, mapping, port, &record.text).map(Some);
        }
    }
    Ok(None)
}

/// The lowest of the wanted ports that is claimed by itself, and by which endpoint.
fn claimed_alone(
    locked: &Locked<'_>,
    mapping: &PortMapping,
    wanted: &RangeInclusive<u16>,
) -> Result<Option<(u16, String)>> {
    let parent = format!("port/{}", mapping.proto);
    let prefixes = if wanted.len() > ONE_BY_ONE {
        vec![String::new()]
    } else {
        wanted.clone().map(|port| format!("{port:05}/")).collect()
    };
    for prefix in prefixes {
        let select = Select { table: Table::Lease, parent: Some(&parent), prefix: &prefix };
        let records = locked.store().list(&select)?;
        let claims = records.into_iter().filter_map(|record| {
            let (port, ip) = parse_one(&record.key.id)?;
            let clashes = wanted.contains(&port) && clash(ip, mapping.host_ip);
            clashes.then_some((port, record.text))
        });
        if let Some(lowest) = claims.min_by_key(|(port, _)| *port) {
            return Ok(Some(lowest));
        }
    }
    Ok(None)
}

fn parse_one(id: &str) -> Option<(u16, Option<IpAddr>)> {
    let (port, ip) = id.split_once('/')?;
    Some((port.parse().ok()?, parse_ip(ip)))
}

fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn parse_span(id: &str) -> Option<(RangeInclusive<u16>, Option<IpAddr>)> {
    let (range, ip) = id.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?..=last.parse().ok()?, parse_ip(ip)))
}

fn taken(locked: &Locked<'_>, mapping: &PortMapping, port: u16, endpoint: &str) -> Result<String> {
    let holder = records::endpoints_by_id(locked.store(), endpoint)?.pop();
    let who = holder.map_or_else(|| endpoint.to_owned(), |endpoint| endpoint.name.to_string());
    Ok(format!("{} is taken by endpoint {who}", name(mapping.proto, mapping.host_ip, port)))
}

/// The writes that claim the ports for an endpoint.
pub(super) fn claim(
    mut writes: Writes,
    asked: &[PortMapping],
    chosen: &[PortMapping],
    endpoint: &str,
) -> Writes {
    for (asked, chosen) in asked.iter().zip(chosen) {
        writes = writes.claim(claim_key(chosen), endpoint.to_owned());
        if ports::wanted(asked) == Wanted::Automatic {
            writes = writes.set(cursor(chosen.proto), host_ports(chosen).end().to_string());
        }
    }
    writes
}

/// The writes that give them back.
pub(super) fn release(mut writes: Writes, mappings: &[PortMapping]) -> Writes {
    for mapping in mappings {
        writes = writes.delete(claim_key(mapping));
    }
    writes
}
