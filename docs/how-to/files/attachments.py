"""A connector to an invented help desk, whose tickets have attachments of any size."""

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
    File,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Method,
    Outcome,
    Processor,
    Record,
    Reply,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.helpdesk.example"
BASE = f"https://{HOST}"
FILES = "files.helpdesk.example"
LARGEST = 4 * 1024**3  # bytes; the help desk takes attachments of at most 2 GB


class DeskConfig(InstanceConfig):
    """One help desk."""

    key: SecretStr = Field(description="API key that may read and delete.")


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Ticket(BaseModel):
    """A ticket; `attachments` are ids. What it has besides is exported too."""

    id: str
    email: str
    attachments: list[str]


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_ticket"]


class Attachment(BaseModel):
    """A file on a ticket; the address is good for some minutes."""

    name: str
    media_type: str
    url: str


class Desk(Processor[DeskConfig]):
    """One help desk and its tickets."""

    name = "helpdesk"
    title = "Help desk"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"ticket": "ticket"}
    rectify = unsupported("A ticket is a conversation: it records what was said.")
    suppress = unsupported("The help desk writes only in answer.")

    def __init__(self, config: DeskConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    @classmethod
    def limits(cls, config: DeskConfig) -> Limits:  # noqa: ARG003  # the same for every desk
        """The interface's host. That of the files is allowed where a file is read, and nowhere else."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose key it is."""
        found = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key, model=Me).value
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By the address a ticket came from."""
        for email in subject.emails:
            query = {"email": email}
            rows = self.hub.wire.call("GET", f"{BASE}/tickets", query=query, headers=self._key, model=list[Ticket])
            for row in rows.value:
                if Identifier.email(email).matches(row.email):
                    yield Holding(f"ticket/{row.id}", "ticket", ("correspondence",), {"id": row.id})
        yield Coverage(self.searches)

    # --8<-- [start:export]
    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        """The ticket, then its attachments; the cursor is the number of those that are read."""
        reply = self._about("GET", holding)
        if isinstance(reply.value, Unknown):
            return
        if step.cursor is None:
            yield Record("ticket", reply.json, cursor="0")
        done = int(step.cursor or 0)
        for number, id_ in enumerate(reply.value.attachments[done:], start=done + 1):
            attachment = self._attachment(id_)
            chunks = self.hub.wire.stream(attachment.url, hosts=[FILES], max_bytes=LARGEST)
            yield File("attachment", attachment.name, attachment.media_type, chunks, cursor=str(number))

    def _attachment(self, id_: str) -> Attachment:
        """Asked for just before it is read: an address from the start of a long export has ended by then."""
        path = {"id": id_}
        return self.hub.wire.call(
            "GET", f"{BASE}/attachments/{{id}}", path=path, headers=self._key, model=Attachment
        ).value

    # --8<-- [end:export]

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete the ticket; its attachments go with it."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = isinstance(self._about("GET", act.target).value, Unknown)
        return Gone() if gone else Differs(("id",))

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one ticket."""
        expect = {200: Ticket, 404: Unknown} if method == "GET" else {204: None, 404: Unknown}
        return self.hub.wire.call(
            method, f"{BASE}/tickets/{{id}}", path=holding.locator, headers=self._key, expect=expect
        )


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Desk]
