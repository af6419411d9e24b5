"""The program as a process: nothing of a person is left in a core dump, a temporary file, a traceback or a log."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import fcntl
import gc
import json
import logging
import os
import resource
import shutil
import sys
import tempfile
import threading
from pathlib import Path, PurePosixPath
from types import TracebackType

from hub.errors import HubError

_TEMPORARY = "subject-request-hub-"
_OURS = frozenset({"hub", "connectors"})
# Loggers of what speaks to services or databases: they write addresses, headers, bodies and parameters.
SILENCED = (
    "httpx",
    "httpcore",
    "urllib3",
    "requests",
    "charset_normalizer",
    "mailchimp_marketing",
    "hubspot",
    "simple_salesforce",
    "pyrate_limiter",
    "sqlalchemy",
    "psycopg",
)


def harden() -> None:
    """Do it once, at the program's start and before anything reads personal data.

    No core dumps, no fault handler; new files are the user's alone; temporary files lie in a folder of this process,
    removed at its end (folders that killed processes left are removed now); libraries' loggers are muted; an uncaught
    exception shows where it was raised and what it is, but no text, source line or variable.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    os.umask(0o077)
    _own_temporary_folder()
    _mute()
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def spare_the_collector() -> None:
    """For a process that carries requests out: what was loaded at start is never garbage, so it is not looked at again.

    Statements make many short-lived objects and few cycles; collecting them less often saves 6 % of a track.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def describe(error: BaseException) -> str:
    """How any exception may be shown: class and place of raising in our code, and a message if it is the hub's own.

    `AuthError at hub/wire/status.py:130: crm_eu: The service …` or `KeyError at connectors/shop/processor.py:41`. The
    texts of other exceptions quote what they stumbled over, so they are never shown.
    """
    places = _places(error.__traceback__)
    where = f"{type(error).__qualname__}{f' at {places[-1]}' if places else ''}"
    return f"{where}: {error.diagnostics()}" if isinstance(error, HubError) else where


def _places(trace: TracebackType | None) -> list[str]:
    """The frames of our own code, outermost first, as `hub/wire/door.py:88`."""
    found = []
    while trace is not None:
        place = PurePosixPath(*str(trace.tb_frame.f_globals.get("__name__", "")).split("."))
        if place.parts and place.parts[0] in _OURS:
            file = PurePosixPath(trace.tb_frame.f_code.co_filename).name
            found.append(f"{place / file if file == '__init__.py' else place.with_name(file)}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if kind is KeyboardInterrupt:
        lines = ["Interrupted."]
    elif isinstance(error, HubError):
        lines = [error.diagnostics()]
    else:
        lines = ["The hub met an error it did not expect:"]
        lines += [f"  in {place}" for place in _places(trace)]
        lines += [f"  {describe(error) if error else kind.__qualname__}"]
        lines += ["  → Please report these lines; they hold no personal data."]
    with contextlib.suppress(OSError, ValueError):  # a closed standard error is no reason for a second error
        sys.stderr.write("\n".join(lines) + "\n")


def _own_temporary_folder() -> None:
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_TEMPORARY}*"):
        _remove_if_abandoned(left)
    while not _locked(folder := tempfile.mkdtemp(prefix=_TEMPORARY, dir=parent)):  # mode 0700
        pass  # another process that starts just now took it for abandoned
    tempfile.tempdir = folder
    os.environ["TMPDIR"] = os.environ["SQLITE_TMPDIR"] = folder  # for SQLite and the programs we start
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _locked(folder: str) -> bool:
    """Whether the folder is marked as this process's: the lock ends with the process, however it ends."""
    handle = -1
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        kept = os.path.exists(folder)  # noqa: PTH110  # a string, as tempfile has it
    except (FileNotFoundError, BlockingIOError):
        kept = False
    if not kept and handle >= 0:
        os.close(handle)
    return kept


def _remove_if_abandoned(folder: Path) -> None:
    with contextlib.suppress(OSError):  # in use, another user's, or being removed by another process
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(handle).st_uid == os.getuid():
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


def _mute() -> None:
    for name in SILENCED:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False  # SDKs set the levels of their loggers back; beyond this one nothing gets
    root = logging.getLogger()
    root.handlers[:] = [_Unquoted(logging.WARNING)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _Unquoted(logging.Handler):
    """Says on standard error that a library reported something and where, as JSON, but not what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        at = f"{PurePosixPath(record.pathname).name}:{record.lineno}"
        line = {"event": "a library reported something", "level": record.levelname.lower(), "at": at}
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(json.dumps(line | {"logger": record.name}, sort_keys=True) + "\n")
