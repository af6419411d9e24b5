"""Wrong use that the type checker refuses: each comment is needed, or the check fails."""

from __future__ import annotations

from typing import assert_never

from connector import Pebble, PebbleConfig

from hub import (
    Absent,
    Confirmation,
    Done,
    Gone,
    Holding,
    InstanceConfig,
    Limits,
    Method,
    Outcome,
    Processor,
    Record,
    Reply,
    Retained,
    Step,
    Token,
    Wire,
    unsupported,
)
from hub.testing.conformance import Service
from hub.testing.harness import workbench


class Returns(Pebble):
    def erase(self, holding: Holding, step: Step) -> bool:  # type: ignore[override]  # an outcome, never a bool
        return True

    rectify = "not possible"  # type: ignore[assignment]  # unsupported("…") says why
    suppress = unsupported(404)  # type: ignore[arg-type]  # the reason is a sentence


class Incomplete(Processor[InstanceConfig]):
    name = "incomplete"


def made(config: PebbleConfig, wire: Wire) -> None:
    Incomplete(config, None)  # type: ignore[abstract, arg-type]  # operations are missing, and services are needed
    Done("deleted")  # type: ignore[arg-type]  # a method, not a word
    Retained(until=None, what="invoice")  # type: ignore[call-arg]  # nothing is kept without its ground
    Record("customer")  # type: ignore[call-arg]
    Limits()  # type: ignore[call-arg]  # hosts are named
    Token("secret")  # type: ignore[arg-type]  # a SecretStr: a plain text would show in a repr
    Holding("k", "customer", ("contact",), {}).kind = "order"  # type: ignore[misc]  # frozen
    wire.call("GET", "https://x.example/", retries=3)  # type: ignore[call-arg]  # retrying is the hub's
    reply: Reply[int] = wire.call("GET", "https://x.example/", model=str)  # type: ignore[arg-type]
    config.shop = "other"  # type: ignore[misc]  # settings are frozen
    Service(Pebble)  # type: ignore[call-arg]  # there is no judging without a stand-in
    workbench(Pebble, {}, reply)  # type: ignore[arg-type]


def answer() -> Outcome:
    return Gone()  # type: ignore[return-value]  # a confirmation is no outcome


def confirmation() -> Confirmation:
    return Absent()  # type: ignore[return-value]  # and an outcome no confirmation


def forgets(outcome: Outcome) -> str:
    match outcome:
        case Done(Method.DELETED):
            return "erased"
        case _:
            assert_never(outcome)  # type: ignore[arg-type]  # eight other answers
