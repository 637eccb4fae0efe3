//! What no client may go beyond, so that none keeps another from being served.

use std::time::Duration;

/// The limits of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the head of a request, and the pause before it; and for the handshake of TLS.
    pub(crate) header: Duration,
    /// For the body of a request.
    pub(crate) body: Duration,
    /// For a client that does not read, or does not acknowledge, what it is sent.
    pub(crate) write: Duration,
    /// Connections at once; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// Of these, of one user or one address; more are refused.
    pub(crate) per_peer: usize,
}
