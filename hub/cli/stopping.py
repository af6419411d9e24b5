"""Ctrl-C and the signal of a service manager: the first ends cleanly, a second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from hub.cli.output import INTERRUPTED

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STANDARD_ERROR = 2
_STOPPING = b"""
Stopping: what is under way is finished first. Once more stops at once; the journal goes on next time.
"""


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it the first signal raises `KeyboardInterrupt` in the main thread; a second one ends the process at once.

    Ending at once is safe: what was sent and not recorded stands in the journal as an intent, and is read back.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def second(_: int, __: FrameType | None) -> None:
        os._exit(INTERRUPTED)

    def first(_: int, __: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, second)
        # Past every buffer: the signal may have come while the screen was being drawn, whose buffer this would end in.
        with suppress(OSError):
            os.write(_STANDARD_ERROR, _STOPPING)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
