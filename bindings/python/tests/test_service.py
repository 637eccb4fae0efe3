"""Services."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

import netberth


def test_the_life_of_a_service(nb: netberth.Netberth) -> None:
    nb.networks.create(name="shop", subnets=["10.88.4.0/24"])
    key = nb.services.publish(
        name="till",
        network_name="shop",
        balance="source",
        port_mapping=[{"proto": "tcp", "port": 80, "host_port": 8081}],
    )
    till = nb.services.get("till")
    assert (till.id, till.network, till.balance, till.backends) == (key, "shop", "source", ())
    assert till.virtual_addresses == (ip_interface("10.88.4.2/24"),)
    assert till.port_mapping[0].host_port == 8081
    path = nb.services.attach("till", container_id="clerk")
    assert path == nb.sandboxes.get("clerk").key
    (clerk,) = nb.services.backends("till")
    assert (clerk.id, clerk.state) == ("clerk", "attached")
    assert nb.services.get("till").backends == (clerk,)
    assert nb.services.list(network="shop") == (nb.services.get(key),)
    with pytest.raises(netberth.Invalid, match="clerk"):
        nb.services.attach("till", {"container_id": "clerk"})
    with pytest.raises(netberth.InUse):
        nb.services.unpublish("till")
    nb.services.detach("till", "clerk", drain=True)
    assert nb.services.backends("till")[0].state == "draining"
    nb.services.detach("till", "clerk")
    assert nb.services.backends("till") == ()
    nb.services.attach("till", container_id="clerk")
    nb.services.unpublish("till", force=True)
    with pytest.raises(netberth.NotFound):
        nb.services.get("till")


def test_an_endpoint_is_listed_as_a_service(nb: netberth.Netberth) -> None:
    nb.networks.create(name="shop")
    nb.endpoints.create("shop", name="plain")
    (plain,) = nb.services.list(name="plain")
    assert isinstance(plain, netberth.Endpoint)
    assert (plain.balance, plain.virtual_addresses, plain.backends) == (None, (), ())
