//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::address::family;
use crate::kernel::netlink::build::{Manner, request};
use crate::kernel::netlink::read;

/// `struct rtmsg`.
const HEADER: usize = 12;
const MAIN: u8 = 254;
const LOCAL: u32 = 255;
const LOCAL_TABLE: u8 = 255;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTN_LOCAL: u8 = 2;
const RTN_BROADCAST: u8 = 3;
const RTN_MULTICAST: u8 = 5;

/// What a route is made from.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct Spec {
    pub(in crate::kernel) destination: IpNet,
    pub(in crate::kernel) via: Option<IpAddr>,
    /// Index of the device.
    pub(in crate::kernel) index: u32,
    pub(in crate::kernel) source: Option<IpAddr>,
    /// Of type and in table `local`, with this metric.
    pub(in crate::kernel) local: Option<u32>,
}

/// A route as the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Route {
    pub(in crate::kernel) destination: IpNet,
    pub(in crate::kernel) table: u32,
    pub(in crate::kernel) metric: u32,
    /// Device of the route or of its first hop.
    pub(in crate::kernel) index: Option<u32>,
    /// Broadcast and multicast routes are of the kernel's own making.
    pub(in crate::kernel) broadcast: bool,
    /// Of type `local`: the destination is the host itself.
    pub(in crate::kernel) local: bool,
    pub(in crate::kernel) via: Option<IpAddr>,
    pub(in crate::kernel) source: Option<IpAddr>,
}

/// `ip route add DESTINATION [via VIA] dev DEV [src SOURCE]`
pub(in crate::kernel) fn add(spec: &Spec) -> Vec<u8> {
    request(Manner::Create, RouteNetlinkMessage::NewRoute(wanted(spec)))
}

/// `ip route replace DESTINATION [via VIA] dev DEV [src SOURCE]`
pub(in crate::kernel) fn replace(spec: &Spec) -> Vec<u8> {
    request(Manner::Replace, RouteNetlinkMessage::NewRoute(wanted(spec)))
}

/// `ip route del DESTINATION [via VIA] dev DEV [src SOURCE]`
pub(in crate::kernel) fn delete(spec: &Spec) -> Vec<u8> {
    let mut message = message(spec.destination);
    if spec.destination.addr().is_ipv4() {
        message.header.scope = RouteScope::NoWhere;
    }
    if spec.local.is_some() {
        message.header.kind = RouteType::Local;
        message.header.table = LOCAL_TABLE;
    }
    message.attributes.extend(attributes(spec));
    request(Manner::Change, RouteNetlinkMessage::DelRoute(message))
}

/// `ip route del default`, or `ip -6 route del default`
pub(in crate::kernel) fn delete_default(ipv6: bool) -> Vec<u8> {
    let mut message = message(default(ipv6));
    if !ipv6 {
        message.header.scope = RouteScope::NoWhere;
    }
    request(Manner::Change, RouteNetlinkMessage::DelRoute(message))
}

/// `ip route show table all`, or `ip -6 route show table all`
pub(in crate::kernel) fn dump(ipv6: bool) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    request(Manner::Dump, RouteNetlinkMessage::GetRoute(message))
}

/// `0.0.0.0/0` or `::/0`.
pub(in crate::kernel) fn default(ipv6: bool) -> IpNet {
    let any = if ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { Ipv4Addr::UNSPECIFIED.into() };
    IpNet::new_assert(any, 0)
}

/// What `RTM_NEWROUTE` says.
pub(in crate::kernel) fn read(payload: &[u8]) -> Option<Route> {
    let any = match i32::from(read::byte(payload, 0)?) {
        libc::AF_INET => default(false),
        libc::AF_INET6 => default(true),
        _ => return None,
    };
    let kind = read::byte(payload, 7)?;
    let mut destination = any.addr();
    let mut route = Route {
        destination: any,
        table: read::byte(payload, 4)?.into(),
        metric: 0,
        index: None,
        broadcast: matches!(kind, RTN_BROADCAST..=RTN_MULTICAST),
        local: kind == RTN_LOCAL,
        via: None,
        source: None,
    };
    for (kind, value) in read::attributes(payload.get(HEADER..)?) {
        match kind {
            RTA_DST => destination = read::address(value)?,
            RTA_OIF => route.index = read::word(value, 0),
            RTA_GATEWAY => route.via = read::address(value),
            RTA_PREFSRC => route.source = read::address(value),
            RTA_PRIORITY => route.metric = read::word(value, 0)?,
            // `struct rtnexthop`: length, flags, hops, then the index of the device.
            RTA_MULTIPATH => route.index = route.index.or_else(|| read::word(value, 4)),
            // The header's byte holds only tables up to 255.
            RTA_TABLE => route.table = read::word(value, 0)?,
            _ => {}
        }
    }
    route.destination = IpNet::new(destination, read::byte(payload, 1)?).ok()?;
    Some(route)
}

