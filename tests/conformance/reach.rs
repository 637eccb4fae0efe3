//! The rest of what moby and netavark test of published ports: containers are not reached past them,
//! reach themselves through them, and everybody else where they are published.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use netberth::Kind;
use netberth::model::EndpointSpec;

use super::wire::{
    Expect, OTHER4, OTHER6, Probe, Server, Via, endpoint, gateways, host_path, mapping, outside,
    prove,
};
use crate::common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6};
use crate::common::{on_a_host, sh};

/// Where every container listens.
const LISTENS: u16 = 7000;
/// Published on all addresses, and on one of each family.
const ALL: u16 = 8000;
const ONE: u16 = 8001;

fn listening(bed: &Bed<'_>, network: &str, name: &str, mappings: &[String]) -> (Container, Server) {
    bed.endpoint(network, &endpoint(name, mappings));
    let container = bed.join(network, name, &format!("{{\"container_id\":\"{name}\"}}"));
    let ports = [LISTENS, LISTENS + 1, ALL, ONE];
    let server = Server::new(&container.key, name, ports);
    (container, server)
}

/// One container that publishes, one beside it, one elsewhere, and the outside.
struct Place {
    web: Container,
    sibling: Container,
    stranger: Container,
    outside: PathBuf,
    _server: Server,
}

impl Place {
    fn new(bed: &Bed<'_>) -> Place {
        let outside = outside(bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.network(r#"{"name":"bar","options":{"ipv6":true}}"#);
        let mut mappings = Vec::new();
        for name in Via::PORTS.map(Via::name) {
            mappings.push(mapping(name, LISTENS, ALL, ""));
            mappings.push(mapping(name, LISTENS + 1, ONE, HOST4));
            mappings.push(mapping(name, LISTENS + 1, ONE, HOST6));
        }
        let (web, server) = listening(bed, "foo", "web", &mappings);
        let sibling = bed.container("foo", "sibling");
        let stranger = bed.container("bar", "stranger");
        Place { web, sibling, stranger, outside, _server: server }
    }
}

/// The outside has a route to every container, by way of the host; a container has one to every
/// other. It is of no use, whatever is published.
#[test]
fn past_the_published_port_there_is_no_way() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let place = Place::new(&bed);
        let mut probes = Vec::new();
        for (name, ns) in [("outside", &place.outside), ("stranger", &place.stranger.key)] {
            for (to, port) in [&place.web.v4, &place.web.v6]
                .into_iter()
                .flat_map(|to| [LISTENS, LISTENS + 1, ALL, ONE].map(|port| (to, port)))
            {
                let probe = |via| Probe::new(name, ns, via, (to, port), Expect::Silence);
                probes.extend([Via::Tcp, Via::Udp, Via::Ping].map(probe));
            }
        }
        prove(&probes);
    });
}

/// From the container itself, from beside it and from elsewhere: by every address of the host that it
/// is published on, and by no other. Its own address is hidden from itself alone, for it would not
/// answer itself.
#[test]
fn by_the_host_from_every_container() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let place = Place::new(&bed);
        let Place { web, sibling, stranger, .. } = &place;
        let (of_foo, of_bar) = (gateways(&bed, "foo"), gateways(&bed, "bar"));
        let mut probes = Vec::new();
        for via in Via::PORTS {
            let mut ask =
                |name: &str, from: &Container, seen: (&str, &str), gateways: [&str; 2]| {
                    for (to, one) in [HOST4, OTHER4, HOST6, OTHER6]
                        .into_iter()
                        .chain(gateways)
                        .map(|to| (to, [HOST4, HOST6].contains(&to)))
                    {
                        let seen = if to.contains(':') { seen.1 } else { seen.0 };
                        let says = |port: u16| Expect::Says(format!("web:{port} {seen}"));
                        probes.push(Probe::new(name, &from.key, via, (to, ALL), says(LISTENS)));
                        let expect = if one { says(LISTENS + 1) } else { Expect::Nobody };
                        probes.push(Probe::new(name, &from.key, via, (to, ONE), expect));
                    }
                };
            let foo = [of_foo.0.as_str(), &of_foo.1];
            ask("web itself", web, (&of_foo.0, &of_foo.1), foo);
            ask("sibling", sibling, (&sibling.v4, &sibling.v6), foo);
            ask("stranger", stranger, (&stranger.v4, &stranger.v6), [&of_bar.0, &of_bar.1]);
            ask("stranger", stranger, (&stranger.v4, &stranger.v6), foo);
        }
        prove(&probes);
    });
}

fn create(bed: &Bed<'_>, network: &str, json: &str) -> netberth::Result<()> {
    let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
    bed.netberth.endpoint_create(network, &spec).map(drop)
}

#[test]
fn an_internal_network_refuses_in_words() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true,"internal":true}}"#);
        let before = (bed.records(), sh("nft -s list ruleset"));
        for ip in ["", "127.0.0.1", "0.0.0.0", HOST6] {
            for port in [0, ALL] {
                let json = endpoint("web", &[mapping("tcp", LISTENS, port, ip)]);
                let error = create(&bed, "foo", &json).unwrap_err();
                assert_eq!(error.kind(), Kind::Invalid);
                let said = error.to_string();
                assert!(
                    said.contains("port_mapping") && said.contains("foo is internal"),
                    "{said}"
                );
            }
        }
        assert_eq!(before, (bed.records(), sh("nft -s list ruleset")));
    });
}

