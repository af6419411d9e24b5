"""The parts of a sandbox: a stand-in made of them refuses, pages, limits and works off jobs as a service would."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.testing.sandbox import (
    ApiKey,
    Basic,
    Bearer,
    Jobs,
    OAuth,
    Person,
    RateLimit,
    Refuse,
    Request,
    Result,
    Sandbox,
    Table,
    Town,
    by_cursor,
    by_link,
    by_offset,
    by_page,
    route,
    webhook,
)
from hub.testing.town import TOWN
from hub.timepiece import ManualTime

MAIN = TOWN.main.id


class Club(Sandbox):
    name = "club"

    def seed(self, town: Town) -> None:
        rows = ({"id": p.id, "email": p.email, "name": p.name} for p in town)
        self.members = Table("member", rows, required=["email"], unique=["email"], fixed=["joined"])
        self.notes = Table("note", [{"id": "n1", "member": MAIN}])
        self.jobs = Jobs(self.clock, waits=timedelta(minutes=1), lasts=timedelta(minutes=9))

    @route("GET", "/members")
    def members_by_page(self, request: Request) -> Result:
        return by_page(request, "members", self.members.asked(request, "email", "name"), size=5, most=500)

    @route("GET", "/offset")
    def members_by_offset(self, request: Request) -> Result:
        return by_offset(request, "members", list(self.members), size=5, most=10)

    @route("GET", "/cursor")
    def members_by_cursor(self, request: Request) -> Result:
        return by_cursor(request, "members", list(self.members), size=5, most=10)

    @route("GET", "/after")
    def members_after(self, request: Request) -> Result:
        return by_cursor(request, "members", list(self.members), size=5, cursor="after")

    @route("GET", "/linked")
    def members_by_link(self, request: Request) -> Result:
        return by_link(request, self.members.asked(request, "name"), size=5)

    @route("GET", "/members/{id}")
    def member(self, request: Request) -> Result:
        return self.members[request.params["id"]]

    @route("POST", "/members")
    def join(self, request: Request) -> Result:
        return self.members.insert(request.json())

    @route("PATCH", "/members/{id}")
    def change(self, request: Request) -> Result:
        return self.members.update(request.params["id"], request.json())

    @route("DELETE", "/members/{id}")
    def leave(self, request: Request) -> Result:
        return self.members.delete(request.params["id"])

    @route("POST", "/members/{id}/deletion")
    def leave_later(self, request: Request) -> Result:
        return self.jobs.accept(lambda: self.members.delete(request.params["id"]))

    @route("GET", "/jobs/{id}")
    def job(self, request: Request) -> Result:
        return self.jobs.show(request.params["id"])


class Guarded(Club):
    """With an access of the test's own."""

    access: Any

    @route("POST", "/oauth/token")
    def token(self, request: Request) -> Result:
        result: Result = self.access.token(request)
        return result


@pytest.fixture
def sandbox(clock: ManualTime) -> Club:
    return Club(clock=clock)


@pytest.fixture
def client(sandbox: Club) -> Iterator[httpx.Client]:
    with sandbox.serve() as running, httpx.Client(base_url=running.url, trust_env=False) as client:
        yield client


@pytest.fixture
def guarded(clock: ManualTime) -> Guarded:
    return Guarded(clock=clock)


@pytest.fixture
def stranger(guarded: Guarded) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with guarded.serve() as running, httpx.Client(base_url=running.url, trust_env=False) as client:
        yield client


def statuses(client: httpx.Client, **how: Any) -> tuple[int, int]:
    """What a reading and a changing call are answered."""
    name = {"name": "X"}
    return client.get("/members", **how).status_code, client.patch(f"/members/{MAIN}", json=name, **how).status_code


# records


def test_every_row_of_every_table_is_a_record(sandbox: Club, client: httpx.Client) -> None:
    records = sandbox.records()
    assert len(records) == len(list(TOWN)) + 1
    assert records["note/n1"] == {"id": "n1", "member": MAIN}
    assert records[f"member/{MAIN}"] == client.get(f"/members/{MAIN}").json()


