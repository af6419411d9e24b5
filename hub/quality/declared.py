"""Reads quality.yaml: what a connector says of itself.

::

    owner: Ada Marsh <ada@example.com>      # for named-owner
    verified: 2026-03-02                    # for verified-within-a-year
    rules:
      rectify: done
      cassettes: todo
      webhooks: {status: exempt, comment: The service sends none.}

Every rule stands in it once. `done` and `todo` may have a comment too; `exempt` must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from hub.quality.parsing import Unreadable, parse
from hub.quality.rules import RULES

_KEYS = ("owner", "verified", "rules")
_INDEX = "docs/quality/index.md"


class State(StrEnum):
    """What quality.yaml says of a rule."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file."""

    state: State
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a quality.yaml, or contradicts it.

    Args:
        rule: which rule it is about; empty for the file as a whole.
        message: what is wrong, for people.
        hint: what to do next.
        page: where the rule, or the file, is explained.
    """

    rule: str
    message: str
    hint: str
    page: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A file that was read.

    Args:
        entries: rule → what it says; rules with a fault are left out.
        owner, verified: who answers for the connector, and when it last ran against the service; empty if not said.
        faults: what is wrong with the file itself.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    owner: str = ""
    verified: date | None = None
    faults: tuple[Fault, ...] = ()


def read(path: Path) -> Declared:
    """Read a quality.yaml. Never raises for what stands in it, or for its absence: that is a fault of the file."""
    try:
        document = parse(path)
    except Unreadable as error:
        return Declared(faults=(_of_file(error.message, error.hint),))
    faults = list(_outline(document))
    rules = document.get("rules")
    entries, wrong = _entries(rules if isinstance(rules, dict) else {})
    owner, verified = document.get("owner"), document.get("verified")
    return Declared(
        entries,
        owner.strip() if isinstance(owner, str) else "",
        verified if type(verified) is date else None,
        (*faults, *wrong),
    )


def _outline(document: dict[Any, Any]) -> Iterator[Fault]:
    """What is wrong above the rules."""
    for key in document:
        if key not in _KEYS:
            yield _of_file(f"There is no key {key!s:.60}", f"The keys are {', '.join(_KEYS)}.")
    if not isinstance(document.get("rules"), dict):
        yield _of_file("`rules` does not map rules to what is said of them", "Write `rules:`, and a line for each.")
    if not isinstance(document.get("owner", ""), str):
        yield _of_file("`owner` is no text", 'Write `owner: "Name <address>"`.')
    if "verified" in document and type(document["verified"]) is not date:
        yield _of_file("`verified` is no date", "Write the day as `verified: 2026-03-02`.")


def _entries(rules: dict[Any, Any]) -> tuple[dict[str, Entry], list[Fault]]:
    entries: dict[str, Entry] = {}
    faults: list[Fault] = []
    for name in rules:
        if name not in RULES:
            near = get_close_matches(str(name), RULES, n=1)
            guess = f"Did you mean {near[0]}?" if near else "Take it out."
            faults.append(_of_file(f"There is no rule {name!s:.60}", f"{guess} {_INDEX} lists them."))
    for name, rule in RULES.items():
        try:
            entries[name] = _entry(rules[name])
        except KeyError:
            faults.append(Fault(name, "The rule is missing", "Add it: done, todo, or exempt and why.", rule.page))
        except ValueError as error:
            faults.append(Fault(name, str(error), "Write done, todo, or {status: exempt, comment: why}.", rule.page))
    return entries, faults


def _entry(said: object) -> Entry:
    """Raises `ValueError` with what is wrong, for people."""
    if isinstance(said, str):
        said = {"status": said}
    if not isinstance(said, dict) or not {"status"} <= said.keys() <= {"status", "comment"}:
        raise ValueError("It is neither a word nor `status` with `comment`")
    comment = said.get("comment", "")
    if not isinstance(comment, str) or said["status"] not in list(State):
        raise ValueError("`status` is not done, todo or exempt, or `comment` is no text")
    entry = Entry(State(said["status"]), " ".join(comment.split()))
    if entry.state is State.EXEMPT and not entry.comment:
        raise ValueError("The exemption has no reason")
    return entry


def _of_file(message: str, hint: str) -> Fault:
    return Fault("", message, hint, _INDEX)
