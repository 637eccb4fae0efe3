"""Networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union

from . import _declarations, endpoint
from ._document import Address, Subnetwork, address, encode, given, networks, text, time
from ._managed import Handle
from .endpoint import Endpoint

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SubnetRequest(TypedDict, total=False):
    """A subnet that is asked for."""

    subnet: Union[str, Subnetwork]
    range: Union[str, Subnetwork]
    """Automatic addresses are taken from here."""
    gateway: Union[str, Address]
    """The bridge's own address; the first of the subnet if absent."""
    reserved: Sequence[Union[str, Address, Subnetwork]]
    """Never given out automatically."""


@dataclass(frozen=True)
class Subnet:
    """A subnet in effect; in a request, one that is asked for."""

    subnet: Subnetwork
    range: Optional[Subnetwork] = None
    gateway: Optional[Address] = None
    reserved: tuple[Subnetwork, ...] = ()


class OptionsRequest(TypedDict, total=False):
    """The options of a network; what is absent has its default."""

    subnets: Sequence[Union[str, Subnetwork, Subnet, SubnetRequest]]
    """The first free one if absent."""
    ipv6: bool
    """An IPv6 subnet is chosen if none is given."""
    internal: bool
    """No way out and no way in."""
    icc: bool
    """Its containers may talk to each other: True if absent."""
    masquerade: bool
    """What leaves the host takes the host's address: True if absent."""
    mtu: int
    """In bytes."""
    bridge: str
    """The name of the bridge device."""
    host_binding: Union[str, Address]
    """Where ports are published that name no address of the host."""
    labels: Mapping[str, str]


class NetworkRequest(OptionsRequest, total=False):
    """A network that is asked for."""

    name: str
    network_type: str
    """`bridge` if absent."""
    options: Mapping[str, Any]
    """Options as a document, with the old spellings if need be."""


@dataclass(frozen=True)
class NetworkOptions:
    """What is in effect."""

    subnets: tuple[Subnet, ...]
    ipv6: bool
    internal: bool
    icc: bool
    masquerade: bool
    mtu: int
    """In bytes; 0 while nothing of the network is in the kernel."""
    bridge: str
    host_binding: Optional[Address]


@dataclass(frozen=True)
class Network:
    """A network."""

    name: str
    id: str
    type: str
    endpoints: tuple[Endpoint, ...]
    """In order of creation."""
    options: NetworkOptions
    created: datetime
    labels: Mapping[str, str] = field(hash=False)


def _subnet(document: dict[str, Any]) -> Subnet:
    return Subnet(
        subnet=ip_network(document["subnet"]),
        range=ip_network(document["range"]) if "range" in document else None,
        gateway=address(document["gateway"]) if "gateway" in document else None,
        reserved=networks(document.get("reserved", [])),
    )


def _options(document: dict[str, Any]) -> NetworkOptions:
    binding = document.get("host_binding")
    return NetworkOptions(
        subnets=tuple(_subnet(each) for each in document["subnets"]),
        ipv6=document["ipv6"],
        internal=document["internal"],
        icc=document["icc"],
        masquerade=document["masquerade"],
        mtu=document["mtu"],
        bridge=document["bridge"],
        host_binding=None if binding is None else address(binding),
    )


def _network(document: dict[str, Any]) -> Network:
    return Network(
        name=document["name"],
        id=document["id"],
        type=document["type"],
        endpoints=tuple(Endpoint(**endpoint.members(each)) for each in document["endpoints"]),
        options=_options(document["options"]),
        created=time(document["created"]),
        labels=document["labels"],
    )


def request_document(
    request: Optional[Mapping[str, Any]], more: Mapping[str, Any]
) -> dict[str, Any]:
    """The document of POST /networks. Keywords that are not its own are options."""
    document: dict[str, Any] = dict(request or {})
    options: dict[str, Any] = {}
    for name, value in more.items():
        place = document if name in ("name", "network_type", "options") else options
        place[name] = value
    if "subnets" in options:
        options["subnets"] = [
            each if isinstance(each, (Mapping, Subnet)) else {"subnet": each}
            for each in options["subnets"]
        ]
    if options:
        document["options"] = {**(document.get("options") or {}), **options}
    return document


class Networks:
    """The networks of a handle. They are named by id, by name, or by the first four or more digits
    of their id."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def create(
        self,
        request: Optional[Mapping[str, Any]] = None,
        /,
        **more: Unpack[NetworkRequest],
    ) -> str:
        """Creates a network and brings it up: by keywords, by a document, or by both, the keywords
        winning. Returns its id."""
        document = encode(request_document(request, more))
        return self._handle.answer("netberth_network_create", document)

    def get(self, network: str) -> Network:
        """Shows a network."""
        flags = _declarations.VERBOSE
        return _network(self._handle.ask("netberth_network_get", text(network), flags))

    def list(
        self, *, name: Optional[str] = None, partial_id: Optional[str] = None
    ) -> tuple[Network, ...]:
        """Lists networks in order of creation: all, or those of an exact name or of an id that
        begins so."""
        wanted = encode(given(name=name, partial_id=partial_id))
        answer = self._handle.ask("netberth_network_list", wanted, _declarations.VERBOSE)
        return tuple(_network(each) for each in answer)

    def delete(self, network: str) -> None:
        """Deletes a network. `InUse` while it has endpoints."""
        self._handle.do("netberth_network_delete", text(network), 0)
