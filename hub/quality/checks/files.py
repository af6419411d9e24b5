"""Checks that look at what stands beside the code: quality.yaml itself, README, tests and cassettes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from hub.errors import HubError
from hub.quality.checks.case import Case
from hub.quality.connector import NotInstalled
from hub.quality.exceptions import exempted, suites
from hub.quality.setting_aside import set_aside

if TYPE_CHECKING:
    from hub.testing.cassettes.filing import Recording

_SECTIONS = ("Settings", "Known limits", "What is assumed")
_UNWRITTEN = "To be written"  # as the README of `hub new-connector` has it, which tells of an invented service
_FRESH = timedelta(days=366)


def conformance_suite(case: Case) -> Iterator[str]:
    """A test class that pytest runs inherits the suite, and each rule it overrides has a reason."""
    if not any(suites(case.connector)):
        yield "no test class inherits hub.testing.conformance.Conformance"
    yield from set_aside(case.connector)
    for exception in exempted(case.connector):
        if not exception.reason:
            yield f"{exception.where} overrides {exception.rule} with an xfail without a plain-text reason"


def known_limits_documented(case: Case) -> Iterator[str]:
    """README has the sections, and each says something about this service."""
    sections = dict(
        re.findall(r"^#{2,3} +(.+?) *\n(.*?)(?=^#{1,3} |\Z)", case.connector.readme, re.MULTILINE | re.DOTALL)
    )
    if not case.connector.readme:
        yield "there is no README.md"
    else:
        yield from (f"README.md has no section *{name}*" for name in _SECTIONS if not sections.get(name, "").strip())
        for name, text in sections.items():
            if _UNWRITTEN in text:
                yield f"README.md has *{_UNWRITTEN}* under *{name}*: put what is true of this service in its place"


def named_owner(case: Case) -> Iterator[str]:
    """quality.yaml says who."""
    if not case.declared.owner:
        yield "`owner` is empty"


def second_judge(case: Case) -> Iterator[str]:
    """quality.yaml says which."""
    if not case.declared.entries["second-judge"].comment:
        yield "no comment says who judges"


def verified_within_a_year(case: Case) -> Iterator[str]:
    """quality.yaml has the day, and it is no more than a year ago."""
    day = case.declared.verified
    if day is None:
        yield "`verified` has no date"
    elif day > case.today:
        yield "`verified` is in the future"
    elif case.today - day > _FRESH:
        yield f"{day} is more than a year ago"


def cassettes(case: Case) -> Iterator[str]:
    """There are recordings of this connector, as they were made, with nothing suspicious in them."""
    found = list(_recordings(case))
    if not found:
        yield "tests/cassettes holds no recording"
    for recording in found:
        if isinstance(recording, HubError):
            yield recording.message
        elif recording.about.connector != case.connector.name:
            yield f"a cassette was recorded by {recording.about.connector}"


def recorded_against_the_service(case: Case) -> Iterator[str]:
    """The recordings say that it was the service which answered."""
    found = [recording for recording in _recordings(case) if not isinstance(recording, HubError)]
    if not found:
        yield "tests/cassettes holds no recording"
    elif any(recording.about.recorded_from != "service" for recording in found):
        yield "a cassette was recorded from the sandbox"


def _recordings(case: Case) -> Iterator[Recording | HubError]:
    """Every cassette that can be read and was found clean; of the others, what is wrong with them."""
    folder = case.connector.tests
    paths = sorted((folder / "cassettes").rglob("*.yaml")) if folder else []
    try:
        from hub.testing.cassettes.scan import look_over  # noqa: PLC0415  # brings vcrpy, which tests alone need
    except ImportError:
        raise NotInstalled("vcrpy is not installed; it comes with subject-request-hub[testing]") from None
    for path in paths:
        try:
            yield look_over(path)
        except HubError as error:
            yield error
