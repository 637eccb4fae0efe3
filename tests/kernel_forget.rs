//! What the kernel selects by itself is what is deleted one by one.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected says so and ends")]

mod common;

use common::conntrack::{connection, datagram, entries, to, with_rules};
use common::sh;
use netberth::kernel::conntrack::Conntrack;
use netberth::model::Proto;
use netberth::plan::Flow;

#[test]
fn what_is_forgotten_is_what_is_deleted() {
    with_rules(|_| {
        let conntrack = Conntrack::open().unwrap();
        let of = |address: &str| Flow::Of { address: address.parse().unwrap() };
        let through =
            |to: &str, by: &str| Flow::Through { to: to.parse().unwrap(), by: by.parse().unwrap() };
        let backend = |proto, address: &str, port| Flow::AnsweredBy {
            proto,
            address: address.parse().unwrap(),
            port,
            port_end: None,
        };
        let span = |answered_by: Option<&str>| Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address: Some("192.0.2.1".parse().unwrap()),
            port: 5001,
            port_end: Some(5003),
            answered_by: answered_by.map(|address| address.parse().unwrap()),
        };
        let selections: [Vec<Flow>; 14] = [
            vec![],
            vec![to(Proto::Udp, None, 5000)],
            vec![to(Proto::Udp, Some("192.0.2.1"), 5000)],
            vec![to(Proto::Tcp, None, 5000), to(Proto::Udp, Some("fd00::1"), 5000)],
            vec![to(Proto::Sctp, None, 5000), to(Proto::Udp, None, 4000)],
            vec![span(None)],
            vec![span(Some("10.1.0.2"))],
            vec![span(Some("10.1.0.3"))],
            vec![backend(Proto::Udp, "10.1.0.2", 6000), backend(Proto::Tcp, "fd00::2", 6000)],
            vec![backend(Proto::Udp, "10.1.0.2", 6001)],
            vec![through("192.0.2.1", "10.1.0.2"), through("fd00::1", "fd00::2")],
            vec![through("192.0.2.1", "192.0.2.1")],
            vec![of("fd00::2"), of("192.0.2.2")],
            vec![of("10.1.0.2")],
        ];
        for flows in selections {
            let left = |forget: &dyn Fn(&[Flow])| {
                for port in 5000..=5004 {
                    datagram("192.0.2.1:4000", &format!("192.0.2.1:{port}"));
                }
                datagram("192.0.2.2:4000", "192.0.2.2:5000");
                datagram("[fd00::1]:4000", "[fd00::1]:5000");
                let both = (
                    connection("four", "192.0.2.1:5000", "10.1.0.2:6000"),
                    connection("six!", "[fd00::1]:5000", "[fd00::2]:6000"),
                );
                forget(&flows);
                let left = entries();
                drop(both);
                sh("conntrack -F 2>/dev/null");
                left
            };
            let deleted = left(&|flows| assert!(conntrack.delete(flows).unwrap() < 100));
            let forgotten = left(&|flows| conntrack.forget(flows).unwrap());
            assert_eq!(forgotten, deleted, "{flows:?}");
        }
    });
}
