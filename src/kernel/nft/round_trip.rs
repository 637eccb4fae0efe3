//! What is written is read; what is damaged is not believed, and never panics.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::batch::Batch;
use super::elements::{ADD, DELETE, DESTROY, Elements, halves, without};
use super::golden::{examples, span, spans};
use super::list::{Listing, as_listed};
use super::read::{Ack, Attrs, Message, Messages};
use super::set::{Carried, Sending};
use super::socket::Refusal;
use super::wire::*;
use super::{dump, parts, table};
use crate::error::Kind;
use crate::plan::rules::{self, Element, SetElements, Value};

fn named(kind: u16, set: &str) -> impl Fn(&Message<'_>) -> bool {
    move |message| message.kind == kind && message.attrs().str(2) == Some(set)
}

/// The elements that our own request carries for a set, read as if the kernel had sent them.
fn read_back(batch: &[u8], set: &str) -> Vec<Element> {
    let mut table = rules::table("netberth");
    table.sets.extend(spans().sets);
    let (types, _) = table::encode(&table).unwrap();
    let of = Messages(types.as_bytes()).find(named(NFT_MSG_NEWSET, set)).unwrap();
    let of = dump::set_type(&of).unwrap();
    let mut found = Vec::new();
    Messages(batch)
        .filter(named(NFT_MSG_NEWSETELEM, set))
        .for_each(|message| dump::elements(&message, &of, &mut found));
    found
}

#[test]
fn every_form_is_read_back() {
    let mut sets = examples();
    sets.push(span());
    let batch = Elements::encode("netberth", &sets, ADD).unwrap().batch;
    for set in &sets {
        assert_eq!(read_back(batch.as_bytes(), &set.set), set.elements);
    }
}

/// Touches everything that is there, whatever it is.
fn walk(bytes: &[u8]) {
    fn deep(attrs: Attrs<'_>, depth: usize) {
        for attr in attrs.take(1000) {
            let _ = (attr.attrs().u32(1), attr.attrs().str(2));
            if depth > 0 {
                deep(attr.attrs(), depth - 1);
            }
        }
    }
    let plain = spans();
    let (types, _) = table::encode(&plain).unwrap();
    let of = Messages(types.as_bytes()).find(named(NFT_MSG_NEWSET, "span")).unwrap();
    let of = dump::set_type(&of).unwrap();
    let mut listing = Listing::default();
    Messages(types.as_bytes()).chain(Messages(bytes)).for_each(|message| listing.take(&message));
    let _ = listing.wants("spans");
    let tables = format!("{:?}", listing.into_tables());
    assert!(tables.contains("spans"));
    let _ = parts::read(Attrs(bytes), &BTreeMap::new());
    for message in Messages(bytes) {
        let _ = Ack::read(&message);
        let _ = dump::set_type(&message);
        dump::elements(&message, &of, &mut Vec::new());
        deep(message.attrs(), 5);
    }
}

fn valid() -> Vec<u8> {
    let plain = spans();
    let (batch, _) = table::encode(&plain).unwrap();
    let sets = [span()];
    let more = Elements::encode("spans", &sets, ADD).unwrap().batch;
    [batch.as_bytes(), more.as_bytes()].concat()
}

fn port_element() -> impl Strategy<Value = Element> {
    let bound = (any::<[u8; 4]>(), any::<u8>(), any::<u16>());
    let to = (any::<[u8; 4]>(), any::<u16>());
    (bound, to).prop_map(|((host, proto, port), (address, to))| Element {
        key: vec![Value::Addr(IpAddr::from(host)), Value::Proto(proto), Value::Port(port)],
        key_end: None,
        data: vec![Value::Addr(IpAddr::from(address)), Value::Port(to)],
    })
}

/// Values of every form, in any place, with names of any length.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::Ifname),
        any::<[u8; 4]>().prop_map(|four| Value::Addr(IpAddr::from(four))),
        any::<[u8; 16]>().prop_map(|six| Value::Addr(IpAddr::from(six))),
        any::<u8>().prop_map(Value::Proto),
        any::<u16>().prop_map(Value::Port),
        any::<String>().prop_map(Value::Goto),
        any::<String>().prop_map(Value::Jump),
    ]
}

fn any_element() -> impl Strategy<Value = Element> {
    let values = || vec(any_value(), 0..5);
    (values(), proptest::option::of(values()), values()).prop_map(|(key, key_end, data)| Element {
        key,
        key_end,
        data,
    })
}

