//! `gc`: what nobody needs any more goes, and nothing of anybody else's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::process::{Child, Command, Stdio};

use common::bed::{Bed, config, same, snapshot};
use common::{on_a_host, sh};
use netberth::{Config, Netberth};

fn quiet() {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
}

/// What was collected: kind, and id or name.
fn gc(bed: &Bed<'_>) -> Vec<(String, String)> {
    let collected = bed.netberth.gc().unwrap().collected.into_iter();
    collected.map(|one| (one.kind, one.id.or(one.name).unwrap())).collect()
}

fn one(kind: &str, name: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), name.to_owned())]
}

#[track_caller]
fn clean(bed: &Bed<'_>) {
    assert_eq!(bed.netberth.verify().unwrap().differences, []);
    assert_eq!(gc(bed), []);
}

/// A process in a network namespace of its own, which ends with it.
fn process() -> Child {
    let mut child = Command::new("unshare")
        .args(["-n", "sh", "-c", "echo; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    child
}

/// By path, by pid, of netberth's own making: the namespace ends without a word.
#[test]
fn sandboxes_whose_namespace_is_gone() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.container("foo", "stays");
        let port = r#","port_mapping":[{"proto":6,"port":80,"host_port":8080}]"#;
        bed.endpoint("foo", &format!("{{\"name\":\"goes\"{port}}}"));
        let before = (snapshot(host), bed.more("foo", "goes"));

        let path = bed.namespace("given");
        let mut child = process();
        let ways = [
            format!(r#"{{"container_id":"c1","netns":"{}"}}"#, path.display()),
            format!(r#"{{"container_id":"c1","pid":{}}}"#, child.id()),
            r#"{"container_id":"c1"}"#.to_owned(),
        ];
        for (way, join) in ways.iter().enumerate() {
            let key = bed.join("foo", "goes", join).key;
            clean(&bed);
            match way {
                0 => drop(sh(&format!("umount {0} && rm {0}", path.display()))),
                1 => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                }
                _ => drop(sh(&format!("umount {0}", key.display()))),
            }
            let found = bed.netberth.verify().unwrap().differences;
            assert!(found.iter().any(|one| one.owner.kind == "sandbox"), "{found:#?}");
            // It is not a repair's to bring a container back.
            let left = bed.netberth.repair().unwrap().differences;
            assert!(left.iter().any(|one| one.owner.kind == "sandbox"), "{left:#?}");
            let untouched = (snapshot(host), bed.records());
            let (_, plan) = bed.netberth.rehearse(Netberth::gc).unwrap();
            assert!(plan.iter().any(|line| line.contains("pub4_any")), "{plan:#?}");
            same(&untouched.0, &snapshot(host));
            same(&untouched.1, &bed.records());
            assert_eq!(gc(&bed), one("sandbox", "c1"), "{join}");
            clean(&bed);
            let now = bed.more("foo", "goes");
            assert_eq!(
                (now.addresses, now.port_mapping),
                (before.1.addresses.clone(), before.1.port_mapping.clone())
            );
            same(&before.0, &snapshot(host));
        }
    });
}

/// The path of a process leads to the namespace of another one: the one that was meant is gone.
#[test]
fn another_namespace_by_the_same_path() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        bed.endpoint("foo", r#"{"name":"web"}"#);
        let path = bed.namespace("given");
        bed.join("foo", "web", &format!(r#"{{"container_id":"c1","netns":"{}"}}"#, path.display()));
        let at = path.display();
        sh(&format!(
            "umount {at} && unshare --net={at} true && nsenter --net={at} ip link set lo up"
        ));
        assert_eq!(gc(&bed), one("sandbox", "c1"));
        let there = sh(&format!("nsenter --net={at} ip -o link show up"));
        assert!(there.contains("lo:"), "somebody else's: {there}");
        clean(&bed);
    });
}

