"""A stand-in at work: what it journals, what it keeps, and what goes wrong with it on demand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from retention import Hotel
from test_retention import HotelSandbox

from hub import (
    Absent,
    Act,
    ContractError,
    Done,
    Gone,
    Holding,
    Identifier,
    Method,
    Operation,
    OutcomeUnknown,
    RateLimited,
    Subject,
    TransientError,
)
from hub.testing.faults import DropAfter, DropBefore, Fault, Garbage, Stall, Status, What
from hub.testing.harness import Bench, step, workbench
from hub.testing.town import TOWN

ME = Subject((Identifier.email(TOWN.main.email),))


@pytest.fixture
def hotel() -> HotelSandbox:
    return HotelSandbox()


@pytest.fixture
def bench(hotel: HotelSandbox) -> Iterator[Bench[Hotel]]:
    limits = {"read": 0.2, "answer": 0.5}  # seconds, for the fault that never ends
    with hotel.serve() as running, workbench(Hotel, hotel.settings(), running.url, limits=limits) as bench:
        yield bench


@pytest.fixture
def old_stay(bench: Bench[Hotel], hotel: HotelSandbox) -> Holding:
    hotel.stays.update(TOWN.main.id, {"until": "2020-01-05"})
    return next(item for item in bench.processor.find(ME) if isinstance(item, Holding) and item.kind == "stay")


# --8<-- [start:lost]
def test_a_lost_answer_is_unknown_and_the_read_back_knows(
    bench: Bench[Hotel], hotel: HotelSandbox, old_stay: Holding
) -> None:
    hotel.faults.add(Fault("DELETE /{list}/{id}", DropAfter()))
    with pytest.raises(OutcomeUnknown):
        bench.processor.erase(old_stay, step())
    assert hotel.calls[-1].executed  # the service did it; only we do not know
    assert f"stay/{TOWN.main.id}" not in hotel.records()

    assert bench.processor.confirm(Act(Operation.ERASE, old_stay), step()) == Gone()
    assert bench.processor.erase(old_stay, step(attempt=2)) == Absent()


# --8<-- [end:lost]


# --8<-- [start:faults]
@pytest.mark.parametrize(
    ("what", "raised"),
    [
        (Status(429, retry_after=60), RateLimited),
        (Status(500), TransientError),
        (Status(404, "<h1>Not found</h1>"), ContractError),  # a proxy's 404 is nobody's word
        (Garbage(), ContractError),
        (DropBefore(), TransientError),
        (Stall(executed=False), TransientError),
    ],
)
def test_what_goes_wrong_with_a_search_is_called_what_it_is(
    bench: Bench[Hotel], hotel: HotelSandbox, what: What, raised: type[Exception]
) -> None:
    hotel.faults.add(Fault("GET /{list}", what, nth=2))  # the second of the calls that match
    with pytest.raises(raised):
        list(bench.processor.find(ME))


# --8<-- [end:faults]


def test_a_fault_strikes_once_and_the_next_try_succeeds(
    bench: Bench[Hotel], hotel: HotelSandbox, old_stay: Holding
) -> None:
    hotel.faults.add(Fault("DELETE *", Status(503, retry_after=5)))
    with pytest.raises(RateLimited) as told:
        bench.processor.erase(old_stay, step())
    assert told.value.retry_after == timedelta(seconds=5)
    assert bench.processor.erase(old_stay, step(attempt=2)) == Done(Method.DELETED)
