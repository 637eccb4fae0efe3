"""Ports: exposed, and published on the host."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, Optional, TypedDict, Union

from ._document import Address, address


class Proto(IntEnum):
    """A protocol that has ports."""

    TCP = socket.IPPROTO_TCP
    UDP = socket.IPPROTO_UDP
    SCTP = socket.IPPROTO_SCTP


class ExposedPortRequest(TypedDict, total=False):
    """A port that a container says it serves."""

    proto: Union[int, Literal["tcp", "udp", "sctp"]]
    port: int


class PortMappingRequest(TypedDict, total=False):
    """A port of a container, or a span of them, to be published."""

    proto: Union[int, Literal["tcp", "udp", "sctp"]]
    port: int
    """In the container."""
    port_end: int
    """The last of a span; the host's span is as long."""
    host_ip: Union[str, Address]
    """Absent for all addresses of the host."""
    host_port: int
    """Absent or 0 for the first free one of the kernel's local port range."""
    host_port_end: int
    """Any free one up to this."""


@dataclass(frozen=True)
class ExposedPort:
    """A port that a container says it serves."""

    proto: int
    """A `Proto`."""
    port: int


@dataclass(frozen=True)
class PortMapping:
    """What is published. In an answer `host_port` is the one that was allotted."""

    proto: int
    """A `Proto`."""
    port: int
    host_port: int = 0
    port_end: Optional[int] = None
    host_ip: Optional[Address] = None
    host_port_end: Optional[int] = None


def _proto(number: int) -> int:
    """The number as a `Proto`, where it is one."""
    try:
        return Proto(number)
    except ValueError:
        return number


def exposed(documents: list[dict[str, Any]]) -> tuple[ExposedPort, ...]:
    """Reads them from an answer."""
    return tuple(ExposedPort(_proto(each["proto"]), each["port"]) for each in documents)


def published(documents: list[dict[str, Any]]) -> tuple[PortMapping, ...]:
    """Reads them from an answer."""
    return tuple(
        PortMapping(
            proto=_proto(each["proto"]),
            port=each["port"],
            host_port=each["host_port"],
            port_end=each.get("port_end"),
            host_ip=address(each["host_ip"]) if "host_ip" in each else None,
            host_port_end=each.get("host_port_end"),
        )
        for each in documents
    )
