//! The whole life of networks and containers on the running kernel, seen by `ip` and by packets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::path::PathBuf;

use common::{Host, on_a_host, sh};
use netberth::model::{EndpointSpec, JoinSpec, NetworkSpec};
use netberth::{Config, Netberth};

/// netberth on a test's host.
struct World {
    netberth: Netberth,
}

impl World {
    fn new(host: &Host) -> World {
        let config = Config {
            state_dir: host.path("state"),
            run_dir: host.path("run"),
            ..Config::default()
        };
        World { netberth: Netberth::open(config).unwrap() }
    }

    fn network(&self, json: &str) {
        self.netberth.network_create(&NetworkSpec::from_json(json.as_bytes()).unwrap()).unwrap();
    }

    /// A container on a new endpoint of the same name; the path of its namespace.
    fn container(&self, network: &str, name: &str) -> PathBuf {
        let endpoint = EndpointSpec::from_json(format!("{{\"name\":\"{name}\"}}").as_bytes());
        self.netberth.endpoint_create(network, &endpoint.unwrap()).unwrap();
        let join = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes());
        self.netberth.join(network, name, &join.unwrap()).unwrap()
    }

    fn remove(&self, network: &str, name: &str) {
        self.netberth.sandbox_delete(name).unwrap();
        self.netberth.endpoint_delete(network, name, false).unwrap();
    }
}

fn pings(from: &std::path::Path, to: &str) -> bool {
    let line = format!("nsenter --net={} busybox ping -q -c 1 -W 1 {to}", from.display());
    std::process::Command::new("sh")
        .args(["-c", &line])
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn siblings_talk_and_nothing_is_left() {
    on_a_host(|host| {
        sh("ip link set lo up");
        let world = World::new(host);
        let before = common::bed::snapshot(host);
        world.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let a = world.container("foo", "a");
        let b = world.container("foo", "b");
        assert!(pings(&a, "172.17.0.3") && pings(&b, "172.17.0.2") && pings(&a, "172.17.0.1"));
        let more = world.netberth.endpoint("foo", "b", true).unwrap().more.unwrap();
        assert!(pings(&a, more.addresses[1].split('/').next().unwrap()));
        world.remove("foo", "a");
        world.remove("foo", "b");
        world.netberth.network_delete("foo").unwrap();
        common::bed::same(&before, &common::bed::snapshot(host));
    });
}
