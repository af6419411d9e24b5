"""A stand-in for Sage Pay: the Reporting & Admin API and the removal of tokens, as the service documents them.

It shares no code with the connector's way of signing: the four published signatures keep both honest. What no source
says it makes hard rather than easy: an unknown token has an error code of its own, tokens come in braces, transaction
ids without.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from connectors.sagepay.stock import SEARCHED_DAYS, Stock, guid, of_the_town
from hub.testing.sandbox import Answer, Request, Sandbox, route
from hub.testing.town import Town

VENDOR = "larkspurlamps"
ADMIN = ("hub", "Sandbox-1")  # user and password
READER = ("reader", "Sandbox-2")  # a user without administrative rights

Pairs = list[tuple[str, str]]
_SIGNED = re.compile(
    r"<vspaccess>(?P<signed>.*)<signature>(?P<signature>[0-9A-Fa-f]+)</signature></vspaccess>", re.DOTALL
)
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>|<(\w+)/>")
_REFERENCE = re.compile(r"&(#\d+|amp|lt|gt|quot|apos);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_SEARCHED = re.compile(r"cardholder|customername|(billing|delivery|card)(firstnames|surname|address2?|city|postcode)")
_LISTED = ("vpstxid", "vendortxcode", "transactiontype", "started", "result", "amount", "currency", "cardholder")
_ROWS = 50
_TIME = "%d/%m/%Y %H:%M:%S"


class _Error(Exception):
    """An answer with another code than 0000."""

    def __init__(self, code: str, said: str) -> None:
        self.code, self.said = code, said
        super().__init__(code)


_NO_TRANSACTION = ("0043", "Unable to find the transaction for the <vendortxcode> or <vpstxid> supplied.")


class SagePaySandbox(Sandbox):
    """One vendor account.

    Attributes:
        stock: its payments and tokens.
        quirks: ways of listing that no source rules out: `uncounted` (no total), `unpaged` (`endrow` is ignored),
            `stuck` (`startrow` too), `short` (fewer rows than the total).
        registered: IP addresses that may call; a call says its own in `caller_header`, or comes from 127.0.0.1.
    """

    name: ClassVar[str] = "sagepay"
    media_type: ClassVar[str] = "text/xml; charset=ISO-8859-1"
    caller_header: ClassVar[str] = "x-forwarded-for"

    def seed(self, town: Town) -> None:
        """Fill the account."""
        self.stock: Stock = of_the_town(town, self.clock.now().date())
        self.quirks: set[str] = set()
        self.registered = {"127.0.0.1"}
        self._passwords = dict([ADMIN, READER])

    def state(self) -> Mapping[str, Any]:
        """Counts, and the tokens' own names."""
        return {"transactions": len(self.stock.transactions), "tokens": sorted(self.stock.tokens)}

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings for this account; searches reach back over what was seeded."""
        user, password = ADMIN
        since = datetime.now().astimezone().date() - timedelta(days=SEARCHED_DAYS)
        return {"vendor": VENDOR, "user": user, "password": password, "search_from": since.isoformat()}

    @route("POST", "/gateway/service/removetoken.vsp")
    def remove_token(self, request: Request) -> Answer:
        """REMOVETOKEN: always 200, and OK alone means removed."""
        form = request.form()
        if self._caller(request) not in self.registered:
            return _lines("INVALID", "4020 : Information received from an Invalid IP address.")
        if form.get("VPSProtocol") not in {"3.00", "4.00"} or form.get("TxType") != "REMOVETOKEN":
            return _lines("MALFORMED", "3000 : The VPSProtocol or TxType value is not supported.")
        if form.get("Vendor") != VENDOR:
            return _lines("INVALID", "3034 : The Vendor value is required = it is not known.")
        if self.stock.tokens.pop(form.get("Token", ""), None) is None:
            return _lines("INVALID", "3175 : The Token is not recognised.")
        return _lines("OK", "2017 : The Token was removed = successfully.")

    @route("POST", "/access/access.htm")
    def report(self, request: Request) -> Answer:
        """A signed command: always 200."""
        try:
            elements = self._authenticated(request)
            command = dict(elements).get("command", "")
            handler = getattr(self, f"_do_{command.lower()}", self._do_not_know)
            body = "".join(handler(elements))
        except _Error as error:
            return self._document(error.code, f"<error>{escape(error.said)}</error>")
        return self._document("0000", body)

    def _authenticated(self, request: Request) -> Pairs:
        """The command's elements, when its signature is right for the very text that was sent."""
        found = _SIGNED.fullmatch(request.form().get("XML", ""))
        if found is None:
            raise _Error("0001", "The message received was not valid XML.")
        elements = [(name or empty, _unescaped(text)) for name, text, empty in _ELEMENT.findall(found["signed"])]
        values = dict(elements)
        password = self._passwords.get(values.get("user", ""))
        if self._caller(request) not in self.registered:
            raise _Error("4020", "Information received from an Invalid IP address.")
        if password is None or values.get("vendor") != VENDOR:
            raise _Error("0008", "The specified vendor and user combination is not valid.")
        digest = hashlib.new(values.get("algorithm", "md5"), usedforsecurity=False)
        digest.update(f"{found['signed']}<password>{password}</password>".encode())
        if digest.hexdigest() != found["signature"].lower():
            raise _Error("0010", "Cannot validate the signature value.")
        return elements

    def _caller(self, request: Request) -> str:
        return request.headers.get(self.caller_header, "127.0.0.1")

    def _document(self, code: str, body: str) -> Answer:
        head = '<?xml version="1.0" encoding="ISO-8859-1" ?>'
        time = f"<timestamp>{self.clock.now():{_TIME}}</timestamp>"
        text = f"{head}<vspaccess><errorcode>{code}</errorcode>{time}<unheardof/>{body}</vspaccess>"
        return Answer(200, text.encode("iso-8859-1", "xmlcharrefreplace"))

    def _do_not_know(self, _: Pairs) -> Iterator[str]:
        raise _Error("0013", "The command passed in the command parameter was not recognised.")

    def _do_version(self, _: Pairs) -> Iterator[str]:
        yield "<version>1.02</version>"

    def _do_addvalidips(self, elements: Pairs) -> Iterator[str]:
        _require_admin(elements)
        for name, value in elements:
            if name == "address":
                address = ".".join(str(int(part)) for part in value.split("."))
                if address in self.registered:
                    raise _Error("9998", "The IP address is already registered.")
                self.registered.add(address)
        yield ""

    def _do_gettokencount(self, elements: Pairs) -> Iterator[str]:
        _require_admin(elements)
        yield f"<totalnumber>{len(self.stock.tokens)}</totalnumber>"

    def _do_gettokendetails(self, elements: Pairs) -> Iterator[str]:
        _require_admin(elements)
        token = dict(elements).get("token", "")
        if token not in self.stock.tokens:
            raise _Error("0311", "The value supplied was not recognised.")
        yield _elements({"token": token} | self.stock.tokens[token])

    def _do_gettransactiondetail(self, elements: Pairs) -> Iterator[str]:
        yield _elements({k: v for k, v in self._one(elements).items() if k != "result"})

    def _do_gettransactioncarddetails(self, elements: Pairs) -> Iterator[str]:
        found = self._one(elements)
        yield _elements({k: found[k] for k in ("paymentsystem", "last4digits", "expirydate")})

    def _do_gettransactionipdetails(self, elements: Pairs) -> Iterator[str]:
        yield _elements({"clientip": self._one(elements)["clientip"], "country": "GB"})

    def _do_getfraudscreendetail(self, elements: Pairs) -> Iterator[str]:
        found = self._one(elements)
        rule = _elements({"description": "No Match on Electoral Roll", "score": "12"})
        rules = f"<t3mresults><rule>{rule}</rule><rule>{rule}</rule></t3mresults>"
        yield _elements({k: found[k] for k in ("t3mid", "t3mscore", "t3maction")}) + rules

    def _do_gett3mdetail(self, elements: Pairs) -> Iterator[str]:
        wanted = dict(elements).get("t3mtxid")
        if not any(entry.get("t3mid") == wanted for entry in self.stock.transactions):
            raise _Error(*_NO_TRANSACTION)
        rule = _elements({"description": "Postcode seen before", "score": "-3"})
        yield f"<t3mresults><rule>{rule}</rule></t3mresults>"

    def _do_getrelatedtransactions(self, elements: Pairs) -> Iterator[str]:
        origin = self._one(elements).get("vpstxid")
        related = [entry for entry in self.stock.transactions if entry.get("relatedtransactionid") == origin]
        rows = "".join(f"<transaction>{_listed(entry)}</transaction>" for entry in related if origin)
        yield f"<relatedtransactions>{rows}</relatedtransactions>"

    def _do_gettransactionlist(self, elements: Pairs) -> Iterator[str]:
        asked = dict(elements)
        start, end = (datetime.strptime(asked[name], _TIME) for name in ("startdate", "enddate"))  # noqa: DTZ007  # the service's own time
        if start > end:
            raise _Error("0038", "The start date you have supplied is after the end date.")
        if end > _month_after(start):
            raise _Error("0039", "The end date is more than one month after the start date.")
        first = int(asked.get("startrow", 1))
        last = int(asked.get("endrow", first + _ROWS - 1))
        if last - first > _ROWS:
            raise _Error("0099", "Start Row and End Row range too large.")
        found = [entry for entry in self.stock.transactions if _fits(entry, asked, start, end)]
        if "stuck" in self.quirks:
            first, last = 1, _ROWS
        if "unpaged" in self.quirks:
            last = len(found)
        addresses = asked.get("includeaddresses") == "YES"
        rows = "".join(
            f"<transaction><rownumber>{number}</rownumber>{_listed(entry, addresses=addresses)}</transaction>"
            for number, entry in enumerate(found, start=1)
            if first <= number <= last
        )
        total = len(found) + ("short" in self.quirks)
        shown = f"<startrow>{first}</startrow><endrow>{min(last, len(found))}</endrow>"
        counted = "" if "uncounted" in self.quirks else f"<totalrows>{total}</totalrows>"
        yield f"<transactions>{shown}{counted}{rows}</transactions>"

    def _one(self, elements: Pairs) -> dict[str, str]:
        asked = {name.lower(): value for name, value in elements}
        code, vpstxid = asked.get("vendortxcode"), asked.get("vpstxid", "").strip("{}").upper()
        if not (code or vpstxid):
            raise _Error("0042", "You must supply one of vendortxcode OR vpstxid.")
        for entry in self.stock.transactions:
            if (code and entry["vendortxcode"] == code) or (vpstxid and entry.get("vpstxid") == vpstxid):
                return entry
        raise _Error(*_NO_TRANSACTION)


