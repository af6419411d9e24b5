"""The shape of a cassette: what was called and what the answers are made of, without any value.

Two recordings of the same calls have the same shape, although no stand-in in them is the same. A test that records anew
and compares shapes sees when a cassette no longer shows what the service, or its sandbox, answers today.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hub.testing.cassettes.filing import read

_VALUE = re.compile(r"[^/]*(\d{3,}|%|@|[0-9a-f]{8,})[^/]*")
_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def shape(path: Path) -> list[dict[str, Any]]:
    """One object for each exchange, in order: `call`, `query`, `asked`, `status`, `answered`.

    `call` is method and path, values left out of it; `query` the names in it; `asked` and `answered` are the bodies'
    fields with the types of their values. Raises `CassetteError`.
    """
    recording = read(path)
    found: list[dict[str, Any]] = []
    for request, answer in zip(recording.requests, recording.answers, strict=True):
        parts = urlsplit(request.uri)
        found.append(
            {
                "call": f"{request.method} {_VALUE.sub('{…}', parts.path)}",
                "query": sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}),
                "asked": _structure((request.body or b"").decode()),
                "status": answer.status,
                "answered": _structure(answer.body),
            }
        )
    return found


def _structure(body: str) -> Any:
    try:
        return _types(json.loads(body))
    except ValueError:
        return sorted(set(_ELEMENT.findall(body))) or bool(body)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {"{…}" if re.search(r"\d{3}", name) else name: _types(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        kinds = [_types(inner) for inner in value]
        return [kind for place, kind in enumerate(kinds) if kind not in kinds[:place]]
    return type(value).__name__
