//! Who reaches whom, for each kind of network: netavark's test of isolated networks, with every kind
//! that there is here, and with what goes by way of the host.

use std::path::{Path, PathBuf};

use super::wire::{
    Expect, Probe, Server, Via, endpoint, gateways, host_path, mapping, outside, prove,
};
use crate::common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, inside};
use crate::common::on_a_host;

/// Each kind of network, by its name here, and the options that make it.
const KINDS: [(&str, &str); 4] = [
    ("plain", r#"{"ipv6":true}"#),
    ("internal", r#"{"ipv6":true,"internal":true}"#),
    ("icc off", r#"{"ipv6":true,"icc":false}"#),
    ("bare", r#"{"ipv6":true,"masquerade":false}"#),
];

/// As whom the far side sees the one who asks; `-` where not even a refusal may come back. `none`: an
/// internal network publishes nothing, so that the host refuses.
const TABLE: [(&str, [&str; 4]); 11] = [
    // from a container of          plain       internal    icc off     without masquerade
    ("to a sibling", ["itself", "itself", "-", "itself"]),
    ("to another plain network", ["-", "-", "-", "-"]),
    ("to another internal network", ["-", "-", "-", "-"]),
    ("to the outside", ["host", "-", "host", "itself"]),
    ("to a port published elsewhere", ["itself", "-", "itself", "itself"]),
    ("to a port published by a sibling", ["itself", "none", "itself", "itself"]),
    ("to the host", ["itself", "itself", "itself", "itself"]),
    // to a container of
    ("from the host", ["gateway", "gateway", "gateway", "gateway"]),
    ("from the outside", ["-", "-", "-", "-"]),
    ("from another plain network", ["-", "-", "-", "-"]),
    ("from another internal network", ["-", "-", "-", "-"]),
];

/// Where every server listens; what is published is published under the same number.
const PORT: u16 = 7000;
/// What the other network publishes, and what the sibling.
const ELSEWHERE: u16 = 8000;
const SIBLING: u16 = 8001;

/// One who asks or is asked: a namespace, and its addresses.
struct End {
    ns: PathBuf,
    v4: String,
    v6: String,
}

impl End {
    fn new(ns: &Path, v4: &str, v6: &str) -> End {
        End { ns: ns.to_owned(), v4: v4.to_owned(), v6: v6.to_owned() }
    }

    fn of(container: &Container) -> End {
        End::new(&container.key, &container.v4, &container.v6)
    }

    fn address(&self, v6: bool) -> &str {
        if v6 { &self.v6 } else { &self.v4 }
    }
}

/// A network of one kind: who asks, who is its sibling, and its gateway.
struct Side {
    one: End,
    sibling: End,
    gateway: End,
}

/// A way out of its own making for a container that has none: it is the rules that hold.
fn way_out(bed: &Bed<'_>, network: &str, one: &End) {
    let (v4, v6) = gateways(bed, network);
    inside(&one.ns, &format!("ip route add default via {v4}; ip -6 route add default via {v6}"));
}

/// All that the cells of the table are about.
struct World {
    sides: Vec<Side>,
    plain: End,
    hidden: End,
    outside: End,
    host: End,
    _servers: Vec<Server>,
}

impl World {
    fn new(bed: &Bed<'_>) -> World {
        let abroad = outside(bed);
        let host = End::new(&host_path(), HOST4, HOST6);
        let mut servers =
            vec![Server::new(&abroad, "outside", [PORT]), Server::new(&host.ns, "host", [PORT])];
        let mut container = |network: &str, name: &str, mappings: &[String]| {
            bed.endpoint(network, &endpoint(name, mappings));
            let id = format!("{{\"container_id\":\"{name}\"}}");
            let container = bed.join(network, name, &id);
            servers.push(Server::new(&container.key, name, [PORT]));
            End::of(&container)
        };
        let on = |port: u16| Via::PORTS.map(|via| mapping(via.name(), PORT, port, ""));
        for (name, options) in [KINDS[0], KINDS[1]] {
            bed.network(&format!("{{\"name\":\"other {name}\",\"options\":{options}}}"));
        }
        let plain = container("other plain", "stranger", &on(ELSEWHERE));
        let hidden = container("other internal", "hidden", &[]);
        way_out(bed, "other internal", &hidden);
        let mut sides = Vec::new();
        for (index, (name, options)) in (0..).zip(KINDS) {
            bed.network(&format!("{{\"name\":\"{name}\",\"options\":{options}}}"));
            let mappings =
                if name == "internal" { Vec::new() } else { on(SIBLING + index).to_vec() };
            let one = container(name, &format!("one{index}"), &[]);
            let sibling = container(name, &format!("sibling{index}"), &mappings);
            let (v4, v6) = gateways(bed, name);
            if name == "internal" {
                way_out(bed, name, &one);
            }
            sides.push(Side { one, sibling, gateway: End::new(&host.ns, &v4, &v6) });
        }
        let outside = End::new(&abroad, OUTSIDE4, OUTSIDE6);
        World { sides, plain, hidden, outside, host, _servers: servers }
    }

    /// From whom and to whom a row of the table is, on which port, and the name of who answers.
    fn cell(&self, row: &str, index: usize) -> (&End, &End, u16, String) {
        let Side { one, sibling, gateway } = &self.sides[index];
        let published = SIBLING + u16::try_from(index).unwrap();
        let named = |name: &str| format!("{name}{index}");
        match row {
            "to a sibling" => (one, sibling, PORT, named("sibling")),
            "to another plain network" => (one, &self.plain, PORT, "stranger".to_owned()),
            "to another internal network" => (one, &self.hidden, PORT, "hidden".to_owned()),
            "to the outside" => (one, &self.outside, PORT, "outside".to_owned()),
            "to a port published elsewhere" => (one, &self.host, ELSEWHERE, "stranger".to_owned()),
            "to a port published by a sibling" => (one, &self.host, published, named("sibling")),
            "to the host" => (one, gateway, PORT, "host".to_owned()),
            "from the host" => (&self.host, one, PORT, named("one")),
            "from the outside" => (&self.outside, one, PORT, named("one")),
            "from another plain network" => (&self.plain, one, PORT, named("one")),
            "from another internal network" => (&self.hidden, one, PORT, named("one")),
            unknown => panic!("no such row: {unknown}"),
        }
    }

    fn probes(&self, row: &str, index: usize, seen: &str) -> Vec<Probe> {
        let (from, to, port, name) = self.cell(row, index);
        let mut probes = Vec::new();
        for (v6, via) in [false, true]
            .into_iter()
            .flat_map(|v6| [Via::Tcp, Via::Udp, Via::Ping].map(|via| (v6, via)))
        {
            // A ping to the host's address is for the host.
            if via == Via::Ping && port != PORT {
                continue;
            }
            let who = match seen {
                "itself" => from.address(v6),
                "host" => self.host.address(v6),
                "gateway" => self.sides[index].gateway.address(v6),
                _ => "",
            };
            let expect = match (seen, via) {
                ("-", _) => Expect::Silence,
                ("none", _) => Expect::Nobody,
                (_, Via::Ping) => Expect::Says(String::new()),
                _ => Expect::Says(format!("{name}:{PORT} {who}")),
            };
            let case = format!("{} {row}", KINDS[index].0);
            probes.push(Probe::new(&case, &from.ns, via, (to.address(v6), port), expect));
        }
        probes
    }
}

#[test]
fn each_kind_of_network_towards_everybody() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let world = World::new(&bed);
        let cells = TABLE.iter().flat_map(|(row, line)| {
            line.iter().enumerate().map(move |(index, seen)| (*row, index, *seen))
        });
        let probes: Vec<Probe> =
            cells.flat_map(|(row, index, seen)| world.probes(row, index, seen)).collect();
        prove(&probes);
    });
}
