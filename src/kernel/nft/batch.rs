//! Netlink messages appended to one buffer: no tree is built, lengths are patched in afterwards.

use super::wire::*;
use crate::error::{Error, Kind, Result};

/// `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;
/// `struct nfgenmsg`, which follows it.
pub(super) const GENERIC: usize = 4;

/// Messages that the kernel takes together or not at all.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where each message begins.
    starts: Vec<usize>,
    /// An attribute was longer than its 16-bit length can say.
    overflow: bool,
}

/// An attribute whose length is not known yet.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(super) struct Open(usize);

impl Batch {
    /// A batch, begun: `NFNL_MSG_BATCH_BEGIN`.
    pub(super) fn new() -> Self {
        let mut batch = Batch { bytes: Vec::with_capacity(4096), ..Batch::default() };
        batch.control(NFNL_MSG_BATCH_BEGIN);
        batch
    }

    /// Makes room beforehand, so that nothing is copied as the batch grows.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// No batch: one request that only asks.
    pub(super) fn request(kind: u16, flags: u16) -> Self {
        let mut batch = Batch::default();
        batch.message(kind, flags);
        batch
    }

    /// The same of any family, 0 for all.
    pub(super) fn request_of(kind: u16, flags: u16, family: u8) -> Self {
        let mut batch = Batch::request(kind, flags);
        if let Some(byte) = batch.bytes.get_mut(HEADER) {
            *byte = family;
        }
        batch
    }

    fn control(&mut self, kind: u16) {
        self.header(kind, NLM_F_REQUEST);
        // nfgenmsg: AF_UNSPEC, NFNETLINK_V0, and the subsystem in network byte order.
        self.bytes.extend_from_slice(&[0, 0, 0, 10]);
    }

    /// Begins a message of family `inet`.
    pub(super) fn message(&mut self, kind: u16, flags: u16) {
        self.header(kind, NLM_F_REQUEST | flags);
        self.bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
    }

    fn header(&mut self, kind: u16, flags: u16) {
        self.end_message();
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
    }

    fn end_message(&mut self) {
        if let Some(&start) = self.starts.last() {
            match u32::try_from(self.bytes.len() - start) {
                Ok(length) => self.patch(start, &length.to_ne_bytes()),
                Err(_) => self.overflow = true,
            }
        }
    }

    #[inline]
    fn patch(&mut self, at: usize, with: &[u8]) {
        if let Some(field) = self.bytes.get_mut(at..at + with.len()) {
            field.copy_from_slice(with);
        }
    }

    /// How many messages there are, the beginning of the batch among them.
    pub(super) fn messages(&self) -> usize {
        self.starts.len()
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets everything from `at` on, which lies within the last message.
    pub(super) fn truncate(&mut self, at: usize) {
        self.bytes.truncate(at);
    }

    /// An attribute of raw bytes.
    pub(super) fn bytes(&mut self, kind: u16, payload: &[u8]) {
        let open = self.open_flat(kind);
        self.put(payload);
        self.close(open);
    }

    /// An attribute of one byte.
    pub(super) fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// An attribute of 32 bits in network byte order, as all of `nf_tables`.
    pub(super) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// A string with its zero.
    pub(super) fn str(&mut self, kind: u16, text: &str) {
        let open = self.open_flat(kind);
        self.put(text.as_bytes());
        self.put(&[0]);
        self.close(open);
    }

    /// A nest with what `inside` puts in it.
    pub(super) fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let open = self.open(kind);
        inside(self);
        self.close(open);
    }

    /// A nest with what `inside` puts in it, if it can.
    pub(super) fn try_nest(
        &mut self,
        kind: u16,
        inside: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let open = self.open(kind);
        inside(self)?;
        self.close(open);
        Ok(())
    }

    /// Opens a nest.
    pub(super) fn open(&mut self, kind: u16) -> Open {
        self.open_flat(kind | NLA_F_NESTED)
    }

    /// Opens an attribute of bytes.
    #[inline]
    pub(super) fn open_flat(&mut self, kind: u16) -> Open {
        let at = self.bytes.len();
        let [low, high] = kind.to_ne_bytes();
        self.bytes.extend_from_slice(&[0, 0, low, high]);
        Open(at)
    }

    /// More bytes of the attribute that was opened last.
    #[inline]
    pub(super) fn put(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
    }

    /// Zeros up to a multiple of four: between attributes and between the fields of a key.
    #[inline]
    pub(super) fn pad(&mut self) {
        // Everything before the current attribute is a multiple of four long.
        match self.bytes.len() & 3 {
            1 => self.bytes.extend_from_slice(&[0; 3]),
            2 => self.bytes.extend_from_slice(&[0; 2]),
            3 => self.bytes.push(0),
            _ => {}
        }
    }

    /// Closes an attribute.
    #[inline]
    pub(super) fn close(&mut self, Open(at): Open) {
        match u16::try_from(self.bytes.len() - at) {
            Ok(length) => self.patch(at, &length.to_ne_bytes()),
            Err(_) => self.overflow = true,
        }
        self.pad();
    }

    /// Ends the batch. The kernel answers its last message if all is well, and every message that
    /// it refuses.
    pub(super) fn end(&mut self) -> Result<()> {
        if let Some(&last) = self.starts.last() {
            let flags = self.bytes.get(last + 6..last + 8).and_then(|two| two.try_into().ok());
            let flags = u16::from_ne_bytes(flags.unwrap_or_default()) | NLM_F_ACK;
            self.patch(last + 6, &flags.to_ne_bytes());
        }
        self.control(NFNL_MSG_BATCH_END);
        self.check()
    }

    /// Ends a request that is not a batch.
    pub(super) fn check(&mut self) -> Result<()> {
        self.end_message();
        if self.overflow {
            return Err(Error::new(Kind::Invalid, "a name is longer than netlink can carry"));
        }
        Ok(())
    }

    /// Numbers the messages from `first` on, so that each answer finds its message.
    pub(super) fn number(&mut self, first: u32) {
        let mut number = first;
        for index in 0..self.starts.len() {
            if let Some(&start) = self.starts.get(index) {
                self.patch(start + 8, &number.to_ne_bytes());
            }
            number = number.wrapping_add(1);
        }
    }

    /// All of it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Message `index`, with its header.
    pub(super) fn message_bytes(&self, index: usize) -> Option<&[u8]> {
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.bytes.len());
        self.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_one_table_is_what_nft_sends() {
        let mut batch = Batch::new();
        batch.message(NFT_MSG_DELTABLE, 0);
        batch.str(NFTA_TABLE_NAME, "netberth");
        batch.end().unwrap();
        batch.number(7);
        let expected = [
            // length, type, flags, number, port; then nfgenmsg
            &[20, 0, 0, 0, 0x10, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10][..],
            &[36, 0, 0, 0, 2, 10, 5, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
            &[13, 0, 1, 0],
            b"netberth\0\0\0\0",
            &[20, 0, 0, 0, 0x11, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
        ];
        assert_eq!(batch.as_bytes(), expected.concat());
    }

    #[test]
    fn what_does_not_fit_an_attribute_is_an_error() {
        let mut batch = Batch::new();
        batch.message(NFT_MSG_DELTABLE, 0);
        batch.str(NFTA_TABLE_NAME, &"x".repeat(70_000));
        assert_eq!(batch.end().unwrap_err().kind(), Kind::Invalid);
    }
}
