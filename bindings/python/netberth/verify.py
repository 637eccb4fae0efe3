"""What was made against what the host has."""

from __future__ import annotations

from dataclasses import dataclass

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


def verify(handle: Handle) -> tuple[Difference, ...]:
    """The differences, none where all is as it was made."""
    return tuple(
        Difference(
            owner=Owner(each["owner"]["kind"], each["owner"]["id"], each["owner"]["name"]),
            object=each["object"],
            expected=each["expected"],
            found=each["found"],
        )
        for each in handle.ask("netberth_verify", 0)["differences"]
    )
