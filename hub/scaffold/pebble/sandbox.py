"""A stand-in for Pebble, as its documentation describes it; the town's people are its customers."""

from __future__ import annotations

from typing import Any

from hub.testing.sandbox import ApiKey, Request, Result, Sandbox, Table, Town, by_cursor, route

KEY = "pebble-sandbox-key"


class PebbleSandbox(Sandbox):
    """One account."""

    name = "pebble"

    def seed(self, town: Town) -> None:
        """A record for each address; an address that several people read is a company's."""
        self.access = ApiKey(KEY, header="X-Api-Key")
        self.customers = Table("customer", required=["email"])
        for person in town:
            for email in person.emails:
                self._add(email, person.name, *person.phones[:1])
        for box in town.mailboxes:
            self._add(box.email, box.company, company=True)

    def _add(self, email: str, name: str, phone: str = "", *, company: bool = False) -> None:
        row = {"email": email, "name": name, "phone": phone, "company": company, "newsletter": True}
        self.customers.insert(row | {"orders": 3})

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings that fit."""
        return {"api_key": KEY}

    @route("GET", "/v1/account")
    def account(self, request: Request) -> Result:  # noqa: ARG002  # a handler's signature
        """Whose key it is."""
        return {"id": "larkspur", "name": "Larkspur Lighting", "scopes": list(self.access.scopes)}

    @route("GET", "/v1/customers")
    def listed(self, request: Request) -> Result:
        """The customers with that address, five a page."""
        return by_cursor(request, "customers", self.customers.asked(request, "email"), size=5)

    @route("GET", "/v1/customers/{id}")
    def shown(self, request: Request) -> Result:
        """One customer."""
        return self.customers[request.params["id"]]

    @route("PATCH", "/v1/customers/{id}")
    def changed(self, request: Request) -> Result:
        """Set some fields."""
        return self.customers.update(request.params["id"], request.json())

    @route("DELETE", "/v1/customers/{id}")
    def deleted(self, request: Request) -> None:
        """Gone for good."""
        self.customers.delete(request.params["id"])
