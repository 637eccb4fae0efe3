//! Published ports, pure: what a mapping asks for, whether two clash, and the elements of the maps.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::error::{Error, Kind, Result};
use crate::model::{PortMapping, Proto};
use crate::plan::Flow;
use crate::plan::rules::{Element, SetElements, Value};

/// Which host ports a mapping asks for: every port of a range in which the span may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This one.
    Fixed(u16),
    /// The first that is free of these.
    OneOf(RangeInclusive<u16>),
    /// The first that is free of the kernel's local port range.
    Automatic,
}

/// How many ports a mapping spans, less one.
pub(crate) fn extent(mapping: &PortMapping) -> u16 {
    mapping.port_end.map_or(0, |end| end.saturating_sub(mapping.port))
}

/// What a mapping asks for.
pub(crate) fn wanted(mapping: &PortMapping) -> Wanted {
    match (mapping.host_port, mapping.host_port_end) {
        (0, _) => Wanted::Automatic,
        (first, Some(last)) if extent(mapping) == 0 && last > first => Wanted::OneOf(first..=last),
        (first, _) => Wanted::Fixed(first),
    }
}

/// The mapping with its host port chosen.
pub(crate) fn at(mapping: &PortMapping, host_port: u16, host_ip: Option<IpAddr>) -> PortMapping {
    let extent = extent(mapping);
    PortMapping {
        host_ip,
        host_port,
        port_end: Some(mapping.port + extent).filter(|_| extent > 0),
        host_port_end: Some(host_port.saturating_add(extent)).filter(|_| extent > 0),
        ..mapping.clone()
    }
}

/// The host ports of a mapping whose host port is chosen.
pub(crate) fn host_ports(mapping: &PortMapping) -> RangeInclusive<u16> {
    mapping.host_port..=mapping.host_port.saturating_add(extent(mapping))
}

/// Whether a mapping can be had at all on a host address.
///
/// # Errors
/// `invalid` for an address that nobody can reach it by, or of a family that the container lacks.
pub(crate) fn check_host_ip(ip: IpAddr, addresses: &[IpAddr]) -> Result<()> {
    let invalid = |what: String| Err(Error::new(Kind::Invalid, format!("host_ip {ip} {what}")));
    let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    if ip.is_multicast() || broadcast {
        return invalid("is no address of one host".to_owned());
    }
    if link_local {
        return invalid("is link-local: it names no single interface".to_owned());
    }
    // Chain nat_out leaves the rest of 127.0.0.0/8 to the host's own resolvers and the like.
    if ip.is_ipv4() && ip.is_loopback() && ip != IpAddr::from([127, 0, 0, 1]) {
        return invalid("cannot be published: of 127.0.0.0/8 only 127.0.0.1 can".to_owned());
    }
    if !addresses.iter().any(|address| address.is_ipv6() == ip.is_ipv6()) {
        return invalid("is of a family of which the endpoint has no address".to_owned());
    }
    Ok(())
}

/// Whether two mappings on the same port and protocol clash: one on all addresses clashes with any,
/// one on all of a family with any of that family.
pub(crate) fn clash(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let wide = one.is_unspecified() || other.is_unspecified();
    one == other || (wide && one.is_ipv6() == other.is_ipv6())
}

/// The one host address of a mapping; none where it is on all of them, or on all of a family.
pub(crate) fn bound(mapping: &PortMapping) -> Option<IpAddr> {
    mapping.host_ip.filter(|ip| !ip.is_unspecified())
}

/// The elements that publish the mappings of a container with these addresses.
pub(crate) fn elements(mappings: &[PortMapping], addresses: &[IpAddr]) -> Vec<SetElements> {
    let mut sets: Vec<SetElements> = Vec::new();
    for mapping in mappings {
        let of_mapping = reached(mapping, addresses).into_iter().map(|ip| of_mapping(mapping, ip));
        SetElements::gather(&mut sets, of_mapping.collect());
    }
    if !mappings.is_empty() {
        sets.extend(itself(addresses.iter().copied()));
    }
    sets
}

/// The elements by which a container is known that reaches itself through an address of another.
pub(crate) fn itself(addresses: impl Iterator<Item = IpAddr>) -> Vec<SetElements> {
    let one = |address: IpAddr| SetElements {
        set: if address.is_ipv6() { "self6" } else { "self4" }.to_owned(),
        elements: vec![Element {
            key: vec![Value::Addr(address), Value::Addr(address)],
            key_end: None,
            data: Vec::new(),
        }],
    };
    addresses.map(one).collect()
}

/// The container's addresses that a mapping leads to.
fn reached(mapping: &PortMapping, addresses: &[IpAddr]) -> Vec<IpAddr> {
    let of_family =
        |address: &&IpAddr| mapping.host_ip.is_none_or(|ip| ip.is_ipv6() == address.is_ipv6());
    addresses.iter().filter(of_family).copied().collect()
}

