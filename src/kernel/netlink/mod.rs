//! netlink by the byte: a socket that sends many requests at once, and a reader that never panics.

pub(super) mod build;
pub(super) mod read;
pub(super) mod socket;
