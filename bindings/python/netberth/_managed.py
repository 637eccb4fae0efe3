"""Who owns what: texts and errors are copied and freed at once, a handle is closed once, after the
last call that uses it."""

from __future__ import annotations

import ctypes
import json
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _declarations
from ._library import library
from .error import KINDS, NetberthError

if TYPE_CHECKING:
    HandlePointer = ctypes._Pointer[_declarations.netberth]
    ErrorPointer = ctypes._Pointer[_declarations.netberth_error]

Receiver = Callable[[int, str], object]


def _call(name: str, *arguments: object) -> None:
    """Calls a function that can fail, and raises its error."""
    error = ctypes.POINTER(_declarations.netberth_error)()
    code = getattr(library, name)(*arguments, ctypes.byref(error))
    if code != 0:
        raise _taken(code, error)


def _taken(code: int, error: ErrorPointer) -> NetberthError:
    """The exception of an error, which is freed."""
    try:
        document = json.loads(library.netberth_error_json(error))
    finally:
        library.netberth_error_free(error)
    return KINDS.get(code, NetberthError)(code, document)


class _Log:
    """The one callback that C knows of a handle. It lives as long as the handle, so that a call
    under way never finds it gone; whom it tells may change."""

    def __init__(self) -> None:
        self.receiver: Optional[Receiver] = None
        self.telling = threading.local()
        # No cycle by way of self: a handle nobody refers to is closed at once.
        self.callback = _declarations.netberth_log_fn(self._tell)

    def _tell(self, level: int, message: bytes, _user: object) -> None:
        receiver = self.receiver
        if receiver is None:
            return
        # It may call netberth, which may tell it more.
        before, self.telling.now = self.is_telling(), True
        try:
            receiver(level, message.decode())
        finally:
            self.telling.now = before

    def is_telling(self) -> bool:
        """Whether this very thread is in the receiver."""
        return getattr(self.telling, "now", False)


class Handle:
    """A `netberth *`. Any number of threads may call; closing waits for those that do."""

    def __init__(self, config: bytes) -> None:
        self._pointer: Optional[HandlePointer] = None
        self._closed = True
        self._pid = os.getpid()
        # The threads whose calls are under way, and whoever waits for them.
        self._calls: list[int] = []
        self._left = threading.Condition()
        self._log = _Log()
        pointer = ctypes.POINTER(_declarations.netberth)()
        _call("netberth_open", config, ctypes.byref(pointer))
        self._pointer, self._closed = pointer, False

    @contextmanager
    def _lent(self) -> Iterator[HandlePointer]:
        # Before the lock, which a thread that fork() did not copy may hold.
        if self._pid != os.getpid():
            raise RuntimeError("this handle belongs to the parent process: open one of your own")
        thread = threading.get_ident()
        with self._left:
            if self._closed or self._pointer is None:
                raise ValueError("the handle is closed")
            self._calls.append(thread)
        try:
            yield self._pointer
        finally:
            with self._left:
                self._calls.remove(thread)
                self._left.notify_all()

    @property
    def closed(self) -> bool:
        """Whether no call can be made any more."""
        return self._closed

    def do(self, name: str, *arguments: object) -> None:
        """Calls a function without an answer."""
        with self._lent() as pointer:
            _call(name, pointer, *arguments)

    def answer(self, name: str, *arguments: object) -> str:
        """Calls a function whose answer is a text, which is copied and freed."""
        text = ctypes.POINTER(ctypes.c_char)()
        with self._lent() as pointer:
            _call(name, pointer, *arguments, ctypes.byref(text))
        try:
            return ctypes.string_at(text).decode()
        finally:
            library.netberth_string_free(text)

    def ask(self, name: str, *arguments: object) -> Any:
        """Calls a function whose answer is a document."""
        return json.loads(self.answer(name, *arguments))

    def set_log(self, receiver: Optional[Receiver]) -> None:
        """Sets who is told messages."""
        none = _declarations.netberth_log_fn()
        self.do("netberth_set_log", none if receiver is None else self._log.callback, None)
        self._log.receiver = receiver

    def close(self) -> None:
        """Waits for the calls of other threads, then closes. Once closed, does nothing."""
        if self._pid != os.getpid():
            # The parent's, which fork() has copied: to be left alone.
            self._pointer, self._closed = None, True
            return
        if self._log.is_telling():
            raise RuntimeError("a handle cannot be closed by its own log")
        with self._left:
            if self._closed:
                return
            self._closed = True
            try:
                self._left.wait_for(self._unused)
            except BaseException:
                self._closed = False
                raise
            pointer, self._pointer = self._pointer, None
        library.netberth_close(pointer)
        self._log.receiver = None

    def _unused(self) -> bool:
        # A call of this very thread was cut off by an exception of a signal handler.
        return all(thread == threading.get_ident() for thread in self._calls)

    def __del__(self) -> None:
        if not self._closed and self._pid == os.getpid():
            warnings.warn("a netberth handle was not closed", ResourceWarning, stacklevel=2)
            library.netberth_close(self._pointer)
