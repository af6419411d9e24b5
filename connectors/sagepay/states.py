"""The states of a transaction (`txstateid`), and how long each kind must be kept.

The table is the vendor's: 0-27 from its help pages as a public client lists them, 28-39 (European payments) as another
does. Only what a state means for a person's request is told apart here.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from connectors.sagepay.answers import Fields, text


class Phase(StrEnum):
    """What a transaction's state means for a person's request."""

    UNDERWAY = "underway"  # the customer is paying at this moment
    OPEN = "open"  # money can still be taken: awaiting release or authorisation
    TRADED = "traded"  # business took place: a record the law wants kept
    ATTEMPTED = "attempted"  # nothing came of it: a weaker reason to keep it


_UNDERWAY = frozenset({0, 2, 3, 4, 5, 6, 7, 24, 28, 38, 39})
_OPEN = frozenset({14, 15, 21})
_TRADED = frozenset({16, 18, 19, 22, 26, 27, 29})
_ATTEMPTED = frozenset({1, 8, 9, 10, 11, 12, 13, 17, 20, 23, 25, 30, 31, 32, 33, 34, 35, 36, 37})
_PHASES = {
    **dict.fromkeys(_UNDERWAY, Phase.UNDERWAY),
    **dict.fromkeys(_OPEN, Phase.OPEN),
    **dict.fromkeys(_TRADED, Phase.TRADED),
    **dict.fromkeys(_ATTEMPTED, Phase.ATTEMPTED),
}
_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: \d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)?")


def phase(detail: Fields) -> Phase | None:
    """The phase of a transaction; None when its state is missing or none this table knows."""
    state = text(detail, "txstateid")
    return _PHASES.get(int(state)) if state.isascii() and state.isdecimal() and len(state) <= 3 else None  # noqa: PLR2004  # digits of an id


def ended(detail: Fields) -> date | None:
    """The day the transaction ended (`completed`, else `started`), as the service writes it: a date in London."""
    for name in ("completed", "started"):
        match = _DATE.fullmatch(text(detail, name))
        if match:
            day, month, year = map(int, match.groups())
            try:
                return date(year, month, day)
            except ValueError:
                continue
    return None


def years_after(day: date, years: int) -> date:
    """The same day some years later; 29 February becomes 1 March, so that a period is never cut short."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
