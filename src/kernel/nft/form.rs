//! What the kernel lists, as text to compare: equal for things that are equal to the kernel.

use std::fmt::Write;

use super::read::{Attr, Attrs};
use super::wire::*;

/// No tree of the kernel's is deeper.
const DEPTH: usize = 6;

/// The attributes that are chosen, by number, but for those that are zero: to the kernel these are
/// the same as none, and it lists some that nobody sent.
pub(super) fn of(attrs: Attrs<'_>, wanted: impl Fn(u16) -> bool, nested: Nested) -> String {
    let mut text = String::new();
    let mut chosen: Vec<Attr<'_>> = attrs.filter(|attr| wanted(attr.kind)).collect();
    chosen.sort_by_key(|attr| attr.kind);
    for attr in chosen {
        leaves(attr, &mut vec![attr.kind], nested, &mut text);
    }
    text
}

/// Whether there are attributes at a path: the kernel does not always mark nests.
pub(super) type Nested = fn(&[u16]) -> bool;

fn leaves(attr: Attr<'_>, path: &mut Vec<u16>, nested: Nested, into: &mut String) {
    if nested(path) && path.len() < DEPTH {
        for inner in attr.attrs() {
            path.push(inner.kind);
            leaves(inner, path, nested, into);
            path.pop();
        }
        return;
    }
    if attr.payload.iter().all(|byte| *byte == 0) {
        return;
    }
    for step in path.iter() {
        let _ = write!(into, ".{step}");
    }
    into.push('=');
    for byte in attr.payload {
        let _ = write!(into, "{byte:02x}");
    }
}

/// The nests of a set.
fn in_set(path: &[u16]) -> bool {
    path.first() == Some(&NFTA_SET_DESC)
        && (path.len() == 1 || path.get(1) == Some(&NFTA_SET_DESC_CONCAT) && path.len() < 4)
}

/// The text of a set: flags, types and lengths, policy, description, timeout.
pub(super) fn of_set(attrs: &Attrs<'_>) -> String {
    let verdicts = attrs.u32(NFTA_SET_DATA_TYPE) == Some(NFT_DATA_VERDICT);
    let wanted = |kind: u16| match kind {
        // The kernel lists the length that a verdict has in its memory.
        NFTA_SET_DATA_LEN => !verdicts,
        NFTA_SET_FLAGS..=NFTA_SET_DESC | NFTA_SET_TIMEOUT => true,
        _ => false,
    };
    of(attrs.clone(), wanted, in_set)
}

/// The nests of each expression that netberth's rules are made of; an immediate verdict is deeper.
pub(super) fn in_expression(name: &str) -> Nested {
    match name {
        "cmp" => |path| matches!(path, [3]),
        "immediate" => |path| matches!(path, [2] | [2, NFTA_DATA_VERDICT]),
        "bitwise" => |path| matches!(path, [4 | 5]),
        _ => |_| false,
    }
}

/// The text of an expression but for look-ups, which name a set.
pub(super) fn of_expression(name: &str, data: &Attrs<'_>) -> String {
    let own = |kind: u16| data.get(kind).map(|attr| attr.payload);
    let wanted = |kind: u16| match (name, kind) {
        // Counts are not what a rule is.
        ("counter", _) => false,
        // A range of one address, or of one port.
        ("nat", 4 | 6) => own(kind) != own(kind - 1),
        // NF_NAT_RANGE_MAP_IPS and _PROTO_SPECIFIED, which the kernel adds by itself.
        ("nat", 7) => data.u32(kind).is_some_and(|flags| flags & !3 != 0),
        _ => true,
    };
    // nft turns single bytes round, two at a time: nothing happens.
    if name == "byteorder" && data.u32(4) < data.u32(5) {
        return String::new();
    }
    let text = of(data.clone(), wanted, in_expression(name));
    format!("{name}{text};")
}
