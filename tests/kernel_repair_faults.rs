//! Repairs that are interrupted or refused at each of their steps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::bed::{Bed, config, same, snapshot};
use common::{Host, on_a_host, sh};
use netberth::kernel::{Kernel, Linux, Outcome};
use netberth::plan::{Ask, Facts, Step};
use netberth::store::Embedded;
use netberth::{Error, Kind, Netberth, Result};

/// The running kernel until a number of steps is done: then one fails, or the process ends.
struct Until {
    real: Linux,
    left: AtomicUsize,
    ends: bool,
}

impl Until {
    /// Whether it is this call's turn.
    fn turn(&self) -> bool {
        let turn =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let turn = turn == Ok(1);
        assert!(!(turn && self.ends), "the process ends");
        turn
    }
}

impl Kernel for Until {
    fn random(&self) -> Result<[u8; 32]> {
        self.real.random()
    }

    fn facts(&self, ask: &Ask) -> Result<Facts> {
        self.real.facts(ask)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        self.real.holds(step)
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        if self.turn() {
            let refused = Error::new(Kind::Kernel, "refused on demand");
            return Outcome { done: vec![false], failed: Some((0, refused)) };
        }
        self.real.apply(steps)
    }

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        self.real.undo(steps)
    }
}

fn open(host: &Host, at: usize, ends: bool) -> Netberth {
    let config = config(host);
    let store = Arc::new(Embedded::open(&config.state_dir).unwrap());
    let kernel = Until { real: Linux::open().unwrap(), left: AtomicUsize::new(0), ends };
    let kernel = Arc::new(kernel);
    let netberth = Netberth::open_with(config, kernel.clone(), store).unwrap();
    kernel.left.store(at, Ordering::SeqCst);
    netberth
}

/// The end on the host has an address by chance, another when it is made again.
fn state(host: &Host) -> String {
    let line = |line: &str| match line.split_once("link/ether") {
        Some((link, _)) if line.starts_with("nb") && line.contains("@if") => link.to_owned(),
        _ => line.to_owned(),
    };
    snapshot(host).lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Everything is as it was. The kernel makes the local route of an IPv6 address by a work item
/// (`addrconf_dad_work`), a moment after the address is there.
#[track_caller]
fn settles(host: &Host, before: &str) {
    let patience = Instant::now();
    while state(host) != before && patience.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    same(before, &state(host));
}

/// Several kinds of damage at once.
fn damage(bed: &Bed<'_>) {
    let port = sh("ip -o link show master br-foo | sed -n '1s/^[0-9]*: \\([^@]*\\)@.*/\\1/p'");
    sh(&format!(
        "ip link del {}; ip link set br-bar down; \
         nft 'delete element inet netberth pub4_any {{ tcp . 8080 }}; flush chain inet netberth icc_on'; \
         echo 0 > /proc/sys/net/ipv4/conf/br-foo/route_localnet",
        port.trim()
    ));
    assert!(bed.netberth.verify().unwrap().differences.len() > 3);
}

fn furnished(host: &Host) -> Bed<'_> {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
    let bed = Bed::new(host);
    bed.network(r#"{"name":"foo","options":{"bridge":"br-foo"}}"#);
    bed.network(r#"{"name":"bar","options":{"bridge":"br-bar","ipv6":true}}"#);
    let port = r#""port_mapping":[{"proto":6,"port":80,"host_port":8080}]"#;
    bed.endpoint("foo", &format!("{{\"name\":\"web\",{port}}}"));
    bed.join("foo", "web", r#"{"container_id":"web"}"#);
    bed.container("bar", "other");
    bed
}

#[test]
fn a_crash_is_made_good_by_the_next_handle() {
    on_a_host(|host| {
        let bed = furnished(host);
        let before = state(host);
        let mut at = 1;
        loop {
            damage(&bed);
            let dying = open(host, at, true);
            let ended = catch_unwind(AssertUnwindSafe(|| dying.repair()));
            drop(dying);
            let Err(_) = ended else { break };
            drop(Netberth::open(config(host)).unwrap());
            assert_eq!(bed.netberth.verify().unwrap().differences, [], "step {at}");
            settles(host, &before);
            at += 1;
        }
        settles(host, &before);
        eprintln!("{} steps", at - 1);
        assert!(at > 8);
    });
}

#[test]
fn what_is_refused_keeps_nothing_else_from_being_repaired() {
    on_a_host(|host| {
        let bed = furnished(host);
        let before = state(host);
        let mut at = 1;
        loop {
            damage(&bed);
            let refusing = open(host, at, false);
            let repair = refusing.repair().unwrap();
            // What is refused once is tried again, as long as there is something to do.
            assert_eq!(repair.differences, [], "step {at}");
            settles(host, &before);
            at += 1;
            if at > 16 {
                break;
            }
        }
    });
}

/// A device that another has the name of: that is nobody's to take away, and the rest is repaired.
#[test]
fn what_cannot_be_set_right_is_left_and_told() {
    on_a_host(|host| {
        let bed = furnished(host);
        sh("ip link set br-bar name taken && ip link add br-bar type veth peer name end");
        sh("nft 'delete element inet netberth pub4_any { tcp . 8080 }'");
        let repair = bed.netberth.repair().unwrap();
        assert!(repair.repaired.iter().any(|one| one.object.contains("pub4_any")), "{repair:#?}");
        assert!(repair.differences.iter().any(|one| one.object == "link br-bar"), "{repair:#?}");
        sh("ip link del end");
        assert_eq!(bed.netberth.repair().unwrap().differences, []);
        assert_eq!(bed.netberth.verify().unwrap().differences, []);
    });
}
