//! Requests, from the typed messages of netlink-packet-route.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;

/// What a request asks of the kernel besides its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Manner {
    /// Make it; if it is there, fail with `EEXIST`.
    Create,
    /// Make it or put it in the place of what is there.
    Replace,
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
                Manner::Replace => NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
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
