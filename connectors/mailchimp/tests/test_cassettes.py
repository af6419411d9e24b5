"""The connector against recorded answers, over no network at all; the recordings are of its sandbox, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from hub import Act, Coverage, Done, Gone, Holding, Identifier, Method, Operation, Record, Subject
from hub.testing.cassettes import CassetteBench, Cassettes, FromSandbox
from hub.testing.cassettes.shapes import shape
from hub.testing.harness import step
from hub.testing.town import Town

SETTINGS = {"api_key": "inventedkey-us21"}


@pytest.fixture
def record_from(town: Town) -> FromSandbox:
    """Tilly Quinn: a member of both audiences and a customer, with a neighbour one plus tag away."""
    return FromSandbox(MailchimpSandbox, Subject((Identifier.email(town.person("p05").email),)))


def found(bench: CassetteBench[Mailchimp]) -> list[Holding]:
    *holdings, coverage = bench.processor.find(bench.subject)
    assert isinstance(coverage, Coverage)
    return [held for held in holdings if isinstance(held, Holding)]


def find(bench: CassetteBench[Mailchimp]) -> None:
    assert [held.kind for held in found(bench)] == ["cart", "order", "customer", "member", "member"]


def export(bench: CassetteBench[Mailchimp]) -> None:
    (email,) = bench.subject.emails
    kinds = []
    for held in found(bench):
        records = list(bench.processor.export(held, step(at=bench.clock.now())))
        kinds += [record.kind for record in records]
        if held.kind == "member":
            (member, *_) = records
            assert isinstance(member, Record)
            assert member.data["email_address"] == email
    assert sorted(set(kinds)) == ["activity", "cart", "customer", "events", "goals", "member", "notes", "order", "tags"]


def erase(bench: CassetteBench[Mailchimp]) -> None:
    now = step(at=bench.clock.now())
    for held in found(bench):
        assert bench.processor.erase(held, now) == Done(Method.DELETED)
        assert bench.processor.confirm(Act(Operation.ERASE, held), now) == Gone()
    assert found(bench) == []


STORIES = {story.__name__: story for story in (find, export, erase)}


@pytest.mark.parametrize("name", STORIES)
def test_answers_as_recorded(name: str, cassette: Cassettes) -> None:
    with cassette(name, Mailchimp, SETTINGS) as bench:
        STORIES[name](bench)
    assert {exchange.via for exchange in bench.exchanges} == {"sandbox"}


@pytest.mark.parametrize("name", STORIES)
def test_the_sandbox_still_answers_in_the_shape_that_was_recorded(
    name: str, tmp_path: Path, record_from: FromSandbox
) -> None:
    with Cassettes(tmp_path, record_from)(name, Mailchimp, SETTINGS) as bench:
        STORIES[name](bench)
    assert shape(tmp_path / f"{name}.yaml") == shape(Path(__file__).parent / "cassettes" / f"{name}.yaml")
