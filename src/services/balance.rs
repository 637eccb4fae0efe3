//! Services, pure: which back end has which slot, and the elements of the maps.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::ports::{bound, host_ports};
use crate::model::{Balance, PortMapping, Spread};
use crate::plan::Flow;
use crate::plan::rules::{Element, SetElements, Value, Way};

/// Up to so many back ends 60 slots are shared out within a tenth of evenly.
const FEW: usize = 12;

/// A back end that takes new connections: its number, and its addresses.
pub(crate) struct Taker {
    pub(crate) number: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

/// By which way a service with these slots finds one.
pub(crate) fn way(balance: Balance, spread: &Spread) -> Way {
    let many = spread.slots.len() > Way::Random.slots() as usize;
    match (balance, spread.turn) {
        (Balance::Source, _) if many => Way::ManySource,
        (Balance::Source, _) => Way::Source,
        (_, _) if many => Way::ManyRandom,
        (Balance::RoundRobin, Some(number)) => Way::Turn(number),
        (Balance::RoundRobin | Balance::Random, _) => Way::Random,
    }
}

/// Shares the slots out anew among back ends of these numbers, each once, in order.
///
/// In turns, neighbouring slots lead to different back ends. Otherwise a slot stays with its back end
/// where it can, and one whose back end has gone returns to it, or to who takes its number, as soon
/// as it is back: so that clients who are known by their address find who they know.
pub(crate) fn share_out(balance: Balance, spread: &Spread, numbers: &[u16]) -> Spread {
    let (turn, before) = (spread.turn, spread.slots.len());
    if numbers.is_empty() {
        return Spread { turn, slots: Vec::new(), homes: Vec::new() };
    }
    let (few, many) = (Way::Random.slots() as usize, Way::ManyRandom.slots() as usize);
    let size = if numbers.len() > FEW || before > few { many } else { few };
    if balance == Balance::RoundRobin && turn.is_some() && size == few {
        let slots: Vec<u16> = numbers.iter().copied().cycle().take(size).collect();
        return Spread { turn, homes: slots.clone(), slots };
    }
    let mut share = Share::of(spread, size, numbers);
    share.level(numbers);
    Spread { turn, slots: share.owners(), homes: share.homes }
}

/// The slots while they are shared out.
struct Share {
    owners: Vec<Option<u16>>,
    homes: Vec<u16>,
    counts: BTreeMap<u16, usize>,
}

impl Share {
    /// Stretched to `size`, with what belongs to nobody of `numbers` free and everybody at home.
    fn of(spread: &Spread, size: usize, numbers: &[u16]) -> Self {
        let stretched = |slots: &[u16]| -> Vec<u16> {
            let times = size.checked_div(slots.len()).unwrap_or(0);
            slots.iter().flat_map(|slot| std::iter::repeat_n(*slot, times)).collect()
        };
        let first = numbers.first().copied().unwrap_or_default();
        let (mut owners, mut homes) = (stretched(&spread.slots), stretched(&spread.homes));
        owners.resize(size, first);
        homes.resize(size, first);
        let mut counts: BTreeMap<u16, usize> = numbers.iter().map(|number| (*number, 0)).collect();
        let mut settle = |(owner, home): (&u16, &u16)| {
            let one = [home, owner].into_iter().find(|one| counts.contains_key(one)).copied();
            if let Some(count) = one.and_then(|one| counts.get_mut(&one)) {
                *count += 1;
            }
            one
        };
        let owners = owners.iter().zip(&homes).map(&mut settle).collect();
        Share { owners, homes, counts }
    }

