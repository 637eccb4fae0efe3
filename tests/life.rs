//! The whole life of networks, endpoints and sandboxes on the fake kernel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

use std::sync::Arc;

use netberth::kernel::fake::Fake;
use netberth::model::{EndpointSpec, Filter, JoinSpec, NetworkSpec, Ns, ServiceSpec};
use netberth::store::Memory;
use netberth::{Config, Kind, Netberth};

struct World {
    fake: Arc<Fake>,
    netberth: Netberth,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake::new());
        for sub in ["state", "run/sandboxes"] {
            fake.add_directory(&dir.path().join(sub));
        }
        let config = Config {
            state_dir: dir.path().join("state"),
            run_dir: dir.path().join("run"),
            ..Config::default()
        };
        let store = Arc::new(Memory::new());
        let netberth = Netberth::open_with(config, fake.clone(), store).unwrap();
        World { fake, netberth, _dir: dir }
    }

    fn network(&self, json: &str) -> String {
        let spec = NetworkSpec::from_json(json.as_bytes()).unwrap();
        self.netberth.network_create(&spec).unwrap().to_string()
    }

    fn endpoint(&self, network: &str, json: &str) -> String {
        let spec = EndpointSpec::from_json(json.as_bytes()).unwrap();
        self.netberth.endpoint_create(network, &spec).unwrap().to_string()
    }

    fn join(&self, network: &str, endpoint: &str, json: &str) -> std::path::PathBuf {
        let spec = JoinSpec::from_json(json.as_bytes()).unwrap();
        self.netberth.join(network, endpoint, &spec).unwrap()
    }
}

