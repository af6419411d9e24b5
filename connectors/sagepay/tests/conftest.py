from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.sagepay.processor import SagePay
from connectors.sagepay.sandbox import SagePaySandbox
from hub import Act, Confirmation, Coverage, Holding, Learned, Outcome, Record, Step, Subject
from hub.testing.harness import Exchange, ManualTime, step, workbench
from hub.testing.serving import Server


@dataclass
class Account:
    """The connector at work against its sandbox, every call of it in a flight."""

    sandbox: SagePaySandbox
    server: Server
    clock: ManualTime
    settings: dict[str, Any]
    cursor: str | None = None
    patience: float = 10.0  # seconds; a busy machine is no fault
    exchanges: list[Exchange] = field(default_factory=list)

    def run(self, act: Callable[[SagePay], Any], **changes: Any) -> Any:
        """What `act` answers of a processor with these settings changed."""
        quick = {"connect": 5.0, "read": self.patience, "answer": 20.0}
        with workbench(SagePay, self.settings | changes, self.server.url, clock=self.clock, limits=quick) as bench:
            try:
                return act(bench.processor)
            finally:
                self.exchanges += bench.exchanges

    @property
    def step(self) -> Step:
        return step(at=self.clock.now(), cursor=self.cursor)

    def find(self, subject: Subject, **changes: Any) -> list[Holding | Learned | Coverage]:
        return self.run(lambda sagepay: list(sagepay.find(subject)), **changes)  # type: ignore[no-any-return]

    def holdings(self, subject: Subject, **changes: Any) -> dict[str, Holding]:
        """What `find` yields, by vendortxcode; a token by `token:` and its name in the seed."""
        names = {entry.get("vpstxid", ""): entry["vendortxcode"] for entry in self.sandbox.stock.transactions}
        found = [item for item in self.find(subject, **changes) if isinstance(item, Holding)]
        return {names.get(held.key.removeprefix("transaction:"), held.key): held for held in found}

    def export(self, holding: Holding, **changes: Any) -> list[Record]:
        return self.run(lambda sagepay: list(sagepay.export(holding, self.step)), **changes)  # type: ignore[no-any-return]

    def erase(self, holding: Holding, **changes: Any) -> Outcome:
        return self.run(lambda sagepay: sagepay.erase(holding, self.step), **changes)  # type: ignore[no-any-return]

    def confirm(self, act: Act, **changes: Any) -> Confirmation:
        return self.run(lambda sagepay: sagepay.confirm(act, self.step), **changes)  # type: ignore[no-any-return]

    def entry(self, code: str) -> dict[str, str]:
        return next(entry for entry in self.sandbox.stock.transactions if entry["vendortxcode"] == code)


@pytest.fixture
def account(clock: ManualTime) -> Iterator[Account]:
    sandbox = SagePaySandbox(clock=clock)
    with sandbox.serve() as server:
        yield Account(sandbox, server, clock, sandbox.settings())