#[test]
fn links_on_our_bridges_that_no_record_has() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"bridge":"br-foo"}}"#);
        bed.container("foo", "web");
        let before = snapshot(host);
        sh("ip link add nb0123456789ab type veth peer name far && \
            ip link set nb0123456789ab master br-foo");
        let found = bed.netberth.verify().unwrap().differences;
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].object.contains("nb0123456789ab"), "{found:#?}");
        assert_eq!(gc(&bed), one("link", "nb0123456789ab"));
        same(&before, &snapshot(host));
        clean(&bed);
        // Of that name, but on nobody's bridge or another's: it may be another state directory's.
        sh("ip link add other type bridge && \
            ip link add nb0123456789ab type veth peer name far && \
            ip link set nb0123456789ab master other");
        let there = snapshot(host);
        clean(&bed);
        same(&there, &snapshot(host));
    });
}

#[test]
fn files_that_no_record_has() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let web = bed.container("foo", "web");
        let before = snapshot(host);
        let files = host.path("run/sandboxes/left");
        sh(&format!("mkdir {0} && touch {0}/hosts {0}/resolv.conf", files.display()));
        assert_eq!(gc(&bed), one("file", &files.display().to_string()));
        same(&before, &snapshot(host));
        // A file without a mount, and a namespace that hangs on our bridge.
        let stale = host.path("run/netns/stale");
        sh(&format!("touch {0} && chmod 444 {0}", stale.display()));
        // It may be about to become somebody's namespace.
        assert_eq!(gc(&bed), []);
        assert!(stale.exists());
        sh(&format!("touch -d '2 minutes ago' {}", stale.display()));
        assert_eq!(gc(&bed), one("file", &stale.display().to_string()));
        same(&before, &snapshot(host));
        let left = host.path("run/netns/left");
        let bridge = bed.bridge("foo");
        sh(&format!(
            "touch {0} && unshare --net={0} true && \
             ip link add nb0123456789ab master {bridge} type veth peer name eth0 netns {0}",
            left.display()
        ));
        let mut all = gc(&bed);
        all.sort();
        let expected =
            [("file", left.display().to_string()), ("link", "nb0123456789ab".to_owned())];
        assert_eq!(all, expected.map(|(kind, name)| (kind.to_owned(), name)));
        same(&before, &snapshot(host));
        // What somebody has put there is his.
        let theirs = host.path("run/sandboxes/theirs");
        sh(&format!("mkdir {0} && touch {0}/precious {0}/hosts", theirs.display()));
        let hosts = theirs.join("hosts");
        assert_eq!(gc(&bed), one("file", &hosts.display().to_string()));
        assert!(theirs.join("precious").exists() && !hosts.exists());
        // So is what has a name of ours and is something else.
        let (text, plain) = (host.path("run/netns/text"), host.path("run/sandboxes/plain"));
        sh(&format!(
            "echo x > {0}; touch -d '2 minutes ago' {0}; touch {1}",
            text.display(),
            plain.display()
        ));
        assert_eq!(gc(&bed), []);
        assert!(theirs.exists() && text.exists() && plain.exists());
        assert!(web.key.exists());
    });
}

/// Two state directories on one host, even with one directory of namespaces.
#[test]
fn another_state_directory_is_left_alone() {
    on_a_host(|host| {
        quiet();
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        bed.container("foo", "web");
        let other = Config { state_dir: host.path("other"), ..config(host) };
        let netns_dir = Some(host.path("run/netns"));
        let other = Config { netns_dir, run_dir: host.path("other-run"), ..other };
        let other = Bed { host, netberth: Netberth::open(other).unwrap() };
        let empty = (snapshot(host), bed.records());
        assert_eq!(gc(&other), []);
        same(&empty.0, &snapshot(host));
        // Namespaces of other programs in the same directory.
        let theirs = host.path("run/netns/theirs");
        sh(&format!("touch {0} && unshare --net={0} true", theirs.display()));
        let there = snapshot(host);
        assert_eq!(gc(&other), []);
        assert_eq!(gc(&bed), []);
        same(&there, &snapshot(host));
        same(&empty.1, &bed.records());
        clean(&bed);
    });
}
