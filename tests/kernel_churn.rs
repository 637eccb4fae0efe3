//! Back ends come and go a thousand times while clients never pause.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::bed::{Bed, HOST4, HOST6};
use common::net::{PORT, within};
use common::server::Server;
use common::{on_a_host, sh};
use netberth::model::{JoinSpec, ServiceSpec};

/// What became of the connections of one client.
#[derive(Default)]
struct Fate {
    answered: AtomicUsize,
    /// The connection was not made: whatever the reason, it must not be.
    refused: parking_lot::Mutex<Vec<String>>,
    /// It was made, and ended before the answer.
    cut: AtomicUsize,
}

/// Connects without pause until `ends`, at most a million times.
fn calls(ns: &Path, to: &str, fate: &Fate, ends: &AtomicBool) {
    let to = SocketAddr::new(to.parse().unwrap(), PORT);
    within(ns, || {
        for _ in 0..1_000_000 {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            match TcpStream::connect_timeout(&to, Duration::from_secs(20)) {
                Err(error) => fate.refused.lock().push(error.to_string()),
                Ok(mut stream) => {
                    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
                    let mut said = String::new();
                    match stream.read_to_string(&mut said) {
                        Ok(_) if !said.is_empty() => fate.answered.fetch_add(1, Ordering::Relaxed),
                        _ => fate.cut.fetch_add(1, Ordering::Relaxed),
                    };
                }
            }
        }
    });
}

fn attach(bed: &Bed<'_>, name: &str) -> PathBuf {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    bed.netberth.service_attach("web", &spec).unwrap()
}

fn publish(bed: &Bed<'_>, balance: &str) -> String {
    let json = format!(
        "{{\"name\":\"web\",\"network_name\":\"foo\",\"balance\":\"{balance}\",\"port_mapping\":[\
         {{\"proto\":6,\"port\":{PORT},\"host_port\":{PORT}}}]}}"
    );
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    bed.netberth.service_publish(&spec).unwrap();
    let more = bed.netberth.service("web", true).unwrap().more.unwrap();
    more.addresses[0].split('/').next().unwrap().to_owned()
}

/// Runs `change` a number of times under load, and tells what was cut.
fn under_load(bed: &Bed<'_>, vip: &str, times: usize, change: impl Fn(usize)) -> usize {
    let outside = bed.outside();
    let client = bed.container("foo", "client").key;
    let fates = [Fate::default(), Fate::default(), Fate::default()];
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ways = [(&client, vip), (&outside, HOST4), (&outside, HOST6)];
        for ((ns, to), fate) in ways.into_iter().zip(&fates) {
            let ends = &ends;
            scope.spawn(move || calls(ns, to, fate, ends));
        }
        for number in 0..times {
            change(number);
        }
        ends.store(true, Ordering::Relaxed);
    });
    let mut cut = 0;
    for fate in &fates {
        let refused = fate.refused.lock();
        let kinds: BTreeSet<&String> = refused.iter().collect();
        assert!(refused.is_empty(), "{} not made: {kinds:?}", refused.len());
        assert!(fate.answered.load(Ordering::Relaxed) > 100);
        cut += fate.cut.load(Ordering::Relaxed);
    }
    let answered: usize = fates.iter().map(|fate| fate.answered.load(Ordering::Relaxed)).sum();
    eprintln!("{times} changes, {answered} connections answered, {cut} cut");
    cut
}

/// Four containers that stay on the network, and two that come and go with their places.
fn with_servers(balance: &str, test: impl FnOnce(&Bed<'_>, &str) + Send) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        sh("sysctl -qw net.ipv4.ip_local_port_range='1024 65535'");
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let vip = publish(&bed, balance);
        let names = ["a", "b", "c", "d"];
        let _servers = names.map(|name| Server::new(&bed.container("foo", name).key, name));
        attach(&bed, "a");
        attach(&bed, "b");
        test(&bed, &vip);
    });
}

/// With drain nobody notices.
#[test]
fn a_thousand_changes_are_not_noticed() {
    with_servers("round-robin", |bed, vip| {
        let detach = |name| bed.netberth.service_detach("web", name, true).unwrap();
        let cut = under_load(bed, vip, 1000, |number| match number % 4 {
            0 => drop(attach(bed, "c")),
            1 => detach("a"),
            2 => drop(attach(bed, "a")),
            _ => detach("c"),
        });
        assert_eq!(cut, 0);
    });
}

/// Without it, what was connected to the one that goes may end, and nothing else.
#[test]
fn who_goes_at_once_takes_only_its_own_connections() {
    with_servers("random", |bed, vip| {
        under_load(bed, vip, 400, |number| {
            let name = ["c", "d"][number / 2 % 2];
            if number % 2 == 0 {
                attach(bed, name);
            } else {
                bed.netberth.service_detach("web", name, false).unwrap();
            }
        });
    });
}

/// Their interfaces come and go with them.
#[test]
fn places_of_their_own_come_and_go() {
    with_servers("source", |bed, vip| {
        let given = ["e", "f"].map(|name| {
            let ns = bed.namespace(name);
            common::bed::inside(&ns, "ip link set lo up");
            let server = Server::new(&ns, name);
            (name, ns, server)
        });
        under_load(bed, vip, 60, |number| {
            let (name, ns, _) = &given[number / 2 % 2];
            if number % 2 == 0 {
                let json =
                    format!("{{\"container_id\":\"{name}\",\"netns\":\"{}\"}}", ns.display());
                let spec = JoinSpec::from_json(json.as_bytes()).unwrap();
                bed.netberth.service_attach("web", &spec).unwrap();
            } else {
                bed.netberth.service_detach("web", name, false).unwrap();
            }
        });
    });
}
