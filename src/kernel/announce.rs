//! Telling the host where a container is: its only neighbour, for all that goes to siblings goes by way
//! of it.
//!
//! A broadcast (`arping -A`) would say the same to every port of the bridge, which costs as much as the
//! join itself when there are a thousand, and it takes a packet socket, whose close waits for a grace
//! period of RCU (`packet_release`).

use std::net::IpAddr;

use super::requests;
use super::route::neighbour;
use super::space::Space;
use crate::error::{Error, Result};

/// The bridge knows the port of the hardware address, so that the first packet is not flooded, and the
/// host's entries of the addresses lead there: one that was left by another container is replaced, and
/// packets that wait for an answer to their question go out now, not a second later.
pub(super) fn send(
    space: &mut Space<'_>,
    port: &str,
    bridge: &str,
    mac: [u8; 6],
    addresses: &[IpAddr],
) -> Result<()> {
    // A port's carrier reaches the bridge by a work item that may be a second late (linkwatch), and
    // until then the bridge drops what the port says. `RTM_GETLINK` runs that work item at once.
    let port = space.link(port)?.index;
    let bridge = space.index(bridge)?;
    let mut requests = vec![neighbour::learn(port, mac)];
    requests.extend(addresses.iter().map(|address| neighbour::change(bridge, *address, mac)));
    let answers = space.with(|socket| socket.exchange(requests));
    // The host knows nothing of an address that nobody has asked for.
    let unknown = |error: &Error| requests::is_gone(error);
    answers.into_iter().find_map(|answer| answer.err().filter(|e| !unknown(e))).map_or(Ok(()), Err)
}
