//! Errors as C sees them.

use std::ffi::{CString, c_char, c_int};

use super::fence;
use crate::error::{Error, Kind};

/// The request is malformed or contradicts itself.
pub const NETBERTH_KIND_INVALID: c_int = -1;
/// Nothing has that name or id.
pub const NETBERTH_KIND_NOT_FOUND: c_int = -2;
/// The name, address, port or device is taken already.
pub const NETBERTH_KIND_EXISTS: c_int = -3;
/// It cannot go while something else depends on it.
pub const NETBERTH_KIND_IN_USE: c_int = -4;
/// A pool, a bridge or a table is full.
pub const NETBERTH_KIND_EXHAUSTED: c_int = -5;
/// The caller lacks a right, or the object is not the caller's to change.
pub const NETBERTH_KIND_DENIED: c_int = -6;
/// This kernel or this version cannot do it.
pub const NETBERTH_KIND_UNSUPPORTED: c_int = -7;
/// The kernel refused a request; netberth_error_errno() says with which number.
pub const NETBERTH_KIND_KERNEL: c_int = -8;
/// The state directory cannot be read or written.
pub const NETBERTH_KIND_STORE: c_int = -9;
/// Another thread or process holds the state directory for too long.
pub const NETBERTH_KIND_BUSY: c_int = -10;
/// Something did not happen in time.
pub const NETBERTH_KIND_TIMEOUT: c_int = -11;
/// netberth broke one of its own promises; the process is unharmed.
pub const NETBERTH_KIND_BUG: c_int = -12;

/// The number of a kind. A kind that is new does not compile before it has one.
pub(super) const fn number(kind: Kind) -> c_int {
    match kind {
        Kind::Invalid => NETBERTH_KIND_INVALID,
        Kind::NotFound => NETBERTH_KIND_NOT_FOUND,
        Kind::Exists => NETBERTH_KIND_EXISTS,
        Kind::InUse => NETBERTH_KIND_IN_USE,
        Kind::Exhausted => NETBERTH_KIND_EXHAUSTED,
        Kind::Denied => NETBERTH_KIND_DENIED,
        Kind::Unsupported => NETBERTH_KIND_UNSUPPORTED,
        Kind::Kernel => NETBERTH_KIND_KERNEL,
        Kind::Store => NETBERTH_KIND_STORE,
        Kind::Busy => NETBERTH_KIND_BUSY,
        Kind::Timeout => NETBERTH_KIND_TIMEOUT,
        Kind::Bug => NETBERTH_KIND_BUG,
    }
}

/// Why a call failed. It belongs to whoever received it, and nothing changes it: any number of
/// threads may read it.
pub struct Failure {
    code: c_int,
    errno: c_int,
    message: CString,
    json: CString,
}

impl Failure {
    pub(super) fn new(error: &Error) -> Self {
        Failure {
            code: number(error.kind()),
            errno: error.errno().unwrap_or(0),
            message: visible(&error.to_string()),
            json: visible(&error.to_json().to_string()),
        }
    }
}

/// C has no way to show a NUL.
fn visible(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// The kind of failure: one of NETBERTH_KIND_..., the number that the function returned.
///
/// \param err  An error, or NULL.
/// \return     A negative number; 0 if `err` is NULL. It cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_error_code(err: Option<&Failure>) -> c_int {
    fence::or(0, || err.map_or(0, |failure| failure.code))
}

/// The operating system's error number, such as ENOSPC, if the failure came from there.
///
/// \param err  An error, or NULL.
/// \return     A positive number; 0 if there is none or `err` is NULL. It cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_error_errno(err: Option<&Failure>) -> c_int {
    fence::or(0, || err.map_or(0, |failure| failure.errno))
}

/// The failure in words, for people: what was being done, what was found, what to do about it.
/// One line, without a line end; if undoing failed too, one more line for each such failure.
///
/// \param err  An error, or NULL.
/// \return     UTF-8 text that lives as long as `err`: do not free it. "" if `err` is NULL. It
///             cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_error_message(err: Option<&Failure>) -> *const c_char {
    fence::or(c"".as_ptr(), || err.map_or(c"".as_ptr(), |failure| failure.message.as_ptr()))
}

/// The failure as the JSON document {"message","kind","errno","doing","cleanup"}; members that do
/// not apply are left out. `kind` is a word such as "not_found"; `doing` is what was being done,
/// outermost first; `cleanup` is what went wrong while undoing.
///
/// \param err  An error, or NULL.
/// \return     UTF-8 text that lives as long as `err`: do not free it. "{}" if `err` is NULL. It
///             cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_error_json(err: Option<&Failure>) -> *const c_char {
    fence::or(c"{}".as_ptr(), || err.map_or(c"{}".as_ptr(), |failure| failure.json.as_ptr()))
}

/// Frees an error, and with it its message and its JSON.
///
/// \param err  An error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_error_free(err: Option<Box<Failure>>) {
    fence::or((), || drop(err));
}

/// Frees a text that netberth put into a `char **` output.
///
/// \param text  Such a text, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_string_free(text: *mut c_char) {
    fence::or((), || {
        if !text.is_null() {
            // SAFETY: not NULL, hence from `CString::into_raw` in the fence, and not freed before.
            drop(unsafe { CString::from_raw(text) });
        }
    });
}