/// One interval where the numbers are kept, otherwise an element for each port.
fn of_mapping(mapping: &PortMapping, address: IpAddr) -> SetElements {
    let family = if address.is_ipv6() { '6' } else { '4' };
    let any = if bound(mapping).is_none() { "_any" } else { "" };
    let extent = extent(mapping);
    if extent > 0 && mapping.port == mapping.host_port {
        let element = Element {
            key: key(mapping, mapping.host_port),
            key_end: Some(key(mapping, mapping.host_port.saturating_add(extent))),
            data: vec![Value::Addr(address)],
        };
        return SetElements { set: format!("span{family}{any}"), elements: vec![element] };
    }
    let one = |offset: u16| Element {
        key: key(mapping, mapping.host_port.saturating_add(offset)),
        key_end: None,
        data: vec![Value::Addr(address), Value::Port(mapping.port.saturating_add(offset))],
    };
    SetElements { set: format!("pub{family}{any}"), elements: (0..=extent).map(one).collect() }
}

fn key(mapping: &PortMapping, port: u16) -> Vec<Value> {
    let ip = bound(mapping).map(Value::Addr);
    ip.into_iter().chain([Value::Proto(mapping.proto.number()), Value::Port(port)]).collect()
}

/// What the kernel is to forget when these mappings come to life: whatever went to their ports
/// before. TCP is not among it: a connection that was refused has left no entry (`nf_conntrack_tcp`
/// drops what is only answered by a reset), and one that was not was a program's, which had the port.
/// `host` are the host's own addresses: a mapping on all of them is not one on any machine, where the
/// same port number is another's.
pub(crate) fn stale(mappings: &[PortMapping], addresses: &[IpAddr], host: &[IpAddr]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for mapping in mappings.iter().filter(|mapping| is_kept(mapping)) {
        let reached = reached(mapping, addresses);
        let has = |ip: &IpAddr| reached.iter().any(|address| address.is_ipv6() == ip.is_ipv6());
        // On a `lo` that is down, too.
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let missing = (!host.contains(&loopback)).then_some(&loopback);
        let all = host.iter().chain(missing).filter(|ip| has(ip)).copied();
        let at: Vec<IpAddr> = bound(mapping).map_or_else(|| all.collect(), |ip| vec![ip]);
        flows.extend(at.into_iter().map(|address| Flow::To {
            proto: mapping.proto,
            ipv6: address.is_ipv6(),
            address: Some(address),
            port: mapping.host_port,
            port_end: Some(*host_ports(mapping).end()).filter(|end| *end != mapping.host_port),
            answered_by: None,
        }));
    }
    flows
}

/// Whether [`stale`] may find anything.
pub(crate) fn may_be_stale(mappings: &[PortMapping]) -> bool {
    mappings.iter().any(is_kept)
}

/// Whether the kernel keeps what was answered by nobody.
fn is_kept(mapping: &PortMapping) -> bool {
    mapping.proto != Proto::Tcp
}

/// The ports of `net.ipv4.ip_local_port_range`; the kernel's default where it cannot be read.
pub(crate) fn local_range(text: Option<&str>) -> RangeInclusive<u16> {
    let mut numbers = text.unwrap_or_default().split_whitespace().map(str::parse::<u16>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(last))) if first <= last && first > 0 => first..=last,
        _ => 32768..=60999,
    }
}

/// Whether a port is in `net.ipv4.ip_local_reserved_ports`: `8080,9148-9150`.
pub(crate) fn is_reserved(text: &str, port: u16) -> bool {
    text.split(',').any(|part| {
        let mut ends = part.trim().split('-').map(str::parse::<u16>);
        match (ends.next(), ends.next()) {
            (Some(Ok(one)), None) => one == port,
            (Some(Ok(first)), Some(Ok(last))) => (first..=last).contains(&port),
            _ => false,
        }
    })
}

