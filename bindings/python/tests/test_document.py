"""Requests as Python has them, answers as the standard library has them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from types import MappingProxyType

import pytest

from netberth import PortMapping, Proto, Subnet, _document
from netberth.network import request_document


def test_what_has_a_place_in_a_request() -> None:
    document = {
        "address": ip_address("fd00::1"),
        "subnet": ip_network("10.0.0.0/8"),
        "path": Path("/run/x"),
        "labels": MappingProxyType({"a": "b"}),
        "ports": (PortMapping(Proto.UDP, 53, host_ip=IPv4Address("127.0.0.1")),),
        "absent": None,
        "word": "Grüße",
    }
    assert json.loads(_document.encode(document)) == {
        "address": "fd00::1",
        "subnet": "10.0.0.0/8",
        "path": "/run/x",
        "labels": {"a": "b"},
        "ports": [
            {
                "proto": 17,
                "port": 53,
                "host_port": 0,
                "port_end": None,
                "host_ip": "127.0.0.1",
                "host_port_end": None,
            }
        ],
        "absent": None,
        "word": "Grüße",
    }
    for bad in (object(), b"bytes", {1, 2}, PortMapping):
        with pytest.raises(TypeError):
            _document.encode({"member": bad})


def test_what_cannot_be_a_text() -> None:
    assert _document.text("Grüße") == "Grüße".encode()
    with pytest.raises(ValueError, match="NUL"):
        _document.text("a\0b")
    with pytest.raises(ValueError):
        _document.text("\udc80")
    for bad in (None, b"bytes", 5):
        with pytest.raises(TypeError):
            _document.text(bad)  # type: ignore[arg-type]


def test_times() -> None:
    expected = datetime(2015, 6, 20, 17, 4, 25, tzinfo=timezone.utc)
    assert _document.time("2015-06-20T17:04:25Z") == expected


def test_keywords_of_a_network_are_its_options() -> None:
    subnet = Subnet(IPv6Network("fd00:5::/64"))
    given = {"name": "old", "options": {"mtu": 1400, "icc": False}}
    document = request_document(
        given, {"name": "new", "icc": True, "subnets": ["10.0.0.0/24", subnet, {"subnet": "x"}]}
    )
    assert document == {
        "name": "new",
        "options": {
            "mtu": 1400,
            "icc": True,
            "subnets": [{"subnet": "10.0.0.0/24"}, subnet, {"subnet": "x"}],
        },
    }
    assert given == {"name": "old", "options": {"mtu": 1400, "icc": False}}, "left as it was"
    assert request_document(None, {"name": "n"}) == {"name": "n"}