def token_of(name: str) -> str:
    """The token the seeded card of that name has, such as `main's card`."""
    return f"{{{guid(name)}}}"


def _require_admin(elements: Pairs) -> None:
    if dict(elements)["user"] != ADMIN[0]:
        raise _Error("0011", "You cannot execute the specified command without administrative privileges.")


def _fits(entry: Mapping[str, str], asked: Mapping[str, str], start: datetime, end: datetime) -> bool:
    began = datetime.strptime(entry["started"], f"{_TIME}.%f")  # noqa: DTZ007  # the service's own time
    phrase = asked.get("searchphrase", "").casefold()
    texts = (value.casefold() for name, value in entry.items() if _SEARCHED.fullmatch(name))
    result = asked.get("result") in {None, entry["result"]}
    return start <= began <= end and result and any(phrase in text for text in texts)


def _listed(entry: Mapping[str, str], *, addresses: bool = False) -> str:
    shown = {name: entry[name] for name in _LISTED if name in entry}
    more = {name: value for name, value in entry.items() if addresses and _SEARCHED.fullmatch(name)}
    return _elements(shown | more)


def _elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(lambda found: chr(int(found[1][1:])) if found[1][0] == "#" else _NAMED[found[1]], text)


def _month_after(start: datetime) -> datetime:
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)  # noqa: PLR2004  # December
    day = start.day
    while True:
        try:
            return start.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1


def _lines(status: str, detail: str) -> Answer:
    text = f"VPSProtocol=4.00\r\nStatus={status}\r\nStatusDetail={detail}\r\n"
    return Answer(200, text.encode("latin-1"), {"Content-Type": "text/plain"})
