"""Boathouse against the conformance suite, and what it alone does: deletions that take their time, and webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import hub
import pytest
from hub.testing.conformance import Conformance, Service
from hub.testing.harness import Bench, ManualTime, step, workbench
from hub.testing.sandbox import webhook
from hub.testing.town import TOWN

from hub_connector_example.processor import CARD, Boathouse
from hub_connector_example.sandbox import WEBHOOK_SECRET, BoathouseSandbox


class TestBoathouse(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(
            Boathouse,
            BoathouseSandbox,
            known_by=(hub.Identifier.external(CARD, "BH-00001"),),
            changes=hub.Changes({"first_name": "Zenobia", "phone": "+447700900999"}),
            stops=("frozen", "mailings"),
        )


@pytest.fixture
def sandbox(clock: ManualTime) -> BoathouseSandbox:
    return BoathouseSandbox(clock=clock)


@pytest.fixture
def bench(sandbox: BoathouseSandbox, clock: ManualTime) -> Iterator[Bench[Boathouse]]:
    with sandbox.serve() as running, workbench(Boathouse, sandbox.settings(), running.url, clock=clock) as bench:
        yield bench


@pytest.fixture
def held(bench: Bench[Boathouse]) -> hub.Holding:
    found = bench.processor.find(TOWN.main.subject())
    return next(item for item in found if isinstance(item, hub.Holding))


def test_a_deletion_is_followed_to_its_end(bench: Bench[Boathouse], held: hub.Holding, clock: ManualTime) -> None:
    asked = hub.Act(hub.Operation.ERASE, held)
    pending = bench.processor.erase(held, step())
    assert isinstance(pending, hub.Pending)
    assert isinstance(bench.processor.confirm(asked, step()), hub.NotYet)
    assert isinstance(bench.processor.resume(held, pending.handle, step()), hub.Pending)
    clock.advance(timedelta(minutes=12))
    assert bench.processor.resume(held, pending.handle, step()) == hub.Done(hub.Method.DELETED)
    assert bench.processor.confirm(asked, step()) == hub.Gone()


def test_asking_twice_leads_to_one_deletion(bench: Bench[Boathouse], held: hub.Holding) -> None:
    first, second = bench.processor.erase(held, step()), bench.processor.erase(held, step())
    assert isinstance(first, hub.Pending)
    assert isinstance(second, hub.Pending)
    assert first.handle == second.handle


def test_a_deletion_that_failed_is_asked_for_again(
    bench: Bench[Boathouse], sandbox: BoathouseSandbox, held: hub.Holding, clock: ManualTime
) -> None:
    pending = bench.processor.erase(held, step())
    assert isinstance(pending, hub.Pending)
    sandbox.members.delete(held.locator["id"])  # somebody else was faster, so the job has nothing to do
    clock.advance(timedelta(minutes=12))
    assert isinstance(bench.processor.resume(held, pending.handle, step()), hub.Refused)
    assert isinstance(bench.processor.erase(held, step()), hub.Absent)


def notified(event: str, deletion: str, secret: str = WEBHOOK_SECRET) -> hub.Delivery:
    return webhook({"event": event, "deletion": deletion}, secret, header="X-Boathouse-Signature")


def test_a_notification_wakes_the_deletion_it_is_about(bench: Bench[Boathouse], held: hub.Holding) -> None:
    pending = bench.processor.erase(held, step())
    assert isinstance(pending, hub.Pending)
    (signal,) = bench.processor.receive(notified("deletion.ended", pending.handle["deletion"]))
    assert signal.handle == pending.handle


def test_other_news_and_what_boathouse_did_not_sign_wake_nothing(bench: Bench[Boathouse]) -> None:
    genuine = notified("deletion.ended", "job-1")
    for other in (
        notified("member.joined", "job-1"),
        notified("deletion.ended", "job-1", secret="another"),
        notified("deletion.ended", "job-1", secret=""),
        replace(genuine, body=genuine.body.replace(b"job-1", b"job-2")),
        replace(genuine, headers={}),
    ):
        assert list(bench.processor.receive(other)) == []


def test_without_a_secret_nothing_is_believed(sandbox: BoathouseSandbox) -> None:
    settings = sandbox.settings() | {"webhook_secret": ""}
    with sandbox.serve() as running, workbench(Boathouse, settings, running.url) as bench:
        assert list(bench.processor.receive(notified("deletion.ended", "job-1", secret=""))) == []


@pytest.mark.parametrize(
    ("scope", "answer"),
    [
        (hub.Scope(channels=frozenset({hub.Channel.SMS})), hub.Unsupported),
        (hub.Scope(frozenset({hub.Purpose.SHARING})), hub.Unsupported),
        (hub.Scope(frozenset({hub.Purpose.MARKETING, hub.Purpose.SHARING})), hub.Partial),
        (hub.Scope(frozenset({hub.Purpose.MARKETING, hub.Purpose.PROCESSING})), hub.Done),
    ],
    ids=["text messages", "sharing", "mailings and sharing", "everything it does"],
)
def test_what_boathouse_does_not_do_is_not_claimed_to_be_stopped(
    bench: Bench[Boathouse], held: hub.Holding, scope: hub.Scope, answer: type
) -> None:
    assert isinstance(bench.processor.suppress(held, scope, step()), answer)


def test_an_address_that_another_member_has_is_left_to_a_person(bench: Bench[Boathouse], held: hub.Holding) -> None:
    theirs = hub.Changes({"email": TOWN.neighbours[0].email})
    assert isinstance(bench.processor.rectify(held, theirs, step()), hub.Manual)


def test_a_new_address_is_learned(bench: Bench[Boathouse], held: hub.Holding) -> None:
    outcome = bench.processor.rectify(held, hub.Changes({"email": "new@example.org"}), step())
    assert isinstance(outcome, hub.Done)
    assert outcome.learned == (hub.Identifier.email("new@example.org"),)
