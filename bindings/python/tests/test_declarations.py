"""What is declared to ctypes is what the header says and the library shows."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

import declare
from netberth import _declarations, version
from netberth._library import library

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_declarations_are_in_step_with_the_header() -> None:
    header = declare.Header(declare.HEADER.read_text())
    assert declare.OUTPUT.read_text() == header.python(), "run 'python3 bindings/python/tools/declare.py'"


def test_every_function_is_declared() -> None:
    symbols = (REPOSITORY / "tests/abi/symbols.txt").read_text().split()
    assert sorted(_declarations.FUNCTIONS) == sorted(symbols)
    for name, (result, parameters) in _declarations.FUNCTIONS.items():
        function = getattr(library, name)
        assert function.restype is result and function.argtypes == parameters, name


def test_the_version_is_that_of_the_header() -> None:
    assert version() == _declarations.VERSION
    assert library.netberth_abi_version() == _declarations.ABI


def test_a_header_that_is_not_understood_is_refused() -> None:
    read = declare.Header("typedef struct nb nb; int netberth_a(const nb *a, char **out, int b);")
    assert read.functions["netberth_a"] == (
        "ctypes.c_int",
        [
            "ctypes.POINTER(nb)",
            "ctypes.POINTER(ctypes.POINTER(ctypes.c_char))",
            "ctypes.c_int",
        ],
    )
    for bad in (
        "int netberth_a(struct nb a);",
        "float netberth_a(void);",
        "int netberth_a(const other *a);",
        "typedef struct nb nb; int netberth_a(nb ***a);",
        "typedef struct nb nb; int netberth_a(nb a);",
        "enum kind { A };",
    ):
        with pytest.raises(declare.Unknown):
            declare.Header(bad)


def test_the_wrong_free_is_refused() -> None:
    error = ctypes.POINTER(_declarations.netberth_error)()
    text = ctypes.POINTER(ctypes.c_char)()
    with pytest.raises(ctypes.ArgumentError):
        library.netberth_string_free(error)
    with pytest.raises(ctypes.ArgumentError):
        library.netberth_close(text)
    library.netberth_string_free(text)
    library.netberth_error_free(error)