/// Two containers share a number, each in one family; whoever wants more is told who is in the way.
#[test]
fn each_family_can_be_had_by_itself() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let on = |ip: &str| [mapping("tcp", LISTENS, ALL, ip), mapping("udp", LISTENS, ALL, ip)];
        let _four = listening(&bed, "foo", "four", &on("0.0.0.0"));
        let _six = listening(&bed, "foo", "six", &on("::"));
        let says = |name: &str, seen: &str| Expect::Says(format!("{name}:{LISTENS} {seen}"));
        let probes = Via::PORTS.into_iter().flat_map(|via| {
            let ask = |to, expect| Probe::new("", &outside, via, (to, ALL), expect);
            [ask(OTHER4, says("four", OUTSIDE4)), ask(OTHER6, says("six", OUTSIDE6))]
        });
        prove(&probes.collect::<Vec<_>>());
        for (ip, holder) in [("", "four"), (HOST4, "four"), (HOST6, "six"), ("::1", "six")] {
            let error = create(&bed, "foo", &endpoint("more", &on(ip))).unwrap_err();
            assert_eq!(error.kind(), Kind::Exists);
            assert!(error.to_string().contains(&format!("endpoint {holder}")), "{error}");
        }
        // Programs of the host are in the way of their own family, too.
        let _listener = std::net::TcpListener::bind("127.0.0.1:8100").unwrap();
        let at = |ip: &str| endpoint("more", &[mapping("tcp", LISTENS, 8100, ip)]);
        let error = create(&bed, "foo", &at("0.0.0.0")).unwrap_err();
        assert!(error.to_string().contains("pid"), "{error}");
        create(&bed, "foo", &at("::")).unwrap();
    });
}

/// What a network says of mappings that name no address; one that is named goes before it.
#[test]
fn the_binding_of_a_network() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        let (both, four, six, none) = ([true, true], [true, false], [false, true], [false, false]);
        let table = [
            (r#""host_binding":"0.0.0.0""#, "", both),
            (r#""com.docker.network.generic":{"DefaultBindingIP":"0.0.0.0"}"#, "", both),
            (r#""host_binding":"::""#, "", six),
            (r#""host_binding":"127.0.0.1""#, "", none),
            (r#""host_binding":"127.0.0.1""#, "0.0.0.0", four),
            (r#""host_binding":"127.0.0.1""#, HOST6, six),
        ];
        for (index, (binding, ip, answers)) in (0..).zip(table) {
            let name = format!("n{index}");
            let options = format!("{{\"ipv6\":true,{binding}}}");
            bed.network(&format!("{{\"name\":\"{name}\",\"options\":{options}}}"));
            let web = mapping("tcp", LISTENS, ALL + index, ip);
            let (_, _server) = listening(&bed, &name, &name, &[web]);
            let ask = |to: &str, seen: &str, answers: bool| {
                let says = Expect::Says(format!("{name}:{LISTENS} {seen}"));
                let expect = if answers { says } else { Expect::Nobody };
                Probe::new(binding, &outside, Via::Tcp, (to, ALL + index), expect)
            };
            prove(&[ask(HOST4, OUTSIDE4, answers[0]), ask(HOST6, OUTSIDE6, answers[1])]);
        }
    });
}

/// A container on two networks, published on the one that has not its default route: the answer goes
/// out by the other one, which strict reverse-path filters do not like.
fn two_networks(filter: &str) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        let strict = |ns: Option<&Path>| {
            let line = format!(
                "for dev in all default; do echo {filter} > /proc/sys/net/ipv4/conf/$dev/rp_filter; done"
            );
            ns.map_or_else(|| sh(&line), |ns| crate::common::bed::inside(ns, &line));
        };
        strict(None);
        let ns = bed.namespace("web");
        strict(Some(&ns));
        let join = format!("{{\"container_id\":\"web\",\"netns\":\"{}\"}}", ns.display());
        let mut addresses = Vec::new();
        for (network, port) in [("first", ALL), ("second", ONE)] {
            bed.network(&format!("{{\"name\":\"{network}\",\"options\":{{\"ipv6\":true}}}}"));
            let mappings = Via::PORTS.map(|via| mapping(via.name(), LISTENS, port, ""));
            bed.endpoint(network, &endpoint(network, &mappings));
            let own = bed.join(network, network, &join).addresses();
            addresses.extend(own.into_iter().map(|ip| SocketAddr::new(ip, LISTENS)));
        }
        let _server = Server::at(&ns, "web", &addresses);
        let stranger = bed.container("first", "stranger");
        let here = host_path();
        let mut probes = Vec::new();
        for (via, port) in Via::PORTS.into_iter().flat_map(|via| [ALL, ONE].map(|port| (via, port)))
        {
            let mut ask = |name: &str, ns: &Path, to: &str, seen: &str| {
                let says = Expect::Says(format!("web:{LISTENS} {seen}"));
                let case = format!("{name}, rp_filter {filter}");
                probes.push(Probe::new(&case, ns, via, (to, port), says));
            };
            ask("outside", &outside, HOST4, OUTSIDE4);
            ask("outside", &outside, HOST6, OUTSIDE6);
            ask("host", &here, HOST4, HOST4);
            ask("host", &here, HOST6, HOST6);
            ask("stranger", &stranger.key, HOST4, &stranger.v4);
            ask("stranger", &stranger.key, HOST6, &stranger.v6);
        }
        prove(&probes);
    });
}

#[test]
fn on_two_networks() {
    two_networks("0");
}

#[test]
fn on_two_networks_with_loose_filters() {
    two_networks("2");
}

#[test]
fn on_two_networks_with_strict_filters() {
    two_networks("1");
}
