"""Replays a cassette, strictly: what was recorded is called again, all of it, in its order, and nothing else is.

Calls that only read may change places with each other: an answer does not depend on their order. An act (anything but
GET, HEAD and OPTIONS) keeps its place among all others. What does not fit fails at once, before anything could reach a
network, and fails the test even where a connector or its SDK swallows the error.

What a connector draws itself (an idempotency key, an id that cannot exist) is another one each time. Where the
recording has a value that no answer before had given, a drawn one may stand for it, and then stands for it throughout.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import urlsplit

from vcr.cassette import Cassette
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.record_mode import RecordMode
from vcr.request import Request

from hub.testing.cassettes.exchanges import canonical, rewritten
from hub.testing.cassettes.filing import Recording
from hub.testing.cassettes.personal import TOKEN, looks_drawn
from hub.testing.cassettes.places import Place
from hub.testing.cassettes.problems import CassetteError

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_ROUTE_WORD = re.compile(r"[a-z][a-z_.-]{0,40}|v?\d{1,2}(\.\d{1,2}){0,2}", re.IGNORECASE)
_SHOWN = 5  # calls that a message lists
_DECIDE = "Where the connector is right, record the cassette again: `pytest --record FILE::TEST`."

_Form = tuple[str, str, bytes]


class Tape(Cassette):  # type: ignore[misc]  # vcrpy has no types
    """A recording being replayed, in place of every connection.

    Attributes:
        broken: why it cannot go on; None while it can.
    """

    def __init__(self, recording: Recording, **options: Any) -> None:
        super().__init__(**options)
        self.broken: CassetteError | None = None
        self._asked = recording.requests
        self._answers = recording.answers
        self._forms = [_form(request) for request in recording.requests]
        self._played: set[int] = set()
        self._own = set(_drawn_by_connector(recording))
        self._bound: dict[str, str] = {}  # what this run drew → what the recorded one did
        self._words = {word for request in recording.requests for word in urlsplit(request.uri).path.split("/")}
        self._turn = threading.Lock()

    def can_play_response_for(self, request: Request) -> bool:  # noqa: ARG002  # vcrpy's signature
        """Always: where there is no answer, `play_response` says why. vcrpy would quote the request."""
        return True

    def play_response(self, request: Request) -> dict[str, Any]:
        """The recorded answer. Raises `CassetteError` where the request is not the one whose turn it is."""
        with self._turn:
            asked = _replacing(canonical(request), self._bound)
            form = _form(asked)
            waiting = [i for i in range(len(self._forms)) if i not in self._played]
            place = next((i for i in waiting if self._forms[i] == form), None)
            if place is None:
                place = next((i for i in waiting if self._stands_for(asked, i)), None)
            if place is None:
                self._break(f"{self._shown(asked)} {self._unrecorded(asked, form)}", waiting)
            before = [i for i in waiting if i < place]
            if before and any(self._asked[i].method not in _READS for i in (*before, place)):
                self._break(f"{self._shown(asked)} was called out of its turn", waiting)
            self._played.add(place)
        answer = self._answers[place]
        for drawn, recorded in self._bound.items():
            answer = replace(answer, body=answer.body.replace(recorded, drawn))
        return answer.as_vcr(answer.encoded())

    def finish(self) -> None:
        """Raises `CassetteError` when recorded calls were not made."""
        left = Counter(self._shown(request) for i, request in enumerate(self._asked) if i not in self._played)
        if left:
            listed = [f"{call} ({count} times)" if count > 1 else call for call, count in left.items()]
            more = f" and {len(listed) - _SHOWN} others" if len(listed) > _SHOWN else ""
            raise CassetteError(
                f"{self._path}: {left.total()} recorded calls were not made: {', '.join(listed[:_SHOWN])}{more}",
                hint=_DECIDE,
            )

    def _stands_for(self, asked: Request, place: int) -> bool:
        """Whether the request is the recorded one but for what each run draws; notes which stands for which."""
        known = self._asked[place]
        mine, theirs = _tokens(asked), _tokens(known)
        drawn = [token for token in mine if token not in theirs and looks_drawn(token)]
        free = self._own - set(self._bound.values())
        theirs = [token for token in theirs if token not in mine and token in free]
        if not drawn or len(drawn) != len(theirs) or asked.method != known.method:
            return False
        pairs = dict(zip(drawn, theirs, strict=True))
        if _form(_replacing(asked, pairs)) != self._forms[place]:
            return False
        self._bound |= pairs
        return True

    def _break(self, why: str, waiting: list[int]) -> NoReturn:
        following = f"; the next recorded call is {self._shown(self._asked[waiting[0]])}" if waiting else ""
        error = CassetteError(f"{self._path}: {why}{following}", hint=_DECIDE)
        self.broken = self.broken or error
        raise error

    def _unrecorded(self, request: Request, form: _Form) -> str:
        """How the request differs from what was recorded; names of recorded fields, never values."""
        if form in self._forms:
            return f"was called more often than recorded (recorded: {self._forms.count(form)})"
        left = (known for i, known in enumerate(self._asked) if i not in self._played)
        alike = [known for known in left if self._shown(known) == self._shown(request)]
        if not alike:
            return "was not recorded"
        texts = _texts(request)
        nearest = min((_texts(known) for known in alike), key=lambda known: len(_unequal(texts, known)))
        named = sorted({field for field, _ in _unequal(texts, nearest)} & {field for field, _ in nearest})
        return f"was called otherwise than recorded; look at its {', '.join(named) or 'body'}"

    def _shown(self, request: Request) -> str:
        """Method and path, of which only what is a word of the recorded paths is shown."""
        segments = urlsplit(request.uri).path.split("/")
        shown = [
            word if word in self._words and _ROUTE_WORD.fullmatch(word) else "{…}" if word else "" for word in segments
        ]
        return f"{request.method} {'/'.join(shown)}"


class _Persister:
    """vcrpy's way to a file, of which nothing is wanted: what is recorded stays in memory until it is scrubbed."""

    @staticmethod
    def load_cassette(*_: Any, **__: Any) -> NoReturn:
        raise CassetteNotFoundError

    @staticmethod
    def save_cassette(*_: Any, **__: Any) -> None:
        """Nothing."""


