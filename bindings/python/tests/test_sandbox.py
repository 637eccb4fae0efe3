"""Sandboxes, and work inside them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

import pytest

import netberth
from conftest import Host

HERE = "/proc/thread-self/ns/net"


@pytest.fixture
def box(nb: netberth.Netberth) -> netberth.Netberth:
    nb.networks.create(name="yard", subnets=["10.88.3.0/24"])
    for number in (1, 2):
        nb.endpoints.create("yard", name=f"e{number}")
        nb.endpoints.join("yard", f"e{number}", container_id=f"c{number}")
    return nb


def test_sandboxes_are_shown(box: netberth.Netberth) -> None:
    one, two = box.sandboxes.list()
    assert box.sandboxes.get("c1") == one != two
    assert (one.container_id, one.owned) == ("c1", True)
    assert [(each.name, each.network) for each in one.endpoints] == [("e1", "yard")]
    assert one.key.exists() and one.hosts_path.exists() and one.resolv_conf_path.exists()
    box.sandboxes.delete("c1")
    assert box.sandboxes.list() == (two,) and not one.key.exists()
    with pytest.raises(netberth.NotFound):
        box.sandboxes.delete("c1")


def test_a_namespace_that_is_given(host: Host, box: netberth.Netberth) -> None:
    box.endpoints.create("yard", name="e3")
    inside = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
    try:
        for _ in range(500):
            if os.readlink(f"/proc/{inside.pid}/ns/net") != os.readlink("/proc/self/ns/net"):
                break
            threading.Event().wait(0.01)
        box.endpoints.join("yard", "e3", container_id="given", pid=inside.pid)
        assert not box.sandboxes.get("given").owned
        found = box.sandboxes.run("given", ["readlink", "/proc/self/ns/net"], capture_output=True)
        assert found.stdout.decode().strip() == os.readlink(f"/proc/{inside.pid}/ns/net")
        box.sandboxes.delete("given")
    finally:
        inside.communicate()


def test_a_program_runs_inside_and_the_caller_stays(box: netberth.Netberth) -> None:
    here, threads = os.readlink(HERE), threading.active_count()
    inside = box.sandboxes.within("c1", lambda: os.readlink(HERE))
    assert inside != here
    told = box.sandboxes.run(
        "c1", ["readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == inside and told.stderr == ""
    assert os.readlink(HERE) == here and threading.active_count() == threads
    ping = ["ping", "-c", "1", "-W", "5", "10.88.3.3"]
    assert box.sandboxes.run("c1", ping, stdout=subprocess.DEVNULL).returncode == 0
    assert box.sandboxes.run("c1", ["cat"], input=b"said", capture_output=True).stdout == b"said"


def test_a_program_that_fails(box: netberth.Netberth) -> None:
    assert box.sandboxes.run("c1", ["false"]).returncode == 1
    with pytest.raises(subprocess.CalledProcessError):
        box.sandboxes.run("c1", ["false"], check=True)
    with pytest.raises(FileNotFoundError):
        box.sandboxes.run("c1", ["/no/such/program"])
    with pytest.raises(subprocess.TimeoutExpired):
        box.sandboxes.run("c1", ["sleep", "60"], timeout=0.05)
    with pytest.raises(netberth.NotFound):
        box.sandboxes.run("nobody", ["true"])
    with pytest.raises(OSError) as caught:
        netberth.within("/proc/self/exe", lambda: None)
    assert caught.value.filename == "/proc/self/exe"
    with pytest.raises(ZeroDivisionError):
        box.sandboxes.within("c1", lambda: 1 // 0)


def test_a_socket_of_the_inside_is_used_from_outside(box: netberth.Netberth) -> None:
    server = box.sandboxes.within("c1", lambda: socket.create_server(("10.88.3.2", 7000)))
    client = box.sandboxes.within("c2", lambda: socket.create_connection(("10.88.3.2", 7000), 5))
    with server, client:
        server.settimeout(5)
        peer, (address, _) = server.accept()
        with peer:
            client.sendall(b"hello")
            assert peer.recv(5) == b"hello" and address == "10.88.3.3"


def test_popen(box: netberth.Netberth) -> None:
    program = [sys.executable, "-c", "print(input()[::-1])"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with box.sandboxes.popen("c1", program, **pipes) as process:
        assert process.communicate("abc", 10)[0] == "cba\n"
