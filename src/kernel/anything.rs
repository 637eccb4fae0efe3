//! Every reader of what the kernel says, given any bytes: for the fuzz targets.

use super::netlink::read::{attributes, frames};
use super::route::{address, link, route};

pub use super::conntrack::read_anything as conntrack;
pub use super::nft::read_anything as nft;
pub use super::sockets::read_anything as sockets;

/// A datagram of rtnetlink; how much of it was understood.
///
/// # Panics
/// Where a reader makes more of the bytes than there is in them.
pub fn rtnetlink(datagram: &[u8]) -> usize {
    let mut understood = 0;
    for frame in frames(datagram) {
        assert!(frame.payload.len() < datagram.len(), "a message is longer than its datagram");
        let within = attributes(frame.payload).map(|(_, value)| value.len() + 4).sum::<usize>();
        assert!(within <= frame.payload.len(), "attributes are longer than their message");
        understood += usize::from(frame.failure().is_some_and(|error| error.errno().is_some()));
        understood += usize::from(frame.interrupted());
        understood += usize::from(link::read(frame.payload).is_some());
        understood += usize::from(address::read(frame.payload).is_some());
        understood += usize::from(route::read(frame.payload).is_some_and(|r| r.is_default()));
    }
    understood
}
