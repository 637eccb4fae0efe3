//! Deletions in which the kernel selects: `CTA_FILTER`, which `IPCTNL_MSG_CT_DELETE` knows since
//! Linux 6.11. No entry is listed, and a namespace without entries answers at once; but there is no
//! count, and each selection goes through the whole table.

use std::net::IpAddr;

use super::entry::{
    CTA_IP_V4_DST, CTA_IP_V4_SRC, CTA_IP_V6_DST, CTA_IP_V6_SRC, CTA_PROTO_DST_PORT, CTA_PROTO_NUM,
    CTA_PROTO_SRC_PORT, CTA_TUPLE_IP, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_TUPLE_REPLY,
    IPCTNL_MSG_CT_DELETE,
};
use crate::kernel::netlink::build::{self, Manner};
use crate::model::Proto;
use crate::plan::Flow;

const CTA_FILTER: u16 = 25;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;
const IP_SRC: u32 = 1;
const IP_DST: u32 = 1 << 1;
const PROTO_NUM: u32 = 1 << 3;
const PROTO_SRC_PORT: u32 = 1 << 4;
const PROTO_DST_PORT: u32 = 1 << 5;

/// With more, one list of the table is cheaper: it costs as much as some ten selections.
const AT_MOST: usize = 12;

/// What is compared of one direction.
#[derive(Clone, Copy, Default)]
struct Side {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    proto: Option<Proto>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
}

/// One selection.
#[derive(Clone, Copy, Default)]
struct Filter {
    ipv6: bool,
    original: Side,
    reply: Side,
}

/// The requests that select what the flows do; none where there would be too many.
pub(super) fn requests(flows: &[Flow]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for flow in flows {
        let filters = filters(flow)?;
        if all.len() + filters.len() > AT_MOST {
            return None;
        }
        all.extend(filters.iter().map(Filter::request));
    }
    Some(all)
}

fn filters(flow: &Flow) -> Option<Vec<Filter>> {
    Some(match *flow {
        Flow::To { proto, ipv6, address, port, port_end, answered_by } => {
            let to = |port| Filter {
                ipv6,
                original: Side {
                    destination: address,
                    proto: Some(proto),
                    destination_port: Some(port),
                    ..Side::default()
                },
                reply: Side { source: answered_by, ..Side::default() },
            };
            ports(port, port_end)?.map(to).collect()
        }
        Flow::AnsweredBy { proto, address, port, port_end } => {
            let by = |port| Filter {
                ipv6: address.is_ipv6(),
                reply: Side {
                    source: Some(address),
                    proto: Some(proto),
                    source_port: Some(port),
                    ..Side::default()
                },
                ..Filter::default()
            };
            ports(port, port_end)?.map(by).collect()
        }
        Flow::Through { to, by } => vec![Filter {
            ipv6: to.is_ipv6(),
            original: Side { destination: Some(to), ..Side::default() },
            reply: Side { source: Some(by), ..Side::default() },
        }],
        Flow::Of { address } => {
            let ipv6 = address.is_ipv6();
            let side = Side { source: Some(address), ..Side::default() };
            vec![
                Filter { ipv6, original: side, ..Filter::default() },
                Filter { ipv6, reply: side, ..Filter::default() },
            ]
        }
    })
}

fn ports(first: u16, last: Option<u16>) -> Option<impl Iterator<Item = u16>> {
    let all = first..=last.unwrap_or(first);
    (all.len() <= AT_MOST).then_some(all)
}

impl Filter {
    fn request(&self) -> Vec<u8> {
        let family = if self.ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        let mut body = vec![u8::try_from(family).unwrap_or_default(), 0, 0, 0];
        let mut flags = Vec::new();
        for (tuple, flag, side) in [
            (CTA_TUPLE_ORIG, CTA_FILTER_ORIG_FLAGS, &self.original),
            (CTA_TUPLE_REPLY, CTA_FILTER_REPLY_FLAGS, &self.reply),
        ] {
            let compared = side.flags();
            if compared != 0 {
                build::nest(&mut body, tuple, &side.tuple());
            }
            build::attribute(&mut flags, flag, &compared.to_ne_bytes());
        }
        build::nest(&mut body, CTA_FILTER, &flags);
        build::plain(Manner::Change, IPCTNL_MSG_CT_DELETE, &body)
    }
}

impl Side {
    fn flags(&self) -> u32 {
        let of = |is: bool, flag| if is { flag } else { 0 };
        of(self.source.is_some(), IP_SRC)
            | of(self.destination.is_some(), IP_DST)
            | of(self.proto.is_some(), PROTO_NUM)
            | of(self.source_port.is_some(), PROTO_SRC_PORT)
            | of(self.destination_port.is_some(), PROTO_DST_PORT)
    }

    fn tuple(&self) -> Vec<u8> {
        let (mut addresses, mut proto) = (Vec::new(), Vec::new());
        for (address, four, six) in [
            (self.source, CTA_IP_V4_SRC, CTA_IP_V6_SRC),
            (self.destination, CTA_IP_V4_DST, CTA_IP_V6_DST),
        ] {
            match address {
                Some(IpAddr::V4(ip)) => build::attribute(&mut addresses, four, &ip.octets()),
                Some(IpAddr::V6(ip)) => build::attribute(&mut addresses, six, &ip.octets()),
                None => {}
            }
        }
        if let Some(number) = self.proto {
            build::attribute(&mut proto, CTA_PROTO_NUM, &[number.number()]);
        }
        for (port, kind) in
            [(self.source_port, CTA_PROTO_SRC_PORT), (self.destination_port, CTA_PROTO_DST_PORT)]
        {
            if let Some(port) = port {
                build::attribute(&mut proto, kind, &port.to_be_bytes());
            }
        }
        let mut tuple = Vec::new();
        for (kind, inside) in [(CTA_TUPLE_IP, addresses), (CTA_TUPLE_PROTO, proto)] {
            if !inside.is_empty() {
                build::nest(&mut tuple, kind, &inside);
            }
        }
        tuple
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netlink::read::{attributes, frames};

    /// A request without a filter would delete everything.
    #[test]
    fn every_request_has_its_filter_and_what_it_compares() {
        let (four, six) = ("10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap());
        let to = |address, port_end, answered_by| Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address,
            port: 53,
            port_end,
            answered_by,
        };
        let flows = [
            to(None, None, None),
            to(Some(four), Some(55), Some(four)),
            Flow::AnsweredBy { proto: Proto::Tcp, address: six, port: 80, port_end: None },
            Flow::Through { to: six, by: six },
            Flow::Of { address: four },
        ];
        let requests = requests(&flows).unwrap();
        assert_eq!(requests.len(), 1 + 3 + 1 + 1 + 2);
        for request in &requests {
            let frame = frames(request).next().unwrap();
            let kinds: Vec<u16> = attributes(&frame.payload[4..]).map(|(kind, _)| kind).collect();
            assert_eq!(kinds.last(), Some(&CTA_FILTER));
            assert!(kinds.len() >= 2, "something is compared");
        }
        assert!(super::requests(&[to(None, Some(100), None)]).is_none());
    }
}
