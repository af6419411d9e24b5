"""What a test asks for as `cassette`: a bench whose service is recorded, or replayed from a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from hub.processor import Processor
from hub.subject import Subject
from hub.testing.cassettes.personal import Kind
from hub.testing.cassettes.problems import CassetteError
from hub.testing.cassettes.sources import Source
from hub.testing.harness import Bench, workbench
from hub.timepiece import ManualTime

P = TypeVar("P", bound=Processor[Any])

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
_NOWHERE = "http://cassette.invalid"  # so that evidence says that it was not the service that answered


@dataclass(frozen=True, slots=True)
class CassetteBench(Bench[P], Generic[P]):
    """A bench over a cassette.

    Args:
        subject: whom to search for: the person of the account while recording, their stand-in at replay.
        clock: the connector's time; at replay it begins where it stood while recording.
    """

    subject: Subject
    clock: ManualTime


class Cassettes:
    """The cassettes of a folder.

    Args:
        folder: where their files are.
        source: where to record; None: they are replayed.
    """

    def __init__(self, folder: Path, source: Source | None = None) -> None:
        self._folder = folder
        self._source = source

    @contextmanager
    def __call__(
        self,
        name: str,
        processor: type[P],
        settings: Mapping[str, Any],
        *,
        personal: Mapping[str, Kind] = MappingProxyType({}),
        keep: Collection[str] = (),
        region: str | None = "GB",
        limits: Mapping[str, Any] | None = None,
    ) -> Iterator[CassetteBench[P]]:
        """A bench whose service is a cassette.

        Args:
            name: of the file, without its ending: small letters, digits, `-` and `_`.
            processor: the class.
            settings: what it gets at replay, secrets invented; while recording, those of the account go before.
            personal: fields of this service that hold personal data → `name`, `prose`, `code`, `phone`, `opaque`,
                `date` or `place`; e-mail addresses are seen by themselves.
            keep: fields of ids that are nobody's and look like keys.
            region: default region of national telephone numbers; at replay it is the recording's.
            limits: fields of `Limits` to replace.

        Raises `CassetteError`: no such file, one that was changed or is suspicious, calls other than recorded; while
        recording, whatever makes it refuse to write.
        """
        if not _NAME.fullmatch(name):
            raise CassetteError("A cassette's name has small letters, digits, - and _", hint='cassette("find", …)')
        path = self._folder / f"{name}.yaml"
        if self._source is None:
            opened = _replayed(path, processor, settings, limits)
        else:
            config = processor.config_model.model_validate(dict(settings))
            opened = _recorded(
                path, self._source, processor, limits, config=config, region=region, personal=personal, keep=keep
            )
        with _silent(), opened as bench:
            yield bench


@contextmanager
def _silent() -> Iterator[None]:
    """Whole addresses stand in the log of vcrpy."""
    log = logging.getLogger("vcr")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def _replayed(
    path: Path, processor: type[P], settings: Mapping[str, Any], limits: Mapping[str, Any] | None
) -> Iterator[CassetteBench[P]]:
    from hub.testing.cassettes.scan import look_over  # noqa: PLC0415  # vcrpy and yaml take 0.3 s to load
    from hub.testing.cassettes.tape import replaying  # noqa: PLC0415  # the same

    if not path.is_file():
        raise CassetteError(f"There is no cassette {path.name}", hint="Record it: `pytest --record FILE::TEST`.")
    recording = look_over(path)
    about = recording.about
    if about.connector != processor.name:
        raise CassetteError(f"{path.name} holds calls of {about.connector}, not of {processor.name}")
    clock = ManualTime(about.clock)
    with (
        replaying(path.name, recording),
        workbench(processor, settings, _NOWHERE, clock=clock, region=about.region, limits=limits) as bench,
    ):
        yield _with(bench, about.person(), clock)


@contextmanager
def _recorded(
    path: Path, source: Source, processor: type[P], limits: Mapping[str, Any] | None, **terms: Any
) -> Iterator[CassetteBench[P]]:
    from hub.testing.cassettes.recording import Terms, save  # noqa: PLC0415  # see _replayed
    from hub.testing.cassettes.tape import recording  # noqa: PLC0415  # the same

    with source.open(processor) as origin:
        made = Terms(processor, origin, **terms)
        real, given = made.settings()
        clock = origin.clock
        with (
            recording(path.name) as tape,
            workbench(processor, real, origin.via, clock=clock, region=made.region, limits=limits) as bench,
        ):
            began = clock.now()
            yield _with(bench, origin.subject, clock)
        save(path, tape.data, made, given, began)


def _with(bench: Bench[P], subject: Subject, clock: ManualTime) -> CassetteBench[P]:
    return CassetteBench(
        **{each.name: getattr(bench, each.name) for each in fields(bench)}, subject=subject, clock=clock
    )
