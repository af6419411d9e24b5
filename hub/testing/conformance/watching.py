"""Sees what a connector does to the outside beside its calls: connections, processes, files, waiting.

Python tells of most of it through audit events (PEP 578), whichever library does it. What happens past the door is
noted and refused, so that a test run reaches nobody and waits for nothing.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import PurePath
from types import FrameType
from typing import Any

import pytest

import hub.testing.serving
import hub.wire.guard
from hub.process import SILENCED

_DOOR = (hub.wire.guard.__file__, "connect_tcp")
_STAND_IN = hub.testing.serving.__file__
_NO_PROXY = "http://127.0.0.1:9"  # port 9 is discard: nobody answers there
_IMPORTING = "<frozen importlib._bootstrap_external>"
_CONNECTIONS = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)
_PROCESSES = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
_FILES = frozenset({"open", "os.mkdir", "os.rename", "os.symlink", "sqlite3.connect", "tempfile.mkstemp"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_WHAT = {
    **dict.fromkeys(_CONNECTIONS, "a connection past the door"),
    **dict.fromkeys(_PROCESSES, "another process"),
    **dict.fromkeys(_FILES, "a file to write"),
    "time.sleep": "waiting by the machine's clock",
}


_Place = tuple[tuple[str, str], int]  # a source, what of it, and the line


class Strayed(Exception):
    """Refuses what was tried past the door."""


class _Watch:
    """Installed once, since Python never lets an audit hook go; it looks only while something is noted."""

    def __init__(self) -> None:
        self._installed = False
        self._notes: list[str] | None = None
        self._spared: frozenset[int] = frozenset()

    @contextmanager
    def noting(self) -> Iterator[list[str]]:
        """Note what this thread and those started from now on try; within another, in its stead."""
        if not self._installed:
            sys.addaudithook(self._heard)
            self._installed = True
        before = self._notes, self._spared
        others = frozenset(thread.ident or 0 for thread in threading.enumerate()) - {threading.get_ident()}
        notes: list[str] = []
        self._notes, self._spared = notes, others
        try:
            yield notes
        finally:
            self._notes, self._spared = before

    def sleep(self, _seconds: float) -> None:
        """Stands for `time.sleep`: notes it, and does not wait."""
        if threading.get_ident() not in self._spared:
            self._note("time.sleep", list(_frames(sys._getframe(1))))  # noqa: SLF001  # as below

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if self._notes is None or event not in _WHAT or threading.get_ident() in self._spared:
            return
        if event == "open" and not _writes(*args):
            return
        frame = sys._getframe(1)  # noqa: SLF001  # public in all but name, and the cheapest there is
        places = list(_frames(frame))
        if any(place == _DOOR or place[0] in {_STAND_IN, _IMPORTING} for place, _ in places):
            return
        self._note(event, places)
        raise Strayed(f"{event} is not let through while a connector is watched")

    def _note(self, event: str, places: list[_Place]) -> None:
        (path, name), line = next((found for found in places if _of_an_author(found[0][0])), places[0])
        if self._notes is not None:
            self._notes.append(f"{_WHAT[event]}: {event} in {PurePath(path).name}:{line}, {name}")


_WATCH = _Watch()


@dataclass
class Heard:
    """What was seen and heard of a connector beside its calls.

    Args:
        tried: what it tried past the door: what, and where in whose source.
        printed: what went to standard output or standard error.
        logged: records of Python's `logging` from WARNING on, which production would tell people of.
    """

    tried: list[str]
    printed: io.StringIO = field(default_factory=io.StringIO)
    logged: list[logging.LogRecord] = field(default_factory=list, repr=False)


@contextmanager
def guarded() -> Iterator[list[str]]:
    """Within it, whatever is tried past the door is refused and noted, and the environment names a proxy that is none.

    Threads that ran before are left alone.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.setenv(name, _NO_PROXY)
            patch.setenv(name.upper(), _NO_PROXY)
        for module in [module for module in list(sys.modules.values()) if vars(module).get("sleep") is time.sleep]:
            patch.setattr(module, "sleep", _WATCH.sleep)  # Python tells of it from 3.13 on, and would really wait
        with _WATCH.noting() as tried:
            yield tried


@contextmanager
def watched() -> Iterator[Heard]:
    """`guarded`, and what is printed and logged is kept."""
    with guarded() as tried:
        heard = Heard(tried)
        handler = _Keeping(heard.logged)
        logging.getLogger().addHandler(handler)
        try:
            with redirect_stdout(heard.printed), redirect_stderr(heard.printed):
                yield heard
        finally:
            logging.getLogger().removeHandler(handler)


class _Keeping(logging.Handler):
    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, unless production mutes its logger."""
        if record.name.partition(".")[0] not in SILENCED:
            self._kept.append(record)


def _frames(frame: FrameType | None) -> Iterator[_Place]:
    while frame is not None:
        yield (frame.f_code.co_filename, frame.f_code.co_name), frame.f_lineno
        frame = frame.f_back


def _of_an_author(path: str) -> bool:
    """Whether a source is neither Python's nor a library's: the line its author can mend."""
    return not path.startswith(("<", sys.base_prefix, sys.prefix))


def _writes(_path: object, mode: str | None, flags: int) -> bool:
    return any(letter in mode for letter in "wax+") if mode else bool(flags & _WRITING)
