//! Neighbours of links.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};

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
