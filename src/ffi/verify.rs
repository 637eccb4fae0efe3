//! Whether all is as it was made, and what is done about it.

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

/// Sets right what netberth_verify() tells of, as far as it is netberth's: what is right is not
/// touched. A difference that cannot be set right does not keep others from it.
///
/// \param nb        A handle.
/// \param flags     0.
/// \param json_out  Receives {"repaired":[difference...],"differences":[difference...]}, what is no
///                  more and what is left, each as netberth_verify() tells it; one that was tried in
///                  vain has an "error" besides: free it with netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, whether or not differences are left: `busy` if another process
///         holds the state directory for too long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_repair(
    nb: *mut Handle,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [], json_out, err, |nb, []| {
        flags::none(flags)?;
        json(&nb.repair()?)
    })
}

/// Removes what nobody needs any more: sandboxes whose namespace is gone, links on netberth's own
/// bridges and files in its own directories that no record has.
///
/// \param nb        A handle.
/// \param flags     0.
/// \param json_out  Receives {"collected":[{"kind":"sandbox","id","why"},{"kind":"link","name",
///                  "why"},{"kind":"file","name","why"}]}, the array being empty where there was
///                  nothing: free it with netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: the first error. What was collected before it stays collected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_gc(
    nb: *mut Handle,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [], json_out, err, |nb, []| {
        flags::none(flags)?;
        json(&nb.gc()?)
    })
}