/// `tcp 0.0.0.0:8080`, for messages.
pub(crate) fn name(proto: Proto, ip: Option<IpAddr>, port: u16) -> String {
    match ip {
        None => format!("{proto} port {port}"),
        Some(IpAddr::V6(v6)) => format!("{proto} port [{v6}]:{port}"),
        Some(ip) => format!("{proto} port {ip}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EndpointSpec;

    fn mappings(text: &str) -> Vec<PortMapping> {
        let json = format!("{{\"name\":\"a\",\"port_mapping\":[{text}]}}");
        EndpointSpec::from_json(json.as_bytes()).unwrap().port_mapping
    }

    fn lines(text: &str, addresses: &[&str]) -> Vec<String> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let sets = elements(&mappings(text), &addresses);
        sets.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_port_on_all_addresses_of_both_families() {
        assert_eq!(
            lines(r#"{"proto":"tcp","port":80,"host_port":8080}"#, &["10.0.0.2", "fd00::2"]),
            [
                "pub4_any { tcp . 8080 : 10.0.0.2 . 80 }",
                "pub6_any { tcp . 8080 : fd00::2 . 80 }",
                "self4 { 10.0.0.2 . 10.0.0.2 }",
                "self6 { fd00::2 . fd00::2 }",
            ]
        );
    }

    #[test]
    fn a_port_on_all_addresses_of_one_family() {
        let ends = ["10.0.0.2", "fd00::2"];
        let on = |ip: &str| format!(r#"{{"proto":6,"port":80,"host_port":81,"host_ip":"{ip}"}}"#);
        assert_eq!(lines(&on("0.0.0.0"), &ends)[0], "pub4_any { tcp . 81 : 10.0.0.2 . 80 }");
        assert_eq!(lines(&on("::"), &ends)[0], "pub6_any { tcp . 81 : fd00::2 . 80 }");
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let host = [ip("192.0.2.1"), ip("fd99::1")];
        let forgotten = |on_ip: &str| {
            let udp = on(on_ip).replace("\"proto\":6", "\"proto\":17");
            let flows = stale(&mappings(&udp), &ends.map(ip), &host);
            assert_eq!(stale(&mappings(&on(on_ip)), &ends.map(ip), &host), [], "tcp");
            flows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let (four, six) = (forgotten("0.0.0.0"), forgotten("::"));
        assert!(four.contains("192.0.2.1") && !four.contains("fd99::1"), "{four}");
        assert!(six.contains("fd99::1") && !six.contains("192.0.2.1"), "{six}");
    }

    #[test]
    fn what_is_in_the_way_of_what() {
        let ips = [None, Some("0.0.0.0"), Some("::"), Some("192.0.2.1"), Some("fd99::1")];
        let ips = ips.map(|ip| ip.map(|text| text.parse().unwrap()));
        let table = [
            [true, true, true, true, true],
            [true, true, false, true, false],
            [true, false, true, false, true],
            [true, true, false, true, false],
            [true, false, true, false, true],
        ];
        for (one, row) in ips.into_iter().zip(table) {
            assert_eq!(ips.map(|other| clash(one, other)), row, "{one:?}");
        }
        assert!(!clash(ips[3], Some("192.0.2.2".parse().unwrap())));
    }

    #[test]
    fn spans_are_one_element_where_the_numbers_are_kept() {
        let kept = r#"{"proto":17,"port":100,"port_end":199,"host_port":100,"host_ip":"10.9.9.9"}"#;
        let shifted = r#"{"proto":17,"port":100,"port_end":101,"host_port":200}"#;
        assert_eq!(lines(kept, &["10.0.0.2"])[0], "span4 { 10.9.9.9 . udp . 100-199 : 10.0.0.2 }");
        assert_eq!(
            lines(shifted, &["10.0.0.2"])[0],
            "pub4_any { udp . 200 : 10.0.0.2 . 100, udp . 201 : 10.0.0.2 . 101 }"
        );
    }

    #[test]
    fn what_is_wanted() {
        let of = |text: &str| wanted(&mappings(text)[0]);
        assert_eq!(of(r#"{"proto":6,"port":80}"#), Wanted::Automatic);
        assert_eq!(of(r#"{"proto":6,"port":80,"host_port":8080}"#), Wanted::Fixed(8080));
        assert_eq!(
            of(r#"{"proto":6,"port":80,"host_port":8080,"host_port_end":8090}"#),
            Wanted::OneOf(8080..=8090)
        );
    }

    #[test]
    fn ranges_and_reservations_as_the_kernel_writes_them() {
        assert_eq!(local_range(Some("1024\t2048\n")), 1024..=2048);
        assert_eq!(local_range(Some("nonsense")), 32768..=60999);
        assert!(is_reserved("8080,9148-9150", 9149) && is_reserved("8080", 8080));
        assert!(!is_reserved("", 1) && !is_reserved("8080,9148-9150", 9151));
    }

    #[test]
    fn host_addresses_that_can_be_had() {
        let ends: Vec<IpAddr> = vec!["10.0.0.2".parse().unwrap()];
        let fails = |ip: &str| check_host_ip(ip.parse().unwrap(), &ends).is_err();
        assert!(!fails("127.0.0.1") && !fails("192.0.2.1"));
        for ip in ["127.0.0.2", "224.0.0.1", "255.255.255.255", "fe80::1", "fd00::1"] {
            assert!(fails(ip), "{ip}");
        }
    }
}
