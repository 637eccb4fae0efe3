//! Connections of back ends that drain, and of those that go at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::{TcpStream, UdpSocket};

use common::bed::{Bed, HOST4};
use common::net::PORT;
use common::on_a_host;
use common::server::{Server, asked_by_udp, udp_to};
use common::services::{Talker, attach, backends, connected, detach, goes_on, publish};

const PORTS: &str = ",\"port_mapping\":[{\"proto\":6,\"port\":7777,\"host_port\":7777},\
                     {\"proto\":17,\"port\":7777,\"host_port\":7777}]";

#[test]
fn who_drains_keeps_what_is_connected_and_gets_nothing_new() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo"}"#);
        let client = bed.container("foo", "client").key;
        let vip = publish(&bed, "web", "foo", PORTS).0;
        let backs = ["a", "b"].map(|name| attach(&bed, "web", name));
        let _talkers = [Talker::new(&backs[0].key, "a"), Talker::new(&backs[1].key, "b")];
        for (from, to) in [(&client, vip.as_str()), (&outside, HOST4)] {
            let mut all: Vec<(TcpStream, String)> = (0..8).map(|_| connected(from, to)).collect();
            assert!(all.iter().any(|one| one.1 == "a") && all.iter().any(|one| one.1 == "b"));
            let states = || -> Vec<(String, String)> {
                let all = backends(&bed, "web").into_iter();
                all.map(|one| (one.id, one.state.unwrap())).collect()
            };
            let both = |a: &str, b: &str| [("a", a), ("b", b)].map(|(x, y)| (x.into(), y.into()));
            assert_eq!(states(), both("attached", "attached"));
            bed.netberth.service_detach("web", "a", true).unwrap();
            assert_eq!(states(), both("draining", "attached"));
            for (stream, _) in &mut all {
                assert!((0..5).all(|_| goes_on(stream)));
            }
            assert!((0..20).all(|_| connected(from, to).1 == "b"));
            bed.netberth.service_detach("web", "a", true).unwrap();
            attach(&bed, "web", "a");
            assert_eq!(states(), both("attached", "attached"));
            let (of_a, of_b): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.1 == "a");
            assert!(of_b.into_iter().all(|(mut stream, _)| goes_on(&mut stream)));
            assert!(of_a.into_iter().all(|(mut stream, _)| goes_on(&mut stream)));
        }
        let (mut stream, who) = connected(&client, &vip);
        detach(&bed, "web", &who);
        assert!(!goes_on(&mut stream), "its back end has gone");
    });
}

#[test]
fn flows_stay_with_their_back_end_and_leave_it_when_it_goes() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let client = bed.container("foo", "client").key;
        let vips = publish(&bed, "web", "foo", PORTS);
        // They stay on the network, and so does what they answer.
        let serve = |name: &&str| Server::new(&bed.container("foo", name).key, name);
        let _servers: Vec<Server> = ["a", "b", "c"].iter().map(serve).collect();
        for (from, to) in [(&client, &*vips.0), (&client, &*vips.1), (&outside, HOST4)] {
            attach(&bed, "web", "a");
            attach(&bed, "web", "b");
            let sockets: Vec<UdpSocket> = (0..12).map(|_| udp_to(from, to, PORT)).collect();
            let ask = || sockets.iter().map(|one| asked_by_udp(one).unwrap()).collect::<Vec<_>>();
            let first = ask();
            assert!(
                first.contains(&"a".to_owned()) && first.contains(&"b".to_owned()),
                "{first:?}"
            );
            attach(&bed, "web", "c");
            assert_eq!(ask(), first);
            detach(&bed, "web", "c");
            assert_eq!(ask(), first);
            bed.netberth.service_detach("web", "a", true).unwrap();
            assert_eq!(ask(), first, "{to}: a drains");
            assert_eq!(asked_by_udp(&udp_to(from, to, PORT)).unwrap(), "b");
            detach(&bed, "web", "a");
            assert!(ask().iter().all(|name| name == "b"), "{to}: a has gone");
            detach(&bed, "web", "b");
        }
    });
}
