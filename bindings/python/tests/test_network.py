"""Networks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address, ip_address, ip_network

import pytest

import netberth
from conftest import Host
from netberth import Subnet


def test_the_life_of_a_network(host: Host, nb: netberth.Netberth) -> None:
    assert [network.name for network in nb.networks.list()] == ["none", "host", "bridge"]
    key = nb.networks.create(
        name="web",
        subnets=[
            {
                "subnet": ip_network("10.88.1.0/24"),
                "range": "10.88.1.128/25",
                "gateway": IPv4Address("10.88.1.5"),
                "reserved": ["10.88.1.130"],
            },
            "fd00:88::/64",
        ],
        mtu=1400,
        icc=False,
        bridge="nb-web",
        host_binding="127.0.0.1",
        labels={"owner": "python"},
    )
    assert "nb-web" in host.links()
    network = nb.networks.get("web")
    assert (network.name, network.id, network.type) == ("web", key, "bridge")
    assert network.endpoints == () and network.labels == {"owner": "python"}
    assert abs(datetime.now(timezone.utc) - network.created) < timedelta(minutes=1)
    options = network.options
    assert options.subnets == (
        Subnet(
            subnet=ip_network("10.88.1.0/24"),
            range=ip_network("10.88.1.128/25"),
            gateway=ip_address("10.88.1.5"),
            reserved=(ip_network("10.88.1.130/32"),),
        ),
        Subnet(subnet=ip_network("fd00:88::/64"), gateway=ip_address("fd00:88::1")),
    )
    assert (options.mtu, options.bridge, options.ipv6) == (1400, "nb-web", True)
    assert (options.icc, options.masquerade, options.internal) == (False, True, False)
    assert options.host_binding == ip_address("127.0.0.1")
    assert hash(network) == hash(nb.networks.get(key[:12]))
    assert nb.networks.list(name="web") == nb.networks.list(partial_id=key[:9]) == (network,)
    nb.networks.delete("web")
    assert "nb-web" not in host.links()
    with pytest.raises(netberth.NotFound):
        nb.networks.get(key)


def test_an_answer_can_be_asked_for_again(nb: netberth.Netberth) -> None:
    nb.networks.create(name="a", subnets=[Subnet(ip_network("10.88.1.0/24"))])
    subnets = nb.networks.get("a").options.subnets
    nb.networks.delete("a")
    nb.networks.create(name="b", subnets=subnets)
    assert nb.networks.get("b").options.subnets == subnets


def test_a_document_instead_of_keywords(nb: netberth.Netberth) -> None:
    document = {"Name": "old", "options": {"com.docker.network.generic": {"Mtu": "1300"}}}
    nb.networks.create(document)
    assert nb.networks.get("old").options.mtu == 1300


def test_what_is_refused(nb: netberth.Netberth) -> None:
    with pytest.raises(netberth.Invalid, match="colour"):
        nb.networks.create({"name": "a", "colour": 1})
    with pytest.raises(netberth.Invalid, match="unsupported query"):
        nb.networks.list(name="a", partial_id="b")
    with pytest.raises(netberth.Denied):
        nb.networks.delete("bridge")
    with pytest.raises(ValueError, match="NUL"):
        nb.networks.get("bridge\0and more")
    with pytest.raises(netberth.Invalid):
        nb.networks.create(name="bad \udc80")
