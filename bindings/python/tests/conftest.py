"""A host for each test: a network namespace of its own, whose last user takes it away."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netberth
from netberth import namespace

CLONE_NEWNET = 0x40000000


class Host:
    """A network namespace and a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.failure = ""
        thread = threading.Thread(target=self._make)
        thread.start()
        thread.join()
        if self.failure:
            pytest.fail(f"no namespace: {self.failure}: the tests need root and CAP_SYS_ADMIN")
        self.run("ip", "link", "set", "lo", "up")

    def _make(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            self.failure = os.strerror(ctypes.get_errno())
            return
        self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def open(self, **more: Any) -> netberth.Netberth:
        """A handle whose host this is."""
        more = {"state_dir": self.state, "run_dir": self.directory / "run", **more}
        return namespace.within(self.path, lambda: netberth.open(**more))

    def run(self, *program: str, **options: Any) -> str:
        """What a program says that runs on this host."""
        options = {"check": True, "stdout": subprocess.PIPE, "text": True, **options}
        return str(namespace.run(self.path, program, **options).stdout)

    def forget(self) -> None:
        """Lets the namespace go, and what is mounted in the directory."""
        for line in Path("/proc/self/mounts").read_text().splitlines():
            place = line.split()[1]
            if place.startswith(f"{self.directory}/"):
                subprocess.run(["umount", "--lazy", place], check=True)
        os.close(self.descriptor)

    def links(self) -> set[str]:
        """The names of its devices, without those that the kernel is about to reap."""
        for _ in range(3000):
            links = json.loads(self.run("ip", "-json", "link"))
            doomed = [one for one in links if one["ifname"].startswith("nb") and _unplugged(one)]
            if not doomed:
                break
            time.sleep(0.01)
        return {link["ifname"] for link in links}


def _unplugged(link: dict[str, Any]) -> bool:
    """Whether it is of a namespace that was given up."""
    return "master" not in link and "UP" not in link["flags"]


@pytest.fixture(autouse=True, scope="session")
def isolated() -> None:
    """Whatever goes wrong with the namespaces of the tests goes wrong in one that is not the
    machine's."""
    links = json.loads(subprocess.run(["ip", "-json", "link"], stdout=subprocess.PIPE).stdout)
    up = [link["ifname"] for link in links if "UP" in link["flags"]]
    if up != ["lo"]:
        pytest.exit(f"this network is not one of its own, it has {up}: use scripts/isolated", 1)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    one = Host(tmp_path)
    yield one
    one.forget()


@pytest.fixture
def nb(host: Host) -> Iterator[netberth.Netberth]:
    with host.open() as one:
        yield one
        for sandbox in one.sandboxes.list():
            one.sandboxes.delete(sandbox.container_id)
