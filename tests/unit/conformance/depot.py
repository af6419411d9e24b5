"""A small correct connector and its stand-in: what the rules are tried on, whole and with one thing broken at a time.

The depot keeps members and their visits, remembers objections, blocks members, and deletes them in a job of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import Field, SecretStr

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
    Gone,
    Handle,
    Holding,
    Identifier,
    InstanceConfig,
    Learned,
    Limits,
    Masked,
    Method,
    NotYet,
    Operation,
    Outcome,
    Pending,
    Processor,
    Purpose,
    Reach,
    Record,
    Refused,
    Retained,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    Unsupported,
    Unverifiable,
    hookimpl,
    unsupported,
)
from hub.testing.sandbox import Bearer, Jobs, Request, Result, Sandbox, Table, Town, by_page, route

BASE = "https://api.depot.example"
KEY = "depot-4711-secret"
NO_PLACE = Unsupported("The depot has no such field.")
NO_STOP = Unsupported("The depot uses this in no way that could be stopped.")


class DepotConfig(InstanceConfig):
    key: SecretStr = Field(description="Key of the depot's account.")


class Key(httpx.Auth):
    def __init__(self, key: SecretStr) -> None:
        self.key = key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # nothing is sent
        request.headers["Authorization"] = f"Bearer {self.key.get_secret_value()}"
        yield request


class Depot(Processor[DepotConfig]):
    name = "depot"
    title = "Depot"
    searches: Mapping[str, Search] = {"email": Search.EXACT, "depot.member": Search.EXACT}
    kinds: Mapping[str, str] = {"visit": "visit to the depot", "member": "member of the depot"}
    fields: Mapping[str, str] = {"name": "name", "email": "email", "phone": "phone"}
    teaches: Sequence[str] = ("phone",)

    def __init__(self, config: DepotConfig, hub: Services) -> None:
        super().__init__(config, hub)
        hub.wire.auth = Key(config.key)

    @classmethod
    def limits(cls, config: DepotConfig) -> Limits:
        return Limits(("api.depot.example",))

    def call(self, method: str, at: str, *, expect: Sequence[int] = (200,), **more: Any) -> Any:
        """The answer's JSON; None for 204 and for the depot's own 404."""
        reply = self.hub.wire.call(method, BASE + at, expect=set(expect), idempotent=True, **more)
        return reply.json if reply.status == 200 else None

    def rows(self, path: str, name: str, **query: str) -> Iterator[Any]:
        page, pages = 1, 1
        while page <= pages:
            found = self.call("GET", path, query={**query, "page": str(page)})
            yield from found[name]
            page, pages = page + 1, found["pages"]

    def one(self, held: Holding) -> Any:
        return self.call("GET", f"/{held.kind}s/{{id}}", path={"id": held.locator["id"]}, expect=(200, 404))

    def patch(self, held: Holding, body: Any) -> Any:
        return self.call(
            "PATCH", f"/{held.kind}s/{{id}}", path={"id": held.locator["id"]}, json=body, expect=(200, 404)
        )

    def check(self) -> Account:
        found = self.call("GET", "/me")
        return Account(found["id"], "The depot", missing=() if "write" in found["scopes"] else ("write",))

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        for email in subject.emails:
            for member in self.rows("/members", "members", email=email):
                if self.is_hers(member, email):
                    yield from self.found(member)
        for id_ in subject.external("depot.member"):
            member = self.call("GET", "/members/{id}", path={"id": id_}, expect=(200, 404))
            if member:
                yield from self.found(member)
        yield Coverage(self.searches)

    def is_hers(self, member: Any, email: str) -> bool:
        return Identifier.email(email).matches(member["email"])

    def found(self, member: Any) -> Iterator[Holding | Learned]:
        reach = Reach.SHARED if member["email"].startswith("info@") else Reach.SOLE
        for visit in self.rows("/visits", "visits", member_id=member["id"]):
            yield self.holding("visit", visit, reach)
        yield self.holding("member", member, reach)
        if reach is Reach.SOLE:
            yield from (Learned(Identifier.phone(member[name], "GB")) for name in self.teaches if member[name])

    def holding(self, kind: str, row: Any, reach: Reach) -> Holding:
        hints = {"id": row["id"]} if reach is Reach.SHARED else {}
        return Holding(f"{kind}:{row['id']}", kind, ("contact",), {"id": row["id"]}, reach=reach, hints=hints)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        row = self.one(holding) if step.cursor is None else None
        if row:
            yield Record(holding.kind, self.shown(row), cursor="row")
        if (row and holding.kind == "member") or step.cursor:
            start = int(step.cursor.removeprefix("row") or 0) if step.cursor else 0
            yield from self.stays(holding, start)

    def stays(self, holding: Holding, start: int) -> Iterator[Record]:
        where = {"id": holding.locator["id"]}
        while holding.kind == "member":
            found = self.call("GET", "/members/{id}/stays", path=where, query={"page": str(start + 1), "per_page": "1"})
            for stay in found["stays"]:
                start += 1
                yield Record("stay", stay, cursor=f"row{start}")
            if start >= found["total"]:
                return

    def shown(self, row: Any) -> Any:
        return {name: value for name, value in row.items() if name not in {"pin", "stays"}}

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        body = self.body(changes)
        if holding.kind != "member" or not body:
            return NO_PLACE
        return Done(Method.CORRECTED) if self.patch(holding, body) else Absent()

    def body(self, changes: Changes) -> dict[str, Any]:
        asked = changes.concerning("depot")
        return {self.fields[name]: value for name, value in asked.items() if name in self.fields}

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        if Purpose.PROCESSING not in scope.purposes:
            return NO_STOP
        if isinstance(target, Subject):
            for email in target.emails:
                self.call("PUT", "/objections/{email}", path={"email": email})
            return Done(Method.SUPPRESSED)
        if target.kind != "member":
            return NO_STOP
        return Done(Method.SUPPRESSED) if self.patch(target, {"blocked": True}) else Absent()

    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:
        if Purpose.PROCESSING not in scope.purposes or holding.kind != "member":
            return NO_STOP
        return Done(Method.LIFTED) if self.patch(holding, {"blocked": False}) else Absent()

    def erase(self, holding: Holding, step: Step) -> Outcome:
        where = {"id": holding.locator["id"]}
        if holding.kind == "visit":
            gone = self.one(holding) is None
            self.call("DELETE", "/visits/{id}", path=where, expect=(204, 404))
            return Absent() if gone else Done(Method.DELETED)
        job = self.call("POST", "/members/{id}/deletion", path=where, expect=(200, 404))
        return self.pending(job) if job else Absent()

    def pending(self, job: Any) -> Outcome:
        due = datetime.fromisoformat(job["ends_at"])
        return Pending(due, {"job": job["id"]}, due + timedelta(days=1))

    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:
        job = self.call("GET", "/jobs/{id}", path={"id": handle["job"]})
        return Done(Method.DELETED) if job["status"] == "done" else self.pending(job)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        if isinstance(act.target, Subject):
            return self.objected(act)
        row = self.one(act.target)
        match act.operation:
            case Operation.RECTIFY:
                wrong = self.differing(row or {}, self.body(act.changes or Changes({})))
                return Differs(wrong or ("id",)) if wrong or not row else AsAsked()
            case _ if row is None:
                return Gone()
            case Operation.SUPPRESS if act.target.kind == "member" and act.scope:
                stopped = row["blocked"] and Purpose.PROCESSING in act.scope.purposes
                return AsAsked() if stopped else Differs(("blocked",))
            case Operation.LIFT if act.target.kind == "member":
                return Differs(("blocked",)) if row["blocked"] else AsAsked()
            case _:
                return NotYet(self.due(act)) if isinstance(act.outcome, Pending) else Differs(("id",))

    def due(self, act: Act) -> datetime:
        return act.outcome.check_after if isinstance(act.outcome, Pending) else self.hub.clock.now()

    def differing(self, row: Any, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(name for name, value in wanted.items() if row.get(name) != value)

    def objected(self, act: Act) -> Confirmation:
        if not (act.scope and Purpose.PROCESSING in act.scope.purposes):
            return Unverifiable("nothing_recorded")
        emails = act.target.emails if isinstance(act.target, Subject) else ()
        known = [self.call("GET", "/objections/{email}", path={"email": e}, expect=(200, 404)) for e in emails]
        return AsAsked() if known and all(known) else Differs(("objection",))


class Cardless(Depot):
    """Another account type, which corrects nothing: what `unsupported` looks like."""

    rectify = unsupported("The depot prints what it was told on cards.")  # type: ignore[assignment]  # as documented


class Batching(Depot):
    """Deletes two visits at once."""

    batch: Mapping[str, int] = {"visit": 2}


class Redacting(Depot):
    """Puts stars in the place of a member."""

    def erase(self, holding: Holding, step: Step) -> Outcome:
        if holding.kind == "visit":
            return super().erase(holding, step)
        stars = {"name": "*", "email": f"{holding.locator['id']}@masked.invalid", "phone": ""}
        return Done(Method.REDACTED) if self.patch(holding, stars) else Absent()

    def confirm(self, act: Act, step: Step) -> Confirmation:
        row = self.one(act.target) if isinstance(act.target, Holding) and act.operation is Operation.ERASE else None
        return Masked() if row and row.get("name") == "*" else super().confirm(act, step)


class Keeping(Depot):
    """Has to keep who came when."""

    def erase(self, holding: Holding, step: Step) -> Outcome:
        if holding.kind == "visit":
            return Retained("Depots Act 1958 s. 3", None, "visit")
        return super().erase(holding, step)


class Waiting(Depot):
    """Deletes nobody whose visits are not settled. The visits are a part of the member."""

    def found(self, member: Any) -> Iterator[Holding | Learned]:
        return (item for item in super().found(member) if not (isinstance(item, Holding) and item.kind == "visit"))

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        if step.cursor is None:
            yield from (Record("visit", v) for v in self.rows("/visits", "visits", member_id=holding.locator["id"]))
        yield from super().export(holding, step)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        return Refused("open_visits", "Visits of this member are not settled.")


class DepotSandbox(Sandbox):
    name = "depot"

    def seed(self, town: Town) -> None:
        self.access = Bearer(KEY)
        self.jobs = Jobs(self.clock)
        people = [(p.id, p.name, p.email, p.phones[0] if p.phones else "") for p in town]
        people += [(m.id, m.company, m.email, "") for m in town.mailboxes]
        self.members = Table("member", (self.member(number, *who) for number, who in enumerate(people)))
        self.visits = Table(
            "visit",
            (
                {"id": f"v{n}-{who[0]}", "member_id": who[0], "day": f"2026-01-0{n}"}
                for who in people
                for n in (1, 2, 3)
            ),
        )
        self.objections = Table("objection", key="email")

    def member(self, number: int, id_: str, name: str, email: str, phone: str) -> dict[str, Any]:
        stays = [{"night": f"{number + 1000}-{n}"} for n in (1, 2, 3)]
        more = {"blocked": False, "pin": f"{number:04}", "stays": stays}
        return {"id": id_, "name": name, "email": email, "phone": phone, **more}

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": KEY}

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "depot-1", "scopes": list(self.access.scopes)}

    @route("GET", "/members")
    def list_members(self, request: Request) -> Result:
        return by_page(request, "members", self.members.asked(request, "email"), size=50)

    @route("GET", "/visits")
    def list_visits(self, request: Request) -> Result:
        return by_page(request, "visits", self.visits.asked(request, "member_id"), size=2)

    @route("GET", "/members/{id}/stays")
    def list_stays(self, request: Request) -> Result:
        return by_page(request, "stays", self.members[request.params["id"]]["stays"])

    @route("GET", "/{table}/{id}")
    def one(self, request: Request) -> Result:
        return self.table(request)[request.params["id"]]

    @route("PATCH", "/members/{id}")
    def patch(self, request: Request) -> Result:
        return self.members.update(request.params["id"], request.json())

    @route("DELETE", "/visits/{id}")
    def delete_visit(self, request: Request) -> Result:
        return self.visits.delete(request.params["id"])

    @route("POST", "/members/{id}/deletion")
    def delete_member(self, request: Request) -> Result:
        id_ = self.members[request.params["id"]]["id"]
        return self.jobs.accept(lambda: self.members.delete(id_))

    @route("GET", "/jobs/{id}")
    def job(self, request: Request) -> Result:
        return self.jobs.show(request.params["id"])

    @route("PUT", "/objections/{id}")
    def object(self, request: Request) -> Result:
        email = request.params["id"]
        return self.objections[email] if email in self.objections else self.objections.insert({"email": email})

    def table(self, request: Request) -> Table:
        return {"members": self.members, "visits": self.visits, "objections": self.objections}[request.params["table"]]


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    return [Depot]
