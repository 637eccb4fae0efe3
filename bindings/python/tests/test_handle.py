"""The handle: opened, closed, told messages, forked."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

import netberth
from conftest import Host
from netberth.log import Level


def test_closed_is_closed(host: Host) -> None:
    with host.open() as nb:
        assert repr(nb) == "<Netberth open>"
        networks = nb.networks
        networks.create(name="stays")
    assert nb.closed and repr(nb) == "<Netberth closed>"
    nb.close()
    for call in (networks.list, nb.verify, nb.plan, lambda: nb.set_log(print)):
        with pytest.raises(ValueError, match="closed"):
            call()
    with host.open() as again:
        assert again.networks.get("stays").type == "bridge"


def test_two_handles_on_one_directory(host: Host, nb: netberth.Netberth) -> None:
    with host.open() as second:
        second.networks.create(name="both")
        nb.networks.delete("both")
        with pytest.raises(netberth.NotFound):
            second.networks.get("both")


def test_a_handle_that_was_forgotten_is_closed(host: Host) -> None:
    nb = host.open()
    nb.set_log(lambda level, message: None)
    gone = weakref.ref(nb._handle)
    with pytest.warns(ResourceWarning, match="not closed"):
        del nb
    assert gone() is None, "at once, without a collection"


def test_what_cannot_be_opened(host: Host) -> None:
    with pytest.raises(netberth.Invalid, match="absolute"):
        netberth.open(state_dir="here")
    with pytest.raises(TypeError):
        netberth.open(state_dir=b"/bytes")  # type: ignore[arg-type]


def test_messages(host: Host) -> None:
    heard: list[tuple[int, str]] = []
    with host.open(log=lambda level, message: heard.append((level, message))) as nb:
        nb.networks.create(name="loud", bridge="nb-loud")
        assert any(level == Level.INFO and "network loud" in text for level, text in heard)
        assert any(level == Level.DEBUG and "ip link add nb-loud" in text for level, text in heard)
        before = list(heard)
        nb.set_log(None)
        nb.networks.delete("loud")
        assert heard == before
        # The callback that C knows is still there, though nobody refers to it here.
        nb.set_log(lambda level, message: heard.append((level, message)))
        gc.collect()
        nb.networks.create(name="again")
        assert len(heard) > len(before)


def test_a_log_may_call_but_not_close(host: Host) -> None:
    seen: list[int] = []
    refused: list[str] = []
    nb = host.open()

    def log(level: int, message: str) -> None:
        seen.append(len(nb.networks.list()))
        try:
            nb.close()
        except RuntimeError as error:
            refused.append(str(error))

    with nb:
        nb.set_log(log)
        nb.networks.create(name="one")
        assert seen and max(seen) == 4 and len(refused) == len(seen)
        assert not nb.closed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_log_that_raises_does_not_fail_the_verb(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: raised.append(what.exc_value))

    def log(level: int, message: str) -> None:
        raise KeyError(message)

    with host.open(log=log) as nb:
        nb.networks.create(name="one")
        assert nb.networks.get("one") and isinstance(raised[0], KeyError)


def test_messages_go_to_a_logger(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tests.netberth")
    to = netberth.log.to(logging.getLogger("tests.netberth"))
    with host.open(log=to) as nb:
        nb.networks.create(name="loud")
    levels = {record.levelno for record in caplog.records}
    assert {logging.INFO, logging.DEBUG} <= levels
    to(99, "from a newer library")
    assert caplog.records[-1].levelno == logging.INFO


def test_garbage_is_collected_all_the_time(host: Host) -> None:
    """What C still needs is referred to, whenever a collection comes."""
    heard: list[str] = []
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        with host.open(log=lambda level, message: heard.append(message)) as nb:
            nb.networks.create(name="n")
            nb.endpoints.create("n", name="e")
            nb.endpoints.join("n", "e", container_id="c")
            with pytest.raises(netberth.InUse):
                nb.networks.delete("n")
            nb.sandboxes.delete("c")
    finally:
        gc.set_threshold(*before)
    assert any("eth0" in message for message in heard)


# From Python 3.12 on it warns of forks beside threads; this child uses only what is its own.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_opens_its_own(host: Host, nb: netberth.Netberth) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            try:
                nb.networks.list()
            except RuntimeError:
                nb.close()
                with host.open() as own:
                    own.networks.create(name="nest")
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert nb.networks.get("nest").name == "nest"


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    def said(library: Path) -> str:
        environment = {**os.environ, "NETBERTH_LIBRARY": str(library)}
        program = [sys.executable, "-c", "import netberth"]
        done = subprocess.run(program, env=environment, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1
        return done.stderr

    assert "is not there" in said(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("no library")
    assert "ImportError" in said(tmp_path / "text.so")
    libc = next(Path("/").glob("lib*/*/libc.so.6"))
    assert "netberth_abi_version" in said(libc)


def test_the_thread_that_calls_is_of_no_consequence(nb: netberth.Netberth) -> None:
    here = os.readlink("/proc/self/ns/net")
    nb.networks.create(name="n")
    nb.endpoints.create("n", name="e")
    thread = threading.Thread(target=lambda: nb.endpoints.join("n", "e", container_id="c"))
    thread.start()
    thread.join()
    assert nb.endpoints.get("n", "e").container == "c"
    assert os.readlink("/proc/self/ns/net") == here
