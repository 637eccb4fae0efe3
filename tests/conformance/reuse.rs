//! A client that keeps its port and never pauses follows a published UDP port from one container to
//! the next: the case of CNI's portmap, where the kernel's memory of the old one is in the way.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wire::{Server, endpoint, host_path, mapping, outside};
use crate::common::bed::{Bed, HOST4, HOST6};
use crate::common::net::within;
use crate::common::on_a_host;

/// Published, and where the clients send from.
const PORT: u16 = 5353;
const OWN: u16 = 40_000;
/// How often a client sends.
const EVERY: Duration = Duration::from_millis(1);

/// Sends numbers, one after the other, from one port to one address, and keeps who answered last.
struct Client {
    what: String,
    ends: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
    answers: Arc<std::sync::Mutex<Vec<(u32, String)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    fn new(ns: &Path, to: &str, own: u16) -> Client {
        let to = SocketAddr::new(to.parse().unwrap(), PORT);
        let any = if to.is_ipv6() { "::" } else { "0.0.0.0" };
        // Not connected: it does not hear of ports that are closed.
        let socket = within(ns, || UdpSocket::bind((any, own)).unwrap());
        socket.set_read_timeout(Some(EVERY)).unwrap();
        let (ends, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let answers = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (end, count, heard) = (Arc::clone(&ends), Arc::clone(&sent), Arc::clone(&answers));
        let talk = move || {
            let mut buffer = [0; 128];
            while !end.load(Ordering::Relaxed) {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let _ = socket.send_to(number.to_string().as_bytes(), to);
                while let Ok((length, _)) = socket.recv_from(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    let (name, rest) = text.split_once(':').unwrap();
                    let number = rest.rsplit_once(' ').unwrap().1.parse().unwrap();
                    heard.lock().unwrap().push((number, name.to_owned()));
                }
            }
        };
        let what = format!("{to} from {}", ns.display());
        Client { what, ends, sent, answers, thread: Some(std::thread::spawn(talk)) }
    }

    /// The number of the latest datagram, which may just be on its way.
    fn now(&self) -> u32 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Those who answered what was sent after a number.
    fn since(&self, number: u32) -> Vec<String> {
        let answers = self.answers.lock().unwrap();
        answers.iter().filter(|(sent, _)| *sent > number).map(|(_, name)| name.clone()).collect()
    }

    /// Asserts that `name` alone answers what is sent after a number, and most of it.
    fn follows(&self, number: u32, name: &str) {
        let started = Instant::now();
        while self.now() < number + 30 {
            assert!(started.elapsed() < Duration::from_secs(10), "{} does not send", self.what);
            std::thread::sleep(EVERY);
        }
        // What is under way gets there.
        std::thread::sleep(EVERY * 10);
        let names = self.since(number);
        let others: Vec<&String> = names.iter().filter(|known| *known != name).collect();
        assert!(others.is_empty(), "{}: {others:?}, not {name}", self.what);
        assert!(names.len() >= 20, "{}: {name} has answered {} of 30", self.what, names.len());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A container whose server runs before anything leads to it.
fn comes(bed: &Bed<'_>, name: &str, port: u16, host_ip: &str) -> Server {
    let ns = bed.namespace(name);
    let server = Server::new(&ns, name, [port]);
    bed.endpoint("foo", &endpoint(name, &[mapping("udp", port, PORT, host_ip)]));
    let join = format!("{{\"container_id\":\"{name}\",\"netns\":\"{}\"}}", ns.display());
    bed.join("foo", name, &join);
    server
}

/// Clients on every side, each of which sends from now on.
fn clients(bed: &Bed<'_>, outside: &Path) -> Vec<Client> {
    bed.network(r#"{"name":"bar","options":{"ipv6":true}}"#);
    let stranger = bed.container("bar", "stranger").key;
    let sibling = bed.container("foo", "sibling").key;
    let here = host_path();
    let ways: [(&PathBuf, &str); 9] = [
        (&outside.to_owned(), HOST4),
        (&outside.to_owned(), HOST6),
        (&here, HOST4),
        (&here, HOST6),
        (&here, "127.0.0.1"),
        (&here, "::1"),
        (&stranger, HOST4),
        (&sibling, HOST4),
        (&sibling, HOST6),
    ];
    let client = |(own, (ns, to)): (u16, (&PathBuf, &str))| Client::new(ns, to, own);
    (OWN..).zip(ways).map(client).collect()
}

#[test]
fn clients_that_never_pause_follow_at_once() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let clients = clients(&bed, &outside);
        // In vain at first: the kernel remembers where that went, too.
        std::thread::sleep(EVERY * 30);
        assert!(clients.iter().all(|client| client.since(0).is_empty()));
        // The next ones listen elsewhere, so that an old translation is of no use to them.
        for (round, port) in (0..8).zip([7000, 7001].into_iter().cycle()) {
            let name = format!("c{round}");
            let server = comes(&bed, &name, port, "");
            let joined: Vec<u32> = clients.iter().map(Client::now).collect();
            for (client, number) in clients.iter().zip(joined) {
                client.follows(number, &name);
            }
            bed.remove("foo", &name);
            let removed: Vec<u32> = clients.iter().map(Client::now).collect();
            std::thread::sleep(EVERY * 20);
            for (client, number) in clients.iter().zip(removed) {
                assert_eq!(client.since(number), [""; 0], "{}", client.what);
            }
            drop(server);
        }
    });
}

/// The same for a mapping on one address of the host, and on one family's.
#[test]
fn also_on_one_address_and_on_a_family() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let outside = outside(&bed);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let here = host_path();
        let ways = [
            (HOST4, vec![Client::new(&outside, HOST4, OWN)]),
            (
                "0.0.0.0",
                vec![Client::new(&outside, HOST4, OWN + 1), Client::new(&here, "127.0.0.1", OWN)],
            ),
            ("::", vec![Client::new(&outside, HOST6, OWN + 2), Client::new(&here, "::1", OWN + 1)]),
            ("127.0.0.1", vec![Client::new(&here, "127.0.0.1", OWN + 2)]),
            ("::1", vec![Client::new(&here, "::1", OWN + 3)]),
        ];
        std::thread::sleep(EVERY * 20);
        for (round, (host_ip, clients)) in ways.iter().enumerate() {
            for (turn, port) in [7000, 7001].into_iter().enumerate() {
                let name = format!("c{round}{turn}");
                let _server = comes(&bed, &name, port, host_ip);
                for client in clients {
                    client.follows(client.now(), &name);
                }
                bed.remove("foo", &name);
            }
        }
    });
}
