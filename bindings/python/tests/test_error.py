"""Errors: a class for each kind, and what they carry."""

from __future__ import annotations

import copy
import errno
import pickle
from pathlib import Path

import pytest

import netberth
from conftest import Host
from netberth import _declarations
from netberth._managed import _taken
from netberth.error import KINDS


def test_every_kind_has_its_class() -> None:
    numbers = {
        name: value for name, value in vars(_declarations).items() if name.startswith("KIND_")
    }
    assert set(numbers.values()) == set(KINDS)
    for name, number in numbers.items():
        word = name[len("KIND_") :].replace("_", "").lower()
        assert KINDS[number].__name__.lower() in (word, word + "error")
        assert getattr(netberth, KINDS[number].__name__) is KINDS[number]


def test_an_error_says_what_was_done_and_found(nb: netberth.Netberth) -> None:
    with pytest.raises(netberth.NotFound) as caught:
        nb.endpoints.create("no-such", name="a")
    error = caught.value
    assert isinstance(error, netberth.NetberthError)
    assert (error.kind, error.code) == ("not_found", _declarations.KIND_NOT_FOUND)
    assert error.errno is None and error.cleanup == ()
    assert "no-such" in str(error) == error.message
    assert all(words in error.message for words in error.doing)
    for same in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(same) is netberth.NotFound and vars(same) == vars(error)


def test_errno_comes_from_the_kernel(nb: netberth.Netberth) -> None:
    nb.networks.create(name="n")
    nb.endpoints.create("n", name="e")
    with pytest.raises(netberth.NetberthError) as caught:
        nb.endpoints.join("n", "e", container_id="c", sysctls={"net.ipv4.no_such": "1"})
    assert caught.value.errno == errno.ENOENT
    assert any("net/ipv4/no_such" in words for words in caught.value.doing)
    with pytest.raises(netberth.NotFound):
        nb.sandboxes.get("c")


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (netberth.Invalid, {"name": ""}),
        (netberth.Invalid, {"name": "a.b"}),
        (netberth.NotFound, {"name": "a", "network_type": "carrier-pigeon"}),
        (netberth.Exists, {"name": "bridge"}),
        (netberth.Denied, {"name": "a", "network_type": "host"}),
        (netberth.Denied, {"name": "a", "bridge": "lo"}),
    ],
)
def test_kinds(
    nb: netberth.Netberth, kind: type[netberth.NetberthError], members: dict[str, str]
) -> None:
    with pytest.raises(kind):
        nb.networks.create(**members)  # type: ignore[arg-type]


def test_exhausted_and_in_use(nb: netberth.Netberth) -> None:
    nb.networks.create(name="tiny", subnets=["10.88.0.0/30"])
    nb.endpoints.create("tiny", name="only")
    with pytest.raises(netberth.Exhausted):
        nb.endpoints.create("tiny", name="one more")
    with pytest.raises(netberth.InUse, match="only"):
        nb.networks.delete("tiny")


def test_a_damaged_state_directory(host: Host, tmp_path: Path) -> None:
    host.state.mkdir(mode=0o700)
    (host.state / "netberth.db").write_bytes(b"x" * 8192)
    with pytest.raises(netberth.StoreError):
        host.open()


def test_a_kind_that_is_newer_than_this_package() -> None:
    # No error at all: the document is then {}.
    error = _taken(-99, None)  # type: ignore[arg-type]
    assert type(error) is netberth.NetberthError and error.code == -99 and str(error) == ""
