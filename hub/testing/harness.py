"""A connector on the bench: its processor, made as the hub makes it, against a sandbox over real HTTP.

with MailchimpSandbox().serve() as running, workbench(Mailchimp, {"api_key": …}, running.url) as bench:
    found = list(bench.processor.find(subject))
    outcome = bench.processor.erase(found[0], step())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog

from hub.processor import Limits, Processor, Services, Step
from hub.timepiece import ManualTime, Timepiece
from hub.tokens import Tokens, TokenStore
from hub.wire import Exchange, Recorder, Wire, flight

__all__ = ["Bench", "Exchange", "ManualTime", "MemoryTokens", "step", "workbench"]

P = TypeVar("P", bound=Processor[Any])


class MemoryTokens:
    """A `TokenStore` that forgets at the end of the test."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes | None] = {}

    def load(self, instance: str, name: str) -> bytes | None:
        """What was saved last."""
        return self._kept.get((instance, name))

    def save(self, instance: str, name: str, data: bytes | None) -> None:
        """Replace it."""
        self._kept[instance, name] = data


@dataclass(frozen=True, slots=True)
class Bench(Generic[P]):
    """What a test holds.

    Args:
        processor: ready to be called.
        exchanges: what was sent and answered so far, as evidence keeps it.
        log: the connector's own log lines so far.
        wire: its door.
    """

    processor: P
    exchanges: list[Exchange]
    log: list[Mapping[str, Any]] = field(repr=False)
    wire: Wire


@contextmanager
def workbench(
    processor: type[P],
    settings: Mapping[str, Any],
    via: str | None,
    *,
    clock: Timepiece | None = None,
    region: str | None = "GB",
    limits: Mapping[str, Any] | None = None,
    fence: Callable[[], None] = lambda: None,
    tokens: TokenStore | None = None,
    instance: str = "bench",
) -> Iterator[Bench[P]]:
    """Make a processor and put a recorded flight around the test, in this thread.

    Args:
        processor: the class.
        settings: as an instance's part of hub.toml.
        via: where its service is answered for it: a sandbox's URL; None: the service itself.
        clock: the time; a `ManualTime` unless given.
        region: as in `Services`.
        limits: fields of `Limits` to replace, such as shorter time-outs.
        fence: called before every send.
        tokens: where tokens that rotate are kept; a store that forgets with the bench unless given.
        instance: what messages call it.

    Raises `pydantic.ValidationError` for settings the connector refuses, and what its constructor raises.
    """
    config = processor.config_model.model_validate(dict(settings))
    time = clock or ManualTime()
    bounds: Limits = replace(processor.limits(config), **(limits or {}))
    log: list[Mapping[str, Any]] = []
    with Wire(instance=instance, limits=bounds, clock=time, via=via, allow_private=True) as wire:
        services = Services(
            instance=instance,
            wire=wire,
            tokens=Tokens(instance, tokens or MemoryTokens(), time),
            clock=time,
            log=_kept_in(log),
            region=region,
        )
        with flight(Recorder(b"k" * 32, fence)) as recorder:
            yield Bench(processor(config, services), recorder.exchanges, log, wire)


def step(*, at: datetime | None = None, **fields: Any) -> Step:
    """A first attempt with ten minutes' time; `fields` replace any of `Step`'s."""
    now = at or datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    usual = Step(key="0" * 32, attempt=1, now=now, received=now, deadline=now + timedelta(minutes=10))
    return replace(usual, **fields)


def _kept_in(log: list[Mapping[str, Any]]) -> Any:
    def keep(_: object, __: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        log.append(dict(event))
        raise structlog.DropEvent

    return structlog.wrap_logger(None, processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(0))
