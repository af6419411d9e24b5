"""The connector against recorded answers, over no network at all; the recordings are of its sandbox, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sagepay.processor import SagePay
from connectors.sagepay.sandbox import SINCE, SagePaySandbox
from hub import Act, Coverage, Differs, Done, Gone, Holding, Method, Operation, Record, Retained
from hub.testing.cassettes import CassetteBench, Cassettes, FromSandbox
from hub.testing.cassettes.shapes import shape
from hub.testing.harness import step

SETTINGS = {"vendor": "inventedshop", "user": "inventeduser", "password": "invented", "search_from": SINCE}


@pytest.fixture
def record_from() -> FromSandbox:
    return FromSandbox(SagePaySandbox)


def found(bench: CassetteBench[SagePay]) -> list[Holding]:
    *holdings, coverage = bench.processor.find(bench.subject)
    assert isinstance(coverage, Coverage)
    return [held for held in holdings if isinstance(held, Holding)]


def find(bench: CassetteBench[SagePay]) -> None:
    held = found(bench)
    assert [each.kind for each in held] == ["token"] * 2 + ["transaction"] * 6
    assert [each.certain for each in held if each.kind == "token"] == [True, False]  # the other card is a household's


def export(bench: CassetteBench[SagePay]) -> None:
    (name,) = bench.subject.names
    for held in filter(lambda held: held.certain, found(bench)):
        first, *more = bench.processor.export(held, step(at=bench.clock.now()))
        assert isinstance(first, Record)
        assert first.data["cardholder"] == name
        assert [record.kind for record in more] == ([] if held.kind == "token" else PARTS)


def erase(bench: CassetteBench[SagePay]) -> None:
    now = step(at=bench.clock.now())
    token, *_, payment = [held for held in found(bench) if held.certain]
    assert bench.processor.erase(token, now) == Done(Method.DELETED)
    assert bench.processor.confirm(Act(Operation.ERASE, token), now) == Gone()
    assert isinstance(bench.processor.erase(payment, now), Retained)
    assert isinstance(bench.processor.confirm(Act(Operation.ERASE, payment), now), Differs)


PARTS = ["card", "network", "fraud_screen", "fraud_rules"]
STORIES = {story.__name__: story for story in (find, export, erase)}


@pytest.mark.parametrize("name", STORIES)
def test_answers_as_recorded(name: str, cassette: Cassettes) -> None:
    with cassette(name, SagePay, SETTINGS) as bench:
        STORIES[name](bench)
    assert {exchange.via for exchange in bench.exchanges} == {"sandbox"}


@pytest.mark.parametrize("name", STORIES)
def test_the_sandbox_still_answers_in_the_shape_that_was_recorded(
    name: str, tmp_path: Path, record_from: FromSandbox
) -> None:
    with Cassettes(tmp_path, record_from)(name, SagePay, SETTINGS) as bench:
        STORIES[name](bench)
    assert shape(tmp_path / f"{name}.yaml") == shape(Path(__file__).parent / "cassettes" / f"{name}.yaml")
