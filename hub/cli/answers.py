"""What became of a request, in words a data protection officer uses: one line per kind of answer and service.

Only what was deleted and read back as gone is called *erased*; every other answer keeps its own name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = Mapping[str, Any]

OPEN = frozenset({"ready", "sent", "resume", "confirm", "person"})
GOOD, KEPT, WAITS, BAD, PLAIN = "✓", "§", "…", "✗", "·"
"""What a line means at a glance: done, kept or not possible, waiting, failed, nothing to do."""

_DONE = {  # (operation's method, confirmation) → how it is called; a method alone where the read-back adds nothing
    ("deleted", "gone"): (GOOD, "erased, read back as gone"),
    ("redacted", "masked"): (GOOD, "masked, read back as masked"),
    ("anonymised", "masked"): (GOOD, "anonymised, read back as masked"),
    ("suppressed", "as_asked"): (GOOD, "stopped, read back"),
    ("corrected", "as_asked"): (GOOD, "corrected, read back"),
    ("lifted", "as_asked"): (GOOD, "in use again, read back"),
    ("exported", None): (GOOD, "copied"),
}
_METHODS = {
    "deleted": "deleted, says the service",
    "redacted": "masked, says the service",
    "anonymised": "anonymised, says the service",
    "suppressed": "stopped, says the service",
    "corrected": "corrected, says the service",
    "lifted": "in use again, says the service",
    "exported": "copied",
}
_RESULTS = {  # how a person's work ended, or that it was called off
    "done": "done by hand",
    "nothing_held": "nothing was held, as found by hand",
    "not_possible": "not possible, as found by hand",
    **dict.fromkeys(("undone", "withdrawn", "cancelled"), "was not asked for any more"),
}
_NOTHING_DONE = frozenset({"absent", "unsupported", "refused", "retained", "manual"})
_REASONS = {
    "review": "found; nothing is changed before it is approved",
    "approved": "approved; carried out as soon as an engine runs (hub serve)",
    "decision": "it must be decided whose the uncertain holdings are",
    "barrier": "searched; the other services are still being searched",
    "delivery": "nothing is erased before the copy was handed over",
    "grace": "approved; nothing irreversible happens before the time to undo it has passed",
    "order": "another holding must be gone first",
    "erase_after": "another service's erasure comes first",
    "refused": "business with the person is open; it is asked again",
    "pending": "the service has accepted it and works on it",
    "contained": "contained; it will be purged when due",
    "not_yet": "the service takes longer to show it",
    "transient": "the service cannot be reached; it is tried again",
    "rate_limited": "the service asked to come back later",
    "outcome_unknown": "no usable answer came; what happened is read back first",
    "instance_paused": "the instance is paused",
    "instance_auth": "the service does not accept the credentials, or they lack a permission",
    "instance_config": "the instance's settings do not fit the account at the service",
}


class Line(NamedTuple):
    """One answer: a mark, and what it says."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called: systems by name, and for each connector its kinds of holdings."""

    labels: Mapping[str, str]
    kinds: Mapping[str, Mapping[str, str]]

    def kind(self, connector: str, kind: str) -> str:
        """`contact in an audience` for `member`."""
        return self.kinds.get(connector, {}).get(kind, kind)


def of_track(track: Json, words: Words) -> list[Line]:
    """Everything there is to say about one service."""
    lines = [*_answers(track, words), *_left_alone(track), *_uncertain(track)]
    if track["outcome"] == "nothing_held" and not lines:
        lines.append(Line(PLAIN, f"nothing held{_coverage(track)}"))
    elif track["outcome"] == "not_searchable":
        lines.append(Line(KEPT, "not searchable by what is known of the person, so nobody can say what it holds"))
    elif track["outcome"] == "failed" and all(line.mark != BAD for line in lines):
        lines.append(Line(BAD, f"the search failed ({track['reason']}); see the task"))
    elif track["outcome"] == "cancelled":
        lines.append(Line(PLAIN, "cancelled before it was searched"))
    elif track["holdings"] and not {"exact", "scan"} & set(track["coverage"].values()):
        lines.append(Line(KEPT, "searched through an index alone, which may miss some: it may hold more than this"))
    if track["outcome"] == "waiting":
        lines.append(Line(WAITS, "; ".join(filter(None, [_concerned(track, words), waiting(track)]))))
    return lines


def found(track: Json, words: Words) -> str:
    """What was found at a service, counted: `2 x contact in an audience, order in a connected shop`."""
    return _counted(Counter(words.kind(track["connector"], held["kind"]) for held in track["holdings"]))


def _concerned(track: Json, words: Words) -> str:
    """What a service waits with: what is uncertain while that is to be decided, and what is certain otherwise."""
    undecided = track["reason"] == "decision"
    return found({**track, "holdings": [h for h in track["holdings"] if h["needs_decision"] == undecided]}, words)


def waiting(track: Json) -> str:
    """Why a service is not done, and until when."""
    reason = track["reason"] or ""
    why = _REASONS.get(reason, f"waits ({reason})" if reason else "under way")
    until = f"; next {clock_time(track['next'])}" if track["next"] and reason in _TIMED else ""
    return f"{why}{until}"


_TIMED = frozenset({"grace", "refused", "pending", "contained", "not_yet", "transient", "rate_limited"})


def clock_time(instant: str) -> str:
    """`2026-03-02T09:30:00.000Z` as people read it."""
    return f"{instant[:10]} {instant[11:16]} UTC"


def by_hand(result: str) -> str:
    """How a person's work ended."""
    return _RESULTS.get(result, result)


