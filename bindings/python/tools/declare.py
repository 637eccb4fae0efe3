"""Writes netberth/_declarations.py from include/netberth.h: `python3 tools/declare.py`.

The header is the only place where a function, a type or a number of the C interface is written by
hand. A test compares what is checked in with what this writes.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
HEADER = HERE.parent.parent / "include" / "netberth.h"
OUTPUT = HERE / "netberth" / "_declarations.py"

PLAIN = {
    "void": "None",
    "void *": "ctypes.c_void_p",
    "int": "ctypes.c_int",
    "uint32_t": "ctypes.c_uint32",
    # Lent: ctypes makes bytes of it at once.
    "const char *": "ctypes.c_char_p",
    # Owned: a pointer that stays one until it is freed.
    "char *": "ctypes.POINTER(ctypes.c_char)",
    "char **": "ctypes.POINTER(ctypes.POINTER(ctypes.c_char))",
}

TOP = '''"""What include/netberth.h declares. Written by tools/declare.py: change nothing here."""

import ctypes
from typing import Any, Final

'''


class Unknown(Exception):
    """The header has something that this does not know how to say in ctypes."""


class Header:
    """The declarations of a header as cbindgen writes it."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        self.constants = dict(re.findall(r"^#define NETBERTH_(\w+) (\S+)$", text, re.MULTILINE))
        text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
        text = re.sub(r'extern "C" \{|^\}.*$', "", text, flags=re.MULTILINE)
        self.opaque: list[str] = []
        self.callbacks: dict[str, list[str]] = {}
        self.functions: dict[str, tuple[str, list[str]]] = {}
        for statement in text.split(";"):
            if statement.strip():
                self._read(" ".join(statement.split()))

    def _read(self, statement: str) -> None:
        if found := re.fullmatch(r"typedef struct (\w+) (\w+)", statement):
            self.opaque.append(found.group(2))
        elif found := re.fullmatch(r"typedef (.+?)\(\*(\w+)\)\((.*)\)", statement):
            result, name, parameters = found.groups()
            self.callbacks[name] = [self._type(result), *self._parameters(parameters)]
        elif found := re.fullmatch(r"(.+?)(netberth_\w+)\((.*)\)", statement):
            result, name, parameters = found.groups()
            self.functions[name] = (self._type(result), self._parameters(parameters))
        else:
            raise Unknown(f"declaration `{statement}`")

    def _parameters(self, text: str) -> list[str]:
        if text.strip() == "void":
            return []
        return [self._type(re.sub(r"\w+$", "", each.strip())) for each in text.split(",")]

    def _type(self, text: str) -> str:
        """The type in ctypes; what is a pointer to what is kept, so that none takes another's."""
        text = re.sub(r" ?(\*+)", r" \1", text.strip())
        if text in PLAIN:
            return PLAIN[text]
        if text in self.callbacks:
            return text
        name, _, stars = re.sub(r"^const ", "", text).partition(" ")
        if name not in self.opaque or stars not in ("*", "**"):
            raise Unknown(f"type `{text}`")
        return "ctypes.POINTER(" * len(stars) + name + ")" * len(stars)

    def python(self) -> str:
        """The same as a module."""
        lines = [f"{name}: Final = {value}" for name, value in self.constants.items()]
        for name in self.opaque:
            lines += ["", "", f"class {name}(ctypes.Structure):"]
            lines += [f'    """A C `{name}`, opaque."""']
        lines += ["", ""]
        for name, types in self.callbacks.items():
            lines += [f"{name} = ctypes.CFUNCTYPE(", *(f"    {each}," for each in types), ")", ""]
        lines += ["# Each with what it returns and what it takes."]
        lines += ["FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {"]
        for name, (result, parameters) in self.functions.items():
            lines += [f'    "{name}": (', f"        {result},", "        ["]
            lines += [f"            {each}," for each in parameters]
            lines += ["        ],", "    ),"]
        return TOP + "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    try:
        OUTPUT.write_text(Header(HEADER.read_text()).python())
    except Unknown as unknown:
        sys.exit(f"{HEADER}: {unknown}: teach declare.py about it")