def test_rows_come_change_and_go(sandbox: Club, client: httpx.Client) -> None:
    made = client.post("/members", json={"email": "new@example.org"}).json()
    assert made == {"email": "new@example.org", "id": "member-1"}
    before = sandbox.records()
    assert client.patch("/members/member-1", json={"name": "New"}).json() == {**made, "name": "New"}
    assert before["member/member-1"] == made, "what was looked at earlier does not change"
    assert client.delete("/members/member-1").status_code == 204
    assert "member/member-1" not in sandbox.records()
    assert client.delete("/members/member-1").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_id_is_not_found(sandbox: Club, client: httpx.Client, method: str) -> None:
    before = sandbox.records()
    answer = client.request(method, "/members/p99", json={"name": "X"})
    assert (answer.status_code, answer.json()) == (404, {"error": "no_such_member"})
    assert sandbox.records() == before


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ("no JSON", 400, None),
        ("[]", 400, None),
        ("{}", 422, ["email"]),
        ('{"email": ""}', 422, ["email"]),
        ('{"email": "OTTOLINE.quillfeather@example.org"}', 409, ["email"]),
        ('{"email": "new@example.org", "id": "p01"}', 409, ["id"]),
    ],
)
def test_what_does_not_fit_is_refused_and_quotes_nothing(
    sandbox: Club, client: httpx.Client, body: str, status: int, fields: list[str] | None
) -> None:
    before = sandbox.records()
    answer = client.post("/members", content=body)
    assert (answer.status_code, answer.json().get("fields")) == (status, fields)
    assert "example" not in answer.text
    assert sandbox.records() == before


@pytest.mark.parametrize("change", [{"id": "p02"}, {"joined": "2020"}, {"email": ""}, {"email": None}])
def test_a_change_that_does_not_fit_changes_nothing(
    sandbox: Club, client: httpx.Client, change: dict[str, Any]
) -> None:
    before = sandbox.records()
    assert client.patch(f"/members/{MAIN}", json={"name": "X", **change}).status_code == 422
    assert sandbox.records() == before


def test_a_value_that_was_given_up_is_free_again(client: httpx.Client) -> None:
    held = TOWN.main.email
    assert client.patch(f"/members/{MAIN}", json={"email": "moved@example.org"}).status_code == 200
    assert client.post("/members", json={"email": held}).status_code == 200
    assert client.patch(f"/members/{MAIN}", json={"email": held}).status_code == 409
    assert client.delete("/members/member-1").status_code == 204
    assert client.patch(f"/members/{MAIN}", json={"email": held}).status_code == 200


def test_a_query_goes_by_the_fields_it_names(client: httpx.Client) -> None:
    def found(**query: str) -> list[str]:
        return [row["id"] for row in client.get("/members", params=query).json()["members"]]

    assert found(email=TOWN.main.email.upper()) == [MAIN]
    assert found(name="Jane Doe") == ["p06", "p08"]
    assert found(name="Jane Doe", email="jane.doe@example.org") == ["p06"]
    assert found(email="") == []
    assert found(email="nobody@example.org") == []
    assert len(found(colour="red")) == 5


