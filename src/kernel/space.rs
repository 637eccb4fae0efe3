//! One namespace during one call: a socket in it, and what has been looked up by name.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::netlink::socket::Socket;
use super::route::link::{self, Link};
use super::sysctl::Interfaces;
use crate::error::{Doing, Error, Kind, Result};

/// The loopback device is the first link of every namespace.
const LOOPBACK: u32 = 1;

/// Where requests go.
enum Door<'h> {
    /// Through the handle's own socket, which others use too.
    Shared(&'h Mutex<Socket>),
    /// Through a socket of this call.
    Own(Box<Socket>),
}

/// A namespace as one call sees it.
pub(super) struct Space<'h> {
    door: Door<'h>,
    /// Sysctls that threads elsewhere can write.
    interfaces: Option<Interfaces>,
    indexes: HashMap<String, u32>,
    /// All links, as they were seen before anything is done here.
    seen: Option<Vec<Link>>,
}

impl<'h> Space<'h> {
    /// The handle's own namespace.
    pub(super) fn shared(socket: &'h Mutex<Socket>) -> Self {
        Space { door: Door::Shared(socket), interfaces: None, indexes: HashMap::new(), seen: None }
    }

    /// The namespace of the calling thread; `NotFound` if it is not the one of the cookie.
    pub(super) fn here(cookie: Option<u64>) -> Result<Self> {
        let socket = Socket::open()?;
        if let Some(meant) = cookie
            && socket.cookie()?.is_some_and(|found| found != meant)
        {
            let what = "another namespace is there now: the one that was meant is gone";
            return Err(Error::new(Kind::NotFound, what));
        }
        let interfaces = Interfaces::here();
        let door = Door::Own(Box::new(socket));
        Ok(Space { door, interfaces, indexes: HashMap::new(), seen: None })
    }

    /// The IPv6 sysctls of its interfaces, which are not those of the calling thread's namespace.
    pub(super) fn interfaces(&self) -> Option<&Interfaces> {
        self.interfaces.as_ref()
    }

    /// Uses the socket.
    pub(super) fn with<T>(&mut self, work: impl FnOnce(&mut Socket) -> T) -> T {
        match &mut self.door {
            Door::Shared(socket) => work(&mut socket.lock()),
            Door::Own(socket) => work(socket),
        }
    }

    /// The index of a device, looked up once in a call.
    pub(super) fn index(&mut self, name: &str) -> Result<u32> {
        if name == "lo" {
            return Ok(LOOPBACK);
        }
        if let Some(index) = self.indexes.get(name) {
            return Ok(*index);
        }
        let index = self.link(name)?.index;
        self.indexes.insert(name.to_owned(), index);
        Ok(index)
    }

    /// Takes note of an index that the kernel told of by itself.
    pub(super) fn note(&mut self, name: &str, index: u32) {
        if index != 0 {
            self.indexes.insert(name.to_owned(), index);
        }
    }

    /// `ip link show`, kept for [`Space::is_up`].
    pub(super) fn links(&mut self) -> Result<&[Link]> {
        let links = self.with(|socket| socket.dump(&link::dump(), link::read))?;
        Ok(self.seen.insert(links))
    }

    /// From now on it is not as it was seen.
    pub(super) fn changes(&mut self) {
        self.seen = None;
    }

    /// Whether a device is up; `ENODEV` where there is none.
    pub(super) fn is_up(&mut self, name: &str) -> Result<bool> {
        let Some(links) = &self.seen else { return Ok(self.link(name)?.up) };
        let link = links.iter().find(|link| link.name == name);
        link.map(|link| link.up).ok_or_else(|| Error::os(libc::ENODEV).doing(show(name)))
    }

    /// `ip link show NAME`
    pub(super) fn link(&mut self, name: &str) -> Result<Link> {
        let request = link::get(name)?;
        let answer = self.with(|socket| socket.ask(request)).doing(|| show(name))?;
        let unreadable =
            || Error::new(Kind::Kernel, "the answer tells of no link").doing(show(name));
        link::read(&answer).ok_or_else(unreadable)
    }
}

fn show(name: &str) -> String {
    format!("ip link show {name}")
}