#[test]
fn everything_comes_and_everything_goes() {
    let world = World::new();
    let before = world.fake.snapshot();
    world.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
    world.endpoint("foo", r#"{"name":"baz"}"#);
    world.endpoint("foo", r#"{"name":"bar"}"#);
    let key = world.join("foo", "baz", r#"{"container_id":"e76f406417031bd2","host_name":"web"}"#);
    assert!(key.ends_with("netns/e76f40641703"), "{}", key.display());
    world.join("foo", "bar", r#"{"container_id":"c2"}"#);
    let hosts = world.netberth.sandbox("e76f406417031bd2").unwrap().hosts_path;
    let text = world.fake.file(&hosts).unwrap();
    assert!(
        text.contains("172.17.0.2\tweb\n") && text.contains("172.17.0.3\tbar bar.foo\n"),
        "{text}"
    );
    let error = world.netberth.network_delete("foo").unwrap_err();
    assert_eq!(error.kind(), Kind::InUse);
    assert!(error.message().contains("active endpoints: baz, bar"), "{error}");
    world.netberth.detach("foo", "bar", "c2").unwrap();
    assert!(!world.fake.file(&hosts).unwrap().contains("bar"), "the name is forgotten");
    world.netberth.sandbox_delete("c2").unwrap();
    world.netberth.endpoint_delete("foo", "bar", false).unwrap();
    world.netberth.sandbox_delete("e76f406417031bd2").unwrap();
    world.netberth.endpoint_delete("foo", "baz", false).unwrap();
    world.netberth.network_delete("foo").unwrap();
    assert_eq!(world.fake.snapshot(), before);
}

#[test]
fn the_default_network_is_in_the_kernel_while_it_has_endpoints() {
    let world = World::new();
    let before = world.fake.snapshot();
    let names: Vec<String> = world
        .netberth
        .networks(&Filter::all(), false)
        .unwrap()
        .into_iter()
        .map(|network| network.name)
        .collect();
    assert_eq!(names, ["none", "host", "bridge"]);
    world.endpoint("bridge", r#"{"name":"a"}"#);
    assert_ne!(world.fake.snapshot(), before);
    world.join("bridge", "a", r#"{"container_id":"c"}"#);
    world.netberth.endpoint_delete("bridge", "a", true).unwrap();
    world.netberth.sandbox_delete("c").unwrap();
    assert_eq!(world.fake.snapshot(), before);
}

#[test]
fn the_default_route_follows_priority_and_moves_when_its_endpoint_leaves() {
    let world = World::new();
    world.network(r#"{"name":"one"}"#);
    world.network(r#"{"name":"two"}"#);
    world.endpoint("one", r#"{"name":"a"}"#);
    world.endpoint("two", r#"{"name":"b","priority":5}"#);
    let key = world.join("one", "a", r#"{"container_id":"c"}"#);
    let ns = Ns::At { path: key, cookie: None };
    let route = || world.fake.default_route(&ns, false).map(|via| via.to_string());
    assert_eq!(route().as_deref(), Some("172.17.0.1"));
    world.join("two", "b", r#"{"container_id":"c"}"#);
    assert_eq!(route().as_deref(), Some("172.17.1.1"));
    assert_eq!(world.fake.links(&ns), ["eth0", "eth1", "lo"]);
    world.netberth.detach("two", "b", "c").unwrap();
    assert_eq!(route().as_deref(), Some("172.17.0.1"));
    world.netberth.detach("one", "a", "c").unwrap();
    assert_eq!(route(), None);
}

#[test]
fn none_and_host() {
    let world = World::new();
    let before = world.fake.snapshot();
    world.endpoint("none", r#"{"name":"n"}"#);
    world.endpoint("host", r#"{"name":"h"}"#);
    let none = world.join("none", "n", r#"{"container_id":"c1"}"#);
    assert_eq!(world.fake.links(&Ns::At { path: none, cookie: None }), ["lo"]);
    let host = world.join("host", "h", r#"{"container_id":"c2","use_default_sandbox":true}"#);
    assert!(host.ends_with("netns/default"));
    world.netberth.endpoint_delete("none", "n", true).unwrap();
    world.netberth.endpoint_delete("host", "h", true).unwrap();
    world.netberth.sandbox_delete("c1").unwrap();
    world.netberth.sandbox_delete("c2").unwrap();
    assert_eq!(world.fake.snapshot(), before);
}

#[test]
fn a_rehearsal_changes_nothing_and_says_everything() {
    let world = World::new();
    let before = world.fake.snapshot();
    let (_, lines) = world
        .netberth
        .rehearse(|stage| {
            let spec = NetworkSpec::from_json(br#"{"name":"foo"}"#)?;
            stage.network_create(&spec)?;
            stage.endpoint_create("foo", &EndpointSpec::from_json(br#"{"name":"a"}"#)?)?;
            stage.join("foo", "a", &JoinSpec::from_json(br#"{"container_id":"c"}"#)?)
        })
        .unwrap();
    let text = lines.join("\n");
    for needle in [
        "sysctl -w net/ipv4/ip_forward=1",
        "type bridge",
        "type veth peer name eth0",
        "nft add element inet netberth br ",
    ] {
        assert!(text.contains(needle), "{needle} is not in\n{text}");
    }
    assert_eq!(world.fake.snapshot(), before);
    assert!(world.netberth.network("foo", false).is_err());
}

#[test]
fn a_container_is_on_a_network_once() {
    let world = World::new();
    world.network(r#"{"name":"foo"}"#);
    world.endpoint("foo", r#"{"name":"a"}"#);
    world.endpoint("foo", r#"{"name":"b"}"#);
    world.join("foo", "a", r#"{"container_id":"c"}"#);
    let before = world.fake.snapshot();
    let spec = JoinSpec::from_json(br#"{"container_id":"c"}"#).unwrap();
    let error = world.netberth.join("foo", "b", &spec).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("by endpoint a"), "{error}");
    assert_eq!(world.fake.snapshot(), before);
}

#[test]
fn nothing_is_attached_where_a_place_is_half_gone() {
    let world = World::new();
    for name in ["s", "t"] {
        let json = format!("{{\"name\":\"{name}\"}}");
        let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
        world.netberth.service_publish(&spec).unwrap();
    }
    let spec = JoinSpec::from_json(br#"{"container_id":"c"}"#).unwrap();
    world.netberth.service_attach("s", &spec).unwrap();
    world.fake.fail_undo_at(1);
    world.netberth.service_detach("s", "c", false).unwrap_err();
    world.fake.fail_no_more();
    for service in ["s", "t"] {
        let error = world.netberth.service_attach(service, &spec).unwrap_err();
        assert_eq!(error.kind(), Kind::InUse, "{error}");
        assert!(error.message().contains("half detached"), "{error}");
    }
    world.netberth.service_detach("s", "c", false).unwrap();
    world.netberth.service_attach("t", &spec).unwrap();
    assert_eq!(world.netberth.verify().unwrap().differences, []);
}
