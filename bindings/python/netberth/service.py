"""Services: an address on a network, and containers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, TypedDict, Union

from . import _declarations, endpoint
from ._document import Address, Interface, encode, given, interfaces, text
from ._managed import Handle
from .endpoint import Endpoint
from .port import ExposedPort, ExposedPortRequest, PortMapping, PortMappingRequest
from .sandbox import JoinRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ServiceRequest(TypedDict, total=False):
    """A service that is asked for."""

    name: str
    network_name: str
    """`bridge` if absent."""
    exposed_ports: Sequence[Union[ExposedPort, ExposedPortRequest]]
    port_mapping: Sequence[Union[PortMapping, PortMappingRequest]]
    balance: Literal["round-robin", "random", "source"]
    virtual_address: Union[str, Address]
    aliases: Sequence[str]
    priority: int
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Backend:
    """A container behind a service."""

    id: str
    """The container's id."""
    addresses: tuple[Interface, ...]
    mac: Optional[str]
    state: str
    """`attached`, `draining` while it takes no new connections, or `detaching`."""


@dataclass(frozen=True)
class Service(Endpoint):
    """A service. In a list also an endpoint that is none, which is what a service was in 2015: it
    has no balance and no virtual address."""

    virtual_addresses: tuple[Interface, ...]
    balance: Optional[str]
    backends: tuple[Backend, ...]


def _backend(document: dict[str, Any]) -> Backend:
    return Backend(
        id=document["id"],
        addresses=interfaces(document["addresses"]),
        mac=document.get("mac"),
        state=document["state"],
    )


def _service(document: dict[str, Any]) -> Service:
    return Service(
        **endpoint.members(document),
        virtual_addresses=interfaces(document.get("virtual_addresses", [])),
        balance=document.get("balance"),
        backends=tuple(_backend(each) for each in document.get("backends", [])),
    )


class Services:
    """The services of a handle. They are named by id, by name, or by the first four or more digits
    of their id."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def publish(
        self,
        request: Optional[Mapping[str, Any]] = None,
        /,
        **more: Unpack[ServiceRequest],
    ) -> str:
        """Publishes a service: by keywords, by a document, or by both, the keywords winning.
        Returns its id."""
        document = encode({**(request or {}), **more})
        return self._handle.answer("netberth_service_publish", document)

    def get(self, service: str) -> Service:
        """Shows a service."""
        flags = _declarations.VERBOSE
        return _service(self._handle.ask("netberth_service_get", text(service), flags))

    def list(
        self,
        *,
        name: Optional[str] = None,
        partial_id: Optional[str] = None,
        network: Optional[str] = None,
    ) -> tuple[Service, ...]:
        """Lists every endpoint of every network in order of creation: all, or those of an exact
        name, of an id that begins so, or of the network of that name."""
        wanted = encode(given(name=name, partial_id=partial_id, network=network))
        answer = self._handle.ask("netberth_service_list", wanted, _declarations.VERBOSE)
        return tuple(_service(each) for each in answer)

    def unpublish(self, service: str, *, force: bool = False) -> None:
        """Deletes a service. `InUse` while back ends are attached, unless forced."""
        flags = _declarations.FORCE if force else 0
        self._handle.do("netberth_service_unpublish", text(service), flags)

    def attach(
        self,
        service: str,
        request: Optional[Mapping[str, Any]] = None,
        /,
        **more: Unpack[JoinRequest],
    ) -> Path:
        """Attaches a container as one more back end. Returns the sandbox key, the path of its
        namespace."""
        document = encode({**(request or {}), **more})
        return Path(self._handle.answer("netberth_service_attach", text(service), document))

    def backends(self, service: str) -> tuple[Backend, ...]:
        """Lists the back ends of a service in order of attaching."""
        flags = _declarations.VERBOSE
        answer = self._handle.ask("netberth_service_backends", text(service), flags)
        return tuple(_backend(each) for each in answer)

    def detach(self, service: str, container: str, *, drain: bool = False) -> None:
        """Detaches a back end; its connections end. With `drain` they go on, and it only gets no
        new ones."""
        flags = _declarations.DRAIN if drain else 0
        self._handle.do("netberth_service_detach", text(service), text(container), flags)