    /// Gives everybody as many as anybody, or one more.
    fn level(&mut self, numbers: &[u16]) {
        let (each, more) = (self.owners.len() / numbers.len(), self.owners.len() % numbers.len());
        let mut rich: Vec<u16> = numbers.to_vec();
        rich.sort_by_key(|number| std::cmp::Reverse(self.counts.get(number).copied()));
        let due: BTreeMap<u16, usize> = rich
            .iter()
            .enumerate()
            .map(|(at, one)| (*one, each + usize::from(at < more)))
            .collect();
        let mut wanting = Vec::new();
        for number in numbers {
            let (due, has) = (due.get(number).copied(), self.counts.get(number).copied());
            let (due, has) = (due.unwrap_or_default(), has.unwrap_or_default());
            self.take_back(*number, has.saturating_sub(due));
            wanting.extend(std::iter::repeat_n(*number, due.saturating_sub(has)));
        }
        let mut wanting = wanting.into_iter();
        for (owner, home) in self.owners.iter_mut().zip(&mut self.homes) {
            if owner.is_none() {
                *owner = wanting.next();
                // The home of one who is away stays his.
                if self.counts.contains_key(home) {
                    *home = owner.unwrap_or(*home);
                }
            }
        }
    }

    /// First what is not at home, then from the end.
    fn take_back(&mut self, number: u16, mut count: usize) {
        for at_home in [false, true] {
            for (owner, home) in self.owners.iter_mut().zip(&self.homes).rev() {
                if count > 0 && *owner == Some(number) && (*home == number) == at_home {
                    *owner = None;
                    count -= 1;
                }
            }
        }
    }

