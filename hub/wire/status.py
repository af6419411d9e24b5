"""What an answer's status means, in one table, where it is not a status the call expected.

Each row says what to raise after a call that only reads and after one that may change something. They differ where the
answer leaves open whether the change was made (a gateway's 502 may hide a success): an act whose answer says nothing
is not known to have failed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from hub.errors import AuthError, ConnectorError, ContractError, OutcomeUnknown, RateLimited, TransientError
from hub.wire.recorder import told

SUCCESS = range(200, 300)
_LONGEST_WAIT = timedelta(days=30)  # what a service asks for beyond that is a mistake or a trap
_STRUCTURED = re.compile(r"(application|text)/([a-z0-9.+-]+\+)?(json|xml)", re.IGNORECASE)
_EMPTY = frozenset({b"", b"{}", b"[]", b"null"})


@dataclass(frozen=True, slots=True)
class Row:
    """What an unexpected status means.

    Args:
        reading: what to raise after a call that changes nothing.
        acting: what to raise after one that may.
        said: what happened, for people; the message begins with the call and the status.
        hint: what to do next.
    """

    reading: type[ConnectorError]
    acting: type[ConnectorError]
    said: str
    hint: str = ""


_LATER = "It is tried again later."
_TOLD = "the service refused the call as it stands"
_BUSY = Row(TransientError, TransientError, "the service could not take the call just now", _LATER)
_BROKE = Row(TransientError, OutcomeUnknown, "the service or a gateway before it failed", _LATER)
_REFUSED = Row(ContractError, ContractError, _TOLD, "Repeating cannot help; compare with the service's documentation.")
_OTHER = Row(
    ContractError,
    OutcomeUnknown,
    "that is not the answer the service documents for it",
    "What it did is read back before anything is repeated.",
)
_SLOW_DOWN = Row(RateLimited, RateLimited, "the service asks for fewer calls", _LATER)
_NO_ACCESS = Row(
    AuthError,
    AuthError,
    "the service does not accept these credentials, or they lack a permission",
    "Mend the instance's credentials or their permissions, run `hub check`, then `hub resume INSTANCE`.",
)

TABLE: Mapping[int, Row] = {
    401: _NO_ACCESS,
    403: _NO_ACCESS,  # with the service's own words; without, it is _SLOW_DOWN: some answer so under load
    407: _NO_ACCESS,
    408: _BUSY,
    423: _BUSY,
    425: _BUSY,
    429: _SLOW_DOWN,
    501: _REFUSED,
    503: _BUSY,
    505: _REFUSED,
}


def row(status: int, *, documented: bool) -> Row:
    """The row for an unexpected `status`; `documented`: the body is the service's own statement (JSON or XML)."""
    if status == 403 and not documented:  # noqa: PLR2004  # the one status whose body matters
        return _SLOW_DOWN
    if status in TABLE:
        return TABLE[status]
    return _OTHER if status < 400 else _REFUSED if status < 500 else _BROKE  # noqa: PLR2004  # the classes of HTTP


@dataclass(frozen=True, slots=True)
class Call:
    """What a status is judged by.

    Args:
        instance: whose call it was.
        method, template: the call, as messages may show it.
        reads: it changes nothing at the service.
        idempotent: repeating it does no harm.
    """

    instance: str
    method: str
    template: str
    reads: bool
    idempotent: bool

    def unknown(self, said: str) -> ConnectorError:
        """`OutcomeUnknown` after an act, `TransientError` after a mere reading: the exchange broke off."""
        message = f"{self.method} {self.template}: {said}"
        if self.reads:
            return TransientError(message, instance=self.instance, hint=_LATER)
        return self._undecided(message)

    def unfit(self, said: str) -> ConnectorError:
        """`OutcomeUnknown` after an act, `ContractError` after a mere reading: the answer cannot be understood."""
        message = f"{self.method} {self.template}: {said}"
        if self.reads:
            return ContractError(message, instance=self.instance, hint=_REFUSED.hint)
        return self._undecided(message)

    def judge(
        self, status: int, headers: Mapping[str, str], body: bytes, expect: Collection[int], now: datetime
    ) -> None:
        """Raise what the table says, unless `status` is one of `expect`."""
        if status in expect:
            return
        content_type = headers.get("content-type", "").partition(";")[0].strip()
        documented = bool(_STRUCTURED.fullmatch(content_type)) and body.strip() not in _EMPTY
        found = row(status, documented=documented)
        cls = found.reading if self.reads else found.acting
        message = f"{self.method} {self.template} was answered {status}: {found.said}"
        if cls is OutcomeUnknown:
            raise told(self._undecided(message))
        wait = retry_after(headers, now)
        if cls is RateLimited or (cls is TransientError and wait is not None):
            raise told(RateLimited(message, retry_after=wait, instance=self.instance, hint=found.hint))
        raise told(cls(message, instance=self.instance, hint=found.hint))

    def _undecided(self, message: str) -> OutcomeUnknown:
        return OutcomeUnknown(message, repeatable=self.idempotent, instance=self.instance, hint=_OTHER.hint)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the service asked to be left alone: seconds or an HTTP date (RFC 9110, 10.2.3), 0 to 30 days.

    A date is measured from the answer's own Date where it has one, so that a wrong clock on either side does no harm.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text):
        return min(timedelta(seconds=float(text)), _LONGEST_WAIT)
    until = _date(text)
    if until is None:
        return None
    return max(timedelta(0), min(until - (_date(headers.get("date", "")) or now), _LONGEST_WAIT))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else None
