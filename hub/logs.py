"""The hub's own log: JSON lines of fixed texts, codes and counts, and nothing a person could stand in.

A line says what happened in a text that is written in the source (`log.info("track settled", instance="crm_eu")`),
under keys from one list. What does not fit is withheld, and the line says where in the source it came from: a mistake
costs a line, and never anybody's privacy.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any, TextIO, cast

import structlog

from hub.process import describe
from hub.timepiece import SystemTime, rfc3339

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}|[0-9]+(\.[0-9a-z]+)+")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODES = ("instance", "operation", "right", "outcome", "confirmation", "state", "kind", "reason", "action", "blame")
_NAMES = ("connector", "plugin", "hook", "version", "engine", "level")
_IDS = ("request", "track", "step", "worker")
_AMOUNTS = ("attempt", "count", "status", "seconds", "ms", "bytes", "port", "due", "until", "error")
# The keys of a line, with the form a text under them must have; None: no text, but numbers, dates and exceptions.
_KEYS: Mapping[str, re.Pattern[str] | None] = {
    **dict.fromkeys(_CODES, _CODE),
    **dict.fromkeys(_NAMES, _NAME),
    **dict.fromkeys(_IDS, _ID),
    **dict.fromkeys(_AMOUNTS),
}
_WITHHELD = "withheld"


def write_to(target: Path | TextIO, level: int = logging.INFO) -> None:
    """Send the hub's log to a file (appended to, mode 0600) or a stream, from `level` on."""
    if isinstance(target, Path):
        target.touch(mode=0o600)
        target = target.open("a", encoding="utf-8", buffering=1)
    structlog.configure(
        processors=[structlog.processors.add_log_level, fixed_only, structlog.processors.JSONRenderer(sort_keys=True)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing(target))),
    )


class _Unfailing:
    """A log that cannot be written costs lines, and never the work they are about: disks do fill up."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._target.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._target.flush()


def fixed_only(_logger: object, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The structlog processor that lets through what is fixed.

    The event must be a literal of the code that logs it, which its compiled form shows. Exceptions under `error`, and
    the current one where `exc_info` is set, are described (`hub.process.describe`). `at` names the place of a line
    from which something was withheld.
    """
    caller = _caller()
    event = line.pop("event", None)
    if line.pop("exc_info", None):
        line["error"] = sys.exc_info()[1]
    # A key can be data as well (`**fields`), so one that is not on the list is left out with its value.
    kept = {key: _allowed(_KEYS[key], value) for key, value in line.items() if key in _KEYS}
    kept["event"] = event if _literal(event, caller) else _WITHHELD
    if _WITHHELD in kept.values() or len(kept) <= len(line):
        kept["at"] = f"{PurePosixPath(caller.f_code.co_filename).name}:{caller.f_lineno}"
    return kept | {"timestamp": rfc3339(SystemTime().now())}


def _allowed(form: re.Pattern[str] | None, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, str) and form and form.fullmatch(value):
        return str(value)
    return _WITHHELD


def _caller() -> FrameType:
    frame: FrameType = sys._getframe(1)  # noqa: SLF001  # public in all but name, and the cheapest there is
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(("structlog.", __name__)):
        frame = frame.f_back
    return frame


def _literal(event: object, caller: FrameType) -> bool:
    constants = caller.f_code.co_consts
    named = (value for value in caller.f_globals.values() if type(value) is str)
    return isinstance(event, str) and (event in constants or event in named)
