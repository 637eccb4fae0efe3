//! After a reboot: the records are there and the kernel is empty. Another network and mount namespace
//! on the old state directory is just that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use common::bed::{Bed, HOST4, OUTSIDE4, same, snapshot};
use common::net::{Echo, PORT, reaches};
use common::services::{attach, publish};
use common::{Host, on_a_host, sh};
use netberth::kernel::Linux;
use netberth::model::Collection;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// The same disk, and another kernel as far as the network goes.
fn reboot(host: &Host, test: impl FnOnce(&Host) + Send) {
    let directory = host.directory.clone();
    let run = || {
        let apart = CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
        unshare(apart).unwrap();
        let run = directory.join("run");
        mount(Some("tmpfs"), &run, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        test(&Host { kernel: Linux::open().unwrap(), directory: directory.clone() });
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap();
}

fn quiet() {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
}

/// Networks of both families, published ports, a service, a given namespace, the host network.
fn furnish(bed: &Bed<'_>) {
    bed.network(
        r#"{"name":"web","options":{"bridge":"br-web","ipv6":true,"subnets":[
            {"subnet":"10.1.0.0/24"},{"subnet":"fd00:1::/64"}]}}"#,
    );
    bed.network(
        r#"{"name":"db","options":{"internal":true,"subnets":[{"subnet":"10.2.0.0/24"}]}}"#,
    );
    bed.endpoint(
        "web",
        &format!(
            "{{\"name\":\"front\",\"port_mapping\":[{{\"proto\":6,\"port\":{PORT},\
             \"host_port\":{PORT}}},{{\"proto\":17,\"port\":53}}]}}"
        ),
    );
    bed.join("web", "front", r#"{"container_id":"front"}"#);
    bed.container("db", "replica");
    let given = bed.namespace("run/given");
    bed.endpoint("web", r#"{"name":"given"}"#);
    let join = format!("{{\"container_id\":\"given\",\"netns\":\"{}\"}}", given.display());
    bed.join("web", "given", &join);
    publish(bed, "api", "web", ",\"port_mapping\":[{\"proto\":6,\"port\":80,\"host_port\":8080}]");
    attach(bed, "api", "b1");
    bed.endpoint("host", r#"{"name":"agent"}"#);
    bed.join("host", "agent", r#"{"container_id":"agent"}"#);
}

fn collected(collection: &Collection) -> Vec<(String, String)> {
    let of = |one: &netberth::model::Collected| {
        (one.kind.clone(), one.id.clone().or_else(|| one.name.clone()).unwrap())
    };
    let mut all: Vec<(String, String)> = collection.collected.iter().map(of).collect();
    all.sort();
    all
}

const DEAD: [&str; 5] = ["agent", "b1", "front", "given", "replica"];

/// What there is to be collected, whether or not the networks are back.
fn dead() -> Vec<(String, String)> {
    DEAD.map(|id| ("sandbox".to_owned(), id.to_owned())).to_vec()
}

/// Addresses, MACs and host ports of every endpoint: what a definition holds.
fn held(bed: &Bed<'_>) -> String {
    let all = netberth::model::Filter::all();
    let services = bed.netberth.services(&all, true).unwrap();
    let one = |view: &netberth::model::view::EndpointView| {
        let more = view.more.as_ref().unwrap();
        format!("{} {:?} {:?} {:?}", view.name, more.addresses, more.mac, more.port_mapping)
    };
    services.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Everything is of use again, and all of it can be taken down.
fn lives(bed: &Bed<'_>, pristine: &str) {
    assert_eq!(bed.netberth.verify().unwrap().differences, []);
    assert_eq!(bed.netberth.gc().unwrap().collected, []);
    let outside = bed.outside();
    let front = bed.join("web", "front", r#"{"container_id":"front"}"#);
    {
        let _echo = Echo::new(&front.key);
        reaches(&outside, HOST4, OUTSIDE4);
    }
    attach(bed, "api", "b1");
    bed.join("web", "given", r#"{"container_id":"given"}"#);
    bed.join("host", "agent", r#"{"container_id":"agent"}"#);
    bed.join("db", "replica", r#"{"container_id":"replica"}"#);
    assert_eq!(bed.netberth.verify().unwrap().differences, []);
    for container in DEAD {
        bed.netberth.sandbox_delete(container).unwrap();
    }
    for (network, endpoint) in
        [("web", "front"), ("web", "given"), ("web", "api"), ("db", "replica"), ("host", "agent")]
    {
        bed.netberth.endpoint_delete(network, endpoint, false).unwrap();
    }
    for network in ["web", "db"] {
        bed.netberth.network_delete(network).unwrap();
    }
    let outside = outside.display();
    sh(&format!("ip link del out0; umount {outside}; rm {outside}"));
    same(pristine, &snapshot(bed.host));
}

#[test]
fn what_ended_is_collected_and_what_is_defined_comes_back() {
    for repair_first in [false, true] {
        on_a_host(|host| {
            quiet();
            let bed = Bed::new(host);
            furnish(&bed);
            let held_before = held(&bed);
            let bridges = ["web", "db"].map(|network| bed.bridge(network));
            let bridge_link = |name: &String| sh(&format!("ip -o link show {name}"));
            let macs = bridges.each_ref().map(|name| mac(&bridge_link(name)));
            drop(bed);
            reboot(host, |host| {
                quiet();
                sh("ip link set lo up");
                let empty = snapshot(host);
                let bed = Bed::new(host);
                let opened = snapshot(host);
                // Opening brings nothing up; of directories it makes those that it needs.
                let network = |text: &str| {
                    text.lines()
                        .filter(|line| !line.starts_with('.'))
                        .collect::<Vec<_>>()
                        .join("\n")
                };
                same(&network(&empty), &network(&opened));
                assert!(!bed.netberth.verify().unwrap().differences.is_empty());
                if repair_first {
                    bed.netberth.repair().unwrap();
                    assert_eq!(collected(&bed.netberth.gc().unwrap()), dead());
                } else {
                    assert_eq!(collected(&bed.netberth.gc().unwrap()), dead());
                    let repair = bed.netberth.repair().unwrap();
                    assert_eq!(repair.differences, []);
                }
                assert_eq!(held(&bed), held_before);
                assert_eq!(bridges.each_ref().map(|name| mac(&bridge_link(name))), macs);
                lives(&bed, &opened_without_sandboxes(&opened));
            });
        });
    }
}

/// What the containers' directories leave with them.
fn opened_without_sandboxes(snapshot: &str) -> String {
    let kept = snapshot.lines().filter(|line| !line.starts_with("./run/sandboxes/"));
    let mut text = kept.collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

fn mac(line: &str) -> String {
    line.split("link/ether ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

/// What deleting goes back to is the host of this boot, not of the one before.
#[test]
fn settings_go_back_to_what_they_are_in_this_boot() {
    on_a_host(|host| {
        quiet();
        sh(
            "echo 1 > /proc/sys/net/ipv4/conf/all/send_redirects; echo 0 > /proc/sys/net/ipv4/ip_forward",
        );
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        drop(bed);
        let now = || sh("cd /proc/sys/net/ipv4; cat ip_forward conf/all/send_redirects");
        assert_eq!(now(), "1\n0\n");
        reboot(host, |host| {
            quiet();
            sh(
                "echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects; echo 0 > /proc/sys/net/ipv4/ip_forward",
            );
            for _ in 0..2 {
                // The second handle of a boot takes no note: the settings are netberth's by then.
                let bed = Bed::new(host);
                bed.netberth.repair().unwrap();
                assert_eq!(bed.netberth.verify().unwrap().differences, []);
                assert_eq!(now(), "1\n0\n");
            }
            let bed = Bed::new(host);
            bed.network(r#"{"name":"bar"}"#);
            for network in ["foo", "bar"] {
                bed.netberth.network_delete(network).unwrap();
            }
            assert_eq!(now(), "0\n0\n");
        });
    });
}
