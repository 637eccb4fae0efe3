//! Our bytes against those that `nft` sent for the same lines (the lines are in the files).

use std::fmt::Write;
use std::slice::from_ref;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::{
    NetfilterMessage, NetfilterMessageInner, nftables::NfTablesMessage,
};

use super::batch::Batch;
use super::elements::{ADD, DELETE, Elements};
use super::set::Sending;
use super::wire::*;
use super::{read, table};
use crate::kernel::captured;
use crate::plan::rules::{
    self, Chain, Element, Family, Field, Rule, Set, SetElements, Statement, Table, Test, Type,
    Value, Verdict,
};

/// Every message and attribute on a line, in the order in which they are, but for: numbers of
/// messages; flags and types by which the two differ on purpose; nft's notes to itself.
fn tree(bytes: &[u8]) -> String {
    let mut text = String::new();
    for message in read::Messages(bytes) {
        // `table` means: make it unless it is there. Ours must not be there.
        let create = if message.kind == NFT_MSG_NEWTABLE { NLM_F_CREATE } else { 0 };
        let flags = message.flags & !(NLM_F_EXCL | NLM_F_ACK | create);
        writeln!(text, "{:#x} {flags:#x} {:02x?}", message.kind, &message.body[..4]).unwrap();
        attrs(&message.body[4..], 1, &[message.kind], &mut text);
    }
    text
}

fn attrs(mut bytes: &[u8], depth: usize, path: &[u16], text: &mut String) {
    while bytes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let kind = u16::from_ne_bytes([bytes[2], bytes[3]]);
        let payload = &bytes[4..length];
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        let at = [path, &[kind & NLA_TYPE_MASK]].concat();
        let (shown, payload) = match at[..] {
            // nft numbers the elements of a list; the kernel does not look.
            [NFT_MSG_NEWSETELEM | NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_ELEMENTS, _] => {
                (NLA_F_NESTED | NFTA_LIST_ELEM, payload)
            }
            // Only an anonymous set needs its number, and we have no number for the others.
            [NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET_ID] => continue,
            // Byte orders come first, in six bytes each; then what only `typeof` needs.
            [NFT_MSG_NEWSET, NFTA_SET_USERDATA] => {
                let orders = if payload.get(6) == Some(&1) { 12 } else { 6 };
                let by_example = payload.get(12) == Some(&3) && payload.get(13) > Some(&8);
                (kind, if by_example { payload } else { &payload[..orders] })
            }
            _ => (kind, payload),
        };
        let indent = "  ".repeat(depth);
        if shown & NLA_F_NESTED == 0 {
            writeln!(text, "{indent}{shown} {payload:02x?}").unwrap();
        } else {
            writeln!(text, "{indent}{} {{", shown & NLA_TYPE_MASK).unwrap();
            attrs(payload, depth + 1, &at, text);
            writeln!(text, "{indent}}}").unwrap();
        }
    }
}

/// nft turns the one byte of `meta l4proto` round before it looks into an interval map. Two bytes
/// at a time, of one: the kernel does nothing.
fn without_no_ops(mut text: String) -> String {
    // By where the byte stands: alone in front, behind an IPv4 or behind an IPv6 address.
    for register in [0x01, 0x02, 0x09] {
        text = text.replace(&no_op(register), "");
    }
    text
}

fn no_op(register: u8) -> String {
    format!(
        "    1 {{
      1 [62, 79, 74, 65, 6f, 72, 64, 65, 72, 00]
      2 {{
        1 [00, 00, 00, {register:02x}]
        2 [00, 00, 00, {register:02x}]
        3 [00, 00, 00, 01]
        4 [00, 00, 00, 01]
        5 [00, 00, 00, 02]
      }}
    }}
"
    )
}

