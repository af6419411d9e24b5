"""A connector that uses a vendor's SDK, with the hub's door in place of the SDK's own way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from pydantic import Field, SecretStr
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
        found = self._ask(self._client.whoami)
        lacks = {"read", "write"} - set(found["scopes"])
        return Account(id=found["id"], label=found["name"], missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By e-mail address."""
        for email in subject.emails:
            for row in self._ask(self._client.search_customers, email):
                if Identifier.email(email).matches(row["email"]):
                    yield Holding(f"customer/{row['id']}", "customer", ("contact",), {"id": row["id"]})
        yield Coverage(self.searches)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The customer."""
        record = self._read(holding)
        if record is not None:
            yield Record("customer", record)

    # --8<-- [start:erase]
    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete it. The SDK returns an empty answer for a refusal without words: only the right answer counts."""
        id_ = holding.locator["id"]
        try:
            said = self._ask(self._client.delete_customer, id_)
        except NotThere:
            return Absent()
        if said != {"deleted": id_}:
            raise OutcomeUnknown("The courier did not say that it deleted", repeatable=True, instance=self.hub.instance)
        return Done(Method.DELETED)

    # --8<-- [end:erase]

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        return Gone() if self._read(act.target) is None else Differs(("id",))

    def _read(self, holding: Holding) -> dict[str, Any] | None:
        """The customer; None when the vendor says that there is none, or its SDK says nothing at all."""
        try:
            found: dict[str, Any] = self._ask(self._client.get_customer, holding.locator["id"])
        except NotThere:
            return None
        if found.get("id") != holding.locator["id"]:
            raise self._unfit()
        return found

    # --8<-- [start:ask]
    def _ask(self, call: Callable[..., Any], *arguments: str) -> Any:
        """Call the SDK. Its own error quotes the service, so it ends here: raised outside the handler, without it."""
        try:
            return call(*arguments)
        except ApiError as error:
            gone = '"no_such_customer"' in str(error)
        if gone:
            raise NotThere
        raise self._unfit()

    # --8<-- [end:ask]

    def _unfit(self) -> ContractError:
        return ContractError(
            "Something else than the courier answered",
            instance=self.hub.instance,
            hint="Look for a proxy between the hub and api.courier.example.",
        )


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Courier]
