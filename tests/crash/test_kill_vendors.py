"""kill -9 while Mailchimp and Sage Pay are asked: at every commit and every act, and at chosen ones of some 600 reads.

The services are the connectors' own sandboxes. What they hold at the end, and how often each act was carried out, is
the same as after a run that nobody killed.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.sagepay.sandbox import SagePaySandbox
from hub.home import Home
from hub.testing.sandbox import Sandbox
from hub.testing.town import TOWN
from tests.crash.harness import Asked, Case, Journal, Nursery, check_chain, check_settled

PERSON = {
    "email": [TOWN.main.email],
    "phone": list(TOWN.main.phones),
    "name": [TOWN.main.name],
    "address": [{"line1": "4 Mill Lane", "city": "Wetherbury", "postcode": "ZZ9 4ML", "country": "GB"}],
}
# The postcode is the neighbours' too, and the sandbox's own account is none of the person's; both are searched for.
FURTHER = TOWN.main.emails
ASKED = {rights: Asked(rights, PERSON, further=FURTHER) for rights in (("erasure",), ("access",))}
READS = ["GET *", "POST /access/access.htm"]
PLUGINS = {"mailchimp": "connectors.mailchimp", "sagepay": "connectors.sagepay"}
ACTS_AND_COMMITS = 100
"""At least as many points as an erasure passes when reads are left out."""


@dataclass(frozen=True)
class Stage:
    """A case and the services it is carried out on."""

    case: Case
    services: tuple[Sandbox, ...]

    def acts(self) -> Counter[tuple[str, str]]:
        """The acts carried out at the services."""
        calls = [call for service in self.services for call in service.calls if call.executed]
        return Counter((c.method, c.route) for c in calls if c.method != "GET" and c.route != "/access/access.htm")

    def held(self) -> list[Any]:
        """What the services hold."""
        return [service.state() for service in self.services]


@pytest.fixture
def staged(nursery: Nursery, template: Home, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    with ExitStack() as stack:

        def stage(*rights: str, folder: Path = tmp_path) -> Stage:
            mailchimp, sagepay = MailchimpSandbox(), SagePaySandbox()
            shop = {k: v for k, v in sagepay.settings().items() if k != "password"}
            instances = {
                "news": {"connector": "mailchimp", "via": stack.enter_context(mailchimp.serve()).url},
                "pay": {"connector": "sagepay", "via": stack.enter_context(sagepay.serve()).url, **shop},
            }
            secrets = {
                "HUB_INSTANCES__NEWS__API_KEY": mailchimp.settings()["api_key"],
                "HUB_INSTANCES__PAY__PASSWORD": sagepay.settings()["password"],
            }
            case = Case.made(nursery, template, folder, ASKED[rights], instances, plugins=PLUGINS, environ=secrets)
            return Stage(case, (mailchimp, sagepay))

        yield stage


@dataclass(frozen=True)
class Undisturbed:
    """What a run that nobody killed came to."""

    outcomes: list[Any]
    acts: Counter[tuple[str, str]]
    held: list[Any]


def came_to(stage: Stage) -> Undisturbed:
    journal = stage.case.journal()
    assert journal is not None
    check_settled(journal)
    assert stage.case.exposed() == []
    return Undisturbed(_outcomes(journal), stage.acts(), stage.held())


def _outcomes(journal: Journal) -> list[Any]:
    kinds = {h.ordinal: h.kind for h in journal.holdings}
    return [(s.id.partition(".")[2], s.operation, kinds[s.holding], s.outcome, s.confirmation) for s in journal.steps]


@pytest.fixture
def undisturbed(staged: Callable[..., Stage], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Undisturbed]:
    """What these rights come to, found out once."""

    def known(*rights: str) -> Undisturbed:
        if rights not in _KNOWN:
            stage = staged(*rights, folder=tmp_path_factory.mktemp("undisturbed"))
            stage.case.finish()
            _KNOWN[rights] = came_to(stage)
        return _KNOWN[rights]

    return known


_KNOWN: dict[tuple[str, ...], Undisturbed] = {}


def test_an_erasure_leaves_nothing_and_touches_nobody_else(staged: Callable[..., Stage]) -> None:
    stage = staged("erasure")
    before = stage.held()
    stage.case.finish(quiet=READS)
    passed = len(stage.case.points())
    assert passed <= ACTS_AND_COMMITS <= passed + passed // 5, f"{passed} points: say so in ACTS_AND_COMMITS"
    (news, pay), (news_before, pay_before) = stage.held(), before
    gone = {h for a, members in news_before["members"].items() for h in members if h not in news["members"][a]}
    assert len(gone) == 1
    assert pay["transactions"] == pay_before["transactions"]
    assert len(pay_before["tokens"]) - len(pay["tokens"]) == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("strike", range(1, ACTS_AND_COMMITS + 1))
def test_killed_at_any_commit_or_act(
    staged: Callable[..., Stage], undisturbed: Callable[..., Undisturbed], strike: int
) -> None:
    stage = staged("erasure")
    killed(stage, strike=strike, quiet=READS)
    stage.case.finish()
    assert came_to(stage) == undisturbed("erasure")


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(16))
def test_killed_at_any_call(staged: Callable[..., Stage], undisturbed: Callable[..., Undisturbed], seed: int) -> None:
    chance = random.Random(seed)
    rights, most = (("erasure",), 600) if seed % 2 else (("access",), 2700)
    stage = staged(*rights)
    killed(stage, strike=chance.randint(1, most))
    killed(stage, strike=chance.randint(1, most))
    stage.case.finish()
    assert came_to(stage) == undisturbed(*rights)


def killed(stage: Stage, **job: Any) -> None:
    assert stage.case.run(**job) in {-signal.SIGKILL, 0}, stage.case.said()
    assert stage.case.exposed() == []
    if journal := stage.case.journal():
        check_chain(journal)
