//! Servers that say who they are, probes that are asked side by side, and the bed of all cases.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::bed::Bed;
use crate::common::net::{ping, within};
use crate::common::sh;

/// Second addresses of the host towards the outside.
pub(crate) const OTHER4: &str = "198.51.100.3";
pub(crate) const OTHER6: &str = "2001:db8:52::3";

/// Long enough for two noisy processors; an answer comes in a millisecond.
const LONG: Duration = Duration::from_secs(5);
/// How long to wait for what must not come.
const SHORT: Duration = Duration::from_millis(300);
/// Probes under way at once.
const SIDE_BY_SIDE: usize = 24;

/// The namespace of the test's host.
pub(crate) fn host_path() -> PathBuf {
    std::fs::canonicalize("/proc/thread-self").unwrap().join("ns/net")
}

/// The outside world; a host with two addresses in each family that refuses at once what it does not
/// have, and whose bridges leave rules to the IP layer, without which `::1` cannot be published.
pub(crate) fn outside(bed: &Bed<'_>) -> PathBuf {
    let outside = bed.outside();
    // With a prefix of its own an address is no secondary one, and the host speaks to it from it.
    sh(&format!("ip addr add {OTHER4}/32 dev out0; ip -6 addr add {OTHER6}/128 dev out0 nodad"));
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
    sh("echo 0 > /proc/sys/net/ipv4/icmp_ratemask; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit");
    outside
}

/// The gateways of a network, IPv4 and IPv6; empty where it has none.
pub(crate) fn gateways(bed: &Bed<'_>, network: &str) -> (String, String) {
    let subnets = bed.netberth.network(network, true).unwrap().options.unwrap().subnets;
    let of = |v6: bool| {
        let found = subnets.iter().find(|subnet| subnet.gateway.is_ipv6() == v6);
        found.map(|subnet| subnet.gateway.to_string()).unwrap_or_default()
    };
    (of(false), of(true))
}

/// One mapping as JSON; `host_ip` is left out where it is empty.
pub(crate) fn mapping(proto: &str, port: u16, host_port: u16, host_ip: &str) -> String {
    let ip = if host_ip.is_empty() { String::new() } else { format!(",\"host_ip\":\"{host_ip}\"") };
    format!("{{\"proto\":\"{proto}\",\"port\":{port},\"host_port\":{host_port}{ip}}}")
}

/// An endpoint's document.
pub(crate) fn endpoint(name: &str, mappings: &[String]) -> String {
    format!("{{\"name\":\"{name}\",\"port_mapping\":[{}]}}", mappings.join(","))
}

/// Listens on ports, TCP and UDP, IPv4 and IPv6, and tells whoever asks `NAME:PORT CLIENT`, and to a
/// datagram after it what the datagram said; ends when dropped.
pub(crate) struct Server {
    ends: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new(ns: &Path, name: &str, ports: impl IntoIterator<Item = u16>) -> Self {
        let any = |port: u16| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let addresses: Vec<SocketAddr> = ports.into_iter().map(any).collect();
        Server::at(ns, name, &addresses)
    }

