"""What `sdk.py` promises: the SDK's every byte goes through the door, and none of its silences is taken for success."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from sdk import Courier

from hub import Absent, Act, ContractError, Done, Gone, Holding, Method, Operation, OutcomeUnknown, TransientError
from hub.testing.conformance import Conformance, Kit, Service
from hub.testing.faults import Fault, Status
from hub.testing.harness import Bench, step, workbench
from hub.testing.sandbox import ApiKey, Request, Result, Sandbox, Table, Town, route
from hub.testing.town import TOWN


class CourierSandbox(Sandbox):
    """The town's customers."""

    name = "courier"

    def seed(self, town: Town) -> None:
        self.access = ApiKey("courier-key")
        self.customers = Table("customer", ({"id": p.id, "email": p.email, "name": p.name} for p in town))

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": "courier-key"}

    def admit(self, request: Request) -> None:
        if request.path == "/customers/search":  # which changes nothing, whatever its method says
            request = Request("GET", request.path, request.params, request.query, request.headers, request.body)
        super().admit(request)

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "courier-1", "name": "Courier", "scopes": list(self.access.scopes)}

    @route("POST", "/customers/search")
    def search(self, request: Request) -> Result:
        return {"results": list(self.customers.where(email=request.json()["email"]))}

    @route("GET", "/customers/{id}")
    def customer(self, request: Request) -> Result:
        return self.customers[request.params["id"]]

    @route("DELETE", "/customers/{id}")
    def delete(self, request: Request) -> Result:
        self.customers.delete(request.params["id"])
        return {"deleted": request.params["id"]}


@pytest.fixture
def courier() -> CourierSandbox:
    return CourierSandbox()


@pytest.fixture
def bench(courier: CourierSandbox) -> Iterator[Bench[Courier]]:
    with courier.serve() as running, workbench(Courier, courier.settings(), running.url) as bench:
        yield bench


def held(bench: Bench[Courier]) -> Holding:
    return next(item for item in bench.processor.find(TOWN.main.subject()) if isinstance(item, Holding))


# --8<-- [start:recorded]
def test_evidence_shows_templates_and_no_ids(bench: Bench[Courier]) -> None:
    holding = held(bench)
    assert bench.processor.erase(holding, step()) == Done(Method.DELETED)
    assert bench.processor.erase(holding, step()) == Absent()
    assert bench.processor.confirm(Act(Operation.ERASE, holding), step()) == Gone()
    assert {exchange.url_template for exchange in bench.exchanges} == {"/customers/search", "/customers/{id}"}


# --8<-- [end:recorded]


# --8<-- [start:silence]
def test_a_refusal_without_words_is_no_success(bench: Bench[Courier], courier: CourierSandbox) -> None:
    holding = held(bench)
    courier.faults.add(Fault("DELETE *", Status(404)))  # the SDK returns {} for it
    with pytest.raises(OutcomeUnknown):
        bench.processor.erase(holding, step())


def test_the_hubs_own_errors_come_through_the_sdk(bench: Bench[Courier], courier: CourierSandbox) -> None:
    courier.faults.add(Fault("POST /customers/search", Status(502)))  # a POST that reads: nothing can have happened
    with pytest.raises(TransientError):
        held(bench)


def test_the_sdks_words_end_with_the_sdk(bench: Bench[Courier], courier: CourierSandbox) -> None:
    said = f'{{"error": "locked", "by": "{TOWN.main.email}"}}'
    courier.faults.add(Fault("POST /customers/search", Status(404, said, media_type="application/json")))
    with pytest.raises(ContractError) as raised:
        held(bench)
    assert TOWN.main.email not in "".join(traceback.format_exception(raised.value))


# --8<-- [end:silence]


class TestCourier(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(Courier, CourierSandbox)

    @pytest.mark.xfail(reason="An example on one page: it is not installed.", strict=True)
    def test_it_is_installed_as_a_plugin(self, kit: Kit) -> None:
        super().test_it_is_installed_as_a_plugin(kit)
