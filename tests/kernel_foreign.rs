//! Beside other programs' rules: what works, what the operator must add, and what `verify` says.
//! `tests/foreign` has the rules; what a difference says is to be added is added as it is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::TcpListener;
use std::path::Path;

use common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6};
use common::foreign::{
    FIREWALLD, UFW, answer, clean, clear, connects, differences, docker, follow, furnish,
    host_path, nft, others, while_it_flows, without_br_netfilter,
};
use common::net::{Echo, PORT, ping, reaches, silent, talks};
use common::verbs::Verb;
use common::{on_a_host, sh};

/// A port that a program of the host listens on.
const SERVICE: u16 = 5432;

/// A program of the host, and the address by which containers know the host.
fn service_of_the_host(bed: &Bed<'_>) -> (TcpListener, String) {
    let gateway = bed.netberth.network("foo", true).unwrap().options.unwrap().subnets[0].gateway;
    (TcpListener::bind(("0.0.0.0", SERVICE)).unwrap(), gateway.to_string())
}

/// Whether TCP gets an answer, whatever keeps it from it.
fn hears(from: &Path, to: &str) -> bool {
    answer(from, to, PORT).is_some()
}

/// Everything that must work where nobody is in the way.
#[track_caller]
fn all_works(outside: &Path, web: &Container, sibling: &Container) {
    talks(&web.key, OUTSIDE4, HOST4);
    talks(&web.key, OUTSIDE6, HOST6);
    talks(outside, HOST4, OUTSIDE4);
    talks(outside, HOST6, OUTSIDE6);
    talks(&sibling.key, &web.v4, &sibling.v4);
    talks(&sibling.key, &web.v6, &sibling.v6);
    assert!(hears(&host_path(), &web.v4) && hears(&host_path(), "127.0.0.1"));
}

#[test]
fn dockers_rules() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let docked = docker(&bed);
        let _echoes = [&docked, &outside].map(|ns| Echo::new(ns));
        let before = others();
        let docker_works = || {
            assert_eq!(answer(&outside, HOST4, 8888).as_deref(), Some(OUTSIDE4));
            talks(&docked, OUTSIDE4, HOST4);
        };
        docker_works();
        let (web, sibling) = furnish(&bed);
        let _echo = Echo::new(&web.key);
        assert!(!web.v4.starts_with("172.17."), "that is docker0's");
        docker_works();

        // IPv4 that passes the host is dropped; Docker has no IPv6 rules here.
        for (from, to) in [(&web.key, OUTSIDE4), (&outside, HOST4), (&sibling.key, &web.v4)] {
            assert!(!hears(from, to), "{to}");
        }
        talks(&web.key, OUTSIDE6, HOST6);
        talks(&outside, HOST6, OUTSIDE6);
        assert!(hears(&host_path(), &web.v4) && hears(&host_path(), "127.0.0.1"));
        silent(&docked, &web.v4);
        assert!(!ping(&web.key, "172.17.0.2", 1));

        let said = differences(&bed);
        let [forward] = said.as_slice() else { panic!("{said:#?}") };
        assert_eq!(forward.object, "chain ip filter FORWARD");
        assert_eq!(
            forward.expected,
            "iptables -I DOCKER-USER -i nb-+ -j ACCEPT; iptables -I DOCKER-USER -o nb-+ -j ACCEPT"
        );
        assert!(forward.found.starts_with("policy drop, and no rule was found that accepts: "));
        assert_eq!(others(), before);

        follow(forward);
        clean(&bed);
        let added = others();
        all_works(&outside, &web, &sibling);
        docker_works();
        // The two lines let nobody in whom netberth does not.
        silent(&docked, &web.v4);
        silent(&outside, &web.v4);
        // But ours now come to Docker's own addresses, as the host does.
        assert!(ping(&web.key, "172.17.0.2", 5));
        clear(&bed);
        assert_eq!(others(), added);
        docker_works();
    });
}

/// For those who want to keep Docker's containers from ours: out by one device only.
#[test]
fn docker_with_one_way_out() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        sh(&format!("ip route add default via {OUTSIDE4}"));
        let docked = docker(&bed);
        let (web, sibling) = furnish(&bed);
        let _echoes = [&docked, &outside, &web.key].map(|ns| Echo::new(ns));
        nft("insert rule ip filter DOCKER-USER iifname \"nb-*\" oifname \"out0\" accept
             insert rule ip filter DOCKER-USER oifname \"nb-*\" accept");
        clean(&bed);
        all_works(&outside, &web, &sibling);
        assert!(!ping(&web.key, "172.17.0.2", 1));
    });
}

