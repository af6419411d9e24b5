"""A connector to an invented CRM, where a record may be somebody else's, or several people's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    IdentifierKind,
    InstanceConfig,
    Learned,
    Limits,
    Match,
    Method,
    Outcome,
    Processor,
    Reach,
    Record,
    Reply,
    Role,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.rolodex.example"
BASE = f"https://{HOST}"


class CrmConfig(InstanceConfig):
    """One account."""

    key: SecretStr = Field(description="API key that may read and delete.")
    shared_mailboxes: tuple[str, ...] = Field(
        default=("info", "office", "sales"),
        description="What stands before the @ of addresses that several people read.",
    )


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Contact(BaseModel):
    """Somebody known to the company: a person, or a company with a person to talk to."""

    id: str
    kind: Literal["person", "company"]
    name: str
    email: str
    postcode: str
    customer_number: str


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_contact"]


class Crm(Processor[CrmConfig]):
    """One account and its contacts."""

    name = "rolodex"
    title = "Rolodex"
    # --8<-- [start:searches]
    searches: ClassVar = {"email": Search.EXACT, "name": Search.SCAN, "address": Search.SCAN}
    # --8<-- [end:searches]
    kinds: ClassVar = {"contact": "contact"}
    rectify = unsupported("Contacts are corrected by whoever looks after them.")
    suppress = unsupported("Rolodex sends nothing.")

    def __init__(self, config: CrmConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    @classmethod
    def limits(cls, config: CrmConfig) -> Limits:  # noqa: ARG003  # the same for every account
        """One host."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose key it is."""
        found = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key, model=Me).value
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    # --8<-- [start:find]
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        """Every contact is read and compared, first by what one person alone has, then by what many have."""
        for contact in self.hub.wire.call("GET", f"{BASE}/contacts", headers=self._key, model=list[Contact]).value:
            match = self._match(contact, subject)
            if match is None:
                continue
            holding = self._holding(contact, match)
            yield holding
            if holding.certain and contact.customer_number:
                yield Learned(Identifier.external("shop.customer", contact.customer_number))
        yield Coverage({"email": Search.EXACT, "name": Search.SCAN, "address": Search.SCAN})

    # --8<-- [end:find]

    # --8<-- [start:match]
    @staticmethod
    def _match(contact: Contact, subject: Subject) -> Match | None:
        """An address is one mailbox; a name is many people's, also together with a postcode."""
        if any(email.matches(contact.email) for email in subject.of(IdentifierKind.EMAIL)):
            return Match.EXACT
        named = any(name.matches(contact.name) for name in subject.of(IdentifierKind.NAME))
        lives = contact.postcode in {address.postcode for address in subject.addresses}
        return Match.POSSIBLE if named and lives else None

    # --8<-- [end:match]

    # --8<-- [start:holding]
    def _holding(self, contact: Contact, match: Match) -> Holding:
        shared = contact.kind == "company" or contact.email.partition("@")[0] in self.config.shared_mailboxes
        return Holding(
            f"contact/{contact.id}",
            "contact",
            ("contact",),
            {"id": contact.id},
            match=match,
            reach=Reach.SHARED if shared else Reach.SOLE,
            role=Role.CONTACT if contact.kind == "company" else Role.HOLDER,
            hints={"name": contact.name, "postcode": contact.postcode, "customer number": contact.customer_number},
        )

    # --8<-- [end:holding]

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The contact."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record("contact", reply.json)

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete it. The hub asks for this only where nobody can doubt whose it is, or somebody has decided."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = isinstance(self._about("GET", act.target).value, Unknown)
        return Gone() if gone else Differs(("id",))

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one contact."""
        expect = {200: Contact, 404: Unknown} if method == "GET" else {204: None, 404: Unknown}
        template = f"{BASE}/contacts/{{id}}"
        return self.hub.wire.call(method, template, path=holding.locator, headers=self._key, expect=expect)


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Crm]
