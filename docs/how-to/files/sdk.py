"""A connector that uses a vendor's SDK, with the hub's door in place of the SDK's own way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter
from vendor_sdk import ApiError, CourierClient

from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Method,
    Outcome,
    OutcomeUnknown,
    Processor,
    Record,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.courier.example"


class CourierConfig(InstanceConfig):
    """One account."""

    key: SecretStr = Field(description="API key that may read and delete.")


# --8<-- [start:templates]
_CUSTOMER = re.compile(r"/customers/(?!search$)[^/]+")


def template_of(method: str, path: str) -> str:  # noqa: ARG001  # the paths say enough
    """What evidence and messages show in place of a path, which has an id in it."""
    return _CUSTOMER.sub("/customers/{id}", path)


def reads(method: str, path: str) -> bool:
    """Whether a call changes nothing: also the search, which is made by POST."""
    return method == "GET" or path == "/customers/search"


# --8<-- [end:templates]


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Customer(BaseModel):
    """A customer; what the record has besides is exported too."""

    model_config = ConfigDict(extra="allow")
    id: str
    email: str


class Found(BaseModel):
    """What a search brings."""

    results: list[Customer]


class Deleted(BaseModel):
    """What the courier says to a deletion that it made."""

    deleted: str


T = TypeVar("T")


class NotThere(Exception):
    """The vendor says that there is no such customer."""


class Courier(Processor[CourierConfig]):
    """One account and its customers."""

    name = "courier"
    title = "Courier"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"customer": "customer"}
    rectify = unsupported("Customers correct their own data in the courier's app.")
    suppress = unsupported("The courier writes about parcels and nothing else.")

    # --8<-- [start:session]
    def __init__(self, config: CourierConfig, hub: Services) -> None:
        super().__init__(config, hub)
        session = hub.wire.requests_session(template_of, expect={200, 204, 404}, reads=reads)
        self._client = CourierClient(config.key.get_secret_value(), session=session)

    # --8<-- [end:session]

    @classmethod
    def limits(cls, config: CourierConfig) -> Limits:  # noqa: ARG003  # the same for every account
        """One host."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose key it is."""
        found = self._ask(Me, self._client.whoami)
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    # --8<-- [start:find]
    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By e-mail address. The SDK's own search makes *nobody* of every answer it does not know: it is not used."""
        for email in subject.emails:
            search = partial(self._client.request, "POST", "/customers/search", {"email": email})
            for customer in self._ask(Found, search).results:
                if Identifier.email(email).matches(customer.email):
                    yield Holding(f"customer/{customer.id}", "customer", ("contact",), {"id": customer.id})
        yield Coverage(self.searches)

    # --8<-- [end:find]

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The customer."""
        customer = self._read(holding)
        if customer is not None:
            yield Record("customer", customer.model_dump())

    # --8<-- [start:erase]
    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete it. The SDK returns an empty answer for a refusal without words: only the right answer counts."""
        try:
            said = self._ask(Deleted, self._client.delete_customer, holding.locator["id"], acts=True)
        except NotThere:
            return Absent()
        if said.deleted != holding.locator["id"]:
            raise self._unfit(acts=True)
        return Done(Method.DELETED)

    # --8<-- [end:erase]

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        return Gone() if self._read(act.target) is None else Differs(("id",))

    def _read(self, holding: Holding) -> Customer | None:
        """The customer; None when the vendor says that there is none."""
        try:
            customer = self._ask(Customer, self._client.get_customer, holding.locator["id"])
        except NotThere:
            return None
        if customer.id != holding.locator["id"]:
            raise self._unfit()
        return customer

    # --8<-- [start:ask]
    def _ask(self, shape: type[T], call: Callable[..., Any], *arguments: str, acts: bool = False) -> T:
        """Call the SDK and look at what it made of the answer.

        Its own errors quote the service, so they end here: what is raised instead is raised outside the handlers.
        """
        gone = False
        try:
            return TypeAdapter(shape).validate_python(call(*arguments))
        except ApiError as error:
            gone = '"no_such_customer"' in str(error)
        except (ValueError, AttributeError):  # no JSON, other JSON than the SDK expects, or not the shape
            pass
        raise NotThere if gone else self._unfit(acts=acts)

    def _unfit(self, *, acts: bool = False) -> ContractError | OutcomeUnknown:
        """Something else than the courier answered; after an act, nobody knows what it did."""
        said, hint = "The courier's answer is not one it documents", f"Look for a proxy between the hub and {HOST}."
        if acts:
            return OutcomeUnknown(said, repeatable=True, instance=self.hub.instance, hint=hint)
        return ContractError(said, instance=self.hub.instance, hint=hint)

    # --8<-- [end:ask]


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Courier]