impl Route {
    /// A default route.
    pub(in crate::kernel) fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }

    /// Whether it says that its destination is in use: not what the kernel keeps for itself in the
    /// local table, nor multicast, nor the link-local prefix that every IPv6 link has.
    pub(in crate::kernel) fn takes_its_destination(&self) -> bool {
        let address = self.destination.addr();
        let link_local = match address {
            IpAddr::V4(_) => false,
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        let noise = self.broadcast || self.table == LOCAL || address.is_multicast() || link_local;
        !self.is_default() && !noise
    }
}

fn wanted(spec: &Spec) -> RouteMessage {
    let mut message = message(spec.destination);
    message.header.protocol = RouteProtocol::Boot;
    message.header.kind = RouteType::Unicast;
    // In IPv4 the scope says whether the next hop is the destination itself; IPv6 has none.
    if spec.via.is_none() && spec.destination.addr().is_ipv4() {
        message.header.scope = RouteScope::Link;
    }
    if spec.local.is_some() {
        message.header.kind = RouteType::Local;
        message.header.table = LOCAL_TABLE;
    }
    message.attributes.extend(attributes(spec));
    message
}

fn message(destination: IpNet) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(destination.addr());
    message.header.destination_prefix_length = destination.prefix_len();
    message.header.table = MAIN;
    // As `ip` does: 0.0.0.0/0 is said by the length alone, ::/0 in full.
    if destination.prefix_len() > 0 || destination.addr().is_ipv6() {
        message.attributes.push(RouteAttribute::Destination(destination.network().into()));
    }
    message
}

