"""Looks for a person: in every audience whatever the member's status, and among the customers of every shop.

Mailchimp's own search (`/search-members`, `/lists?email=`) lags and leaves archived members out, so it is not used:
each audience is asked for the address's hash, which is answered from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from connectors.mailchimp.api import Api, Json, hash_of
from connectors.mailchimp.config import MailchimpConfig
from hub import (
    Coverage,
    Holding,
    Identifier,
    InvalidIdentifier,
    Learned,
    Match,
    Reach,
    Search,
    Services,
    Subject,
)

UNIQUE_EMAIL = "mailchimp.unique_email"  # Mailchimp's id of an address, `mc_eid` in the links of its campaigns

# Local parts of addresses that a function of an organisation reads, not one person: RFC 2142 and what is usual.
_FUNCTIONS = (
    "abuse accounting accounts admin administrator applications billing bookings careers clerk compliance contact "
    "contactus customerservice dpo enquiries enquiry events feedback finance frontdesk general hello help helpdesk hi "
    "hr info information inquiries invoices it jobs legal mail mailbox management marketing media news newsletter "
    "noreply no-reply office orders payments post postmaster press privacy purchasing reception sales security service "
    "services shop studio support team webmaster"
)
_FUNCTION_MAILBOXES = frozenset(_FUNCTIONS.split())


class Finder:
    """One search for one person."""

    def __init__(self, api: Api, config: MailchimpConfig, hub: Services, subject: Subject) -> None:
        self._api = api
        self._config = config
        self._hub = hub
        self._subject = subject
        self._emails = [Identifier.email(email) for email in subject.emails]

    def run(self) -> Iterator[Holding | Learned | Coverage]:
        """Carts, orders and customers first: a customer that outlives its carts could be mailed about them."""
        for store in self._api.stores():
            yield from self._in_shop(self._api.text(store, "id"))
        for audience in self._api.audiences():
            yield from self._in_audience(self._api.text(audience, "id"), self._api.text(audience, "name"))
        searched = {"email": Search.EXACT, UNIQUE_EMAIL: Search.EXACT}
        yield Coverage(searched | ({"phone": Search.SCAN} if self._config.phone_tags else {}))

    def _in_shop(self, store: str) -> Iterator[Holding]:
        customers: dict[str, Json] = {}
        for email in self._emails:
            for spelling in _spellings(email.value):
                found = self._api.customers(store, spelling)
                customers |= {self._api.text(c, "id"): c for c in found if email.matches(str(c.get("email_address")))}
        if not customers:
            return  # a cart or an order always has a customer
        for cart in self._api.carts(store):
            customer = customers.get(_customer_of(cart))
            if customer:
                yield self._record("cart", store, cart, customer)
        for id_, customer in customers.items():
            for order in self._api.orders(store, id_):
                if _customer_of(order) == id_:
                    yield self._record("order", store, order, customer)
        for customer in customers.values():
            yield self._record("customer", store, customer, customer)

    def _record(self, kind: str, store: str, record: Json, customer: Json) -> Holding:
        id_ = self._api.text(record, "id")
        reach = self._reach(str(customer.get("email_address")))
        name = f"{customer.get('first_name', '')} {customer.get('last_name', '')}".strip()
        return Holding(
            key=f"{kind}:{store}:{id_}",
            kind=kind,
            categories=("contact",) if kind == "customer" else ("contact", "orders"),
            locator={"store": store, "id": id_},
            reach=reach,
            hints={"store": store, "name": name} if reach is Reach.SHARED else {},
        )

    def _in_audience(self, audience: str, title: str) -> Iterator[Holding | Learned]:
        exact = {self._api.text(member, "id"): member for member in self._by_key(audience)}
        for member in exact.values():
            holding = self._member(audience, title, member, Match.EXACT)
            yield holding
            if holding.certain:
                yield from map(Learned, self._teaches(member))
        for member in self._by_phone(audience):
            if self._api.text(member, "id") not in exact:
                yield self._member(audience, title, member, Match.POSSIBLE)

    def _by_key(self, audience: str) -> Iterator[Json]:
        for email in self._emails:
            for spelling in _spellings(email.value):
                member = self._api.member(audience, hash_of(spelling))
                if member is not None:
                    yield member
        for id_ in self._subject.external(UNIQUE_EMAIL):
            live = self._api.members(audience, unique_email_id=id_)
            archived = self._api.members(audience, unique_email_id=id_, status="archived")
            yield from (m for m in chain(live, archived) if m.get("unique_email_id") == id_)

    def _by_phone(self, audience: str) -> Iterator[Json]:
        """Members with one of the numbers. A number may be a household's, so a person decides whose they are."""
        wanted = [Identifier.phone(phone) for phone in self._subject.phones] if self._config.phone_tags else []
        if not wanted:
            return
        for member in chain(self._api.members(audience), self._api.members(audience, status="archived")):
            numbers = self._numbers(member, self._config.phone_tags)
            if any(phone.matches(number, region=self._hub.region) for phone in wanted for number in numbers):
                yield member

    def _member(self, audience: str, title: str, member: Json, match: Match) -> Holding:
        email, id_ = self._api.text(member, "email_address"), self._api.text(member, "id")
        reach = self._reach(email)
        merge = _mapping(member.get("merge_fields"))
        name = " ".join(str(merge.get(self._config.merge_tags.get(f, ""), "")) for f in ("first_name", "last_name"))
        hints = {"audience": title, "address": email, "name": name.strip(), "status": str(member.get("status"))}
        return Holding(
            key=f"member:{audience}:{id_}",
            kind="member",
            categories=("contact", "preferences", "activity", "location"),
            locator={"audience": audience, "hash": id_, "contact": str(member.get("contact_id") or "")},
            match=match,
            reach=reach,
            hints=hints if match is Match.POSSIBLE or reach is Reach.SHARED else {},
        )

    def _teaches(self, member: Json) -> Iterator[Identifier]:
        email, region = self._api.text(member, "email_address"), self._hub.region
        numbers = self._numbers(member, (self._config.merge_tags.get("phone", ""), *self._config.phone_tags))
        found = [_identifier(Identifier.email, email)]
        found.append(_identifier(Identifier.external, UNIQUE_EMAIL, str(member.get("unique_email_id") or "")))
        found += [_identifier(Identifier.phone, number, region) for number in numbers]
        known = set(self._subject.identifiers)
        yield from (i for i in dict.fromkeys(found) if i is not None and i not in known)

    def _reach(self, email: str) -> Reach:
        local = email.lower().partition("@")[0].partition("+")[0]
        extra = {address.lower() for address in self._config.shared_mailboxes}
        return Reach.SHARED if local in _FUNCTION_MAILBOXES or email.lower() in extra else Reach.SOLE

    @staticmethod
    def _numbers(member: Json, tags: tuple[str, ...]) -> list[str]:
        merge = _mapping(member.get("merge_fields"))
        values = [merge.get(tag) for tag in tags] + [member.get("sms_phone_number")]
        return [value for value in values if isinstance(value, str) and value]


def _spellings(email: str) -> list[str]:
    """The address with its domain in ASCII and, where that differs, as people write it: each has a hash of its own."""
    local, _, domain = email.rpartition("@")
    try:
        written = domain.encode("ascii").decode("idna")
    except UnicodeError:
        written = domain
    return list(dict.fromkeys((email, f"{local}@{written}")))


def _identifier(make: Callable[..., Identifier], *text: str | None) -> Identifier | None:
    """None for what somebody typed into a form and is no such identifier."""
    try:
        return make(*text)
    except InvalidIdentifier:
        return None


def _customer_of(record: Json) -> str:
    return str(_mapping(record.get("customer")).get("id"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
