//! Networks.

use std::ffi::{c_char, c_int};

use super::error::Failure;
use super::fence::{self, optional, text};
use super::handle::Handle;
use super::{filter, flags, json};
use crate::model::NetworkSpec;

/// Creates a network and brings it up: device, addresses, rules. Nothing is left of a creation that
/// fails.
///
/// \param nb            A handle.
/// \param request_json  {"name","network_type","options"}: the document of POST /networks.
/// \param id_out        Receives the id, 64 hexadecimal digits: free it with
///                      netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid`; `not_found` for an unknown network_type; `exists`
///         for a name that is taken or a subnet that overlaps; `denied` for the types null and
///         host, which exist once each, and for a device that is not netberth's; `exhausted` when
///         no subnet is free; `kernel` for what the kernel refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_network_create(
    nb: *mut Handle,
    request_json: *const c_char,
    id_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("request_json", request_json)], id_out, err, |nb, [request]| {
        Ok(nb.network_create(&NetworkSpec::from_json(request.as_bytes())?)?.to_string())
    })
}

/// Shows a network.
///
/// \param nb        A handle.
/// \param network   Its id, its name, or the first four or more digits of its id.
/// \param flags     0 or NETBERTH_VERBOSE.
/// \param json_out  Receives {"name","id","type","endpoints"}, and with NETBERTH_VERBOSE
///                  "options", "created" and "labels" too: free it with netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` for digits that several ids begin with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_network_get(
    nb: *mut Handle,
    network: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("network", network)], json_out, err, |nb, [network]| {
        json(&nb.network(network, flags::verbose(flags)?)?)
    })
}

/// Lists networks in order of creation.
///
/// \param nb           A handle.
/// \param filter_json  {"name"} for an exact name or {"partial_id"} for the beginning of an id;
///                     NULL stands for {}, which is all.
/// \param flags        0 or NETBERTH_VERBOSE.
/// \param json_out     Receives an array of what netberth_network_get() shows, [] where there is
///                     none: free it with netberth_string_free().
/// \param err          Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid` for two filters at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_network_list(
    nb: *mut Handle,
    filter_json: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [optional("filter_json", filter_json)], json_out, err, |nb, [filter]| {
        json(&nb.networks(&filter::read(filter)?, flags::verbose(flags)?)?)
    })
}

/// Deletes a network: rules, addresses and device. If the kernel refuses a part, the rest is gone
/// all the same, and the call can be repeated.
///
/// \param nb       A handle.
/// \param network  Its id, its name, or the first four or more digits of its id.
/// \param flags    0.
/// \param err      Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `in_use` while it has endpoints, which the message
///         names; `denied` for the networks none, host and bridge.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_network_delete(
    nb: *mut Handle,
    network: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(nb, [text("network", network)], err, |nb, [network]| {
        flags::none(flags)?;
        nb.network_delete(network)
    })
}
