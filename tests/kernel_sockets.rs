//! Who listens, as the running kernel and `ss` know it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use common::{Host, on_a_host, sh};
use netberth::kernel::Kernel;
use netberth::kernel::fake::Fake;
use netberth::kernel::sockets::{self, Socket};
use netberth::model::Proto;
use netberth::plan::{Ask, PortAsk};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

/// A TCP listener or a UDP socket; `v6only` counts for IPv6.
fn bound(kind: SockType, at: &str, v6only: bool) -> OwnedFd {
    let at: SocketAddr = at.parse().unwrap();
    let family = if at.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
    if at.is_ipv6() {
        setsockopt(&fd, sockopt::Ipv6V6Only, &v6only).unwrap();
    }
    bind(std::os::fd::AsRawFd::as_raw_fd(&fd), &SockaddrStorage::from(at)).unwrap();
    if kind == SockType::Stream {
        listen(&fd, Backlog::new(8).unwrap()).unwrap();
    }
    fd
}

fn tcp(at: &str) -> OwnedFd {
    bound(SockType::Stream, at, false)
}

fn udp(at: &str) -> OwnedFd {
    bound(SockType::Datagram, at, false)
}

/// The only one at a port.
fn one(proto: Proto, port: u16) -> Socket {
    let mut found = sockets::listening(proto, port).unwrap();
    assert_eq!(found.len(), 1, "{proto} {port}: {found:?}");
    found.remove(0)
}

fn inode(fd: &OwnedFd) -> u64 {
    nix::sys::stat::fstat(fd).unwrap().st_ino
}

