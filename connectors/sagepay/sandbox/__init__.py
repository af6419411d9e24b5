"""A stand-in for Sage Pay: the Reporting & Admin API and the removal of tokens, as the service documents them.

It shares no code with the connector's way of signing: the four published signatures keep both honest. What no source
says it makes hard rather than easy: an unknown token has an error code of its own, tokens come in braces, transaction
ids without.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from connectors.sagepay.sandbox.listing import TIME, CommandError, listed, row, xml
from connectors.sagepay.sandbox.stock import Stock, of_the_town
from hub.testing.sandbox import Answer, Request, Sandbox, route
from hub.testing.town import Town

VENDOR = "larkspurlamps"
ADMIN = ("hub", "Sandbox-1")  # user and password
READER = ("reader", "Sandbox-2")  # a user without administrative rights
SINCE = "2025-12-01"  # before anything seeded, on the clock tests stand at and on today's

Pairs = list[tuple[str, str]]
_SIGNED = re.compile(
    r"<vspaccess>(?P<signed>.*)<signature>(?P<signature>[0-9A-Fa-f]+)</signature></vspaccess>", re.DOTALL
)
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>|<(\w+)/>")
_REFERENCE = re.compile(r"&(#\d+|amp|lt|gt|quot|apos);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
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
        self._administrators = {ADMIN[0]}

    def state(self) -> Mapping[str, Any]:
        """Counts, and the tokens' own names."""
        return {"transactions": len(self.stock.transactions), "tokens": sorted(self.stock.tokens)}

    def records(self) -> dict[str, Any]:
        """Every payment, by its id or, where it never got one, its code; every token."""
        payments = {f"transactions/{p.get('vpstxid') or p['vendortxcode']}": p for p in self.stock.transactions}
        return payments | {f"tokens/{token}": card for token, card in self.stock.tokens.items()}

    def restrict(self) -> None:
        """The user is no administrator any more."""
        self._administrators.clear()

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings for this account."""
        user, password = ADMIN
        return {"vendor": VENDOR, "user": user, "password": password, "search_from": SINCE}

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
            asked = self._authenticated(request)
            command = dict(asked).get("command", "")
            handler = getattr(self, f"_do_{command.lower()}", self._do_not_know)
            body = "".join(handler(asked))
        except CommandError as error:
            return self._document(error.code, f"<error>{escape(error.said)}</error>")
        return self._document("0000", body)

    def _authenticated(self, request: Request) -> Pairs:
        """The command's elements, when its signature is right for the very text that was sent."""
        found = _SIGNED.fullmatch(request.form().get("XML", ""))
        if found is None:
            raise CommandError("0001", "The message received was not valid XML.")
        asked = [(name or empty, _unescaped(text)) for name, text, empty in _ELEMENT.findall(found["signed"])]
        values = dict(asked)
        password = self._passwords.get(values.get("user", ""))
        if self._caller(request) not in self.registered:
            raise CommandError("4020", "Information received from an Invalid IP address.")
        if password is None or values.get("vendor") != VENDOR:
            raise CommandError("0008", "The specified vendor and user combination is not valid.")
        digest = hashlib.new(values.get("algorithm", "md5"), usedforsecurity=False)
        digest.update(f"{found['signed']}<password>{password}</password>".encode())
        if digest.hexdigest() != found["signature"].lower():
            raise CommandError("0010", "Cannot validate the signature value.")
        return asked

    def _caller(self, request: Request) -> str:
        return request.headers.get(self.caller_header, "127.0.0.1")

    def _document(self, code: str, body: str) -> Answer:
        head = '<?xml version="1.0" encoding="ISO-8859-1" ?>'
        time = f"<timestamp>{self.clock.now():{TIME}}</timestamp>"
        text = f"{head}<vspaccess><errorcode>{code}</errorcode>{time}<unheardof/>{body}</vspaccess>"
        return Answer(200, text.encode("iso-8859-1", "xmlcharrefreplace"))

    def _do_not_know(self, _: Pairs) -> Iterator[str]:
        raise CommandError("0013", "The command passed in the command parameter was not recognised.")

    def _do_version(self, _: Pairs) -> Iterator[str]:
        yield "<version>1.02</version>"

    def _do_addvalidips(self, asked: Pairs) -> Iterator[str]:
        self._require_admin(asked)
        for name, value in asked:
            if name == "address":
                address = ".".join(str(int(part)) for part in value.split("."))
                if address in self.registered:
                    raise CommandError("9998", "The IP address is already registered.")
                self.registered.add(address)
        yield ""

    def _do_gettokencount(self, asked: Pairs) -> Iterator[str]:
        self._require_admin(asked)
        yield f"<totalnumber>{len(self.stock.tokens)}</totalnumber>"

    def _do_gettokendetails(self, asked: Pairs) -> Iterator[str]:
        self._require_admin(asked)
        token = dict(asked).get("token", "")
        if token not in self.stock.tokens:
            raise CommandError("0311", "The value supplied was not recognised.")
        yield xml({"token": token} | self.stock.tokens[token])

    def _do_gettransactiondetail(self, asked: Pairs) -> Iterator[str]:
        yield xml({k: v for k, v in self._one(asked).items() if k != "result"})

    def _do_gettransactioncarddetails(self, asked: Pairs) -> Iterator[str]:
        found = self._one(asked)
        yield xml({k: found[k] for k in ("paymentsystem", "last4digits", "expirydate")})

    def _do_gettransactionipdetails(self, asked: Pairs) -> Iterator[str]:
        yield xml({"clientip": self._one(asked)["clientip"], "country": "GB"})

    def _do_getfraudscreendetail(self, asked: Pairs) -> Iterator[str]:
        found = self._one(asked)
        rule = xml({"description": "No Match on Electoral Roll", "score": "12"})
        rules = f"<t3mresults><rule>{rule}</rule><rule>{rule}</rule></t3mresults>"
        yield xml({k: found[k] for k in ("t3mid", "t3mscore", "t3maction")}) + rules

    def _do_gett3mdetail(self, asked: Pairs) -> Iterator[str]:
        wanted = dict(asked).get("t3mtxid")
        if not any(entry.get("t3mid") == wanted for entry in self.stock.transactions):
            raise CommandError(*_NO_TRANSACTION)
        rule = xml({"description": "Postcode seen before", "score": "-3"})
        yield f"<t3mresults><rule>{rule}</rule></t3mresults>"

    def _do_getrelatedtransactions(self, asked: Pairs) -> Iterator[str]:
        origin = self._one(asked).get("vpstxid")
        related = [entry for entry in self.stock.transactions if entry.get("relatedtransactionid") == origin]
        rows = "".join(f"<transaction>{row(entry)}</transaction>" for entry in related if origin)
        yield f"<relatedtransactions>{rows}</relatedtransactions>"

    def _do_gettransactionlist(self, asked: Pairs) -> Iterator[str]:
        yield listed(self.stock.transactions, dict(asked), self.quirks)

    def _one(self, asked: Pairs) -> dict[str, str]:
        given = {name.lower(): value for name, value in asked}
        code, vpstxid = given.get("vendortxcode"), given.get("vpstxid", "").strip("{}").upper()
        if not (code or vpstxid):
            raise CommandError("0042", "You must supply one of vendortxcode OR vpstxid.")
        for entry in self.stock.transactions:
            if (code and entry["vendortxcode"] == code) or (vpstxid and entry.get("vpstxid") == vpstxid):
                return entry
        raise CommandError(*_NO_TRANSACTION)

    def _require_admin(self, asked: Pairs) -> None:
        if dict(asked)["user"] not in self._administrators:
            raise CommandError("0011", "You cannot execute the specified command without administrative privileges.")


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(lambda found: chr(int(found[1][1:])) if found[1][0] == "#" else _NAMED[found[1]], text)


def _lines(status: str, detail: str) -> Answer:
    text = f"VPSProtocol=4.00\r\nStatus={status}\r\nStatusDetail={detail}\r\n"
    return Answer(200, text.encode("latin-1"), {"Content-Type": "text/plain"})
