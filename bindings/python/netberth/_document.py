"""Requests to JSON and answers from it, and the few types of the standard library between."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
from collections.abc import Mapping
from datetime import datetime
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any, Union

Address = Union[IPv4Address, IPv6Address]
Interface = Union[IPv4Interface, IPv6Interface]
Subnetwork = Union[IPv4Network, IPv6Network]
Path = Union[str, "os.PathLike[str]"]

_WORDS = (
    IPv4Address,
    IPv6Address,
    IPv4Interface,
    IPv6Interface,
    IPv4Network,
    IPv6Network,
)


def text(value: str) -> bytes:
    """A text as C takes it. C would see only what stands before a NUL."""
    if not isinstance(value, str):
        raise TypeError(f"a str is needed, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{value!r} has a NUL in it")
    return value.encode()


def encode(document: object) -> bytes:
    """A request as JSON. None is the same as absent: netberth says so, hence it stays."""
    return json.dumps(document, default=_plain, allow_nan=False).encode()


def _plain(value: object) -> object:
    """What json does not know by itself."""
    if isinstance(value, _WORDS):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} has no place in a request: {value!r}")


def address(value: str) -> Address:
    """An address alone."""
    return ipaddress.ip_address(value)


def interfaces(values: list[str]) -> tuple[Interface, ...]:
    """Addresses with the length of their subnet."""
    return tuple(ipaddress.ip_interface(value) for value in values)


def networks(values: list[str]) -> tuple[Subnetwork, ...]:
    """Subnets."""
    return tuple(ipaddress.ip_network(value) for value in values)


def time(value: str) -> datetime:
    """RFC 3339 in UTC, as netberth writes it."""
    # fromisoformat() knows no Z before Python 3.11.
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
