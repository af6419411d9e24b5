"""A connector and its service, as small as they can be and still go wrong in every way: for the crash tests.

A person has notes; a note must go before its person may (children first). Recording an objection is the one call that
must not be made twice: every call adds an entry. The service outlives the hub's process and counts what it carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    Changes,
    Confirmation,
    Coverage,
    Differs,
    Done,
    File,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Learned,
    Limits,
    Method,
    Operation,
    Outcome,
    Processor,
    Record,
    Scope,
    Search,
    Step,
    Subject,
    Unsupported,
    hookimpl,
)
from hub.testing.messages import Answer, Refuse, Request, Result
from hub.testing.sandbox import Sandbox, route
from hub.testing.town import Town

_AT = "https://notebook.example.org"
PAGE = 4  # lines of a note in one answer


@dataclass
class Entry:
    """A person as the notebook knows them; `notes`: id → its lines."""

    email: str
    also: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)


class NotebookService(Sandbox):
    """The service.

    Attributes:
        people: id → entry.
        objections: what was recorded, repetitions included.
        acts: how often each act was carried out, by method, kind and id.
    """

    name: ClassVar[str] = "notebook"

    def seed(self, town: Town) -> None:
        """Nobody: a test puts in whom it needs."""
        self.people: dict[str, Entry] = {}
        self.objections: list[str] = []
        self.acts: Counter[str] = Counter()

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "notebook-1"}

    @route("GET", "/people")
    def search(self, request: Request) -> Result:
        return [self._shown(id_) for id_, entry in self.people.items() if entry.email == request.one("email")]

    @route("GET", "/people/{id}")
    def person(self, request: Request) -> Result:
        self._entry(request)
        return self._shown(request.params["id"])

    @route("PATCH", "/people/{id}")
    def change(self, request: Request) -> Result:
        self._entry(request).fields |= request.json()
        self.acts[f"PATCH person {request.params['id']}"] += 1
        return self._shown(request.params["id"])

    @route("DELETE", "/people/{id}")
    def remove(self, request: Request) -> Result:
        if self._entry(request).notes:
            raise Refuse(409, {"error": "notes_first"})
        del self.people[request.params["id"]]
        self.acts[f"DELETE person {request.params['id']}"] += 1
        return None

    @route("GET", "/people/{id}/notes/{note}")
    def note(self, request: Request) -> Result:
        lines, start = self._lines(request), int(request.one("from", "0"))
        return {"lines": lines[start : start + PAGE], "total": len(lines)}

    @route("GET", "/people/{id}/notes/{note}/scan")
    def scan(self, request: Request) -> Result:
        return Answer(200, "\n".join(self._lines(request)), {"Content-Type": "text/plain"})

    @route("DELETE", "/people/{id}/notes/{note}")
    def remove_note(self, request: Request) -> Result:
        self._lines(request)
        del self._entry(request).notes[request.params["note"]]
        self.acts[f"DELETE note {request.params['note']}"] += 1
        return None

    @route("POST", "/objections")
    def object(self, request: Request) -> Result:
        self.objections.append(request.json()["of"])
        self.acts[f"POST objection {len(self.objections)}"] += 1
        return Answer(201, {})

    @route("GET", "/objections")
    def objected(self, request: Request) -> Result:
        return {"count": self.objections.count(request.one("of"))}

    def _entry(self, request: Request) -> Entry:
        entry = self.people.get(request.params["id"])
        if entry is None:
            raise Refuse(404, {"error": "no_such_person"})
        return entry

    def _lines(self, request: Request) -> list[str]:
        lines = self._entry(request).notes.get(request.params["note"])
        if lines is None:
            raise Refuse(404, {"error": "no_such_note"})
        return lines

    def _shown(self, id_: str) -> dict[str, Any]:
        entry = self.people[id_]
        return {"id": id_, "email": entry.email, "also": entry.also, **entry.fields, "notes": list(entry.notes)}


class NotebookConfig(InstanceConfig):
    """Nothing to set."""


class Notebook(Processor[NotebookConfig]):
    """One notebook."""

    name: ClassVar[str] = "notebook"
    title: ClassVar[str] = "Notebook"
    searches: ClassVar[Mapping[str, Search]] = {"email": Search.EXACT}
    kinds: ClassVar[Mapping[str, str]] = {"note": "a note", "person": "a person"}

    @classmethod
    def limits(cls, config: NotebookConfig) -> Limits:
        return Limits(hosts=("notebook.example.org",))

    def check(self) -> Account:
        return Account(id=self.hub.wire.call("GET", f"{_AT}/me").json["id"], label="Notebook")

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        for email in subject.emails:
            for found in self.hub.wire.call("GET", f"{_AT}/people", query={"email": email}).json:
                for note in found["notes"]:
                    place = {"id": found["id"], "note": note}
                    yield Holding(key=f"note {note}", kind="note", categories=("content",), locator=place)
                yield Holding(
                    key=f"person {found['id']}", kind="person", categories=("contact",), locator={"id": found["id"]}
                )
                yield from (Learned(Identifier.email(address)) for address in found["also"])
        yield Coverage({"email": Search.EXACT})

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        place = dict(holding.locator)
        if holding.kind == "person":
            yield Record("person", self.hub.wire.call("GET", f"{_AT}/people/{{id}}", path=place).json, cursor="all")
            return
        if step.cursor == "end":
            return
        at = int(step.cursor or 0)
        total = at + 1
        while at < total:
            page = self.hub.wire.call("GET", f"{_AT}/people/{{id}}/notes/{{note}}", path=place, query={"from": at}).json
            total = page["total"]
            for line in page["lines"]:
                at += 1
                yield Record("line", {"number": at, "text": line}, cursor=str(at))
        scan = self.hub.wire.call("GET", f"{_AT}/people/{{id}}/notes/{{note}}/scan", path=place).body
        yield File("scan", "scan.txt", "text/plain", iter([scan]), cursor="end")

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        if holding.kind == "note":
            return Unsupported("A note is corrected by writing another one.")
        asked = changes.concerning(self.name)
        reply = self.hub.wire.call(
            "PATCH", f"{_AT}/people/{{id}}", path=dict(holding.locator), json=asked, expect={200, 404}, idempotent=True
        )
        return Done(Method.CORRECTED) if reply.status == 200 else Absent()

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        self.hub.wire.call("POST", f"{_AT}/objections", json={"of": _of(target)}, expect=201)
        return Done(Method.SUPPRESSED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        reply = self.hub.wire.call("DELETE", _template(holding), path=dict(holding.locator), expect={204, 404})
        return Done(Method.DELETED) if reply.status == 204 else Absent()

    def confirm(self, act: Act, step: Step) -> Confirmation:
        if act.operation is Operation.SUPPRESS:
            query = {"of": _of(act.target)}
            recorded = self.hub.wire.call("GET", f"{_AT}/objections", query=query).json["count"]
            return AsAsked() if recorded else Differs(("objection",))
        assert isinstance(act.target, Holding)
        reply = self.hub.wire.call("GET", _template(act.target), path=dict(act.target.locator), expect={200, 404})
        if act.operation is Operation.ERASE:
            return Gone() if reply.status == 404 else Differs()
        if act.target.kind == "note":
            return Differs(("note",))
        asked = act.changes.concerning(self.name) if act.changes else {}
        wrong = tuple(name for name, value in asked.items() if reply.json.get(name) != value)
        return Differs(wrong) if wrong else AsAsked()


def _template(holding: Holding) -> str:
    return f"{_AT}/people/{{id}}/notes/{{note}}" if holding.kind == "note" else f"{_AT}/people/{{id}}"


def _of(target: Holding | Subject) -> str:
    return target.key if isinstance(target, Holding) else target.emails[0]


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    return [Notebook]
