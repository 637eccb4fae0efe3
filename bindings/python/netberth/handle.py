"""The handle: a state directory that was opened."""

from __future__ import annotations

from types import TracebackType
from typing import Callable, Optional

from . import _managed, plan, verify
from ._document import Path, encode, given
from .endpoint import Endpoints
from .network import Networks
from .sandbox import Sandboxes
from .service import Services
from .verify import Collected, Repair


class Netberth:
    """A state directory that was opened, and the network namespace it was opened in. Any number of
    threads may use it at once. After os.fork() the child opens one of its own."""

    networks: Networks
    endpoints: Endpoints
    sandboxes: Sandboxes
    services: Services

    def __init__(self, handle: _managed.Handle) -> None:
        self._handle = handle
        self.networks = Networks(handle)
        self.endpoints = Endpoints(handle)
        self.sandboxes = Sandboxes(handle)
        self.services = Services(handle)

    @property
    def closed(self) -> bool:
        """Whether it was closed: then every call raises ValueError."""
        return self._handle.closed

    def close(self) -> None:
        """Closes it, when the calls of other threads are done; closing again does nothing. What
        was made stays."""
        self._handle.close()

    def __enter__(self) -> Netberth:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Netberth {'closed' if self.closed else 'open'}>"

    def set_log(self, log: Optional[Callable[[int, str], object]]) -> None:
        """Sets who is told messages, as a `netberth.log.Level` and one line: nobody at first. It is
        called on the thread of the call that has something to tell, and may call the handle itself,
        but not close it."""
        self._handle.set_log(log)

    def plan(self, *verbs: plan.Verb) -> tuple[str, ...]:
        """What verbs would do to the host, as the lines that an operator would type; nothing is
        done. Each sees what those before it would have made."""
        return plan.plan(self._handle, *verbs)

    def verify(self) -> tuple[verify.Difference, ...]:
        """Compares what was made with what the host has; no differences if all is well."""
        return verify.verify(self._handle)

    def repair(self) -> Repair:
        """Sets right what `verify` tells of, as far as it is netberth's; what is right is not
        touched."""
        return verify.repair(self._handle)

    def gc(self) -> tuple[Collected, ...]:
        """Removes what nobody needs any more: sandboxes whose namespace is gone, links and files
        that no record has."""
        return verify.gc(self._handle)


def open(
    *,
    state_dir: Optional[Path] = None,
    run_dir: Optional[Path] = None,
    netns_dir: Optional[Path] = None,
    lock_timeout_ms: Optional[int] = None,
    log: Optional[Callable[[int, str], object]] = None,
) -> Netberth:
    """Opens a state directory, which is created where it is absent. The network namespace of the
    calling thread is the host's for this handle. Absent are /var/lib/netberth, /run/netberth,
    RUN_DIR/netns and 30000."""
    config = given(
        state_dir=state_dir,
        run_dir=run_dir,
        netns_dir=netns_dir,
        lock_timeout_ms=lock_timeout_ms,
    )
    nb = Netberth(_managed.Handle(encode(config)))
    if log is not None:
        nb.set_log(log)
    return nb
