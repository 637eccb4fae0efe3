//! SCTP through a published port, and to a service. The kernel of a test need not have SCTP sockets: the handshake's
//! first packets are made by hand (RFC 9260) and sent on raw sockets. Its connection tracking has to
//! know the protocol, or a port of it could not be told from another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use common::bed::{Bed, HOST4, HOST6, OUTSIDE4, OUTSIDE6, same, snapshot};
use common::net::within;
use common::{on_a_host, sh};
use netberth::model::{JoinSpec, ServiceSpec};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const OWN: u16 = 40_001;

/// RFC 9260, appendix A: `CRC32c`, here bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0x82F6_3B78 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A packet with one chunk of the handshake, which says `ports`: source and destination.
fn packet(kind: u8, ports: (u16, u16), tag: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([kind, 0, 0, 20]);
    for word in [7_u32, 65_536, 0x000a_000a, 1] {
        bytes.extend(word.to_be_bytes());
    }
    let sum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A raw socket in the guise of a UDP one: it has the same calls.
fn raw(ns: &Path, ipv6: bool) -> UdpSocket {
    let family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let open = || socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Sctp);
    let socket = UdpSocket::from(within(ns, open).expect("raw sockets need CAP_NET_RAW"));
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    socket
}

/// The next packet with a chunk of a kind: who sent it, and its ports. `None` when nothing comes.
fn next(socket: &UdpSocket, kind: u8, wait: Duration) -> Option<(IpAddr, u16, u16)> {
    let began = Instant::now();
    let mut buffer = [0; 256];
    while began.elapsed() < wait {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        // A raw IPv4 socket is given the header, too: raw(7).
        let header = if from.is_ipv4() { usize::from(buffer[0] & 15) * 4 } else { 0 };
        let sctp = &buffer[header..length];
        let mut unsummed = sctp.to_vec();
        unsummed[8..12].fill(0);
        assert_eq!(crc32c(&unsummed).to_le_bytes(), sctp[8..12], "the sum after rewriting");
        if sctp[12] == kind {
            let port = |at: usize| u16::from_be_bytes([sctp[at], sctp[at + 1]]);
            return Some((from.ip(), port(0), port(2)));
        }
    }
    None
}

const LONG: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);

/// Sends INIT from `client` to a port of the host, and asserts that the container gets it at `port`
/// and that its answer comes from where the client asked.
fn shakes(client: &Path, server: &Path, (host, host_port): (&str, u16), port: u16, as_seen: &str) {
    let host: IpAddr = host.parse().unwrap();
    let (ours, theirs) = (raw(client, host.is_ipv6()), raw(server, host.is_ipv6()));
    ours.send_to(&packet(INIT, (OWN, host_port), 0), (host, 0)).unwrap();
    let (from, own, found) = next(&theirs, INIT, LONG).expect("INIT");
    assert_eq!((from, found), (as_seen.parse().unwrap(), port));
    theirs.send_to(&packet(INIT_ACK, (port, own), 7), (from, 0)).unwrap();
    let answer = next(&ours, INIT_ACK, LONG).expect("INIT ACK");
    assert_eq!(answer, (host, host_port, OWN));
}

#[test]
fn an_association_is_made_through_a_published_port() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        let before = snapshot(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint(
            "foo",
            r#"{"name":"web","port_mapping":[
                {"proto":"sctp","port":7000,"host_port":8000},
                {"proto":132,"port":9000,"port_end":9009,"host_port":9000}]}"#,
        );
        let web = bed.join("foo", "web", "{\"container_id\":\"web\"}");
        let sibling = bed.container("foo", "sibling");
        for (at, from) in [(HOST4, OUTSIDE4), (HOST6, OUTSIDE6)] {
            shakes(&outside, &web.key, (at, 8000), 7000, from);
            shakes(&outside, &web.key, (at, 9005), 9005, from);
        }
        shakes(&sibling.key, &web.key, (HOST4, 8000), 7000, &sibling.v4);
        shakes(&sibling.key, &web.key, (HOST6, 9009), 9009, &sibling.v6);
        let flows = sh("conntrack -L -p sctp 2>/dev/null");
        assert!(flows.contains("dport=8000") && flows.contains(&web.v4), "{flows}");
        // What is not published stays out: 7000 itself, and the same numbers of TCP.
        let server = raw(&web.key, false);
        let client = raw(&outside, false);
        for port in [7000, 9010] {
            client.send_to(&packet(INIT, (OWN + 1, port), 0), (HOST4, 0)).unwrap();
        }
        assert_eq!(next(&server, INIT, SHORT), None);
        // A socket keeps its namespace, and that the link which was unplugged.
        drop(server);
        bed.netberth.sandbox_delete("web").unwrap();
        let flows = sh("conntrack -L -p sctp 2>/dev/null");
        assert!(!flows.contains(&web.v4), "{flows}");
        bed.netberth.endpoint_delete("foo", "web", false).unwrap();
        bed.remove("foo", "sibling");
        bed.netberth.network_delete("foo").unwrap();
        same(&before, &snapshot(host));
    });
}

