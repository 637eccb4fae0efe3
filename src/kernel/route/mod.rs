//! rtnetlink: one file for each kind of object, each request under the `ip` line that it equals.

pub(super) mod address;
pub(super) mod link;
pub(super) mod neighbour;
#[expect(clippy::module_inception, reason = "rtnetlink's own word for one of its objects")]
pub(super) mod route;

#[cfg(test)]
pub(super) mod golden {
    //! What `ip` sent, captured with `strace -e write=all`: hexadecimal, the sequence number zeroed.

    /// The bytes of a capture.
    pub(in crate::kernel) fn bytes(hex: &str) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        bytes[8..12].fill(0);
        bytes
    }
}
