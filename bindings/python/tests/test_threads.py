"""Threads: many on one handle, and others that go on meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import netberth
from conftest import Host

THREADS, ROUNDS = 8, 3

HOLDER = """
import fcntl, sys
lock = open(sys.argv[1], "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another_process(host: Host) -> Iterator[None]:
    """The state directory is held by a process that does nothing."""
    program = [sys.executable, "-c", HOLDER, str(host.state / "lock")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


def test_eight_threads_share_a_handle(nb: netberth.Netberth) -> None:
    nb.networks.create(name="crowd")
    failures: list[BaseException] = []

    def live(number: int) -> None:
        name, container = f"e{number}", f"c{number}"
        try:
            for _ in range(ROUNDS):
                nb.endpoints.create("crowd", name=name)
                key = nb.endpoints.join("crowd", name, container_id=container)
                endpoint = nb.endpoints.get("crowd", name)
                assert (endpoint.container, endpoint.sandbox_key) == (container, key)
                assert nb.sandboxes.run(container, ["true"]).returncode == 0
                nb.endpoints.detach("crowd", name, container)
                nb.sandboxes.delete(container)
                nb.endpoints.delete("crowd", name)
                with pytest.raises(netberth.NotFound):
                    nb.endpoints.get("crowd", name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert nb.endpoints.list("crowd") == () and nb.sandboxes.list() == ()


def test_other_threads_go_on_while_one_waits(host: Host) -> None:
    """The interpreter's lock is released in a call: this thread counts while another waits."""
    outcome: list[str] = []

    def wait(nb: netberth.Netberth) -> None:
        try:
            nb.networks.create(name="late")
        except netberth.Busy as error:
            outcome.append(error.kind)

    with host.open(lock_timeout_ms=500) as nb, locked_by_another_process(host):
        thread = threading.Thread(target=wait, args=(nb,))
        thread.start()
        counted = 0
        while thread.is_alive():
            time.sleep(0.001)
            counted += 1
        thread.join()
    assert outcome == ["busy"] and counted > 50


def test_closing_waits_for_calls_that_are_under_way(host: Host) -> None:
    nb = host.open(lock_timeout_ms=1500)
    outcome: list[str] = []

    def wait() -> None:
        try:
            nb.networks.create(name="late")
        except netberth.Busy as error:
            outcome.append(error.kind)

    with locked_by_another_process(host):
        caller = threading.Thread(target=wait)
        caller.start()
        while not nb._handle._calls:
            time.sleep(0.001)
        closer = threading.Thread(target=nb.close)
        closer.start()
        while not nb.closed:
            time.sleep(0.001)
        with pytest.raises(ValueError, match="closed"):
            nb.networks.list()
        closer.join(0.2)
        assert closer.is_alive() and nb._handle._pointer is not None
        assert caller.is_alive() and outcome == []
        closer.join()
    caller.join()
    assert outcome == ["busy"] and nb._handle._pointer is None


def test_messages_come_on_the_thread_that_calls(nb: netberth.Netberth) -> None:
    told: set[int] = set()
    nb.set_log(lambda level, message: told.add(threading.get_ident()))
    threads = [
        threading.Thread(target=lambda n=number: nb.networks.create(name=f"n{n}"))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    idents = {thread.ident for thread in threads}
    for thread in threads:
        thread.join()
    assert told and told <= idents
