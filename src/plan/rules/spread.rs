//! How services spread new connections: constant rules for any number of them.
//!
//! A service has a number of slots, and each slot leads to one of its back ends. Where a connection
//! is for a service, a map says by which way its slot is found; the way's rules find it and look it
//! up. A back end that comes or goes changes slots, which are elements of maps, and no rule.

use super::netberth::{dnat, member};
use super::{Chain, Family, Family::Ipv4, Family::Ipv6, Field, Rule, Statement};

/// How many services may count for themselves.
pub const TURNS: u8 = 8;

/// How a service finds the slot of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each slot in turn, by a counter that the service has to itself; fewer than [`TURNS`].
    Turn(u8),
    /// By chance.
    Random,
    /// By the client's address.
    Source,
    /// By chance, of many slots.
    ManyRandom,
    /// By the client's address, of many slots.
    ManySource,
}

impl Way {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Way> {
        let turns = (0..TURNS).map(Way::Turn);
        turns.chain([Way::Random, Way::Source, Way::ManyRandom, Way::ManySource])
    }

    /// How many slots a service of this way has. 60 can be shared out evenly among up to 6, 10 and 12
    /// back ends, and 1020 is 17 times as many: the slot of a client in the one gives that in the
    /// other, because the kernel scales a number to a range instead of dividing it.
    pub const fn slots(self) -> u32 {
        match self {
            Way::Turn(_) | Way::Random | Way::Source => 60,
            Way::ManyRandom | Way::ManySource => 1020,
        }
    }

    fn suffix(self) -> String {
        match self {
            Way::Turn(number) => format!("turn{number}"),
            Way::Random => "random".to_owned(),
            Way::Source => "source".to_owned(),
            Way::ManyRandom => "many_random".to_owned(),
            Way::ManySource => "many_source".to_owned(),
        }
    }

    /// The chain for virtual addresses.
    pub fn vip_chain(self) -> String {
        format!("vip_{}", self.suffix())
    }

    /// The chain for published ports.
    pub fn svc_chain(self) -> String {
        format!("svc_{}", self.suffix())
    }

    fn slot(self, family: Family) -> Field {
        match self {
            Way::Turn(_) => Field::Turn(self.slots()),
            Way::Random | Way::ManyRandom => Field::Chance(self.slots()),
            Way::Source | Way::ManySource => Field::Client(family, self.slots()),
        }
    }
}

/// A virtual address answers ping, whoever is behind it.
pub(super) fn echo(family: Family, vips: &str, from: Option<Statement>) -> Rule {
    let condition = [Statement::EchoRequest(family), member(Field::Daddr(family), vips)];
    Rule::of(condition.into_iter().chain(from).chain([Statement::Redirect]))
}

/// Virtual addresses. Who jumps here does so twice: a look-up that runs while a change is committed
/// can miss both the slot's former back end and its new one, and the next one cannot.
pub(super) fn vip() -> Chain {
    let way = |family, map: &str| {
        Rule::of([Statement::Vmap { key: vec![Field::Daddr(family)], map: map.to_owned() }])
    };
    Chain::of("vip", [way(Ipv4, "svc4"), way(Ipv6, "svc6")])
}

/// Published ports of services, twice as well.
pub(super) fn svc() -> Chain {
    let vmap = |key, map: &str| Statement::Vmap { key, map: map.to_owned() };
    let rules = [
        Rule::of([vmap(bound(Ipv4), "psvc4")]),
        Rule::of([vmap(bound(Ipv6), "psvc6")]),
        Rule::of([Statement::Nfproto(Ipv4), vmap(any(), "psvc4_any")]),
        Rule::of([Statement::Nfproto(Ipv6), vmap(any(), "psvc6_any")]),
    ];
    Chain::of("svc", rules)
}

fn bound(family: Family) -> Vec<Field> {
    vec![Field::Daddr(family), Field::L4proto, Field::Dport]
}

fn any() -> Vec<Field> {
    vec![Field::L4proto, Field::Dport]
}

/// The chains of every way.
pub(super) fn ways() -> impl Iterator<Item = Chain> {
    Way::all().flat_map(|way| [vip_way(way), svc_way(way)])
}

fn vip_way(way: Way) -> Chain {
    let to = |family, map: &str| {
        Rule::of([dnat(family, vec![Field::Daddr(family), way.slot(family)], map)])
    };
    Chain::of(&way.vip_chain(), [to(Ipv4, "slot4"), to(Ipv6, "slot6")])
}

fn svc_way(way: Way) -> Chain {
    let to = |family, mut key: Vec<Field>, map: &str| {
        key.push(way.slot(family));
        dnat(family, key, map)
    };
    let rules = [
        Rule::of([to(Ipv4, bound(Ipv4), "pslot4")]),
        Rule::of([to(Ipv6, bound(Ipv6), "pslot6")]),
        Rule::of([Statement::Nfproto(Ipv4), to(Ipv4, any(), "pslot4_any")]),
        Rule::of([Statement::Nfproto(Ipv6), to(Ipv6, any(), "pslot6_any")]),
    ];
    Chain::of(&way.svc_chain(), rules)
}
