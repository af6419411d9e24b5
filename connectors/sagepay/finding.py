"""Finds one person's transactions and tokens: by code where one is known, else by listing and comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sagepay import matching
from connectors.sagepay.answers import Fields, text
from connectors.sagepay.config import SagePayConfig
from connectors.sagepay.matching import Found, Verdict, judge, judge_related
from connectors.sagepay.reporting import Reporting
from connectors.sagepay.searching import canonical, identity, is_guid, locator, transactions
from connectors.sagepay.states import Phase, phase
from hub import (
    Coverage,
    Holding,
    Identifier,
    IdentifierKind,
    InvalidIdentifier,
    Learned,
    Match,
    Reach,
    Role,
    Search,
    Subject,
)

TRANSACTION_CODE = "sagepay.vendortxcode"
TRANSACTION_ID = "sagepay.vpstxid"
TOKEN = "sagepay.token"  # noqa: S105  # a namespace
SETTLED = frozenset({Phase.TRADED, Phase.ATTEMPTED})

_HINTS = {  # what helps a person to decide: label → the service's element
    "card holder": "cardholder",
    "surname": "billingsurname",
    "postcode": "billingpostcode",
    "e-mail": "customeremail",
    "delivered to": "deliverysurname",
    "paid on": "started",
    "amount": "amount",
    "card ends in": "last4digits",
}
_CATEGORIES = {
    "token": ("payment",),
    "transaction": ("identity", "contact", "address", "payment", "network", "fraud_screening"),
}


@dataclass(slots=True)
class Inquiry:
    """One search for one person; made for one call of `find` and dropped after it."""

    reporting: Reporting
    subject: Subject
    _found: dict[str, Found] = field(default_factory=dict, repr=False)
    _strangers: set[str] = field(default_factory=set, repr=False)  # identities judged not to be hers
    _strangers_tokens: set[str] = field(default_factory=set, repr=False)

    def run(self) -> Iterator[Holding | Learned | Coverage]:
        """Tokens first: they are what can be erased, and their guard needs the transactions found."""
        self._look_up()
        for phrase in self._phrases():
            for row in transactions(self.reporting, phrase):
                if identity(row) not in self._found and identity(row) not in self._strangers:
                    self._consider(locator(row), asked_for=False)
        self._walk()
        yield from self._tokens()
        for key, found in self._found.items():
            yield _holding(f"transaction:{key}", locator(found.detail), found.verdict, found.detail)
        yield from self._learned()
        yield self._coverage()

    def _look_up(self) -> None:
        for code in self.subject.external(TRANSACTION_CODE):
            self._consider({"vendortxcode": code}, asked_for=True)
        for vpstxid in filter(is_guid, self.subject.external(TRANSACTION_ID)):
            self._consider({"vpstxid": vpstxid}, asked_for=True)

    def _phrases(self) -> list[str | None]:
        """What to list by. The service's phrase covers names and address fields, never the e-mail address."""
        if self.reporting.config.sweep:
            return [None]
        postcodes = [address.postcode for address in self.subject.addresses if address.postcode]
        compact = [matching.postcode(value) for value in postcodes]  # shops store it as the customer typed it
        return list(dict.fromkeys([name.split()[-1] for name in self.subject.names] + postcodes + compact))

    def _consider(self, at: Mapping[str, str], *, asked_for: bool) -> None:
        detail = self.reporting.detail(at)
        if detail is None:
            return
        verdict = judge(detail, self.subject, asked_for=asked_for, region=self.reporting.hub.region)
        if verdict is None:
            self._strangers.add(identity(detail))
            self._strangers_tokens.add(_token(detail))
        else:
            self._found.setdefault(identity(detail), Found(detail, verdict))

    def _walk(self) -> None:
        """Add refunds and repeats of what was found, and what those found are refunds and repeats of.

        One found before as possible becomes exact when its origin is: a refund seldom bears an e-mail address.
        """
        waiting = list(self._found.values())
        while waiting:
            origin = waiting.pop()
            for row in self._relatives(origin.detail):
                known = self._found.get(identity(row))
                if known and (known.verdict.match is Match.EXACT or origin.verdict.match is Match.POSSIBLE):
                    continue
                detail = known.detail if known else self.reporting.detail(locator(row))
                if detail is None:
                    continue
                verdict = judge_related(detail, self.subject, origin, region=self.reporting.hub.region)
                if known is None or verdict.match is Match.EXACT:
                    found = self._found[identity(detail)] = Found(detail, verdict)
                    waiting.append(found)

    def _relatives(self, detail: Fields) -> Iterator[Fields]:
        parent = text(detail, "relatedtransactionid")
        if parent:
            yield {"vpstxid": parent}
        yield from (row for row in self.reporting.related(locator(detail)) if identity(row))

    def _tokens(self) -> Iterator[Holding]:
        """The tokens that exist, each with the open transactions that forbid its removal for now."""
        asked_for = {canonical(token): token for token in filter(is_guid, self.subject.external(TOKEN))}
        seen = {_token(f.detail): text(f.detail, "token") for f in self._payments()} | asked_for
        for key, token in seen.items():
            card = self.reporting.token(token) if key and self.reporting.config.admin else {}
            if not key or card is None:
                continue
            behind = [found.verdict for found in self._found.values() if _token(found.detail) == key]
            if key in asked_for:
                own = judge(card, self.subject, asked_for=True, region=self.reporting.hub.region)
                behind += [own] if own else []
            where = {"token": token, "guards": self._guards(key)}
            yield _holding(f"token:{key}", where, self._joint(key, behind), card)

    def _joint(self, token: str, behind: list[Verdict]) -> Verdict:
        """A token is surely hers when one of its transactions is, and hers alone when all of them are."""
        exact = any(verdict.match is Match.EXACT for verdict in behind)
        sole = token not in self._strangers_tokens and all(verdict.certain for verdict in behind)
        shared = exact and not sole
        return Verdict(Match.EXACT if exact else Match.POSSIBLE, Reach.SHARED if shared else Reach.SOLE)

    def _guards(self, token: str) -> list[dict[str, str]]:
        """The unsettled transactions that may stand on this token: on it, or on a card they do not name."""
        return [
            locator(found.detail)
            for found in self._payments()
            if phase(found.detail) not in SETTLED and _token(found.detail) in {token, ""}
        ]

    def _payments(self) -> list[Found]:
        """What she may have paid for herself."""
        return [found for found in self._found.values() if found.verdict.role is Role.HOLDER]

    def _learned(self) -> Iterator[Learned]:
        """Telephone, and e-mail address where none was known, of payments that are surely hers and bear her full name.

        The name guards against a mistyped code: what is learned is acted on elsewhere.
        """
        region = self.reporting.hub.region
        taught: list[Identifier] = []
        for found in self._found.values():
            if not found.verdict.certain or not matching.same_person(found.detail, self.subject):
                continue
            if not self.subject.emails:
                taught += _identifiers(Identifier.email, matching.addresses(found.detail))
            numbers = [text(found.detail, name) for name in ("contactnumber", "billingphone")]
            taught += _identifiers(lambda number: Identifier.phone(number, region), numbers)
        yield from (Learned(new) for new in dict.fromkeys(taught) if new not in self.subject.identifiers)

    def _coverage(self) -> Coverage:
        return Coverage(searched_by(self.reporting.config))