@contextmanager
def recording(name: str) -> Iterator[Cassette]:
    """Within it every exchange is recorded; `requests` and `responses` of what it yields are as they were."""
    with Cassette.use(path=name, persister=_Persister, record_mode=RecordMode.ALL) as blank:
        yield blank


@contextmanager
def replaying(name: str, recorded: Recording) -> Iterator[None]:
    """Within it nothing reaches a network. Raises `CassetteError` at the end, unless all went as recorded."""
    with Tape.use(recording=recorded, path=name, persister=_Persister, record_mode=RecordMode.NONE) as tape:
        try:
            yield
        except BaseException:
            if tape.broken is None:
                raise
    if tape.broken:
        # Anew and without its cause: on its way through a connector it may have been wrapped, and quoted.
        raise CassetteError(tape.broken.message, hint=tape.broken.hint) from None
    tape.finish()


def _form(request: Request) -> _Form:
    """What makes a canonical request the same as another."""
    return request.method, request.uri, request.body or b""


def _texts(request: Request) -> Counter[tuple[str, str]]:
    """Its texts, each with its field."""
    found: Counter[tuple[str, str]] = Counter()

    def noted(text: str, place: Place) -> str:
        found[place.field or "path", text] += 1
        return text

    rewritten(request, noted)
    return found


def _tokens(request: Request) -> list[str]:
    """The words in it that could be keys or ids, in order."""
    found: list[str] = []

    def noted(text: str, _: Place) -> str:
        found.extend(TOKEN.findall(text))
        return text

    rewritten(request, noted)
    return list(dict.fromkeys(found))


def _replacing(request: Request, pairs: Mapping[str, str]) -> Request:
    if not pairs:
        return request
    return rewritten(request, lambda text, _: TOKEN.sub(lambda token: pairs.get(token[0], token[0]), text))


def _drawn_by_connector(recording: Recording) -> Iterator[str]:
    """Tokens of requests that no answer before had given."""
    told = "".join(identifier["value"] for identifier in recording.about.subject)
    for request, answer in zip(recording.requests, recording.answers, strict=True):
        yield from (token for token in _tokens(request) if token not in told)
        told += answer.body + "".join(answer.headers.values())


def _unequal(one: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    return (one - other) + (other - one)