#[track_caller]
fn assert_same(ours: &Batch, nft: &str) {
    let (ours, theirs) = (tree(ours.as_bytes()), without_no_ops(tree(&captured(nft))));
    for (number, (left, right)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(left, right, "line {number} of\n{ours}");
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

fn text(value: &str) -> Value {
    Value::Ifname(value.to_owned())
}

fn addr(value: &str) -> Value {
    Value::Addr(value.parse().unwrap())
}

fn elements(set: &str, elements: &[(&[Value], &[Value])]) -> SetElements {
    let one = |(key, data): &(&[Value], &[Value])| Element {
        key: key.to_vec(),
        key_end: None,
        data: data.to_vec(),
    };
    SetElements { set: set.to_owned(), elements: elements.iter().map(one).collect() }
}

pub(super) fn examples() -> Vec<SetElements> {
    let (tcp, udp) = (Value::Proto(6), Value::Proto(17));
    let (one, two) = (text("nb-1"), text("nb-2"));
    vec![
        elements("br", &[(from_ref(&one), &[]), (from_ref(&two), &[])]),
        elements(
            "pair",
            &[
                (&[one, two.clone()], &[Value::Goto("icc_on".to_owned())]),
                (&[two.clone(), two], &[Value::Jump("icc_off".to_owned())]),
            ],
        ),
        elements(
            "pub4",
            &[(&[addr("192.0.2.1"), tcp, Value::Port(80)], &[addr("10.0.0.2"), Value::Port(8080)])],
        ),
        elements("pub6_any", &[(&[udp, Value::Port(53)], &[addr("fd00::2"), Value::Port(5353)])]),
        elements("self4", &[(&[addr("10.0.0.2"), addr("10.0.0.2")], &[])]),
        elements("vip6", &[(&[addr("fd00::7")], &[])]),
    ]
}

#[test]
fn the_whole_table() {
    let table = rules::table("netberth");
    let (batch, makes) = table::encode(&table).unwrap();
    assert_same(&batch, include_str!("../../../tests/golden/nft/table.hex"));
    assert_eq!(makes.len() + 1, batch.messages(), "each but the end is accounted for");
}

#[test]
fn elements_of_every_form() {
    let sets = examples();
    let batch = Elements::encode("netberth", &sets, ADD).unwrap().batch;
    assert_same(&batch, include_str!("../../../tests/golden/nft/create.hex"));
    let whole = Sending { at_most: usize::MAX, ..DELETE };
    let batch = Elements::encode("netberth", &sets[..3], whole).unwrap().batch;
    assert_same(&batch, include_str!("../../../tests/golden/nft/delete.hex"));
}

pub(super) fn spans() -> Table {
    use Type::{InetProto, InetService, Ipv4Addr, Ipv6Addr};
    let drop = || Statement::Verdict(Verdict::Drop);
    let key = vec![Field::Daddr(Family::Ipv4), Field::L4proto, Field::Dport];
    let one = |field, test| Statement::Match { key: vec![field], test };
    let prefix = Test::Within("172.16.0.0/12".parse().unwrap());
    let rules = [
        Rule::of([one(Field::Daddr(Family::Ipv4), prefix), drop()]),
        Rule::of([one(Field::Saddr(Family::Ipv6), Test::NotIn("none".to_owned())), drop()]),
        Rule::of([Statement::Dnat { family: Family::Ipv4, key, map: "span".to_owned() }]),
    ];
    let span = Set::map("span", &[Ipv4Addr, InetProto, InetService], &[Ipv4Addr]);
    Table {
        name: "spans".to_owned(),
        sets: vec![span.with_intervals(), Set::of("none", &[Ipv6Addr])],
        chains: vec![Chain::of("pub", rules)],
    }
}

pub(super) fn span() -> SetElements {
    let key = |port| vec![addr("192.0.2.1"), Value::Proto(6), Value::Port(port)];
    let one = Element { key: key(8000), key_end: Some(key(8010)), data: vec![addr("10.0.0.2")] };
    SetElements { set: "span".to_owned(), elements: vec![one] }
}

#[test]
fn intervals_masks_and_negation() {
    let table = spans();
    let (batch, _) = table::encode(&table).unwrap();
    assert_same(&batch, include_str!("../../../tests/golden/nft/spans.hex"));
    let sets = [span()];
    let batch = Elements::encode("spans", &sets, ADD).unwrap().batch;
    assert_same(&batch, include_str!("../../../tests/golden/nft/spans_create.hex"));
}

/// The same as [`without_no_ops`], of what the other reader prints.
fn without_byteorder(text: &str) -> String {
    let begin = "Element([Name(\"byteorder\")";
    let Some((before, rest)) = text.split_once(begin) else { return text.to_owned() };
    let (_, after) = rest.split_once("})]), ").unwrap();
    without_byteorder(&format!("{before}{after}"))
}

/// The other reader of these messages that there is finds in them what it finds in nft's.
#[test]
fn another_decoder_agrees() {
    let table = rules::table("netberth");
    let (ours, _) = table::encode(&table).unwrap();
    let theirs = captured(include_str!("../../../tests/golden/nft/table.hex"));
    let mut rules = 0;
    for (index, message) in read::Messages(&theirs).enumerate() {
        let bytes = ours.message_bytes(index).unwrap();
        let ours = decoded(bytes);
        if message.kind == NFT_MSG_NEWRULE {
            let start = message.body.as_ptr() as usize - theirs.as_ptr() as usize - 16;
            let theirs = decoded(&theirs[start..start + 16 + message.body.len()]);
            assert_eq!(format!("{ours:?}"), without_byteorder(&format!("{theirs:?}")));
            rules += 1;
        }
    }
    assert!(rules > 30);
}

fn decoded(bytes: &[u8]) -> Option<NfTablesMessage> {
    let message = NetlinkMessage::<NetfilterMessage>::deserialize(bytes).unwrap();
    match message.payload {
        NetlinkPayload::InnerMessage(NetfilterMessage {
            inner: NetfilterMessageInner::NfTables(inner),
            ..
        }) => Some(inner),
        _ => None,
    }
}
