//! What the kernel lists, and our bytes against those that `conntrack` sent for the same entries.

use std::net::IpAddr;

use proptest::prelude::*;

use super::entry::{self, Entry};
use crate::kernel::captured;
use crate::kernel::netlink::read::{attributes, frames};
use crate::model::Proto;
use crate::plan::Flow;

fn listed() -> Vec<u8> {
    captured(include_str!("../../../tests/golden/conntrack/list.hex"))
}

fn entries(datagram: &[u8]) -> Vec<Entry<'_>> {
    frames(datagram).map(|frame| Entry::read(frame.payload).unwrap()).collect()
}

#[test]
fn the_request_for_a_list_is_conntracks() {
    let mut theirs = captured(include_str!("../../../tests/golden/conntrack/list_request.hex"));
    theirs[8..12].fill(0);
    assert_eq!(entry::list(None), theirs);
    assert_eq!(entry::list(Some(false))[16], 2);
    assert_eq!(entry::list(Some(true))[16], 10);
}

/// `conntrack` sends the rest of the entry as well, and what was in memory where padding is.
#[test]
fn a_deletion_names_the_entry_as_conntrack_does() {
    let (list, theirs) =
        (listed(), captured(include_str!("../../../tests/golden/conntrack/delete.hex")));
    let mut theirs: Vec<_> = frames(&theirs).collect();
    // It deleted by protocol.
    theirs.swap(3, 4);
    let entries = entries(&list);
    assert_eq!((entries.len(), theirs.len()), (5, 5));
    for (entry, theirs) in entries.iter().zip(theirs) {
        let deletion = entry.deletion();
        let ours = frames(&deletion.request).next().unwrap();
        assert_eq!((ours.kind, ours.flags), (theirs.kind, theirs.flags));
        assert_eq!(ours.payload[..4], theirs.payload[..4]);
        let raw = |payload: &[u8]| payload[4..8].to_vec();
        assert_eq!(raw(ours.payload), raw(theirs.payload), "a nest is marked as one");
        for kind in [1, 18] {
            let find = |payload| attributes(payload).find(|(found, _)| *found == kind);
            let (ours, theirs) = (find(&ours.payload[4..]), find(&theirs.payload[4..]));
            assert_eq!(ours.map(|(_, v)| leaves(v)), theirs.map(|(_, v)| leaves(v)));
        }
        let id = attributes(&ours.payload[4..]).find(|(kind, _)| *kind == 12);
        assert_eq!(id.map(|(_, value)| value.len()), Some(4));
    }
}

/// What is in a nest, without padding; a value that is no nest has none.
fn leaves(value: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let inside = attributes(value).flat_map(|(kind, value)| match kind {
        1 | 2 => attributes(value).map(|(kind, value)| (kind, value.to_vec())).collect(),
        _ => vec![(kind, value.to_vec())],
    });
    inside.collect()
}

#[test]
fn a_flow_selects_its_entries() {
    let list = listed();
    let entries = entries(&list);
    let selected = |flow: Flow| {
        let of: Vec<usize> =
            (0..entries.len()).filter(|index| entries[*index].is_of(&flow)).collect();
        of
    };
    let to = |proto, ipv6, address: Option<&str>, port, port_end| Flow::To {
        proto,
        ipv6,
        address: address.map(|address| address.parse().unwrap()),
        port,
        port_end,
        answered_by: None,
    };
    let local: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(selected(to(Proto::Udp, false, None, 5000, None)), [1]);
    assert_eq!(selected(to(Proto::Udp, true, None, 5000, None)), [4]);
    assert_eq!(selected(to(Proto::Tcp, false, Some("127.0.0.1"), 5000, None)), [3]);
    assert_eq!(selected(to(Proto::Tcp, false, Some("127.0.0.2"), 5000, None)), [0; 0]);
    assert_eq!(selected(to(Proto::Udp, false, None, 5001, Some(5002))), [0, 2]);
    assert_eq!(selected(to(Proto::Udp, false, None, 4000, None)), [0; 0]);
    let answered = |answered_by: &str| Flow::To {
        proto: Proto::Udp,
        ipv6: true,
        address: None,
        port: 5000,
        port_end: None,
        answered_by: Some(answered_by.parse().unwrap()),
    };
    assert_eq!(selected(answered("::1")), [4]);
    assert_eq!(selected(answered("::2")), [0; 0]);
    let by = |proto, port, port_end| Flow::AnsweredBy { proto, address: local, port, port_end };
    assert_eq!(selected(by(Proto::Tcp, 6001, None)), [3]);
    assert_eq!(selected(by(Proto::Udp, 5002, Some(6001))), [0, 1]);
    assert_eq!(selected(by(Proto::Sctp, 6001, None)), [0; 0]);
    assert_eq!(selected(Flow::Of { address: local }), [0, 1, 2, 3]);
    assert_eq!(selected(Flow::Of { address: "::1".parse().unwrap() }), [4]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        if let Some(entry) = Entry::read(&bytes) {
            let request = entry.deletion().request;
            prop_assert_eq!(frames(&request).count(), 1);
        }
    }

    #[test]
    fn no_damage_panics(at in 0_usize..1000, with: u8, cut in 0_usize..1000) {
        let mut list = listed();
        if let Some(byte) = list.get_mut(at) {
            *byte = with;
        }
        list.truncate(cut.max(20));
        for frame in frames(&list) {
            // What would delete everything is never sent: a direction with both addresses is there.
            if let Some(entry) = Entry::read(frame.payload) {
                let request = entry.deletion().request;
                let sent = frames(&request).next().map(|frame| frame.payload.to_vec());
                prop_assert!(sent.is_some_and(|sent| Entry::read(&sent).is_none() && sent.len() > 24));
            }
        }
    }
}
