from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import structlog

from connectors.sagepay.config import SagePayConfig
from connectors.sagepay.processor import SagePay
from connectors.sagepay.sandbox import SagePaySandbox
from hub import Act, Confirmation, Coverage, Holding, Learned, Outcome, Record, Services, Step, Subject
from hub.testing.serving import Server
from hub.timepiece import ManualTime
from hub.wire import Recorder, Wire, flight


@dataclass
class Account:
    """The connector at work against its sandbox, every call of it in a flight."""

    sandbox: SagePaySandbox
    server: Server
    clock: ManualTime
    config: SagePayConfig
    cursor: str | None = None
    recorder: Recorder = field(default_factory=lambda: Recorder(b"k" * 32, lambda: None, None))

    def run(self, act: Callable[[SagePay], Any], **changes: Any) -> Any:
        """What `act` answers of a processor with these settings changed."""
        given = self.config.model_dump() | {"password": self.config.password.get_secret_value()} | changes
        config = SagePayConfig.model_validate(given)
        limits = replace(SagePay.limits(config), connect=1.0, read=0.4, answer=5.0)
        with (
            Wire(instance="pay", limits=limits, clock=self.clock, via=self.server.url, allow_private=True) as wire,
            flight(self.recorder),
        ):
            log = structlog.get_logger()
            return act(SagePay(config, Services("pay", wire, None, self.clock, log, "GB")))  # type: ignore[arg-type]  # it keeps no tokens

    @property
    def step(self) -> Step:
        now = self.clock.now()
        return Step("0" * 32, 1, now, now, now + timedelta(hours=1), self.cursor)

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
    settings = sandbox.settings() | {"search_from": (clock.now() - timedelta(days=80)).date()}
    with sandbox.serve() as server:
        yield Account(sandbox, server, clock, SagePayConfig.model_validate(settings))
