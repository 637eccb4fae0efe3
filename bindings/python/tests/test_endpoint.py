"""Endpoints, and the containers joined to them."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface

import pytest

import netberth
from conftest import Host
from netberth import ExposedPort, PortMapping, Proto


@pytest.fixture
def farm(nb: netberth.Netberth) -> netberth.Netberth:
    nb.networks.create(name="farm", subnets=["10.88.2.0/24"])
    return nb


def test_the_life_of_an_endpoint(farm: netberth.Netberth) -> None:
    key = farm.endpoints.create(
        "farm",
        name="barn",
        exposed_ports=[{"proto": "tcp", "port": 80}, ExposedPort(Proto.SCTP, 9)],
        port_mapping=[
            PortMapping(Proto.TCP, 80, host_port=8080),
            {"proto": "udp", "port": 53, "port_end": 55, "host_ip": "127.0.0.1", "host_port": 5353},
        ],
        ipv4_address=ip_address("10.88.2.77"),
        mac_address="02:00:00:00:00:01",
        aliases=["shed"],
        priority=7,
        labels={"of": "wood"},
    )
    barn = farm.endpoints.get("farm", "barn")
    assert (barn.id, barn.name, barn.network) == (key, "barn", "farm")
    assert barn.addresses == (ip_interface("10.88.2.77/24"),)
    assert (barn.mac, barn.aliases, barn.priority) == ("02:00:00:00:00:01", ("shed",), 7)
    assert barn.exposed_ports == (ExposedPort(Proto.TCP, 80), ExposedPort(Proto.SCTP, 9))
    assert barn.port_mapping[0] == PortMapping(Proto.TCP, 80, host_port=8080)
    assert barn.port_mapping[1].host_ip == ip_address("127.0.0.1")
    assert isinstance(barn.port_mapping[1].proto, Proto)
    assert (barn.container, barn.interface, barn.sandbox_key) == (None, None, None)
    assert farm.networks.get("farm").endpoints == (barn,) == farm.endpoints.list("farm")
    assert farm.endpoints.list("farm", name="nobody") == ()
    farm.endpoints.delete("farm", key)
    assert farm.endpoints.list("farm") == ()


def test_a_port_that_is_chosen(farm: netberth.Netberth) -> None:
    farm.endpoints.create("farm", name="a", port_mapping=[{"proto": "tcp", "port": 80}])
    (port,) = farm.endpoints.get("farm", "a").port_mapping
    assert port.proto is Proto.TCP and port.host_port > 0


def test_join_and_detach(host: Host, farm: netberth.Netberth) -> None:
    farm.endpoints.create("farm", name="barn")
    key = farm.endpoints.join(
        "farm",
        "barn",
        container_id="cow",
        host_name="moo",
        dns=[ip_address("10.88.2.1")],
        extra_hosts=[{"name": "elsewhere", "address": ip_address("192.0.2.1")}],
        interface_name="snout",
        sysctls={"net.ipv4.ip_forward": "0"},
    )
    barn = farm.endpoints.get("farm", "barn")
    assert (barn.container, barn.interface, barn.sandbox_key) == ("cow", "snout", key)
    (snout,) = json.loads(
        farm.sandboxes.run("cow", ["ip", "-json", "address", "show", "snout"], capture_output=True)
        .stdout
    )
    assert str(barn.addresses[0].ip) in [each["local"] for each in snout["addr_info"]]
    sandbox = farm.sandboxes.get("cow")
    assert "elsewhere" in sandbox.hosts_path.read_text()
    assert "10.88.2.1" in sandbox.resolv_conf_path.read_text()
    with pytest.raises(netberth.Invalid, match="cow"):
        farm.endpoints.join("farm", "barn", container_id="pig")
    with pytest.raises(netberth.InUse):
        farm.endpoints.delete("farm", "barn")
    farm.endpoints.detach("farm", "barn", "cow")
    assert farm.endpoints.join("farm", "barn", {"container_id": "cow"}) == key
    farm.endpoints.delete("farm", "barn", force=True)
    assert farm.sandboxes.get("cow").endpoints == ()


def test_many_joins_are_one_change(farm: netberth.Netberth) -> None:
    def one(name: str) -> netberth.JoinManyRequest:
        return {"network": "farm", "endpoint": {"name": name}, "container": {"container_id": name}}

    with pytest.raises(netberth.Exists, match=r"joins\[1\]"):
        farm.endpoints.join_many([one("a"), one("a")], atomic=True)
    assert farm.endpoints.list("farm") == ()
    first, second, third = farm.endpoints.join_many([one("a"), one("a"), one("b")])
    assert isinstance(second, netberth.Exists)
    assert isinstance(first, netberth.NewJoin) and isinstance(third, netberth.NewJoin)
    assert farm.endpoints.get("farm", first.endpoint).sandbox_key == first.key
    for name in ("a", "b"):
        farm.sandboxes.delete(name)
        farm.endpoints.delete("farm", name)
