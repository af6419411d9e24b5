"""What `oauth.py` promises, against a club whose refresh tokens are good once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from oauth import Club

from hub import Act, AuthError, Done, Gone, Holding, Operation
from hub.testing.conformance import Conformance, Kit, Service
from hub.testing.faults import Fault, Status
from hub.testing.harness import Bench, ManualTime, step, workbench
from hub.testing.sandbox import OAuth, Request, Result, Sandbox, Table, Town, route
from hub.testing.town import TOWN
from hub.wire import Recorder, flight


# --8<-- [start:sandbox]
class ClubSandbox(Sandbox):
    """The town's club. A refresh token that comes again after half an hour ends every token."""

    name = "club"

    def seed(self, town: Town) -> None:
        grace = timedelta(minutes=30)
        self.oauth = OAuth(self.clock, ("hub", "s3cret"), refresh_token="first-refresh-token", grace=grace)
        self.access = self.oauth
        self.members = Table("member", ({"id": p.id, "email": p.email, "name": p.name} for p in town))

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"client_id": "hub", "client_secret": "s3cret", "refresh_token": "first-refresh-token"}

    @route("POST", "/oauth/token")
    def token(self, request: Request) -> Result:
        return self.oauth.token(request)

    # --8<-- [end:sandbox]

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "club-1", "name": "The club", "scopes": list(self.access.scopes)}

    @route("GET", "/members")
    def listed(self, request: Request) -> Result:
        return list(self.members.asked(request, "email"))

    @route("GET", "/members/{id}")
    def member(self, request: Request) -> Result:
        return self.members[request.params["id"]]

    @route("DELETE", "/members/{id}")
    def delete(self, request: Request) -> None:
        self.members.delete(request.params["id"])


@pytest.fixture
def club(clock: ManualTime) -> ClubSandbox:
    return ClubSandbox(clock=clock)


@pytest.fixture
def url(club: ClubSandbox) -> Iterator[str]:
    with club.serve() as running:
        yield running.url


@pytest.fixture
def bench(club: ClubSandbox, url: str, clock: ManualTime) -> Iterator[Bench[Club]]:
    with workbench(Club, club.settings(), url, clock=clock) as bench:
        yield bench


def renewals(club: ClubSandbox) -> int:
    return sum(call.route == "/oauth/token" and call.executed for call in club.calls)


def held(bench: Bench[Club]) -> Holding:
    found = bench.processor.find(TOWN.main.subject())
    return next(item for item in found if isinstance(item, Holding))


# --8<-- [start:tests]
def test_a_token_that_ended_is_renewed_once_and_its_successor_kept(
    bench: Bench[Club], club: ClubSandbox, clock: ManualTime
) -> None:
    for _ in range(3):
        held(bench)
        clock.advance(timedelta(hours=1))
    assert renewals(club) == 3


def test_a_token_the_service_refuses_in_the_middle_is_replaced_and_the_call_repeated(
    bench: Bench[Club], club: ClubSandbox
) -> None:
    holding = held(bench)
    club.faults.add(Fault("DELETE /members/{id}", Status(401)))
    assert isinstance(bench.processor.erase(holding, step()), Done)
    assert isinstance(bench.processor.confirm(Act(Operation.ERASE, holding), step()), Gone)
    assert renewals(club) == 2


def test_eight_threads_that_need_a_token_at_once_make_one_renewal(bench: Bench[Club], club: ClubSandbox) -> None:
    def check(_: int) -> None:
        with flight(Recorder(None, lambda: None)):
            bench.processor.check()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, range(8)))
    assert renewals(club) == 1


def test_a_refresh_token_that_was_used_before_asks_for_a_person(club: ClubSandbox, url: str, clock: ManualTime) -> None:
    with workbench(Club, club.settings(), url) as bench:
        bench.processor.check()
    clock.advance(timedelta(hours=1))
    with (
        workbench(Club, club.settings(), url) as forgetful,  # its store is a new one
        pytest.raises(AuthError, match="does not accept the refresh token") as refused,
    ):
        forgetful.processor.check()
    assert "log in again" in refused.value.hint


# --8<-- [end:tests]


class TestClub(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(Club, ClubSandbox)

    @pytest.mark.xfail(reason="An example on one page: it is not installed.", strict=True)
    def test_it_is_installed_as_a_plugin(self, kit: Kit) -> None:
        super().test_it_is_installed_as_a_plugin(kit)
