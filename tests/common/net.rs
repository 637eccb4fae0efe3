//! Packets: echoes and clients of the standard library, each on a thread in its namespace, each with
//! a bounded wait.
#![allow(clippy::unwrap_used, reason = "a test bed says so and ends")]

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

/// The port of every echo.
pub const PORT: u16 = 7777;
/// Long enough for two noisy processors; an answer comes in a millisecond.
const LONG: Duration = Duration::from_secs(5);
/// How long to wait for what must not come.
const SHORT: Duration = Duration::from_millis(300);

/// Runs `work` on a thread in a namespace.
pub fn within<T: Send>(ns: &Path, work: impl FnOnce() -> T + Send) -> T {
    let run = || {
        let file = std::fs::File::open(ns).unwrap();
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        work()
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// Answers on [`PORT`], TCP and UDP, IPv4 and IPv6, with the address that it sees; ends when dropped.
pub struct Echo {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Echo {
    pub fn new(ns: &Path) -> Self {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
        let (tcp, udp) =
            within(ns, || (TcpListener::bind(any).unwrap(), UdpSocket::bind(any).unwrap()));
        let ends = Arc::new(AtomicBool::new(false));
        tcp.set_nonblocking(true).unwrap();
        udp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (tcp_ends, udp_ends) = (Arc::clone(&ends), Arc::clone(&ends));
        let of_tcp = std::thread::spawn(move || {
            while !tcp_ends.load(Ordering::Relaxed) {
                match tcp.accept() {
                    // The client may be gone already.
                    Ok((mut stream, from)) => drop(stream.write_all(text(from).as_bytes())),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        let of_udp = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while !udp_ends.load(Ordering::Relaxed) {
                if let Ok((_, from)) = udp.recv_from(&mut buffer) {
                    let _ = udp.send_to(text(from).as_bytes(), from);
                }
            }
        });
        Echo { ends, threads: vec![of_tcp, of_udp] }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn text(from: SocketAddr) -> String {
    from.ip().to_canonical().to_string()
}

fn tcp(from: &Path, to: IpAddr, wait: Duration) -> std::io::Result<String> {
    within(from, || {
        let mut stream = TcpStream::connect_timeout(&(to, PORT).into(), wait)?;
        stream.set_read_timeout(Some(wait))?;
        let mut seen = String::new();
        stream.read_to_string(&mut seen)?;
        Ok(seen)
    })
}

fn udp(from: &Path, to: IpAddr, wait: Duration) -> std::io::Result<String> {
    within(from, || {
        let any: IpAddr =
            if to.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { [0, 0, 0, 0].into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_read_timeout(Some(wait))?;
        socket.connect((to, PORT))?;
        socket.send(b"?")?;
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })
}

/// One ICMP echo.
pub fn ping(from: &Path, to: &str, seconds: u8) -> bool {
    let namespace = format!("--net={}", from.display());
    let wait = seconds.to_string();
    let line = [&namespace, "busybox", "ping", "-c", "1", "-W", &wait, to];
    let mut ping = Command::new("nsenter");
    ping.args(line).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// Asserts that ICMP, TCP and UDP arrive from `from` at `to`, where an [`Echo`] sees `seen`.
#[track_caller]
pub fn talks(from: &Path, to: &str, seen: &str) {
    reaches(from, to, seen);
    let address: IpAddr = to.parse().unwrap();
    assert_eq!(udp(from, address, LONG).unwrap(), seen, "udp to {to}");
}

/// The same without UDP, whose answer from a host with several addresses may come from another one.
#[track_caller]
pub fn reaches(from: &Path, to: &str, seen: &str) {
    let address: IpAddr = to.parse().unwrap();
    assert!(ping(from, to, 5), "no ping from {} to {to}", from.display());
    assert_eq!(tcp(from, address, LONG).unwrap(), seen, "tcp to {to}");
}

/// Asserts that nothing arrives from `from` at `to`, where an [`Echo`] listens: a refused connection
/// would have got there.
#[track_caller]
pub fn silent(from: &Path, to: &str) {
    let address: IpAddr = to.parse().unwrap();
    let (pinged, tcp, udp) = std::thread::scope(|scope| {
        let pinged = scope.spawn(|| ping(from, to, 1));
        let tcp = scope.spawn(|| tcp(from, address, SHORT));
        let udp = scope.spawn(|| udp(from, address, SHORT));
        (pinged.join().unwrap(), tcp.join().unwrap(), udp.join().unwrap())
    });
    assert!(!pinged, "ping from {} to {to}", from.display());
    for answer in [tcp, udp] {
        let error = answer.expect_err("an answer from where none must come");
        assert_ne!(error.kind(), ErrorKind::ConnectionRefused, "{} to {to}", from.display());
    }
}

/// Whether TCP is refused, or not answered, from `from` at `to`.
pub fn refused(from: &Path, to: &str) -> bool {
    tcp(from, to.parse().unwrap(), SHORT).is_err()
}
