"""The e-commerce side of the stand-in: stores, customers, carts and orders, each deleted by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.mailchimp.sandbox.account import Account, Json, Store
from connectors.mailchimp.sandbox.problems import invalid, not_found
from hub.testing.sandbox import Request, Result, Sandbox, route

Page = Callable[[Request, str, list[Json]], Json]
_EDITABLE = {"opt_in_status": bool, "company": str, "first_name": str, "last_name": str, "address": dict}


def page(request: Request, key: str, rows: list[Json]) -> Json:
    """One page of a collection: `count` defaults to 10 and is at most 1000."""
    try:
        count, offset = int(request.one("count", "10")), int(request.one("offset", "0"))
    except ValueError:
        raise invalid("count", "This value should be of type integer.") from None
    if not 0 <= count <= 1000:  # noqa: PLR2004  # documented maximum
        raise invalid("count", "This value should be 1000 or less.")
    return {key: rows[offset : offset + count], "total_items": len(rows), "_links": []}


class Shop(Sandbox):
    """Routes under `/3.0/ecommerce`."""

    account: Account

    @route("GET", "/3.0/ecommerce/stores")
    def stores(self, request: Request) -> Result:
        """Every connected store."""
        rows: list[Json] = [
            {"id": s.id, "list_id": s.list_id, "name": s.name, "platform": "", "currency_code": "GBP"}
            for s in self.account.stores.values()
        ]
        return page(request, "stores", rows)

    @route("GET", "/3.0/ecommerce/stores/{store}/customers")
    def customers(self, request: Request) -> Result:
        """Customers, by address where one is asked for."""
        store, email = self._store(request), request.one("email_address")
        rows = [c for c in store.customers.values() if not email or c["email_address"].lower() == email.lower()]
        return {"store_id": store.id} | page(request, "customers", rows)

    @route("GET", "/3.0/ecommerce/stores/{store}/orders")
    def orders(self, request: Request) -> Result:
        """Orders, by customer where one is asked for."""
        store, customer = self._store(request), request.one("customer_id")
        rows = [o for o in store.orders.values() if not customer or o["customer"]["id"] == customer]
        return {"store_id": store.id} | page(request, "orders", rows)

    @route("GET", "/3.0/ecommerce/stores/{store}/carts")
    def carts(self, request: Request) -> Result:
        """Carts; there is no filter by customer."""
        store = self._store(request)
        return {"store_id": store.id} | page(request, "carts", list(store.carts.values()))

    @route("GET", "/3.0/ecommerce/stores/{store}/{kind}/{id}")
    def record(self, request: Request) -> Result:
        """One customer, cart or order."""
        return self._rows(request)[request.params["id"]]

    @route("DELETE", "/3.0/ecommerce/stores/{store}/{kind}/{id}")
    def delete(self, request: Request) -> None:
        """Delete one; what else belongs to the customer stays."""
        del self._rows(request)[request.params["id"]]

    @route("PATCH", "/3.0/ecommerce/stores/{store}/customers/{id}")
    def update_customer(self, request: Request) -> Result:
        """Change what can be changed; the address the customer is known by cannot."""
        customer = self._store(request).customers.get(request.params["id"])
        if customer is None:
            raise not_found()
        body: Any = request.json()
        if not isinstance(body, dict):
            raise invalid("", "Schema describes object, NULL found instead")
        for name, value in body.items():
            kind = _EDITABLE.get(name)
            if kind and not isinstance(value, kind):
                raise invalid(name, f"Schema describes {kind.__name__}")
        customer |= {name: value for name, value in body.items() if name in _EDITABLE and name != "address"}
        customer["address"] = customer["address"] | body.get("address", {})
        return customer

    def _store(self, request: Request) -> Store:
        store = self.account.stores.get(request.params["store"])
        if store is None:
            raise not_found()
        return store

    def _rows(self, request: Request) -> dict[str, Json]:
        """The table the path names, once it is known to hold the record."""
        store, kind = self._store(request), request.params["kind"]
        tables = {"customers": store.customers, "carts": store.carts, "orders": store.orders}
        if request.params["id"] not in tables.get(kind, {}):
            raise not_found()
        return tables[kind]
