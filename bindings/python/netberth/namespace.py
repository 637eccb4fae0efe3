"""Work in another network namespace, by threads that end with it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, Callable, Generic, Optional, TypeVar

from ._document import Path

T = TypeVar("T")

# <linux/sched.h>; os.setns() and this came with Python 3.12.
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class _Thread(threading.Thread, Generic[T]):
    """Moves itself, works, and ends: what it was moved to is of no consequence to others."""

    def __init__(self, path: Path, work: Callable[[], T]) -> None:
        super().__init__(name=f"netberth {os.fspath(path)}", daemon=True)
        self._path = os.fspath(path)
        self._work = work
        self.result: Optional[T] = None
        self.error: Optional[BaseException] = None

    def run(self) -> None:
        try:
            self._enter()
            self.result = self._work()
        except BaseException as error:  # to be raised by the thread that waits
            self.error = error

    def _enter(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), self._path)
        finally:
            os.close(descriptor)


def within(path: Path, work: Callable[[], T]) -> T:
    """Calls `work` in the network namespace of a path, on a thread of its own, and returns what it
    returns. A socket that it makes belongs there, and can be used from anywhere."""
    thread = _Thread(path, work)
    thread.start()
    thread.join()
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]


def popen(path: Path, program: Sequence[Path], **options: Any) -> subprocess.Popen[Any]:
    """Begins a program in the network namespace of a path; options as for subprocess.Popen. Only
    its network is another: files, /sys and /etc/resolv.conf are those of the caller."""
    # A child has the namespaces of the thread that forks it, not those of the process.
    return within(path, lambda: subprocess.Popen(program, **options))


def run(
    path: Path,
    program: Sequence[Path],
    *,
    input: Optional[Any] = None,
    capture_output: bool = False,
    timeout: Optional[float] = None,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Runs a program there and waits for it; options as for subprocess.run."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    if capture_output:
        options["stdout"] = options["stderr"] = subprocess.PIPE
    with popen(path, program, **options) as process:
        try:
            output, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done
