//! Namespaces that netberth is given: joined by path and by process, never destroyed, left as found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::path::PathBuf;
use std::process::{Child, Command};

use common::bed::{Bed, inside, ip, same, snapshot};
use common::net::{Echo, talks};
use common::on_a_host;
use netberth::error::Kind;

/// A process in a network namespace of its own; it ends with the test.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        let child = Command::new("unshare").args(["-n", "sleep", "60"]).spawn().unwrap();
        let sleeper = Sleeper(child);
        // It is in its namespace before it is `sleep`.
        for _ in 0..500 {
            let name = std::fs::read_to_string(format!("/proc/{}/comm", sleeper.pid()));
            if name.unwrap().trim() == "sleep" {
                return sleeper;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("unshare does not start sleep");
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn ns(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid()))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SIX: &str = r#"{"name":"foo","options":{"ipv6":true}}"#;

#[test]
fn joined_by_path_and_by_pid_and_never_destroyed() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(SIX);
        let (path, sleeper) = (bed.namespace("mine"), Sleeper::new());
        let before = inside(&path, "ip -o link | wc -l; ip route; ip -6 route");
        bed.endpoint("foo", r#"{"name":"a"}"#);
        bed.endpoint("foo", r#"{"name":"b"}"#);
        let a = format!("{{\"container_id\":\"a\",\"netns\":\"{}\"}}", path.display());
        let a = bed.join("foo", "a", &a);
        let b =
            bed.join("foo", "b", &format!("{{\"container_id\":\"b\",\"pid\":{}}}", sleeper.pid()));
        assert_eq!((&a.key, &b.key), (&path, &sleeper.ns()));
        assert!(!bed.netberth.sandbox("a").unwrap().owned);
        let (_a, _b) = (Echo::new(&path), Echo::new(&sleeper.ns()));
        talks(&path, &b.v4, &a.v4);
        talks(&sleeper.ns(), &a.v6, &b.v6);
        bed.remove("foo", "a");
        bed.remove("foo", "b");
        // Both are there, with nothing of netberth's in them.
        assert_eq!(inside(&path, "ip -o link | wc -l; ip route; ip -6 route"), before);
        assert_eq!(inside(&sleeper.ns(), "ip -o link").lines().count(), 1);
    });
}

#[test]
fn one_that_died_before_detach_or_delete_is_no_obstacle() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(SIX);
        let empty = bed.records();
        let before = snapshot(host);
        for detach_first in [true, false] {
            let sleeper = Sleeper::new();
            bed.endpoint("foo", r#"{"name":"a"}"#);
            let join = format!("{{\"container_id\":\"a\",\"pid\":{}}}", sleeper.pid());
            bed.join("foo", "a", &join);
            drop(sleeper);
            if detach_first {
                bed.netberth.detach("foo", "a", "a").unwrap();
            }
            bed.remove("foo", "a");
            same(&empty, &bed.records());
            same(&before, &snapshot(host));
        }
        // Nor one whose mount was removed, and something else put in its place.
        let path = bed.namespace("mine");
        bed.endpoint("foo", r#"{"name":"a"}"#);
        let join = format!("{{\"container_id\":\"a\",\"netns\":\"{}\"}}", path.display());
        bed.join("foo", "a", &join);
        common::sh(&format!("umount {0} && rm {0}", path.display()));
        let other = bed.namespace("mine");
        inside(&other, "ip link add eth0 type veth peer name v1");
        let error = bed.try_join("foo", "a", &join).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        bed.remove("foo", "a");
        assert_eq!(inside(&other, "ip -o link").lines().count(), 3);
        common::sh(&format!("umount {0} && rm {0}", other.display()));
        same(&before, &snapshot(host));
    });
}

#[test]
fn an_interface_that_the_container_renamed_goes_all_the_same() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(SIX);
        let before = snapshot(host);
        let path = bed.namespace("mine");
        for (delete, place) in [(false, true), (true, true), (false, false), (true, false)] {
            bed.endpoint("foo", r#"{"name":"a"}"#);
            let netns =
                if place { format!(",\"netns\":\"{}\"", path.display()) } else { String::new() };
            let a = bed.join("foo", "a", &format!("{{\"container_id\":\"a\"{netns}}}"));
            inside(
                &a.key,
                "ip link set eth0 down && ip link set eth0 name wan0 && ip link set wan0 up",
            );
            if !delete {
                bed.netberth.detach("foo", "a", "a").unwrap();
                assert_eq!(inside(&a.key, "ip -o link").lines().count(), 1);
            }
            bed.remove("foo", "a");
        }
        common::sh(&format!("umount {0} && rm {0}", path.display()));
        same(&before, &snapshot(host));
    });
}

#[test]
fn a_default_route_that_is_there_is_not_replaced() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(SIX);
        for (family, route) in [("-4", "192.0.2.1"), ("-6", "2001:db8:9::1")] {
            let path = bed.namespace("mine");
            inside(
                &path,
                &format!(
                    "ip link add up0 type veth peer name up1; ip link set up0 up; \
                     ip link set up1 up; ip addr add 192.0.2.9/24 dev up0; \
                     ip -6 addr add 2001:db8:9::9/64 dev up0 nodad; \
                     ip {family} route add default via {route}"
                ),
            );
            bed.endpoint("foo", r#"{"name":"a"}"#);
            let all = "ip -o link; ip -o addr; ip route; ip -6 route; sysctl net.ipv4.conf.lo";
            // lo is brought up by the join; that is not what is looked at here.
            inside(&path, "ip link set lo up");
            let (inner, outer) = (inside(&path, all), snapshot(host));
            let records = bed.records();
            let join = format!("{{\"container_id\":\"a\",\"netns\":\"{}\"}}", path.display());
            let error = bed.try_join("foo", "a", &join).unwrap_err();
            assert!(error.message().contains("default"), "{error}");
            assert_eq!(error.cleanup(), [], "{error}");
            println!("{:?}: {error}", error.kind());
            same(&inner, &inside(&path, all));
            same(&outer, &snapshot(host));
            same(&records, &bed.records());
            // On an internal network, which carries no default route, there is no quarrel.
            if bed.netberth.network("in", false).is_err() {
                bed.network(r#"{"name":"in","options":{"ipv6":true,"internal":true}}"#);
            }
            bed.endpoint("in", r#"{"name":"a"}"#);
            bed.join("in", "a", &join);
            let kept = ip(Some(&path), &format!("{family} route show default"));
            assert_eq!(kept[0]["gateway"], route);
            bed.remove("in", "a");
            same(&inner, &inside(&path, all));
            bed.netberth.endpoint_delete("foo", "a", false).unwrap();
            common::sh(&format!("umount {0} && rm {0}", path.display()));
        }
    });
}

#[test]
fn what_is_no_namespace_or_no_process_is_refused_and_nothing_changes() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(SIX);
        bed.endpoint("foo", r#"{"name":"a"}"#);
        std::fs::write(host.path("file"), "").unwrap();
        let (before, records) = (snapshot(host), bed.records());
        let file = host.path("file");
        let dead = {
            let sleeper = Sleeper::new();
            sleeper.pid()
        };
        for place in [
            format!("\"netns\":\"{}\"", file.display()),
            "\"netns\":\"/nowhere/at/all\"".to_owned(),
            "\"netns\":\"/proc/self/ns/uts\"".to_owned(),
            format!("\"pid\":{dead}"),
            "\"pid\":4294967295".to_owned(),
        ] {
            let json = format!("{{\"container_id\":\"a\",{place}}}");
            let error = bed.try_join("foo", "a", &json).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{place}: {error}");
        }
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}