/// Waits for a second or two; what follows tells what did not come.
fn wait_until(so: impl Fn() -> bool) {
    for _ in 0..200 {
        if so() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn up(_: &Host) {
    sh("ip link set lo up; ip addr add 192.0.2.1/32 dev lo; \
        ip -6 addr add fd00::1/128 dev lo nodad");
}

#[test]
fn every_kind_of_listener_is_found() {
    on_a_host(|host| {
        up(host);
        let cases = [
            (Proto::Tcp, tcp("0.0.0.0:1001"), "0.0.0.0", false),
            (Proto::Tcp, tcp("127.0.0.1:1002"), "127.0.0.1", false),
            (Proto::Tcp, tcp("[::]:1003"), "::", false),
            (Proto::Tcp, bound(SockType::Stream, "[::]:1004", true), "::", true),
            (Proto::Tcp, tcp("[fd00::1]:1005"), "fd00::1", false),
            (Proto::Tcp, tcp("[::ffff:192.0.2.1]:1006"), "192.0.2.1", false),
            (Proto::Udp, udp("0.0.0.0:1007"), "0.0.0.0", false),
            (Proto::Udp, udp("192.0.2.1:1008"), "192.0.2.1", false),
            (Proto::Udp, udp("[::]:1009"), "::", false),
            (Proto::Udp, bound(SockType::Datagram, "[::]:1010", true), "::", true),
            (Proto::Udp, udp("[::1]:1011"), "::1", false),
        ];
        for ((proto, fd, address, v6only), port) in cases.iter().zip(1001..) {
            let found = one(*proto, port);
            assert_eq!(found.address, address.parse::<IpAddr>().unwrap());
            assert_eq!((found.port, found.uid), (port, 0));
            if found.address.is_unspecified() {
                assert_eq!(found.v6only, *v6only, "{address}");
            }
            assert_eq!(u64::from(found.inode), inode(fd));
            let other = if *proto == Proto::Tcp { Proto::Udp } else { Proto::Tcp };
            assert_eq!(sockets::listening(other, port).unwrap(), []);
        }
        // The kernel of the tests may lack SCTP: then there is nobody.
        assert_eq!(sockets::listening(Proto::Sctp, 1001).unwrap(), []);
    });
}

#[test]
fn who_does_not_listen_is_not_found() {
    on_a_host(|host| {
        up(host);
        let listener = TcpListener::bind("127.0.0.1:2000").unwrap();
        let client = std::net::TcpStream::connect("127.0.0.1:2000").unwrap();
        let accepted = listener.accept().unwrap();
        let from = client.local_addr().unwrap().port();
        assert_eq!(sockets::listening(Proto::Tcp, from).unwrap(), []);
        one(Proto::Tcp, 2000);
        drop(listener);
        // A connection of a listener that is gone.
        wait_until(|| sockets::listening(Proto::Tcp, 2000).unwrap().is_empty());
        assert_eq!(sockets::listening(Proto::Tcp, 2000).unwrap(), []);
        drop((client, accepted));
        let connected = UdpSocket::bind("127.0.0.1:2001").unwrap();
        connected.connect("127.0.0.1:9").unwrap();
        assert_eq!(sockets::listening(Proto::Udp, 2001).unwrap(), []);
    });
}

#[test]
fn a_holder_is_named() {
    on_a_host(|host| {
        up(host);
        let own = tcp("127.0.0.1:3000");
        let found = sockets::holder(u32::try_from(inode(&own)).unwrap()).unwrap();
        assert_eq!(found.pid, std::process::id());
        // busybox calls itself by the program that it plays.
        let mut server = std::process::Command::new("busybox")
            .args(["httpd", "-f", "-p", "127.0.0.1:3001"])
            .spawn()
            .unwrap();
        wait_until(|| !sockets::listening(Proto::Tcp, 3001).unwrap().is_empty());
        let conflict = sockets::conflict(Proto::Tcp, None, &(2990..=3010)).unwrap().unwrap();
        assert_eq!(conflict.port, 3000, "the lowest first");
        drop(own);
        // A program that another test is starting may have it a moment longer.
        wait_until(|| sockets::listening(Proto::Tcp, 3000).unwrap().is_empty());
        let conflict = sockets::conflict(Proto::Tcp, None, &(2990..=3010)).unwrap().unwrap();
        let words = format!("busybox (pid {}) has 127.0.0.1:3001", server.id());
        assert_eq!(conflict.to_string(), words);
        server.kill().unwrap();
        server.wait().unwrap();
        wait_until(|| sockets::listening(Proto::Tcp, 3001).unwrap().is_empty());
        assert_eq!(sockets::conflict(Proto::Tcp, None, &(2990..=3010)).unwrap(), None);
        assert_eq!(sockets::holder(0), None);
        assert_eq!(sockets::holder(u32::MAX), None);
    });
}

/// What is in the way of what, asked of the running kernel and of the fake.
#[test]
fn conflicts_are_seen_by_both_kernels() {
    on_a_host(|host| {
        up(host);
        let fake = Fake::new();
        let listeners = [
            "0.0.0.0:4001",
            "[::]:4002",
            "127.0.0.1:4003",
            "127.0.0.53:4004",
            "192.0.2.1:4005",
            "[::1]:4006",
            "[fd00::1]:4007",
        ];
        let open: Vec<OwnedFd> = listeners.iter().map(|at| udp(at)).collect();
        for at in listeners {
            let at: SocketAddr = at.parse().unwrap();
            fake.set_listener(Proto::Udp, at.ip(), at.port(), "somebody");
        }
        let asks: Vec<PortAsk> =
            [None, Some("192.0.2.1"), Some("127.0.0.1"), Some("fd00::1"), Some("192.0.2.9")]
                .iter()
                .flat_map(|ip| (4000..=4008).map(move |port| (ip, port)))
                .map(|(ip, port)| PortAsk {
                    proto: Proto::Udp,
                    host_ip: ip.map(|ip| ip.parse().unwrap()),
                    ports: port..=port,
                })
                .collect();
        let ask = Ask { ports: asks.clone(), ..Ask::default() };
        let taken = |kernel: &dyn Kernel| {
            let facts = kernel.facts(&ask).unwrap();
            let all = facts.ports.iter().map(Option::is_some).collect::<Vec<_>>();
            all.chunks(9).map(|chunk| chunk.iter().map(|t| u8::from(*t)).collect()).collect()
        };
        let real: Vec<Vec<u8>> = taken(&host.kernel);
        assert_eq!(
            real,
            [
                [0, 1, 1, 1, 0, 1, 1, 1, 0],
                [0, 1, 1, 0, 0, 1, 0, 0, 0],
                [0, 1, 1, 1, 0, 0, 0, 0, 0],
                [0, 0, 1, 0, 0, 0, 0, 1, 0],
                [0, 1, 1, 0, 0, 0, 0, 0, 0],
            ]
        );
        assert_eq!(taken(&fake), real);
        let span = PortAsk { ports: 3000..=5000, ..asks[9].clone() };
        let ask = Ask { ports: vec![span], ..Ask::default() };
        let words = host.kernel.facts(&ask).unwrap().ports.remove(0).unwrap();
        let pid = std::process::id();
        assert!(words.ends_with(&format!("(pid {pid}) has 0.0.0.0:4001")), "{words}");
        assert_eq!(fake.facts(&ask).unwrap().ports, [Some("somebody".to_owned())]);
        drop(open);
        wait_until(|| host.kernel.facts(&ask).unwrap().ports == [None]);
        assert_eq!(host.kernel.facts(&ask).unwrap().ports, [None]);
    });
}

/// Asked from a thread that is elsewhere, a handle answers of its own namespace.
#[test]
fn a_handle_asks_in_its_own_namespace() {
    on_a_host(|host| {
        up(host);
        let here = tcp("0.0.0.0:5000");
        let elsewhere = || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let there = tcp("0.0.0.0:5001");
            let ask = |port: u16| {
                let ask = PortAsk { proto: Proto::Tcp, host_ip: None, ports: port..=port };
                let ask = Ask { ports: vec![ask], ..Ask::default() };
                host.kernel.facts(&ask).unwrap().ports.remove(0)
            };
            assert!(ask(5000).is_some());
            assert_eq!(ask(5001), None);
            drop(there);
        };
        std::thread::scope(|scope| scope.spawn(elsewhere).join().unwrap());
        drop(here);
    });
}

/// The kernel is asked for one port; a span is looked through here.
#[test]
fn among_many_one_is_found_quickly() {
    on_a_host(|host| {
        up(host);
        let many: Vec<OwnedFd> =
            (0..800).map(|n| udp(&format!("127.0.0.1:{}", 20_000 + n))).collect();
        let started = std::time::Instant::now();
        assert_eq!(one(Proto::Udp, 20_500).port, 20_500);
        let conflict = sockets::conflict(Proto::Udp, None, &(19_000..=30_000)).unwrap().unwrap();
        assert_eq!(conflict.port, 20_000);
        let free = sockets::conflict(Proto::Udp, None, &(20_800..=30_000)).unwrap();
        assert_eq!(free, None);
        assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
        drop(many);
    });
}
