//! Connections of the host with itself, through rules that rewrite some.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test bed says so and ends")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use netberth::model::Proto;
use netberth::plan::Flow;

use super::{Host, on_a_host, sh};

/// 192.0.2.1 and `fd00::1` are the host's, 10.1.0.2 and `fd00::2` the container's.
pub const RULES: &str = "table inet t {
    chain out {
        type nat hook output priority -100;
        ip daddr 192.0.2.1 udp dport 5000-5009 dnat ip to 10.1.0.2:6000
        ip daddr 192.0.2.1 tcp dport 5000 dnat ip to 10.1.0.2:6000
        ip6 daddr fd00::1 udp dport 5000 dnat ip6 to [fd00::2]:6000
        ip6 daddr fd00::1 tcp dport 5000 dnat ip6 to [fd00::2]:6000
    }
    chain zones {
        type filter hook output priority raw;
        udp dport 5021 ct zone set 7
        udp dport 5022 ct original zone set 9
    }
}
";

pub fn with_rules(test: impl FnOnce(&Host) + Send) {
    on_a_host(|host| {
        sh("ip link set lo up");
        for address in ["192.0.2.1", "192.0.2.2", "10.1.0.2", "10.1.0.3"] {
            sh(&format!("ip addr add {address}/32 dev lo"));
        }
        for address in ["fd00::1", "fd00::2"] {
            sh(&format!("ip -6 addr add {address}/128 dev lo nodad"));
        }
        std::fs::write(host.path("rules"), RULES).unwrap();
        sh(&format!("nft -f {}", host.path("rules").display()));
        ipv6_is_ready();
        test(host);
    });
}

/// The route of a new IPv6 address is made by a work item that may be late: until then what is sent
/// to it goes nowhere, without an error.
pub fn ipv6_is_ready() {
    for _ in 0..500 {
        datagram("[fd00::1]:4000", "[fd00::2]:9");
        if entries() == ["udp fd00::2 9"] {
            sh("conntrack -F 2>/dev/null");
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no IPv6 on lo: {:?}", entries());
}

/// Sends a datagram that nobody answers, from a port.
pub fn datagram(from: &str, to: &str) {
    UdpSocket::bind(from).unwrap().send_to(b"x", to).unwrap();
}

/// The entries as `protocol original-destination original-port`, sorted.
pub fn entries() -> Vec<String> {
    let mut lines: Vec<String> = sh("conntrack -L 2>/dev/null")
        .lines()
        .map(|line| {
            let word = |key: &str| {
                let mut words = line.split_whitespace();
                words.find_map(|word| word.strip_prefix(key)).unwrap_or("").to_owned()
            };
            let proto = line.split_whitespace().next().unwrap();
            format!("{proto} {} {}", word("dst="), word("dport=")).trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines
}

pub fn to(proto: Proto, address: Option<&str>, port: u16) -> Flow {
    let address = address.map(|address| address.parse().unwrap());
    let ipv6 = address.is_some_and(|address: std::net::IpAddr| address.is_ipv6());
    Flow::To { proto, ipv6, address, port, port_end: None, answered_by: None }
}

/// A connection through the rules, and both its ends.
pub fn connection(from: &str, to: &str, container: &str) -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind(container).unwrap();
    let client = TcpStream::connect(to).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    (&client).write_all(from.as_bytes()).unwrap();
    let mut read = [0; 4];
    server.read_exact(&mut read).unwrap();
    assert_eq!(server.local_addr().unwrap(), container.parse::<SocketAddr>().unwrap());
    (client, server, listener)
}
