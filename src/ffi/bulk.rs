//! Many joins in one call.

use std::ffi::{c_char, c_int};

use super::error::Failure;
use super::fence::{self, text};
use super::handle::Handle;
use super::{flags, json};
use crate::model::{JoinRequest, Joined};

/// Creates endpoints and joins a container to each, as netberth_endpoint_create() and netberth_join()
/// do one by one: here under one lock, with one batch of rules and one write of the records.
///
/// \param nb            A handle.
/// \param request_json  [{"network","endpoint":{...},"container":{...}}]: the documents of those two
///                      functions; a network that is not named is `bridge`. At most 1 MiB.
/// \param flags         0, or NETBERTH_ATOMIC: all are done or none. Without it those that can be done
///                      are, whatever becomes of the others.
/// \param json_out      Receives an array in the order of the requests of {"endpoint","key"}, the id
///                      and the path of the namespace, or {"error":{...}}, as netberth_error_json()
///                      says it: free it with netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, also where some requests were refused; or the negative kind: of the first that was
///         refused with NETBERTH_ATOMIC; `invalid` for a document that cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_join_many(
    nb: *mut Handle,
    request_json: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("request_json", request_json)], json_out, err, |nb, [request]| {
        let requests = JoinRequest::list_from_json(request.as_bytes())?;
        let results = nb.join_many(&requests, flags::atomic(flags)?)?;
        json(&Joined::list_to_json(&results))
    })
}
