"""What a call raises when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Optional

from . import _declarations


class NetberthError(Exception):
    """A call failed. Which subclass it is says the kind; this class itself is one that is newer
    than this package."""

    code: int = 0
    """The number of the kind, one of the header's NETBERTH_KIND_...; it never changes meaning."""

    message: str
    """In words, for people; it may change. What went wrong while undoing has lines of its own."""

    kind: str
    """The kind as a word, such as "not_found"."""

    errno: Optional[int]
    """The operating system's number, such as errno.ENOSPC, if the failure came from there."""

    doing: tuple[str, ...]
    """What was being done, outermost first."""

    cleanup: tuple[str, ...]
    """What went wrong while undoing."""

    def __init__(self, code: int, document: Mapping[str, Any]) -> None:
        # Both, so that a copy or a pickle of it is the same.
        super().__init__(code, document)
        self.code = code
        self.message = document.get("message", "")
        self.kind = document.get("kind", "")
        self.errno = document.get("errno")
        self.doing = tuple(document.get("doing", ()))
        self.cleanup = tuple(document.get("cleanup", ()))

    def __str__(self) -> str:
        return self.message


class Invalid(NetberthError):
    """The request is malformed or contradicts itself."""

    code = _declarations.KIND_INVALID


class NotFound(NetberthError):
    """Nothing has that name or id."""

    code = _declarations.KIND_NOT_FOUND


class Exists(NetberthError):
    """The name, address, port or device is taken already."""

    code = _declarations.KIND_EXISTS


class InUse(NetberthError):
    """It cannot go while something else depends on it."""

    code = _declarations.KIND_IN_USE


class Exhausted(NetberthError):
    """A pool, a bridge or a table is full."""

    code = _declarations.KIND_EXHAUSTED


class Denied(NetberthError):
    """The caller lacks a right, or the object is not the caller's to change."""

    code = _declarations.KIND_DENIED


class Unsupported(NetberthError):
    """This kernel or this version cannot do it."""

    code = _declarations.KIND_UNSUPPORTED


class KernelError(NetberthError):
    """The kernel refused a request; `errno` says with which number."""

    code = _declarations.KIND_KERNEL


class StoreError(NetberthError):
    """The state directory cannot be read or written."""

    code = _declarations.KIND_STORE


class Busy(NetberthError):
    """Another thread or process holds the state directory for too long."""

    code = _declarations.KIND_BUSY


class Timeout(NetberthError):
    """Something did not happen in time."""

    code = _declarations.KIND_TIMEOUT


class Bug(NetberthError):
    """netberth broke one of its own promises; the process is unharmed."""

    code = _declarations.KIND_BUG


KINDS: Final[Mapping[int, type[NetberthError]]] = {
    kind.code: kind for kind in NetberthError.__subclasses__()
}
"""Each kind's class by its number."""


def of_document(document: Mapping[str, Any]) -> NetberthError:
    """The exception that a document tells of, where one stands in an answer."""
    code = getattr(_declarations, "KIND_" + str(document.get("kind", "")).upper(), 0)
    return KINDS.get(code, NetberthError)(code, document)