proptest! {
    #[test]
    fn any_element_is_read_back_or_refused(
        elements in vec(any_element(), 1..4),
        set in prop::sample::select(vec!["br", "pair", "pub4", "pub6_any", "span4", "span6_any"]),
        cut in any::<Index>(),
    ) {
        let sets = [SetElements { set: set.to_owned(), elements }];
        for sending in [ADD, DELETE, DESTROY] {
            if let Ok(encoded) = Elements::encode("netberth", &sets, sending) {
                let bytes = encoded.batch.as_bytes();
                prop_assert!(Messages(bytes).count() >= 3);
                walk(&bytes[..cut.index(bytes.len())]);
            }
        }
        prop_assert!(table::encode(&rules::table(set)).is_ok());
    }

    #[test]
    fn any_name_of_a_table_is_written_or_refused(name in any::<String>()) {
        if let Ok((batch, _)) = table::encode(&rules::table(&name)) {
            let names = Messages(batch.as_bytes()).filter(|message| message.kind == NFT_MSG_NEWTABLE);
            for message in names {
                prop_assert_eq!(message.attrs().str(1), Some(name.as_str()));
            }
        }
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300)) {
        walk(&bytes);
    }

    /// An expression of any name with anything in it, in a rule of a table that is there.
    #[test]
    fn any_expression(name in "(meta|ct|cmp|bitwise|lookup|immediate|payload|match|target|nat)",
        data in vec(any::<u8>(), 0..180), list in vec((1_u16..8, vec(any::<u8>(), 0..24)), 0..6),
    ) {
        let mut batch = table::encode(&spans()).unwrap().0;
        for structured in [true, false] {
            batch.message(NFT_MSG_NEWRULE, 0);
            batch.str(NFTA_RULE_TABLE, "spans");
            batch.str(NFTA_RULE_CHAIN, "pub");
            batch.nest(NFTA_RULE_EXPRESSIONS, |b| b.nest(NFTA_LIST_ELEM, |b| {
                b.str(NFTA_EXPR_NAME, &name);
                b.nest(NFTA_EXPR_DATA, |b| if structured {
                    for (kind, bytes) in &list { b.bytes(*kind, bytes); }
                } else {
                    b.bytes(1, b"conntrack");
                    b.u32(2, 3);
                    b.bytes(3, &data);
                });
            }));
        }
        walk(batch.as_bytes());
    }

    #[test]
    fn valid_bytes_damaged(
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = valid();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        walk(&bytes);
        walk(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_port_is_read_back(elements in vec(port_element(), 0..40)) {
        let sets = [SetElements { set: "pub4".to_owned(), elements }];
        let batch = Elements::encode("netberth", &sets, ADD).unwrap().batch;
        prop_assert_eq!(&read_back(batch.as_bytes(), "pub4"), &sets[0].elements);
    }

    #[test]
    fn any_bridge_is_read_back(name in "[a-zA-Z0-9._-]{1,15}") {
        let key = vec![Value::Ifname(name)];
        let one = Element { key, key_end: None, data: vec![] };
        let sets = [SetElements { set: "br".to_owned(), elements: vec![one] }];
        let batch = Elements::encode("netberth", &sets, ADD).unwrap().batch;
        prop_assert_eq!(&read_back(batch.as_bytes(), "br"), &sets[0].elements);
    }
}

fn ports(count: u16) -> SetElements {
    let one = |port| Element {
        key: vec![Value::Proto(6), Value::Port(port)],
        key_end: None,
        data: vec![Value::Addr("10.0.0.2".parse().unwrap()), Value::Port(80)],
    };
    SetElements { set: "pub4_any".to_owned(), elements: (0..count).map(one).collect() }
}

/// What our own rules are made of can be told, but for what the judgement has no use for.
#[test]
fn our_own_rules_are_told() {
    let listed = as_listed(&rules::table("netberth")).unwrap();
    let chain = |name: &str| {
        let rules = listed.chain(name).unwrap().rules.iter();
        rules.map(ToString::to_string).collect::<Vec<_>>()
    };
    let texts = |name: &str| {
        let table = rules::table("netberth");
        let chain = table.chains.into_iter().find(|chain| chain.name == name).unwrap();
        chain.rules.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(chain("icc_off"), texts("icc_off"));
    assert_eq!(chain("nat_post"), texts("nat_post"));
    let forward = chain("forward");
    assert_eq!(forward[0], "ct state vmap { established : accept, related : accept }");
    assert_eq!(forward[2..], texts("forward")[2..]);
    assert_eq!(chain("pub")[0], "meta nfproto ipv4 [@pub4] [nat]");
}

/// `-m conntrack --ctstate …` as iptables-nft leaves it to the kernel's xtables.
#[test]
fn the_match_of_iptables_is_told() {
    let of = |flags: u16, inverted: u16, states: u16| {
        let mut info = vec![0; 146];
        for half in [flags, inverted, states, 0, 0, 0] {
            info.extend(half.to_ne_bytes());
        }
        let mut batch = Batch::new();
        batch.message(NFT_MSG_NEWRULE, 0);
        batch.nest(NFTA_LIST_ELEM, |b| {
            b.str(NFTA_EXPR_NAME, "match");
            b.nest(NFTA_EXPR_DATA, |b| {
                b.str(1, "conntrack");
                b.u32(2, 3);
                b.bytes(3, &info);
            });
        });
        batch.end().unwrap();
        let message = Messages(batch.as_bytes()).nth(1).unwrap();
        let (_, parts) = parts::read(message.attrs(), &BTreeMap::new());
        parts.iter().map(ToString::to_string).collect::<String>()
    };
    assert_eq!(of(1, 0, 2 | 4), "ct state established,related");
    assert_eq!(of(1, 0, 1), "ct state invalid");
    assert_eq!(of(1, 0, 0x80), "ct status dnat");
    for unclear in [of(1, 1, 2), of(3, 0, 2), of(1, 0, 0x40), of(1, 0, 0)] {
        assert!(unclear.starts_with('['), "{unclear}");
    }
}

#[test]
fn a_nest_holds_64_kib_and_then_there_is_another() {
    let sets = [ports(5000)];
    let elements = Elements::encode("netberth", &sets, ADD).unwrap();
    assert_eq!(elements.batch.messages(), 5, "36 bytes each, and a message before and after");
    assert_eq!(read_back(elements.batch.as_bytes(), "pub4_any"), sets[0].elements);

    // The kernel points at the third element of the third message.
    let message = elements.batch.message_bytes(3).unwrap();
    let body = message.len() - 20;
    let list = Attrs(&message[20..]).get(NFTA_SET_ELEM_LIST_ELEMENTS).unwrap().payload.len();
    let offset = 20 + body - list + 2 * list / Attrs(&message[message.len() - list..]).count();
    let ack = Ack { errno: libc::EEXIST, text: None, offset: Some(offset) };
    let refusal = Refusal { message: 3, ack };
    let at = elements.at(&refusal).unwrap().1.first + 2;
    let error = elements.error(&refusal);
    assert_eq!(error.kind(), Kind::Exists);
    let line = format!("nft add element inet netberth pub4_any {{ tcp . {at} : 10.0.0.2 . 80 }}: ");
    assert!(error.to_string().starts_with(&line), "{error}");
}

#[test]
fn what_cannot_be_an_element_is_refused_with_its_line() {
    let long = Value::Ifname("a-name-of-sixteen".to_owned());
    let key = vec![Value::Port(1)];
    let span = Element { key: key.clone(), key_end: Some(key), data: vec![] };
    let chain = Value::Goto("icc_on".to_owned());
    let chain = Element { key: vec![chain], key_end: None, data: vec![] };
    let named = Element { key: vec![long], key_end: None, data: vec![] };
    for element in [named, span, chain] {
        let sets = [SetElements { set: "br".to_owned(), elements: vec![element.clone()] }];
        let error = Elements::encode("netberth", &sets, ADD).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        let line = format!("nft add element inet netberth br {{ {element} }}: ");
        assert!(error.to_string().starts_with(&line), "{error}");
    }
}

#[test]
fn a_deletion_carries_keys_only() {
    let sets = [ports(3)];
    let each = Elements::encode("netberth", &sets, DELETE).unwrap();
    assert_eq!(each.batch.messages(), 5, "one each between begin and end");
    let sending = Sending { kind: NFT_MSG_NEWSETELEM, ..DESTROY };
    let together = Elements::encode("netberth", &sets, sending).unwrap();
    assert_eq!(together.batch.messages(), 3);
    assert!(read_back(together.batch.as_bytes(), "pub4_any").is_empty(), "a map's have data");
}

#[test]
fn what_is_gone_is_left_out_and_what_is_long_is_halved() {
    let sets = [ports(3), examples().remove(0)];
    let gone = [Carried { set: 0, first: 1, count: 1 }, Carried { set: 1, first: 0, count: 2 }];
    let left = without(&sets, &gone);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].elements, [sets[0].elements[0].clone(), sets[0].elements[2].clone()]);

    let [first, second] = halves(&sets).unwrap();
    assert_eq!(first, [ports(2)]);
    assert_eq!(second[0].elements, sets[0].elements[2..]);
    assert_eq!(second[1], sets[1]);
    assert_eq!(halves(&[ports(1)]), None);
}
