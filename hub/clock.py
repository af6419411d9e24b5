"""The statutory clock: until when a request must be answered, extended or refused. Pure: dates in, dates out.

What differs between laws is data in `JURISDICTIONS`; there is one rule of computing. Sources: UK GDPR Art. 12(3), (4)
and 12A (inserted by the Data (Use and Access) Act 2025, s. 76) with the ICO's guidance on the right of access; EU
GDPR Art. 12(3) and (4) with Regulation (EEC, Euratom) No 1182/71, Art. 3.

All days are days where the controller is (`local_day`); a deadline is the last day on which acting is in time, and is
over when that day ends (`end_of`).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from hub.errors import UsageError

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One law's clock, as data.

    Args:
        months: to answer, from the start of the clock.
        extended_months: to answer an extended request, from the same start.
        starts_when_complete: whether requested proof of identity, authority or fee (re)starts the clock.
        clarifiable: rights whose clock stands still while the person is asked what the request is about.
        refusal_extends: whether an extension also moves the day by which a refusal must be explained.
        timezone: whose days count.
        public_holidays: country, or country and part, as the `holidays` package names them (`DE`, `GB-SCT`); empty:
            weekends alone are days off, which can only make a deadline earlier than the law has it.
    """

    months: int
    extended_months: int
    starts_when_complete: bool
    clarifiable: frozenset[str]
    refusal_extends: bool
    timezone: str
    public_holidays: str


JURISDICTIONS = {
    "uk": Jurisdiction(
        months=1,
        extended_months=3,
        starts_when_complete=True,  # the "relevant time" is the latest of receipt, information and fee
        clarifiable=frozenset({"access"}),  # from the day of asking to the day of the answer, both included
        refusal_extends=True,  # Art. 12(4): before the end of the applicable time period
        timezone="Europe/London",
        public_holidays="GB-ENG",
    ),
    "eu": Jurisdiction(
        months=1,
        extended_months=3,
        starts_when_complete=False,  # the text has no such rule; guidance tolerates it, a deadline must not rely on it
        clarifiable=frozenset(),
        refusal_extends=False,  # Art. 12(4): at the latest within one month of receipt
        timezone="Europe/Brussels",
        public_holidays="",  # they are those of the controller's Member State: settings name it
    ),
}


class Waiting(StrEnum):
    """What has to come from the person before the clock runs."""

    COMPLETION = "completion"  # proof of identity, authority or fee
    CLARIFICATION = "clarification"


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question what the request is about. Raises `UsageError` when the answer came before the question.

    Args:
        asked: the day it was asked.
        answered: the day the answer came; None: not yet.
    """

    asked: date
    answered: date | None = None

    def __post_init__(self) -> None:
        if self.answered is not None and self.answered < self.asked:
            raise UsageError(
                "A clarification cannot be answered before it was asked for",
                hint="Check the two dates and submit again.",
            )


@dataclass(frozen=True, slots=True)
class Case:
    """What the clock needs to know of a request.

    Args:
        right: `access`, `erasure`, … (the values of `hub.rights.Right`).
        received: the day it was received.
        completions: for each thing the person was asked for (proof of identity, a third party's authority, a fee) the
            day it came; None: not yet.
        clarifications: questions what the request is about.
        extended: whether the person was told, in time and with reasons, that it takes two months more.
    """

    right: str
    received: date
    completions: tuple[date | None, ...] = ()
    clarifications: tuple[Clarification, ...] = ()
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The last day for each; None while the clock stands still.

    Args:
        answer_by: to carry the request out and say so.
        extend_by: to tell the person, with reasons, that it takes longer.
        refuse_by: to tell the person why nothing is done, and where they can complain.
        waiting: what the clock waits for; None while it runs.
    """

    answer_by: date | None
    extend_by: date | None
    refuse_by: date | None
    waiting: Waiting | None = None


def jurisdiction(code: str, *, timezone: str | None = None, public_holidays: str | None = None) -> Jurisdiction:
    """The law called `code` (`uk`, `eu`), with the controller's own time zone and public holidays where they differ."""
    law = JURISDICTIONS[code]
    return replace(
        law,
        timezone=law.timezone if timezone is None else timezone,
        public_holidays=law.public_holidays if public_holidays is None else public_holidays,
    )


def deadlines(case: Case, law: Jurisdiction) -> Deadlines:
    """Until when the request must be answered, extended or refused."""
    start = case.received
    if law.starts_when_complete:
        if None in case.completions:
            return Deadlines(None, None, None, Waiting.COMPLETION)
        start = max([start, *(day for day in case.completions if day)])
    pauses = _merged(case.clarifications) if case.right in law.clarifiable else []
    first = _last_day(start, law.months, pauses, law)
    answer = _last_day(start, law.extended_months, pauses, law) if case.extended else first
    return Deadlines(
        answer_by=answer,
        extend_by=first,
        refuse_by=answer if law.refusal_extends else first,
        waiting=None if answer else Waiting.CLARIFICATION,
    )


def local_day(instant: datetime, law: Jurisdiction) -> date:
    """The day it is for the controller at that instant."""
    return instant.astimezone(ZoneInfo(law.timezone)).date()


def end_of(day: date, law: Jurisdiction) -> datetime:
    """The instant, in UTC, at which that day is over for the controller: from then on it is too late."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(law.timezone)).astimezone(UTC)


def is_working_day(day: date, law: Jurisdiction) -> bool:
    """Whether it is neither Saturday, Sunday nor a public holiday."""
    return day.weekday() < _SATURDAY and day not in _public_holidays(law.public_holidays, day.year)


def months_later(day: date, months: int) -> date:
    """The same day of a later month; its last day where it has no such day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def known_holidays(code: str) -> bool:
    """Whether `code` names a country, or country and part, whose public holidays are known."""
    try:
        _public_holidays(code, 2026)
    except NotImplementedError:
        return False
    return True


def _last_day(start: date, months: int, pauses: list[Clarification], law: Jurisdiction) -> date | None:
    """The period's last day: the day of asking, the day of the answer and those between do not count.

    A question asked after the period had ended changes nothing. Asked on the days off that put the end off, it still
    falls in the period, which then goes on from that working day.
    """
    end = months_later(start, months)
    for pause in pauses:
        still_running = pause.asked <= _working_day(end, law)
        if not still_running or (pause.answered is not None and pause.answered < start):
            continue
        if pause.answered is None:
            return None
        uncounted = (pause.answered - max(pause.asked, start)).days + 1
        end = (end if pause.asked <= end else _working_day(end, law)) + timedelta(days=uncounted)
    return _working_day(end, law)


def _merged(questions: tuple[Clarification, ...]) -> list[Clarification]:
    """In order, overlapping ones made one: a day is left out of the count once."""
    merged: list[Clarification] = []
    for question in sorted(questions, key=lambda q: q.asked):
        last = merged[-1] if merged else None
        if last is None or (last.answered is not None and question.asked > last.answered):
            merged.append(question)
        elif last.answered is not None:
            answered = None if question.answered is None else max(last.answered, question.answered)
            merged[-1] = replace(last, answered=answered)
    return merged


def _working_day(day: date, law: Jurisdiction) -> date:
    while not is_working_day(day, law):
        day += timedelta(days=1)
    return day


@cache
def _public_holidays(code: str, year: int) -> frozenset[date]:
    if not code:
        return frozenset()
    from holidays import country_holidays  # noqa: PLC0415  # 50 ms, and many commands never ask

    country, _, part = code.partition("-")
    return frozenset(country_holidays(country, subdiv=part or None, years=year))
