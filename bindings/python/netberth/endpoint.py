"""Endpoints: places on a network, each for one container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union

from . import _declarations, port
from ._document import Address, Interface, encode, given, interfaces, text, time
from ._managed import Handle
from .error import NetberthError, of_document
from .port import ExposedPort, ExposedPortRequest, PortMapping, PortMappingRequest
from .sandbox import JoinRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack


class EndpointRequest(TypedDict, total=False):
    """An endpoint that is asked for."""

    name: str
    exposed_ports: Sequence[Union[ExposedPort, ExposedPortRequest]]
    port_mapping: Sequence[Union[PortMapping, PortMappingRequest]]
    ipv4_address: Union[str, Address]
    """Instead of the next free one."""
    ipv6_address: Union[str, Address]
    mac_address: str
    """Instead of one that is made from the IPv4 address."""
    aliases: Sequence[str]
    """Further names by which its network finds it."""
    priority: int
    """The highest of a container's endpoints carries the default route."""
    labels: Mapping[str, str]


class JoinManyRequest(TypedDict, total=False):
    """One of many joins: an endpoint and its container."""

    network: str
    """The default network where it is not given."""
    endpoint: EndpointRequest
    container: JoinRequest


@dataclass(frozen=True)
class NewJoin:
    """What became of one of many joins."""

    endpoint: str
    """The id of the new endpoint."""
    key: Path
    """The sandbox key, the path of the container's namespace."""


@dataclass(frozen=True)
class Endpoint:
    """A place on a network. It keeps its addresses and ports until it is deleted."""

    name: str
    id: str
    network: str
    """The name of its network."""
    addresses: tuple[Interface, ...]
    mac: Optional[str]
    exposed_ports: tuple[ExposedPort, ...]
    port_mapping: tuple[PortMapping, ...]
    """With the host ports that were allotted."""
    container: Optional[str]
    """The container that is joined."""
    interface: Optional[str]
    """The interface inside."""
    sandbox_key: Optional[Path]
    aliases: tuple[str, ...]
    priority: int
    labels: Mapping[str, str] = field(hash=False)
    created: datetime


def members(document: dict[str, Any]) -> dict[str, Any]:
    """What endpoints and services have in common."""
    return {
        "name": document["name"],
        "id": document["id"],
        "network": document["network"],
        "addresses": interfaces(document["addresses"]),
        "mac": document.get("mac"),
        "exposed_ports": port.exposed(document["exposed_ports"]),
        "port_mapping": port.published(document["port_mapping"]),
        "container": document.get("container"),
        "interface": document.get("interface"),
        "sandbox_key": Path(document["sandbox_key"]) if "sandbox_key" in document else None,
        "aliases": tuple(document["aliases"]),
        "priority": document["priority"],
        "labels": document["labels"],
        "created": time(document["created"]),
    }


class Endpoints:
    """The endpoints of a handle. Networks and endpoints are named by id, by name, or by the first
    four or more digits of their id."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def create(
        self,
        network: str,
        request: Optional[Mapping[str, Any]] = None,
        /,
        **more: Unpack[EndpointRequest],
    ) -> str:
        """Creates an endpoint: by keywords, by a document, or by both, the keywords winning.
        Returns its id."""
        document = encode({**(request or {}), **more})
        return self._handle.answer("netberth_endpoint_create", text(network), document)

    def get(self, network: str, endpoint: str) -> Endpoint:
        """Shows an endpoint."""
        named = text(network), text(endpoint)
        answer = self._handle.ask("netberth_endpoint_get", *named, _declarations.VERBOSE)
        return Endpoint(**members(answer))

    def list(
        self, network: str, *, name: Optional[str] = None, partial_id: Optional[str] = None
    ) -> tuple[Endpoint, ...]:
        """Lists the endpoints of a network in order of creation: all, or those of an exact name or
        of an id that begins so."""
        wanted = text(network), encode(given(name=name, partial_id=partial_id))
        answer = self._handle.ask("netberth_endpoint_list", *wanted, _declarations.VERBOSE)
        return tuple(Endpoint(**members(each)) for each in answer)

    def delete(self, network: str, endpoint: str, *, force: bool = False) -> None:
        """Deletes an endpoint and releases its addresses and ports. `InUse` while a container is
        joined, unless forced."""
        flags = _declarations.FORCE if force else 0
        self._handle.do("netberth_endpoint_delete", text(network), text(endpoint), flags)

    def join(
        self,
        network: str,
        endpoint: str,
        request: Optional[Mapping[str, Any]] = None,
        /,
        **more: Unpack[JoinRequest],
    ) -> Path:
        """Joins a container: in a namespace that netberth makes, or in the one that `netns` or
        `pid` names. Returns the sandbox key, the path of its namespace."""
        document = encode({**(request or {}), **more})
        named = text(network), text(endpoint)
        return Path(self._handle.answer("netberth_join", *named, document))

    def join_many(
        self, requests: Sequence[JoinManyRequest], *, atomic: bool = False
    ) -> tuple[Union[NewJoin, NetberthError], ...]:
        """Creates an endpoint for each request and joins its container to it, as one change. The
        results are in the order of the requests: of one that was refused, the exception. With
        `atomic` all are done, or the first refusal is raised and none is."""
        flags = _declarations.ATOMIC if atomic else 0
        answer = self._handle.ask("netberth_join_many", encode(list(requests)), flags)
        return tuple(
            of_document(each["error"])
            if "error" in each
            else NewJoin(each["endpoint"], Path(each["key"]))
            for each in answer
        )

    def detach(self, network: str, endpoint: str, container: str) -> None:
        """Detaches a container. Endpoint and sandbox stay, so that it can be joined again."""
        named = text(network), text(endpoint), text(container)
        self._handle.do("netberth_detach", *named, 0)
