//! What the running kernel or the host does not allow: a clear error, and nothing changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs;
use std::process::Command;
use std::time::Duration;

use common::bed::{Bed, config, inside, same, snapshot};
use common::{Host, on_a_host, sh};
use netberth::error::Kind;
use netberth::model::{EndpointSpec, NetworkSpec};
use netberth::{Config, Netberth};

/// Asserts that a network is refused, and nothing of it left.
#[track_caller]
fn refused(bed: &Bed<'_>, json: &str, kind: Kind, words: &str) {
    let (records, before) = (bed.records(), snapshot(bed.host));
    let error = bed.try_network(json).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{error}");
    assert_eq!(error.cleanup(), [], "{error}");
    same(&records, &bed.records());
    same(&before, &snapshot(bed.host));
}

#[test]
fn a_device_that_exists_is_denied_and_untouched() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        sh("ip link add eth0 type veth peer name eth1; ip link add br0 type bridge");
        for device in ["lo", "eth0", "br0"] {
            let json = format!("{{\"name\":\"foo\",\"options\":{{\"bridge\":\"{device}\"}}}}");
            refused(&bed, &json, Kind::Denied, device);
        }
        bed.network(r#"{"name":"own","options":{"bridge":"mine0"}}"#);
        refused(&bed, r#"{"name":"foo","options":{"bridge":"mine0"}}"#, Kind::Denied, "mine0");
    });
}

#[test]
fn names_of_networks_are_no_names_of_devices() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        sh("ip link add eth0 type veth peer name eth1");
        let (records, before) = (bed.records(), snapshot(host));
        for name in ["lo", "eth0", "netberth"] {
            bed.network(&format!("{{\"name\":\"{name}\"}}"));
            let a = bed.container(name, "a");
            assert!(common::net::ping(&a.key, "172.17.0.1", 5));
            bed.remove(name, "a");
            bed.netberth.network_delete(name).unwrap();
        }
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}

#[test]
fn what_the_host_routes_is_kept_clear_of() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        sh("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; \
            ip addr add 172.17.0.9/24 dev v0; ip route add 10.1.0.0/16 dev v0; \
            ip route add 10.2.0.0/16 dev v0 table 99; ip -6 route add fd77::/48 dev v0; \
            ip route add blackhole 10.3.0.0/16");
        for (subnet, words) in [
            ("172.17.0.0/24", "172.17.0"),
            ("172.17.0.0/16", "172.17.0"),
            ("10.1.2.0/24", "10.1.0.0/16"),
            ("10.2.0.0/24", "10.2.0.0/16"),
            ("10.3.0.0/24", "10.3.0.0/16"),
            ("10.0.0.0/8", "10."),
            ("fd77:0:0:1::/64", "fd77::/48"),
        ] {
            let json = format!(
                "{{\"name\":\"foo\",\"options\":{{\"subnets\":[{{\"subnet\":\"{subnet}\"}}]}}}}"
            );
            refused(&bed, &json, Kind::Exists, words);
        }
        bed.network(r#"{"name":"foo"}"#);
        assert_eq!(bed.container("foo", "a").v4, "172.17.1.2");
    });
}

/// Not a test of its own: what follows runs as another process, which lacks a right.
#[test]
fn child() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let directory = std::path::PathBuf::from(directory);
    let config = Config {
        state_dir: directory.join("state"),
        run_dir: directory.join("run"),
        ..Config::default()
    };
    let netberth = Netberth::open(config).unwrap();
    let network = NetworkSpec::from_json(br#"{"name":"foo"}"#).unwrap();
    let error = netberth.network_create(&network).unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "{error}");
    let endpoint = EndpointSpec::from_json(br#"{"name":"a"}"#).unwrap();
    let error = netberth.endpoint_create("bridge", &endpoint).unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "{error}");
    println!("refused as it should: {error}");
}

const CHILD: &str = "NETBERTH_REFUSALS_DIRECTORY";

#[test]
fn without_cap_net_admin_all_is_denied_and_nothing_changed() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), snapshot(host));
        let mut child = Command::new("setpriv");
        child.args(["--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
        child.arg(std::env::current_exe().unwrap()).args(["--exact", "child", "--nocapture"]);
        let output = child.env(CHILD, &host.directory).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("refused as it should"), "{said}");
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}

fn open_fails(host: &Host, kind: Kind, words: &str) {
    let short = Config { lock_timeout: Duration::from_millis(50), ..config(host) };
    let error = Netberth::open(short).err().expect("opened");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn a_state_directory_that_cannot_be_used_is_said() {
    on_a_host(|host| {
        fs::write(host.path("state"), "").unwrap();
        open_fails(host, Kind::Store, "a file is in its place");
        fs::remove_file(host.path("state")).unwrap();
        sh(&format!("mkdir {0} && mount -t tmpfs -o ro none {0}", host.path("state").display()));
        open_fails(host, Kind::Store, "state");
        sh(&format!("umount {0} && rmdir {0}", host.path("state").display()));
        // A file where the namespaces are to be mounted.
        fs::create_dir(host.path("run")).unwrap();
        fs::write(host.path("run/netns"), "").unwrap();
        assert!(Netberth::open(config(host)).is_err());
        fs::remove_file(host.path("run/netns")).unwrap();
        Netberth::open(config(host)).unwrap();
    });
}

#[test]
fn a_corrupt_store_is_refused_and_the_running_containers_stay() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let (a, b) = (bed.container("foo", "a"), bed.container("foo", "b"));
        drop(bed);
        // Without its log, which would mend the file's pages.
        let state = host.path("state");
        sh(&format!("cp -a {0} {0}.good && rm {0}/netberth.db-*", state.display()));
        let file = state.join("netberth.db");
        let bad: Vec<u8> = fs::read(&file).unwrap().iter().map(|byte| byte ^ 0x5a).collect();
        fs::write(&file, &bad).unwrap();
        let before = snapshot(host);
        open_fails(host, Kind::Store, "netberth.db");
        same(&before, &snapshot(host));
        assert!(common::net::ping(&a.key, &b.v4, 5));
        sh(&format!("rm -r {0} && mv {0}.good {0}", state.display()));
        let bed = Bed::new(host);
        bed.remove("foo", "a");
        assert_eq!(inside(&b.key, "ip -o link").lines().count(), 2);
    });
}
