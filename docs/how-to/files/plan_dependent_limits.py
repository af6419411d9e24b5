"""A connector to an invented mailing service that lets a larger plan call more often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    ConfigError,
    Confirmation,
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
    Processor,
    Rate,
    Record,
    Reply,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.pigeonpost.example"
BASE = f"https://{HOST}"


# --8<-- [start:settings]
class Plan(StrEnum):
    """What an account can be bought as."""

    FREE = "free"
    TEAM = "team"


class PigeonConfig(InstanceConfig):
    """One account at Pigeon Post."""

    key: SecretStr = Field(description="API key that may read and delete.")
    plan: Plan = Field(default=Plan.FREE, description="The plan bought; a larger one may be called more often.")
    share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="How much of the plan's rate the hub may use; others call this account too.",
    )


PER_MINUTE = {Plan.FREE: 60, Plan.TEAM: 1200}  # calls of the whole account, by the service's documentation
AT_ONCE = {Plan.FREE: 1, Plan.TEAM: 8}
# --8<-- [end:settings]


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]
    plan: Plan


class Address(BaseModel):
    """One address; what the record has besides is exported too."""

    id: str
    email: str


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_address"]


class Pigeon(Processor[PigeonConfig]):
    """One account and its addresses."""

    name = "pigeonpost"
    title = "Pigeon Post"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"address": "address that letters go to"}
    rectify = unsupported("An address here is nothing but an address: there is nothing else to correct.")
    suppress = unsupported("Letters go out by hand.")

    def __init__(self, config: PigeonConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    # --8<-- [start:limits]
    @classmethod
    def limits(cls, config: PigeonConfig) -> Limits:
        """The hub's share of what the plan allows, spread evenly: one call in two seconds, not thirty in a burst."""
        spacing = timedelta(minutes=1) / (PER_MINUTE[config.plan] * config.share)
        return Limits(hosts=(HOST,), concurrency=AT_ONCE[config.plan], rates=(Rate(1, spacing),))

    # --8<-- [end:limits]

    # --8<-- [start:check]
    def check(self) -> Account:
        """Whose key it is. That the settings name another plan than the account has is told here, not by a 429."""
        found = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key, model=Me).value
        if found.plan is not self.config.plan:
            raise ConfigError(
                f"The account has the plan {found.plan.value!r}, the settings say {self.config.plan.value!r}",
                instance=self.hub.instance,
                hint=f"Set `plan` of this instance in hub.toml, then `hub resume {self.hub.instance}`.",
            )
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    # --8<-- [end:check]

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By e-mail address."""
        for email in subject.emails:
            query = {"email": email}
            rows = self.hub.wire.call("GET", f"{BASE}/addresses", query=query, headers=self._key, model=list[Address])
            for row in rows.value:
                if Identifier.email(email).matches(row.email):
                    yield Holding(f"address/{row.id}", "address", ("contact",), {"id": row.id})
        yield Coverage(self.searches)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The address."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record("address", reply.json)

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete it."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = isinstance(self._about("GET", act.target).value, Unknown)
        return Gone() if gone else Differs(("id",))

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one address."""
        expect = {200: Address, 404: Unknown} if method == "GET" else {204: None, 404: Unknown}
        return self.hub.wire.call(
            method, f"{BASE}/addresses/{{id}}", path=holding.locator, headers=self._key, expect=expect
        )


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Pigeon]
