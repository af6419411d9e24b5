"""Where a recording is made: at the real account that the environment names, or at a sandbox."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from hub.errors import HubError
from hub.processor import Processor
from hub.subject import Subject
from hub.testing.cassettes.problems import CassetteError
from hub.testing.sandbox import Sandbox
from hub.testing.town import TOWN
from hub.timepiece import ManualTime

_PERSON = 'Pass --record-subject=FILE with a person of the test account: {"email": ["jane@example.org"]}'


@dataclass(frozen=True, slots=True)
class Origin:
    """What a recording is made with.

    Args:
        settings: of the account, besides those the test gives.
        subject: whose data is recorded.
        via: where the service is answered for; None: the service itself.
        clock: the connector's time while it is recorded.
    """

    settings: Mapping[str, Any] = field(repr=False)
    subject: Subject
    via: str | None
    clock: ManualTime


class Source(Protocol):
    """A place to record at."""

    def open(self, processor: type[Processor[Any]]) -> AbstractContextManager[Origin]:
        """Make it ready for one recording. Raises `CassetteError`."""
        ...


class FromSandbox:
    """Records from a sandbox, started for each recording.

    Args:
        sandbox: its class.
        subject: who in it is the data subject; the town's main person unless given.
    """

    def __init__(self, sandbox: type[Sandbox], subject: Subject | None = None) -> None:
        self._sandbox = sandbox
        self._subject = subject or TOWN.main.subject()

    @contextmanager
    def open(self, processor: type[Processor[Any]]) -> Iterator[Origin]:  # noqa: ARG002  # a sandbox knows its own
        """Serve it."""
        clock = ManualTime()
        with self._sandbox(clock=clock).serve() as running:
            yield Origin(self._sandbox.settings(), self._subject, running.url, clock)


class FromService:
    """Records from the service itself.

    Its settings come from the environment as those of an instance do (`HUB_INSTANCES__MAILCHIMP__API_KEY`), whose name
    is the connector's unless another is given; what the environment leaves out comes from the test. What the recorded
    operations do there, they do: record against a test account.

    Args:
        subject: file with a person of that account, as JSON (`Subject.from_document`); needed.
        instance: the instance's name.
        environ: the environment.
    """

    def __init__(
        self, subject: Path | None, instance: str | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._subject = subject
        self._instance = instance
        self._environ = environ

    @contextmanager
    def open(self, processor: type[Processor[Any]]) -> Iterator[Origin]:
        """Read settings and subject."""
        prefix = f"HUB_INSTANCES__{(self._instance or processor.name).upper()}__"
        told = {name: text for name, text in self._environ.items() if name.startswith(prefix) and text}
        settings = {name.removeprefix(prefix).lower(): text for name, text in told.items()}
        fields = processor.config_model.model_fields
        known = ", ".join(f"{prefix}{name.upper()}" for name in fields)
        if not settings:
            raise CassetteError("The environment names no account to record from", hint=f"Variables: {known}.")
        if stray := sorted(name for name in told if name.removeprefix(prefix).lower() not in fields):
            raise CassetteError(f"This connector has no setting for {', '.join(stray)}", hint=f"Variables: {known}.")
        yield Origin(settings, self._person(), None, _RealTime(datetime.now(UTC).replace(microsecond=0)))

    def _person(self) -> Subject:
        if self._subject is None:
            raise CassetteError("Nobody is named whose data is to be recorded", hint=_PERSON)
        try:
            return Subject.from_document(json.loads(self._subject.read_text(encoding="utf-8")))
        except (OSError, ValueError, HubError) as error:
            # Cut off: a parser's error can quote the file.
            reason = error.message if isinstance(error, HubError) else type(error).__name__
            raise CassetteError(f"The subject's file cannot be used: {reason}", hint=_PERSON) from None


class _RealTime(ManualTime):
    """Stands still, as it will at replay, but for waits: a real service's limits are kept in real time."""

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0))
        super().sleep(seconds)