    fn owners(&self) -> Vec<u16> {
        self.owners.iter().zip(&self.homes).map(|(owner, home)| owner.unwrap_or(*home)).collect()
    }
}

/// Every element of a service: its virtual addresses, its published ports, and its slots.
pub(crate) fn elements(
    way: Way,
    vips: &[IpAddr],
    mappings: &[PortMapping],
    spread: &Spread,
    takers: &[Taker],
) -> Vec<SetElements> {
    let mut sets = Sets::default();
    let slots: Vec<(u32, &Taker)> = (0..)
        .zip(&spread.slots)
        .filter_map(|(slot, number)| {
            Some((slot, takers.iter().find(|taker| taker.number == *number)?))
        })
        .collect();
    for vip in vips {
        let family = if vip.is_ipv6() { '6' } else { '4' };
        let key = vec![Value::Addr(*vip)];
        sets.add(format!("vip{family}"), key.clone(), Vec::new());
        sets.add(format!("svc{family}"), key.clone(), vec![Value::Jump(way.vip_chain())]);
        for (slot, address) in reached(&slots, vip.is_ipv6()) {
            let key = [key.as_slice(), &[Value::Slot(slot)]].concat();
            sets.add(format!("slot{family}"), key, vec![Value::Addr(address)]);
        }
    }
    for mapping in mappings {
        for ipv6 in [false, true] {
            if mapping.host_ip.is_none_or(|ip| ip.is_ipv6() == ipv6) {
                published(&mut sets, way, mapping, ipv6, &reached(&slots, ipv6));
            }
        }
    }
    sets.0.into_iter().map(|(set, elements)| SetElements { set, elements }).collect()
}

/// The slots that lead to an address of a family.
fn reached(slots: &[(u32, &Taker)], ipv6: bool) -> Vec<(u32, IpAddr)> {
    let address = |taker: &Taker| taker.addresses.iter().find(|ip| ip.is_ipv6() == ipv6).copied();
    slots.iter().filter_map(|(slot, taker)| Some((*slot, address(taker)?))).collect()
}

/// A port that nobody serves is not an element: the host itself refuses it.
fn published(
    sets: &mut Sets,
    way: Way,
    mapping: &PortMapping,
    ipv6: bool,
    slots: &[(u32, IpAddr)],
) {
    if slots.is_empty() {
        return;
    }
    let family = if ipv6 { '6' } else { '4' };
    let any = if bound(mapping).is_none() { "_any" } else { "" };
    for host_port in host_ports(mapping) {
        let ip = bound(mapping).map(Value::Addr);
        let port = [Value::Proto(mapping.proto.number()), Value::Port(host_port)];
        let key: Vec<Value> = ip.into_iter().chain(port).collect();
        let jump = vec![Value::Jump(way.svc_chain())];
        sets.add(format!("psvc{family}{any}"), key.clone(), jump);
        let to = Value::Port(mapping.port.saturating_add(host_port - mapping.host_port));
        for (slot, address) in slots {
            let key = [key.as_slice(), &[Value::Slot(*slot)]].concat();
            let data = vec![Value::Addr(*address), to.clone()];
            sets.add(format!("pslot{family}{any}"), key, data);
        }
    }
}

#[derive(Default)]
struct Sets(BTreeMap<String, Vec<Element>>);

impl Sets {
    fn add(&mut self, set: String, key: Vec<Value>, data: Vec<Value>) {
        self.0.entry(set).or_default().push(Element { key, key_end: None, data });
    }
}

/// What of `mine` is not among `others`.
pub(crate) fn without(mine: &[SetElements], others: &[SetElements]) -> Vec<SetElements> {
    let left = mine.iter().map(|one| {
        let same = others.iter().filter(|other| other.set == one.set);
        let known: HashSet<&Element> = same.flat_map(|other| &other.elements).collect();
        let elements = one.elements.iter().filter(|element| !known.contains(element));
        SetElements { set: one.set.clone(), elements: elements.cloned().collect() }
    });
    left.filter(|set| !set.elements.is_empty()).collect()
}

/// The connections that a back end has by way of a service.
pub(crate) fn flows(vips: &[IpAddr], mappings: &[PortMapping], back_end: &[IpAddr]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for by in back_end {
        let of_family = |vip: &&IpAddr| vip.is_ipv6() == by.is_ipv6();
        let through = vips.iter().filter(of_family).map(|to| Flow::Through { to: *to, by: *by });
        flows.extend(through);
        let published =
            mappings.iter().filter(|m| m.host_ip.is_none_or(|ip| ip.is_ipv6() == by.is_ipv6()));
        flows.extend(published.map(|mapping| Flow::To {
            proto: mapping.proto,
            ipv6: by.is_ipv6(),
            address: bound(mapping),
            port: mapping.host_port,
            port_end: Some(*host_ports(mapping).end()).filter(|end| *end != mapping.host_port),
            answered_by: Some(*by),
        }));
    }
    flows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(balance: Balance, turn: Option<u8>, steps: &[&[u16]]) -> Spread {
        let first = Spread { turn, ..Spread::default() };
        steps.iter().fold(first, |spread, numbers| share_out(balance, &spread, numbers))
    }

    fn count(spread: &Spread, number: u16) -> usize {
        spread.slots.iter().filter(|slot| **slot == number).count()
    }

    fn ten() -> Vec<u16> {
        (0..10).collect()
    }

    #[test]
    fn turns_go_round() {
        let spread = shared(Balance::RoundRobin, Some(3), &[&[0], &[0, 1, 2]]);
        assert_eq!(spread.slots[..7], [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!((spread.slots.len(), way(Balance::RoundRobin, &spread)), (60, Way::Turn(3)));
    }

    #[test]
    fn nobody_is_disturbed_by_anothers_replacement() {
        let growing: Vec<Vec<u16>> = (1..=10).map(|n| (0..n).collect()).collect();
        let steps: Vec<&[u16]> = growing.iter().map(Vec::as_slice).collect();
        let whole = shared(Balance::Source, None, &steps);
        assert!(ten().iter().all(|number| count(&whole, *number) == 6), "{whole:?}");
        for gone in ten() {
            let rest: Vec<u16> = ten().into_iter().filter(|number| *number != gone).collect();
            let fewer = share_out(Balance::Source, &whole, &rest);
            for (before, after) in whole.slots.iter().zip(&fewer.slots) {
                assert!(before == after || *before == gone);
            }
            let again = share_out(Balance::Source, &fewer, &ten());
            assert_eq!(again, whole, "{gone}");
        }
        // Three go, and come back one by one.
        let fewer = share_out(Balance::Source, &whole, &[0, 1, 3, 4, 6, 7, 8]);
        let again = share_out(Balance::Source, &fewer, &[0, 1, 2, 3, 4, 6, 7, 8]);
        let again = share_out(Balance::Source, &again, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(share_out(Balance::Source, &again, &ten()), whole);
    }

    /// The kernel scales a number to a range: slot 3 of 60 is slots 51 to 67 of 1020.
    #[test]
    fn growing_beyond_a_dozen_disturbs_a_thirteenth() {
        let twelve: Vec<u16> = (0..12).collect();
        let thirteen: Vec<u16> = (0..13).collect();
        let small = shared(Balance::Source, None, &[&twelve]);
        let large = share_out(Balance::Source, &small, &thirteen);
        assert_eq!((large.slots.len(), way(Balance::Source, &large)), (1020, Way::ManySource));
        let moved = (0..1020).filter(|slot| large.slots[*slot] != small.slots[slot / 17]).count();
        assert_eq!(moved, count(&large, 12));
        assert!((78..=79).contains(&moved));
        // It does not shrink before everybody has left.
        assert_eq!(share_out(Balance::Source, &large, &[5]).slots.len(), 1020);
        assert!(share_out(Balance::Source, &large, &[]).slots.is_empty());
    }

    proptest! {
        #[test]
        fn shares_are_even_whoever_comes_and_goes(
            steps in proptest::collection::vec(proptest::collection::btree_set(0_u16..40, 0..30), 1..12),
            balance in prop::sample::select(vec![Balance::Source, Balance::Random, Balance::RoundRobin]),
            turn in proptest::option::of(0_u8..8),
        ) {
            let mut spread = Spread { turn, ..Spread::default() };
            for numbers in steps {
                let numbers: Vec<u16> = numbers.into_iter().collect();
                spread = share_out(balance, &spread, &numbers);
                let counts: Vec<usize> = numbers.iter().map(|one| count(&spread, *one)).collect();
                prop_assert_eq!(counts.iter().sum::<usize>(), spread.slots.len());
                if let (Some(least), Some(most)) = (counts.iter().min(), counts.iter().max()) {
                    prop_assert!(most - least <= 1, "{counts:?}");
                }
                prop_assert_eq!(spread.slots.len(), spread.homes.len());
                prop_assert_eq!(share_out(balance, &spread, &numbers), spread.clone());
            }
        }
    }

    #[test]
    fn a_service_as_elements() {
        let spread = Spread { turn: None, slots: vec![0, 1], homes: vec![0, 1] };
        let taker = |number, address: &str| Taker {
            number,
            addresses: vec![address.parse().unwrap(), "fd00::9".parse().unwrap()],
        };
        let takers = [taker(0, "10.0.0.2"), taker(1, "10.0.0.3")];
        let vips: [IpAddr; 2] = ["10.0.0.9".parse().unwrap(), "fd00::1".parse().unwrap()];
        let json = br#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#;
        let mapping = crate::model::EndpointSpec::from_json(json).unwrap().port_mapping.remove(0);
        let sets = elements(Way::Random, &vips[..1], &[mapping], &spread, &takers);
        let lines: Vec<String> = sets.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "pslot4_any { tcp . 8080 . 0 : 10.0.0.2 . 80, tcp . 8080 . 1 : 10.0.0.3 . 80 }",
                "pslot6_any { tcp . 8080 . 0 : fd00::9 . 80, tcp . 8080 . 1 : fd00::9 . 80 }",
                "psvc4_any { tcp . 8080 : jump svc_random }",
                "psvc6_any { tcp . 8080 : jump svc_random }",
                "slot4 { 10.0.0.9 . 0 : 10.0.0.2, 10.0.0.9 . 1 : 10.0.0.3 }",
                "svc4 { 10.0.0.9 : jump vip_random }",
                "vip4 { 10.0.0.9 }",
            ]
        );
    }
}
