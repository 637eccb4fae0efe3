"""What include/netberth.h declares. Written by tools/declare.py: change nothing here."""

import ctypes
from typing import Any, Final

VERSION_MAJOR: Final = 0
VERSION_MINOR: Final = 1
VERSION_PATCH: Final = 0
VERSION: Final = "0.1.0"
ABI: Final = 0
LOG_WARNING: Final = 4
LOG_INFO: Final = 6
LOG_DEBUG: Final = 7
VERBOSE: Final = 1
FORCE: Final = 2
DRAIN: Final = 4
ATOMIC: Final = 8
KIND_INVALID: Final = -1
KIND_NOT_FOUND: Final = -2
KIND_EXISTS: Final = -3
KIND_IN_USE: Final = -4
KIND_EXHAUSTED: Final = -5
KIND_DENIED: Final = -6
KIND_UNSUPPORTED: Final = -7
KIND_KERNEL: Final = -8
KIND_STORE: Final = -9
KIND_BUSY: Final = -10
KIND_TIMEOUT: Final = -11
KIND_BUG: Final = -12


class netberth_error(ctypes.Structure):
    """A C `netberth_error`, opaque."""


class netberth(ctypes.Structure):
    """A C `netberth`, opaque."""


netberth_log_fn = ctypes.CFUNCTYPE(
    None,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_void_p,
)

# Each with what it returns and what it takes.
FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "netberth_open": (
        ctypes.c_int,
        [
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(netberth)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_close": (
        None,
        [
            ctypes.POINTER(netberth),
        ],
    ),
    "netberth_set_log": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            netberth_log_fn,
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_version": (
        ctypes.c_char_p,
        [
        ],
    ),
    "netberth_abi_version": (
        ctypes.c_uint32,
        [
        ],
    ),
    "netberth_network_create": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_network_get": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_network_list": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_network_delete": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_endpoint_create": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_endpoint_get": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_endpoint_list": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_endpoint_delete": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_join": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_detach": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_join_many": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_sandbox_get": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_sandbox_list": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_sandbox_delete": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_publish": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_get": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_list": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_unpublish": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_attach": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_backends": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_service_detach": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_plan": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_verify": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_repair": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_gc": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth),
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(ctypes.c_char)),
            ctypes.POINTER(ctypes.POINTER(netberth_error)),
        ],
    ),
    "netberth_error_code": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth_error),
        ],
    ),
    "netberth_error_errno": (
        ctypes.c_int,
        [
            ctypes.POINTER(netberth_error),
        ],
    ),
    "netberth_error_message": (
        ctypes.c_char_p,
        [
            ctypes.POINTER(netberth_error),
        ],
    ),
    "netberth_error_json": (
        ctypes.c_char_p,
        [
            ctypes.POINTER(netberth_error),
        ],
    ),
    "netberth_error_free": (
        None,
        [
            ctypes.POINTER(netberth_error),
        ],
    ),
    "netberth_string_free": (
        None,
        [
            ctypes.POINTER(ctypes.c_char),
        ],
    ),
}
