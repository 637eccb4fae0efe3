//! `verify` against the running kernel: clean when nothing was touched, and each hand that touched
//! something is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use common::bed::{Bed, HOST4, HOST6, same, snapshot};
use common::services::{attach, publish};
use common::{on_a_host, sh};
use netberth::model::Difference;

fn quiet() {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
}

fn has_br_netfilter() {
    let there = std::path::Path::new("/proc/sys/net/bridge").exists();
    assert!(there, "this test needs br_netfilter: modprobe br_netfilter");
}

fn differences(bed: &Bed<'_>) -> Vec<Difference> {
    bed.netberth.verify().unwrap().differences
}

/// The one difference that there must be, as `object | expected | found`.
#[track_caller]
fn only(bed: &Bed<'_>) -> String {
    let all = differences(bed);
    let [one] = all.as_slice() else { panic!("{all:#?}") };
    format!("{} | {} | {}", one.object, one.expected, one.found)
}

#[track_caller]
fn clean(bed: &Bed<'_>) {
    assert_eq!(differences(bed), []);
}

/// A network with a published port and a span, IPv4 and IPv6.
fn furnish(bed: &Bed<'_>) {
    bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
    bed.endpoint(
        "foo",
        r#"{"name":"web","port_mapping":[{"proto":6,"port":80,"host_port":8080},
            {"proto":17,"port":100,"port_end":120,"host_port":100}]}"#,
    );
    bed.join("foo", "web", r#"{"container_id":"web"}"#);
}

#[test]
fn nothing_touched_is_nothing_said_and_nothing_changed() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        clean(&bed);
        furnish(&bed);
        for (name, options) in [
            ("in", "\"internal\":true"),
            ("shut", "\"icc\":false"),
            ("open", "\"masquerade\":false"),
        ] {
            bed.network(&format!("{{\"name\":\"{name}\",\"options\":{{{options}}}}}"));
            bed.container(name, name);
        }
        let before = (snapshot(host), bed.records());
        clean(&bed);
        same(&before.0, &snapshot(host));
        same(&before.1, &bed.records());
        for name in ["in", "shut", "open"] {
            bed.remove(name, name);
            bed.netberth.network_delete(name).unwrap();
        }
        bed.remove("foo", "web");
        clean(&bed);
        bed.netberth.network_delete("foo").unwrap();
        clean(&bed);
    });
}

#[test]
fn elements_are_told_by_their_owner() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        furnish(&bed);
        let bridge = bed.bridge("foo");
        let web = bed.more("foo", "web").addresses[0].split('/').next().unwrap().to_owned();
        let nft =
            |verb: &str, what: &str| sh(&format!("nft '{verb} element inet netberth {what}'"));

        nft("delete", "pub4_any { tcp . 8080 }");
        let all = differences(&bed);
        assert_eq!((all[0].owner.kind.as_str(), all[0].owner.name.as_str()), ("endpoint", "web"));
        assert_eq!(
            only(&bed),
            format!(
                "element inet netberth pub4_any {{ tcp . 8080 }} | tcp . 8080 : {web} . 80 | nothing"
            )
        );
        nft("add", "pub4_any { tcp . 8080 : 10.9.9.9 . 80 }");
        let led_away = only(&bed);
        assert!(
            led_away.ends_with(&format!("{web} . 80 | tcp . 8080 : 10.9.9.9 . 80")),
            "{led_away}"
        );
        nft("delete", "pub4_any { tcp . 8080 }");
        nft("add", &format!("pub4_any {{ tcp . 8080 : {web} . 80 }}"));
        clean(&bed);

        nft("delete", &format!("pair {{ \"{bridge}\" . \"{bridge}\" }}"));
        let all = differences(&bed);
        assert_eq!((all[0].owner.kind.as_str(), all[0].owner.name.as_str()), ("network", "foo"));
        nft("add", &format!("pair {{ \"{bridge}\" . \"{bridge}\" : goto icc_off }}"));
        assert!(only(&bed).contains(": goto icc_on | "), "{}", only(&bed));
        nft("delete", &format!("pair {{ \"{bridge}\" . \"{bridge}\" }}"));
        nft("add", &format!("pair {{ \"{bridge}\" . \"{bridge}\" : goto icc_on }}"));
        clean(&bed);

        nft("add", "vip4 { 192.0.2.7 }");
        assert_eq!(only(&bed), "element inet netberth vip4 { 192.0.2.7 } | nothing | 192.0.2.7");
        nft("delete", "vip4 { 192.0.2.7 }");
        // Of a form that netberth never makes.
        nft("add", "pair { \"a\" . \"b\" : accept }");
        assert!(only(&bed).starts_with("set inet netberth pair | nothing | 1 "), "{}", only(&bed));
    });
}

