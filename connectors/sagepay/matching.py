"""Decides whose a transaction is. It errs towards asking a person: only what is surely hers is acted on by itself.

- Her e-mail address on it: hers. With somebody else's name, a second address, or a mailbox such as `info@`: shared.
- Asked for by its code: hers, unless it bears another address or surname. A mistyped order number is a stranger's.
- No e-mail address on it: possible, when surname and postcode fit; the full name, when no postcode is known.
- Another e-mail address on it: possible when the full name fits and a postcode or telephone number, since people
  change addresses and order from work. Else not hers.
- Her name and postcode where it was delivered: possible, and she is mentioned in somebody's order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.sagepay.answers import Fields, text
from hub import IdentifierKind, Match, Reach, Role, Subject

# Mailboxes named after a function (RFC 2142 and custom): whoever reads them, it is seldom one person alone.
_MAILBOXES = frozenset(
    [
        "accounts",
        "admin",
        "billing",
        "contact",
        "enquiries",
        "finance",
        "hello",
        "info",
        "mail",
        "office",
        "orders",
        "purchasing",
        "sales",
        "shop",
        "support",
        "team",
    ]
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How sure it is that a transaction is the person's, whom else it concerns, what the person is in it."""

    match: Match
    reach: Reach = Reach.SOLE
    role: Role = Role.HOLDER

    @property
    def certain(self) -> bool:
        """Whether the hub may act on it without a decision."""
        return self.match is Match.EXACT and self.reach is Reach.SOLE


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction that is, or may be, the person's."""

    detail: Fields = field(repr=False)
    verdict: Verdict


def judge(detail: Fields, subject: Subject, *, asked_for: bool, region: str | None) -> Verdict | None:
    """The verdict on one transaction; None: not hers.

    Args:
        detail: answer of `getTransactionDetail`.
        subject: who is searched for.
        asked_for: whether the request named this transaction by its code.
        region: default region of national telephone numbers.
    """
    written = addresses(detail)
    hers = [address for address in written if _is_hers(address, subject)]
    foreign_name = bool(subject.names and _payer(detail)) and not _surname_fits(_payer(detail), subject)
    if hers:
        shared = len(hers) < len(written) or foreign_name or any(map(_is_mailbox, hers))
        return Verdict(Match.EXACT, Reach.SHARED if shared else Reach.SOLE)
    other_address = bool(written and subject.emails)
    if asked_for:
        return Verdict(Match.POSSIBLE if other_address or foreign_name else Match.EXACT)
    if _fits(detail, subject, strict=other_address, region=region):
        return Verdict(Match.POSSIBLE)
    if _delivered_to(detail, subject):
        return Verdict(Match.POSSIBLE, role=Role.MENTIONED)
    return None


def judge_related(detail: Fields, subject: Subject, origin: Found, *, region: str | None) -> Verdict:
    """The verdict on a refund or repeat: its origin's, unless it bears an e-mail address that the origin does not."""
    own = judge(detail, subject, asked_for=False, region=region)
    if own is not None and own.match is Match.EXACT:
        return own
    if set(addresses(detail)) <= set(addresses(origin.detail)):
        return origin.verdict
    return own or Verdict(Match.POSSIBLE, role=origin.verdict.role)


def addresses(detail: Fields) -> list[str]:
    """The e-mail addresses on a transaction, in lower case; the service lets a shop give several, joined by colons."""
    return [part for part in re.split(r"[:;,\s]+", text(detail, "customeremail").casefold()) if part]


def same_person(detail: Fields, subject: Subject) -> bool:
    """Whether the payer's name on the transaction is, in full, one the request gives."""
    return _full_name_fits(_payer(detail), subject)


def postcode(value: str) -> str:
    """A postcode as it is compared: upper case, no spaces."""
    return "".join(value.split()).upper()


def _is_hers(address: str, subject: Subject) -> bool:
    return any(email.matches(address) for email in subject.of(IdentifierKind.EMAIL))


def _is_mailbox(address: str) -> bool:
    return address.partition("@")[0].casefold() in _MAILBOXES


def _fits(detail: Fields, subject: Subject, *, strict: bool, region: str | None) -> bool:
    """Whether payer and postcode fit: the surname is enough, unless `strict` asks for the full name."""
    names = _payer(detail)
    if strict:
        lives_there = _postcode_fits(detail, ("billing", "card"), subject)
        return _full_name_fits(names, subject) and (lives_there or _phone_fits(detail, subject, region))
    if _surname_fits(names, subject):
        known = bool(subject.addresses)
        return _postcode_fits(detail, ("billing", "card"), subject) if known else _full_name_fits(names, subject)
    if subject.names:
        return False
    return _postcode_fits(detail, ("billing", "card"), subject) or _phone_fits(detail, subject, region)


def _delivered_to(detail: Fields, subject: Subject) -> bool:
    name = _folded([f"{text(detail, 'deliveryfirstnames')} {text(detail, 'deliverysurname')}"])
    return _full_name_fits(name, subject) and _postcode_fits(detail, ("delivery",), subject)


def _payer(detail: Fields) -> set[str]:
    """The names of whoever paid, folded."""
    billing = f"{text(detail, 'billingfirstnames')} {text(detail, 'billingsurname')}"
    return _folded([text(detail, "cardholder"), text(detail, "customername"), billing])


def _full_name_fits(names: set[str], subject: Subject) -> bool:
    return bool(names & _folded(subject.names))


def _surname_fits(names: set[str], subject: Subject) -> bool:
    return bool({name.split()[-1] for name in names} & {name.split()[-1] for name in _folded(subject.names)})


def _postcode_fits(detail: Fields, parts: Iterable[str], subject: Subject) -> bool:
    hers = {postcode(address.postcode) for address in subject.addresses} - {""}
    return bool(hers & {postcode(text(detail, f"{part}postcode")) for part in parts})


def _phone_fits(detail: Fields, subject: Subject, region: str | None) -> bool:
    written = [number for name in ("contactnumber", "billingphone") if (number := text(detail, name))]
    return any(phone.matches(number, region=region) for phone in subject.of(IdentifierKind.PHONE) for number in written)


def _folded(names: Iterable[str]) -> set[str]:
    """Names as they are compared: no accents, no case, single spaces; cards and tills write SEAN for Seán."""
    stripped = (
        "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)) for name in names
    )
    return {" ".join(name.casefold().split()) for name in stripped} - {""}
