//! Expressions: one function each, with the line that `nft --debug=netlink` prints for it.

use super::batch::Batch;
use super::wire::*;
use crate::plan::rules::{Reject, SEED, Verdict};

/// `{ NAME, { DATA } }` in a rule's list of expressions.
fn expression(b: &mut Batch, name: &str, data: impl FnOnce(&mut Batch)) {
    b.nest(NFTA_LIST_ELEM, |b| {
        b.str(NFTA_EXPR_NAME, name);
        b.nest(NFTA_EXPR_DATA, data);
    });
}

/// The number of the register at `offset` bytes: the kernel has four of 16 bytes, numbered from 1,
/// and the same room as sixteen of 4, numbered from 8. nft reads back the wider where both fit.
pub(super) fn register(offset: u32) -> u32 {
    if offset.is_multiple_of(16) { 1 + offset / 16 } else { 8 + offset / 4 }
}

/// `[ meta load KEY => reg DREG ]`
pub(super) fn meta(b: &mut Batch, key: u32, dreg: u32) {
    expression(b, "meta", |b| {
        b.u32(2, key);
        b.u32(1, dreg);
    });
}

/// `[ payload load LENGTHb @ BASE + OFFSET => reg DREG ]`
pub(super) fn payload(b: &mut Batch, base: u32, offset: u32, length: u32, dreg: u32) {
    expression(b, "payload", |b| {
        b.u32(1, dreg);
        b.u32(2, base);
        b.u32(3, offset);
        b.u32(4, length);
    });
}

/// `[ ct load KEY => reg DREG ]`
pub(super) fn ct(b: &mut Batch, key: u32, dreg: u32) {
    expression(b, "ct", |b| {
        b.u32(2, key);
        b.u32(1, dreg);
    });
}

/// `[ ct load KEY => reg DREG , dir original ]`
pub(super) fn ct_original(b: &mut Batch, key: u32, dreg: u32) {
    expression(b, "ct", |b| {
        b.u32(2, key);
        b.u32(1, dreg);
        b.u8(3, IP_CT_DIR_ORIGINAL);
    });
}

/// `[ fib FLAGS RESULT => reg DREG ]`
pub(super) fn fib(b: &mut Batch, flags: u32, result: u32, dreg: u32) {
    expression(b, "fib", |b| {
        b.u32(3, flags);
        b.u32(2, result);
        b.u32(1, dreg);
    });
}

/// `[ numgen reg DREG = inc mod MODULUS ]`, or `random`.
pub(super) fn numgen(b: &mut Batch, by: u32, modulus: u32, dreg: u32) {
    expression(b, "numgen", |b| {
        b.u32(1, dreg);
        b.u32(2, modulus);
        b.u32(3, by);
        b.u32(4, 0);
    });
}

/// `[ hash reg DREG = jhash(reg SREG, LENGTH, SEED) % mod MODULUS ]`
pub(super) fn jhash(b: &mut Batch, sreg: u32, length: u32, modulus: u32, dreg: u32) {
    expression(b, "hash", |b| {
        b.u32(1, sreg);
        b.u32(2, dreg);
        b.u32(3, length);
        b.u32(4, modulus);
        b.u32(5, SEED);
        b.u32(6, 0);
        b.u32(7, NFT_HASH_JENKINS);
    });
}

/// `[ cmp OP reg SREG VALUE ]`
pub(super) fn cmp(b: &mut Batch, sreg: u32, op: u32, value: &[u8]) {
    expression(b, "cmp", |b| {
        b.u32(1, sreg);
        b.u32(2, op);
        b.nest(3, |b| b.bytes(NFTA_DATA_VALUE, value));
    });
}

/// `[ bitwise reg REG = ( reg REG & MASK ) ^ 0 ]`
pub(super) fn mask(b: &mut Batch, reg: u32, mask: &[u8]) {
    expression(b, "bitwise", |b| {
        b.u32(1, reg);
        b.u32(2, reg);
        // No mask is longer than an address.
        b.u32(3, u32::try_from(mask.len()).unwrap_or_default());
        b.nest(4, |b| b.bytes(NFTA_DATA_VALUE, mask));
        b.nest(5, |b| {
            let open = b.open_flat(NFTA_DATA_VALUE);
            for _ in mask {
                b.put(&[0]);
            }
            b.close(open);
        });
    });
}

/// A set as a rule names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetRef<'a> {
    pub(super) name: &'a str,
    /// Its number within the batch that makes it: an anonymous set has no other name yet.
    pub(super) id: u32,
}

/// `[ lookup reg 1 set NAME dreg DREG ]`
pub(super) fn lookup(b: &mut Batch, set: SetRef<'_>, dreg: Option<u32>, inverted: bool) {
    expression(b, "lookup", |b| {
        b.u32(2, register(0));
        if let Some(dreg) = dreg {
            b.u32(3, dreg);
        }
        b.str(1, set.name);
        b.u32(4, set.id);
        if inverted {
            b.u32(5, 1);
        }
    });
}

/// `[ nat dnat FAMILY addr_min reg ADDRESS proto_min reg PORT ]`
pub(super) fn dnat(b: &mut Batch, family: u8, address: u32, port: Option<u32>) {
    expression(b, "nat", |b| {
        b.u32(1, NFT_NAT_DNAT);
        b.u32(2, u32::from(family));
        b.u32(3, address);
        if let Some(port) = port {
            b.u32(5, port);
        }
    });
}

/// `[ masq ]`
pub(super) fn masquerade(b: &mut Batch) {
    expression(b, "masq", |_| {});
}

/// `[ redir ]`
pub(super) fn redirect(b: &mut Batch) {
    expression(b, "redir", |_| {});
}

/// `[ counter pkts 0 bytes 0 ]`
pub(super) fn counter(b: &mut Batch) {
    expression(b, "counter", |_| {});
}

/// `[ reject type TYPE code CODE ]`
pub(super) fn reject(b: &mut Batch, reject: Reject) {
    let (kind, code) = match reject {
        Reject::TcpReset => (NFT_REJECT_TCP_RST, 0),
        Reject::PortUnreachable => (NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH),
    };
    expression(b, "reject", |b| {
        b.u32(1, kind);
        b.u8(2, code);
    });
}

/// `[ immediate reg 0 VERDICT ]`
pub(super) fn verdict(b: &mut Batch, verdict: &Verdict) {
    expression(b, "immediate", |b| {
        b.u32(1, NFT_REG_VERDICT);
        b.nest(2, |b| verdict_data(b, verdict));
    });
}

/// `NFTA_DATA_VERDICT { CODE, CHAIN }`, in a rule and in an element.
pub(super) fn verdict_data(b: &mut Batch, verdict: &Verdict) {
    match verdict {
        Verdict::Accept => verdict_to(b, 1, None),
        Verdict::Drop => verdict_to(b, 0, None),
        Verdict::Return => verdict_to(b, -5, None),
        Verdict::Jump(chain) => verdict_to(b, NFT_JUMP, Some(chain)),
        Verdict::Goto(chain) => verdict_to(b, NFT_GOTO, Some(chain)),
    }
}

pub(super) const NFT_JUMP: i32 = -3;
pub(super) const NFT_GOTO: i32 = -4;

/// The same from its parts.
pub(super) fn verdict_to(b: &mut Batch, code: i32, chain: Option<&str>) {
    b.nest(NFTA_DATA_VERDICT, |b| {
        b.bytes(NFTA_VERDICT_CODE, &code.to_be_bytes());
        if let Some(chain) = chain {
            b.str(NFTA_VERDICT_CHAIN, chain);
        }
    });
}
