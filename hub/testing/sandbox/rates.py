"""How often a service lets itself be called."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

from hub.testing.messages import Refuse


class RateLimit:
    """At most `count` calls in any `period` of the sandbox's clock; the next is refused with 429 and `Retry-After`.

    A refused call does not count.
    """

    def __init__(self, count: int, period: timedelta) -> None:
        self._period = period
        self._taken: deque[datetime] = deque(maxlen=count)

    def admit(self, now: datetime) -> None:
        """Let a call in, or raise `Refuse`."""
        if len(self._taken) == self._taken.maxlen:
            wait = self._taken[0] + self._period - now
            if wait > timedelta(0):
                seconds = math.ceil(wait.total_seconds())
                raise Refuse(429, {"error": "too_many_calls"}, {"Retry-After": str(seconds)})
        self._taken.append(now)
