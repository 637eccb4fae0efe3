//! Connections that the running kernel forgets, seen by `conntrack` before and after.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use common::conntrack::{RULES, connection, datagram, entries, to, with_rules};
use common::sh;
use netberth::kernel::conntrack::Conntrack;
use netberth::model::Proto;
use netberth::plan::{Flow, Step};

#[test]
fn only_what_is_selected_goes() {
    with_rules(|_| {
        let conntrack = Conntrack::open().unwrap();
        for port in [5000, 5001, 5002, 5003] {
            datagram("192.0.2.2:4000", &format!("192.0.2.1:{port}"));
        }
        datagram("192.0.2.2:4000", "192.0.2.2:5000");
        datagram("[fd00::1]:4000", "[fd00::1]:5000");
        let four = connection("four", "192.0.2.1:5000", "10.1.0.2:6000");
        let six = connection("six!", "[fd00::1]:5000", "[fd00::2]:6000");
        assert!(sh("conntrack -L 2>/dev/null").contains("ESTABLISHED"));
        let all = [
            "tcp 192.0.2.1 5000",
            "tcp fd00::1 5000",
            "udp 192.0.2.1 5000",
            "udp 192.0.2.1 5001",
            "udp 192.0.2.1 5002",
            "udp 192.0.2.1 5003",
            "udp 192.0.2.2 5000",
            "udp fd00::1 5000",
        ];
        assert_eq!(entries(), all);

        let delete = |flows: &[Flow], gone: &[usize], left: &mut Vec<&str>| {
            assert_eq!(conntrack.delete(flows).unwrap(), gone.len(), "{flows:?}");
            left.retain(|entry| !gone.iter().any(|index| all[*index] == *entry));
            assert_eq!(entries(), *left, "{flows:?}");
            assert_eq!(conntrack.delete(flows).unwrap(), 0);
        };
        let mut left = all.to_vec();
        delete(&[], &[], &mut left);
        delete(&[to(Proto::Sctp, None, 5000), to(Proto::Udp, None, 4000)], &[], &mut left);
        delete(&[to(Proto::Udp, Some("192.0.2.1"), 5000)], &[2], &mut left);
        // Established, and no other protocol or family.
        delete(&[to(Proto::Tcp, None, 5000)], &[0], &mut left);
        let span = Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address: None,
            port: 5002,
            port_end: Some(5003),
            answered_by: Some("10.1.0.2".parse().unwrap()),
        };
        delete(&[span], &[4, 5], &mut left);
        let backend = |proto, address: &str, port| Flow::AnsweredBy {
            proto,
            address: address.parse().unwrap(),
            port,
            port_end: None,
        };
        delete(&[backend(Proto::Udp, "10.1.0.2", 6001)], &[], &mut left);
        delete(&[backend(Proto::Udp, "10.1.0.3", 6000)], &[], &mut left);
        delete(
            &[backend(Proto::Udp, "10.1.0.2", 6000), backend(Proto::Tcp, "fd00::2", 6000)],
            &[1, 3],
            &mut left,
        );
        let of = |address: &str| Flow::Of { address: address.parse().unwrap() };
        delete(&[of("10.1.0.9")], &[], &mut left);
        delete(&[of("fd00::2"), of("192.0.2.2")], &[6, 7], &mut left);
        assert_eq!(left, [""; 0]);
        drop((four, six));
    });
}

/// What a restart of a UDP server is about: without the deletion a client stays with the back end
/// that is gone.
#[test]
fn the_next_packet_meets_the_rules_of_the_moment() {
    with_rules(|host| {
        let old = UdpSocket::bind("10.1.0.2:6000").unwrap();
        let new = UdpSocket::bind("10.1.0.3:6000").unwrap();
        for server in [&old, &new] {
            server.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        }
        let client = UdpSocket::bind("192.0.2.2:4000").unwrap();
        let say = || client.send_to(b"x", "192.0.2.1:5000").unwrap();
        let mut buffer = [0; 8];
        say();
        old.recv_from(&mut buffer).unwrap();
        let moved = RULES.replace("10.1.0.2", "10.1.0.3");
        std::fs::write(host.path("moved"), moved).unwrap();
        sh(&format!("nft flush ruleset; nft -f {}", host.path("moved").display()));
        say();
        old.recv_from(&mut buffer).unwrap();
        let flows = vec![to(Proto::Udp, Some("192.0.2.1"), 5000)];
        let step = [Step::Conntrack { flows, leaving: false }];
        assert!(!step[0].may_hold() && !step[0].is_shared());
        host.apply(&step);
        say();
        new.recv_from(&mut buffer).unwrap();
        assert_eq!(entries(), ["udp 192.0.2.1 5000"]);
        // The one forgets when it is applied, the other when it is undone.
        host.undo(&step);
        assert_eq!(entries(), ["udp 192.0.2.1 5000"]);
        let flows = vec![to(Proto::Udp, Some("192.0.2.1"), 5000)];
        let step = [Step::Conntrack { flows, leaving: true }];
        host.apply(&step);
        assert_eq!(entries(), ["udp 192.0.2.1 5000"]);
        host.undo(&step);
        assert_eq!(entries(), [""; 0]);
        host.undo(&step);
    });
}

