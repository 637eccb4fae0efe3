//! Services with packets: who answers, whom they see, and who is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, same, snapshot};
use common::net::{PORT, ping, silent};
use common::server::{Server, asked_by_udp, asked_from, udp_to};
use common::{on_a_host, sh};
use netberth::model::{JoinSpec, ServiceSpec};

fn host_path() -> PathBuf {
    std::fs::canonicalize("/proc/thread-self").unwrap().join("ns/net")
}

/// Publishes a service, and tells its virtual addresses.
fn publish(bed: &Bed<'_>, json: &str) -> (String, String) {
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    let id = bed.netberth.service_publish(&spec).unwrap().to_string();
    let more = bed.netberth.service(&id, true).unwrap().more.unwrap();
    let of = |v6: bool| {
        let found = more.addresses.iter().find(|address| address.contains(':') == v6);
        found.and_then(|cidr| cidr.split('/').next()).unwrap_or_default().to_owned()
    };
    (of(false), of(true))
}

/// Attaches a container to a service, and tells its namespace and addresses.
fn attach(bed: &Bed<'_>, service: &str, name: &str) -> Container {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    let key = bed.netberth.service_attach(service, &spec).unwrap();
    let backends = bed.netberth.service_backends(service, true).unwrap();
    let one = backends.into_iter().find(|backend| backend.id == name).unwrap();
    let addresses = one.addresses.unwrap();
    let of = |v6: bool| {
        let found = addresses.iter().find(|address| address.contains(':') == v6);
        found.and_then(|cidr| cidr.split('/').next()).unwrap_or_default().to_owned()
    };
    Container { key, v4: of(false), v6: of(true), mac: one.mac.unwrap_or_default() }
}

/// Everybody who answers, and the one client that all of them see.
fn who(from: &Path, to: &str) -> (BTreeSet<String>, String) {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        let (name, client) = asked_from(from, to, PORT).unwrap();
        names.insert(name);
        seen.insert(client);
    }
    let seen: Vec<String> = seen.into_iter().collect();
    (names, seen.join(" "))
}

const NO_BRIDGE_FILTER: &str = "for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
    [ ! -e $call ] || echo 0 > $call; done";

#[test]
fn all_answer_and_see_the_client() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        sh(NO_BRIDGE_FILTER);
        let before = snapshot(host);
        for (network, icc) in [("foo", true), ("shut", false)] {
            bed.network(&format!(
                "{{\"name\":\"{network}\",\"options\":{{\"ipv6\":true,\"icc\":{icc}}}}}"
            ));
            bed.network(r#"{"name":"other","options":{"ipv6":true}}"#);
            let vips = publish(
                &bed,
                &format!(
                    "{{\"name\":\"web\",\"network_name\":\"{network}\",\"port_mapping\":[\
                     {{\"proto\":6,\"port\":{PORT},\"host_port\":{PORT}}},\
                     {{\"proto\":17,\"port\":{PORT},\"host_port\":{PORT}}}]}}"
                ),
            );
            let backs = ["a", "b", "c"].map(|name| attach(&bed, "web", name));
            let servers = [0, 1, 2].map(|at| Server::new(&backs[at].key, ["a", "b", "c"][at]));
            let client = bed.container(network, "client");
            let stranger = bed.container("other", "stranger");
            let gateway = |v6: usize| {
                let options = bed.netberth.network(network, true).unwrap().options.unwrap();
                options.subnets[v6].gateway.to_string()
            };
            let all: BTreeSet<String> = ["a", "b", "c"].map(str::to_owned).into();
            let sees = |from: &Path, to: &str, client: &str| {
                assert_eq!(who(from, to), (all.clone(), client.to_owned()), "{to}");
                let said = asked_by_udp(&udp_to(from, to, PORT)).unwrap();
                assert!(all.contains(&said), "{said}");
            };
            sees(&client.key, &vips.0, &client.v4);
            sees(&client.key, &vips.1, &client.v6);
            sees(&host_path(), &vips.0, &gateway(0));
            sees(&host_path(), &vips.1, &gateway(1));
            sees(&outside, HOST4, OUTSIDE4);
            sees(&outside, HOST6, OUTSIDE6);
            sees(&host_path(), "127.0.0.1", &gateway(0));
            sees(&host_path(), "::1", &gateway(1));
            sees(&stranger.key, HOST4, &stranger.v4);
            sees(&client.key, HOST6, &client.v6);
            for to in [&vips.0, &vips.1] {
                assert!(ping(&client.key, to, 5) && ping(&host_path(), to, 5), "{to}");
            }
            // A back end calls its own service: itself, by way of the gateway, or a sibling.
            let (names, clients) = who(&backs[0].key, &vips.0);
            assert_eq!(names, all);
            assert_eq!(
                clients,
                [backs[0].v4.clone(), gateway(0)]
                    .into_iter()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            // Virtual addresses are for their own network.
            for vip in [&vips.0, &vips.1] {
                silent(&stranger.key, vip);
                silent(&outside, vip);
            }
            drop(servers);
            for name in ["a", "b", "c", "client", "stranger"] {
                bed.netberth.sandbox_delete(name).unwrap();
            }
            bed.netberth.endpoint_delete(network, "client", false).unwrap();
            bed.netberth.endpoint_delete("other", "stranger", false).unwrap();
            bed.netberth.service_unpublish("web", false).unwrap();
            bed.netberth.network_delete("other").unwrap();
            bed.netberth.network_delete(network).unwrap();
        }
        same(&before, &snapshot(host));
    });
}

/// At once: not after a time without an answer.
#[test]
fn nobody_behind_is_refused_at_once() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let vips = publish(
            &bed,
            &format!(
                "{{\"name\":\"web\",\"network_name\":\"foo\",\"port_mapping\":[\
                 {{\"proto\":6,\"port\":{PORT},\"host_port\":{PORT}}}]}}"
            ),
        );
        let client = bed.container("foo", "client");
        let refused = |from: &Path, to: &str| {
            let began = Instant::now();
            let error = asked_from(from, to, PORT).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{to}");
            assert!(began.elapsed() < Duration::from_secs(4), "{to}");
        };
        let all = |from: &Path| {
            for vip in [&vips.0, &vips.1] {
                refused(from, vip);
                // On the host the packet does not even leave its socket.
                let error = asked_by_udp(&udp_to(from, vip, PORT)).unwrap_err().kind();
                let refusals = [ErrorKind::ConnectionRefused, ErrorKind::PermissionDenied];
                assert!(refusals.contains(&error), "{vip}: {error}");
            }
        };
        all(&client.key);
        all(&host_path());
        refused(&outside, HOST4);
        refused(&outside, HOST6);
        assert!(ping(&client.key, &vips.0, 5) && ping(&client.key, &vips.1, 5));
        let back = attach(&bed, "web", "a");
        let server = Server::new(&back.key, "a");
        assert_eq!(asked_from(&client.key, &vips.0, PORT).unwrap().0, "a");
        assert_eq!(asked_from(&outside, HOST4, PORT).unwrap().0, "a");
        bed.netberth.service_detach("web", "a", false).unwrap();
        all(&client.key);
        refused(&outside, HOST4);
        drop(server);
    });
}
