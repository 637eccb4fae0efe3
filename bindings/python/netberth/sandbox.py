"""Sandboxes: the namespaces of containers, and what is joined to them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, TypedDict, TypeVar, Union

from . import _document, namespace
from ._document import Address, encode, text
from ._managed import Handle

T = TypeVar("T")


class ExtraHost(TypedDict):
    """One more line of a hosts file."""

    name: str
    address: Union[str, Address]


class ParentUpdate(TypedDict):
    """A name in another container's hosts file that gets a new address."""

    endpoint_id: str
    name: str
    address: Union[str, Address]


class JoinRequest(TypedDict, total=False):
    """A join that is asked for; `container_id` is needed."""

    container_id: str
    host_name: str
    domain_name: str
    hosts_path: _document.Path
    resolv_conf_path: _document.Path
    dns: Sequence[Union[str, Address]]
    """Nameservers; the host's if absent."""
    dns_search: Sequence[str]
    dns_options: Sequence[str]
    extra_hosts: Sequence[ExtraHost]
    parent_updates: Sequence[ParentUpdate]
    use_default_sandbox: bool
    netns: _document.Path
    """A namespace to join instead of making one."""
    pid: int
    """Likewise, that of a process."""
    interface_name: str
    """The next `eth0`, `eth1`... if absent."""
    sysctls: Mapping[str, str]
    """Keys below `net.`, set inside."""


@dataclass(frozen=True)
class Joined:
    """An endpoint that a container is joined to."""

    name: str
    id: str
    network: str
    """The name of its network."""


@dataclass(frozen=True)
class Sandbox:
    """The namespace of a container."""

    container_id: str
    key: Path
    """The path that a runtime opens."""
    endpoints: tuple[Joined, ...]
    """In order of joining."""
    owned: bool
    """netberth made the namespace, and destroys it."""
    hosts_path: Path
    resolv_conf_path: Path


def _sandbox(document: dict[str, Any]) -> Sandbox:
    return Sandbox(
        container_id=document["container_id"],
        key=Path(document["key"]),
        endpoints=tuple(
            Joined(each["name"], each["id"], each["network"]) for each in document["endpoints"]
        ),
        owned=document["owned"],
        hosts_path=Path(document["hosts_path"]),
        resolv_conf_path=Path(document["resolv_conf_path"]),
    )


class Sandboxes:
    """The sandboxes of a handle, each named by its container's id."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def get(self, container: str) -> Sandbox:
        """Shows the sandbox of a container."""
        return _sandbox(self._handle.ask("netberth_sandbox_get", text(container), 0))

    def list(self) -> tuple[Sandbox, ...]:
        """Lists sandboxes in order of creation."""
        answer = self._handle.ask("netberth_sandbox_list", encode({}), 0)
        return tuple(_sandbox(each) for each in answer)

    def delete(self, container: str) -> None:
        """Detaches everything, forgets the container, and destroys its namespace if netberth made
        it."""
        self._handle.do("netberth_sandbox_delete", text(container), 0)

    def within(self, container: str, work: Callable[[], T]) -> T:
        """Calls `work` in the network of a container: see `netberth.within()`."""
        return namespace.within(self.get(container).key, work)

    def popen(
        self, container: str, program: Sequence[_document.Path], **options: Any
    ) -> subprocess.Popen[Any]:
        """Begins a program in the network of a container; options as for subprocess.Popen."""
        return namespace.popen(self.get(container).key, program, **options)

    def run(
        self, container: str, program: Sequence[_document.Path], **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a program in the network of a container; options as for subprocess.run. Only its
        network is another: files, /sys and /etc/resolv.conf are those of the caller."""
        return namespace.run(self.get(container).key, program, **options)
