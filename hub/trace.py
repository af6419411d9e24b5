"""`HUB_TRACE=1`: what the hub asks of plugins and services, line by line on standard error, without personal data.

A line is made of what the source says (hooks, operations, classes, templates of addresses) and of numbers. What a call
passes, answers or quotes is never looked at. Of a template that a connector filled in itself, capitals, digits and
signs are not shown; a name written into it in small letters is (docs/cli.md).

Who starts a command says `tracing`; whoever makes something that outlives a call (a plugin's manager, a hub) asks on
that thread what it is to report to, and hands it on. Where nothing is traced, nothing is asked again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from hub.errors import HubError, UsageError, code, policy

if TYPE_CHECKING:
    import pluggy

    from hub.wire import Exchange, Passage, Watcher

VARIABLE = "HUB_TRACE"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_ROUTE_WORD = re.compile(r"[a-z._-]{1,24}|v[0-9]{1,2}|v?[0-9]{1,2}\.[0-9]{1,2}")  # `lists`, `access.htm`, `v1`, `3.0`
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]{0,30}\}")
_VALUE = re.compile(r"([0-9a-f]-?){16}|(\d[ .()-]?){7}", re.IGNORECASE)  # a hash, an id, a telephone number
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_TRACE_ID = re.compile(r"(?=[0-9-]*[a-f])[0-9a-f-]{16,64}", re.IGNORECASE)  # all digits could be a card's number
_COUNTED = (list, tuple, dict, set, frozenset)

T = TypeVar("T")
A = TypeVar("A")
Watch = Callable[[str, str, int], "tuple[Watcher, ...]"]
"""Instance, operation and attempt of a flight → who watches it."""


class Trace:
    """Writes the lines; safe to share between threads. A stream that takes no more costs lines, and never the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()

    def say(self, about: str, text: str) -> None:
        """One line: when, since the command began, about what, and what."""
        with suppress(OSError, ValueError):
            self._stream.write(f"trace {time.monotonic() - self._began:8.3f}s  {about:<5} {text}\n")

    def function(self, named: str, function: Callable[[T], A]) -> Callable[[T], A]:
        """The function, which reports every call of it; `named` says whose it is."""

        def reporting(argument: T) -> A:
            began, came = time.perf_counter(), "raised"
            try:
                answer = function(argument)
                came = _kind(answer)
            except BaseException as error:
                came = f"raised {_class(error)}"
                raise
            finally:
                self.say("hook", f"{named} → {came}, {(time.perf_counter() - began) * 1000:.1f} ms")
            return answer

        return reporting

    def flight(self, instance: str, operation: str, attempt: int) -> tuple[Watcher, ...]:
        """Who watches a flight that begins now."""
        return (_Flight(self, instance, operation, attempt),)

    def hooks(self, plugin: str, manager: pluggy.PluginManager) -> None:
        """Report every call of this plugin's hooks from now on."""
        began: dict[int, float] = {}  # by thread: observers are called on many at once

        def before(_name: str, _found: Sequence[object], _arguments: Mapping[str, object]) -> None:
            began[threading.get_ident()] = time.perf_counter()

        def after(outcome: Any, name: str, found: Sequence[object], _arguments: Mapping[str, object]) -> None:
            ms = (time.perf_counter() - began.pop(threading.get_ident())) * 1000
            if found:
                raised = outcome.exception
                came = f"raised {_class(raised)}" if raised is not None else _kinds(outcome.get_result())
                self.say("hook", f"{plugin} {name} → {came}, {ms:.1f} ms")

        manager.add_hookcall_monitoring(before, after)


class _Flight:
    """Watches one flight."""

    def __init__(self, trace: Trace, instance: str, operation: str, attempt: int) -> None:
        self._trace = trace
        self._instance = f"{instance}, attempt {attempt}"
        self._named = f"{self._instance}: {operation}"
        self._began = time.monotonic()
        trace.say("step", f"{self._named} begins")

    def exchanged(self, passage: Passage) -> None:
        via, name = passage.exchange.via, request_id(passage.exchange)
        more = (f", via {via}" if via else "") + (f", id {name}" if name else "")
        self._trace.say("wire", f"{self._instance}: {exchange_line(passage)}{more}")

    def failed(self, error: HubError) -> None:
        self._trace.say("wire", f"{self._instance}: → {_class(error)}")

    def landed(self, came: object) -> None:
        ms = round((time.monotonic() - self._began) * 1000)
        self._trace.say("step", f"{self._named} → {_came(came)}, {ms} ms")


