//! Requests: from the typed messages of netlink-packet-route, or from bytes.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;

use super::read::HEADER;

/// The payload is attributes (`linux/netlink.h`).
const NLA_F_NESTED: u16 = 0x8000;

/// What a request asks of the kernel besides its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Manner {
    /// Make it; if it is there, fail with `EEXIST`.
    Create,
    /// The same, and say what was made.
    CreateAndTell,
    /// Make it or put it in the place of what is there.
    Replace,
    /// Put it in the place of what is there; if nothing is, fail with `ENOENT`.
    Overwrite,
    /// Change or delete what is there.
    Change,
    /// One object, answered by one message.
    Get,
    /// All objects.
    Dump,
}

impl Manner {
    const fn flags(self) -> u16 {
        NLM_F_REQUEST
            | match self {
                Manner::Create => NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                Manner::CreateAndTell => NLM_F_ACK | NLM_F_ECHO | NLM_F_CREATE | NLM_F_EXCL,
                Manner::Replace => NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
                Manner::Overwrite => NLM_F_ACK | NLM_F_REPLACE,
                Manner::Change => NLM_F_ACK,
                Manner::Get => 0,
                Manner::Dump => NLM_F_DUMP,
            }
    }
}

/// A request without its sequence number, which the socket fills in.
pub(in crate::kernel) fn request(manner: Manner, message: RouteNetlinkMessage) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = manner.flags();
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// As [`request`], for a protocol without typed messages: `body` follows the header.
pub(in crate::kernel) fn plain(manner: Manner, kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&manner.flags().to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(body);
    bytes
}

/// Puts an attribute at the end of a body. A payload is never longer than a message that was
/// received, far below what its length can say.
pub(in crate::kernel) fn attribute(body: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    let length = u16::try_from(4 + payload.len()).unwrap_or(u16::MAX);
    body.extend_from_slice(&length.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(payload);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Puts attributes that are made already at the end of a body, as one.
pub(in crate::kernel) fn nest(body: &mut Vec<u8>, kind: u16, inside: &[u8]) {
    attribute(body, NLA_F_NESTED | kind, inside);
}
