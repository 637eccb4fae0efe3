//! The connection table over raw ctnetlink: what `conntrack -D` does, for many selections at once.

mod entry;
mod filter;
#[cfg(test)]
mod golden;

use std::sync::atomic::{AtomicBool, Ordering};

use netlink_sys::protocols::NETLINK_NETFILTER;
use parking_lot::Mutex;

use self::entry::{Deletion, Entry};
use super::netlink::socket::Socket;
use super::sys;
use crate::error::{Doing, Error, Kind, Result};
use crate::model::Proto;
use crate::plan::Flow;

/// The connection table of one network namespace.
///
/// Opened on a thread that is in the namespace; the socket stays there whatever thread uses it.
pub struct Conntrack {
    socket: Mutex<Socket>,
    /// The kernel selects what it deletes (Linux 6.11), as far as is known.
    selects: AtomicBool,
}

impl Conntrack {
    /// A socket in the namespace of the calling thread.
    pub fn open() -> Result<Self> {
        let socket = Mutex::new(Socket::open_for(NETLINK_NETFILTER)?);
        Ok(Conntrack { socket, selects: AtomicBool::new(true) })
    }

    /// Deletes what [`Conntrack::delete`] does, without a count. Where the kernel selects by itself,
    /// its cost does not grow with the number of entries.
    pub fn forget(&self, flows: &[Flow]) -> Result<()> {
        // A packet that was judged by the rules of before may not have its entry yet, and a client that
        // never pauses would keep that entry for ever.
        if flows.iter().any(never_ends) {
            sys::grace_period();
        }
        // The kernel's selection compares IPv6 addresses the wrong way round, as of Linux 6.18: it
        // takes the nought of ipv6_addr_cmp() for a difference.
        let (six, four): (Vec<Flow>, Vec<Flow>) = flows.iter().cloned().partition(is_ipv6);
        if !self.select(&four)? {
            self.delete(&four)?;
        }
        if !six.is_empty() && !self.is_empty()? {
            self.delete(&six)?;
        }
        Ok(())
    }

    /// Lets the kernel select, if it can.
    fn select(&self, flows: &[Flow]) -> Result<bool> {
        let requests = match filter::requests(flows) {
            Some(requests) if self.selects.load(Ordering::Relaxed) => requests,
            _ => return Ok(false),
        };
        let answers = self.socket.lock().exchange(requests);
        match answers.into_iter().find_map(Result::err) {
            None => Ok(true),
            // An older kernel takes the request for one of a whole entry, which it is not.
            Some(error) if error.errno() == Some(libc::EINVAL) => {
                self.selects.store(false, Ordering::Relaxed);
                Ok(false)
            }
            Some(error) => Err(error.doing("conntrack -D")),
        }
    }

    /// Whether the namespace has no entry at all: a list goes through the whole table of the machine,
    /// with a lock for each of its hundreds of thousands of chains.
    fn is_empty(&self) -> Result<bool> {
        let answer = self.socket.lock().exchange(vec![entry::count()]);
        let payload = answer.into_iter().next().unwrap_or_else(|| Ok(Vec::new()));
        Ok(entry::counted(&payload.map_err(unsupported).doing(|| "conntrack -C")?) == Some(0))
    }

    /// Deletes the entries that any of the flows selects, and says how many there were. An entry that
    /// ends by itself meanwhile is no error and is not counted; one that cannot be deleted does not
    /// keep the others.
    ///
    /// The table is listed once, whatever the number of flows.
    ///
    /// Kind `unsupported` where the kernel has no ctnetlink.
    pub fn delete(&self, flows: &[Flow]) -> Result<usize> {
        if flows.is_empty() {
            return Ok(0);
        }
        let mut socket = self.socket.lock();
        let select = |payload: &[u8]| {
            let entry = Entry::read(payload)?;
            flows.iter().any(|flow| entry.is_of(flow)).then(|| entry.deletion())
        };
        let request = entry::list(one_family(flows));
        let found: Vec<Deletion> =
            socket.dump(&request, select).map_err(unsupported).doing(|| "conntrack -L")?;
        let (names, requests): (Vec<_>, Vec<_>) =
            found.into_iter().map(|deletion| (deletion.original, deletion.request)).unzip();
        let mut deleted = 0;
        let mut failed = None;
        for (original, answer) in names.iter().zip(socket.exchange(requests)) {
            match answer {
                Ok(_) => deleted += 1,
                // It ended meanwhile, or another connection has its addresses now.
                Err(error) if error.errno() == Some(libc::ENOENT) => {}
                Err(error) => {
                    failed.get_or_insert_with(|| error.doing(format!("conntrack -D {original}")));
                }
            }
        }
        failed.map_or(Ok(deleted), Err)
    }
}

/// A datagram of ctnetlink, for the fuzz targets; how much of it was understood.
///
/// # Panics
/// Where what was read would be deleted by a request that selects more than it.
#[cfg(feature = "testing")]
pub fn read_anything(datagram: &[u8]) -> usize {
    use super::netlink::read::{attributes, frames};
    let mut understood = 0;
    for frame in frames(datagram) {
        understood += usize::from(entry::counted(frame.payload).is_some());
        let Some(found) = Entry::read(frame.payload) else { continue };
        understood += 1;
        let Deletion { request, .. } = found.deletion();
        let mut sent = frames(&request);
        let one = sent.next().and_then(|frame| Entry::read_original(frame.payload));
        assert!(one.is_some() && sent.next().is_none(), "it would delete everything");
        let of = frames(&request)
            .flat_map(|frame| attributes(frame.payload.get(4..).unwrap_or_default()));
        assert!(of.count() <= 3, "a deletion names more than an entry has");
    }
    understood
}

/// Whether all flows are of IPv6, or of IPv4; none where there are both.
fn one_family(flows: &[Flow]) -> Option<bool> {
    let first = is_ipv6(flows.first()?);
    flows.iter().all(|flow| is_ipv6(flow) == first).then_some(first)
}

/// Whether what it selects may go on by one entry for ever: TCP begins anew by itself, and what an
/// address has is forgotten when the address is no longer there.
fn never_ends(flow: &Flow) -> bool {
    match flow {
        Flow::To { proto, .. } | Flow::AnsweredBy { proto, .. } => *proto != Proto::Tcp,
        Flow::Through { .. } => true,
        Flow::Of { .. } => false,
    }
}

fn is_ipv6(flow: &Flow) -> bool {
    match flow {
        Flow::To { ipv6, .. } => *ipv6,
        Flow::AnsweredBy { address, .. }
        | Flow::Of { address }
        | Flow::Through { to: address, .. } => address.is_ipv6(),
    }
}

/// nfnetlink says `EINVAL` for a subsystem that it does not have.
fn unsupported(error: Error) -> Error {
    if error.errno() != Some(libc::EINVAL) {
        return error;
    }
    let what = "the kernel has no ctnetlink: load the module nf_conntrack_netlink";
    error.with_kind(Kind::Unsupported).because(what)
}
