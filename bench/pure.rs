//! `cargo bench --bench pure`: what is decided, parsed and encoded without a kernel, so that a regression
//! shows. No root is needed.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot begin says so and ends"
)]

use std::net::IpAddr;
use std::sync::Arc;

use divan::{Bencher, black_box};
use netberth::kernel::fake::Fake;
use netberth::kernel::pure;
use netberth::model::{EndpointSpec, JoinSpec, NetworkSpec, Subnet};
use netberth::plan::rules::{Element, SetElements, Value};
use netberth::store::Memory;
use netberth::{Config, Netberth, ipam};

fn main() {
    divan::main();
}

const PORT: &str = r#"{"name":"e","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#;

#[divan::bench]
fn parse_a_network() -> NetworkSpec {
    let text = r#"{"name":"web","options":{"ipv6":true,"subnets":[{"subnet":"10.5.0.0/16"}]}}"#;
    NetworkSpec::from_json(black_box(text.as_bytes())).unwrap()
}

#[divan::bench]
fn parse_an_endpoint() -> EndpointSpec {
    EndpointSpec::from_json(black_box(PORT.as_bytes())).unwrap()
}

#[divan::bench]
fn parse_a_join() -> JoinSpec {
    let text = r#"{"container_id":"c1","host_name":"web","netns":"/run/netns/c1"}"#;
    JoinSpec::from_json(black_box(text.as_bytes())).unwrap()
}

/// The address after so many that are taken.
#[divan::bench(args = [1, 1_000, 60_000])]
fn choose_an_address(taken: u32) -> Option<IpAddr> {
    let subnet = Subnet {
        subnet: "10.0.0.0/8".parse().unwrap(),
        gateway: "10.0.0.1".parse().unwrap(),
        range: None,
        reserved: Vec::new(),
    };
    let last = std::net::Ipv4Addr::from(0x0a00_0001 + taken);
    ipam::next_after(&subnet, black_box(last.into())).unwrap()
}

#[divan::bench]
fn requests_of_a_join() -> usize {
    pure::join_requests().unwrap()
}

#[divan::bench(args = [1, 1_000, 60_000])]
fn batch_of_elements(bencher: Bencher<'_, '_>, count: u16) {
    let element = |port: u16| Element {
        key: vec![Value::Proto(6), Value::Port(port)],
        key_end: None,
        data: vec![Value::Addr("172.17.0.2".parse().unwrap()), Value::Port(80)],
    };
    let sets =
        [SetElements { set: "pub4_any".into(), elements: (0..count).map(element).collect() }];
    bencher.bench(|| pure::elements_batch(black_box(&sets)).unwrap());
}

/// A whole join and detach on a fake kernel and records in memory, beside so many others.
#[divan::bench(args = [0, 100, 1_000], sample_count = 20)]
fn join_and_detach(bencher: Bencher<'_, '_>, others: usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let config = Config { state_dir: path("state"), run_dir: path("run"), ..Config::default() };
    let (kernel, store) = (Arc::new(Fake::new()), Arc::new(Memory::new()));
    let netberth = Netberth::open_with(config, kernel, store).unwrap();
    let network = br#"{"name":"n","options":{"subnets":[{"subnet":"10.5.0.0/16"}]}}"#;
    netberth.network_create(&NetworkSpec::from_json(network).unwrap()).unwrap();
    let join = |endpoint: &str, container: &str| {
        let spec = format!("{{\"container_id\":\"{container}\"}}");
        let spec = JoinSpec::from_json(spec.as_bytes()).unwrap();
        netberth.join("n", endpoint, &spec).unwrap();
    };
    for number in 0..others {
        let name = format!("other {number}");
        let spec = format!("{{\"name\":\"{name}\"}}");
        netberth.endpoint_create("n", &EndpointSpec::from_json(spec.as_bytes()).unwrap()).unwrap();
        join(&name, &format!("c{number}"));
    }
    netberth.endpoint_create("n", &EndpointSpec::from_json(PORT.as_bytes()).unwrap()).unwrap();
    bencher.bench_local(|| {
        join("e", "mine");
        netberth.detach("n", "e", "mine").unwrap();
    });
}
