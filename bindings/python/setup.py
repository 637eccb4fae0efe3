"""Builds the wheel: the package, and the shared library of this repository inside it.

The library is built by cargo, or taken from NETBERTH_LIBRARY if that is set. An editable install
gets none: NETBERTH_LIBRARY says at run time where it is.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def version() -> str:
    """The one version of all that is in this repository."""
    manifest = REPOSITORY / "Cargo.toml"
    if not manifest.is_file():
        raise SystemExit(f"{manifest} is not there: build from a checkout of the whole repository")
    found = re.search(r'^version = "(.*)"$', manifest.read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{manifest} states no version")
    return found.group(1)


def cargo(*arguments: str) -> str:
    """What cargo says on its standard output; its progress goes where ours goes."""
    # `sudo pip` loses cargo's own place.
    home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
    path = os.environ.get("PATH", os.defpath) + os.pathsep + os.path.join(home, "bin")
    program = shutil.which("cargo", path=path)
    if program is None:
        raise SystemExit(
            "cargo is not there: install Rust from https://rustup.rs, or set NETBERTH_LIBRARY to a"
            " libnetberth.so that is built already"
        )
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        [program, *arguments], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, check=True
    ).stdout.decode()


def library() -> Path:
    """The shared library, built if it is not given."""
    given = os.environ.get("NETBERTH_LIBRARY")
    if given:
        return Path(given).resolve(strict=True)
    # As build_library in scripts/common does it, so that both find what the other has built.
    what = ("--package", "netberth", "--lib", "--crate-type", "cdylib,staticlib")
    cargo("rustc", "--profile", "dist", "--locked", *what)
    told = cargo("metadata", "--format-version", "1", "--no-deps", "--locked")
    return Path(json.loads(told)["target_directory"]) / "dist" / "libnetberth.so"


class BuildWithLibrary(build_py):
    """The package, and beside its modules the library."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        place = Path(self.build_lib) / "netberth" / "libnetberth.so"
        shutil.copyfile(library(), place)
        place.chmod(0o755)
        # Line tables are eight tenths of its size; names of functions stay, for backtraces.
        objcopy = shutil.which("objcopy")
        if objcopy is not None:
            subprocess.run([objcopy, "--strip-debug", str(place)], check=True)


class PlatformWheel(bdist_wheel):
    """For this kind of machine, but for any Python: ctypes does not care which."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> "tuple[str, str, str]":
        return "py3", "none", super().get_tag()[2]


# Elsewhere: what an earlier build left beside the sources would be shipped again.
scratch = tempfile.TemporaryDirectory(prefix="netberth.")
setup(
    version=version(),
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
)
