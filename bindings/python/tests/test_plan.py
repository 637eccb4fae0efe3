"""Rehearsals."""

from __future__ import annotations

import pytest

import netberth
from conftest import Host


def test_a_rehearsal_does_nothing(host: Host, nb: netberth.Netberth) -> None:
    before = host.links()
    lines = nb.plan(
        {
            "verb": "network_create",
            "request": {"name": "dream", "options": {"bridge": "nb-dream"}},
        },
        {"verb": "endpoint_create", "network": "dream", "request": {"name": "e"}},
        {"verb": "join", "network": "dream", "endpoint": "e", "request": {"container_id": "c"}},
    )
    assert any(line.startswith("ip link add nb-dream ") for line in lines)
    assert any("eth0" in line for line in lines)
    assert host.links() == before
    with pytest.raises(netberth.NotFound):
        nb.networks.get("dream")


def test_what_is_refused(nb: netberth.Netberth) -> None:
    with pytest.raises(netberth.Invalid, match="dance"):
        nb.plan({"verb": "dance"})
    with pytest.raises(netberth.Invalid, match="force"):
        nb.plan({"verb": "network_create", "request": {"name": "a"}, "force": True})
    assert nb.plan() == ()