#[test]
fn what_a_hand_took_from_a_service_is_told() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let (vip, ports) = publish(
            &bed,
            "web",
            "foo",
            ",\"port_mapping\":[{\"proto\":6,\"port\":80,\"host_port\":8080}]",
        );
        assert_eq!(ports, "", "no IPv6");
        let backs = ["a", "b"].map(|name| attach(&bed, "web", name));
        clean(&bed);
        let nft =
            |verb: &str, what: &str| sh(&format!("nft '{verb} element inet netberth {what}'"));
        for (key, data) in [
            (format!("slot4 {{ {vip} . 7 }}"), None),
            ("pslot4_any { tcp . 8080 . 7 }".to_owned(), None),
            (format!("vip4 {{ {vip} }}"), None),
            (format!("self4 {{ {0} . {0} }}", backs[0].v4), None),
            (format!("slot4 {{ {vip} . 7 }}"), Some("10.9.9.9")),
        ] {
            let element = sh(&format!("nft 'get element inet netberth {key}'"));
            let element = element.split("elements = {").nth(1).unwrap().split('}').next().unwrap();
            let set = key.split(' ').next().unwrap();
            nft("delete", &key);
            if let Some(data) = data {
                nft("add", &key.replace(" }", &format!(" : {data} }}")));
            }
            let all = differences(&bed);
            assert_eq!(all.len(), 1, "{key}: {all:#?}");
            let owner = (all[0].owner.kind.as_str(), all[0].owner.name.as_str());
            assert_eq!(owner, ("service", "web"), "{key}");
            if data.is_some() {
                assert!(all[0].found.ends_with("10.9.9.9"), "{all:#?}");
                nft("delete", &key);
            }
            nft("add", &format!("{set} {{ {element} }}"));
            clean(&bed);
        }
    });
}

#[test]
fn rules_chains_and_sets_that_a_hand_has_touched() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        furnish(&bed);
        let table = "inet netberth";
        sh(&format!("nft insert rule {table} forward iifname evil0 counter accept"));
        let said = only(&bed);
        assert!(said.starts_with("rule inet netberth forward handle "), "{said}");
        assert!(said.ends_with("| nothing | iifname \"evil0\" counter accept"), "{said}");
        let handle = said.split_whitespace().nth(5).unwrap();
        sh(&format!("nft delete rule {table} forward handle {handle}"));
        clean(&bed);

        // One rule gone: its handle is that of the listing.
        let line = sh(&format!("nft -a list chain {table} spoof"))
            .lines()
            .find(|line| line.contains("fib saddr"))
            .unwrap()
            .to_owned();
        let handle = line.rsplit(' ').next().unwrap();
        sh(&format!("nft delete rule {table} spoof handle {handle}"));
        assert_eq!(
            only(&bed),
            "rule inet netberth spoof | ct state invalid,new,untracked iifname @br \
             fib saddr . iif oif missing counter drop | nothing"
        );
        sh(&format!(
            "nft add rule {table} spoof ct state invalid,new,untracked iifname @br \
             fib saddr . iif oif missing counter drop"
        ));
        clean(&bed);

        // The same rules in another order; the map of states is looked into.
        let rule = "ct state vmap { established : accept, related : drop }";
        let listing = sh(&format!("nft -a list chain {table} forward"));
        let line = listing.lines().find(|line| line.contains("ct state vmap")).unwrap();
        let handle = line.rsplit(' ').next().unwrap();
        sh(&format!("nft replace rule {table} forward handle {handle} {rule}"));
        let all = differences(&bed);
        assert_eq!(all.len(), 2, "{all:#?}");
        assert!(all[0].found.contains("related : drop"), "{all:#?}");
        assert!(all[1].expected.contains("related : accept"), "{all:#?}");
        let rule = "ct state vmap { established : accept, related : accept }";
        sh(&format!("nft replace rule {table} forward handle {handle} {rule}"));
        clean(&bed);

        sh(&format!("nft add chain {table} more && nft add set {table} more2 '{{ type mark; }}'"));
        let all = differences(&bed);
        let objects: Vec<&str> = all.iter().map(|one| one.object.as_str()).collect();
        assert_eq!(objects, ["set inet netberth more2", "chain inet netberth more"]);
        sh(&format!("nft delete chain {table} more && nft delete set {table} more2"));
        sh(&format!("nft 'chain {table} forward {{ policy drop; }}'"));
        assert!(only(&bed).starts_with("chain inet netberth forward | type filter hook forward"));
        sh(&format!("nft 'chain {table} forward {{ policy accept; }}'"));
        sh(&format!("nft 'add table {table} {{ flags dormant; }}'"));
        assert!(only(&bed).contains("flags dormant"), "{}", only(&bed));
    });
}

