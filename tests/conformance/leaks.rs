//! A container that has the address of an earlier one hears nothing that was meant for that one: the
//! kernel's memory of connections went with it, whatever its peers still send.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wire::{Expect, Probe, Server, Via, mapping, outside, prove};
use crate::common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, inside};
use crate::common::net::within;
use crate::common::{on_a_host, sh};

/// The address of both containers, and the network that they are on.
const NETWORK: &str = r#"{"name":"foo","options":{"subnets":[{"subnet":"10.77.0.0/24"},
    {"subnet":"fd00:77::/64"}]}}"#;
const ADDRESSES: &str = r#""ipv4_address":"10.77.0.9","ipv6_address":"fd00:77::9""#;
/// Published, and where the container and the outside listen.
const PUBLISHED: u16 = 8080;
const LISTENS: u16 = 7000;
/// From where the container speaks to the outside: a free one, so that it is kept.
const SPEAKS: u16 = 6000;
/// Longer than the kernel waits before it sends again what was not acknowledged.
const A_WHILE: Duration = Duration::from_millis(700);

/// Sends whatever comes of it, until dropped.
struct Flood {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn new(mut send: impl FnMut() + Send + 'static) -> Flood {
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let work = move || {
            while !end.load(Ordering::Relaxed) {
                send();
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        Flood { ends, thread: Some(std::thread::spawn(work)) }
    }

    fn datagrams(socket: UdpSocket, to: SocketAddr) -> Flood {
        Flood::new(move || drop(socket.send_to(b"stale", to)))
    }

    fn bytes(mut stream: TcpStream) -> Flood {
        stream.set_nonblocking(true).unwrap();
        Flood::new(move || drop(stream.write(b"stale")))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

fn udp(ns: &Path, address: &str, port: u16) -> UdpSocket {
    within(ns, || UdpSocket::bind(at(address, port)).unwrap())
}

/// An established connection, and the end that accepted it.
fn tcp(from: &Path, to: SocketAddr, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = within(from, || TcpStream::connect_timeout(&to, A_WHILE * 8)).unwrap();
    (client, listener.accept().unwrap().0)
}

/// The far ends of all that a container has with the outside, both ways, which go on sending; and
/// its own ends, which a process of its keeps open or not.
struct Past {
    floods: Vec<Flood>,
    own: Vec<TcpStream>,
    sockets: Vec<UdpSocket>,
}

impl Past {
    fn new(container: &Container, outside: &Path) -> Past {
        let mut past = Past { floods: Vec::new(), own: Vec::new(), sockets: Vec::new() };
        let families = [(&container.v4, HOST4, OUTSIDE4), (&container.v6, HOST6, OUTSIDE6)];
        for (address, host, abroad) in families {
            let listen =
                |ns: &Path, ip: &str| within(ns, || TcpListener::bind(at(ip, LISTENS)).unwrap());
            let (own, theirs) = (listen(&container.key, address), listen(outside, abroad));
            let (client, accepted) = tcp(outside, at(host, PUBLISHED), &own);
            past.floods.push(Flood::bytes(client));
            past.own.push(accepted);
            let (client, accepted) = tcp(&container.key, at(abroad, LISTENS), &theirs);
            past.floods.push(Flood::bytes(accepted));
            past.own.push(client);
            past.datagrams((&container.key, address), (outside, abroad), host);
        }
        past
    }

    fn datagrams(&mut self, inside: (&Path, &str), outside: (&Path, &str), host: &str) {
        let wait = |socket: &UdpSocket| {
            socket.set_read_timeout(Some(A_WHILE * 8)).unwrap();
            socket.recv_from(&mut [0; 8]).unwrap().1
        };
        let (ns, address) = inside;
        let (own, client) = (udp(ns, address, LISTENS), udp(outside.0, outside.1, 40_000));
        client.send_to(b"?", at(host, PUBLISHED)).unwrap();
        let from = wait(&own);
        own.send_to(b"!", from).unwrap();
        wait(&client);
        self.floods.push(Flood::datagrams(client, at(host, PUBLISHED)));
        let (speaks, theirs) = (udp(ns, address, SPEAKS), udp(outside.0, outside.1, LISTENS));
        speaks.send_to(b"?", at(outside.1, LISTENS)).unwrap();
        let from = wait(&theirs);
        assert_eq!(from, at(host, SPEAKS), "masqueraded with its port kept");
        theirs.send_to(b"!", from).unwrap();
        wait(&speaks);
        self.floods.push(Flood::datagrams(theirs, from));
        self.sockets.extend([own, speaks]);
    }
}

/// What TCP and UDP a namespace gets, whoever it is for.
const WATCH: &str = "table inet watch { chain in { type filter hook prerouting priority raw; \
    meta l4proto { tcp, udp } counter; }; }";

fn heard(ns: &Path) -> u64 {
    let text = inside(ns, "nft list chain inet watch in");
    let mut words = text.split_whitespace().skip_while(|word| *word != "packets");
    words.nth(1).unwrap().parse().unwrap()
}

/// How the old container ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its processes are gone when it is removed.
    Ended,
    /// A process keeps its namespace and its sockets.
    Lingers,
    /// It went with its interface, and is removed when somebody notices.
    Died,
}

/// The container's interface goes; what is on the way to its address waits at the bridge for somebody
/// to answer to it, as soon as the kernel has noticed that nobody is there (linkwatch: up to a second).
fn dies() {
    let link = sh("ip -o link show type veth | grep -o 'nb[0-9a-f]\\{12\\}'");
    sh(&format!("ip link del {}", link.trim()));
    let waits = |v6: &str| sh(&format!("ip {v6} neigh show nud incomplete")).contains("INCOMPLETE");
    let started = Instant::now();
    while !(waits("-4") && waits("-6")) {
        assert!(started.elapsed() < Duration::from_secs(10), "{}", sh("ip neigh; ip -6 neigh"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The old container goes, the new one comes.
fn the_next_hears_nothing(end: End) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(NETWORK);
        let mappings = Via::PORTS.map(|via| mapping(via.name(), LISTENS, PUBLISHED, "")).join(",");
        bed.endpoint(
            "foo",
            &format!("{{\"name\":\"old\",\"port_mapping\":[{mappings}],{ADDRESSES}}}"),
        );
        let old = bed.join("foo", "old", r#"{"container_id":"old"}"#);
        let mut past = Past::new(&old, &outside);
        if end != End::Lingers {
            past.own.clear();
            past.sockets.clear();
        }
        if end == End::Died {
            dies();
        }
        bed.remove("foo", "old");
        let ns = bed.namespace("new");
        inside(&ns, &format!("echo \"{WATCH}\" | nft -f -"));
        bed.endpoint("foo", &format!("{{\"name\":\"new\",{ADDRESSES}}}"));
        let new = bed.join(
            "foo",
            "new",
            &format!("{{\"container_id\":\"new\",\"netns\":\"{}\"}}", ns.display()),
        );
        assert_eq!((&new.v4, &new.v6, &new.mac), (&old.v4, &old.v6, &old.mac));
        std::thread::sleep(A_WHILE);
        assert_eq!(heard(&ns), 0, "packets of connections that another had");
        // It is there, and what it does itself it hears of.
        let _abroad = Server::new(&outside, "outside", [LISTENS + 1]);
        let says = |host: &str| Expect::Says(format!("outside:{} {host}", LISTENS + 1));
        for via in Via::PORTS {
            prove(&[
                Probe::new("new", &ns, via, (OUTSIDE4, LISTENS + 1), says(HOST4)),
                Probe::new("new", &ns, via, (OUTSIDE6, LISTENS + 1), says(HOST6)),
            ]);
        }
        assert_ne!(heard(&ns), 0);
        drop(past);
    });
}

#[test]
fn of_a_container_whose_processes_are_gone() {
    the_next_hears_nothing(End::Ended);
}

#[test]
fn of_a_container_whose_processes_are_still_there() {
    the_next_hears_nothing(End::Lingers);
}

#[test]
fn of_a_container_that_died_before() {
    the_next_hears_nothing(End::Died);
}
