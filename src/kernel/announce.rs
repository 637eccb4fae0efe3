//! Telling the neighbours of a new address, in the namespace of the calling thread.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use super::sys;
use crate::error::{Doing, Error, Result};

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const ICMPV6: u8 = 58;
const BROADCAST: [u8; 6] = [0xff; 6];
/// The multicast address of `ff02::1` (RFC 2464, 7).
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// `arping -A -c 1` and an unsolicited neighbour advertisement: one frame for each address.
pub(super) fn send(index: u32, mac: [u8; 6], addresses: &[IpAddr]) -> Result<()> {
    let denied = |error: std::io::Error| match error.raw_os_error() {
        Some(libc::EPERM) => Error::io(&error).because("it takes CAP_NET_RAW"),
        _ => Error::io(&error),
    };
    let socket = sys::packet_socket().map_err(denied).doing(|| "open a packet socket")?;
    for address in addresses {
        let frame = match address {
            IpAddr::V4(address) => gratuitous_arp(mac, *address),
            IpAddr::V6(address) => neighbour_advertisement(mac, *address),
        };
        sys::send_frame(socket.as_fd(), index, &frame).doing(|| format!("announce {address}"))?;
    }
    Ok(())
}

/// An ARP reply to everybody in which sender and target are the same, address and hardware address:
/// only then does Linux take it for gratuitous (`arp_is_garp`) and overwrite an entry that is
/// younger than a second (`locktime`).
fn gratuitous_arp(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, ARP);
    // Ethernet, IPv4, their lengths, reply.
    frame.extend([0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(mac);
    frame.extend(address.octets());
    frame.extend(mac);
    frame.extend(address.octets());
    frame
}

/// An unsolicited neighbour advertisement to all nodes (RFC 4861, 4.4 and 7.2.6): not a router, not
/// solicited, overriding what is cached.
fn neighbour_advertisement(mac: [u8; 6], address: Ipv6Addr) -> Vec<u8> {
    let mut icmp = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    icmp.extend(address.octets());
    // Option: target link-layer address, in units of eight bytes.
    icmp.extend([2, 1]);
    icmp.extend(mac);
    let sum = checksum(address, ALL_NODES, &icmp);
    if let Some(field) = icmp.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    let mut frame = ethernet(ALL_NODES_MAC, mac, IPV6);
    // Version 6; length; next header; hop limit 255, without which it is dropped.
    frame.extend([0x60, 0, 0, 0, 0, 32, ICMPV6, 255]);
    frame.extend(address.octets());
    frame.extend(ALL_NODES.octets());
    frame.extend(icmp);
    frame
}

fn ethernet(to: [u8; 6], from: [u8; 6], protocol: u16) -> Vec<u8> {
    let mut frame = Vec::with_capacity(86);
    frame.extend(to);
    frame.extend(from);
    frame.extend(protocol.to_be_bytes());
    frame
}

/// Over the pseudo-header too (RFC 8200, 8.1). The message's length is even.
fn checksum(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> u16 {
    let words = message.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
    let addresses = from.segments().into_iter().chain(to.segments());
    let length = u32::try_from(message.len()).unwrap_or_default();
    let mut sum = words.chain(addresses).map(u32::from).sum::<u32>() + length + u32::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0x42, 0xac, 0x11, 0, 2];

    #[test]
    fn arp() {
        // arping -A -c 1 -I eth0 172.17.0.2
        let frame = gratuitous_arp(MAC, Ipv4Addr::new(172, 17, 0, 2));
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0x42, 0xac, 0x11, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4,
            0, 2, 2, 0x42, 0xac, 0x11, 0, 2, 172, 17, 0, 2, 2, 0x42, 0xac, 0x11, 0, 2, 172, 17, 0,
            2,
        ];
        assert_eq!(frame, expected);
    }

    #[test]
    fn advertisement() {
        let address: Ipv6Addr = "fd00::2".parse().unwrap();
        let frame = neighbour_advertisement(MAC, address);
        assert_eq!(frame.len(), 14 + 40 + 32);
        let icmp = &frame[54..];
        assert_eq!(icmp[4] & 0xe0, 0x20, "override, neither router nor solicited");
        // The sum over a message with its checksum in place comes to nothing.
        assert_eq!(checksum(address, ALL_NODES, icmp), 0);
    }
}