#[test]
fn ufw() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        nft(UFW);
        let before = others();
        let (web, sibling) = furnish(&bed);
        let _echoes = [&web.key, &outside].map(|ns| Echo::new(ns));
        for (from, to) in [
            (&web.key, OUTSIDE4),
            (&web.key, OUTSIDE6),
            (&outside, HOST4),
            (&outside, HOST6),
            (&sibling.key, &web.v4),
        ] {
            assert!(!hears(from, to), "{to}");
        }
        // Echo requests are let through by ufw itself, and answers to the host come back.
        assert!(ping(&web.key, OUTSIDE4, 5) && ping(&web.key, OUTSIDE6, 5));
        assert!(hears(&host_path(), &web.v4) && hears(&host_path(), &web.v6));
        assert!(hears(&host_path(), "127.0.0.1"));

        let said = differences(&bed);
        let [v4, v6] = said.as_slice() else { panic!("{said:#?}") };
        assert_eq!(v4.object, "chain ip filter FORWARD");
        assert_eq!(
            v4.expected,
            "iptables -I ufw-before-forward -i nb-+ -j ACCEPT; \
             iptables -I ufw-before-forward -o nb-+ -j ACCEPT"
        );
        assert_eq!(v6.object, "chain ip6 filter FORWARD");
        assert!(v6.expected.starts_with("ip6tables -I ufw6-before-forward -i nb-+ "), "{v6:?}");
        assert!(!v4.found.contains("answers to"), "{}", v4.found);
        assert_eq!(others(), before);
        follow(v4);
        follow(v6);
        clean(&bed);
        all_works(&outside, &web, &sibling);

        // What runs on the host itself is the operator's to open.
        let (_service, gateway) = service_of_the_host(&bed);
        assert!(!connects(&sibling.key, &gateway, SERVICE));
        nft(&format!(
            "insert rule ip filter ufw-user-input iifname \"nb-*\" tcp dport {SERVICE} accept"
        ));
        assert!(connects(&sibling.key, &gateway, SERVICE));
        clear(&bed);
    });
}

#[test]
fn firewalld_and_its_reload() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        // The way out is known by the default route.
        sh(&format!("ip route add default via {OUTSIDE4}"));
        nft(FIREWALLD);
        let before = others();
        let (web, sibling) = furnish(&bed);
        let _echoes = [&web.key, &outside].map(|ns| Echo::new(ns));
        // firewalld lets through whose destination was translated: ports are published already.
        reaches(&outside, HOST4, OUTSIDE4);
        reaches(&outside, HOST6, OUTSIDE6);
        // What belongs to no zone is in the default one, whose members reach each other by name.
        reaches(&web.key, OUTSIDE4, HOST4);
        reaches(&web.key, OUTSIDE6, HOST6);
        for to in [&web.v4, &web.v6] {
            assert!(!hears(&sibling.key, to), "{to}");
        }
        let (_service, gateway) = service_of_the_host(&bed);
        assert!(!connects(&sibling.key, &gateway, SERVICE));
        let said = differences(&bed);
        let [forward] = said.as_slice() else { panic!("{said:#?}") };
        assert_eq!(forward.object, "chain inet firewalld filter_FORWARD");
        assert_eq!(forward.expected, "firewall-cmd --zone=trusted --add-interface=nb-+");
        let bridge = bed.bridge("foo");
        assert_eq!(
            forward.found,
            format!(
                "its last rule is `reject`, and no rule was found that accepts: \
                 within {bridge}"
            )
        );
        assert_eq!(others(), before);
        follow(forward);
        clean(&bed);
        all_works(&outside, &web, &sibling);

        assert!(connects(&sibling.key, &gateway, SERVICE));

        let table = others();
        let ours = sh("nft -s list table inet netberth");
        let lost = while_it_flows(&outside, || {
            for _ in 0..20 {
                nft(&format!("delete table inet firewalld\n{table}"));
            }
        });
        assert_eq!(lost, 0, "datagrams were lost while firewalld loaded its table anew");
        assert_eq!(sh("nft -s list table inet netberth"), ours);
        clean(&bed);
        clear(&bed);
        assert_eq!(others(), table);
    });
}

/// A host's own nftables.conf: everything dropped, answers let in.
#[test]
fn an_operators_own_rules() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        nft("table inet filter {
            chain input { type filter hook input priority filter; policy drop;
                iif lo accept
                icmp type echo-request accept
                icmpv6 type echo-request accept
                icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
            }
            chain forward { type filter hook forward priority filter; policy drop; }
        }");
        let (web, sibling) = furnish(&bed);
        let _echoes = [&web.key, &outside].map(|ns| Echo::new(ns));
        let said = differences(&bed);
        let [input, forward] = said.as_slice() else { panic!("{said:#?}") };
        let rule = "nft insert rule inet filter";
        assert_eq!(input.expected, format!("{rule} input ct state established,related accept"));
        assert!(input.found.contains("answers to the host from nb-"), "{}", input.found);
        assert_eq!(
            forward.expected,
            format!(
                "{rule} forward iifname \"nb-*\" accept; {rule} forward oifname \"nb-*\" accept"
            )
        );
        assert!(!hears(&host_path(), &web.v4));
        follow(input);
        assert!(hears(&host_path(), &web.v4));
        follow(forward);
        clean(&bed);
        all_works(&outside, &web, &sibling);

        // By names in a set, and by a jump.
        let bridge = bed.bridge("foo");
        nft(&format!(
            "flush chain inet filter forward
             add chain inet filter ours
             add rule inet filter ours oifname {{ \"{bridge}\", \"nb-other\" }} accept
             add rule inet filter ours ct state {{ new, established }} iifname \"nb-*\" accept
             add rule inet filter forward jump ours"
        ));
        clean(&bed);
        all_works(&outside, &web, &sibling);

        // Without neighbour discovery nobody finds the gateway, nor the host the container.
        let handle = sh("nft -a list chain inet filter input | sed -n 's/.*nd-.*handle //p'");
        sh(&format!("nft delete rule inet filter input handle {handle}"));
        sh("ip -6 neigh flush all");
        common::bed::inside(&web.key, "ip -6 neigh flush all");
        assert!(!hears(&web.key, OUTSIDE6));
    });
}

