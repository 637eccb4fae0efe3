//! Sandboxes: what a container is joined to, and where.

use std::ffi::{c_char, c_int};
use std::path::Path;

use super::error::Failure;
use super::fence::{self, optional, text};
use super::handle::Handle;
use super::{filter, flags, json};
use crate::error::{Error, Kind, Result};
use crate::model::Filter;

/// The path of a namespace as C receives it.
pub(super) fn key(path: &Path) -> Result<String> {
    let bug = || Error::new(Kind::Bug, "a sandbox key is not UTF-8");
    path.to_str().map(str::to_owned).ok_or_else(bug)
}

/// Shows the sandbox of a container.
///
/// \param nb         A handle.
/// \param container  The container's id, as it was joined.
/// \param flags      0.
/// \param json_out   Receives {"container_id","key","endpoints","owned","hosts_path",
///                   "resolv_conf_path"}: free it with netberth_string_free().
/// \param err        Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` for an id that no container can have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_sandbox_get(
    nb: *mut Handle,
    container: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("container", container)], json_out, err, |nb, [container]| {
        flags::none(flags)?;
        json(&nb.sandbox(container)?)
    })
}

/// Lists sandboxes in order of creation.
///
/// \param nb           A handle.
/// \param filter_json  {} or NULL: no filter is known yet.
/// \param flags        0.
/// \param json_out     Receives an array of what netberth_sandbox_get() shows, [] where there is
///                     none: free it with netberth_string_free().
/// \param err          Receives the error on failure; may be NULL.
/// \return 0, or the negative kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_sandbox_list(
    nb: *mut Handle,
    filter_json: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [optional("filter_json", filter_json)], json_out, err, |nb, [filter]| {
        flags::none(flags)?;
        if filter::read(filter)? != Filter::all() {
            return Err(Error::new(Kind::Invalid, "filter_json: sandboxes have no filter yet"));
        }
        json(&nb.sandboxes()?)
    })
}

/// Detaches everything from a container, forgets it, and destroys its namespace if netberth made
/// it. If the kernel refuses a part, the rest is gone all the same, and the call can be repeated.
///
/// \param nb         A handle.
/// \param container  The container's id, as it was joined.
/// \param flags      0.
/// \param err        Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_sandbox_delete(
    nb: *mut Handle,
    container: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(nb, [text("container", container)], err, |nb, [container]| {
        flags::none(flags)?;
        nb.sandbox_delete(container)
    })
}
