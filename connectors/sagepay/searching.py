"""Lists transactions: in windows of days, in the three classes of result, page by page, to the last row.

What the sources leave open is made not to matter. Whether the service reads dates in UTC or in London, a period that
is a day wider at both ends covers it. Windows share their boundary, so that no fraction of a second falls between two.
Whether rows count from 0 or from 1 and whether `endrow` is inclusive, the first page names no rows (the service then
lists the first 50) and later ones begin at the last row seen. A row seen twice is yielded once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from connectors.sagepay.answers import Fields, every, text
from connectors.sagepay.reporting import PAGE_ROWS, Reporting
from connectors.sagepay.signing import element
from hub import ContractError

RESULTS = ("SUCCESS", "FAILURE", "INVALID")  # failed attempts hold personal data too
_DAY = timedelta(days=1)
_GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


def windows(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Cut the days from `first` to `last` into windows of at most that many days; each begins where one ended."""
    start = first
    while start < last:
        end = min(start + timedelta(days=days), last)
        yield start, end
        start = end


def transactions(reporting: Reporting, phrase: str | None) -> Iterator[Fields]:
    """Every transaction since `search_from` that the phrase fits; None: every one. Yields rows of lists."""
    config = reporting.config
    until = reporting.hub.clock.now().date() + 2 * _DAY  # the whole of tomorrow
    seen: set[str] = set()
    for start, end in windows(config.search_from - _DAY, until, config.window_days):
        for result in RESULTS:
            for row in _rows(reporting, start, end, result, phrase):
                if identity(row) not in seen:
                    seen.add(identity(row))
                    yield row


def identity(row: Fields) -> str:
    """What tells one transaction from another: its vpstxid, else its vendortxcode; empty when it has neither."""
    return canonical(text(row, "vpstxid")) or text(row, "vendortxcode")


def canonical(guid: str) -> str:
    """A GUID in one form: the service writes it with braces and without, in either case."""
    return guid.strip("{}").upper()


def is_guid(value: str) -> bool:
    """Whether it has the form of all the service's own ids and tokens; what has not cannot exist there."""
    return bool(_GUID.fullmatch(canonical(value)))


def locator(row: Fields) -> dict[str, str]:
    """How to ask for the transaction again."""
    vpstxid = text(row, "vpstxid")
    return {"vpstxid": vpstxid} if vpstxid else {"vendortxcode": text(row, "vendortxcode")}


def _rows(reporting: Reporting, start: date, end: date, result: str, phrase: str | None) -> Iterator[Fields]:
    """The rows of one window and result. Raises `ContractError` when the list cannot be read to its end."""
    seen: set[str] = set()
    first = 0
    while True:
        answer = reporting.page(_parameters(start, end, result, phrase, first))
        page = list(every(answer, "transaction"))
        if not all(map(identity, page)):
            raise ContractError("Sage Pay listed a transaction without an id", instance=reporting.hub.instance)
        fresh = {identity(row): row for row in page if identity(row) not in seen}
        seen |= fresh.keys()
        yield from fresh.values()
        total = _total(answer)
        complete = not total.isdecimal() or len(seen) >= int(total)
        if complete and (total or len(page) < PAGE_ROWS - 1):
            return
        if not fresh:
            raise ContractError(
                "Sage Pay repeats or ends a list of transactions before its last row",
                instance=reporting.hub.instance,
                hint="Lower `window_days`, so that a window holds fewer transactions.",
            )
        first += max(len(page) - 1, 1) if first else len(page)


def _total(answer: Fields) -> str:
    """How many rows the service says there are, wherever it says so; empty when it does not."""
    places = (answer, *every(answer, "transactions"))
    return next((total for place in places if (total := text(place, "totalrows"))), "")


def _parameters(start: date, end: date, result: str, phrase: str | None, first: int) -> str:
    values = {
        "startdate": f"{start:%d/%m/%Y} 00:00:00",
        "enddate": f"{end:%d/%m/%Y} 00:00:00",
        "result": result,
        **({"searchphrase": phrase} if phrase is not None else {}),
        "includeaddresses": "YES",
        "sorttype": "ByDate",
        "sortorder": "ASC",  # a payment made while we read comes last and shifts nothing
        **({"startrow": str(first), "endrow": str(first + PAGE_ROWS - 1)} if first else {}),
    }
    return "".join(element(name, value) for name, value in values.items())
