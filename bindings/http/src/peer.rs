//! Who is on the other side, and how often.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::unix::UCred;

/// Whoever has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A process of this machine, as the kernel knows it (`SO_PEERCRED`).
    Process { pid: Option<i32>, uid: u32, gid: u32 },
    /// Somebody at an address, who with TLS has a name in a certificate.
    Address { address: SocketAddr, name: Option<String> },
    /// The kernel does not tell.
    Unknown,
}

/// By what a peer's connections are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Uid(u32),
    Ip(IpAddr),
    Unknown,
}

impl Peer {
    pub(crate) fn process(found: std::io::Result<UCred>) -> Self {
        found.map_or(Peer::Unknown, |found| Peer::Process {
            pid: found.pid(),
            uid: found.uid(),
            gid: found.gid(),
        })
    }

    fn key(&self) -> Key {
        match self {
            Peer::Process { uid, .. } => Key::Uid(*uid),
            Peer::Address { address, .. } => Key::Ip(address.ip().to_canonical()),
            Peer::Unknown => Key::Unknown,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Process { pid: Some(pid), uid, gid } => {
                write!(f, "pid={pid},uid={uid},gid={gid}")
            }
            Peer::Process { pid: None, uid, gid } => write!(f, "uid={uid},gid={gid}"),
            // A name is whatever its certificate says: it must not look like another field.
            Peer::Address { address, name: Some(name) } => {
                write!(f, "{address} {}", name.escape_debug())
            }
            Peer::Address { address, name: None } => write!(f, "{address}"),
            Peer::Unknown => f.write_str("unknown"),
        }
    }
}

/// How many connections each peer has.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    counts: Mutex<HashMap<Key, usize>>,
}

/// A connection of a peer, for as long as it lasts.
#[derive(Debug)]
pub(crate) struct Present {
    crowd: Arc<Crowd>,
    key: Key,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Crowd { most, counts: Mutex::default() })
    }

    /// One more connection of that peer, unless it has as many as anyone may have.
    pub(crate) fn admit(self: &Arc<Self>, peer: &Peer) -> Option<Present> {
        let key = peer.key();
        let mut counts = self.counts.lock();
        let count = counts.entry(key).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Present { crowd: self.clone(), key })
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        Peer::Address { address: address.parse().unwrap(), name: None }
    }

    #[test]
    fn each_peer_has_its_own_count() {
        let crowd = Crowd::new(2);
        let first = crowd.admit(&at("10.0.0.1:1")).unwrap();
        let _second = crowd.admit(&at("10.0.0.1:2")).unwrap();
        assert!(crowd.admit(&at("[::ffff:10.0.0.1]:3")).is_none());
        let _other = crowd.admit(&at("10.0.0.2:1")).unwrap();
        let _user = crowd.admit(&Peer::Process { pid: None, uid: 0, gid: 0 }).unwrap();
        drop(first);
        assert!(crowd.admit(&at("10.0.0.1:4")).is_some());
    }

    #[test]
    fn a_name_is_one_word_among_others() {
        let address = "10.0.0.1:1".parse().unwrap();
        let peer = Peer::Address { address, name: Some("CN=a\nstatus=200".into()) };
        assert_eq!(peer.to_string(), "10.0.0.1:1 CN=a\\nstatus=200");
    }
}
