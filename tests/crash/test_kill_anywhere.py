"""kill -9 at every COMMIT, every call and every sync: the request settles, nothing is lost, nothing is done twice.

A dry run counts the points that a request passes; then one process is killed at each of them and another takes over.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyzipper

from hub.home import Home
from tests.crash.driver import PASSPHRASE
from tests.crash.harness import Asked, Case, Journal, Nursery, check_chain, check_settled
from tests.crash.notebook import Entry, NotebookService

FIRST, SECOND = "zephyrine.quokkavale@example.org", "zq.private.box@example.net"
NEIGHBOUR = "zephyrina.quokkavale@example.org"
LINES = [f"Line {number} of Quokkavale's diary" for number in range(11)]
PERSON = {"email": [FIRST], "name": ["Zephyrine Quokkavale"], "phone": ["+447700900987"]}
SECRET = (SECOND, "Quokkavale's diary")

ASKED = {
    "erasure": Asked(("erasure",), PERSON, further=SECRET),
    "access": Asked(("access",), PERSON, further=SECRET),
    "access_erasure": Asked(("access", "erasure"), PERSON, further=SECRET),
    "rectification": Asked(("rectification",), PERSON, changes={"line1": "17 Bandicoot Crescent"}, further=SECRET),
    "objection": Asked(("objection",), PERSON, further=SECRET),
}
NOTEBOOKS = {"erasure": 3, "access": 3, "access_erasure": 1, "rectification": 1, "objection": 2}
POINTS = {"erasure": 145, "access": 230, "access_erasure": 125, "rectification": 44, "objection": 100}
"""At least as many as there are; `test_every_point_is_among_those_tried` says when these are too few or far more."""
EVERY = [(right, strike) for right, most in POINTS.items() for strike in range(1, most + 1)]


@dataclass(frozen=True)
class Stage:
    """A case and the notebooks it is carried out on, which outlive its processes."""

    right: str
    case: Case
    notebooks: dict[str, NotebookService]

    def acts(self) -> Counter[str]:
        """Every act carried out at any service, with how often it was."""
        return Counter(
            {f"{name}: {act}": often for name, book in self.notebooks.items() for act, often in book.acts.items()}
        )


@pytest.fixture
def staged(nursery: Nursery, template: Home, tmp_path: Path) -> Iterator[Callable[[str], Stage]]:
    """Notebooks with the person, who has two addresses, and a neighbour; the first notebook alone knows both."""
    with ExitStack() as stack:

        def stage(right: str) -> Stage:
            books: dict[str, NotebookService] = {}
            instances = {}
            for number in range(NOTEBOOKS[right]):
                book = books[f"notes_{number}"] = NotebookService()
                book.people["p1"] = Entry(
                    SECOND if number == 1 else FIRST, () if number else (SECOND,), {}, {"n1": list(LINES)}
                )
                book.people["p2"] = Entry(NEIGHBOUR, (), {}, {"n2": ["A line of somebody else"]})
                url = stack.enter_context(book.serve()).url
                instances[f"notes_{number}"] = {"connector": "notebook", "via": url}
            plugins = {"notebook": "tests.crash.notebook"}
            return Stage(right, Case.made(nursery, template, tmp_path, ASKED[right], instances, plugins=plugins), books)

        yield stage


@pytest.mark.parametrize("right", ASKED)
def test_every_point_is_among_those_tried(staged: Callable[[str], Stage], right: str) -> None:
    stage = staged(right)
    stage.case.finish()
    passed = len(stage.case.points())
    assert passed <= POINTS[right] <= passed + passed // 5, f"{right} passes {passed} points: say so in POINTS"
    check_end(stage)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("right", "strike"), EVERY)
def test_killed_at_any_point_it_settles(staged: Callable[[str], Stage], right: str, strike: int) -> None:
    stage = staged(right)
    lost = killed(stage, strike=strike)
    stage.case.finish()
    check_end(stage, lost)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(72))
def test_killed_again_while_it_recovers_it_settles(staged: Callable[[str], Stage], seed: int) -> None:
    chance = random.Random(seed)
    stage = staged(chance.choice(list(ASKED)))
    most = POINTS[stage.right]
    first = chance.randint(1, most)
    killed(stage, strike=first)
    lost = killed(stage, strike=chance.randint(1, most - first + 12))
    stage.case.finish()
    check_end(stage, lost)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(36))
def test_killed_at_any_time_with_all_its_threads_it_settles(staged: Callable[[str], Stage], seed: int) -> None:
    stage = staged(list(ASKED)[seed % len(ASKED)])
    pid = stage.case.start(real=True)
    time.sleep(random.Random(seed).uniform(0.05, 0.6))
    os.kill(
        pid, signal.SIGKILL
    )  # a child that has ended by itself is not reaped before `wait`: the id is still its own
    lost = check_death(stage, stage.case.nursery.wait(pid))
    stage.case.finish(real=True)
    check_end(stage, lost)


def killed(stage: Stage, *, strike: int) -> int:
    """Kill a process at that point, unless it is over before; returns how many answers have been lost until then."""
    return check_death(stage, stage.case.run(strike=strike))


def check_death(stage: Stage, status: int) -> int:
    """What must hold of what a dead process left behind; returns how many answers have been lost until then."""
    assert status in {-signal.SIGKILL, 0}, stage.case.said()
    assert not stage.case.exposed()
    journal = stage.case.journal()
    if journal is None:
        assert not stage.acts()
        return 0
    check_chain(journal)
    return sum(stage.acts().values()) - len(journal.done()) + journal.lost()


def check_end(stage: Stage, lost: int = 0) -> None:
    """What must hold at the end, whatever happened before."""
    journal = stage.case.journal()
    assert journal is not None
    check_settled(journal)
    assert not stage.case.exposed()
    acts = stage.acts()
    assert set(acts.values()) <= {1}, f"done more than once: {acts - Counter(set(acts))}"
    assert len(journal.done()) == len(acts)
    assert journal.lost() == lost
    assert "absent" not in {e.get("outcome") for e in journal.of("step.outcome")}
    assert {t["outcome"] for t in journal.view["tracks"]} <= {"done", "partial"}
    for book in stage.notebooks.values():
        check_book(stage.right, book)
    if "access" in stage.right:
        check_copies(stage, journal)


def check_book(right: str, book: NotebookService) -> None:
    """What was asked for was done to the person, and nothing to the neighbour."""
    assert book.people["p2"] == Entry(NEIGHBOUR, (), {}, {"n2": ["A line of somebody else"]})
    person = book.people.get("p1")
    assert (person is None) == ("erasure" in right)
    if person is not None:
        assert person.notes == {"n1": LINES}
        assert person.fields == dict(ASKED[right].changes)
    if right == "objection":
        # While the hub was down its patience with the search ran out: it may have objected for the bare address before.
        assert {"note n1", "person p1"} <= set(book.objections) <= {"note n1", "person p1", FIRST}


def check_copies(stage: Stage, journal: Journal) -> None:
    """Every copy that was handed over is whole: each line of each notebook stands in it once."""
    assert journal.request.delivered is not None
    copies = list(stage.case.out.glob("*.zip"))
    assert copies
    for copy in copies:
        with pyzipper.AESZipFile(copy) as package:
            package.setpassword(PASSPHRASE.encode())
            tables = [name for name in package.namelist() if name.endswith(".jsonl")]
            rows = [json.loads(row) for name in tables for row in package.read(name).splitlines()]
            scans = [package.read(name) for name in package.namelist() if name.endswith(".txt")]
        lines = Counter(row["data"]["text"] for row in rows if "text" in row["data"])
        assert lines == Counter(LINES * len(stage.notebooks))
        assert scans.count("\n".join(LINES).encode()) == len(stage.notebooks)
