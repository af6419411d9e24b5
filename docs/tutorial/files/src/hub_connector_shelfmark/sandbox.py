"""A local stand-in for Shelfmark: what it keeps, what it answers, and what it refuses."""

from __future__ import annotations

from typing import Any

from hub.testing.sandbox import Bearer, Refuse, Request, Result, Sandbox, Table, Town, by_cursor, route

TOKEN = "shelfmark-sandbox-0001"  # noqa: S105  # it opens this stand-in and nothing else
PAGE = 4  # rows; the service itself gives 100


# --8<-- [start:data]
class ShelfmarkSandbox(Sandbox):
    """The library of the town."""

    name = "shelfmark"

    def seed(self, town: Town) -> None:
        """A card with a history for each address; one that several people read is a company's."""
        self.access = Bearer(TOKEN)
        self.readers = Table("reader", unique=["card"], fixed=["card", "company"])
        self.loans, self.payments, self.searches = Table("loan"), Table("payment"), Table("search")
        for person in town:
            for email in person.emails:
                self._join(email, person.name, *person.phones[:1])
        for box in town.mailboxes:
            self._join(box.email, box.company, company=True)

    def _join(self, email: str, name: str, phone: str = "", *, company: bool = False) -> None:
        card = {"card": f"C-{len(self.readers):05}", "email": email, "name": name, "phone": phone}
        reader = self.readers.insert({**card, "company": company, "newsletter": True})["id"]
        for title in ("Middlemarch", "The Dead", "Sea Room"):
            self.loans.insert({"reader": reader, "title": title, "returned": "2026-01-20"})
        self.payments.insert({"reader": reader, "name": name, "paid": "2025-10-07", "amount": "1.20"})
        for n in range(2 * PAGE + 1):
            self.searches.insert({"reader": reader, "words": f"lighthouses, page {n}"})

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings that fit."""
        return {"library": "wetherbury", "token": TOKEN}

    # --8<-- [end:data]

    # --8<-- [start:rules]
    @route("GET", "/v1/me")
    def me(self, request: Request) -> Result:  # noqa: ARG002  # a handler's signature
        """Whose token it is."""
        return {"library": "wetherbury", "name": "Wetherbury Library", "scopes": list(self.access.scopes)}

    @route("GET", "/v1/readers")
    def list_readers(self, request: Request) -> Result:
        """By card number, or by an e-mail address: whoever's contains it."""
        part = request.one("email").lower()
        rows = [row for row in self.readers.asked(request, "card") if part in row["email"].lower()]
        return by_cursor(request, "items", rows, size=PAGE)

    @route("GET", "/v1/loans")
    def list_loans(self, request: Request) -> Result:
        """A reader's."""
        return by_cursor(request, "items", self.loans.asked(request, "reader"), size=PAGE)

    @route("GET", "/v1/payments")
    def list_payments(self, request: Request) -> Result:
        """A reader's, or a former reader's."""
        return by_cursor(request, "items", self.payments.asked(request, "reader"), size=PAGE)

    @route("GET", "/v1/searches")
    def list_searches(self, request: Request) -> Result:
        """What a reader looked for in the catalogue."""
        return by_cursor(request, "items", self.searches.asked(request, "reader"), size=PAGE)

    @route("GET", "/v1/readers/{id}")
    def reader(self, request: Request) -> Result:
        """One card."""
        return self.readers[request.params["id"]]

    @route("GET", "/v1/loans/{id}")
    def loan(self, request: Request) -> Result:
        """One loan."""
        return self.loans[request.params["id"]]

    @route("GET", "/v1/payments/{id}")
    def payment(self, request: Request) -> Result:
        """One payment."""
        return self.payments[request.params["id"]]

    @route("PATCH", "/v1/readers/{id}")
    def change_reader(self, request: Request) -> Result:
        """Set fields of a card."""
        return self.readers.update(request.params["id"], request.json())

    @route("DELETE", "/v1/loans/{id}")
    def delete_loan(self, request: Request) -> None:
        """Once the book is back."""
        if self.loans[request.params["id"]]["returned"] is None:
            raise Refuse(409, {"error": "on_loan"})
        self.loans.delete(request.params["id"])

    @route("DELETE", "/v1/payments/{id}")
    def delete_payment(self, request: Request) -> None:
        """Whenever it is asked for: how long to keep it is the library's own affair."""
        self.payments.delete(request.params["id"])

    @route("DELETE", "/v1/readers/{id}")
    def delete_reader(self, request: Request) -> None:
        """Once there are no loans; the searches go with the card, the payments stay."""
        id_ = request.params["id"]
        if self.loans.where(reader=id_):
            raise Refuse(409, {"error": "has_loans"})
        self.readers.delete(id_)
        for search in self.searches.where(reader=id_):
            self.searches.delete(search["id"])

    # --8<-- [end:rules]
