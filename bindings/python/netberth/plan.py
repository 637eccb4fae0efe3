"""Rehearsals: what verbs would do to the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from ._document import encode
from ._managed import Handle


class Verb(TypedDict, total=False):
    """A verb that changes something; `verb` is needed, and what that verb takes."""

    verb: str
    """The function's name in C without `netberth_`, such as `network_create` or `join`."""
    network: str
    endpoint: str
    service: str
    container: str
    force: bool
    drain: bool
    request: Mapping[str, Any]
    """Its document."""


def plan(handle: Handle, *verbs: Verb) -> tuple[str, ...]:
    """The lines that an operator would type; each verb sees what those before it would have
    made."""
    return tuple(handle.ask("netberth_plan", encode(verbs))["plan"])
