//! Endpoints, and the containers joined to them.

use std::ffi::{c_char, c_int};

use super::error::Failure;
use super::fence::{self, optional, text};
use super::handle::Handle;
use super::{filter, flags, json, sandbox};
use crate::model::{EndpointSpec, JoinSpec};

/// Creates an endpoint on a network. Its addresses are its own until it is deleted.
///
/// \param nb            A handle.
/// \param network       The network's id, name, or the first four or more digits of its id.
/// \param request_json  {"name","exposed_ports","port_mapping",...}: the document of
///                      POST /networks/NETWORK/endpoints.
/// \param id_out        Receives the id, 64 hexadecimal digits: free it with
///                      netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid`, also for an address outside the network's subnets;
///         `not_found` for the network; `exists` for a name, an address or a host port that is
///         taken; `exhausted` when no address is free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_endpoint_create(
    nb: *mut Handle,
    network: *const c_char,
    request_json: *const c_char,
    id_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(
        nb,
        [text("network", network), text("request_json", request_json)],
        id_out,
        err,
        |nb, [network, request]| {
            let spec = EndpointSpec::from_json(request.as_bytes())?;
            Ok(nb.endpoint_create(network, &spec)?.to_string())
        },
    )
}

/// Shows an endpoint.
///
/// \param nb        A handle.
/// \param network   The network's id, name, or the first four or more digits of its id.
/// \param endpoint  The endpoint's, likewise.
/// \param flags     0 or NETBERTH_VERBOSE.
/// \param json_out  Receives {"name","id","network"}, and with NETBERTH_VERBOSE "addresses",
///                  "mac", "exposed_ports", "port_mapping", "container", "interface",
///                  "sandbox_key" and more: free it with netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` for digits that several ids begin with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_endpoint_get(
    nb: *mut Handle,
    network: *const c_char,
    endpoint: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(
        nb,
        [text("network", network), text("endpoint", endpoint)],
        json_out,
        err,
        |nb, [network, endpoint]| json(&nb.endpoint(network, endpoint, flags::verbose(flags)?)?),
    )
}

/// Lists the endpoints of a network in order of creation.
///
/// \param nb           A handle.
/// \param network      The network's id, name, or the first four or more digits of its id.
/// \param filter_json  {"name"} for an exact name or {"partial_id"} for the beginning of an id;
///                     NULL stands for {}, which is all.
/// \param flags        0 or NETBERTH_VERBOSE.
/// \param json_out     Receives an array of what netberth_endpoint_get() shows, [] where there is
///                     none: free it with netberth_string_free().
/// \param err          Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found` for the network; `invalid` for two filters at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_endpoint_list(
    nb: *mut Handle,
    network: *const c_char,
    filter_json: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(
        nb,
        [text("network", network), optional("filter_json", filter_json)],
        json_out,
        err,
        |nb, [network, filter]| {
            json(&nb.endpoints(network, &filter::read(filter)?, flags::verbose(flags)?)?)
        },
    )
}

/// Deletes an endpoint and releases its addresses and ports.
///
/// \param nb        A handle.
/// \param network   The network's id, name, or the first four or more digits of its id.
/// \param endpoint  The endpoint's, likewise.
/// \param flags     0, or NETBERTH_FORCE to detach first what is joined.
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `in_use` while a container is joined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_endpoint_delete(
    nb: *mut Handle,
    network: *const c_char,
    endpoint: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(
        nb,
        [text("network", network), text("endpoint", endpoint)],
        err,
        |nb, [network, endpoint]| nb.endpoint_delete(network, endpoint, flags::force(flags)?),
    )
}

/// Joins a container to an endpoint: in a namespace that netberth makes, or in the one that the
/// request names. Nothing is left of a join that fails. The calling thread stays where it is.
///
/// \param nb            A handle.
/// \param network       The network's id, name, or the first four or more digits of its id.
/// \param endpoint      The endpoint's, likewise.
/// \param request_json  {"container_id","netns","pid","host_name",...}: the document of
///                      POST /networks/NETWORK/endpoints/ENDPOINT/containers.
/// \param key_out       Receives the sandbox key, the path of the container's namespace: free it
///                      with netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid`, also if the endpoint is joined already or the
///         container is in another namespace than asked; `not_found`; `exists` for an interface
///         name that is taken; `exhausted` when the bridge is full; `kernel` for what the kernel
///         refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_join(
    nb: *mut Handle,
    network: *const c_char,
    endpoint: *const c_char,
    request_json: *const c_char,
    key_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(
        nb,
        [text("network", network), text("endpoint", endpoint), text("request_json", request_json)],
        key_out,
        err,
        |nb, [network, endpoint, request]| {
            sandbox::key(&nb.join(network, endpoint, &JoinSpec::from_json(request.as_bytes())?)?)
        },
    )
}

/// Detaches a container from an endpoint, which keeps its addresses. The container's sandbox stays,
/// so that it can be joined again, until netberth_sandbox_delete(). If the kernel refuses a part,
/// the rest is gone all the same, and the call can be repeated.
///
/// \param nb         A handle.
/// \param network    The network's id, name, or the first four or more digits of its id.
/// \param endpoint   The endpoint's, likewise.
/// \param container  The container's id, as it was joined.
/// \param flags      0.
/// \param err        Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` if that container is not joined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_detach(
    nb: *mut Handle,
    network: *const c_char,
    endpoint: *const c_char,
    container: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(
        nb,
        [text("network", network), text("endpoint", endpoint), text("container", container)],
        err,
        |nb, [network, endpoint, container]| {
            flags::none(flags)?;
            nb.detach(network, endpoint, container)
        },
    )
}
