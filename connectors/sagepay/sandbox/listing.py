"""How the service lists transactions: periods, pages, phrases, refusals."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from xml.sax.saxutils import escape

TIME = "%d/%m/%Y %H:%M:%S"
_SEARCHED = re.compile(r"cardholder|customername|(billing|delivery|card)(firstnames|surname|address2?|city|postcode)")
_LISTED = ("vpstxid", "vendortxcode", "transactiontype", "started", "result", "amount", "currency", "cardholder")
_ROWS = 50


class CommandError(Exception):
    """An answer with another code than 0000."""

    def __init__(self, code: str, said: str) -> None:
        self.code, self.said = code, said
        super().__init__(code)


def listed(transactions: Collection[Mapping[str, str]], asked: Mapping[str, str], quirks: Collection[str]) -> str:
    """The answer to `getTransactionList`. Raises `CommandError`."""
    start, end = (datetime.strptime(asked[name], TIME) for name in ("startdate", "enddate"))  # noqa: DTZ007  # the service's own time
    if start > end:
        raise CommandError("0038", "The start date you have supplied is after the end date.")
    if end > _month_after(start):
        raise CommandError("0039", "The end date is more than one month after the start date.")
    first = int(asked.get("startrow", 1))
    last = int(asked.get("endrow", first + _ROWS - 1))
    if last - first > _ROWS:
        raise CommandError("0099", "Start Row and End Row range too large.")
    found = [entry for entry in transactions if _fits(entry, asked, start, end)]
    if "stuck" in quirks:
        first, last = 1, _ROWS
    if "unpaged" in quirks:
        last = len(found)
    addresses = asked.get("includeaddresses") == "YES"
    rows = "".join(
        f"<transaction><rownumber>{number}</rownumber>{row(entry, addresses=addresses)}</transaction>"
        for number, entry in enumerate(found, start=1)
        if first <= number <= last
    )
    total = len(found) + ("short" in quirks)
    shown = f"<startrow>{first}</startrow><endrow>{min(last, len(found))}</endrow>"
    counted = "" if "uncounted" in quirks else f"<totalrows>{total}</totalrows>"
    return f"<transactions>{shown}{counted}{rows}</transactions>"


def row(entry: Mapping[str, str], *, addresses: bool = False) -> str:
    """A transaction as a list shows it."""
    shown = {name: entry[name] for name in _LISTED if name in entry}
    more = {name: value for name, value in entry.items() if addresses and _SEARCHED.fullmatch(name)}
    return xml(shown | more)


def xml(values: Mapping[str, str]) -> str:
    """One element for each value."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _fits(entry: Mapping[str, str], asked: Mapping[str, str], start: datetime, end: datetime) -> bool:
    began = datetime.strptime(entry["started"], f"{TIME}.%f")  # noqa: DTZ007  # the service's own time
    phrase = asked.get("searchphrase", "").casefold()
    texts = (value.casefold() for name, value in entry.items() if _SEARCHED.fullmatch(name))
    result = asked.get("result") in {None, entry["result"]}
    return start <= began <= end and result and any(phrase in text for text in texts)


def _month_after(start: datetime) -> datetime:
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)  # noqa: PLR2004  # December
    day = start.day
    while True:
        try:
            return start.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1
