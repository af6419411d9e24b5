"""From what went over the wire to a cassette: scrubbed, looked over, and only then written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from vcr.request import Request

from hub.processor import InstanceConfig, Processor
from hub.subject import Identifier
from hub.testing.cassettes.census import Census, mask
from hub.testing.cassettes.exchanges import Answer, canonical, rewritten
from hub.testing.cassettes.filing import OVERRIDE, SANDBOX, SERVICE, About, Recording, render, write
from hub.testing.cassettes.leftovers import leftovers, values_of
from hub.testing.cassettes.personal import Kind
from hub.testing.cassettes.places import Leaf
from hub.testing.cassettes.problems import CassetteError
from hub.testing.cassettes.scan import refuse, suspicions
from hub.testing.cassettes.scrubbing import Scrubber
from hub.testing.cassettes.sources import Origin
from hub.testing.cassettes.standins import StandIns
from hub.testing.disguises import LONGEST, SHORTEST

_DISTRIBUTION = "subject-request-hub"
_SHORTEST_SETTING = 3  # characters; what is shorter turns up by chance and tells nothing


@dataclass(frozen=True, slots=True)
class Terms:
    """What a recording is made with, besides its exchanges.

    Args:
        processor: whose calls they are.
        origin: where they are made.
        config: the settings a test replays with.
        region: default region of national telephone numbers.
        personal, keep: see `Scrubber`.
    """

    processor: type[Processor[Any]]
    origin: Origin
    config: InstanceConfig = field(repr=False)
    region: str | None
    personal: Mapping[str, Kind]
    keep: Collection[str]

    def settings(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The settings to record with, and which of their texts stand for which in the cassette.

        They are the test's, and over them those of the account. Raises `CassetteError` for settings the connector
        refuses or nothing can stand for, and for a test that holds the account's secret.
        """
        ours = {name: getattr(self.config, name) for name in self.config.model_fields_set}
        merged = ours | dict(self.origin.settings)
        try:
            real = self.processor.config_model.model_validate(merged)
        except ValidationError as error:
            # Cut off: it quotes the values, and they are an account's.
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            raise CassetteError(f"The connector refuses the account's settings: {said}") from None
        given = dict(pair for name in type(real).model_fields for pair in self._pair(name, real))
        hosts = zip(self.processor.limits(real).hosts, self.processor.limits(self.config).hosts, strict=False)
        given |= {mine: tests for mine, tests in hosts if "*" not in mine}
        return merged, {mine: tests for mine, tests in given.items() if len(mine) >= _SHORTEST_SETTING}

    def _pair(self, name: str, real: InstanceConfig) -> Iterator[tuple[str, str]]:
        mine, tests = getattr(real, name), getattr(self.config, name)
        if isinstance(mine, SecretStr) and mine == tests and self.origin.via is None and name in self.origin.settings:
            raise CassetteError(
                f"The test's own settings hold the account's real `{name}`",
                hint="Give the test an invented one and the environment the real one, and have the real one changed.",
            )
        if isinstance(mine, str | SecretStr) and isinstance(tests, str | SecretStr):
            yield _text(mine), _text(tests)
        elif mine != tests:
            raise CassetteError(
                f"The account's `{name}` differs from the test's, and nothing can stand for it in a cassette",
                hint="Give the test the same value: only texts and secrets are replaced.",
            )


def save(
    path: Path,
    exchanges: Iterable[tuple[Request, Mapping[str, Any]]],
    terms: Terms,
    given: Mapping[str, str],
    began: datetime,
) -> None:
    """Write the cassette. Raises `CassetteError`, and then nothing is written or changed.

    Args:
        path: the file.
        exchanges: what went over the wire, as vcrpy has it.
        terms: what it was made with.
        given: see `Terms.settings`.
        began: what the connector's clock said at the beginning.
    """
    raw = [(canonical(request), response) for request, response in exchanges]
    if not raw:
        raise CassetteError(f"{path.name}: nothing was called, so there is nothing to record")
    census = Census()
    census.subject(terms.origin.subject.identifiers)
    first = Scrubber(census, given, personal=terms.personal, keep=terms.keep, region=terms.region)
    for _ in _scrubbed(raw, first):
        pass
    masks = StandIns(census.everything(), region=terms.region)
    second = Scrubber(
        masks, given, census, personal=terms.personal, keep=terms.keep, kept=first.kept, region=terms.region
    )
    scrubbed = list(_scrubbed(raw, second))
    subject = tuple(_stand_in(masks, identifier) for identifier in terms.origin.subject.identifiers)
    about = About(
        connector=terms.processor.name,
        recorded_from=_where((answer for _, answer in scrubbed), terms.origin.via),
        recorded_by=f"{_DISTRIBUTION} {version(_DISTRIBUTION)}",
        recorded_on=datetime.now(UTC).date(),
        clock=began,
        region=terms.region,
        keep=tuple(terms.keep),
        subject=subject,
    )
    recording = Recording(about, tuple(r for r, _ in scrubbed), tuple(a for _, a in scrubbed))
    wanted = {*values_of(terms.origin.subject), *(mine for mine, tests in given.items() if mine != tests)}
    found = suspicions(recording, (value for value in wanted if SHORTEST <= len(value) <= LONGEST))
    found += leftovers(recording, terms.origin.subject, census, given)
    refuse(found, f"{path.name} was not written, since scrubbing left something")
    write(path, render(recording))


def _scrubbed(exchanges: Iterable[tuple[Request, Mapping[str, Any]]], leaf: Leaf) -> Iterator[tuple[Request, Answer]]:
    for request, response in exchanges:
        yield rewritten(request, leaf), Answer.of(response, leaf)


def _stand_in(masks: StandIns, identifier: Identifier) -> dict[str, str]:
    return identifier.as_dict() | {"value": mask(masks, identifier)}


def _where(answers: Iterable[Answer], via: str | None) -> str:
    """Who answered; a sandbox marks every answer."""
    marked = {"x-hub-sandbox" in answer.headers for answer in answers}
    if len(marked) > 1:
        raise CassetteError("Some answers come from a sandbox and some do not", hint="Record at one of them.")
    if marked == {True}:
        return SANDBOX
    return SERVICE if via is None else OVERRIDE


def _text(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
