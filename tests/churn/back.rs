//! Back ends that count whom they answer, and clients that never stop asking.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::common::net::{PORT, within};

const LONG: Duration = Duration::from_secs(5);
/// Between two connections of a client: without it three clients fill the kernel's table, and two
/// processors, and changes wait for both.
const PACE: Duration = Duration::from_millis(2);

/// A server: it says its name, and sends back what it gets as long as its client likes. It ends when
/// dropped.
pub(crate) struct Back {
    pub(crate) name: &'static str,
    pub(crate) accepted: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Back {
    pub(crate) fn new(ns: &Path, name: &'static str) -> Self {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
        let listener = within(ns, || TcpListener::bind(any).unwrap());
        // accept(2) keeps to it, too: socket(7).
        setsockopt(&listener, sockopt::ReceiveTimeout, &TimeVal::milliseconds(10)).unwrap();
        let (accepted, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, until) = (Arc::clone(&accepted), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let mut kept: Vec<TcpStream> = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let all = match listener.accept() {
                    Ok((mut stream, _)) => {
                        let _ = stream.write_all(name.as_bytes());
                        stream.set_nonblocking(true).unwrap();
                        kept.push(stream);
                        count.fetch_add(1, Ordering::Relaxed)
                    }
                    Err(_) => 0,
                };
                // When there is time, and now and then when there is none.
                if all % 64 == 0 {
                    kept.retain_mut(lives);
                }
            }
        });
        Back { name, accepted, ends, thread: Some(thread) }
    }
}

/// Whether the client is still there; it gets back what it said.
fn lives(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => false,
        Ok(_) => stream.write_all(&byte).is_ok(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

impl Drop for Back {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What became of the connections of one client.
#[derive(Default)]
pub(crate) struct Fate {
    /// By the first letter of who answered.
    answered: [AtomicUsize; 26],
    /// The connection was not made: whatever the reason, it must not be.
    pub(crate) refused: parking_lot::Mutex<BTreeSet<String>>,
    /// It was made, and ended before the answer.
    pub(crate) cut: AtomicUsize,
    done: AtomicUsize,
}

impl Fate {
    pub(crate) fn by(&self, name: &str) -> usize {
        self.answered[usize::from(name.as_bytes()[0] - b'a')].load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Connects all the time until `ends`, at most a million times.
    pub(crate) fn calls(&self, ns: &Path, to: &str, ends: &AtomicBool) {
        let to = SocketAddr::new(to.parse().unwrap(), PORT);
        within(ns, || {
            for _ in 0..1_000_000 {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                self.call(to);
                self.done.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(PACE);
            }
        });
    }

    fn call(&self, to: SocketAddr) {
        let mut stream = match TcpStream::connect_timeout(&to, Duration::from_secs(20)) {
            Ok(stream) => stream,
            Err(error) => {
                self.refused.lock().insert(error.to_string());
                return;
            }
        };
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        // Closed by a reset: else the kernel would remember it for two minutes.
        let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&stream, sockopt::Linger, &at_once).unwrap();
        let mut name = [0];
        match stream.read_exact(&mut name) {
            Ok(()) => &self.answered[usize::from(name[0] - b'a')],
            Err(_) => &self.cut,
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns when each client has made three more connections: the last two began after this did.
pub(crate) fn wait_for_calls(fates: &[Fate]) {
    let due: Vec<usize> = fates.iter().map(|fate| fate.done() + 3).collect();
    let began = Instant::now();
    while fates.iter().zip(&due).any(|(fate, due)| fate.done() < *due) {
        assert!(began.elapsed() < Duration::from_mins(1), "the clients do nothing");
        std::thread::sleep(PACE / 8);
    }
}

/// A connection that lasts, and whom it is with.
pub(crate) struct Line {
    stream: TcpStream,
    pub(crate) with: char,
    way: String,
}

impl Line {
    pub(crate) fn new(ns: &Path, to: &str) -> Self {
        let address = SocketAddr::new(to.parse().unwrap(), PORT);
        let mut stream =
            within(ns, || TcpStream::connect_timeout(&address, Duration::from_secs(20))).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut name = [0];
        stream.read_exact(&mut name).unwrap();
        Line { stream, with: char::from(name[0]), way: to.to_owned() }
    }

    /// Asks, and is answered.
    pub(crate) fn talk(&mut self) {
        let mut byte = [0];
        let result = self.stream.write_all(b"?").and_then(|()| self.stream.read_exact(&mut byte));
        assert!(result.is_ok() && byte == *b"?", "{} with {}: {result:?}", self.way, self.with);
    }
}
