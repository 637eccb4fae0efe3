//! Entries of the connection table as ctnetlink tells them.

use std::fmt;
use std::net::IpAddr;

use crate::kernel::netlink::build::{self, Manner};
use crate::kernel::netlink::read::{self, attributes};
use crate::plan::Flow;

const NFNL_SUBSYS_CTNETLINK: u16 = 1 << 8;
pub(super) const IPCTNL_MSG_CT_GET: u16 = NFNL_SUBSYS_CTNETLINK + 1;
const IPCTNL_MSG_CT_GET_STATS: u16 = NFNL_SUBSYS_CTNETLINK + 5;
const CTA_STATS_GLOBAL_ENTRIES: u16 = 1;
pub(super) const IPCTNL_MSG_CT_DELETE: u16 = NFNL_SUBSYS_CTNETLINK + 2;

pub(super) const CTA_TUPLE_ORIG: u16 = 1;
pub(super) const CTA_TUPLE_REPLY: u16 = 2;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
pub(super) const CTA_TUPLE_IP: u16 = 1;
pub(super) const CTA_TUPLE_PROTO: u16 = 2;
pub(super) const CTA_IP_V4_SRC: u16 = 1;
pub(super) const CTA_IP_V4_DST: u16 = 2;
pub(super) const CTA_IP_V6_SRC: u16 = 3;
pub(super) const CTA_IP_V6_DST: u16 = 4;
pub(super) const CTA_PROTO_NUM: u16 = 1;
pub(super) const CTA_PROTO_SRC_PORT: u16 = 2;
pub(super) const CTA_PROTO_DST_PORT: u16 = 3;

/// `struct nfgenmsg`.
const GENERIC: usize = 4;

/// `conntrack -L`, of one family (IPv6 where true) or of all.
pub(super) fn list(ipv6: Option<bool>) -> Vec<u8> {
    let family = match ipv6 {
        None => libc::AF_UNSPEC,
        Some(false) => libc::AF_INET,
        Some(true) => libc::AF_INET6,
    };
    let family = u8::try_from(family).unwrap_or_default();
    build::plain(Manner::Dump, IPCTNL_MSG_CT_GET, &[family, 0, 0, 0])
}

/// `conntrack -C`: how many entries the namespace has.
pub(super) fn count() -> Vec<u8> {
    build::plain(Manner::Get, IPCTNL_MSG_CT_GET_STATS, &[0; GENERIC])
}

