//! Reading what the kernel says, with every length checked: a malformed frame is cut short, it never
//! panics. Only the attributes that netberth uses are read; unknown ones are passed over.

use std::net::IpAddr;

use crate::error::{Error, Kind};

/// `struct nlmsghdr`.
pub(in crate::kernel) const HEADER: usize = 16;
/// The answer to a request: an errno, 0 for success.
pub(in crate::kernel) const ERROR: u16 = 2;
/// The end of a dump.
pub(in crate::kernel) const DONE: u16 = 3;
/// The tables changed while they were dumped: what was read may be torn.
const INTERRUPTED: u16 = 0x10;
/// The request is not repeated in the answer (`NETLINK_CAP_ACK`).
const CAPPED: u16 = 0x100;
/// Attributes follow the answer (`NETLINK_EXT_ACK`).
const ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`: the kernel's own words.
const ACK_TEXT: u16 = 1;

/// One netlink message.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct Frame<'a> {
    pub(in crate::kernel) kind: u16,
    pub(in crate::kernel) flags: u16,
    pub(in crate::kernel) sequence: u32,
    pub(in crate::kernel) payload: &'a [u8],
}

impl Frame<'_> {
    /// A dump during which the tables changed.
    pub(in crate::kernel) fn interrupted(&self) -> bool {
        self.flags & INTERRUPTED != 0
    }

    /// For [`ERROR`] and [`DONE`]: the failure, or none for success.
    pub(in crate::kernel) fn failure(&self) -> Option<Error> {
        let Some(number) = word(self.payload, 0) else {
            return Some(Error::new(Kind::Kernel, "a netlink answer is cut short"));
        };
        let errno = number.cast_signed().checked_neg().filter(|errno| *errno != 0)?;
        let error = Error::os(errno);
        let error = match errno {
            libc::EEXIST => error.with_kind(Kind::Exists),
            libc::EPERM => error.because("it takes CAP_NET_ADMIN"),
            _ => error,
        };
        Some(match self.extended_ack() {
            Some(text) => error.because(&text),
            None => error,
        })
    }

    /// The kernel's words beside the errno, with its first letter lowered.
    fn extended_ack(&self) -> Option<String> {
        if self.flags & ACK_TLVS == 0 {
            return None;
        }
        let skip = if self.flags & CAPPED != 0 || self.kind == DONE {
            if self.kind == DONE { 4 } else { 4 + HEADER }
        } else {
            4 + usize::try_from(word(self.payload, 4)?).ok()?.next_multiple_of(4)
        };
        let (_, text) =
            attributes(self.payload.get(skip..)?).find(|(kind, _)| *kind == ACK_TEXT)?;
        let text = string(text)?;
        let mut letters = text.chars();
        let first = letters.next()?;
        Some(first.to_lowercase().chain(letters).collect())
    }
}

/// The messages of one datagram.
pub(in crate::kernel) fn frames(datagram: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(word(rest, 0)?).ok()?;
        let frame = Frame {
            kind: half(rest, 4)?,
            flags: half(rest, 6)?,
            sequence: word(rest, 8)?,
            payload: rest.get(HEADER..length)?,
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(frame)
    })
}

/// The attributes of a message or of a nest: type without the flag bits, and value.
pub(in crate::kernel) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(half(rest, 0)?);
        let kind = half(rest, 2)? & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A byte at an offset.
pub(in crate::kernel) fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// 16 bits at an offset, in the machine's order.
pub(in crate::kernel) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

/// 16 bits at an offset, in network byte order.
pub(in crate::kernel) fn network_half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_be_bytes(*chunk))
}

/// 32 bits at an offset, in the machine's order.
pub(in crate::kernel) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// Text up to the first NUL.
pub(in crate::kernel) fn string(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

/// An address: 4 or 16 bytes.
pub(in crate::kernel) fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + payload.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([7, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn the_kernels_words_end_the_error() {
        let mut payload = (-libc::EBUSY).to_ne_bytes().to_vec();
        payload.extend([0; HEADER]);
        payload.extend([14, 0, 1, 0]);
        payload.extend(b"Not today\0");
        let bytes = frame(ERROR, CAPPED | ACK_TLVS, &payload);
        let error = frames(&bytes).next().unwrap().failure().unwrap();
        assert_eq!(error.to_string(), "device or resource busy (EBUSY): not today");
        assert_eq!(error.errno(), Some(libc::EBUSY));
    }

    #[test]
    fn an_ack_is_no_failure_and_a_cut_one_is() {
        let ack = frame(ERROR, CAPPED, &[0; 4 + HEADER]);
        assert!(frames(&ack).next().unwrap().failure().is_none());
        let cut = frame(ERROR, CAPPED, &[0; 2]);
        assert!(frames(&cut).next().unwrap().failure().is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            for frame in frames(&bytes) {
                let _ = frame.failure();
                let _ = attributes(frame.payload).count();
            }
            prop_assert!(attributes(&bytes).count() <= bytes.len());
        }

        #[test]
        fn no_answer_panics(flags: u16, payload in proptest::collection::vec(any::<u8>(), 0..96)) {
            for kind in [ERROR, DONE] {
                let bytes = frame(kind, flags, &payload);
                let failures: Vec<_> = frames(&bytes).map(|frame| frame.failure()).collect();
                prop_assert_eq!(failures.len(), 1);
            }
        }
    }
}
