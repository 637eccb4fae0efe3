//! Port forwarding as netavark's tests have it: both families, both protocols, one port and a span,
//! the same number in the container and another one, on all addresses, on one, on a family's.

use std::path::Path;

use super::wire::{
    Expect, OTHER4, OTHER6, Probe, Server, Via, endpoint, gateways, host_path, mapping, outside,
    prove,
};
use crate::common::bed::{Bed, HOST4, HOST6, OUTSIDE4, OUTSIDE6};
use crate::common::on_a_host;

/// The `host_ip` that mappings have; none is all addresses.
const PLACES: [&str; 5] = ["", HOST4, "0.0.0.0", HOST6, "::"];

/// Whether what is published there answers on an address of the host.
fn covers(place: &str, to: &str) -> bool {
    match place {
        "" => true,
        "0.0.0.0" => !to.contains(':'),
        "::" => to.contains(':'),
        one => to == one,
    }
}

/// How many ports a span has.
const SPAN: u16 = 5;

/// One published port or span; each has ten numbers of the host to itself.
struct Case {
    place: &'static str,
    /// The first port on the host.
    host: u16,
    /// The first port in the container.
    port: u16,
    /// The number of ports.
    ports: u16,
    /// Which of the containers it leads to.
    container: usize,
}

const NAMES: [&str; 3] = ["one", "two", "three"];

impl Case {
    fn all(places: &[&'static str]) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        for place in places {
            for (ports, moved) in [(1, false), (1, true), (SPAN, false), (SPAN, true)] {
                let host = 20_001 + 10 * u16::try_from(cases.len()).unwrap();
                // What is moved goes to the same numbers in every container.
                let port = if moved { 9001 + 10 * (ports - 1) } else { host };
                let container = cases.len() % NAMES.len();
                cases.push(Case { place, host, port, ports, container });
            }
        }
        cases
    }

    fn mappings(&self) -> Vec<String> {
        let of = |proto: Via| {
            let one = mapping(proto.name(), self.port, self.host, self.place);
            match self.ports {
                1 => one,
                ports => one.replace(
                    ",\"host_port\"",
                    &format!(",\"port_end\":{},\"host_port\"", self.port + ports - 1),
                ),
            }
        };
        Via::PORTS.map(of).to_vec()
    }

    /// The ports of the container that it leads to, and their neighbours: if one of those were
    /// published as well, it would be answered.
    fn listened(&self) -> std::ops::RangeInclusive<u16> {
        self.port - 1..=self.port + self.ports
    }

    /// Whether it is published on this address: first, middle and last port answer, and neither the
    /// one below nor the one above. `seen` is whom the container sees, nobody where it has no address
    /// of the family.
    fn probes(&self, from: (&str, &Path), to: &str, seen: &str) -> Vec<Probe> {
        let published = !seen.is_empty() && covers(self.place, to);
        let name = NAMES[self.container];
        let case = format!(
            "{} to {}, {} ports, on `{}`, from the {}",
            self.host, self.port, self.ports, self.place, from.0
        );
        let mut offsets = vec![-1, 0, i32::from(self.ports / 2), i32::from(self.ports) - 1];
        offsets.dedup();
        offsets.push(i32::from(self.ports));
        let mut probes = Vec::new();
        for (offset, via) in offsets.iter().flat_map(|offset| Via::PORTS.map(|via| (*offset, via)))
        {
            let at = |port: u16| u16::try_from(i32::from(port) + offset).unwrap();
            let inside = (0..i32::from(self.ports)).contains(&offset);
            let expect = if published && inside {
                Expect::Says(format!("{name}:{} {seen}", at(self.port)))
            } else {
                Expect::Nobody
            };
            probes.push(Probe::new(&case, from.1, via, (to, at(self.host)), expect));
        }
        probes
    }
}

/// Publishes every case on a network and asks from everywhere at every address.
fn matrix(options: &str, families: &[bool]) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(&format!("{{\"name\":\"foo\",\"options\":{options}}}"));
        let has = |ip: &str| families.contains(&ip.contains(':'));
        let places: Vec<&str> =
            PLACES.into_iter().filter(|place| place.is_empty() || has(place)).collect();
        let cases = Case::all(&places);
        let _servers = published(&bed, &cases);
        let (gateway4, gateway6) = gateways(&bed, "foo");
        let here = host_path();
        let (abroad, home) = (("outside", outside.as_path()), ("host", here.as_path()));
        let mut asked = vec![(home, "127.0.0.1", gateway4.as_str()), (home, "::1", &gateway6)];
        asked.extend([HOST4, OTHER4].map(|to| (abroad, to, OUTSIDE4)));
        asked.extend([HOST6, OTHER6].map(|to| (abroad, to, OUTSIDE6)));
        asked.extend([HOST4, OTHER4, HOST6, OTHER6].map(|to| (home, to, to)));
        let own = [gateway4.as_str(), &gateway6].into_iter().filter(|to| !to.is_empty());
        asked.extend(own.map(|to| (home, to, to)));
        let mut probes = Vec::new();
        for (case, (from, to, seen)) in
            cases.iter().flat_map(|case| asked.iter().map(move |ask| (case, *ask)))
        {
            probes.extend(case.probes(from, to, if has(to) { seen } else { "" }));
        }
        prove(&probes);
    });
}

/// The containers of the cases, with a server on every port that may matter.
fn published(bed: &Bed<'_>, cases: &[Case]) -> Vec<Server> {
    let mut servers = Vec::new();
    for (index, name) in NAMES.into_iter().enumerate() {
        let own = || cases.iter().filter(|case| case.container == index);
        let mappings: Vec<String> = own().flat_map(Case::mappings).collect();
        bed.endpoint("foo", &endpoint(name, &mappings));
        let container = bed.join("foo", name, &format!("{{\"container_id\":\"{name}\"}}"));
        let mut ports: Vec<u16> = own().flat_map(Case::listened).collect();
        ports.sort_unstable();
        ports.dedup();
        servers.push(Server::new(&container.key, name, ports));
    }
    servers
}

const V4: bool = false;
const V6: bool = true;

#[test]
fn of_both_families() {
    matrix(r#"{"ipv6":true}"#, &[V4, V6]);
}

#[test]
fn of_ipv4_alone() {
    matrix("{}", &[V4]);
}

#[test]
fn of_ipv6_alone() {
    matrix(r#"{"subnets":[{"subnet":"fd00:51::/64"}]}"#, &[V6]);
}

#[test]
fn where_containers_may_not_talk() {
    matrix(r#"{"ipv6":true,"icc":false,"masquerade":false}"#, &[V4, V6]);
}
