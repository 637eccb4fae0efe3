"""Nothing is left: memory, descriptors, threads."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from pathlib import Path
from typing import Callable

import pytest

import netberth
from conftest import Host
from netberth import _declarations
from netberth._library import library

# What one round has of text, and how many rounds are measured: what is not freed is 16 MB.
LENGTH, ROUNDS, ALLOWED = 16 * 1024, 1000, 4 * 1024 * 1024


def resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def grown(work: Callable[[], object]) -> int:
    """By how many bytes the process grows over many rounds, after some that warm it up."""
    for _ in range(ROUNDS // 10):
        work()
    before = resident()
    for _ in range(ROUNDS):
        work()
    return resident() - before


@pytest.fixture
def large(nb: netberth.Netberth) -> netberth.Netberth:
    nb.networks.create(name="large", labels={"text": "x" * LENGTH})
    return nb


def test_answers_are_freed(large: netberth.Netberth) -> None:
    assert grown(lambda: large.networks.get("large")) < ALLOWED


def test_errors_are_freed(nb: netberth.Netberth) -> None:
    document = {"x" * LENGTH: 1}

    def fail() -> None:
        with pytest.raises(netberth.Invalid):
            nb.networks.create(document)

    assert grown(fail) < ALLOWED


def test_a_leak_is_found(large: netberth.Netberth) -> None:
    """What these tests would see if a text were not freed."""
    kept = []

    def leak() -> None:
        text = ctypes.POINTER(ctypes.c_char)()
        with large._handle._lent() as pointer:
            none = ctypes.POINTER(ctypes.POINTER(_declarations.netberth_error))()
            flags = _declarations.VERBOSE
            assert library.netberth_network_get(
                pointer, b"large", flags, ctypes.byref(text), none
            ) == 0
        kept.append(text)

    assert grown(leak) > ALLOWED
    for text in kept:
        library.netberth_string_free(text)


def test_handles_leave_nothing(host: Host) -> None:
    def counts() -> tuple[int, int]:
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def live() -> None:
        with host.open(log=lambda level, message: None) as nb:
            nb.networks.create(name="n")
            nb.endpoints.create("n", name="e")
            nb.endpoints.join("n", "e", container_id="c")
            assert nb.sandboxes.run("c", ["true"]).returncode == 0
            nb.sandboxes.delete("c")
            nb.endpoints.delete("n", "e")
            nb.networks.delete("n")

    live()
    before = counts()
    for _ in range(10):
        live()
    # The kernel says that a thread has ended before it takes it off its list.
    ends = time.monotonic() + 2
    while counts() != before and time.monotonic() < ends:
        time.sleep(0.01)
    assert counts() == before


def test_logs_are_let_go(nb: netberth.Netberth) -> None:
    def set_log() -> None:
        text = "x" * LENGTH
        nb.set_log(lambda level, message: text)

    assert grown(set_log) < ALLOWED
