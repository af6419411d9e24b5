"""A connector to an invented survey service, which accepts a deletion now and carries it out hours later."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    Coverage,
    Delivery,
    Differs,
    Done,
    Gone,
    Handle,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Method,
    NotYet,
    Outcome,
    Pending,
    PermanentError,
    Processor,
    Record,
    Reply,
    Search,
    Services,
    Signal,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.quickpoll.example"
BASE = f"https://{HOST}"
PATIENCE = timedelta(days=7)  # the service promises three
OFTEN = timedelta(minutes=30)


class PollConfig(InstanceConfig):
    """One account."""

    key: SecretStr = Field(description="API key that may read and delete.")
    webhook_secret: SecretStr = Field(description="What the service signs its notifications with.")


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Job(BaseModel):
    """What the service has taken on."""

    id: str
    status: str
    ends_at: datetime


class Respondent(BaseModel):
    """Somebody who answered; `deleting` says that a deletion was taken on."""

    id: str
    email: str
    deleting: bool


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_respondent"]


class Poll(Processor[PollConfig]):
    """One account and the people who answered its surveys."""

    name = "quickpoll"
    title = "Quickpoll"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"respondent": "somebody who answered"}
    rectify = unsupported("Answers to a survey are what the person said then.")
    suppress = unsupported("Quickpoll writes to nobody.")

    def __init__(self, config: PollConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    @classmethod
    def limits(cls, config: PollConfig) -> Limits:  # noqa: ARG003  # the same for every account
        """One host."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose key it is."""
        found = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key, model=Me).value
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By e-mail address."""
        for email in subject.emails:
            query = {"email": email}
            rows = self.hub.wire.call(
                "GET", f"{BASE}/respondents", query=query, headers=self._key, model=list[Respondent]
            )
            for row in rows.value:
                if Identifier.email(email).matches(row.email):
                    yield Holding(f"respondent/{row.id}", "respondent", ("answers",), {"id": row.id})
        yield Coverage(self.searches)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The respondent with their answers."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record("respondent", reply.json)

    # --8<-- [start:erase]
    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Ask for the deletion. The service takes it on: accepted is not done."""
        taken = self._about("DELETE", holding).value
        if isinstance(taken, Unknown):
            return Absent()
        return self._pending(taken, step, give_up_at=step.now + PATIENCE)

    def _pending(self, job: Job, step: Step, give_up_at: datetime) -> Pending:
        """When to look again: when the service says it will be done, and from then on every half hour."""
        handle = {"job": job.id, "give_up_at": give_up_at.isoformat()}
        return Pending(max(job.ends_at, step.now + OFTEN), handle, give_up_at)

    # --8<-- [end:erase]

    # --8<-- [start:resume]
    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:  # noqa: ARG002  # the job says enough
        """What became of the job."""
        path = {"job": handle["job"]}
        job = self.hub.wire.call("GET", f"{BASE}/jobs/{{job}}", path=path, headers=self._key, model=Job).value
        match job.status:
            case "accepted" | "running":
                return self._pending(job, step, datetime.fromisoformat(handle["give_up_at"]))
            case "done":
                return Done(Method.DELETED)
            case _:
                raise PermanentError(
                    "Quickpoll gave a deletion up that it had accepted",
                    instance=self.hub.instance,
                    hint="Ask its support why, then `hub retry REQUEST`: the deletion is asked for anew.",
                )

    # --8<-- [end:resume]

    # --8<-- [start:confirm]
    def confirm(self, act: Act, step: Step) -> Confirmation:
        """Read the respondent back; the job's word alone proves nothing."""
        assert isinstance(act.target, Holding)
        found = self._about("GET", act.target).value
        if isinstance(found, Unknown):
            return Gone()
        return NotYet(step.now + OFTEN) if found.deleting else Differs(("id",))

    # --8<-- [end:confirm]

    # --8<-- [start:receive]
    def receive(self, delivery: Delivery) -> Iterator[Signal]:
        """A notification that a job ended: verified, then only a reason to look."""
        secret = self.config.webhook_secret.get_secret_value().encode()
        expected = "sha256=" + hmac.new(secret, delivery.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), delivery.headers.get("x-signature", "").encode()):
            return  # anybody can send us a body; what is not signed says nothing
        told = json.loads(delivery.body)
        if told.get("event") == "job.ended":
            yield Signal({"job": told["job"]})

    # --8<-- [end:receive]

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one respondent."""
        expect = {200: Respondent, 404: Unknown} if method == "GET" else {202: Job, 404: Unknown}
        template = f"{BASE}/respondents/{{id}}"
        return self.hub.wire.call(method, template, path=holding.locator, headers=self._key, expect=expect)


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Poll]
