"""A stand-in for Boathouse, as its documentation would describe it; the town's people are its members."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.testing.sandbox import (
    Answer,
    Bearer,
    Jobs,
    RateLimit,
    Request,
    Result,
    Sandbox,
    Table,
    Town,
    by_cursor,
    route,
)

TOKEN = "boathouse-sandbox-token"
WEBHOOK_SECRET = "boathouse-sandbox-webhooks"


class BoathouseSandbox(Sandbox):
    """One club."""

    name = "boathouse"

    def seed(self, town: Town) -> None:
        """A card for each person; a family's, where a mailbox is read by several."""
        self.access = Bearer(TOKEN)
        self.rate = RateLimit(60, timedelta(minutes=1))
        self.deletions = Jobs(self.clock, waits=timedelta(minutes=2), lasts=timedelta(minutes=10))
        self.members = Table("member", required=["given", "family", "email"], unique=["email"], fixed=["card"])
        for person in town:
            self._join(person.given, person.family, person.email, *person.phones[:1])
        for box in town.mailboxes:
            self._join(box.company, "(family)", box.email, people=len(box.readers))

    def _join(self, given: str, family: str, email: str, mobile: str = "", *, people: int = 1) -> None:
        names = {"given": given, "family": family, "email": email, "mobile": mobile}
        card = f"BH-{len(self.members) + 1:05}"
        state = {"people": people, "mailings": True, "frozen": False, "deletion": None}
        self.members.insert({"card": card, **names, **state})

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings that fit."""
        return {"token": TOKEN, "webhook_secret": WEBHOOK_SECRET}

    @route("GET", "/v2/club")
    def club(self, request: Request) -> Result:
        """Whose token it is."""
        return {"id": "wetherbury", "name": "Wetherbury Rowing Club", "scopes": list(self.access.scopes)}

    @route("GET", "/v2/members")
    def listed(self, request: Request) -> Result:
        """The members that the query asks for, ten a page."""
        return by_cursor(request, "members", self.members.asked(request, "email", "card"), size=10)

    @route("GET", "/v2/members/{id}")
    def shown(self, request: Request) -> Result:
        """One member."""
        return self.members[request.params["id"]]

    @route("PATCH", "/v2/members/{id}")
    def changed(self, request: Request) -> Result:
        """Set some fields."""
        return self.members.update(request.params["id"], request.json())

    @route("POST", "/v2/members/{id}/deletion")
    def leaving(self, request: Request) -> Result:
        """Taken on, and done within a quarter of an hour; asked again, it is the same deletion."""
        id_ = request.params["id"]
        if self.members[id_]["deletion"] is None:
            accepted = self.deletions.accept(lambda: self.members.delete(id_))
            self.members.update(id_, {"deletion": accepted["id"]})
        return Answer(202, self.deletions.show(self.members[id_]["deletion"]))

    @route("GET", "/v2/deletions/{id}")
    def deletion(self, request: Request) -> Result:
        """How far a deletion has got."""
        return self.deletions.show(request.params["id"])
