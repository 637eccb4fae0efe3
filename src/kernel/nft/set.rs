//! Sets and maps, and their elements.

use std::net::IpAddr;

use super::batch::Batch;
use super::expr::{NFT_GOTO, NFT_JUMP, verdict_data, verdict_to};
use super::rule::{ANONYMOUS, bit};
use super::wire::*;
use crate::error::{Error, Kind, Result};
use crate::plan::rules::{Data, Element, Set, SetElements, State, Type, Value, Verdict};

/// nft's number and the length in bytes of a type. The kernel keeps the number for whoever lists.
pub(super) const TYPES: [(Type, u32, u32); 6] = [
    (Type::Slot, 4, 4),
    (Type::Ipv4Addr, 7, 4),
    (Type::Ipv6Addr, 8, 16),
    (Type::InetProto, 12, 1),
    (Type::InetService, 13, 2),
    (Type::Ifname, 41, 16),
];
/// nft's number of a connection's state.
const CT_STATE: u32 = 26;
/// A concatenation's number is its fields' numbers, six bits each.
pub(super) const TYPE_BITS: u32 = 6;

/// Byte order in nft's user data: it prints `"nb-1"` backwards without.
const INVALID: u32 = 0;
const HOST: u32 = 1;
const NETWORK: u32 = 2;

/// Number, length in bytes and byte order of a key or of a map's data.
fn number(types: &[Type]) -> (u32, u32, u32) {
    let of = |one: &Type| {
        let row = TYPES.iter().find(|row| row.0 == *one);
        row.map_or((0, 0), |&(_, number, length)| (number, length))
    };
    if let [one] = types {
        let (number, length) = of(one);
        return (number, length, if *one == Type::Ifname { HOST } else { NETWORK });
    }
    let join = |(number, length), one| {
        let (next, bytes): (u32, u32) = of(one);
        (number << TYPE_BITS | next, length + bytes.next_multiple_of(4))
    };
    let (number, length) = types.iter().fold((0, 0), join);
    (number, length, INVALID)
}

/// `nft add set`, `nft add map`.
pub(super) fn new_set(b: &mut Batch, table: &str, set: &Set, id: u32) {
    let (key_type, key_len, key_order) = number(&set.key);
    let data = set.data.as_ref().map(|data| match data {
        Data::Verdict => (NFT_DATA_VERDICT, 0, INVALID),
        Data::Values(data) => number(data),
    });
    let mut flags = if data.is_some() { NFT_SET_MAP } else { 0 };
    if set.interval {
        flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
    }
    b.message(NFT_MSG_NEWSET, NLM_F_CREATE);
    b.str(NFTA_SET_TABLE, table);
    b.str(NFTA_SET_NAME, &set.name);
    b.u32(NFTA_SET_FLAGS, flags);
    b.u32(NFTA_SET_KEY_TYPE, key_type);
    b.u32(NFTA_SET_KEY_LEN, key_len);
    if let Some((data_type, data_len, _)) = data {
        b.u32(NFTA_SET_DATA_TYPE, data_type);
        b.u32(NFTA_SET_DATA_LEN, data_len);
    }
    b.u32(NFTA_SET_ID, id);
    if set.interval {
        // The kernel's pipapo matches field by field, and must know where each ends.
        b.nest(NFTA_SET_DESC, |b| b.nest(NFTA_SET_DESC_CONCAT, |b| fields(b, &set.key)));
    }
    if set.by_example() {
        examples(b, set, key_order, data.map_or(INVALID, |(_, _, order)| order));
    } else {
        user_data(b, key_order, data.map(|(_, _, order)| order));
    }
}

fn fields(b: &mut Batch, key: &[Type]) {
    for field in key {
        let (_, length, _) = number(std::slice::from_ref(field));
        b.nest(NFTA_LIST_ELEM, |b| b.u32(NFTA_SET_FIELD_LEN, length));
    }
}

/// Byte orders as type, length and value: opaque to the kernel, for `nft list`.
fn user_data(b: &mut Batch, key: u32, data: Option<u32>) {
    let open = b.open_flat(NFTA_SET_USERDATA);
    for (kind, order) in [(0, Some(key)), (1, data)] {
        if let Some(order) = order {
            b.put(&[kind, 4]);
            b.put(&order.to_ne_bytes());
        }
    }
    b.close(open);
}

