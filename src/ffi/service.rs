//! Services: endpoints with a name and an address of their own, before any number of containers.

use std::ffi::{c_char, c_int};

use super::error::Failure;
use super::fence::{self, optional, text};
use super::handle::Handle;
use super::{filter, flags, json, sandbox};
use crate::model::{JoinSpec, ServiceSpec};

/// Publishes a service on a network.
///
/// \param nb            A handle.
/// \param request_json  {"name","network_name","exposed_ports","port_mapping","balance",...}: the
///                      document of POST /services. Without network_name it is the network
///                      `bridge`.
/// \param id_out        Receives the id, 64 hexadecimal digits: free it with
///                      netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, as netberth_endpoint_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_publish(
    nb: *mut Handle,
    request_json: *const c_char,
    id_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("request_json", request_json)], id_out, err, |nb, [request]| {
        Ok(nb.service_publish(&ServiceSpec::from_json(request.as_bytes())?)?.to_string())
    })
}

/// Shows a service.
///
/// \param nb        A handle.
/// \param service   Its id, its name, or the first four or more digits of its id.
/// \param flags     0 or NETBERTH_VERBOSE.
/// \param json_out  Receives {"name","id","network"}, and with NETBERTH_VERBOSE
///                  "virtual_addresses", "balance", "backends" and more: free it with
///                  netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` for a name that is used on several
///         networks, and for digits that several ids begin with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_get(
    nb: *mut Handle,
    service: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("service", service)], json_out, err, |nb, [service]| {
        json(&nb.service(service, flags::verbose(flags)?)?)
    })
}

/// Lists every endpoint of every network, which is what a service is in the API of 2015, in order
/// of creation.
///
/// \param nb           A handle.
/// \param filter_json  {"name"} for an exact name, {"partial_id"} for the beginning of an id, or
///                     {"network"} for the name of a network; NULL stands for {}, which is all.
/// \param flags        0 or NETBERTH_VERBOSE.
/// \param json_out     Receives an array of what netberth_service_get() shows, [] where there is
///                     none: free it with netberth_string_free().
/// \param err          Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid` for two filters at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_list(
    nb: *mut Handle,
    filter_json: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [optional("filter_json", filter_json)], json_out, err, |nb, [filter]| {
        json(&nb.services(&filter::read(filter)?, flags::verbose(flags)?)?)
    })
}

/// Deletes a service and releases its addresses and ports.
///
/// \param nb       A handle.
/// \param service  Its id, its name, or the first four or more digits of its id.
/// \param flags    0, or NETBERTH_FORCE to detach its back ends first.
/// \param err      Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `in_use` while back ends are attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_unpublish(
    nb: *mut Handle,
    service: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(nb, [text("service", service)], err, |nb, [service]| {
        nb.service_unpublish(service, flags::force(flags)?)
    })
}

/// Attaches a container to a service, as one more of its back ends.
///
/// \param nb            A handle.
/// \param service       The service's id, name, or the first four or more digits of its id.
/// \param request_json  As for netberth_join().
/// \param key_out       Receives the sandbox key, the path of the container's namespace: free it
///                      with netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, as netberth_join(); `invalid` if the container is attached
///         already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_attach(
    nb: *mut Handle,
    service: *const c_char,
    request_json: *const c_char,
    key_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(
        nb,
        [text("service", service), text("request_json", request_json)],
        key_out,
        err,
        |nb, [service, request]| {
            sandbox::key(&nb.service_attach(service, &JoinSpec::from_json(request.as_bytes())?)?)
        },
    )
}

/// Lists the containers attached to a service, in order of attaching.
///
/// \param nb        A handle.
/// \param service   The service's id, name, or the first four or more digits of its id.
/// \param flags     0 or NETBERTH_VERBOSE.
/// \param json_out  Receives an array of {"id"}, and with NETBERTH_VERBOSE "addresses", "mac" and
///                  "state" too, [] where there is none: free it with netberth_string_free().
/// \param err       Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, as netberth_service_get().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_backends(
    nb: *mut Handle,
    service: *const c_char,
    flags: u32,
    json_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("service", service)], json_out, err, |nb, [service]| {
        json(&nb.service_backends(service, flags::verbose(flags)?)?)
    })
}

/// Detaches a container from a service. Its connections by way of the service end; with NETBERTH_DRAIN
/// they go on and it only gets no new ones: it stays a back end, `draining`, until it is detached
/// without the flag, attached again, or its sandbox is deleted.
///
/// \param nb         A handle.
/// \param service    The service's id, name, or the first four or more digits of its id.
/// \param container  The container's id, as it was attached.
/// \param flags      0, or NETBERTH_DRAIN.
/// \param err        Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `not_found`; `invalid` if that container is not attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_service_detach(
    nb: *mut Handle,
    service: *const c_char,
    container: *const c_char,
    flags: u32,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(
        nb,
        [text("service", service), text("container", container)],
        err,
        |nb, [service, container]| nb.service_detach(service, container, flags::drain(flags)?),
    )
}
