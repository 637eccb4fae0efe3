//! Which address an endpoint gets.

use std::net::IpAddr;

use super::number::{address, of, span};
use crate::error::{Error, Kind, Result};
use crate::model::Subnet;

/// The next free address of a subnet: the search begins after `last`, the one given out before, and
/// wraps, so that an address rests as long as it can before it is used again.
///
/// `taken` is asked for each candidate; `None` = the subnet is full.
pub(crate) fn next(
    subnet: &Subnet,
    last: Option<IpAddr>,
    taken: &mut dyn FnMut(IpAddr) -> Result<bool>,
) -> Result<Option<IpAddr>> {
    let pool = subnet.range.unwrap_or(subnet.subnet);
    let (first, end) = span(pool);
    let start = last.map(of).filter(|last| (first..end).contains(last)).map_or(first, |n| n + 1);
    let found = search(subnet, start, end, taken)?;
    if found.is_some() || start == first {
        return Ok(found);
    }
    search(subnet, first, start - 1, taken)
}

fn search(
    subnet: &Subnet,
    first: u128,
    end: u128,
    taken: &mut dyn FnMut(IpAddr) -> Result<bool>,
) -> Result<Option<IpAddr>> {
    let mut number = first;
    while number <= end {
        let candidate = address(number, subnet.gateway);
        let reserved = subnet.reserved.iter().find(|net| net.contains(&candidate));
        if let Some(reserved) = reserved {
            // Over the whole reserved net at once: it may be half of an IPv6 subnet.
            number = span(*reserved).1;
        } else if usable(subnet, candidate) && !taken(candidate)? {
            return Ok(Some(candidate));
        }
        let Some(following) = number.checked_add(1) else { break };
        number = following;
    }
    Ok(None)
}

/// Neither the network's own address, nor broadcast, nor the gateway. The all-zero host address of
/// IPv6 is the subnet-router anycast address (RFC 4291, 2.6.1).
fn usable(subnet: &Subnet, candidate: IpAddr) -> bool {
    let broadcast = candidate.is_ipv4() && candidate == subnet.subnet.broadcast();
    candidate != subnet.subnet.network() && !broadcast && candidate != subnet.gateway
}

/// The subnet in which a fixed address lies, checked.
///
/// # Errors
/// `invalid` if no subnet holds it or no host can have it, `exists` if it is the gateway's.
pub(crate) fn fixed(subnets: &[Subnet], wanted: IpAddr) -> Result<&Subnet> {
    let found = subnets.iter().find(|subnet| subnet.subnet.contains(&wanted));
    let subnet = found.ok_or_else(|| {
        let known: Vec<String> = subnets.iter().map(|s| s.subnet.to_string()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let what =
            format!("address {wanted} lies in no subnet of the network (its subnets: {known})");
        Error::new(Kind::Invalid, what)
    })?;
    if wanted == subnet.gateway {
        let what = format!("address {wanted} is taken by the gateway of {}", subnet.subnet);
        return Err(Error::new(Kind::Exists, what));
    }
    if !usable(subnet, wanted) {
        let what =
            format!("address {wanted} is the network or broadcast address of {}", subnet.subnet);
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(subnet)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn subnet(net: &str, range: Option<&str>, gateway: &str, reserved: &[&str]) -> Subnet {
        Subnet {
            subnet: net.parse().unwrap(),
            range: range.map(|range| range.parse().unwrap()),
            gateway: gateway.parse().unwrap(),
            reserved: reserved.iter().map(|net| net.parse().unwrap()).collect(),
        }
    }

    fn drain(subnet: &Subnet) -> Vec<String> {
        let (mut taken, mut order, mut last) = (HashSet::new(), Vec::new(), None);
        while let Some(found) = next(subnet, last, &mut |a| Ok(taken.contains(&a))).unwrap() {
            assert!(taken.insert(found));
            order.push(found.to_string());
            last = Some(found);
        }
        order
    }

    #[test]
    fn a_small_subnet_to_the_last_address() {
        let small = subnet("10.0.0.0/29", None, "10.0.0.1", &["10.0.0.4/31"]);
        assert_eq!(drain(&small), ["10.0.0.2", "10.0.0.3", "10.0.0.6"]);
    }

    #[test]
    fn a_range_bounds_the_choice_and_the_gateway_may_lie_outside() {
        let ranged = subnet("10.0.0.0/16", Some("10.0.9.0/30"), "10.0.0.1", &[]);
        assert_eq!(drain(&ranged), ["10.0.9.0", "10.0.9.1", "10.0.9.2", "10.0.9.3"]);
    }

    #[test]
    fn the_search_goes_on_after_the_last_and_wraps() {
        let small = subnet("10.0.0.0/29", None, "10.0.0.1", &[]);
        let after = |last: &str| {
            next(&small, Some(last.parse().unwrap()), &mut |_| Ok(false))
                .unwrap()
                .unwrap()
                .to_string()
        };
        assert_eq!(after("10.0.0.3"), "10.0.0.4");
        assert_eq!(after("10.0.0.6"), "10.0.0.2");
        assert_eq!(after("192.168.0.1"), "10.0.0.2");
    }

    #[test]
    fn half_an_ipv6_subnet_reserved_is_passed_at_once() {
        let wide = subnet("fd00::/64", None, "fd00::1", &["fd00::/65"]);
        let first = next(&wide, None, &mut |_| Ok(false)).unwrap().unwrap();
        assert_eq!(first.to_string(), "fd00::8000:0:0:0");
        let all = subnet("fd00::/64", None, "fd00::1", &["fd00::/64"]);
        assert_eq!(next(&all, None, &mut |_| Ok(false)).unwrap(), None);
    }

    #[test]
    fn fixed_addresses_are_checked() {
        let subnets = [subnet("10.0.0.0/24", None, "10.0.0.1", &["10.0.0.9/32"])];
        let kind = |text: &str| fixed(&subnets, text.parse().unwrap()).map_err(|e| e.kind()).err();
        assert_eq!(kind("10.0.0.9"), None);
        assert_eq!(kind("10.0.0.1"), Some(Kind::Exists));
        assert_eq!(kind("10.0.0.0"), Some(Kind::Invalid));
        assert_eq!(kind("10.0.0.255"), Some(Kind::Invalid));
        assert_eq!(kind("10.0.1.2"), Some(Kind::Invalid));
        assert_eq!(kind("fd00::2"), Some(Kind::Invalid));
    }
}
