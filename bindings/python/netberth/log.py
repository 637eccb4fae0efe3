"""Where messages go."""

from __future__ import annotations

import logging
from enum import IntEnum
from typing import Callable, Final

from . import _declarations


class Level(IntEnum):
    """How important a message is; the numbers are those of syslog(3)."""

    WARNING = _declarations.LOG_WARNING
    """Something could not be cleaned up or recovered."""
    INFO = _declarations.LOG_INFO
    """A verb was done."""
    DEBUG = _declarations.LOG_DEBUG
    """A step, as the `ip`, `nft` or `sysctl` line that it equals."""


_LOGGING: Final[dict[int, int]] = {
    Level.WARNING: logging.WARNING,
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
}


def to(logger: logging.Logger) -> Callable[[int, str], None]:
    """A log that passes all messages on to a logger: `nb.set_log(netberth.log.to(logger))`."""

    def receive(level: int, message: str) -> None:
        # A level may be newer than this package.
        logger.log(_LOGGING.get(level, logging.INFO), "%s", message)

    return receive
