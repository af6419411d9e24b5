"""A faithful local stand-in for Mailchimp Marketing: stateful, with its paging, its refusals and its silences.

What it knows comes from the vendor's specification and from recorded answers (README.md lists what is only assumed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.mailchimp.sandbox.account import seed
from connectors.mailchimp.sandbox.audiences import Audiences
from connectors.mailchimp.sandbox.problems import not_allowed, not_found, problem
from connectors.mailchimp.sandbox.shop import Shop
from hub.testing.sandbox import Answer, Refuse, Request, Result, route
from hub.testing.town import Town

KEY = "0123456789abcdef0123456789abcdef-us21"
_WRITERS = {"owner", "admin", "manager"}


class MailchimpSandbox(Audiences, Shop):
    """One account of the data centre us21.

    Attributes:
        role: of the key's user; `author` and `viewer` may read only.
        connections: calls at once before it answers 429 without a body.
        account: everything it holds; tests look at it and change it.
    """

    name = "mailchimp"

    def seed(self, town: Town) -> None:
        """Two audiences and two shops; see `account.seed`."""
        self.role = "owner"
        self.connections = 10
        self.account = seed(town)

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings that fit."""
        return {"api_key": KEY}

    def state(self) -> Mapping[str, Any]:
        """Members' status by audience and hash, and the ids of every store's records."""
        return {
            "members": {a.id: {h: m["status"] for h, m in a.members.items()} for a in self.account.audiences.values()},
            "stores": {
                s.id: {"customers": list(s.customers), "carts": list(s.carts), "orders": list(s.orders)}
                for s in self.account.stores.values()
            },
        }

    def records(self) -> dict[str, Any]:
        """Members with what each left behind, and the records of every store."""
        kept: dict[str, Any] = {}
        for audience in self.account.audiences.values():
            kept |= {f"members/{audience.id}/{hash_}": member for hash_, member in audience.members.items()}
            kept |= {f"{part}/{audience.id}/{hash_}": rows for (hash_, part), rows in audience.parts.items() if rows}
        for store in self.account.stores.values():
            tables = {"customers": store.customers, "carts": store.carts, "orders": store.orders}
            kept |= {f"{kind}/{store.id}/{id_}": row for kind, rows in tables.items() for id_, row in rows.items()}
        return kept

    def restrict(self) -> None:
        """The key of a user who may only read."""
        self.role = "viewer"

    def admit(self, request: Request) -> None:
        """Connections, key, data centre, role: in this order, as an overloaded front answers before anyone looks."""
        if self.in_flight > self.connections:
            raise Refuse(429)
        credentials = request.basic_auth()
        if credentials is None:
            raise problem(401, "API Key Missing", "Your request did not include an API key.")
        if credentials[1].partition("-")[0] != KEY.partition("-")[0]:
            raise problem(
                401,
                "API Key Invalid",
                "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
            )
        host = request.headers.get("host", "").partition(":")[0]
        if host.endswith(".api.mailchimp.com") and not host.startswith("us21."):
            raise problem(403, "Wrong Datacenter", "You have connected to the wrong datacenter.")
        if request.method != "GET" and self.role not in _WRITERS:
            raise problem(403, "Forbidden", "User does not have access to the requested operation.")

    def unknown(self, request: Request, allowed: bool) -> Answer:  # noqa: ARG002, FBT001  # the base's signature
        """As a problem document, like everything."""
        return (not_allowed() if allowed else not_found()).answer

    @route("GET", "/3.0/")
    def root(self, request: Request) -> Result:  # noqa: ARG002  # a handler's signature
        """Who we are."""
        return {
            "account_id": "8d3a3db4d97663a9074efcc16",
            "login_id": "17",
            "account_name": "Larkspur Lighting",
            "email": "owner@larkspur.example.org",
            "role": self.role,
            "pricing_plan_type": "monthly",
            "total_subscribers": 0,
            "_links": [],
        }
