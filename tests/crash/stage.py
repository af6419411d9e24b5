"""A person with two addresses in notebooks that outlive the hub's processes, and what must hold for them at the end."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@contextmanager
def staged_on(nursery: Nursery, template: Home, folder: Path, right: str, policy: str = "") -> Iterator[Stage]:
    """Notebooks with the person and a neighbour; the first notebook alone knows both addresses."""
    with ExitStack() as stack:
        books: dict[str, NotebookService] = {}
        instances = {}
        for number in range(NOTEBOOKS[right]):
            book = books[f"notes_{number}"] = NotebookService()
            known, also = (SECOND if number == 1 else FIRST), (() if number else (SECOND,))
            book.people["p1"] = Entry(known, also, {}, {"n1": list(LINES)})
            book.people["p2"] = Entry(NEIGHBOUR, (), {}, {"n2": ["A line of somebody else"]})
            url = stack.enter_context(book.serve()).url
            instances[f"notes_{number}"] = {"connector": "notebook", "via": url}
        plugins = {"notebook": "tests.crash.notebook"}
        case = Case.made(nursery, template, folder, ASKED[right], instances, plugins=plugins, policy=policy)
        yield Stage(right, case, books)


def check_death(stage: Stage, status: int) -> int:
    """What must hold of what a dead process left behind; returns how many answers have been lost until then."""
    assert status in {-signal.SIGKILL, 0}, stage.case.said()
    assert stage.case.exposed() == []
    journal = stage.case.journal()
    if journal is None:
        assert not stage.acts()
        return 0
    check_chain(journal)
    return sum(stage.acts().values()) - len(journal.done()) + journal.lost()


def check_end(stage: Stage, lost: int | None = 0) -> None:
    """What must hold at the end, whatever happened before; `lost`: how many answers were, where that is known."""
    journal = stage.case.journal()
    assert journal is not None
    check_settled(journal)
    assert stage.case.exposed() == []
    acts = stage.acts()
    assert set(acts.values()) <= {1}, f"done more than once: {acts - Counter(set(acts))}"
    assert len(journal.done()) == len(acts)
    assert lost is None or journal.lost() == lost
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
