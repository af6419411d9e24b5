"""A connector as its author writes it: settings, the door, tokens that rotate, every operation."""
# ruff: noqa: RUF012  # the base class says that they are of the class

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from typing import Any, assert_type

import httpx
from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    Changes,
    Confirmation,
    ContractError,
    Coverage,
    Delivery,
    Differs,
    Done,
    File,
    Gone,
    Handle,
    Holding,
    Identifier,
    InstanceConfig,
    Learned,
    Limits,
    Method,
    Outcome,
    Pending,
    Processor,
    Rate,
    Record,
    Refused,
    Reply,
    Retained,
    Scope,
    Search,
    Services,
    Signal,
    Step,
    Subject,
    Token,
    unsupported,
)

BASE = "https://{shop}.pebble.example"


class PebbleConfig(InstanceConfig):
    """One shop at Pebble."""

    shop: str = Field(description="The shop's name in its address.")
    secret: SecretStr = Field(description="Secret of the app that the shop has authorised.")
    plan: str = Field("free", description="The plan bought: free or plus.")


class Customer(BaseModel):
    id: str
    email: str
    invoices_open: int = 0


class Page(BaseModel):
    customers: tuple[Customer, ...]
    after: str | None = None


class PebbleAuth(httpx.Auth):
    """Signs with a token that rotates, and renews it once when it is refused."""

    def __init__(self, processor: Pebble) -> None:
        self._processor = processor

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        tokens = self._processor.hub.tokens
        token = tokens.get("access", self._processor.log_in)
        assert_type(token, Token)
        request.headers["Authorization"] = f"Bearer {token.secret.get_secret_value()}"
        answer = yield request
        if answer.status_code == 401:
            tokens.invalidate("access", token)
            again = tokens.get("access", self._processor.log_in)
            request.headers["Authorization"] = f"Bearer {again.secret.get_secret_value()}"
            yield request


class Pebble(Processor[PebbleConfig]):
    name = "pebble"
    title = "Pebble shops"
    searches = {"email": Search.EXACT, "pebble.customer": Search.EXACT}
    kinds = {"customer": "a customer of the shop"}
    rectify = unsupported("Customers correct their own data in the shop.")

    def __init__(self, config: PebbleConfig, hub: Services) -> None:
        super().__init__(config, hub)
        assert_type(self.config, PebbleConfig)
        assert_type(self.hub, Services)
        hub.wire.auth = PebbleAuth(self)

    @classmethod
    def limits(cls, config: PebbleConfig) -> Limits:
        calls = 100 if config.plan == "plus" else 10
        return Limits(hosts=(f"{config.shop}.pebble.example",), rates=(Rate(calls, timedelta(minutes=1)),))

    def log_in(self, last: Token | None) -> Token:
        refresh = last.refresh if last and last.refresh else self.config.secret
        answer = self.hub.wire.call(
            "POST",
            f"{BASE}/token",
            path={"shop": self.config.shop},
            form={"refresh": refresh.get_secret_value()},
            anonymous=True,
        )
        lasts = timedelta(seconds=answer.json["expires_in"])
        return Token(SecretStr(answer.json["access"]), SecretStr(answer.json["refresh"]), self.hub.clock.now() + lasts)

    def check(self) -> Account:
        me = self.hub.wire.call("GET", f"{BASE}/me", path={"shop": self.config.shop}).json
        return Account(id=me["id"], label=me["name"], missing=tuple(me.get("missing", ())))

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        assert_type(subject.emails, tuple[str, ...])
        for email in subject.emails:
            for customer in self._customers(email):
                yield Holding(customer.id, "customer", ("contact",), {"id": customer.id})
                yield Learned(Identifier.external("pebble.customer", customer.id))
        yield Coverage(self.searches)

    def _customers(self, email: str) -> Iterator[Customer]:
        after: str | None = ""
        while after is not None:
            page = self.hub.wire.call(
                "POST",
                f"{BASE}/customers/search",
                path={"shop": self.config.shop},
                json={"email": email, "after": after},
                reads=True,
                model=Page,
            )
            assert_type(page, Reply[Page])
            assert_type(page.value, Page)
            yield from page.value.customers
            after = page.value.after

    def _customer(self, locator: Mapping[str, Any]) -> Reply[Customer]:
        path = {"shop": self.config.shop, "id": str(locator["id"])}
        return self.hub.wire.call("GET", f"{BASE}/customers/{{id}}", path=path, model=Customer)

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        customer = self._customer(holding.locator).value
        yield Record("customer", customer.model_dump(), cursor="1")
        step.still_mine()
        pieces = self.hub.wire.stream("https://files.example/1", hosts=("files.example",), max_bytes=1 << 31)
        assert_type(pieces, Iterator[bytes])
        yield File("photo", "photo.jpg", "image/jpeg", pieces)

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        if isinstance(target, Subject):
            return Done(Method.SUPPRESSED, count=len(target.emails))
        return Refused("open_invoice", "An invoice is open.")

    def erase(self, holding: Holding, step: Step) -> Outcome:
        answer = self.hub.wire.call("DELETE", f"{BASE}/customers/{{id}}", path=holding.locator, expect=(202, 404, 409))
        match answer.status:
            case 202:
                return Pending(step.now + timedelta(hours=1), answer.json, step.now + timedelta(days=3))
            case 409:
                return Retained("VAT Act 1994 Sch 11 para 6(3)", None, "invoice")
            case _:
                return Absent()

    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:
        if not re.fullmatch("[a-z0-9]+", str(handle["job"])):
            raise ContractError("The service named a job that is none", instance=self.hub.instance)
        return Done(Method.DELETED)

    def receive(self, delivery: Delivery) -> Iterator[Signal]:
        assert_type(delivery.body, bytes)
        yield Signal({"job": delivery.headers["x-job"]})

    def confirm(self, act: Act, step: Step) -> Confirmation:
        assert_type(act.changes, Changes | None)
        return Gone() if act.outcome is not None else Differs(("email",))


assert_type(Pebble.name, str)
