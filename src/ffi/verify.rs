//! Whether all is as it was made.

use std::ffi::{c_char, c_int};

use super::error::Failure;
use super::fence;
use super::handle::Handle;
use super::{flags, json};

/// Compares what was made with what the host has, and says what of the host keeps networks from
/// working: rules of other programs, settings. Changes nothing.
///
/// \param nb        A handle.
/// \param flags     0.
/// \param json_out  Receives {"differences":[{"owner":{"kind","id","name"},"object","expected",
///                  "found"}]}, the array being empty where all is as it should be: free it with
///                  netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, whether or not there are differences: `busy` if another
///         process holds the state directory for too long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_verify(
    nb: *mut Handle,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [], json_out, err, |nb, []| {
        flags::none(flags)?;
        json(&nb.verify()?)
    })
}