/// Sends INIT from a port of `client`, asserts that one of `servers` gets it at 7000 and that its
/// answer comes from where the client asked, and tells which it was.
fn one_of(client: &Path, servers: &[&Path; 2], to: (&str, u16), own: u16, as_seen: &str) -> usize {
    let host: IpAddr = to.0.parse().unwrap();
    let ours = raw(client, host.is_ipv6());
    let theirs = servers.map(|server| raw(server, host.is_ipv6()));
    ours.send_to(&packet(INIT, (own, to.1), 0), (host, 0)).unwrap();
    let tick = Duration::from_millis(1);
    let began = Instant::now();
    let found = std::iter::repeat_with(|| [0, 1].map(|at| next(&theirs[at], INIT, tick)))
        .take_while(|_| began.elapsed() < LONG)
        .find_map(|got| (0..2).find_map(|at| got[at].map(|init| (at, init))));
    let (at, (from, own_seen, port)) = found.expect("INIT");
    assert_eq!((from, port), (as_seen.parse().unwrap(), 7000));
    theirs[at].send_to(&packet(INIT_ACK, (port, own_seen), 7), (from, 0)).unwrap();
    assert_eq!(next(&ours, INIT_ACK, LONG).expect("INIT ACK"), (host, to.1, own));
    assert_eq!(next(&theirs[1 - at], INIT, tick), None, "both got it");
    at
}

/// By its virtual addresses and by a published port, of either family; its back ends in turn.
#[test]
fn an_association_is_made_with_one_of_two_back_ends() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let spec = ServiceSpec::from_json(
            br#"{"name":"web","network_name":"foo","port_mapping":[
                {"proto":"sctp","port":7000,"host_port":8000}]}"#,
        );
        bed.netberth.service_publish(&spec.unwrap()).unwrap();
        let keys = ["a", "b"].map(|name| {
            let json = format!("{{\"container_id\":\"{name}\"}}");
            bed.netberth.service_attach("web", &JoinSpec::from_json(json.as_bytes()).unwrap())
        });
        let keys = keys.map(Result::unwrap);
        let servers = [keys[0].as_path(), keys[1].as_path()];
        let client = bed.container("foo", "client");
        let more = bed.netberth.service("web", true).unwrap().more.unwrap();
        let vips: Vec<&str> =
            more.addresses.iter().filter_map(|cidr| cidr.split('/').next()).collect();
        let ways = [
            (&client.key, (vips[0], 7000), &*client.v4),
            (&client.key, (vips[1], 7000), &*client.v6),
            (&outside, (HOST4, 8000), OUTSIDE4),
            (&outside, (HOST6, 8000), OUTSIDE6),
        ];
        for (from, to, seen) in ways {
            let turns = [1, 2, 3, 4].map(|own| one_of(from, &servers, to, OWN + own, seen));
            assert_eq!(turns.iter().sum::<usize>(), 2, "{to:?}: {turns:?}");
        }
        bed.netberth.service_detach("web", "a", false).unwrap();
        for (from, to, seen) in ways {
            // The same ports as before: they were its own before it went.
            for own in [1, 2, 3, 4] {
                assert_eq!(one_of(from, &servers, to, OWN + own, seen), 1, "{to:?}");
            }
        }
    });
}
