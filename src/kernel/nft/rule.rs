//! A rule's statements as the kernel's expressions, in the form that `nft list` reads back.

use ipnet::IpNet;

use super::batch::Batch;
use super::expr::{self, SetRef, register};
use super::set;
use super::wire::*;
use crate::error::{Error, Kind, Result};
use crate::plan::rules::{Family, Field, Rule, State, Statement, Table, Test, Value, Verdict};

/// Writes the expressions of one rule.
pub(super) struct Rules<'a> {
    table: &'a Table,
    /// Numbers of the anonymous maps of this rule, in order.
    anonymous: std::vec::IntoIter<u32>,
    /// In family `inet` the IP version is not known until a rule has looked.
    family: Option<Family>,
}

/// The name under which the kernel finds a free one for an anonymous map.
pub(super) const ANONYMOUS: &str = "__map%d";

impl<'a> Rules<'a> {
    pub(super) fn new(table: &'a Table, anonymous: Vec<u32>) -> Self {
        Rules { table, anonymous: anonymous.into_iter(), family: None }
    }

    /// All of a rule.
    pub(super) fn write(mut self, b: &mut Batch, rule: &Rule) -> Result<()> {
        rule.0.iter().try_for_each(|statement| self.statement(b, statement))
    }

    fn statement(&mut self, b: &mut Batch, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Match { key, test } => self.test(b, key, test)?,
            Statement::Nfproto(family) => self.of_family(b, *family),
            Statement::CtState(states) => {
                expr::ct(b, NFT_CT_STATE, register(0));
                any_bit(b, states.iter().fold(0, |bits, state| bits | bit(*state)));
            }
            Statement::CtStatusDnat => {
                expr::ct(b, NFT_CT_STATUS, register(0));
                any_bit(b, IPS_DST_NAT);
            }
            Statement::NoRouteBack => {
                let flags = NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT;
                expr::fib(b, flags, NFT_FIB_RESULT_OIF, register(0));
                expr::cmp(b, register(0), NFT_CMP_EQ, &[0; 4]);
            }
            Statement::ToLocal => {
                expr::fib(b, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE, register(0));
                expr::cmp(b, register(0), NFT_CMP_EQ, &RTN_LOCAL.to_ne_bytes());
            }
            Statement::SameWay => {
                let flags = NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT;
                expr::fib(b, flags, NFT_FIB_RESULT_OIF, register(0));
                // One byte, in front in either byte order.
                expr::cmp(b, register(0), NFT_CMP_EQ, &[1, 0, 0, 0]);
            }
            Statement::IcmpRedirect(Family::Ipv4) => self.icmp(b, Family::Ipv4, 5),
            Statement::IcmpRedirect(Family::Ipv6) => self.icmp(b, Family::Ipv6, 137),
            Statement::EchoRequest(Family::Ipv4) => self.icmp(b, Family::Ipv4, 8),
            Statement::EchoRequest(Family::Ipv6) => self.icmp(b, Family::Ipv6, 128),
            Statement::StateVmap(_) => {
                let id = self.anonymous.next().ok_or_else(|| {
                    Error::new(Kind::Bug, format!("no map was made for {statement}"))
                })?;
                expr::ct(b, NFT_CT_STATE, register(0));
                let map = SetRef { name: ANONYMOUS, id };
                expr::lookup(b, map, Some(NFT_REG_VERDICT), false);
            }
            Statement::Vmap { key, map } => {
                self.load_all(b, key);
                expr::lookup(b, self.set(map)?, Some(NFT_REG_VERDICT), false);
            }
            Statement::Dnat { family, key, map } => self.dnat(b, *family, key, map)?,
            Statement::Masquerade => expr::masquerade(b),
            Statement::Redirect => expr::redirect(b),
            Statement::Reject(reject) => expr::reject(b, *reject),
            Statement::Counter => expr::counter(b),
            Statement::Verdict(verdict) => expr::verdict(b, verdict),
        }
        Ok(())
    }

    fn test(&mut self, b: &mut Batch, key: &[Field], test: &Test) -> Result<()> {
        match (key, test) {
            (_, Test::In(set)) => {
                self.load_all(b, key);
                expr::lookup(b, self.set(set)?, None, false);
            }
            (_, Test::NotIn(set)) => {
                self.load_all(b, key);
                expr::lookup(b, self.set(set)?, None, true);
            }
            ([field], Test::Is(value)) => self.compare(b, *field, NFT_CMP_EQ, value)?,
            ([field], Test::IsNot(value)) => self.compare(b, *field, NFT_CMP_NEQ, value)?,
            ([field], Test::Within(prefix)) => self.within(b, *field, *prefix)?,
            _ => return Err(Error::new(Kind::Bug, format!("{test} wants one field"))),
        }
        Ok(())
    }

    fn compare(&mut self, b: &mut Batch, field: Field, op: u32, value: &Value) -> Result<()> {
        self.load(b, field, 0);
        expr::cmp(b, register(0), op, &bytes(value)?);
        Ok(())
    }

    /// A prefix of whole bytes is compared by loading those bytes only, another by a mask.
    fn within(&mut self, b: &mut Batch, field: Field, prefix: IpNet) -> Result<()> {
        let address = bytes(&Value::Addr(prefix.network()))?;
        let mask = bytes(&Value::Addr(prefix.netmask()))?;
        let whole = usize::from(prefix.prefix_len() / 8);
        let (Field::Saddr(family) | Field::Daddr(family)) = field else {
            return Err(Error::new(Kind::Bug, format!("{field} is no address of a packet")));
        };
        self.of_family(b, family);
        let taken = if prefix.prefix_len().is_multiple_of(8) { whole } else { mask.len() };
        let (offset, _) = place(field);
        let length = u32::try_from(taken).unwrap_or_default();
        expr::payload(b, NFT_PAYLOAD_NETWORK_HEADER, offset, length, register(0));
        if taken != whole {
            expr::mask(b, register(0), &mask);
        }
        expr::cmp(b, register(0), NFT_CMP_EQ, address.get(..taken).unwrap_or_default());
        Ok(())
    }

    fn dnat(&mut self, b: &mut Batch, family: Family, key: &[Field], map: &str) -> Result<()> {
        // nft asks for the family first even where the key does not need it; the kernel refuses
        // to translate an address of the other one.
        self.of_family(b, family);
        self.load_all(b, key);
        expr::lookup(b, self.set(map)?, Some(register(0)), false);
        let with_port = match self.table.set(map).and_then(|set| set.data.as_ref()) {
            Some(crate::plan::rules::Data::Values(data)) => data.len() > 1,
            _ => return Err(Error::new(Kind::Bug, format!("@{map} has no address to go to"))),
        };
        let (number, after) = match family {
            Family::Ipv4 => (NFPROTO_IPV4, 4),
            Family::Ipv6 => (NFPROTO_IPV6, 16),
        };
        expr::dnat(b, number, register(0), with_port.then(|| register(after)));
        Ok(())
    }

    fn icmp(&mut self, b: &mut Batch, family: Family, kind: u8) {
        let proto = match family {
            Family::Ipv4 => 1,
            Family::Ipv6 => 58,
        };
        self.of_family(b, family);
        expr::meta(b, NFT_META_L4PROTO, register(0));
        expr::cmp(b, register(0), NFT_CMP_EQ, &[proto]);
        expr::payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, register(0));
        expr::cmp(b, register(0), NFT_CMP_EQ, &[kind]);
    }

    /// `meta nfproto`, once in a rule: without it an IPv4 offset would be read from IPv6.
    fn of_family(&mut self, b: &mut Batch, family: Family) {
        if self.family == Some(family) {
            return;
        }
        self.family = Some(family);
        let number = match family {
            Family::Ipv4 => NFPROTO_IPV4,
            Family::Ipv6 => NFPROTO_IPV6,
        };
        expr::meta(b, NFT_META_NFPROTO, register(0));
        expr::cmp(b, register(0), NFT_CMP_EQ, &[number]);
    }

    /// Loads the fields side by side, each from a multiple of four bytes on.
    fn load_all(&mut self, b: &mut Batch, key: &[Field]) {
        for field in key {
            if let Field::Saddr(family) | Field::Daddr(family) = field {
                self.of_family(b, *family);
            }
        }
        let whole: u32 = key.iter().map(|field| place(*field).1.next_multiple_of(4)).sum();
        let mut offset = 0;
        for field in key {
            if let Field::Client(family, modulus) = field {
                // nft's own choice: behind the key, and as much again as an address takes.
                let from = register(16 + whole);
                let (at, length) = place(Field::Saddr(*family));
                expr::payload(b, NFT_PAYLOAD_NETWORK_HEADER, at, length, from);
                expr::jhash(b, from, length, *modulus, register(offset));
                offset += 4;
            } else {
                offset += self.load(b, *field, offset);
            }
        }
    }

    /// Loads a field and says how much room it takes.
    fn load(&mut self, b: &mut Batch, field: Field, at: u32) -> u32 {
        let dreg = register(at);
        let (offset, length) = place(field);
        match field {
            Field::Iifname => expr::meta(b, NFT_META_IIFNAME, dreg),
            Field::Oifname => expr::meta(b, NFT_META_OIFNAME, dreg),
            Field::L4proto => expr::meta(b, NFT_META_L4PROTO, dreg),
            Field::Saddr(family) | Field::Daddr(family) => {
                self.of_family(b, family);
                expr::payload(b, NFT_PAYLOAD_NETWORK_HEADER, offset, length, dreg);
            }
            Field::Dport => expr::payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, length, dreg),
            Field::Turn(modulus) => expr::numgen(b, NFT_NG_INCREMENTAL, modulus, dreg),
            // What a client's number is made of is loaded with the whole key.
            Field::Chance(modulus) | Field::Client(_, modulus) => {
                expr::numgen(b, NFT_NG_RANDOM, modulus, dreg);
            }
            Field::OriginalDaddr(Family::Ipv4) => expr::ct_original(b, NFT_CT_DST_IP, dreg),
            Field::OriginalDaddr(Family::Ipv6) => expr::ct_original(b, NFT_CT_DST_IP6, dreg),
        }
        length.next_multiple_of(4)
    }

    fn set<'n>(&self, name: &'n str) -> Result<SetRef<'n>> {
        let at = self.table.sets.iter().position(|set| set.name == name);
        let id = at.and_then(|at| u32::try_from(at + 1).ok());
        let id = id.ok_or_else(|| Error::new(Kind::Bug, format!("no set is called {name}")))?;
        Ok(SetRef { name, id })
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    set::scalar(value, |some| bytes.extend_from_slice(some))?;
    Ok(bytes)
}