fn attributes(spec: &Spec) -> impl Iterator<Item = RouteAttribute> {
    let via = spec.via.map(|via| RouteAttribute::Gateway(RouteAddress::from(via)));
    let source = spec.source.map(|source| RouteAttribute::PrefSource(RouteAddress::from(source)));
    let metric = spec.local.map(RouteAttribute::Priority);
    via.into_iter().chain(source).chain(metric).chain([RouteAttribute::Oif(spec.index)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::route::golden::bytes;

    fn spec(destination: &str, via: Option<&str>, source: Option<&str>) -> Spec {
        Spec {
            destination: destination.parse().unwrap(),
            via: via.map(|via| via.parse().unwrap()),
            index: 2,
            source: source.map(|source| source.parse().unwrap()),
            local: None,
        }
    }

    #[test]
    fn via_with_source() {
        // ip route add 10.9.0.0/24 via 10.2.0.2 dev br0 src 10.2.0.1
        let ip = bytes(
            "3c 00 00 00 18 00 05 06 76 38 04 6b 00 00 00 00 02 18 00 00 fe 03 00 01 00 00 \
             00 00 08 00 01 00 0a 09 00 00 08 00 05 00 0a 02 00 02 08 00 07 00 0a 02 00 01 \
             08 00 04 00 02 00 00 00",
        );
        assert_eq!(add(&spec("10.9.0.0/24", Some("10.2.0.2"), Some("10.2.0.1"))), ip);
    }

    #[test]
    fn on_link() {
        // ip route add 10.8.0.1/32 dev br0
        let ip = bytes(
            "2c 00 00 00 18 00 05 06 76 38 04 6b 00 00 00 00 02 20 00 00 fe 03 fd 01 00 00 \
             00 00 08 00 01 00 0a 08 00 01 08 00 04 00 02 00 00 00",
        );
        assert_eq!(add(&spec("10.8.0.1/32", None, None)), ip);
    }

    #[test]
    fn ipv6_via() {
        // ip route add fd01::/64 via fd00::2 dev br0
        let ip = bytes(
            "4c 00 00 00 18 00 05 06 76 38 04 6b 00 00 00 00 0a 40 00 00 fe 03 00 01 00 00 \
             00 00 14 00 01 00 fd 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 05 00 \
             fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 08 00 04 00 02 00 00 00",
        );
        assert_eq!(add(&spec("fd01::/64", Some("fd00::2"), None)), ip);
    }

    #[test]
    fn default_replaced() {
        // ip route replace default via 10.2.0.2 dev br0
        let ip = bytes(
            "2c 00 00 00 18 00 05 05 76 38 04 6b 00 00 00 00 02 00 00 00 fe 03 00 01 00 00 \
             00 00 08 00 05 00 0a 02 00 02 08 00 04 00 02 00 00 00",
        );
        assert_eq!(replace(&spec("0.0.0.0/0", Some("10.2.0.2"), None)), ip);
    }

    #[test]
    fn ipv6_default_replaced() {
        // ip -6 route replace default via fd00::2 dev br0
        let ip = bytes(
            "4c 00 00 00 18 00 05 05 76 38 04 6b 00 00 00 00 0a 00 00 00 fe 03 00 01 00 00 \
             00 00 14 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 05 00 \
             fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 08 00 04 00 02 00 00 00",
        );
        assert_eq!(replace(&spec("::/0", Some("fd00::2"), None)), ip);
    }

    #[test]
    fn default_deleted() {
        // ip route del default via 10.2.0.2 dev br0
        let ip = bytes(
            "2c 00 00 00 19 00 05 00 76 38 04 6b 00 00 00 00 02 00 00 00 fe 00 ff 00 00 00 \
             00 00 08 00 05 00 0a 02 00 02 08 00 04 00 02 00 00 00",
        );
        assert_eq!(delete(&spec("0.0.0.0/0", Some("10.2.0.2"), None)), ip);
    }

    #[test]
    fn ipv6_deleted() {
        // ip -6 route del fd01::/64 via fd00::2 dev br0
        let ip = bytes(
            "4c 00 00 00 19 00 05 00 76 38 04 6b 00 00 00 00 0a 40 00 00 fe 00 00 00 00 00 \
             00 00 14 00 01 00 fd 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 05 00 \
             fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 08 00 04 00 02 00 00 00",
        );
        assert_eq!(delete(&spec("fd01::/64", Some("fd00::2"), None)), ip);
    }

    #[test]
    fn on_link_deleted() {
        // ip route del 10.8.0.1/32 dev br0
        let ip = bytes(
            "2c 00 00 00 19 00 05 00 76 38 04 6b 00 00 00 00 02 20 00 00 fe 00 ff 00 00 00 \
             00 00 08 00 01 00 0a 08 00 01 08 00 04 00 02 00 00 00",
        );
        assert_eq!(delete(&spec("10.8.0.1/32", None, None)), ip);
    }

    #[test]
    fn noise_is_told_from_use() {
        let route = |destination: &str, table, broadcast| Route {
            destination: destination.parse().unwrap(),
            table,
            metric: 0,
            index: None,
            broadcast,
            local: false,
            via: None,
            source: None,
        };
        assert!(route("10.0.0.0/8", 254, false).takes_its_destination());
        assert!(route("10.0.0.0/8", 1000, false).takes_its_destination());
        for (destination, table, broadcast) in [
            ("0.0.0.0/0", 254, false),
            ("10.0.0.1/32", 255, false),
            ("10.0.0.255/32", 254, true),
            ("ff00::/8", 254, false),
            ("fe80::/64", 254, false),
        ] {
            assert!(!route(destination, table, broadcast).takes_its_destination(), "{destination}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(six: u128, prefix in 0_u8..=128) {
            let destination = IpNet::new(Ipv6Addr::from_bits(six).into(), prefix).unwrap().trunc();
            let spec = Spec { destination, via: None, index: 7, source: None, local: None };
            let route = read(&add(&spec)[16..]).unwrap();
            prop_assert_eq!((route.destination, route.index), (destination, Some(7)));
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = read(&bytes);
        }
    }
}
