//! The netlink socket: one message out, all its answers in.
//!
//! The kernel works on a netfilter request within the `sendto` that brings it, so every answer
//! waits when that returns: nothing here blocks.

use netlink_sys::{Socket as Netlink, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

use super::batch::Batch;
use super::read::{Ack, Message, Messages};
use super::wire::*;
use crate::error::{Doing, Error, Kind, Result};

/// More than the kernel puts in one datagram of a dump (32 KiB).
const DATAGRAM: usize = 64 << 10;
/// Room for the refusals of a few thousand messages.
const RECEIVE: usize = 4 << 20;
/// A batch may be that long, where the kernel lets the socket have the room.
const LONGEST: usize = 256 << 20;
/// How often an interrupted call is made again.
const TRIES: usize = 16;

/// A message that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Its index in the batch; the batch's beginning stands for the whole.
    pub(super) message: usize,
    pub(super) ack: Ack,
}

impl Refusal {
    /// The error, without what was being done.
    pub(super) fn error(&self) -> Error {
        let error = Error::os(self.ack.errno);
        let error = match self.ack.errno {
            libc::EEXIST => error.with_kind(Kind::Exists),
            libc::ENOENT => error.with_kind(Kind::NotFound),
            libc::ENOMEM | libc::ENFILE => error.with_kind(Kind::Exhausted),
            libc::EPERM => error.because("it takes CAP_NET_ADMIN"),
            _ => error,
        };
        match &self.ack.text {
            Some(text) => error.because(text),
            None => error,
        }
    }
}

#[derive(Debug)]
pub(super) struct Socket {
    inner: Netlink,
    next: u32,
    /// The longest message the kernel takes from this socket.
    room: usize,
    buffer: Vec<u8>,
}

impl Socket {
    /// A socket in the namespace of this thread.
    pub(super) fn open() -> Result<Self> {
        let mut inner = Netlink::new(NETLINK_NETFILTER).doing(|| "socket(NETLINK_NETFILTER)")?;
        inner.bind(&SocketAddr::new(0, 0)).doing(|| "bind(NETLINK_NETFILTER)")?;
        inner.set_ext_ack(true).doing(|| "setsockopt(NETLINK_EXT_ACK)")?;
        inner.set_cap_ack(true).doing(|| "setsockopt(NETLINK_CAP_ACK)")?;
        // Without the right to it the default has to do: a long list of refusals may be cut.
        let _ = setsockopt(&inner, sockopt::RcvBufForce, &RECEIVE);
        let mut socket = Socket { inner, next: 1, room: 0, buffer: Vec::with_capacity(DATAGRAM) };
        socket.measure()?;
        Ok(socket)
    }

    fn measure(&mut self) -> Result<()> {
        let size = getsockopt(&self.inner, sockopt::SndBuf).doing(|| "getsockopt(SO_SNDBUF)")?;
        // netlink_sendmsg() keeps 32 bytes for itself.
        self.room = size.saturating_sub(32);
        Ok(())
    }

    /// Makes room for a message of that length: the default, 208 KiB, is 2,000 elements.
    fn make_room(&mut self, length: usize) -> Result<()> {
        if length <= self.room {
            return Ok(());
        }
        if length <= LONGEST {
            // The kernel doubles it, so that it is never the last byte that is short.
            let forced = setsockopt(&self.inner, sockopt::SndBufForce, &length);
            if forced.is_err() {
                let _ = setsockopt(&self.inner, sockopt::SndBuf, &length);
            }
            self.measure()?;
        }
        if length <= self.room {
            return Ok(());
        }
        let what = format!(
            "a batch of {length} bytes is longer than the {} the kernel takes at once: ask for \
             fewer things at a time, or raise net.core.wmem_max",
            self.room.min(LONGEST)
        );
        Err(Error::new(Kind::Exhausted, what).with_errno(libc::EMSGSIZE))
    }

