"""What was made against what the host has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ._managed import Handle


@dataclass(frozen=True)
class Owner:
    """Whose a thing is."""

    kind: str
    """`network`, `endpoint`, `service`, `sandbox`; `host` for what belongs to all of them."""
    id: str
    name: str


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be."""

    owner: Owner
    object: str
    """In the words of `ip`, `nft` and `sysctl`."""
    expected: str
    found: str
    error: Optional[str] = None
    """Why a repair could not set it right; only in the answer of one that tried."""


@dataclass(frozen=True)
class Repair:
    """What a repair has done."""

    repaired: tuple[Difference, ...]
    """The differences that are no more."""
    differences: tuple[Difference, ...]
    """Those that are left."""


@dataclass(frozen=True)
class Collected:
    """One thing that nobody needed any more."""

    kind: str
    """`sandbox`, `link` or `file`."""
    why: str
    id: Optional[str] = None
    """The container of a sandbox."""
    name: Optional[str] = None
    """The name of a link, the path of a file."""


def verify(handle: Handle) -> tuple[Difference, ...]:
    """The differences, none where all is as it was made."""
    return _differences(handle.ask("netberth_verify", 0)["differences"])


def repair(handle: Handle) -> Repair:
    """What is no more, and what is left."""
    answer = handle.ask("netberth_repair", 0)
    return Repair(_differences(answer["repaired"]), _differences(answer["differences"]))


def gc(handle: Handle) -> tuple[Collected, ...]:
    """What was collected."""
    return tuple(Collected(**each) for each in handle.ask("netberth_gc", 0)["collected"])


def _differences(documents: Iterable[Mapping[str, Any]]) -> tuple[Difference, ...]:
    return tuple(
        Difference(
            owner=Owner(each["owner"]["kind"], each["owner"]["id"], each["owner"]["name"]),
            object=each["object"],
            expected=each["expected"],
            found=each["found"],
            error=each.get("error"),
        )
        for each in documents
    )
