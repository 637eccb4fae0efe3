//! Neighbours of links.

use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{
    NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};

use super::address::family;
use crate::kernel::netlink::build::{Manner, request};

/// `ip neigh del ADDRESS dev DEV`
pub(in crate::kernel) fn delete(index: u32, address: IpAddr) -> Vec<u8> {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    // As ip says it; a deletion does not look at it.
    message.header.state = NeighbourState::Permanent;
    message.attributes = vec![NeighbourAttribute::Destination(address.into())];
    request(Manner::Change, RouteNetlinkMessage::DelNeighbour(message))
}

/// `ip neigh change ADDRESS lladdr MAC dev DEV nud reachable`: `ENOENT` where there is none.
pub(in crate::kernel) fn change(index: u32, address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    message.header.state = NeighbourState::Reachable;
    message.attributes = vec![
        NeighbourAttribute::Destination(address.into()),
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
    ];
    request(Manner::Overwrite, RouteNetlinkMessage::NewNeighbour(message))
}

/// `bridge fdb replace MAC dev PORT master dynamic`: as if a frame had come in by the port.
pub(in crate::kernel) fn learn(port: u32, mac: [u8; 6]) -> Vec<u8> {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = port;
    message.header.state = NeighbourState::Reachable;
    message.header.flags = NeighbourFlags::Controller;
    message.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac.to_vec())];
    request(Manner::Replace, RouteNetlinkMessage::NewNeighbour(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::route::golden::bytes;

    #[test]
    fn ipv4() {
        // ip neigh del 10.1.0.9 dev br0
        let ip = bytes(
            "24 00 00 00 1d 00 05 00 b8 6a 04 6b 00 00 00 00 02 00 00 00 02 00 00 00 80 00 00 00 \
             08 00 01 00 0a 01 00 09",
        );
        assert_eq!(delete(2, "10.1.0.9".parse().unwrap()), ip);
    }

    #[test]
    fn ipv6() {
        // ip neigh del fd00::9 dev br0
        let ip = bytes(
            "30 00 00 00 1d 00 05 00 b8 6a 04 6b 00 00 00 00 0a 00 00 00 02 00 00 00 80 00 00 00 \
             14 00 01 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 09",
        );
        assert_eq!(delete(2, "fd00::9".parse().unwrap()), ip);
    }
}
