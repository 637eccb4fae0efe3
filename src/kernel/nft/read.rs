//! Reading what the kernel sent. Lengths are checked against what is there; what is malformed ends
//! the walk, what is unknown is passed over. Nothing here can fail on any bytes.

use super::batch::GENERIC;
use super::wire::*;

/// A netlink message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) number: u32,
    /// What follows the header.
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The attributes of a netfilter message.
    pub(super) fn attrs(&self) -> Attrs<'a> {
        Attrs(self.body.get(GENERIC..).unwrap_or_default())
    }
}

/// The messages of a datagram.
#[derive(Clone, Debug)]
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (_port, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
        let body = rest.get(..length.checked_sub(super::batch::HEADER)?)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes(*kind),
            flags: u16::from_ne_bytes(*flags),
            number: u32::from_ne_bytes(*number),
            body,
        })
    }
}

/// An attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attr<'a> {
    /// Without the flags.
    pub(super) kind: u16,
    pub(super) payload: &'a [u8],
}

impl<'a> Attr<'a> {
    /// What is nested in it.
    pub(super) fn attrs(&self) -> Attrs<'a> {
        Attrs(self.payload)
    }
}

/// A run of attributes.
#[derive(Clone, Debug)]
pub(super) struct Attrs<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attrs<'a> {
    type Item = Attr<'a>;

    fn next(&mut self) -> Option<Attr<'a>> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_ne_bytes(*length));
        let payload = rest.get(..length.checked_sub(4)?)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Attr { kind: u16::from_ne_bytes(*kind) & NLA_TYPE_MASK, payload })
    }
}

impl<'a> Attrs<'a> {
    /// The first attribute of that kind.
    pub(super) fn get(&self, kind: u16) -> Option<Attr<'a>> {
        self.clone().find(|attr| attr.kind == kind)
    }

    /// 32 bits in network byte order.
    pub(super) fn u32(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.payload.try_into().ok()?))
    }

    /// A string, up to its zero.
    pub(super) fn str(&self, kind: u16) -> Option<&'a str> {
        let payload = self.get(kind)?.payload;
        std::str::from_utf8(payload.split(|&byte| byte == 0).next()?).ok()
    }
}

/// What `NLMSG_ERROR` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ack {
    /// 0, or a positive errno.
    pub(super) errno: i32,
    /// The kernel's own words.
    pub(super) text: Option<String>,
    /// Where in the message that was sent the offending attribute begins.
    pub(super) offset: Option<usize>,
}

impl Ack {
    /// Reads the message; `None` if it is too short to say anything.
    pub(super) fn read(message: &Message<'_>) -> Option<Ack> {
        let (errno, rest) = message.body.split_first_chunk()?;
        let mut ack = Ack {
            errno: i32::from_ne_bytes(*errno).checked_neg().unwrap_or(libc::EIO),
            text: None,
            offset: None,
        };
        if message.flags & NLM_F_ACK_TLVS != 0 {
            let attrs = Attrs(after_echo(message.flags, rest).unwrap_or_default());
            ack.text = attrs.str(NLMSGERR_ATTR_MSG).map(str::to_owned);
            // This one is in host byte order: it is netlink's own, not nf_tables'.
            let offset = attrs.get(NLMSGERR_ATTR_OFFS).and_then(|a| a.payload.try_into().ok());
            ack.offset = offset.and_then(|four| usize::try_from(u32::from_ne_bytes(four)).ok());
        }
        Some(ack)
    }
}

/// What follows the kernel's echo of our message: its header only, when it is capped.
fn after_echo(flags: u16, rest: &[u8]) -> Option<&[u8]> {
    if flags & NLM_F_CAPPED != 0 {
        return rest.get(super::batch::HEADER..);
    }
    let length = u32::from_ne_bytes(*rest.first_chunk()?);
    rest.get(usize::try_from(length).ok()?.checked_next_multiple_of(4)?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_with_the_kernels_words() {
        // A capped error: EEXIST, our header, then offset 44 and the text.
        let mut body = (-libc::EEXIST).to_ne_bytes().to_vec();
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(&[8, 0, 2, 0, 44, 0, 0, 0]);
        body.extend_from_slice(&[9, 0, 1, 0, b't', b'a', b'k', b'e', 0]);
        let flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
        let message = Message { kind: NLMSG_ERROR, flags, number: 1, body: &body };
        let expected = Ack { errno: libc::EEXIST, text: Some("take".to_owned()), offset: Some(44) };
        assert_eq!(Ack::read(&message), Some(expected));
    }
}
