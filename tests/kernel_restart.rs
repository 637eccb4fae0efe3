//! A container is replaced while its clients send without pause: every packet goes to the one that
//! is there, and none to whoever has its address now.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::bed::{Bed, HOST4, HOST6};
use common::net::{PORT, within};
use common::{on_a_host, sh};

/// One client: numbered datagrams, a thousand a second, from one port.
struct Stream {
    next: Arc<AtomicU32>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Stream {
    fn new(from: &Path, to: &str) -> Self {
        let to = SocketAddr::new(to.parse().unwrap(), PORT);
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let any = if to.is_ipv6() { any } else { "0.0.0.0:0".parse().unwrap() };
        let socket = within(from, || UdpSocket::bind(any).unwrap());
        let (next, ends) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (number, end) = (Arc::clone(&next), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            // A minute at the most.
            for sent in 0..60_000_u32 {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                // What an ICMP error makes of the call is lost as any datagram may be.
                let _ = socket.send_to(&sent.to_be_bytes(), to);
                number.store(sent + 1, Ordering::Release);
                due += Duration::from_millis(1);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Stream { next, ends, thread }
    }

    /// The number of the first datagram that is sent after this call.
    fn next(&self) -> u32 {
        self.next.load(Ordering::Acquire) + 1
    }

    fn end(self) -> u32 {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.next.load(Ordering::Acquire)
    }
}

/// A server that has not been asked yet: what comes waits in its socket.
fn server(ns: &Path) -> UdpSocket {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
    let socket = within(ns, || UdpSocket::bind(any).unwrap());
    socket.set_nonblocking(true).unwrap();
    socket
}

/// The numbers that have come, by family.
fn heard(socket: &UdpSocket, four: &mut Vec<u32>, six: &mut Vec<u32>) {
    let mut number = [0; 4];
    while let Ok((_, from)) = socket.recv_from(&mut number) {
        let into = if from.ip().to_canonical().is_ipv4() { &mut *four } else { &mut *six };
        into.push(u32::from_be_bytes(number));
    }
}

fn spec(name: &str, address4: &str, address6: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"ipv4_address\":\"{address4}\",\"ipv6_address\":\"{address6}\",\
         \"port_mapping\":[{{\"proto\":\"udp\",\"port\":{PORT},\"host_port\":{PORT}}}]}}"
    )
}

fn plain(name: &str, address4: &str, address6: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"ipv4_address\":\"{address4}\",\"ipv6_address\":\"{address6}\"}}"
    )
}

/// Waits until a datagram numbered `from` or later has come, and asserts that from there on none is
/// missing.
fn follows(socket: &UdpSocket, from: [u32; 2]) {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    let patience = Instant::now();
    let past = |heard: &[u32], from: u32| heard.last().is_some_and(|last| *last > from + 100);
    while !(past(&four, from[0]) && past(&six, from[1])) {
        std::thread::sleep(Duration::from_millis(10));
        heard(socket, &mut four, &mut six);
        assert!(patience.elapsed() < Duration::from_secs(20), "{from:?}: {four:?} {six:?}");
    }
    for (heard, from) in [(four, from[0]), (six, from[1])] {
        let since: Vec<u32> = heard.iter().copied().filter(|number| *number >= from).collect();
        let whole: Vec<u32> = (from..=*since.last().unwrap()).collect();
        assert_eq!(since, whole, "sent since {from}");
    }
}

const A: [&str; 2] = ["10.77.0.10", "fd00:77::10"];
const B: [&str; 2] = ["10.77.0.11", "fd00:77::11"];

#[test]
fn a_stream_follows_the_restarts_of_its_server() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = bed.outside();
        bed.network(
            r#"{"name":"foo","options":{"subnets":[
                {"subnet":"10.77.0.0/24"},{"subnet":"fd00:77::/64"}]}}"#,
        );
        let streams = [Stream::new(&outside, HOST4), Stream::new(&outside, HOST6)];
        let join = |name: &str| bed.join("foo", name, &format!("{{\"container_id\":\"{name}\"}}"));
        for round in 0..12 {
            // The addresses change hands in each round: the bystander has those of the last server.
            let (own, former) = if round % 2 == 0 { (A, B) } else { (B, A) };
            bed.endpoint("foo", &plain("bystander", former[0], former[1]));
            let bystander = server(&join("bystander").key);
            bed.endpoint("foo", &spec("web", own[0], own[1]));
            let web = server(&join("web").key);
            follows(&web, [streams[0].next(), streams[1].next()]);
            // The container of an endpoint ends, and another one takes its place.
            bed.netberth.detach("foo", "web", "web").unwrap();
            let again = bed.join("foo", "web", "{\"container_id\":\"again\"}");
            let again_server = server(&again.key);
            follows(&again_server, [streams[0].next(), streams[1].next()]);
            let (mut four, mut six) = (Vec::new(), Vec::new());
            heard(&bystander, &mut four, &mut six);
            assert!(four.is_empty() && six.is_empty(), "strays: {four:?} {six:?}");
            for (name, endpoint) in [("again", "web"), ("bystander", "bystander")] {
                bed.netberth.sandbox_delete(name).unwrap();
                bed.netberth.endpoint_delete("foo", endpoint, false).unwrap();
            }
            bed.netberth.sandbox_delete("web").unwrap();
        }
        let sent = streams.map(Stream::end);
        assert!(sent.iter().all(|sent| *sent > 1000), "{sent:?}");
        let left = sh("conntrack -L -p udp 2>/dev/null");
        assert!(!left.contains("10.77.0.") && !left.contains("fd00:77::"), "{left}");
        eprintln!("24 restarts under {sent:?} datagrams");
    });
}
