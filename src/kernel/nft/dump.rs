//! Elements as the kernel lists them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::batch::Batch;
use super::expr::{NFT_GOTO, NFT_JUMP};
use super::read::{Attrs, Message};
use super::set::{TYPE_BITS, TYPES};
use super::wire::*;
use crate::error::{Error, Kind, Result};
use crate::plan::rules::{Data, Element, Type, Value};

/// Asks for a set's types.
pub(super) fn get_set(table: &str, set: &str) -> Result<Batch> {
    let mut b = Batch::request(NFT_MSG_GETSET, 0);
    b.str(NFTA_SET_TABLE, table);
    b.str(NFTA_SET_NAME, set);
    b.check()?;
    Ok(b)
}

/// Asks for a set's elements.
pub(super) fn get_elements(table: &str, set: &str) -> Result<Batch> {
    let mut b = Batch::request(NFT_MSG_GETSETELEM, NLM_F_DUMP);
    b.str(NFTA_SET_ELEM_LIST_TABLE, table);
    b.str(NFTA_SET_ELEM_LIST_SET, set);
    b.check()?;
    Ok(b)
}

/// The types of a key and of a map's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetType {
    key: Vec<Type>,
    data: Option<Data>,
}

/// Reads the answer to [`get_set`].
pub(super) fn set_type(message: &Message<'_>) -> Result<SetType> {
    of_attrs(&message.attrs())
}

/// The same from a set's attributes.
pub(super) fn of_attrs(attrs: &Attrs<'_>) -> Result<SetType> {
    let key = types(attrs.u32(NFTA_SET_KEY_TYPE).unwrap_or_default())?;
    let data = match attrs.u32(NFTA_SET_DATA_TYPE) {
        None => None,
        Some(NFT_DATA_VERDICT) => Some(Data::Verdict),
        Some(number) => Some(Data::Values(types(number)?)),
    };
    Ok(SetType { key, data })
}

fn types(number: u32) -> Result<Vec<Type>> {
    let mut types = Vec::new();
    let mut rest = number;
    while rest != 0 {
        let one = rest & ((1 << TYPE_BITS) - 1);
        let row = TYPES.iter().find(|row| row.1 == one).ok_or_else(|| {
            let what = format!("the set is of nft's type {one}, which netberth does not use");
            Error::new(Kind::Unsupported, what)
        })?;
        types.push(row.0);
        rest >>= TYPE_BITS;
    }
    types.reverse();
    Ok(types)
}

/// Appends the elements of one message of the dump. One that cannot be read as the set's type says
/// is passed over: it is not one of ours.
pub(super) fn elements(message: &Message<'_>, of: &SetType, into: &mut Vec<Element>) {
    if message.kind == NFT_MSG_NEWSETELEM
        && let Some(list) = message.attrs().get(NFTA_SET_ELEM_LIST_ELEMENTS)
    {
        into.extend(list.attrs().filter_map(|one| element(&one.attrs(), of)));
    }
}

/// One element, if it is as the set's type says.
pub(super) fn element(attrs: &Attrs<'_>, of: &SetType) -> Option<Element> {
    let value = |kind| attrs.get(kind)?.attrs().get(NFTA_DATA_VALUE);
    let key = values(value(NFTA_SET_ELEM_KEY)?.payload, &of.key)?;
    let key_end = match value(NFTA_SET_ELEM_KEY_END) {
        Some(end) => Some(values(end.payload, &of.key)?),
        None => None,
    };
    let data = match &of.data {
        None => Vec::new(),
        Some(Data::Values(types)) => values(value(NFTA_SET_ELEM_DATA)?.payload, types)?,
        Some(Data::Verdict) => {
            let data = attrs.get(NFTA_SET_ELEM_DATA)?.attrs();
            vec![verdict(&data.get(NFTA_DATA_VERDICT)?.attrs())?]
        }
    };
    // A single key in an interval set comes back as a span of one.
    Some(Element { key_end: key_end.filter(|end| *end != key), key, data })
}

fn verdict(attrs: &Attrs<'_>) -> Option<Value> {
    let chain = attrs.str(NFTA_VERDICT_CHAIN)?.to_owned();
    match i32::from_be_bytes(attrs.u32(NFTA_VERDICT_CODE)?.to_be_bytes()) {
        NFT_GOTO => Some(Value::Goto(chain)),
        NFT_JUMP => Some(Value::Jump(chain)),
        _ => None,
    }
}

fn values(mut bytes: &[u8], types: &[Type]) -> Option<Vec<Value>> {
    let mut values = Vec::with_capacity(types.len());
    for one in types {
        let (value, length) = match one {
            Type::Ifname => {
                let name = bytes.get(..16)?.split(|&byte| byte == 0).next()?;
                (Value::Ifname(String::from_utf8(name.to_vec()).ok()?), 16)
            }
            Type::Ipv4Addr => {
                (Value::Addr(IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?))), 4)
            }
            Type::Ipv6Addr => {
                (Value::Addr(IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?))), 16)
            }
            Type::InetProto => (Value::Proto(*bytes.first()?), 1_usize),
            Type::InetService => (Value::Port(u16::from_be_bytes(*bytes.first_chunk()?)), 2),
            Type::Slot => (Value::Slot(u32::from_ne_bytes(*bytes.first_chunk()?)), 4),
        };
        values.push(value);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(values)
}
