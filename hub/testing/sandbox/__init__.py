"""Sandboxes: stateful, honest stand-ins for services, over real HTTP, made of data and rules.

A sandbox answers as the service documents that it answers, refusals included, so that a connector that works against it
stands a chance against the service. It makes its state in `seed`, from the town, declares its routes with `route`, and
raises `Refuse` for what the service would refuse; most refusals come with the parts::

    class ShopSandbox(Sandbox):
        name = "shop"

        def seed(self, town: Town) -> None:
            self.access = Bearer("sandbox-token")
            self.customers = Table("customer", ({"id": p.id, "email": p.email} for p in town), required=["email"])

        @route("GET", "/customers")
        def listed(self, request: Request) -> Result:
            return by_cursor(request, "customers", self.customers.asked(request, "email"))

        @route("DELETE", "/customers/{id}")
        def delete(self, request: Request) -> Result:
            return self.customers.delete(request.params["id"])

    with ShopSandbox().serve() as running:
        httpx.get(f"{running.url}/customers", headers={"Authorization": "Bearer sandbox-token"})

Parts: `Table` (records) · `Bearer`, `ApiKey`, `Basic`, `OAuth` (credentials) · `by_offset`, `by_page`, `by_cursor`,
`by_link` (paging) · `RateLimit` · `Jobs` and `webhook` (what is done later).

A sandbox in another process is steered over loopback: `POST /__faults` (a list of `Fault.as_dict()`),
`DELETE /__faults`, `GET /__calls`, `GET /__state`.
"""

from hub.testing.messages import Answer, Refuse, Request, Result
from hub.testing.routing import route
from hub.testing.sandbox.access import Access, ApiKey, Basic, Bearer
from hub.testing.sandbox.base import Sandbox
from hub.testing.sandbox.calls import UNKNOWN, Call
from hub.testing.sandbox.jobs import Jobs, webhook
from hub.testing.sandbox.oauth import OAuth
from hub.testing.sandbox.paging import by_cursor, by_link, by_offset, by_page
from hub.testing.sandbox.rates import RateLimit
from hub.testing.sandbox.tables import Row, Table
from hub.testing.town import Person, Town

__all__ = [
    "UNKNOWN",
    "Access",
    "Answer",
    "ApiKey",
    "Basic",
    "Bearer",
    "Call",
    "Jobs",
    "OAuth",
    "Person",
    "RateLimit",
    "Refuse",
    "Request",
    "Result",
    "Row",
    "Sandbox",
    "Table",
    "Town",
    "by_cursor",
    "by_link",
    "by_offset",
    "by_page",
    "route",
    "webhook",
]