/// Where a field lies in its header, and how long it is.
fn place(field: Field) -> (u32, u32) {
    match field {
        Field::Iifname | Field::Oifname | Field::OriginalDaddr(Family::Ipv6) => (0, 16),
        Field::L4proto => (0, 1),
        Field::OriginalDaddr(Family::Ipv4)
        | Field::Turn(_)
        | Field::Chance(_)
        | Field::Client(..) => (0, 4),
        Field::Saddr(Family::Ipv4) => (12, 4),
        Field::Daddr(Family::Ipv4) => (16, 4),
        Field::Saddr(Family::Ipv6) => (8, 16),
        Field::Daddr(Family::Ipv6) => (24, 16),
        Field::Dport => (2, 2),
    }
}

/// `[ bitwise … & BITS ] [ cmp neq 0 ]`
fn any_bit(b: &mut Batch, bits: u32) {
    expr::mask(b, register(0), &bits.to_ne_bytes());
    expr::cmp(b, register(0), NFT_CMP_NEQ, &[0; 4]);
}

/// `NF_CT_STATE_BIT`; the register is in host byte order.
pub(super) fn bit(state: State) -> u32 {
    match state {
        State::Invalid => 1,
        State::Established => 2,
        State::Related => 4,
        State::New => 8,
        State::Untracked => 64,
    }
}

/// The anonymous maps of a rule.
pub(super) fn state_maps(rule: &Rule) -> impl Iterator<Item = &[(State, Verdict)]> {
    rule.0.iter().filter_map(|statement| match statement {
        Statement::StateVmap(cases) => Some(cases.as_slice()),
        _ => None,
    })
}
