"""The bench, the town, and a sandbox in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from hub.subject import IdentifierKind
from hub.testing.faults import Fault, Status
from hub.testing.town import TOWN


def test_the_towns_people_are_told_apart_by_address() -> None:
    addresses = [email for person in TOWN for email in person.emails] + [m.email for m in TOWN.mailboxes]
    assert len(addresses) == len(set(addresses))
    assert len({person.id for person in TOWN}) == len(list(TOWN))


def test_everyone_in_the_town_can_be_asked_for() -> None:
    for person in TOWN:
        assert person.subject().emails == person.emails


def test_nobody_in_the_town_can_be_reached() -> None:
    """RFC 2606 names, and the numbers that Ofcom keeps for drama: 07700 900xxx and 020 7946 0xxx."""
    for person in TOWN:
        assert all(email.rpartition("@")[2].endswith(("example.org", "example.net")) for email in person.emails)
        assert all(phone.startswith(("+447700900", "+4420794601")) for phone in person.phones)


def test_a_household_shares_a_telephone_and_no_address() -> None:
    main, husband = TOWN.main, TOWN.person("p02")
    assert set(main.phones) & set(husband.phones)
    assert not set(main.emails) & set(husband.emails)
    assert set(main.subject().of(IdentifierKind.ADDRESS)) == set(husband.subject().of(IdentifierKind.ADDRESS))


def test_a_stranger_is_nobody() -> None:
    with pytest.raises(KeyError):
        TOWN.person("p99")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of a sandbox in another process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.testing", "mailchimp"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_a_sandbox_serves_from_another_process_and_is_steered(elsewhere: str) -> None:
    with httpx.Client(base_url=elsewhere, trust_env=False) as client:
        assert client.get("/3.0/").status_code == 401
        client.post("/__faults", json=[Fault("GET /3.0/", Status(503)).as_dict()]).raise_for_status()
        assert [client.get("/3.0/").status_code for _ in range(2)] == [503, 401]
        assert len(client.get("/__calls").json()) == 3
        assert len(client.get("/__state").json()["members"]) == 2


def test_an_unknown_sandbox_is_named_with_those_there_are() -> None:
    said = subprocess.run([sys.executable, "-m", "hub.testing", "nosuch"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "mailchimp" in said.stderr
