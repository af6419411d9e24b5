"""What came of an operation: as JSON for `--json`, in lines for a terminal. Personal data only where it is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from hub import trace
from hub.coordinator import codec
from hub.coordinator.finding import Found
from hub.development.calls import Came, Scanned, line_of
from hub.development.copying import MOST, Copy
from hub.development.mishaps import DOES, Mishap
from hub.development.session import Run, Seen
from hub.outcome import (
    Absent,
    AsAsked,
    Contained,
    Differs,
    Done,
    Gone,
    Manual,
    Masked,
    NotYet,
    Partial,
    Pending,
    Refused,
    Retained,
    Unsupported,
    Unverifiable,
)
from hub.processor import Account
from hub.timepiece import rfc3339

Json = dict[str, Any]

_NEXT: Mapping[type, str] = {
    Done: "reads it back before it calls it done",
    Absent: "reads it back; an absence never satisfies a correction",
    Partial: "reads back what was done, and treats what was left by its own answer",
    Contained: "goes on with resume when the purge is due",
    Retained: "names ground and date in answer and proof, and makes an obligation due then",
    Pending: "goes on with resume at the time named",
    Refused: "asks again, every day unless configured otherwise, and makes an obligation in the end",
    Manual: "opens a task for a person, with these instructions",
    Unsupported: "says why in plan and proof",
    AsAsked: "takes this as the proof",
    Gone: "takes this as the proof",
    Masked: "takes this as the proof, and calls it masked, not erased",
    Differs: "acts again, and gives it to a person where that does not help",
    NotYet: "reads it back again then",
    Unverifiable: "says that the service's word alone stands for it",
}
"""What the hub does after an answer."""
_MARKS: Mapping[type, str] = {
    **dict.fromkeys((Partial, Retained, Unsupported, Unverifiable), "§"),
    **dict.fromkeys((Contained, Pending, Refused, Manual, NotYet), "…"),
    Differs: "✗",
}
_FAULT_OF = {"hub": "the connector's, or the hub's own", "config": "the settings'", "vendor": "the service's"}


def as_json(run: Run, *, reveal: bool) -> Json:
    """The run as `docs/schemas/cli.json` describes it."""
    return {
        "operation": run.operation,
        "holding": run.holding,
        "waited": run.waited.total_seconds(),
        "exchanges": [_exchange(seen) for seen in run.seen],
        "answer": None if run.came is None else _answer(run.came, reveal=reveal),
        "error": None if run.mishap is None else _error(run.mishap),
        "effect": run.effect,
    }


def in_lines(run: Run, kinds: Mapping[str, str], *, reveal: bool) -> Iterator[str]:
    """What came of it, after a mark that tells at a glance; `kinds` are the connector's words for kinds of holdings."""
    if run.mishap is not None:
        first, *more = _mishap(run.mishap)
        yield f"✗ {first}"
        yield from more
    elif run.came is not None:
        first, *more = _came(run.came, kinds, reveal=reveal)
        yield f"{_MARKS.get(type(run.came), '✓')} {first}"
        yield from more
        after = _NEXT.get(type(run.came))
        if after:
            yield f"The hub {after}."
    if run.effect is not None:
        yield f"At the stand-in: {_effects(run.effect)}"


def _exchange(seen: Seen) -> Json:
    passage, exchange = seen.passage, seen.passage.exchange
    return {
        "method": exchange.method,
        "url_template": trace.template_shown(exchange.url_template),
        "status": exchange.status,
        "ms": exchange.ms,
        "sent": passage.sent,
        "received": passage.received,
        "whole": passage.whole,
        "timed_out": passage.late,
        "via": exchange.via,
        "request_id": trace.request_id(exchange),
        "error": seen.error,
    }


def _answer(came: Came, *, reveal: bool) -> Json:  # noqa: PLR0911  # one kind of answer each
    match came:
        case Account():
            named = {"id": came.id, "label": came.label, "region": came.region, "sandbox": came.sandbox}
            return {"account": named | {"permissions": list(came.permissions), "missing": list(came.missing)}}
        case Found():
            return _found(came, reveal=reveal)
        case Scanned():
            return {"listed": dict(came.kinds), "whole": came.whole}
        case Copy():
            kept = [{"kind": kind, "data": dict(data)} for kind, data in came.kept] if reveal else None
            counted = {"records": dict(came.records), "files": dict(came.files), "bytes": came.size}
            return counted | {"cursors": came.cursors, "shown": kept}
        case NotYet():
            return {"confirmation": codec.code(came), "check_after": rfc3339(came.check_after)}
        case Differs():
            return {"confirmation": codec.code(came), "fields": list(came.fields)}
        case Unverifiable():
            return {"confirmation": codec.code(came), "reason": came.reason}
        case AsAsked() | Gone() | Masked():
            return {"confirmation": codec.code(came)}
        case _:
            return codec.encode(came)


