"""A connector as its author has it half-way: some of it works, some of it breaks what the hub asks of connectors.

`test_cli_dev.py` installs a copy of it as somebody else's distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from hub import (
    Act,
    Changes,
    ContractError,
    Coverage,
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
    Refused,
    Reply,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
)
from hub.testing.sandbox import Bearer, Request, Sandbox, Table, route
from hub.testing.town import TOWN, Town

SECRET = "a-secret-of-pebbles"


class Config(InstanceConfig):
    key: SecretStr


class Pebble(Processor[Config]):
    name = "pebble"
    title = "Pebble"
    searches = {"email": Search.SCAN}  # noqa: RUF012  # as an author writes it first
    kinds = {"contact": "contact"}  # noqa: RUF012  # as above

    def __init__(self, config: Config, hub: Services) -> None:
        super().__init__(config, hub)
        self._token = f"Bearer {config.key.get_secret_value()}"

    @classmethod
    def limits(cls, config: Config) -> Limits:
        return Limits(("api.pebble.example",))

    def _call(self, method: str, template: str, **more: Any) -> Reply:
        headers = {"Authorization": self._token}
        return self.hub.wire.call(method, f"https://api.pebble.example{template}", headers=headers, **more)

    def check(self) -> Any:
        raise RuntimeError(self._token)

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        if subject.emails[0].startswith("loud"):
            raise PermanentError(f"There is nobody called {subject.emails[0]}")
        for row in self._call("GET", "/contacts").json:
            if row["email"] in subject.emails:
                yield Holding(row["id"], "contact", ("contact",), {"id": row["id"]}, hints={"email": row["email"]})
        yield Coverage({"email": Search.SCAN})

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        person = self._call("GET", "/contacts").json[0]
        yield Record("contact", {"town": person[f"town of {person['email']}"]})

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        moved = self._call("PUT", "/contacts/{id}", path=dict(holding.locator), json=changes.concerning("pebble"))
        return Done(Method.CORRECTED, locator={"id": moved.json["id"]})

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        assert isinstance(target, Holding)
        return Refused("busy", f"Ask {target.hints['email']}")

    def erase(self, holding: Holding, step: Step) -> Outcome:
        now = self.hub.clock.now()
        return Pending(now, {"job": holding.locator["id"], "key": step.key}, now + timedelta(days=1))

    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:
        if (handle["key"], step.attempt) != (step.key, 2):
            raise ContractError("The job was begun by another step")
        self._call("DELETE", "/contacts/{id}", path={"id": handle["job"]}, expect=204)
        return Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Gone | NotYet:
        assert isinstance(act.target, Holding)
        held = [row["id"] for row in self._call("GET", "/contacts").json]
        return NotYet(step.now) if act.target.locator["id"] in held else Gone()

    def scan(self, since: datetime | None) -> Iterator[tuple[Holding, list[Identifier]]]:
        for row in self._call("GET", "/contacts").json:
            yield Holding(row["id"], "contact", ("contact",), {"id": row["id"]}), [Identifier.email(row["email"])]


class PebbleSandbox(Sandbox):
    """Contacts whose number changes with their address."""

    name = "pebble"

    def seed(self, town: Town) -> None:
        self.access = Bearer(SECRET)
        self.contacts = Table("contact", ({"id": p.id, "email": p.email} for p in town), required=["email"])

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": SECRET}

    @route("GET", "/contacts")
    def listed(self, request: Request) -> list[Any]:
        return [row for _, row in self.contacts.items()]

    @route("PUT", "/contacts/{id}")
    def change(self, request: Request) -> Any:
        row = dict(self.contacts[request.params["id"]])
        self.contacts.delete(request.params["id"])
        return self.contacts.insert(row | request.json() | {"id": f"{TOWN.main.id}-moved"})

    @route("DELETE", "/contacts/{id}")
    def delete(self, request: Request) -> None:
        self.contacts.delete(request.params["id"])


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    return [Pebble]


@hookimpl
def hub_sandboxes() -> dict[str, type]:
    return {"pebble": PebbleSandbox}