def _answers(track: Json, words: Words) -> Iterator[Line]:
    """One line for each answer, with what got it, counted, most telling first."""
    groups: dict[Line, Counter[str]] = defaultdict(Counter)
    dates: dict[Line, list[str]] = defaultdict(list)
    for kind, step in _closed(track):
        for line, until in _said(step):
            groups[line][words.kind(track["connector"], kind) if kind else "the person"] += 1
            dates[line] += [until] if until else []
    for line in sorted(groups, key=lambda line: (GOOD + KEPT + PLAIN + WAITS + BAD).index(line.mark)):
        yield Line(line.mark, line.text.format(what=_counted(groups[line]), until=_span(dates[line])))


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} x {kind}" if count > 1 else kind for kind, count in kinds.items())


def _closed(track: Json) -> Iterator[tuple[str, Json]]:
    """Kind of holding and step of everything that has an answer, without precautions that an erasure overtook.

    Nor those that came to nothing: nobody asked for them, and the erasure has an answer of its own.
    """
    for held in track["holdings"]:
        gone = any(s["operation"] == "erase" and s.get("outcome") in {"done", "absent"} for s in held["steps"])
        erasing = any(s["operation"] == "erase" for s in held["steps"])
        for step in held["steps"]:
            overtaken = gone and step["operation"] == "suppress"
            idle = erasing and step["precaution"] and step["state"] == "closed" and step.get("outcome") in _NOTHING_DONE
            if "outcome" in step and not overtaken and not idle:
                yield held["kind"], {**step, "left": []} if erasing and step["precaution"] else step
    yield from (("", step) for step in track["steps"] if "outcome" in step)


def _said(step: Json) -> Iterator[tuple[Line, str]]:
    """The answers of one step, each with the day it ends where it has one; `{what}` and `{until}` are filled in."""
    outcome = step["outcome"]
    if outcome in {"done", "partial", "contained"} and step["state"] == "confirm":
        yield Line(WAITS, "{what}: answered by the service; the read-back is still to come"), ""
    elif outcome != "refused" and step["state"] in {"ready", "sent"}:
        yield Line(WAITS, "{what}: not as asked when it was read back; it is tried again"), ""
    elif outcome in {"done", "partial"}:
        yield _done(step), ""
        for part in step.get("left", ()):  # what a partial answer left has an answer of its own
            yield from _said({"state": "closed", "reason": part.get("reason"), "operation": step["operation"]} | part)
    else:
        yield _not_done(step), str(step.get("until") or "")[:10]


def _not_done(step: Json) -> Line:  # noqa: PLR0911  # one branch per outcome
    """What a step says that ended otherwise than by doing it."""
    is_open = step["state"] in OPEN
    match step["outcome"]:
        case "absent":
            return Line(GOOD, "{what}: was gone already")
        case "retained":
            return Line(KEPT, f"{{what}}: kept {{until}}: {_literal(step['ground'])}")
        case "contained":
            return Line(WAITS, "{what}: contained, to be purged {until}")
        case "unsupported":
            return Line(KEPT, f"{{what}}: not possible here. {_literal(step['explanation'])}")
        case "refused":
            later = "it is asked again" if is_open else "an obligation remains"
            why = _literal(step.get("explanation") or "Business with the person is open.")
            return Line(WAITS if is_open else KEPT, f"{{what}}: refused for now, {later}. {why}")
        case "manual" if is_open:
            return Line(WAITS, "{what}: a person must do it there; see the task")
        case "manual":
            return Line(PLAIN, f"{{what}}: {by_hand(step['reason'])}")
        case "pending":
            return Line(WAITS, "{what}: accepted by the service, not done yet")
        case "failed":
            return Line(BAD, f"{{what}}: {step['operation']} failed ({step['reason']}); see the task")
        case told:  # withdrawn, cancelled: words that say it
            return Line(PLAIN, f"{{what}}: {told}")


def _done(step: Json) -> Line:
    method, confirmation = step["method"], step["confirmation"]
    lost = " (its first answer was lost)" if step["reason"] == "answer_lost" else ""
    if (method, confirmation) in _DONE:
        mark, words = _DONE[method, confirmation]
        return Line(mark, f"{{what}}: {words}{lost}")
    said = {None: "", "unverifiable": "; it cannot be read back there"}.get(
        confirmation, f"; read back: {confirmation}"
    )
    return Line(KEPT if said else GOOD, f"{{what}}: {_METHODS[method]}{said}{lost}")


def _left_alone(track: Json) -> Iterator[Line]:
    count = sum(held["decision"] == "not_hers" for held in track["holdings"])
    if count:
        yield Line(PLAIN, f"{count} left alone: decided to be somebody else's")


def _uncertain(track: Json) -> Iterator[Line]:
    count = sum(held["needs_decision"] for held in track["holdings"])
    if count and not (track["outcome"] == "waiting" and track["reason"] == "decision"):  # which says it by itself
        yield Line(WAITS, f"{count} uncertain, and untouched until somebody decides whose they are")


def _coverage(track: Json) -> str:
    """By what the service was searched so that nothing held can be said."""
    by = [label for label, how in track["coverage"].items() if how in {"exact", "scan"}]
    return f" (searched by {', '.join(by)})" if by else ""


def _span(days: Sequence[str]) -> str:
    """`until 2032-10-24`, or from the first to the last."""
    if not days:
        return "with no end named"
    first, last = min(days), max(days)
    return f"until {first}" if first == last else f"until {first} … {last}"


def _literal(text: str) -> str:
    """A connector's text, safe from the filling in of braces."""
    return text.replace("{", "{{").replace("}", "}}")