def exchange_line(passage: Passage) -> str:
    """`GET /3.0/lists/{list_id} → 200 in 4 ms, sent 0 B, got 1204 B`."""
    exchange = passage.exchange
    method = exchange.method if _METHOD.fullmatch(exchange.method) else "?"
    answered = str(exchange.status) if exchange.status is not None else "no answer"
    broken = "" if passage.whole else ", timed out" if passage.late else ", broken off" if exchange.status else ""
    answer = f"{answered} in {exchange.ms} ms{broken}, sent {passage.sent} B, got {passage.received} B"
    return f"{method} {template_shown(exchange.url_template)} → {answer}"


def template_shown(template: str, personal: Iterable[str] = ()) -> str:
    """The template, with `(…)` for every part that is no plain word of a route, parameter or version.

    A connector may have written a value into it. Whether a word in small letters is one cannot be told from the word;
    one that stands in what is known of the person (`personal`) is not shown.
    """
    known = {word for value in personal for word in _words(value)}
    return "/".join(part if _plain(part) and known.isdisjoint(_words(part)) else "(…)" for part in template.split("/"))


def _plain(part: str) -> bool:
    """Whether a part of a template is made of parameters and of what a route is called, and of nothing else."""
    literals = (text.strip(":") for text in _PARAMETER.split(part))
    return not _VALUE.search(part) and all(_ROUTE_WORD.fullmatch(text) for text in literals if text)


def _words(text: str) -> set[str]:
    return set(_LETTERS.findall(text.casefold()))


def request_id(exchange: Exchange) -> str | None:
    """The service's own id of the exchange, where it looks like one."""
    name = exchange.vendor_request_id or ""
    return name if _TRACE_ID.fullmatch(name) else None


@contextmanager
def tracing(stream: TextIO) -> Iterator[None]:
    """What is made in this thread meanwhile reports to `stream`."""
    token = _trace.set(Trace(stream))
    try:
        yield
    finally:
        _trace.reset(token)


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for a trace. Raises `UsageError` for a value that is neither yes nor no."""
    value = environ.get(VARIABLE, "")
    if value not in {"", "0", "1"}:
        raise UsageError(f"{VARIABLE} is neither 1 nor 0", hint=f"Set it to 1 for a trace, or leave {VARIABLE} out.")
    return value == "1"


def watch() -> Watch:
    """Makes the watchers of flights: nobody, unless what this thread does is traced."""
    trace = _trace.get()
    return trace.flight if trace else _nobody


def hooks(plugin: str, manager: pluggy.PluginManager) -> None:
    """Report the calls of this plugin's hooks, if what this thread does is traced."""
    trace = _trace.get()
    if trace:
        trace.hooks(plugin, manager)


def functions(named: str, handed: Iterable[Callable[[T], A]]) -> tuple[Callable[[T], A], ...]:
    """The functions that a hook handed over, which report their calls if what this thread does is traced."""
    trace = _trace.get()
    return tuple(trace.function(named, function) for function in handed) if trace else tuple(handed)


_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


def _nobody(_instance: str, _operation: str, _attempt: int) -> tuple[Watcher, ...]:
    return ()


def _came(came: object) -> str:
    """How a flight ended: the class of an answer or an exception, with what the hub does about that one."""
    if isinstance(came, BaseException):
        return f"{_class(came)} ({code(came)}: {policy(came).action})"
    if isinstance(came, bool | int):  # how much of a copy there is; a batch has its outcomes in its events
        return "answered" if came is True else f"{came} copied"
    return _class(came)


def _class(thing: object) -> str:
    """The name of its class; one made at run time can be called anything, and is not named."""
    name = type(thing).__name__
    return name if _IDENTIFIER.fullmatch(name) else "(…)"


def _kind(came: object) -> str:
    """What kind of thing it is, counted where that asks nothing of foreign code."""
    return f"{_class(came)} of {len(came)}" if isinstance(came, _COUNTED) and type(came) in _COUNTED else _class(came)


def _kinds(answers: Sequence[object]) -> str:
    return ", ".join(map(_kind, answers)) or "nothing"
