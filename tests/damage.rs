//! What hands, programs and accidents do to a host: `verify` names exactly it, `repair` mends it and
//! touches nothing else, and then everything is as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

#[path = "damage/kinds.rs"]
mod kinds;
#[path = "damage/records.rs"]
mod records;

use common::bed::{Bed, same, snapshot};
use common::services::{attach, publish};
use common::{on_a_host, sh};
use kinds::{KINDS, Kind};
use netberth::model::Difference;

/// Networks of every sort, ports, a service, a container on two networks, one in a namespace that it
/// was given, one on the host network.
fn furnish(bed: &Bed<'_>) {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
    bed.network(
        r#"{"name":"web","options":{"bridge":"br-web","ipv6":true,"subnets":[
            {"subnet":"10.1.0.0/24"},{"subnet":"fd00:1::/64"}]}}"#,
    );
    bed.network(
        r#"{"name":"db","options":{"bridge":"br-db","internal":true,"icc":false,
            "subnets":[{"subnet":"10.2.0.0/24"}]}}"#,
    );
    bed.endpoint(
        "web",
        r#"{"name":"front","priority":1,"port_mapping":[{"proto":6,"port":80,"host_port":8080},
            {"proto":17,"port":100,"port_end":120,"host_port":100}]}"#,
    );
    bed.join("web", "front", r#"{"container_id":"c1","host_name":"c1"}"#);
    bed.container("db", "replica");
    bed.endpoint("db", r#"{"name":"second"}"#);
    bed.join("db", "second", r#"{"container_id":"c1"}"#);
    let given = bed.namespace("given");
    bed.endpoint("web", r#"{"name":"given"}"#);
    let join = format!(r#"{{"container_id":"given","netns":"{}"}}"#, given.display());
    bed.join("web", "given", &join);
    let port = r#","port_mapping":[{"proto":6,"port":8000,"host_port":80}]"#;
    publish(bed, "api", "web", port);
    attach(bed, "api", "b1");
    attach(bed, "api", "b2");
    bed.endpoint("host", r#"{"name":"agent"}"#);
    bed.join("host", "agent", r#"{"container_id":"agent"}"#);
}

fn differences(bed: &Bed<'_>) -> Vec<Difference> {
    bed.netberth.verify().unwrap().differences
}

/// Everything that can be seen: the host, and every container's inside.
fn world(bed: &Bed<'_>) -> String {
    let mut all = snapshot(bed.host) + &bed.records();
    for sandbox in bed.netberth.sandboxes().unwrap() {
        let key = sandbox.key.display().to_string();
        all += &sh(&format!(
            "echo '== {0}'; nsenter --net={1} sh -c \"{INSIDE}\"; sort {2} || true",
            sandbox.container_id,
            key,
            sandbox.hosts_path.display()
        ));
    }
    let ports = "bridge -d link | grep -E 'nb|br-' | sed 's/^[0-9]*: //; s/@[^:]*:/:/' | sort";
    all += &sh(ports);
    // The kernel gives a host end any address.
    let own = |line: &str| match line.split_once("link/ether") {
        Some((front, _)) if front.starts_with("nb") && front.contains("@if") => front.to_owned(),
        _ => line.to_owned(),
    };
    all.lines().map(own).collect::<Vec<_>>().join("\n")
}

/// What a kernel counts or names by itself is left out.
const INSIDE: &str = "ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*/@if/; s/link-netnsid.*//' | sort; \
    ip -o addr | grep -v fe80 | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort; \
    ip -4 route | sort; ip -6 route | grep -v fe80 | sed 's/ pref.*//' | sort; \
    sysctl -a 2>/dev/null | grep -E 'conf.eth.*(rp_filter|accept_ra|accept_dad|redirects|disable_ipv6) '";

#[test]
fn each_kind_is_named_and_mended() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        assert_eq!(differences(&bed), []);
        let whole = world(&bed);
        let subjects = kinds::Subjects::of(&bed);
        let mut wrong = Vec::new();
        for kind in KINDS {
            let Kind { what, damage, told, after } = kind;
            sh(&subjects.filled(damage));
            let found: Vec<String> = differences(&bed).iter().map(words).collect();
            let expected: Vec<String> = told.iter().map(|line| subjects.filled(line)).collect();
            let repair = bed.netberth.repair().unwrap();
            sh(&subjects.filled(after));
            let left = (repair.differences, differences(&bed), changes(&whole, &world(&bed)));
            if found != expected || left != (Vec::new(), Vec::new(), Vec::new()) {
                wrong.push(format!("{what}: told {found:#?}, left {left:#?}"));
            }
        }
        println!("{} kinds of damage, {} of them wrong", KINDS.len(), wrong.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(KINDS.len() >= 87, "{} kinds", KINDS.len());
    });
}

/// A difference on one line; a rule's number is the kernel's.
fn words(one: &Difference) -> String {
    let owner = format!("{} {}", one.owner.kind, one.owner.name);
    let object = one.object.split(" handle ").next().unwrap();
    let found = one.found.split(' ').scan("", |before, word| {
        let shown = if *before == "process" { "PID" } else { word };
        *before = word;
        Some(shown)
    });
    let found = found.collect::<Vec<_>>().join(" ");
    format!("{}: {object} | {} | {found}", owner.trim_end(), one.expected)
}

/// Lines that are not in both.
fn changes(before: &str, after: &str) -> Vec<String> {
    let without = |text: &str, other: &str, sign: char| -> Vec<String> {
        let others: std::collections::HashSet<&str> = other.lines().collect();
        let own = text.lines().filter(|line| !others.contains(line));
        own.map(|line| format!("{sign}{line}")).collect()
    };
    [without(before, after, '-'), without(after, before, '+')].concat()
}

#[test]
fn a_rehearsal_says_what_it_would_do_and_does_nothing() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        sh("ip link set br-web mtu 1400; nft delete element inet netberth br '{ \"br-db\" }'");
        let agent = bed.netberth.sandbox("agent").unwrap().hosts_path;
        let (agent, own) = (agent.display(), agent.parent().unwrap().display());
        sh(&format!("chmod 666 {agent}; chown 1234 {own}"));
        let before = world(&bed);
        let (repair, lines) = bed.netberth.rehearse(netberth::Netberth::repair).unwrap();
        assert_eq!((repair.repaired.len(), repair.differences.len()), (4, 0));
        let swap = "nft 'add element inet netberth br { \"br-db\" }'";
        let files = [format!("chown 0 {own}"), format!("chmod 0644 {agent}")];
        assert_eq!(lines, [swap, "ip link set br-web mtu 1500", &files[0], &files[1]]);
        same(&before, &world(&bed));
        assert_eq!(differences(&bed).len(), 4);
        bed.netberth.repair().unwrap();
        // A namespace comes back by the line that an operator would type.
        let key = bed.netberth.sandbox("replica").unwrap().key;
        let key = key.display();
        let mut tenant = std::process::Command::new("nsenter")
            .arg(format!("--net={key}"))
            .args(["sh", "-c", "echo; exec sleep 600"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(tenant.stdout.as_mut().unwrap(), &mut line).unwrap();
        sh(&format!("umount {key}"));
        let (_, lines) = bed.netberth.rehearse(netberth::Netberth::repair).unwrap();
        let mount = format!("touch {key} && mount --bind /proc/{}/ns/net {key}", tenant.id());
        assert_eq!(lines, [format!("umount -l {key} && rm {key}"), mount]);
        // Nor is it a dead container's: nothing is collected of it.
        assert_eq!(bed.netberth.gc().unwrap().collected, []);
        tenant.kill().unwrap();
        tenant.wait().unwrap();
        assert_eq!(bed.netberth.gc().unwrap().collected.len(), 1);
    });
}
