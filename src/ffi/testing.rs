//! What C sees, for Rust: the fuzz targets call it in ways that no binding does.

use crate::control::Netberth;

pub use super::bulk::*;
pub use super::endpoint::*;
pub use super::error::*;
pub use super::handle::*;
pub use super::network::*;
pub use super::plan::*;
pub use super::sandbox::*;
pub use super::service::*;
pub use super::verify::*;

/// A handle as [`netberth_open`] gives it, on any kernel and store.
pub fn handle(netberth: Netberth) -> *mut Handle {
    Box::into_raw(Box::new(Handle::of(netberth)))
}