    /// On addresses of its own: a datagram to a second address is answered from there only by a server
    /// that is bound to it.
    pub(crate) fn at(ns: &Path, name: &str, addresses: &[SocketAddr]) -> Self {
        let open = |at: &SocketAddr| {
            (at.port(), TcpListener::bind(at).unwrap(), UdpSocket::bind(at).unwrap())
        };
        let sockets: Vec<_> = within(ns, || addresses.iter().map(open).collect());
        for (_, tcp, udp) in &sockets {
            tcp.set_nonblocking(true).unwrap();
            udp.set_nonblocking(true).unwrap();
        }
        let ends = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (name, end, log) = (name.to_owned(), Arc::clone(&ends), Arc::clone(&heard));
        let serve = move || {
            while !end.load(Ordering::Relaxed) {
                for (port, tcp, udp) in &sockets {
                    answer(&format!("{name}:{port}"), tcp, udp, &log);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        Server { ends, heard, thread: Some(std::thread::spawn(serve)) }
    }

    /// What was answered, so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn answer(name: &str, tcp: &TcpListener, udp: &UdpSocket, heard: &Mutex<Vec<String>>) {
    let says = |from: SocketAddr| format!("{name} {}", from.ip().to_canonical());
    if let Ok((mut stream, from)) = tcp.accept() {
        heard.lock().unwrap().push(format!("tcp {}", says(from)));
        // The client may be gone already.
        let _ = stream.write_all(says(from).as_bytes());
    }
    let mut buffer = [0; 64];
    while let Ok((length, from)) = udp.recv_from(&mut buffer) {
        heard.lock().unwrap().push(format!("udp {}", says(from)));
        let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let text = format!("{} {said}", says(from));
        let _ = udp.send_to(text.trim_end().as_bytes(), from);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Tcp,
    Udp,
    Ping,
}

impl Via {
    pub(crate) const PORTS: [Via; 2] = [Via::Tcp, Via::Udp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Via::Tcp => "tcp",
            Via::Udp => "udp",
            Via::Ping => "ping",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What the server said; a ping that came back says nothing.
    Said(String),
    /// A reset, or an ICMP error: somebody is there.
    Refused,
    /// Nothing came back.
    Silence,
    /// There is no way there.
    NoRoute,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Says(String),
    /// No server's answer; whoever has the address may refuse.
    Nobody,
    /// Not even a refusal: somebody dropped it.
    Silence,
}

/// A question, and what must come of it.
pub(crate) struct Probe {
    pub(crate) case: String,
    pub(crate) from: PathBuf,
    pub(crate) via: Via,
    pub(crate) to: SocketAddr,
    pub(crate) expect: Expect,
}

impl Probe {
    pub(crate) fn new(case: &str, from: &Path, via: Via, to: (&str, u16), expect: Expect) -> Self {
        let to = SocketAddr::new(to.0.parse().unwrap(), to.1);
        Probe { case: case.to_owned(), from: from.to_owned(), via, to, expect }
    }

    fn asked(&self) -> Answer {
        let wait = if matches!(self.expect, Expect::Says(_)) { LONG } else { SHORT };
        let answer = match self.via {
            Via::Tcp => within(&self.from, || by_tcp(self.to, wait)),
            Via::Udp => within(&self.from, || by_udp(self.to, wait)),
            Via::Ping => {
                let seconds = if wait == LONG { 5 } else { 1 };
                let came = ping(&self.from, &self.to.ip().to_string(), seconds);
                return if came { Answer::Said(String::new()) } else { Answer::Silence };
            }
        };
        match answer {
            Ok(said) => Answer::Said(said),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Answer::Refused,
                ErrorKind::TimedOut | ErrorKind::WouldBlock => Answer::Silence,
                ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Answer::NoRoute,
                _ => panic!("{self}: {error}"),
            },
        }
    }

    fn held(&self, answer: &Answer) -> bool {
        match &self.expect {
            Expect::Says(text) => *answer == Answer::Said(text.clone()),
            Expect::Nobody => matches!(answer, Answer::Refused | Answer::Silence),
            Expect::Silence => *answer == Answer::Silence,
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} to {}", self.case, self.via.name(), self.to)
    }
}

fn by_tcp(to: SocketAddr, wait: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, wait)?;
    stream.set_read_timeout(Some(wait))?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

fn by_udp(to: SocketAddr, wait: Duration) -> std::io::Result<String> {
    let v4 = IpAddr::from([0, 0, 0, 0]);
    let any = if to.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { v4 };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(wait))?;
    socket.connect(to)?;
    socket.send(b"")?;
    let mut buffer = [0; 128];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// Asks every probe and names all that did not come out as they must.
#[track_caller]
pub(crate) fn prove(probes: &[Probe]) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(probe) = probes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let answer = probe.asked();
            if !probe.held(&answer) {
                let line = format!("{probe}: {answer:?}, not {:?}", probe.expect);
                wrong.lock().unwrap().push(line);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let count = wrong.len();
    assert!(!probes.is_empty() && count == 0, "{count} of {}:\n{}", probes.len(), wrong.join("\n"));
}
