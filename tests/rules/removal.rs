//! Whatever the order in which everything is removed, the host is as it was.

use std::collections::HashSet;

use netberth::model::Filter;
use netberth::{Kind, Netberth};

use crate::common::bed::{Bed, same, snapshot};
use crate::common::verbs::Verb::{self, *};
use crate::common::{on_a_host, sh};

/// Orders tried with nothing else of netberth's on the host, and as many beside [`STAYS`].
const ROUNDS: usize = 12;

/// A network that outlives the others: the table stays with it, and so would an element of theirs.
pub(super) const STAYS: Verb = Network(r#"{"name":"stays","options":{"bridge":"br-stays"}}"#);

/// Rules of somebody else, in tables of every sort that netberth could be taken for.
const FOREIGN: &str = "table ip nat {
    map ports { type inet_service : ipv4_addr . inet_service; elements = { 8080 : 192.0.2.7 . 80 } }
    chain prerouting { type nat hook prerouting priority dstnat; policy accept;
        ip daddr 192.0.2.9 dnat ip to tcp dport map @ports; }
    chain postrouting { type nat hook postrouting priority srcnat; policy accept;
        ip saddr 192.0.2.128/25 masquerade; }
}
table inet filter {
    set br { type ifname; elements = { \"virbr0\" } }
    chain forward { type filter hook forward priority filter; policy accept; iifname @br counter accept; }
}";

/// Three networks, five containers, a service; ports of every sort.
const EVERYTHING: &[Verb] = &[
    Network(r#"{"name":"a","options":{"ipv6":true,"bridge":"br-a"}}"#),
    Network(r#"{"name":"b","options":{"icc":false,"bridge":"br-b"}}"#),
    Network(r#"{"name":"c","options":{"masquerade":false,"ipv6":true,"bridge":"br-c"}}"#),
    Endpoint(
        "a",
        r#"{"name":"e1","port_mapping":[{"proto":"tcp","port":80,"host_port":8080},
        {"proto":"sctp","port":80,"host_port":8080},
        {"proto":"tcp","port":9000,"port_end":9010,"host_port":9000}]}"#,
    ),
    Endpoint(
        "a",
        r#"{"name":"e2","port_mapping":[{"proto":"tcp","port":80,"host_ip":"192.0.2.1","host_port":8081},
        {"proto":"tcp","port":80,"host_ip":"127.0.0.1","host_port":8082},
        {"proto":"tcp","port":80,"host_ip":"::1","host_port":8082},
        {"proto":"udp","port":53,"port_end":63,"host_ip":"192.0.2.1","host_port":53}]}"#,
    ),
    Endpoint(
        "b",
        r#"{"name":"e3","port_mapping":[{"proto":"udp","port":9000,"port_end":9099,"host_port":9100}]}"#,
    ),
    Endpoint("c", r#"{"name":"x3","port_mapping":[{"proto":"tcp","port":443}]}"#),
    Endpoint("c", r#"{"name":"e4","port_mapping":[{"proto":"tcp","port":80,"host_port":8084}]}"#),
    Endpoint("b", r#"{"name":"e5"}"#),
    Publish(
        r#"{"name":"s","network_name":"a","port_mapping":[{"proto":"tcp","port":80,"host_port":8086}]}"#,
    ),
    Join("a", "e1", r#"{"container_id":"c1"}"#),
    Join("a", "e2", r#"{"container_id":"c2"}"#),
    Join("b", "e3", r#"{"container_id":"c3"}"#),
    Join("c", "x3", r#"{"container_id":"c3"}"#),
    Join("c", "e4", r#"{"container_id":"c4","netns":"@/given"}"#),
    Join("b", "e5", r#"{"container_id":"c5"}"#),
    Attach("s", r#"{"container_id":"cs"}"#),
];

/// Every way in which a part of it can go; most of them are refused until others have gone.
const WAYS: &[Verb] = &[
    Detach("a", "e1", "c1"),
    Detach("a", "e2", "c2"),
    Detach("b", "e3", "c3"),
    Detach("c", "x3", "c3"),
    Detach("c", "e4", "c4"),
    Detach("b", "e5", "c5"),
    ServiceDetach("s", "cs"),
    EndpointDelete("a", "e1"),
    EndpointForce("a", "e1"),
    EndpointDelete("a", "e2"),
    EndpointDelete("b", "e3"),
    EndpointForce("b", "e3"),
    EndpointDelete("c", "x3"),
    EndpointDelete("c", "e4"),
    EndpointForce("c", "e4"),
    EndpointDelete("b", "e5"),
    Unpublish("s"),
    UnpublishForce("s"),
    SandboxDelete("c1"),
    SandboxDelete("c2"),
    SandboxDelete("c3"),
    SandboxDelete("c4"),
    SandboxDelete("c5"),
    SandboxDelete("cs"),
    NetworkDelete("a"),
    NetworkDelete("b"),
    NetworkDelete("c"),
];

/// xorshift64*.
pub(super) struct Seeded(u64);

impl Seeded {
    /// Numbers for a test; `NETBERTH_SEED` chooses others.
    pub(super) fn of(test: &str) -> Self {
        let chosen = std::env::var("NETBERTH_SEED").ok().and_then(|text| text.parse().ok());
        let seed: u64 = chosen.unwrap_or(2015);
        println!("{test}: NETBERTH_SEED={seed}");
        // FNV-1a.
        let mixed = test.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Seeded(mixed | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }
}

/// Networks, endpoints and sandboxes.
fn count(netberth: &Netberth) -> [usize; 3] {
    let all = Filter::all();
    let networks = netberth.networks(&all, false).unwrap().len();
    let endpoints = netberth.services(&all, false).unwrap().len();
    [networks, endpoints, netberth.sandboxes().unwrap().len()]
}

/// Removes everything by ways chosen at random; what is refused changes no rule. The verbs that
/// did something, in their order, and how many were refused.
fn remove_all(bed: &Bed<'_>, seeded: &mut Seeded, nothing: [usize; 3]) -> (Vec<Verb>, usize) {
    let (mut done, mut refused) = (Vec::new(), 0);
    let mut rules = sh("nft -s list ruleset");
    for _ in 0..5000 {
        let verb = WAYS[seeded.below(WAYS.len())];
        // None of these is possible again once it was done.
        if done.contains(&verb) {
            continue;
        }
        match verb.run(&bed.netberth, &bed.host.directory) {
            Ok(()) => {
                done.push(verb);
                rules = sh("nft -s list ruleset");
            }
            Err(error) => {
                let expected = [Kind::InUse, Kind::NotFound, Kind::Invalid];
                assert!(expected.contains(&error.kind()), "{verb:?}: {error}");
                refused += 1;
                if error.kind() == Kind::InUse {
                    same(&rules, &sh("nft -s list ruleset"));
                }
            }
        }
        if count(&bed.netberth) == nothing {
            return (done, refused);
        }
    }
    panic!("something cannot be removed after {done:?}: {}", bed.records());
}

/// netberth beside somebody else's rules.
pub(super) fn beside_others(test: impl FnOnce(&Bed<'_>) + Send) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        sh(&format!("nft -f - <<'END'\n{FOREIGN}\nEND"));
        test(&bed);
    });
}

/// Builds everything on top of what there is, does something to it, removes everything: as it was.
pub(super) fn round(
    bed: &Bed<'_>,
    seeded: &mut Seeded,
    meanwhile: impl FnOnce(&Bed<'_>),
) -> (Vec<Verb>, usize) {
    let at_first = (sh("nft -s list ruleset"), snapshot(bed.host), bed.records());
    let nothing = count(&bed.netberth);
    bed.namespace("given");
    for verb in EVERYTHING {
        let built = verb.run(&bed.netberth, &bed.host.directory);
        built.unwrap_or_else(|error| panic!("{verb:?}: {error}"));
    }
    meanwhile(bed);
    let removed = remove_all(bed, seeded, nothing);
    let given = bed.host.path("given");
    sh(&format!("[ ! -e {0} ] || {{ umount {0} && rm {0}; }}", given.display()));
    let (rules, host, records) = at_first;
    same(&rules, &sh("nft -s list ruleset"));
    same(&host, &snapshot(bed.host));
    same(&records, &bed.records());
    removed
}

#[test]
fn nothing_is_left_whatever_the_order_of_removal() {
    beside_others(|bed| {
        let mut seeded = Seeded::of("orders");
        let (mut orders, mut refusals) = (HashSet::new(), 0);
        for number in 0..2 * ROUNDS {
            if number == ROUNDS {
                STAYS.run(&bed.netberth, &bed.host.directory).unwrap();
            }
            let (order, refused) = round(bed, &mut seeded, |_| ());
            orders.insert(format!("{order:?}"));
            refusals += refused;
        }
        assert_eq!(orders.len(), 2 * ROUNDS, "some orders are the same");
        println!("{} orders, {refusals} refusals on the way", orders.len());
    });
}
