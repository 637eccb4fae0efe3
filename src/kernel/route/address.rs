//! Addresses of links.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::kernel::netlink::build::{Manner, request};
use crate::kernel::netlink::read;

/// `struct ifaddrmsg`.
const HEADER: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// `ip addr add ADDRESS dev DEV [noprefixroute] [nodad]`
///
/// IPv6 addresses are without duplicate detection: netberth gives each out once, and a tentative
/// address cannot be used for a second.
pub(in crate::kernel) fn add(index: u32, address: IpNet, noprefixroute: bool) -> Vec<u8> {
    let mut flags = AddressFlags::empty();
    flags.set(AddressFlags::Nodad, address.addr().is_ipv6());
    flags.set(AddressFlags::Noprefixroute, noprefixroute);
    let mut message = message(index, address);
    message.header.flags = AddressHeaderFlags::from_bits_truncate(low_byte(flags.bits()));
    if noprefixroute {
        // It does not fit the header's byte; the attribute replaces the byte.
        message.attributes.insert(1, AddressAttribute::Flags(flags));
    }
    request(Manner::Create, RouteNetlinkMessage::NewAddress(message))
}

/// `ip addr del ADDRESS dev DEV`
pub(in crate::kernel) fn delete(index: u32, address: IpNet) -> Vec<u8> {
    request(Manner::Change, RouteNetlinkMessage::DelAddress(message(index, address)))
}

/// `ip addr show`
pub(in crate::kernel) fn dump() -> Vec<u8> {
    request(Manner::Dump, RouteNetlinkMessage::GetAddress(AddressMessage::default()))
}

/// What `RTM_NEWADDR` says: the address and its prefix length.
pub(in crate::kernel) fn read(payload: &[u8]) -> Option<IpNet> {
    let prefix = read::byte(payload, 1)?;
    let mut address = None;
    for (kind, value) in read::attributes(payload.get(HEADER..)?) {
        match kind {
            // On a point-to-point link IFA_ADDRESS is the other side's.
            IFA_LOCAL => address = read::address(value),
            IFA_ADDRESS => address = address.or_else(|| read::address(value)),
            _ => {}
        }
    }
    IpNet::new(address?, prefix).ok()
}

fn message(index: u32, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.addr());
    message.header.prefix_len = address.prefix_len();
    message.header.index = index;
    message.attributes =
        vec![AddressAttribute::Local(address.addr()), AddressAttribute::Address(address.addr())];
    message
}

/// The family of an address.
pub(in crate::kernel) fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet }
}

fn low_byte(bits: u32) -> u8 {
    bits.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::route::golden::bytes;

    #[test]
    fn ipv4() {
        // ip addr add 10.2.0.1/24 dev br0
        let ip = bytes(
            "28 00 00 00 14 00 05 06 75 38 04 6b 00 00 00 00 02 18 00 00 02 00 00 00 08 00 02 00 \
             0a 02 00 01 08 00 01 00 0a 02 00 01",
        );
        assert_eq!(add(2, "10.2.0.1/24".parse().unwrap(), false), ip);
    }

    #[test]
    fn ipv4_noprefixroute() {
        // ip addr add 10.1.0.1/24 dev br0 noprefixroute
        let ip = bytes(
            "30 00 00 00 14 00 05 06 75 38 04 6b 00 00 00 00 02 18 00 00 02 00 00 00 08 00 02 00 \
             0a 01 00 01 08 00 08 00 00 02 00 00 08 00 01 00 0a 01 00 01",
        );
        assert_eq!(add(2, "10.1.0.1/24".parse().unwrap(), true), ip);
    }

    #[test]
    fn ipv6_nodad() {
        // ip addr add fd00::1/64 dev br0 nodad
        let ip = bytes(
            "40 00 00 00 14 00 05 06 75 38 04 6b 00 00 00 00 0a 40 02 00 02 00 00 00 14 00 02 00 \
             fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 14 00 01 00 fd 00 00 00 00 00 00 00 \
             00 00 00 00 00 00 00 01",
        );
        assert_eq!(add(2, "fd00::1/64".parse().unwrap(), false), ip);
    }

    #[test]
    fn deletion() {
        // ip addr del 10.1.0.1/24 dev br0
        let ip = bytes(
            "28 00 00 00 15 00 05 00 76 38 04 6b 00 00 00 00 02 18 00 00 02 00 00 00 08 00 02 00 \
             0a 01 00 01 08 00 01 00 0a 01 00 01",
        );
        assert_eq!(delete(2, "10.1.0.1/24".parse().unwrap()), ip);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(four: u32, prefix in 0_u8..=32, bare: bool) {
            let address = IpNet::new(std::net::Ipv4Addr::from_bits(four).into(), prefix).unwrap();
            prop_assert_eq!(read(&add(1, address, bare)[16..]), Some(address));
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = read(&bytes);
        }
    }
}
