//! Servers that say who they are, and clients that count who answers.
#![allow(clippy::unwrap_used, reason = "a test bed says so and ends")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::net::{PORT, within};

const LONG: Duration = Duration::from_secs(5);

/// Answers on [`PORT`], TCP and UDP, IPv4 and IPv6, with its name and the client's address, and keeps
/// a connection as long as its client does; ends when dropped.
pub struct Server {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    pub fn new(ns: &Path, name: &str) -> Self {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
        let (tcp, udp) =
            within(ns, || (TcpListener::bind(any).unwrap(), UdpSocket::bind(any).unwrap()));
        let ends = Arc::new(AtomicBool::new(false));
        // accept(2) keeps to it, too: socket(7).
        setsockopt(&tcp, sockopt::ReceiveTimeout, &TimeVal::milliseconds(20)).unwrap();
        udp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let says =
            |name: String| move |from: SocketAddr| format!("{name} {}", from.ip().to_canonical());
        let (says_tcp, says_udp) = (says(name.to_owned()), says(name.to_owned()));
        let (tcp_ends, udp_ends) = (Arc::clone(&ends), Arc::clone(&ends));
        let of_tcp = std::thread::spawn(move || {
            while !tcp_ends.load(Ordering::Relaxed) {
                if let Ok((mut stream, from)) = tcp.accept() {
                    let _ = stream.write_all(says_tcp(from).as_bytes());
                }
            }
        });
        let of_udp = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while !udp_ends.load(Ordering::Relaxed) {
                if let Ok((_, from)) = udp.recv_from(&mut buffer) {
                    let _ = udp.send_to(says_udp(from).as_bytes(), from);
                }
            }
        });
        Server { ends, threads: vec![of_tcp, of_udp] }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What is said by whoever answers a new TCP connection: who it is, and whom it sees.
pub fn asked(to: &str, port: u16) -> std::io::Result<(String, String)> {
    let to = SocketAddr::new(to.parse::<IpAddr>().unwrap(), port);
    let mut stream = TcpStream::connect_timeout(&to, LONG)?;
    stream.set_read_timeout(Some(LONG))?;
    said(&mut stream)
}

/// The same over IPv4 from one of the caller's addresses.
pub fn asked_as(own: &str, to: (std::net::Ipv4Addr, u16)) -> std::io::Result<(String, String)> {
    let kind = SockType::Stream;
    let fd = socket(AddressFamily::Inet, kind, SockFlag::SOCK_CLOEXEC, None)?;
    let own: std::net::Ipv4Addr = own.parse().map_err(std::io::Error::other)?;
    bind(fd.as_raw_fd(), &SockaddrIn::from(std::net::SocketAddrV4::new(own, 0)))?;
    connect(fd.as_raw_fd(), &SockaddrIn::from(std::net::SocketAddrV4::new(to.0, to.1)))?;
    let mut stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(LONG))?;
    said(&mut stream)
}

fn said(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    said.split_once(' ')
        .map(|(name, seen)| (name.to_owned(), seen.to_owned()))
        .ok_or_else(|| std::io::Error::other(format!("cut short: {said:?}")))
}

/// The same from a namespace.
pub fn asked_from(ns: &Path, to: &str, port: u16) -> std::io::Result<(String, String)> {
    within(ns, || asked(to, port))
}

/// The same by UDP, from one socket.
pub fn asked_by_udp(socket: &UdpSocket) -> std::io::Result<String> {
    socket.send(b"?")?;
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer)?;
    let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

/// A socket that is connected to a port.
pub fn udp_to(ns: &Path, to: &str, port: u16) -> UdpSocket {
    let to = SocketAddr::new(to.parse().unwrap(), port);
    let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = within(ns, || UdpSocket::bind(any).unwrap());
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.connect(to).unwrap();
    socket
}

/// How often each has answered.
pub type Tally = BTreeMap<String, usize>;

/// Who answers `count` connections, one after the other.
pub fn tally(ns: &Path, to: &str, port: u16, count: usize) -> Tally {
    within(ns, || {
        let mut tally = Tally::new();
        for _ in 0..count {
            *tally.entry(asked(to, port).unwrap().0).or_default() += 1;
        }
        tally
    })
}