    /// Sends a batch: no refusals = it is done, whole.
    pub(super) fn commit(&mut self, batch: &mut Batch) -> Result<Vec<Refusal>> {
        let first = self.send(batch)?;
        // The last message before the end asked for an answer.
        let last = batch.messages().saturating_sub(2);
        let mut answered = false;
        let mut refusals: Vec<Refusal> = Vec::new();
        let cut = self.receive(|answer| {
            let index = answer.number.wrapping_sub(first);
            let Some(index) = usize::try_from(index).ok().filter(|at| *at < batch.messages())
            else {
                return;
            };
            if answer.kind != NLMSG_ERROR {
                return;
            }
            match Ack::read(answer) {
                Some(ack) if ack.errno != 0 => refusals.push(Refusal { message: index, ack }),
                Some(_) => answered |= index == last,
                None => {}
            }
        });
        refusals.sort_by_key(|refusal| refusal.message);
        if !refusals.is_empty() {
            return Ok(refusals);
        }
        // A refusal may be what was lost: the batch may be done, or may not.
        cut.map_err(|error| error.with_kind(Kind::Timeout))?;
        if answered { Ok(refusals) } else { Err(unanswered()) }
    }

    /// Sends one request that only asks, and hands each message of the answer to `take`.
    /// `NLM_F_DUMP_INTR` on any of them is told as `true`: the answer is not of one moment.
    pub(super) fn ask(
        &mut self,
        request: &mut Batch,
        mut take: impl FnMut(&Message<'_>),
    ) -> Result<bool> {
        let first = self.send(request)?;
        let (mut interrupted, mut refusal, mut answered) = (false, None, false);
        let cut = self.receive(|answer| {
            if answer.number != first {
                return;
            }
            answered = true;
            interrupted |= answer.flags & NLM_F_DUMP_INTR != 0;
            match (answer.kind, Ack::read(answer)) {
                (NLMSG_ERROR | NLMSG_DONE, Some(ack)) if ack.errno != 0 => {
                    refusal.get_or_insert(Refusal { message: 0, ack });
                }
                (NLMSG_ERROR | NLMSG_DONE, _) => {}
                _ => take(answer),
            }
        });
        match refusal {
            // The table changed between two parts of the answer.
            Some(refusal) if refusal.ack.errno == libc::EINTR => Ok(true),
            Some(refusal) => Err(refusal.error()),
            None => {
                cut?;
                if answered { Ok(interrupted) } else { Err(unanswered()) }
            }
        }
    }

    /// Sends, and says by which number the first message is answered.
    fn send(&mut self, batch: &mut Batch) -> Result<u32> {
        self.make_room(batch.len())?;
        let first = self.next;
        batch.number(first);
        let count = u32::try_from(batch.messages()).unwrap_or(u32::MAX);
        self.next = self.next.wrapping_add(count);
        // Whatever an earlier request left behind.
        let _ = self.receive(|_| {});
        for _ in 0..TRIES {
            match self.inner.send_to(batch.as_bytes(), &SocketAddr::new(0, 0), 0) {
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => return Err(Error::io(&error)),
                Ok(_) => return Ok(first),
            }
        }
        Err(Error::os(libc::EINTR))
    }

    /// Reads until nothing is left. An answer that was lost is an error at the end, when all that
    /// was not lost has been read.
    fn receive(&mut self, mut take: impl FnMut(&Message<'_>)) -> Result<()> {
        let mut lost = Ok(());
        let mut failures = 0;
        loop {
            self.buffer.clear();
            match self.inner.recv_from(&mut self.buffer, libc::MSG_DONTWAIT | libc::MSG_TRUNC) {
                Ok((length, from)) => {
                    if length > self.buffer.len() {
                        lost = Err(Error::new(Kind::Kernel, "an answer was longer than 64 KiB"));
                    } else if from.port_number() == 0 {
                        Messages(&self.buffer).for_each(|message| take(&message));
                    }
                }
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => return lost,
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => {
                    // ENOBUFS: the receive buffer was full, and is not after this.
                    lost = Err(Error::io(&error));
                    failures += 1;
                    if failures == TRIES {
                        return lost;
                    }
                }
            }
        }
    }
}

fn unanswered() -> Error {
    Error::new(Kind::Timeout, "the kernel did not answer")
}
