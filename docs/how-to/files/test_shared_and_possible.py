"""What `shared_and_possible.py` promises: what is in doubt waits for a person, and what a person decides is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from shared_and_possible import Crm

from conftest import OpenHub
from hub import Holding, Identifier, Learned, Subject
from hub.testing.harness import Bench, workbench
from hub.testing.sandbox import ApiKey, Request, Result, Sandbox, Table, Town, route
from hub.testing.town import TOWN, Person
from hub.testing.trial import Right


class CrmSandbox(Sandbox):
    """A contact for everybody, one under another address, and the shared mailbox of a company."""

    name = "rolodex"

    def seed(self, town: Town) -> None:
        self.access = ApiKey("crm-key")
        self.contacts = Table("contact")
        for person in town:
            self._add(person.id, person.name, person.email, postcode=_postcode(person), number=f"C{person.id}")
        self._add("moved", town.main.name, "o.quillfeather@example.com", postcode=_postcode(town.main))
        for box in town.mailboxes:
            self._add(box.id, box.company, box.email, kind="company")

    def _add(
        self, id_: str, name: str, email: str, *, kind: str = "person", postcode: str = "", number: str = ""
    ) -> None:
        row = {"id": id_, "name": name, "email": email, "kind": kind, "postcode": postcode}
        self.contacts.insert({**row, "customer_number": number})

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": "crm-key"}

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "crm-1", "name": "Rolodex", "scopes": list(self.access.scopes)}

    @route("GET", "/contacts")
    def listed(self, request: Request) -> Result:
        return [dict(row) for row in self.contacts]

    @route("GET", "/contacts/{id}")
    def contact(self, request: Request) -> Result:
        return self.contacts[request.params["id"]]

    @route("DELETE", "/contacts/{id}")
    def delete(self, request: Request) -> None:
        self.contacts.delete(request.params["id"])


def _postcode(person: Person) -> str:
    return person.address.postcode if person.address else ""


@pytest.fixture
def crm() -> CrmSandbox:
    return CrmSandbox()


@pytest.fixture
def url(crm: CrmSandbox) -> Iterator[str]:
    with crm.serve() as running:
        yield running.url


@pytest.fixture
def bench(crm: CrmSandbox, url: str) -> Iterator[Bench[Crm]]:
    with workbench(Crm, crm.settings(), url) as bench:
        yield bench


# --8<-- [start:found]
def test_what_is_certain_and_what_is_not(bench: Bench[Crm]) -> None:
    (box,) = TOWN.mailboxes
    asked = TOWN.main.subject().widened([Identifier.email(box.email)])
    found = [item for item in bench.processor.find(asked) if isinstance(item, Holding)]
    assert [(item.locator["id"], item.match, item.reach, item.certain) for item in found] == [
        ("p01", "exact", "sole", True),
        ("moved", "possible", "sole", False),  # her name and postcode, under an address that nobody told us
        ("m01", "exact", "shared", False),  # an address of hers, and of everybody else who reads it
    ]


# --8<-- [end:found]


def test_a_namesake_in_another_town_is_not_found(bench: Bench[Crm]) -> None:
    namesake = TOWN.person("p04")
    found = [item.locator["id"] for item in bench.processor.find(TOWN.main.subject()) if isinstance(item, Holding)]
    assert namesake.name == TOWN.main.name
    assert namesake.id not in found


def test_only_a_certain_holding_teaches(bench: Bench[Crm]) -> None:
    (box,) = TOWN.mailboxes
    asked = TOWN.main.subject().widened([Identifier.email(box.email)])
    learned = [item.identifier.value for item in bench.processor.find(asked) if isinstance(item, Learned)]
    assert learned == ["Cp01"]
    only_box = Subject((Identifier.email(box.email),))
    assert not any(isinstance(item, Learned) for item in bench.processor.find(only_box))


# --8<-- [start:hub]
def test_a_person_decides_and_only_then_is_it_erased(open_hub: OpenHub, crm: CrmSandbox, url: str) -> None:
    trial = open_hub("shared_and_possible", "rolodex", url, crm.settings())
    request = trial.submit(Right.ERASURE, *TOWN.main.subject().identifiers)
    trial.run()
    assert "p01" not in crm.contacts
    assert "moved" in crm.contacts
    assert [task["kind"] for task in trial.tasks()] == ["decide"]

    undecided = next(h for h in trial.track(request, "it")["holdings"] if h["match"] == "possible")
    trial.hub.decide(request, {undecided["holding"]: True}, by="A. Clerk")
    trial.run()
    assert "moved" not in crm.contacts


# --8<-- [end:hub]