/// The answer to [`count`].
pub(super) fn counted(payload: &[u8]) -> Option<u32> {
    let mut found = attributes(payload.get(GENERIC..)?);
    let (_, value) = found.find(|(kind, _)| *kind == CTA_STATS_GLOBAL_ENTRIES)?;
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The addresses and ports of packets in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple {
    proto: u8,
    source: IpAddr,
    destination: IpAddr,
    /// 0 where the protocol has no ports.
    source_port: u16,
    destination_port: u16,
}

impl Tuple {
    /// `None` for what has no addresses.
    fn read(nest: &[u8]) -> Option<Tuple> {
        let (mut source, mut destination) = (None, None);
        let (mut proto, mut source_port, mut destination_port) = (0, 0, 0);
        for (kind, value) in attributes(nest) {
            match kind {
                CTA_TUPLE_IP => {
                    for (kind, value) in attributes(value) {
                        match kind {
                            CTA_IP_V4_SRC | CTA_IP_V6_SRC => source = read::address(value),
                            CTA_IP_V4_DST | CTA_IP_V6_DST => destination = read::address(value),
                            _ => {}
                        }
                    }
                }
                CTA_TUPLE_PROTO => {
                    for (kind, value) in attributes(value) {
                        let port = || read::network_half(value, 0).unwrap_or_default();
                        match kind {
                            CTA_PROTO_NUM => proto = read::byte(value, 0).unwrap_or_default(),
                            CTA_PROTO_SRC_PORT => source_port = port(),
                            CTA_PROTO_DST_PORT => destination_port = port(),
                            _ => {}
                        }
                    }
                }
                // Among them the zone of one direction.
                _ => {}
            }
        }
        let (source, destination) = (source?, destination?);
        Some(Tuple { proto, source, destination, source_port, destination_port })
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tuple { proto, source, destination, source_port, destination_port } = self;
        write!(f, "-p {proto} -s {source} -d {destination}")?;
        if (*source_port, *destination_port) == (0, 0) {
            return Ok(());
        }
        write!(f, " --orig-port-src {source_port} --orig-port-dst {destination_port}")
    }
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    family: u8,
    pub(super) original: Tuple,
    pub(super) reply: Tuple,
    /// As the kernel wrote them: what names the entry.
    original_nest: &'a [u8],
    zone: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
}

/// A request that deletes an entry, and the direction by which it is known.
pub(super) struct Deletion {
    pub(super) original: Tuple,
    pub(super) request: Vec<u8>,
}

impl<'a> Entry<'a> {
    /// Reads what follows the header of a message; `None` for what tells of no entry.
    pub(super) fn read(payload: &'a [u8]) -> Option<Self> {
        let family = read::byte(payload, 0)?;
        let (mut original, mut reply, mut zone, mut id) = (None, None, None, None);
        for (kind, value) in attributes(payload.get(GENERIC..)?) {
            match kind {
                CTA_TUPLE_ORIG => original = Some(value),
                CTA_TUPLE_REPLY => reply = Some(value),
                CTA_ZONE => zone = Some(value),
                CTA_ID => id = Some(value),
                _ => {}
            }
        }
        let original_nest = original?;
        let (original, reply) = (Tuple::read(original_nest)?, Tuple::read(reply?)?);
        Some(Entry { family, original, reply, original_nest, zone, id })
    }

    /// The direction by which a request names an entry.
    #[cfg(feature = "testing")]
    pub(super) fn read_original(payload: &[u8]) -> Option<Tuple> {
        let mut all = attributes(payload.get(GENERIC..)?);
        all.find(|(kind, _)| *kind == CTA_TUPLE_ORIG).and_then(|(_, nest)| Tuple::read(nest))
    }

    /// Whether the flow selects it.
    pub(super) fn is_of(&self, flow: &Flow) -> bool {
        let within = |number: u16, port: u16, end: Option<u16>| {
            (port..=end.unwrap_or(port)).contains(&number)
        };
        let is = |wanted: Option<IpAddr>, found: IpAddr| wanted.is_none_or(|ip| ip == found);
        let (original, reply) = (&self.original, &self.reply);
        match *flow {
            Flow::To { proto, ipv6, address, port, port_end, answered_by } => {
                original.proto == proto.number()
                    && within(original.destination_port, port, port_end)
                    && original.destination.is_ipv6() == ipv6
                    && is(address, original.destination)
                    && is(answered_by, reply.source)
            }
            Flow::AnsweredBy { proto, address, port, port_end } => {
                original.proto == proto.number()
                    && within(reply.source_port, port, port_end)
                    && reply.source == address
            }
            Flow::Through { to, by } => original.destination == to && reply.source == by,
            Flow::Of { address } => [original.source, reply.source].contains(&address),
        }
    }

    /// `conntrack -D` for this entry alone. The kernel finds it by the original direction and its
    /// zone; the id keeps a connection that has taken its place since. A request without a direction
    /// would delete everything: this one always has the one that was read.
    pub(super) fn deletion(&self) -> Deletion {
        let mut body = vec![self.family, 0, 0, 0];
        build::nest(&mut body, CTA_TUPLE_ORIG, self.original_nest);
        for (kind, value) in [(CTA_ZONE, self.zone), (CTA_ID, self.id)] {
            if let Some(value) = value {
                build::attribute(&mut body, kind, value);
            }
        }
        let request = build::plain(Manner::Change, IPCTNL_MSG_CT_DELETE, &body);
        Deletion { original: self.original, request }
    }
}