def searched_by(config: SagePayConfig) -> dict[str, Search]:
    """How an account with these settings is searched."""
    by_code = {TRANSACTION_CODE: Search.EXACT, TRANSACTION_ID: Search.EXACT}
    by_token = {TOKEN: Search.EXACT} if config.admin else {}
    kinds = [IdentifierKind.NAME, IdentifierKind.ADDRESS]
    kinds += [IdentifierKind.EMAIL, IdentifierKind.PHONE] if config.sweep else []
    how = Search.SCAN if config.sweep else Search.INDEX
    return by_code | by_token | {kind.value: how for kind in kinds}


def _token(detail: Fields) -> str:
    return canonical(text(detail, "token"))


def _identifiers(make: Callable[[str], Identifier], values: list[str]) -> Iterator[Identifier]:
    for value in values:
        try:
            yield make(value)
        except InvalidIdentifier:
            continue  # what a customer typed there is no identifier


def _holding(key: str, where: Mapping[str, Any], verdict: Verdict, detail: Fields) -> Holding:
    """The holding; hints help the person who must decide, so a certain one needs none."""
    kind = key.partition(":")[0]
    known = {label: text(detail, name) for label, name in _HINTS.items()}
    hints = {} if verdict.certain else {label: value for label, value in known.items() if value}
    return Holding(key, kind, _CATEGORIES[kind], where, verdict.match, verdict.reach, verdict.role, hints)
