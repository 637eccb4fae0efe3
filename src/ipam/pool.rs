//! Which subnets a network gets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::number::{address, of, overlap, span};
use crate::error::{Error, Kind, Result};
use crate::model::{Id, OptionsSpec, Subnet, SubnetSpec};

/// What a subnet must keep clear of, each with the words that name it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    taken: Vec<(IpNet, String)>,
}

impl Others {
    /// Adds a net with the words that name it: a route, an address, a nameserver of the host.
    pub(crate) fn push(&mut self, net: IpNet, words: String) {
        self.taken.push((net, words));
    }

    /// Adds a subnet of another network.
    pub(crate) fn push_network(&mut self, subnet: IpNet, network: &str) {
        // First, because it says more than the route that the same subnet has on the host.
        self.taken.insert(0, (subnet, format!("subnet {subnet} of network {network}")));
    }

    fn hit(&self, net: IpNet) -> Option<&(IpNet, String)> {
        self.taken.iter().find(|(taken, _)| overlap(*taken, net))
    }
}

/// The subnets in effect for what is asked, IPv4 first.
///
/// # Errors
/// `exists` if an explicit subnet overlaps something, `exhausted` if no free one is left.
pub(crate) fn subnets(asked: &OptionsSpec, others: &Others, id: &Id) -> Result<Vec<Subnet>> {
    let mut chosen = Vec::new();
    for spec in &asked.subnets {
        if let Some((_, what)) = others.hit(spec.subnet) {
            let text = format!("subnet {} overlaps {what}: choose another", spec.subnet);
            return Err(Error::new(Kind::Exists, text));
        }
        chosen.push(in_effect(spec));
    }
    let has = |v6: bool| chosen.iter().any(|subnet| subnet.subnet.addr().is_ipv6() == v6);
    // An IPv6 subnet alone is a wish for IPv6 only, as with every other tool of the kind.
    let v4 = asked.subnets.is_empty().then(|| free_v4(others)).transpose()?;
    let v6 = (asked.ipv6 && !has(true)).then(|| free_v6(others, id)).transpose()?;
    chosen.extend(v4.into_iter().chain(v6).map(plain));
    chosen.sort_by_key(|subnet| subnet.subnet.addr().is_ipv6());
    Ok(chosen)
}

fn in_effect(spec: &SubnetSpec) -> Subnet {
    let gateway = spec.gateway.unwrap_or_else(|| first(spec.subnet));
    let SubnetSpec { subnet, range, reserved, .. } = spec.clone();
    Subnet { subnet, range, gateway, reserved }
}

fn plain(subnet: IpNet) -> Subnet {
    Subnet { subnet, range: None, gateway: first(subnet), reserved: Vec::new() }
}

/// The first address that a host can have.
fn first(subnet: IpNet) -> IpAddr {
    address(of(subnet.network()) + 1, subnet.network())
}

/// Where free IPv4 subnets are looked for (API.md): the sixteenths of 172.16.0.0/12 but for its
/// first, then the two other private blocks of RFC 1918.
fn pools_v4() -> impl Iterator<Item = Ipv4Net> {
    let middle = (17..=31).map(|second| Ipv4Net::new_assert(Ipv4Addr::new(172, second, 0, 0), 16));
    let ten = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8);
    let last = Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16);
    middle.chain([ten, last])
}

/// Prefix length of an automatic IPv4 subnet.
const AUTO_V4: u8 = 24;

fn free_v4(others: &Others) -> Result<IpNet> {
    for pool in pools_v4().map(IpNet::from) {
        let (mut number, end) = span(pool);
        while number <= end {
            let net = IpNet::new_assert(address(number, pool.addr()), AUTO_V4);
            match others.hit(net) {
                None => return Ok(net),
                // Over the whole of what is in the way: a route to 10.0.0.0/8 is one look.
                Some((taken, _)) => number = span(*taken).1.max(span(net).1) + 1,
            }
        }
    }
    let what = "no free /24 is left in 172.17.0.0/16 to 172.31.0.0/16, 10.0.0.0/8 and \
                192.168.0.0/16: give the network a subnet of its own";
    Err(Error::new(Kind::Exhausted, what))
}

/// A /64 of the unique local addresses (RFC 4193, 3.2): `fd`, 40 random bits, a subnet number.
fn free_v6(others: &Others, id: &Id) -> Result<IpNet> {
    let global = u128::from(id.number() & 0xff_ffff_ffff);
    for number in 0..=u128::from(u16::MAX) {
        let bits = (0xfd << 120) | (global << 80) | (number << 64);
        let net = IpNet::from(Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), 64));
        if others.hit(net).is_none() {
            return Ok(net);
        }
    }
    Err(Error::new(Kind::Exhausted, "no free unique local /64 was found: give an ipv6 subnet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(routes: &[&str]) -> Others {
        let mut others = Others::default();
        for net in routes {
            others.push(net.parse().unwrap(), format!("the host's route to {net}"));
        }
        others
    }

    fn chosen(others: &Others) -> String {
        let id = Id::from_bytes([7; 32]);
        subnets(&OptionsSpec::default(), others, &id).unwrap()[0].subnet.to_string()
    }

    #[test]
    fn the_first_free_subnet() {
        assert_eq!(chosen(&host(&[])), "172.17.0.0/24");
        assert_eq!(chosen(&host(&["172.17.0.0/16"])), "172.18.0.0/24");
        assert_eq!(chosen(&host(&["172.17.0.0/25", "172.17.1.4/32"])), "172.17.2.0/24");
        assert_eq!(chosen(&host(&["172.16.0.0/12"])), "10.0.0.0/24");
        assert_eq!(chosen(&host(&["172.16.0.0/12", "10.0.0.0/8"])), "192.168.0.0/24");
    }

    #[test]
    fn nothing_left() {
        let full = host(&["172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16"]);
        let error = subnets(&OptionsSpec::default(), &full, &Id::from_bytes([0; 32])).unwrap_err();
        assert_eq!(error.kind(), Kind::Exhausted);
    }

    #[test]
    fn explicit_subnets_that_overlap_name_what_is_in_the_way() {
        let mut others = host(&["10.0.0.0/8"]);
        others.push_network("10.1.0.0/24".parse().unwrap(), "web");
        let spec = SubnetSpec {
            subnet: "10.1.0.0/16".parse().unwrap(),
            range: None,
            gateway: None,
            reserved: vec![],
        };
        let asked = OptionsSpec { subnets: vec![spec], ..OptionsSpec::default() };
        let error = subnets(&asked, &others, &Id::from_bytes([0; 32])).unwrap_err();
        assert_eq!(error.kind(), Kind::Exists);
        assert!(error.message().contains("subnet 10.1.0.0/24 of network web"), "{error}");
    }

    #[test]
    fn a_unique_local_subnet_for_ipv6() {
        let asked = OptionsSpec { ipv6: true, ..OptionsSpec::default() };
        let id = Id::from_bytes([0xab; 32]);
        let both = subnets(&asked, &host(&[]), &id).unwrap();
        assert_eq!(both[0].subnet.to_string(), "172.17.0.0/24");
        assert_eq!(both[1].subnet.to_string(), "fdab:abab:abab::/64");
        assert_eq!(both[1].gateway.to_string(), "fdab:abab:abab::1");
        let again = subnets(&asked, &host(&["fdab:abab:abab::/64"]), &id).unwrap();
        assert_eq!(again[1].subnet.to_string(), "fdab:abab:abab:1::/64");
    }
}