/// What `typeof` was: nft's notes to itself, as type, length and value, nested. Opaque to the kernel;
/// without them nft would not know how to print the elements, nor how wide a slot is.
fn examples(b: &mut Batch, set: &Set, key_order: u32, data_order: u32) {
    let open = b.open_flat(NFTA_SET_USERDATA);
    b.put(&note(0, &key_order.to_ne_bytes()));
    b.put(&note(1, &data_order.to_ne_bytes()));
    b.put(&note(3, &example(&set.key)));
    if let Some(Data::Values(data)) = &set.data {
        b.put(&note(4, &example(data)));
    }
    b.put(&note(6, &0_u32.to_ne_bytes()));
    b.close(open);
}

fn note(kind: u8, value: &[u8]) -> Vec<u8> {
    // The longest is that of four fields, some 100 bytes.
    let length = u8::try_from(value.len()).unwrap_or_default();
    [&[kind, length], value].concat()
}

/// nft's `enum expr_types` and what each of them notes: one field, or a concatenation (13) of them.
fn example(types: &[Type]) -> Vec<u8> {
    let number = |kind, number: u32| note(kind, &number.to_ne_bytes());
    let expression = |kind, data: &[u8]| [number(0, kind), note(1, data)].concat();
    // The header in nft's numbering, and the field of it.
    let payload = |header, field| expression(7, &[number(0, header), number(1, field)].concat());
    let of = |one: &Type| match one {
        Type::Ipv4Addr => payload(12, 12),
        Type::Ipv6Addr => payload(13, 9),
        Type::InetService => payload(11, 2),
        Type::InetProto => expression(9, &number(0, NFT_META_L4PROTO)),
        Type::Ifname => expression(9, &number(0, NFT_META_IIFNAME)),
        Type::Slot => {
            expression(23, &[number(0, NFT_NG_INCREMENTAL), number(1, 60), number(2, 0)].concat())
        }
    };
    if let [one] = types {
        return of(one);
    }
    let fields = types.iter().zip(0..).flat_map(|(one, index)| note(index, &of(one)));
    expression(13, &fields.collect::<Vec<_>>())
}

/// The map of `ct state vmap { … }`, which has no name of its own.
pub(super) fn anonymous_map(b: &mut Batch, table: &str, id: u32, cases: &[(State, Verdict)]) {
    b.message(NFT_MSG_NEWSET, NLM_F_CREATE);
    b.str(NFTA_SET_TABLE, table);
    b.str(NFTA_SET_NAME, ANONYMOUS);
    b.u32(NFTA_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP);
    b.u32(NFTA_SET_KEY_TYPE, CT_STATE);
    b.u32(NFTA_SET_KEY_LEN, 4);
    b.u32(NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
    b.u32(NFTA_SET_DATA_LEN, 0);
    b.u32(NFTA_SET_ID, id);
    let size = u32::try_from(cases.len()).unwrap_or(u32::MAX);
    b.nest(NFTA_SET_DESC, |b| b.u32(NFTA_SET_DESC_SIZE, size));
    user_data(b, HOST, Some(INVALID));

    b.message(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    b.str(NFTA_SET_ELEM_LIST_TABLE, table);
    b.str(NFTA_SET_ELEM_LIST_SET, ANONYMOUS);
    b.u32(NFTA_SET_ELEM_LIST_SET_ID, id);
    b.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |b| {
        for (state, verdict) in cases {
            b.nest(NFTA_LIST_ELEM, |b| {
                b.nest(NFTA_SET_ELEM_KEY, |b| {
                    b.bytes(NFTA_DATA_VALUE, &bit(*state).to_ne_bytes());
                });
                b.nest(NFTA_SET_ELEM_DATA, |b| verdict_data(b, verdict));
            });
        }
    });
}

/// Which elements a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    /// The index of the set in what was asked for.
    pub(super) set: usize,
    /// The index of its first element.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

/// How elements are sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) kind: u16,
    pub(super) flags: u16,
    /// A map's data is not wanted to delete.
    pub(super) data: bool,
    /// At most that many in one message.
    pub(super) at_most: usize,
}

