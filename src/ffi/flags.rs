//! Flags: what a function without a request document can be asked for.

use crate::error::{Error, Kind, Result};

/// For functions that look: tell all there is, as `?verbose=1` does over HTTP.
pub const NETBERTH_VERBOSE: u32 = 1;
/// For functions that delete: detach first what is joined.
pub const NETBERTH_FORCE: u32 = 2;
/// For netberth_service_detach(): connections go on, and only new ones go elsewhere.
pub const NETBERTH_DRAIN: u32 = 4;

/// For netberth_join_many(): all or none.
pub const NETBERTH_ATOMIC: u32 = 8;

/// For a function that knows no flag yet.
pub(super) fn none(flags: u32) -> Result<()> {
    one(flags, 0).map(drop)
}

pub(super) fn verbose(flags: u32) -> Result<bool> {
    one(flags, NETBERTH_VERBOSE)
}

pub(super) fn force(flags: u32) -> Result<bool> {
    one(flags, NETBERTH_FORCE)
}

pub(super) fn drain(flags: u32) -> Result<bool> {
    one(flags, NETBERTH_DRAIN)
}

pub(super) fn atomic(flags: u32) -> Result<bool> {
    one(flags, NETBERTH_ATOMIC)
}

/// Whether the flag is set that the function knows; any other is refused, so that it can mean
/// something one day.
fn one(flags: u32, known: u32) -> Result<bool> {
    let unknown = flags & !known;
    if unknown != 0 {
        let what = format!("flags: {unknown:#x} means nothing to this function");
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(flags & known != 0)
}
