//! `repair` and `gc` against the running kernel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::bed::{Bed, Container, HOST4, inside, ip, same, snapshot};
use common::net::{PORT, within};
use common::{on_a_host, sh};
use netberth::Netberth;

#[test]
fn the_table_comes_back_whole() {
    on_a_host(|host| {
        sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
            [ ! -e $call ] || echo 0 > $call; done");
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint(
            "foo",
            r#"{"name":"web","port_mapping":[{"proto":6,"port":80,"host_port":80}]}"#,
        );
        bed.join("foo", "web", r#"{"container_id":"web"}"#);
        let before = (snapshot(host), bed.records());
        for damage in [
            "flush ruleset",
            "delete element inet netberth pub4_any { tcp . 80 }",
            "flush chain inet netberth forward",
        ] {
            sh(&format!("nft '{damage}'"));
            let found = bed.netberth.verify().unwrap().differences;
            assert!(!found.is_empty(), "{damage}");
            let (_, plan) = bed.netberth.rehearse(Netberth::repair).unwrap();
            assert_eq!(plan.len(), 1, "{plan:?}");
            let repair = bed.netberth.repair().unwrap();
            assert_eq!((repair.repaired, repair.differences), (found, vec![]), "{damage}");
            same(&before.0, &snapshot(host));
            same(&before.1, &bed.records());
        }
    });
}

/// A server that echoes numbered datagrams, and one that counts what iperf3 sends: neither notices that
/// something else is repaired.
#[test]
fn what_is_right_is_not_touched() {
    on_a_host(|host| {
        sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
            [ ! -e $call ] || echo 0 > $call; done");
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"bridge":"br-foo"}}"#);
        bed.network(r#"{"name":"bar","options":{"bridge":"br-bar"}}"#);
        bed.endpoint(
            "foo",
            &format!(
                r#"{{"name":"web","port_mapping":[
                    {{"proto":17,"port":{PORT},"host_port":{PORT}}},
                    {{"proto":6,"port":5201,"host_port":5201}}]}}"#
            ),
        );
        let web = bed.join("foo", "web", r#"{"container_id":"web"}"#);
        bed.endpoint(
            "foo",
            r#"{"name":"beside","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#,
        );
        let beside = bed.join("foo", "beside", r#"{"container_id":"beside"}"#);
        let other = bed.container("bar", "other");
        let link = |container: &Container| {
            let index = ip(Some(&container.key), "link show eth0")[0]["link_index"].clone();
            let all = ip(None, "link");
            let found = all.as_array().unwrap().iter().find(|link| link["ifindex"] == index);
            found.unwrap()["ifname"].as_str().unwrap().to_owned()
        };
        let (beside_link, other_link) = (link(&beside), link(&other));

        // A tail loss probe goes out on mere suspicion, after two round trips of microseconds: what is sent
        // twice without it was lost.
        inside(&outside, "echo 0 > /proc/sys/net/ipv4/tcp_early_retrans");
        let stream = Stream::to(&web.key, &outside);
        let iperf = Iperf::run(&web.key, &outside);
        let damages = [
            format!("ip link del {beside_link}"),
            format!("ip link set {other_link} nomaster"),
            "ip link del br-bar".to_owned(),
            "nft flush chain inet netberth icc_off".to_owned(),
            "nft 'delete element inet netberth pub4_any { tcp . 8080 }'".to_owned(),
            format!("nsenter --net={} ip addr flush dev eth0", other.key.display()),
            "echo 0 > /proc/sys/net/ipv4/conf/br-bar/route_localnet".to_owned(),
        ];
        let mut repaired = 0;
        while iperf.is_running() {
            for damage in &damages {
                sh(damage);
                let repair = bed.netberth.repair().unwrap();
                assert!(!repair.repaired.is_empty(), "{damage}");
                assert_eq!(repair.differences, [], "{damage}");
                repaired += 1;
            }
        }
        let (sent, lost) = stream.end();
        assert!(sent > 1000 && lost == 0, "{lost} of {sent} datagrams were lost");
        let retransmits = iperf.retransmits();
        eprintln!("{repaired} repairs beside {sent} datagrams and a stream of TCP");
        assert_eq!(retransmits, 0, "segments sent twice");
        assert!(repaired >= damages.len());
    });
}

/// A thousand datagrams a second from outside to a published port, each with its number.
struct Stream {
    ends: Arc<AtomicBool>,
    sender: JoinHandle<u32>,
    receiver: JoinHandle<u32>,
}

impl Stream {
    fn to(container: &Path, outside: &Path) -> Self {
        let server = within(container, || UdpSocket::bind(("0.0.0.0", PORT)).unwrap());
        let client = within(outside, || UdpSocket::bind("0.0.0.0:0").unwrap());
        server.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let sender = std::thread::spawn(move || {
            let mut due = Instant::now();
            // A minute at the most.
            for number in 0..60_000_u32 {
                if end.load(Ordering::Relaxed) {
                    return number;
                }
                client.send_to(&number.to_be_bytes(), (HOST4, PORT)).unwrap();
                due += Duration::from_millis(1);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            60_000
        });
        let receiver = std::thread::spawn(move || {
            let mut buffer = [0; 4];
            let mut count = 0;
            // Until nothing comes any more.
            while server.recv(&mut buffer).is_ok() {
                count += 1;
            }
            count
        });
        Stream { ends, sender, receiver }
    }

    /// How many were sent, and how many of them were lost.
    fn end(self) -> (u32, u32) {
        self.ends.store(true, Ordering::Relaxed);
        let sent = self.sender.join().unwrap();
        (sent, sent - self.receiver.join().unwrap())
    }
}

/// iperf3 through a published port, at a rate that two processors bear beside everything else.
struct Iperf {
    server: Child,
    client: JoinHandle<String>,
}

impl Iperf {
    fn run(container: &Path, outside: &Path) -> Self {
        let at = |ns: &Path| format!("--net={}", ns.display());
        let mut server = Command::new("nsenter")
            .args([&at(container), "iperf3", "-s", "-1", "--forceflush"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        while !lines.next().unwrap().unwrap().contains("listening") {}
        std::thread::spawn(move || lines.for_each(drop));
        let client = at(outside);
        let client = std::thread::spawn(move || {
            let arguments = [&client, "iperf3", "-J", "-t", "6", "-b", "50M", "-c", HOST4];
            let output = Command::new("nsenter").args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        });
        Iperf { server, client }
    }

    fn is_running(&self) -> bool {
        !self.client.is_finished()
    }

    fn retransmits(mut self) -> u64 {
        let report = self.client.join().unwrap();
        let _ = self.server.wait();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let sum = &report["end"]["sum_sent"];
        assert!(sum["bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000), "{report}");
        sum["retransmits"].as_u64().unwrap()
    }
}
