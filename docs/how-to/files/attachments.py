"""A connector to an invented help desk, whose tickets have attachments of any size."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

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
    OutcomeUnknown,
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


class Row(BaseModel):
    """A ticket as the list shows it."""

    model_config = ConfigDict(extra="allow")
    id: str
    email: str


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
        found: dict[str, Any] = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key).json
        lacks = {"read", "write"} - set(found["scopes"])
        return Account(id=found["id"], label=found["name"], missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By the address a ticket came from."""
        for email in subject.emails:
            query = {"email": email}
            rows = self.hub.wire.call("GET", f"{BASE}/tickets", query=query, headers=self._key, model=list[Row])
            for row in rows.value:
                if Identifier.email(email).matches(row.email):
                    yield Holding(f"ticket/{row.id}", "ticket", ("correspondence",), {"id": row.id})
        yield Coverage(self.searches)

    # --8<-- [start:export]
    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        """The ticket, then its attachments; the cursor is the number of those that are read."""
        reply = self._one("GET", holding, 200)
        if reply.status == HTTPStatus.NOT_FOUND:
            return
        if step.cursor is None:
            yield Record("ticket", {**reply.json, "attachments": len(reply.json["attachments"])}, cursor="0")
        done = int(step.cursor or 0)
        for number, of in enumerate(reply.json["attachments"][done:], start=done + 1):
            attachment = self._attachment(of)
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
        gone = self._one("DELETE", holding, 204).status == HTTPStatus.NOT_FOUND
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = self._one("GET", act.target, 200).status == HTTPStatus.NOT_FOUND
        return Gone() if gone else Differs(("id",))

    def _one(self, method: str, holding: Holding, good: int) -> Reply[Any]:
        template = f"{BASE}/tickets/{{id}}"
        reply = self.hub.wire.call(method, template, path=holding.locator, headers=self._key, expect=(good, 404))
        if reply.status == HTTPStatus.NOT_FOUND and "error" not in reply.json:
            raise OutcomeUnknown("Something else than the desk said 404", repeatable=True, instance=self.hub.instance)
        return reply


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Desk]
