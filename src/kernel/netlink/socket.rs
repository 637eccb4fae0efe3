//! A netlink socket of ours: requests go out together, answers come back by sequence number.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;
use parking_lot::Mutex;

use super::read::{self, Frame};
use crate::error::{Doing, Error, Kind, Result};
use crate::kernel::sys;

/// The kernel fills dump datagrams up to 32 KiB; one link with many virtual functions may be longer.
const DATAGRAM: usize = 64 * 1024;
/// Room for the acks of one send.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Requests of one `sendmsg`: far below the send buffer and the receive buffer.
const TOGETHER: usize = 128;
/// rtnetlink and its like answer before `sendmsg` returns; this is for a kernel that does not.
const PATIENCE: Duration = Duration::from_secs(10);
/// A table that changes under every one of so many dumps is not going to hold still.
const DUMPS: usize = 16;
/// Where a message's flags are, and two of them (`NLM_F_ACK`, `NLM_F_ECHO`).
const FLAGS: usize = 6;
const ACK: u16 = 4;
const ECHO: u16 = 8;

/// Room that a closed socket had, for the next: one is opened in each namespace that is worked in.
static SPARE: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// A socket in the namespace of the thread that opened it; any thread may use it afterwards.
///
/// `netlink_sys::Socket` is wrapped because a clone of it would close the same descriptor twice.
pub(in crate::kernel) struct Socket {
    inner: netlink_sys::Socket,
    sequence: u32,
    /// Something was lost since this was last looked at (`ENOBUFS`).
    overrun: bool,
    buffer: Vec<u8>,
}

/// A request that has been sent and not yet been answered in full.
struct Waiting {
    at: usize,
    acked: bool,
    /// It is answered only if it fails.
    silent: bool,
    payload: Vec<u8>,
}

impl Socket {
    /// An rtnetlink socket.
    pub(in crate::kernel) fn open() -> Result<Self> {
        Self::open_for(NETLINK_ROUTE)
    }

    /// A socket for a protocol of `linux/netlink.h`.
    pub(in crate::kernel) fn open_for(protocol: isize) -> Result<Self> {
        let mut inner = netlink_sys::Socket::new(protocol).doing(|| "open a netlink socket")?;
        inner.bind_auto().doing(|| "bind a netlink socket")?;
        // Kernels before 4.12 and 4.20 lack them: then errors have no words and dumps no filter.
        let _ = inner.set_ext_ack(true);
        let _ = inner.set_cap_ack(true);
        let _ = inner.set_netlink_get_strict_chk(true);
        if setsockopt(&inner, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            inner.set_rx_buf_sz(RECEIVE_BUFFER).doing(|| "enlarge a netlink socket's buffer")?;
        }
        let patience = TimeVal::new(PATIENCE.as_secs().cast_signed(), 0);
        setsockopt(&inner, sockopt::ReceiveTimeout, &patience)
            .doing(|| "set a netlink socket's timeout")?;
        // Not waited for: who was forked may find it locked for ever.
        let spare = SPARE.try_lock().and_then(|mut spare| spare.take());
        let buffer = spare.unwrap_or_else(|| vec![0; DATAGRAM]);
        Ok(Socket { inner, sequence: 0, overrun: false, buffer })
    }