/// Appends elements of one set, in as many messages as they need: a nest has a 16-bit length.
pub(super) fn elements(
    b: &mut Batch,
    table: &str,
    (index, set): (usize, &SetElements),
    sending: Sending,
    carried: &mut Vec<Carried>,
) -> Result<()> {
    let mut first = 0;
    while first < set.elements.len() {
        b.message(sending.kind, sending.flags);
        b.str(NFTA_SET_ELEM_LIST_TABLE, table);
        b.str(NFTA_SET_ELEM_LIST_SET, &set.set);
        let start = b.len();
        let list = b.open(NFTA_SET_ELEM_LIST_ELEMENTS);
        let mut count = 0;
        for one in set.elements.iter().skip(first).take(sending.at_most) {
            let before = b.len();
            element(b, one, sending.data)?;
            if b.len() - start > usize::from(u16::MAX) {
                b.truncate(before);
                break;
            }
            count += 1;
        }
        b.close(list);
        if count == 0 {
            return Err(Error::new(Kind::Invalid, "an element is longer than netlink can carry"));
        }
        carried.push(Carried { set: index, first, count });
        first += count;
    }
    Ok(())
}

fn element(b: &mut Batch, element: &Element, with_data: bool) -> Result<()> {
    b.try_nest(NFTA_LIST_ELEM, |b| {
        b.try_nest(NFTA_SET_ELEM_KEY, |b| values(b, &element.key))?;
        if let Some(end) = &element.key_end {
            if element.key.len() < 2 {
                let what = format!("{element} spans one field: netberth's spans have two or more");
                return Err(Error::new(Kind::Invalid, what));
            }
            b.try_nest(NFTA_SET_ELEM_KEY_END, |b| values(b, end))?;
        }
        match element.data.as_slice() {
            _ if !with_data => Ok(()),
            [] => Ok(()),
            [Value::Goto(chain)] => {
                b.nest(NFTA_SET_ELEM_DATA, |b| verdict_to(b, NFT_GOTO, Some(chain)));
                Ok(())
            }
            [Value::Jump(chain)] => {
                b.nest(NFTA_SET_ELEM_DATA, |b| verdict_to(b, NFT_JUMP, Some(chain)));
                Ok(())
            }
            data => b.try_nest(NFTA_SET_ELEM_DATA, |b| values(b, data)),
        }
    })
}

/// `NFTA_DATA_VALUE`: each field of a concatenation fills a multiple of four bytes; a field alone
/// does not.
fn values(b: &mut Batch, values: &[Value]) -> Result<()> {
    let open = b.open_flat(NFTA_DATA_VALUE);
    for value in values {
        scalar(value, |bytes| b.put(bytes))?;
        if values.len() > 1 {
            b.pad();
        }
    }
    b.close(open);
    Ok(())
}

/// Gives a value as the kernel has it in a register.
#[inline]
pub(super) fn scalar(value: &Value, mut put: impl FnMut(&[u8])) -> Result<()> {
    match value {
        Value::Ifname(name) if name.is_empty() || name.len() > 15 || name.contains('\0') => {
            let what = format!("{name:?} is no interface's name: 1 to 15 bytes");
            return Err(Error::new(Kind::Invalid, what));
        }
        Value::Ifname(name) => {
            put(name.as_bytes());
            put([0; 16].get(name.len()..).unwrap_or_default());
        }
        Value::Addr(IpAddr::V4(address)) => put(&address.octets()),
        Value::Addr(IpAddr::V6(address)) => put(&address.octets()),
        Value::Proto(proto) => put(&[*proto]),
        Value::Port(port) => put(&port.to_be_bytes()),
        // As `numgen` and `jhash` leave it in a register.
        Value::Slot(slot) => put(&slot.to_ne_bytes()),
        Value::Goto(_) | Value::Jump(_) => {
            let what = format!("{value} must be all that an element leads to");
            return Err(Error::new(Kind::Invalid, what));
        }
    }
    Ok(())
}
