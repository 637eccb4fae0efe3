//! The C door: one function for each verb, one file for each noun.
//!
//! What callers must know stands once, in `cbindgen.toml`, which puts it at the head of the header.
//! What keeps it true:
//!
//! | rule | kept by |
//! |---|---|
//! | success, errors, text, NULL, panics | [`fence`]: the body of every function is one call of it |
//! | ownership | types: a `Box` that comes in is given back, what goes out was `into_raw` |
//! | handles | [`handle`]: opaque; the tests in `tests/c` share, fork and close them |
//! | flags | [`flags`]: a bit that a function does not know is refused |
//! | versions | `tests/abi/symbols.txt`, and the shape tests over the header |
//!
//! Pointers that are only borrowed are raw here, so that the header reads as C does; they are
//! followed in [`fence`], [`handle`] and [`error`] and nowhere else.

#![cfg_attr(
    feature = "testing",
    expect(
        clippy::missing_safety_doc,
        reason = "the header states the rules once, for callers in C; only fuzzing calls from Rust"
    )
)]
#![expect(unsafe_code, reason = "C calls in, with pointers that only it can vouch for")]
#![expect(clippy::doc_markdown, reason = "comments on what C sees are written for its header")]
#![expect(unreachable_pub, reason = "C reaches what Rust does not")]

// The order of the header.
mod handle;

mod flags;

mod network;

mod endpoint;

mod bulk;

mod sandbox;

mod service;

mod plan;

mod verify;

mod error;

mod fence;
mod filter;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error::{Error, Kind, Result};

pub use handle::NETBERTH_ABI;

/// An answer as C receives it.
fn json(answer: &impl Serialize) -> Result<String> {
    let bug = |error| Error::new(Kind::Bug, format!("an answer is not JSON: {error}"));
    serde_json::to_string(answer).map_err(bug)
}
