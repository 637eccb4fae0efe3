//! Looking at a whole namespace: a dump for each kind of thing, and the sysctls that are asked for.

use std::net::IpAddr;

use ipnet::IpNet;

use super::netlink::read;
use super::route::{address, link, route};
use super::space::Space;
use super::sysctl;
use crate::error::{Doing, Kind, Result};
use crate::plan::{Look, Seen, SeenAddress, SeenLink, SeenRoute};

/// `struct ifinfomsg`.
const HEADER: usize = 16;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BRPORT_MODE: u16 = 4;
const MAIN: u32 = 254;
const LOCAL: u32 = 255;

/// Everything of the namespace that the socket is in.
pub(super) fn look(space: &mut Space<'_>, ask: &Look) -> Result<Seen> {
    let cookie = space.with(|socket| socket.cookie())?;
    let links =
        space.with(|socket| socket.dump(&link::dump(), read_link)).doing(|| "ip link show")?;
    let addresses = space
        .with(|socket| socket.dump(&address::dump(), read_address))
        .doing(|| "ip addr show")?;
    let mut routes = space
        .with(|socket| socket.dump(&route::dump(false), read_route))
        .doing(|| "ip route show table all")?;
    if sysctl::has_ipv6() {
        let six = space.with(|socket| socket.dump(&route::dump(true), read_route));
        routes.extend(six.doing(|| "ip -6 route show table all")?);
    }
    let mut seen = Seen { cookie, links, addresses, routes, ..Seen::default() };
    for key in &ask.sysctls {
        let value = match sysctl::read(key) {
            // A device of that name has gone meanwhile, or never was one.
            Err(error) if error.kind() == Kind::Invalid => None,
            value => value.doing(|| format!("sysctl {key}"))?,
        };
        seen.sysctls.extend(value.map(|value| (key.clone(), value)));
    }
    Ok(seen)
}

fn read_link(payload: &[u8]) -> Option<SeenLink> {
    let link::Link { index, up, name, mtu, mac, .. } = link::read(payload)?;
    let mac: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut seen = SeenLink { index, name, up, mtu, mac: mac.join(":"), ..SeenLink::default() };
    for (kind, value) in read::attributes(payload.get(HEADER..)?) {
        match kind {
            IFLA_LINK => seen.peer = read::word(value, 0),
            IFLA_MASTER => seen.master = read::word(value, 0),
            IFLA_LINKINFO => information(value, &mut seen),
            _ => {}
        }
    }
    Some(seen)
}

/// ```text
/// IFLA_INFO_KIND        "veth"
/// IFLA_INFO_SLAVE_DATA
///   IFLA_BRPORT_MODE    hairpin
/// ```
fn information(value: &[u8], seen: &mut SeenLink) {
    for (kind, value) in read::attributes(value) {
        match kind {
            IFLA_INFO_KIND => seen.kind = read::string(value).unwrap_or_default(),
            IFLA_INFO_SLAVE_DATA => {
                let mode = read::attributes(value).find(|(kind, _)| *kind == IFLA_BRPORT_MODE);
                seen.hairpin = mode.is_some_and(|(_, value)| read::byte(value, 0) == Some(1));
            }
            _ => {}
        }
    }
}

fn read_address(payload: &[u8]) -> Option<SeenAddress> {
    let address = address::read(payload)?;
    let index = read::word(payload, 4)?;
    (!is_link_local(address)).then_some(SeenAddress { index, address })
}

/// Every IPv6 link has one of these of its own accord.
fn is_link_local(address: IpNet) -> bool {
    matches!(address.addr(), IpAddr::V6(address) if address.is_unicast_link_local())
}

fn read_route(payload: &[u8]) -> Option<SeenRoute> {
    let found = route::read(payload)?;
    let is_local = found.table == LOCAL && found.local;
    if !(is_local || found.table == MAIN) || found.broadcast {
        return None;
    }
    Some(SeenRoute {
        destination: found.destination,
        via: found.via,
        index: found.index,
        source: found.source,
        local: is_local.then_some(found.metric),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = (read_link(&bytes), read_address(&bytes), read_route(&bytes));
        }
    }
}
