"""A small correct connector and its service, which the rules are tried on: broken variants differ from it in one thing.

Pebble keeps customers and their orders. It reads, corrects, stops mailings and deletes; it says of what is not there
`{"error": …}` with 404, and nothing else means that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    Changes,
    Confirmation,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Learned,
    Limits,
    Method,
    Operation,
    Outcome,
    OutcomeUnknown,
    Processor,
    Purpose,
    Record,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    Unsupported,
    Unverifiable,
    hookimpl,
)
from hub.testing.sandbox import Bearer, Request, Result, Sandbox, Table, by_page, route
from hub.testing.town import Town

BASE = "https://api.pebble.example"
KEY = "pebble-secret-key-4711"


class Customer(BaseModel):
    id: str
    email: str
    name: str
    mailings: bool


class Order(BaseModel):
    id: str
    customer_id: str
    goods: str


class Whoami(BaseModel):
    id: str
    scopes: tuple[str, ...]


class Customers(BaseModel):
    customers: list[Customer]
    pages: int


class Orders(BaseModel):
    orders: list[Order]


class PebbleConfig(InstanceConfig):
    """One Pebble account."""

    key: SecretStr = Field(description="API key of the account.")


_PATHS = {"customer": "/customers", "order": "/orders"}
_MODELS: Mapping[str, Any] = {"customer": Customer, "order": Order}
_HISTORY = Unsupported("Pebble corrects the name of a customer, and nothing else.")
_NO_STOP = Unsupported("Pebble knows mailings to customers, and nothing else that could be stopped.")


class Pebble(Processor[PebbleConfig]):
    """Customers and orders."""

    name: ClassVar[str] = "pebble"
    title: ClassVar[str] = "Pebble"
    searches: ClassVar[Mapping[str, Search]] = {"email": Search.EXACT}
    kinds: ClassVar[Mapping[str, str]] = {"customer": "customer", "order": "order"}

    def __init__(self, config: PebbleConfig, hub: Services) -> None:
        super().__init__(config, hub)
        hub.wire.auth = _Key(config.key)

    @classmethod
    def limits(cls, config: PebbleConfig) -> Limits:
        return Limits(("api.pebble.example",), concurrency=2)

    def check(self) -> Account:
        found = self.hub.wire.call("GET", f"{BASE}/whoami", model=Whoami).value
        missing = () if "write" in found.scopes else ("write",)
        return Account(found.id, "Pebble", permissions=found.scopes, missing=missing)

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        for email in subject.emails:
            for customer in self._customers(email):
                if not Identifier.email(email).matches(customer.email):
                    continue
                found = self.hub.wire.call(
                    "GET", f"{BASE}/orders", query={"customer_id": customer.id, "per_page": 100}, model=Orders
                )
                for order in found.value.orders:
                    yield Holding(f"order:{order.id}", "order", ("orders",), {"id": order.id})
                yield Holding(f"customer:{customer.id}", "customer", ("contact",), {"id": customer.id})
        yield Coverage({"email": Search.EXACT})

    def _customers(self, email: str) -> Iterator[Customer]:
        page, pages = 1, 1
        while page <= pages:
            query = {"email": email, "page": page, "per_page": 1}
            found = self.hub.wire.call("GET", f"{BASE}/customers", query=query, model=Customers).value
            yield from found.customers
            page, pages = page + 1, found.pages

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        found = self._one("GET", holding)
        if found is not None:
            yield Record(holding.kind, found.model_dump())

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        if holding.kind != "customer" or "name" not in changes.fields:
            return _HISTORY
        found = self._one("PATCH", holding, {"name": changes.fields["name"]})
        return Done(Method.CORRECTED) if found else Absent()

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        if isinstance(target, Subject) or target.kind != "customer" or Purpose.MARKETING not in scope.purposes:
            return _NO_STOP
        return Done(Method.SUPPRESSED) if self._one("PATCH", target, {"mailings": False}) else Absent()

    def erase(self, holding: Holding, step: Step) -> Outcome:
        reply = self.hub.wire.call("DELETE", self._at(holding), path=self._id(holding), expect={204, 404})
        return Done(Method.DELETED) if reply.status == 204 else self._absent(reply.json, acted=True)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        if isinstance(act.target, Subject):
            return Unverifiable("nothing_recorded")
        found = self._one("GET", act.target)
        if found is None:
            return Gone()
        match act.operation:
            case Operation.RECTIFY if act.changes and isinstance(found, Customer):
                return AsAsked() if found.name == act.changes.fields["name"] else Differs(("name",))
            case Operation.SUPPRESS if isinstance(found, Customer):
                return Differs(("mailings",)) if found.mailings else AsAsked()
            case _:
                return Differs(("id",))

    def _one(self, method: str, holding: Holding, body: Any = None) -> Customer | Order | None:
        reply = self.hub.wire.call(
            method, self._at(holding), path=self._id(holding), json=body, expect={200, 404}, idempotent=True
        )
        if reply.status == 404:
            self._absent(reply.json, acted=method != "GET")
            return None
        found: Customer | Order = self._read(_MODELS[holding.kind], reply.json, acted=method != "GET")
        return found

    def _read(self, model: Any, body: Any, *, acted: bool) -> Any:
        try:
            return model.model_validate(body)
        except ValueError:
            pass
        raise self._unfit(acted=acted)

    def _absent(self, body: Any, *, acted: bool) -> Absent:
        """Pebble's own word that there is nothing; anybody else's 404 says nothing."""
        if isinstance(body, dict) and "error" in body:
            return Absent()
        raise self._unfit(acted=acted)

    def _unfit(self, *, acted: bool) -> ContractError | OutcomeUnknown:
        cls = OutcomeUnknown if acted else ContractError
        return cls("The answer is not Pebble's", instance=self.hub.instance, hint="Look for a proxy before Pebble.")

    def _at(self, holding: Holding) -> str:
        return f"{BASE}{_PATHS[holding.kind]}/{{id}}"

    def _id(self, holding: Holding) -> dict[str, str]:
        return {"id": holding.locator["id"]}


class _Key(httpx.Auth):
    """Sends the key, and keeps it out of sight."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # none comes back
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class PebbleSandbox(Sandbox):
    """One account."""

    name = "pebble"

    def seed(self, town: Town) -> None:
        self.access = Bearer(KEY)
        people = [{"id": p.id, "email": p.email, "name": p.name, "mailings": True} for p in town]
        self.customers = Table("customer", people, required=["email"])
        orders = [{"id": f"o-{p.id}", "customer_id": p.id, "goods": "One lamp"} for p in town]
        self.orders = Table("order", orders)

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": KEY}

    @route("GET", "/whoami")
    def whoami(self, request: Request) -> Result:
        return {"id": "pebble-1", "scopes": list(self.access.scopes)}

    @route("GET", "/customers")
    def listed(self, request: Request) -> Result:
        return by_page(request, "customers", self.customers.asked(request, "email"))

    @route("GET", "/orders")
    def orders_of(self, request: Request) -> Result:
        return by_page(request, "orders", self.orders.asked(request, "customer_id"))

    @route("GET", "/customers/{id}")
    def customer(self, request: Request) -> Result:
        return self.customers[request.params["id"]]

    @route("GET", "/orders/{id}")
    def order(self, request: Request) -> Result:
        return self.orders[request.params["id"]]

    @route("PATCH", "/customers/{id}")
    def change(self, request: Request) -> Result:
        return self.customers.update(request.params["id"], request.json())

    @route("DELETE", "/customers/{id}")
    def delete_customer(self, request: Request) -> Result:
        return self.customers.delete(request.params["id"])

    @route("DELETE", "/orders/{id}")
    def delete_order(self, request: Request) -> Result:
        return self.orders.delete(request.params["id"])


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    return [Pebble]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    return {"pebble": PebbleSandbox}
