"""Ctrl-C and the signal of a service manager: the first ends cleanly, a second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hub.cli.output import INTERRUPTED, note

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        note("\nStopping: what is under way is finished first. Once more stops at once; the journal goes on next time.")
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