#[test]
fn rules_in_another_order() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        furnish(&bed);
        let listing = sh("nft -a list chain inet netberth icc_off");
        let line = listing.lines().find(|line| line.contains("ct status dnat")).unwrap();
        let handle = line.rsplit(' ').next().unwrap();
        sh(&format!(
            "nft 'delete rule inet netberth icc_off handle {handle}; \
             add rule inet netberth icc_off ct status dnat accept'"
        ));
        assert_eq!(
            only(&bed),
            "chain inet netberth icc_off | its rules in their order | the same rules in another order"
        );
    });
}

#[test]
fn a_table_that_is_gone_and_one_that_nobody_made() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        furnish(&bed);
        sh("nft delete table inet netberth");
        let all = differences(&bed);
        // That everything in it is gone, too, goes without saying.
        let [table] = all.as_slice() else { panic!("{all:#?}") };
        assert_eq!(
            (table.object.as_str(), table.found.as_str()),
            ("table inet netberth", "nothing")
        );
        bed.remove("foo", "web");
        bed.netberth.network_delete("foo").unwrap();
        clean(&bed);
        sh("nft add table inet netberth");
        assert!(only(&bed).starts_with("table inet netberth | nothing | "), "{}", only(&bed));
    });
}

#[test]
fn settings_of_the_host_that_networks_need() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        furnish(&bed);
        sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
        assert!(only(&bed).starts_with("sysctl net/ipv4/ip_forward | 1 | 0"), "{}", only(&bed));
        sh("echo 1 > /proc/sys/net/ipv4/ip_forward");
        sh("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
        assert!(only(&bed).starts_with("sysctl net/ipv6/conf/all/forwarding | 1 | 0"));
        sh("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
        clean(&bed);
        has_br_netfilter();
        sh("echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip6tables");
        assert!(only(&bed).contains("published on ::1 do not answer: foo"), "{}", only(&bed));
        sh("echo 0 > /proc/sys/net/bridge/bridge-nf-call-ip6tables");
        // Where nothing is lost by it, nothing is said.
        sh("echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables");
        bed.network(r#"{"name":"shut","options":{"icc":false}}"#);
        clean(&bed);
    });
}

/// What `verify` says of `br_netfilter` is so, and nothing else is lost by it.
#[test]
fn br_netfilter_as_packets_see_it() {
    on_a_host(|host| {
        has_br_netfilter();
        let bed = Bed::new(host);
        let outside = bed.outside();
        let hears = |from: &std::path::Path, to: &str| {
            common::foreign::answer(from, to, common::net::PORT).is_some()
        };
        for (on, works) in [("1", false), ("0", true)] {
            sh(&format!(
                "for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
                 echo {on} > $call; done"
            ));
            for icc in [true, false] {
                bed.network(&format!(
                    "{{\"name\":\"foo\",\"options\":{{\"ipv6\":true,\"icc\":{icc}}}}}"
                ));
                let port = common::net::PORT;
                bed.endpoint(
                    "foo",
                    &format!(
                        "{{\"name\":\"web\",\"port_mapping\":\
                         [{{\"proto\":6,\"port\":{port},\"host_port\":{port}}}]}}"
                    ),
                );
                let web = bed.join("foo", "web", r#"{"container_id":"web"}"#);
                let sibling = bed.container("foo", "sibling");
                let _echo = common::net::Echo::new(&web.key);
                let own = common::foreign::host_path();
                assert_eq!(hears(&own, "::1"), works, "::1, icc {icc}, br_netfilter {on}");
                for to in [HOST4, HOST6] {
                    for from in [&sibling.key, &web.key, &outside, &own] {
                        assert!(hears(from, to), "{to}, icc {icc}, br_netfilter {on}");
                    }
                }
                assert!(hears(&own, "127.0.0.1"));
                assert_eq!(hears(&sibling.key, &web.v4), icc);
                assert_eq!(differences(&bed).is_empty(), works);
                bed.remove("foo", "web");
                bed.remove("foo", "sibling");
                bed.netberth.network_delete("foo").unwrap();
            }
        }
    });
}