    /// Sends requests and reads their answers: for each, in order, the payload of the message it
    /// was answered with (empty for a mere ack) or the failure.
    pub(in crate::kernel) fn exchange(&mut self, requests: Vec<Vec<u8>>) -> Vec<Result<Vec<u8>>> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let some: Vec<_> = requests.by_ref().take(TOGETHER).collect();
            answers.extend(self.exchange_together(&some));
        }
        answers
    }

    /// As [`Socket::exchange`] for one request.
    pub(in crate::kernel) fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>> {
        let unanswered = || Err(Error::new(Kind::Bug, "a netlink request has no answer"));
        self.exchange(vec![request]).pop().unwrap_or_else(unanswered)
    }

    /// The kernel takes the requests of a datagram in their order, and answers each that fails whether it
    /// is asked to or not (`netlink_rcv_skb`): where the last is acked, the others need not be.
    fn exchange_together(&mut self, requests: &[Vec<u8>]) -> Vec<Result<Vec<u8>>> {
        let mut waiting = HashMap::with_capacity(requests.len());
        let mut datagram = Vec::with_capacity(requests.iter().map(Vec::len).sum());
        let end = requests.len().saturating_sub(1);
        for (at, request) in requests.iter().enumerate() {
            let flags = read::half(request, FLAGS).unwrap_or_default();
            let (acked, silent) = (flags & ACK != 0, at != end && flags & (ACK | ECHO) == ACK);
            let start = datagram.len();
            let sequence = self.append(&mut datagram, request);
            if silent && let Some(field) = datagram.get_mut(start + FLAGS..start + FLAGS + 2) {
                field.copy_from_slice(&(flags & !ACK).to_ne_bytes());
            }
            waiting.insert(sequence, Waiting { at, acked, silent, payload: Vec::new() });
        }
        self.overrun = false;
        let mut answers: Vec<Option<Result<Vec<u8>>>> = requests.iter().map(|_| None).collect();
        let lost = self.send(&datagram).err().or_else(|| {
            let mut open = waiting.values().filter(|request| !request.silent).count();
            while open > 0 {
                let mut settled = 0;
                let read = self.receive(|frame| {
                    settled += usize::from(settle(&frame, &mut waiting, &mut answers));
                });
                open = open.saturating_sub(settled);
                if let Err(error) = read {
                    return Some(error);
                }
            }
            // Silence means success only where nothing was lost.
            self.overrun.then(lost)
        });
        let unanswered = lost.map_or(Ok(Vec::new()), Err);
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| unanswered.clone())).collect()
    }

    /// Everything that a dump finds, as `read` makes of each message; `None` leaves it out.
    pub(in crate::kernel) fn dump<T>(
        &mut self,
        request: &[u8],
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>> {
        for _ in 0..DUMPS {
            match self.dump_once(request, &read) {
                Ok((_, true)) => {}
                // A part was lost: the rest is of another sequence number, and passed over.
                Err(error) if error.errno() == Some(libc::ENOBUFS) => {}
                done => return done.map(|(found, _)| found),
            }
        }
        Err(Error::new(Kind::Busy, "the kernel's tables change faster than they can be read"))
    }

    fn dump_once<T>(
        &mut self,
        request: &[u8],
        read: &impl Fn(&[u8]) -> Option<T>,
    ) -> Result<(Vec<T>, bool)> {
        let mut datagram = Vec::new();
        let sequence = self.append(&mut datagram, request);
        self.send(&datagram)?;
        let mut found = Vec::new();
        let mut torn = false;
        let mut end = None;
        while end.is_none() {
            self.receive(|frame| {
                if frame.sequence != sequence {
                    return;
                }
                torn |= frame.interrupted();
                match frame.kind {
                    read::DONE | read::ERROR => end = Some(frame.failure()),
                    _ => found.extend(read(frame.payload)),
                }
            })?;
        }
        match end.flatten() {
            Some(error) if error.errno() != Some(libc::EINTR) => Err(error),
            interrupted => Ok((found, torn || interrupted.is_some())),
        }
    }

    /// Puts a request behind others, with a sequence number of its own.
    fn append(&mut self, datagram: &mut Vec<u8>, request: &[u8]) -> u32 {
        // 0 is the sequence number of notifications.
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        let start = datagram.len();
        datagram.extend_from_slice(request);
        datagram.resize(datagram.len().next_multiple_of(4), 0);
        if let Some(field) = datagram.get_mut(start + 8..start + 12) {
            field.copy_from_slice(&self.sequence.to_ne_bytes());
        }
        self.sequence
    }

    fn send(&self, datagram: &[u8]) -> Result<()> {
        loop {
            match self.inner.send(datagram, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&error).doing("send to netlink")),
            }
        }
    }

    /// Reads one datagram and hands its messages over. Only the kernel (port 0) is listened to.
    fn receive(&mut self, mut each: impl FnMut(Frame<'_>)) -> Result<()> {
        let (mut flags, mut full) = (libc::MSG_TRUNC, 0);
        let (length, from) = loop {
            let mut room = self.buffer.as_mut_slice();
            match self.inner.recv_from(&mut room, flags) {
                Ok(got) => break got,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // Something was lost, perhaps nothing of this: what is there is read, and not
                // waited for.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) && full < DUMPS => {
                    self.overrun = true;
                    (flags, full) = (libc::MSG_TRUNC | libc::MSG_DONTWAIT, full + 1);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && full > 0 => {
                    return Err(lost());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Err(Error::new(Kind::Timeout, "the kernel does not answer a request"));
                }
                Err(error) => return Err(Error::io(&error).doing("read from netlink")),
            }
        };
        let Some(datagram) = self.buffer.get(..length) else {
            self.buffer.resize(length.next_multiple_of(DATAGRAM), 0);
            return Err(Error::new(Kind::Kernel, "a netlink message is longer than 64 KiB"));
        };
        if from.port_number() == 0 {
            read::frames(datagram).for_each(&mut each);
        }
        Ok(())
    }

    /// `SO_NETNS_COOKIE` of the namespace it is in; none where the kernel (before 5.14) has none.
    pub(in crate::kernel) fn cookie(&self) -> Result<Option<u64>> {
        sys::netns_cookie(self.as_fd())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(mut spare) = SPARE.try_lock() {
            *spare = Some(std::mem::take(&mut self.buffer));
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// What is said of a request that may have been carried out: its step is undone.
fn lost() -> Error {
    let what = "the kernel's answer was lost, the socket's buffer being full: try again";
    Error::new(Kind::Timeout, what).with_errno(libc::ENOBUFS)
}

/// Takes one message as an answer, if it is one to a request that waits. Says whether one is answered now
/// that is not silent.
fn settle(
    frame: &Frame<'_>,
    waiting: &mut HashMap<u32, Waiting>,
    answers: &mut [Option<Result<Vec<u8>>>],
) -> bool {
    let Some(request) = waiting.get_mut(&frame.sequence) else { return false };
    let answer = if frame.kind == read::ERROR {
        match frame.failure() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut request.payload)),
        }
    } else if request.acked {
        request.payload = frame.payload.to_vec();
        return false;
    } else {
        Ok(frame.payload.to_vec())
    };
    if let Some(slot) = answers.get_mut(request.at) {
        *slot = Some(answer);
    }
    waiting.remove(&frame.sequence).is_some_and(|request| !request.silent)
}