#[test]
fn an_entry_of_a_zone_is_found_in_its_zone() {
    with_rules(|_| {
        for port in [5020, 5021, 5022] {
            datagram("192.0.2.2:4000", &format!("192.0.2.1:{port}"));
        }
        let before = sh("conntrack -L 2>/dev/null");
        assert!(before.contains("zone=7") && before.contains("zone-orig=9"), "{before}");
        let conntrack = Conntrack::open().unwrap();
        for (port, left) in [(5021, 2), (5022, 1), (5020, 0)] {
            let deleted = conntrack.delete(&[to(Proto::Udp, None, port)]).unwrap();
            assert_eq!((deleted, entries().len()), (1, left), "{port}");
        }
    });
}

/// The lines of a step say what it does: run by a shell they do the same.
#[test]
fn the_lines_do_what_the_step_does() {
    with_rules(|host| {
        let span = Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address: Some("192.0.2.1".parse().unwrap()),
            port: 5001,
            port_end: Some(5002),
            answered_by: Some("10.1.0.2".parse().unwrap()),
        };
        let back = Flow::AnsweredBy {
            proto: Proto::Udp,
            address: "fd00::2".parse().unwrap(),
            port: 6000,
            port_end: None,
        };
        let of = Flow::Of { address: "192.0.2.2".parse().unwrap() };
        let step = Step::Conntrack { flows: vec![span, back, of], leaving: false };
        let left = |delete: &dyn Fn()| {
            for port in 5000..=5003 {
                datagram("192.0.2.1:4000", &format!("192.0.2.1:{port}"));
            }
            datagram("[fd00::1]:4000", "[fd00::1]:5000");
            datagram("[fd00::1]:4000", "[fd00::1]:5001");
            datagram("192.0.2.2:4000", "192.0.2.1:5000");
            delete();
            let left = entries();
            sh("conntrack -F 2>/dev/null");
            left
        };
        let by_step = left(&|| host.apply(std::slice::from_ref(&step)));
        // conntrack(8) fails where it finds nothing.
        let by_lines = left(&|| {
            for line in step.lines() {
                sh(&format!("({line}) >/dev/null 2>&1 || true"));
            }
        });
        assert_eq!(by_step, ["udp 192.0.2.1 5000", "udp 192.0.2.1 5003", "udp fd00::1 5001"]);
        assert_eq!(by_lines, by_step);
    });
}

#[test]
fn ten_thousand_entries_go() {
    with_rules(|_| {
        let socket = UdpSocket::bind("192.0.2.2:4000").unwrap();
        for port in 10_000..20_000 {
            // An ICMP error to an earlier one is told by the next call, which then sends nothing.
            let to = format!("192.0.2.1:{port}");
            let _ = socket.send_to(b"x", &to).or_else(|_| socket.send_to(b"x", &to)).unwrap();
        }
        datagram("192.0.2.1:4000", "192.0.2.1:9999");
        let many = entries().len();
        assert!(many > 10_000, "{many}");
        let conntrack = Conntrack::open().unwrap();
        let span = |port, end| Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address: Some("192.0.2.1".parse().unwrap()),
            port,
            port_end: Some(end),
            answered_by: None,
        };
        let started = Instant::now();
        assert_eq!(conntrack.delete(&[span(1, 9)]).unwrap(), 0);
        eprintln!("looking through {many} entries: {:?}", started.elapsed());
        let started = Instant::now();
        conntrack.forget(&[span(1, 1)]).unwrap();
        eprintln!("letting the kernel look through them: {:?}", started.elapsed());
        let started = Instant::now();
        assert_eq!(
            conntrack.delete(&[span(10_000, 14_999), span(15_000, 19_999)]).unwrap(),
            10_000
        );
        eprintln!("deleting 10,000 of them: {:?}", started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert_eq!(entries(), ["udp 192.0.2.1 9999"]);
    });
}

/// Entries come and go while they are listed and deleted.
#[test]
fn a_busy_table_is_no_trouble() {
    with_rules(|_| {
        let conntrack = Conntrack::open().unwrap();
        std::thread::scope(|scope| {
            for from in ["192.0.2.2:4000", "192.0.2.2:4001"] {
                scope.spawn(move || {
                    let socket = UdpSocket::bind(from).unwrap();
                    for round in 0..20_000_u32 {
                        let _ =
                            socket.send_to(b"x", format!("192.0.2.1:{}", 10_000 + round % 2000));
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..10 {
                    sh("conntrack -F 2>/dev/null");
                }
            });
            let span = Flow::To {
                proto: Proto::Udp,
                ipv6: false,
                address: None,
                port: 10_000,
                port_end: Some(11_999),
                answered_by: None,
            };
            for _ in 0..50 {
                conntrack.delete(std::slice::from_ref(&span)).unwrap();
            }
        });
    });
}

/// The socket stays where it was opened, whoever uses it.
#[test]
fn a_handle_forgets_in_its_own_namespace() {
    with_rules(|host| {
        datagram("192.0.2.2:4000", "192.0.2.1:5000");
        let flows = vec![to(Proto::Udp, None, 5000)];
        let elsewhere = || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let nobody = Conntrack::open().unwrap();
            assert_eq!(nobody.delete(&flows).unwrap(), 0);
            host.apply(&[Step::Conntrack { flows: flows.clone(), leaving: false }]);
        };
        std::thread::scope(|scope| scope.spawn(elsewhere).join().unwrap());
        assert_eq!(entries(), [""; 0]);
    });
}