/// Docker and netberth publish the same port: the first chain has it.
#[test]
fn a_port_that_another_translates() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let docked = docker(&bed);
        nft("chain ip filter FORWARD { policy accept; }");
        nft(&format!("insert rule ip nat DOCKER tcp dport {PORT} dnat to 172.17.0.2:7777"));
        let (web, _) = furnish(&bed);
        let _echoes = [&docked, &web.key].map(|ns| Echo::new(ns));
        // netberth's chain comes first.
        clean(&bed);
        reaches(&outside, HOST4, OUTSIDE4);
        let flow = format!("src={} dst={OUTSIDE4}", web.v4);
        assert!(sh("conntrack -L -p tcp 2>/dev/null").contains(&flow));
        nft(&format!(
            "table ip early {{ chain pre {{ type nat hook prerouting priority -150; \
             tcp dport {PORT} dnat to 172.17.0.2:7777\n }}\n }}"
        ));
        let said = differences(&bed);
        let [early] = said.as_slice() else { panic!("{said:#?}") };
        assert_eq!(early.object, "chain ip early pre");
        assert!(early.found.contains(&format!("netberth publishes {PORT}")), "{}", early.found);
    });
}

#[test]
fn masquerade_for_everything_is_no_double_trouble() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let _echo = Echo::new(&outside);
        for priority in ["srcnat", "srcnat - 10"] {
            nft(&format!(
                "table inet everything {{ chain post {{ type nat hook postrouting \
                 priority {priority}; oifname \"out0\" masquerade\n }}\n }}"
            ));
            let before = others();
            let (web, sibling) = furnish(&bed);
            let echo = Echo::new(&web.key);
            all_works(&outside, &web, &sibling);
            bed.network(r#"{"name":"bare","options":{"masquerade":false}}"#);
            let bare = bed.container("bare", "bare");
            talks(&bare.key, OUTSIDE4, HOST4);
            clean(&bed);
            drop(echo);
            bed.remove("bare", "bare");
            bed.netberth.network_delete("bare").unwrap();
            clear(&bed);
            assert_eq!(others(), before);
            sh("nft delete table inet everything");
        }
    });
}

#[test]
fn others_tables_through_every_verb() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        docker(&bed);
        nft(FIREWALLD);
        let before = others();
        let port = r#"{"name":"a","port_mapping":[{"proto":17,"port":5,"host_port":5}]}"#;
        let service = r#"{"name":"s","network_name":"foo",
            "port_mapping":[{"proto":6,"port":80,"port_end":90,"host_port":80}]}"#;
        let refused = r#"{"name":"foo","options":{"bridge":"docker0"}}"#;
        for (verb, succeeds) in [
            (Verb::Network(r#"{"name":"foo","options":{"ipv6":true}}"#), true),
            (Verb::Network(refused), false),
            (Verb::Endpoint("foo", port), true),
            (Verb::Endpoint("bridge", r#"{"name":"b"}"#), true),
            (Verb::Join("foo", "a", r#"{"container_id":"c"}"#), true),
            (Verb::Join("bridge", "b", r#"{"container_id":"c"}"#), true),
            (Verb::Publish(service), true),
            (Verb::Attach("s", r#"{"container_id":"d"}"#), true),
            (Verb::Detach("foo", "a", "c"), true),
            (Verb::Detach("foo", "a", "c"), false),
            (Verb::ServiceDetach("s", "d"), true),
            (Verb::UnpublishForce("s"), true),
            (Verb::SandboxDelete("c"), true),
            (Verb::SandboxDelete("d"), true),
            (Verb::EndpointForce("foo", "a"), true),
            (Verb::EndpointDelete("bridge", "b"), true),
            (Verb::NetworkDelete("foo"), true),
        ] {
            let result = verb.run(&bed.netberth, &host.directory);
            assert_eq!(result.is_ok(), succeeds, "{verb:?}: {result:?}");
            bed.netberth.verify().unwrap();
            assert_eq!(others(), before, "{verb:?}");
        }
    });
}
