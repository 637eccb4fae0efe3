"""The shared library: found, checked, and told the types of its functions.

It is never unloaded: what Rust keeps per thread may outlive that.
"""

import ctypes
import os
from pathlib import Path

from . import _declarations


def _load() -> ctypes.CDLL:
    """The library that NETBERTH_LIBRARY names, or the one in this package."""
    named = os.environ.get("NETBERTH_LIBRARY")
    path = Path(named) if named else Path(__file__).with_name("libnetberth.so")
    if not path.is_file():
        raise ImportError(
            f"{path} is not there: install the package by `pip install ./bindings/python`, or set"
            " NETBERTH_LIBRARY to a libnetberth.so that is built already"
        )
    try:
        # CDLL, not PyDLL: the interpreter's lock is released for each call.
        library = ctypes.CDLL(str(path))
        # First of all: functions of another number may take other things.
        _declare(library, "netberth_abi_version")
        number = library.netberth_abi_version()
        if number != _declarations.ABI:
            raise ImportError(f"{path} has interface {number}, this needs {_declarations.ABI}")
        for name in _declarations.FUNCTIONS:
            _declare(library, name)
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path}: {error}") from error
    return library


def _declare(library: ctypes.CDLL, name: str) -> None:
    function = getattr(library, name)
    function.restype, function.argtypes = _declarations.FUNCTIONS[name]


library = _load()


def version() -> str:
    """The version of the library, such as "0.1.0"."""
    text: bytes = library.netberth_version()
    return text.decode()