def test_eight_callers_at_once_get_ids_of_their_own(sandbox: Club, client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        bodies = [{"email": f"m{n}@example.org"} for n in range(80)]
        ids = {answer.json()["id"] for answer in pool.map(lambda body: client.post("/members", json=body), bodies)}
    assert len(ids) == 80


# access


@pytest.mark.parametrize(
    ("access", "headers", "challenge"),
    [
        (Bearer("right"), {"Authorization": "Bearer right"}, "Bearer"),
        (ApiKey("right"), {"x-api-key": "right"}, None),
        (ApiKey("right", "Api-Token"), {"Api-Token": "right"}, None),
        (Basic("user", "right"), {"Authorization": httpx.BasicAuth("user", "right")._auth_header}, "Basic"),
    ],
    ids=["bearer", "key", "own header", "basic"],
)
def test_good_wrong_and_weak_credentials_are_told_apart(
    guarded: Guarded, stranger: httpx.Client, access: Any, headers: dict[str, str], challenge: str | None
) -> None:
    guarded.access = access
    assert statuses(stranger, headers=headers) == (200, 200)
    wrong = {name: value[:-1] for name, value in headers.items()}
    assert statuses(stranger, headers=wrong) == (401, 401)
    assert statuses(stranger) == (401, 401)
    assert stranger.get("/nowhere").status_code == 401
    assert stranger.get("/members").headers.get("www-authenticate") == challenge
    guarded.restrict()
    assert statuses(stranger, headers=headers) == (200, 403)
    assert statuses(stranger, headers=wrong) == (401, 401)
    assert guarded.access.scopes == ("read",)


@pytest.mark.parametrize(
    "make",
    [lambda words: Bearer("right", **words), lambda words: ApiKey("right", "Authorization", **words)],
    ids=["bearer", "key"],
)
def test_credentials_are_refused_in_the_services_own_words(
    guarded: Guarded, stranger: httpx.Client, make: Callable[[dict[str, Any]], Any]
) -> None:
    words = {"scopes": ("members.read", "members.manage"), "stranger": {"code": 17}, "weak": {"code": 18}}
    guarded.access = make(words)
    headers = {"Authorization": "Bearer right" if isinstance(guarded.access, Bearer) else "right"}
    assert stranger.get("/members").json() == {"code": 17}
    assert guarded.access.scopes == ("members.read", "members.manage")
    assert statuses(stranger, headers=headers) == (200, 200)
    guarded.restrict()
    assert guarded.access.scopes == ("members.read",)
    assert statuses(stranger, headers=headers) == (200, 403)
    assert stranger.delete(f"/members/{MAIN}", headers=headers).json() == {"code": 18}


def test_where_everyone_may_call_nobody_can_be_restricted(sandbox: Club) -> None:
    with pytest.raises(NotImplementedError, match="no credentials"):
        sandbox.restrict()


CLIENT = ("hub", "client-secret")


@pytest.fixture
def oauth(guarded: Guarded, clock: ManualTime) -> OAuth:
    guarded.access = OAuth(clock, CLIENT, refresh_token="first")
    assert isinstance(guarded.access, OAuth)
    return guarded.access


def renew(client: httpx.Client, refresh: str, **how: Any) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    return client.post("/oauth/token", data=form, **({"auth": CLIENT} | how))


def signed(token: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_an_access_token_ends_and_a_refresh_token_brings_the_next(
    oauth: OAuth, stranger: httpx.Client, clock: ManualTime
) -> None:
    assert statuses(stranger) == (401, 401)
    first = renew(stranger, "first").json()
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 1800, "read write")
    assert statuses(stranger, **signed(first["access_token"])) == (200, 200)
    clock.advance(timedelta(minutes=30))
    assert statuses(stranger, **signed(first["access_token"])) == (401, 401)
    second = renew(stranger, first["refresh_token"]).json()
    assert second["refresh_token"] not in {"first", first["refresh_token"]}
    assert statuses(stranger, **signed(second["access_token"])) == (200, 200)


def test_a_refresh_token_used_twice_ends_everything(oauth: OAuth, stranger: httpx.Client) -> None:
    given = renew(stranger, "first").json()
    again = renew(stranger, "first")
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert statuses(stranger, **signed(given["access_token"])) == (401, 401)
    assert renew(stranger, given["refresh_token"]).status_code == 400


def test_where_a_service_is_patient_a_lost_answer_can_be_asked_for_once_more(
    guarded: Guarded, stranger: httpx.Client, clock: ManualTime
) -> None:
    guarded.access = OAuth(clock, CLIENT, refresh_token="first", grace=timedelta(minutes=1))
    assert renew(stranger, "first").status_code == 200, "and nobody received it"
    again = renew(stranger, "first").json()
    assert statuses(stranger, **signed(again["access_token"])) == (200, 200)
    clock.advance(timedelta(minutes=1))
    assert renew(stranger, "first").status_code == 400
    assert renew(stranger, again["refresh_token"]).status_code == 400, "by now it could be a thief"


def test_the_endpoint_refuses_another_client_another_grant_and_an_unknown_token(
    oauth: OAuth, stranger: httpx.Client
) -> None:
    assert renew(stranger, "first", auth=("hub", "wrong")).json() == {"error": "invalid_client"}
    assert renew(stranger, "unknown").json() == {"error": "invalid_grant"}
    logging_in = {"grant_type": "client_credentials"}
    assert stranger.post("/oauth/token", data=logging_in, auth=CLIENT).json() == {"error": "unsupported_grant_type"}
    assert renew(stranger, "first").status_code == 200, "none of these spent the token"


def test_a_client_may_log_in_with_its_own_credentials(
    guarded: Guarded, stranger: httpx.Client, clock: ManualTime
) -> None:
    guarded.access = OAuth(clock, CLIENT)
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    answer = stranger.post("/oauth/token", data=form).json()
    assert "refresh_token" not in answer
    assert statuses(stranger, **signed(answer["access_token"])) == (200, 200)
    guarded.restrict()
    assert statuses(stranger, **signed(answer["access_token"])) == (200, 403)


# paging


def pages(client: httpx.Client, way: str) -> list[list[str]]:
    """The ids on each page, to the last, as a careful caller goes on."""
    found, url, query = [], f"/{way}", httpx.QueryParams()
    while True:
        answer = client.get(url, params=query)
        body = answer.json()
        rows = body if isinstance(body, list) else body["members"]
        found.append([row["id"] for row in rows])
        match way:
            case "offset" if body["offset"] + len(rows) < body["total"]:
                query = httpx.QueryParams(offset=body["offset"] + len(rows))
            case "members" if body["page"] < body["pages"]:
                query = httpx.QueryParams(page=body["page"] + 1)
            case "cursor" if body["next"]:
                query = httpx.QueryParams(cursor=body["next"])
            case "after" if body["next"]:
                query = httpx.QueryParams(after=body["next"])
            case "linked" if "next" in answer.links:
                query = httpx.URL(answer.links["next"]["url"]).params
            case _:
                return found


@pytest.mark.parametrize("way", ["members", "offset", "cursor", "after", "linked"])
def test_every_way_of_paging_shows_every_row_once(sandbox: Club, client: httpx.Client, way: str) -> None:
    found = pages(client, way)
    assert [len(page) for page in found] == [5, 5, 3]
    assert sorted(chain.from_iterable(found)) == sorted(row["id"] for row in sandbox.members)


@pytest.mark.parametrize("way", ["members", "offset", "cursor", "linked"])
def test_a_full_last_page_is_the_last(sandbox: Club, client: httpx.Client, way: str) -> None:
    for id_ in ("p11", "p12", "p13"):
        sandbox.members.delete(id_)
    assert [len(page) for page in pages(client, way)] == [5, 5]


def test_a_large_town_is_paged_and_searched(clock: ManualTime) -> None:
    crowd = (Person(f"r{n:05}", "Resident", f"No {n}", (f"resident.{n}@example.net",)) for n in range(1, 3001))
    club = Club(replace(TOWN, neighbours=(*TOWN.neighbours, *crowd)), clock=clock)
    with club.serve() as running, httpx.Client(base_url=running.url, trust_env=False) as client:
        assert client.get("/members", params={"per_page": 500}).json()["pages"] == 7
        last = client.get("/members", params={"email": "resident.3000@example.net"}).json()
    assert (last["total"], last["members"][0]["id"]) == (1, "r03000")


def test_a_cursor_outlives_what_is_deleted_before_it(sandbox: Club, client: httpx.Client) -> None:
    first = client.get("/cursor").json()
    for row in first["members"]:
        sandbox.members.delete(row["id"])
    second = client.get("/cursor", params={"cursor": first["next"]}).json()
    assert [row["id"] for row in second["members"]] == ["p06", "p07", "p08", "p09", "p10"]


def test_an_offset_does_not(sandbox: Club, client: httpx.Client) -> None:
    client.get("/offset")
    sandbox.members.delete("p01")
    assert client.get("/offset", params={"offset": 5}).json()["members"][0]["id"] == "p07", "p06 is on no page"


def test_links_keep_the_query_and_name_the_service(client: httpx.Client) -> None:
    answer = client.get("/linked?name=jane%20doe&per_page=1", headers={"Host": "api.club.example"})
    assert answer.links["next"]["url"] == "https://api.club.example/linked?name=jane+doe&per_page=1&page=2"
    assert client.get("/linked?name=jane%20doe&per_page=1&page=2").links == {}


@pytest.mark.parametrize(
    "query",
    [
        "members?page=0",
        "members?page=two",
        "members?per_page=0",
        "members?page=²",
        "members?page=",
        "offset?offset=-1",
        "offset?limit=x",
        "cursor?cursor=p01",
        "cursor?cursor=%ff",
        "cursor?cursor=cDAx",
        "cursor?limit=0",
    ],
)
def test_a_page_that_cannot_be_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/{query}").status_code == 400


def test_a_page_is_never_larger_than_the_largest(client: httpx.Client) -> None:
    assert client.get("/offset?limit=1000").json()["limit"] == 10
    assert len(client.get("/cursor?limit=1000").json()["members"]) == 10


@given(ids=st.sets(st.text(min_size=1, max_size=4), max_size=30), size=st.integers(1, 7))
def test_a_cursor_visits_any_ids_once(ids: set[str], size: int) -> None:
    table, seen, query = Table("row", ({"id": id_} for id_ in ids)), [], []
    while True:
        request = Request("GET", "/", {}, query, {}, b"")
        try:
            page = by_cursor(request, "rows", list(table), size=size)
        except UnicodeEncodeError:
            return  # an id that UTF-8 cannot carry cannot stand in an answer either
        seen += [row["id"] for row in page["rows"]]
        if page["next"] is None:
            break
        query = [("cursor", page["next"])]
    assert sorted(seen) == sorted(ids)


# limits


def test_a_rate_is_kept_on_the_sandboxs_clock(sandbox: Club, client: httpx.Client, clock: ManualTime) -> None:
    sandbox.rate = RateLimit(2, timedelta(seconds=10))
    assert client.get("/members").status_code == 200
    clock.advance(timedelta(seconds=4.5))
    assert client.get("/members").status_code == 200
    refused = client.get("/members")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    clock.advance(timedelta(seconds=6))
    assert client.get("/members").status_code == 200, "the first call has left the period, refused ones never came"
    assert client.get("/members").headers["retry-after"] == "4"


def test_two_sandboxes_share_nothing(sandbox: Club, clock: ManualTime) -> None:
    other = Club(clock=clock)
    other.members.delete(MAIN)
    other.rate = RateLimit(0, timedelta(seconds=1))
    assert f"member/{MAIN}" in sandbox.records()
    assert sandbox.rate is None


# jobs


def test_a_job_is_accepted_then_running_then_done(sandbox: Club, client: httpx.Client, clock: ManualTime) -> None:
    accepted = client.post(f"/members/{MAIN}/deletion").json()
    assert accepted == {"id": "job-1", "status": "accepted", "ends_at": "2026-03-02T09:10:00+00:00"}
    clock.advance(timedelta(minutes=1))
    assert client.get("/jobs/job-1").json()["status"] == "running"
    clock.advance(timedelta(minutes=8, seconds=59))
    assert client.get(f"/members/{MAIN}").status_code == 200
    clock.advance(timedelta(seconds=1))
    assert client.get(f"/members/{MAIN}").status_code == 404, "done, though nobody has asked for the job"
    assert client.get("/jobs/job-1").json()["status"] == "done"
    assert client.get("/jobs/job-2").status_code == 404


def test_records_know_what_was_done_meanwhile(sandbox: Club, client: httpx.Client, clock: ManualTime) -> None:
    client.post(f"/members/{MAIN}/deletion")
    assert f"member/{MAIN}" in sandbox.records()
    clock.advance(timedelta(hours=1))
    assert f"member/{MAIN}" not in sandbox.records()


def test_a_job_that_is_refused_at_its_end_has_failed(sandbox: Club, client: httpx.Client, clock: ManualTime) -> None:
    for _ in range(2):
        client.post(f"/members/{MAIN}/deletion")
    clock.advance(timedelta(hours=1))
    assert [client.get(f"/jobs/job-{n}").json()["status"] for n in (1, 2)] == ["done", "failed"]


def test_a_bug_in_a_jobs_work_fails_the_test_as_any_bug_of_a_sandbox(sandbox: Club, clock: ManualTime) -> None:
    def broken() -> None:
        raise KeyError("the author's mistake")

    sandbox.jobs.accept(broken)
    clock.advance(timedelta(hours=1))
    with ExitStack() as stack:
        running = stack.enter_context(sandbox.serve())
        assert httpx.get(f"{running.url}/members", trust_env=False).status_code == 500
        with pytest.raises(AssertionError, match="has a bug: KeyError"):
            stack.close()


def test_a_webhook_is_signed_over_its_very_bytes() -> None:
    delivery = webhook({"id": "job-1", "status": "done"}, "whsec", header="Club-Signature")
    assert json.loads(delivery.body) == {"id": "job-1", "status": "done"}
    expected = hmac.new(b"whsec", delivery.body, hashlib.sha256).hexdigest()
    assert delivery.headers["club-signature"] == f"sha256={expected}"
    assert not re.search("whsec|job", repr(delivery))


def test_a_refusal_of_a_part_can_be_answered_in_the_services_own_words() -> None:
    with pytest.raises(Refuse) as caught:
        Table("order")["17"]
    assert (caught.value.answer.status, caught.value.answer.body) == (404, {"error": "no_such_order"})
    with pytest.raises(Refuse) as caught:
        Table("order", missing={"errorCode": "UNKNOWN_ORDER"}).delete("17")
    assert (caught.value.answer.status, caught.value.answer.body) == (404, {"errorCode": "UNKNOWN_ORDER"})