def _found(found: Found, *, reveal: bool) -> Json:
    holdings = [
        {
            "holding": number,
            "kind": holding.kind,
            "match": holding.match.value,
            "reach": holding.reach.value,
            "role": holding.role.value,
            "categories": list(holding.categories),
            "hints": dict(holding.hints) if reveal else None,
        }
        for number, holding in enumerate(found.holdings, 1)
    ]
    learned = [{"label": one.label, "value": one.value if reveal else None} for one in found.learned]
    covered = {label: how.value for label, how in found.coverage.searched.items()} if found.coverage else {}
    return {"holdings": holdings, "learned": learned, "coverage": covered}


def _error(mishap: Mishap) -> Json:
    return {
        "class": mishap.kind,
        "error": mishap.code,
        "message": mishap.message,
        "hint": mishap.hint,
        "action": mishap.action.value,
        "blame": mishap.blame,
        "retry_after": mishap.retry_after,
        "places": list(mishap.places),
        "text": mishap.said,
    }


def _mishap(mishap: Mishap) -> Iterator[str]:
    yield f"{mishap.kind} ({mishap.code}): {mishap.message}"
    if mishap.hint:
        yield f"→ {mishap.hint}"
    yield from (f"  {place}" for place in mishap.places)
    if mishap.said:
        yield from map(_printable, mishap.said.splitlines())
    after = f", after {mishap.retry_after:g} s" if mishap.retry_after is not None else ""
    yield f"The hub {DOES[mishap.action]}{after}. Whose fault: {_FAULT_OF[mishap.blame]}."


def _came(came: Came, kinds: Mapping[str, str], *, reveal: bool) -> Iterator[str]:
    match came:
        case Account():
            where = ", ".join(filter(None, [came.id, came.region, "a test account" if came.sandbox else ""]))
            yield f"Account: {came.label} ({where}); may: {', '.join(came.permissions)}"
            yield from (f"lacks {missing}" for missing in came.missing)
        case Found():
            yield from _finds(came, kinds, reveal=reveal)
        case Scanned():
            yield f"Listed: {_counted(came.kinds)}" + ("" if came.whole else "; stopped there")
        case Copy():
            files = f", {came.size} B in files" if came.files else ""
            again = f"can go on after {came.cursors} of them" if came.cursors else "begins anew: none brings a cursor"
            yield f"Copied: {_counted(came.records + came.files)}{files}. Interrupted, it {again}."
            if reveal:
                texts = ((kind, json.dumps(dict(data), ensure_ascii=False)) for kind, data in came.kept)
                yield from (f"  {kind}: {_printable(text)}" for kind, text in texts)
                if came.records.total() > MOST:
                    yield f"  … of {came.records.total()} records the first {MOST}"
        case _:
            yield f"{type(came).__name__}{_facts(came)}"


def _finds(found: Found, kinds: Mapping[str, str], *, reveal: bool) -> Iterator[str]:
    yield f"Found: {len(found.holdings)} holding{'s' * (len(found.holdings) != 1)}"
    for number, holding in enumerate(found.holdings, 1):
        yield f"  {number}. {line_of(holding)}: {kinds[holding.kind]}; {', '.join(holding.categories)}"
        if reveal:
            yield from (f"       {_printable(label)}: {_printable(value)}" for label, value in holding.hints.items())
    if found.learned:
        shown = (_printable(one.value) if reveal else one.label for one in found.learned)
        yield f"Learned: {', '.join(shown)}"
    covered = found.coverage.searched if found.coverage else {}
    yield f"Covered: {', '.join(f'{label} ({how})' for label, how in covered.items()) or 'nothing'}"


def _facts(came: Came) -> str:
    """`: deleted, count 1`: an outcome's or confirmation's fields, without its name and without what is empty."""
    fields = {k: v for k, v in _answer(came, reveal=False).items() if k not in {"outcome", "confirmation", "left"}}
    told = [_fact(name, value) for name, value in fields.items() if value not in (None, "", [])]
    left = [f"left: {type(part).__name__}{_facts(part)}" for part in came.left] if isinstance(came, Partial) else []
    return f": {'; '.join([*told, *left])}" if told or left else ""


def _printable(text: str) -> str:
    """The text without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _fact(name: str, value: object) -> str:
    if isinstance(value, list):
        return f"{name} {', '.join(map(str, value))}"
    return str(value) if name in {"explanation", "what", "ground", "method"} else f"{name} {value}"


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"


def _effects(effect: Mapping[str, Mapping[str, int]]) -> str:
    parts = (f"{kind}: {', '.join(f'{n} {became}' for became, n in counts.items())}" for kind, counts in effect.items())
    return "; ".join(parts) or "no record changed"
