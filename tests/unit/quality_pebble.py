"""An invented connector on the disk that meets every rule of the scale, for tests that take one thing away from it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

from hub.plugins import load
from hub.quality.connector import Connector
from hub.quality.report import Report, judge
from hub.quality.rules import RULES
from hub.subject import Identifier
from hub.testing.cassettes.filing import About, Recording, render

CASSETTE = "../../tests/cassettes/find.yaml"
TODAY = date(2026, 3, 2)
EXEMPT = {"rectify": "A review stays as its author wrote it.", "batch-erase": "Pebble deletes one by one."}
COMMENTS = {"second-judge": "Pebble's own OpenAPI document."}

INIT = """
from typing import Any

from hub import hookimpl


@hookimpl
def hub_processors() -> Any:
    from PACKAGE.processor import Pebble

    return [Pebble]


@hookimpl
def hub_sandboxes() -> Any:
    from PACKAGE.sandbox import PebbleSandbox

    return {"pebble": PebbleSandbox}
"""

PROCESSOR = '''
"""The processor."""

import contextlib
import functools
from datetime import timedelta
from typing import Any

from pydantic import Field, SecretStr

import hub
from hub import Done, Holding, InstanceConfig, Limits, Method, Outcome, Pending, Processor, Refused, Search, Step


class PebbleConfig(InstanceConfig):
    """One account."""

    token: SecretStr = Field(description="Access token.")
    region: str = Field("eu", description="Where the account is.")


class Pebble(Processor[PebbleConfig]):
    """One account at Pebble."""

    name = "pebble"
    title = "Pebble Reviews"
    searches = {"email": Search.EXACT, "pebble.member": Search.SCAN}
    kinds = {"member": "member"}
    rectify = hub.unsupported("A review stays as its author wrote it.")

    def __init__(self, config: PebbleConfig, hub: Any) -> None:
        super().__init__(config, hub)
        self._url = "https://api.pebble.example"

    @classmethod
    def limits(cls, config: PebbleConfig) -> Limits:
        return Limits(hosts=("api.pebble.example",))

    def check(self) -> Any:
        return self.hub.wire.call("GET", self._url).json

    def find(self, subject: hub.Subject) -> Any:
        yield hub.Coverage({"email": Search.EXACT})

    def export(self, holding: Holding, step: Step) -> Any:
        yield hub.Record("member", {}, cursor=step.cursor)

    def suppress(self, target: Any, scope: hub.Scope, step: Step) -> Outcome:
        return Done(Method.SUPPRESSED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        if holding.reach is hub.Reach.SHARED:
            return Refused("shared")
        return Pending(step.now + timedelta(days=1), {"job": "1"}, step.now + timedelta(days=9))

    def resume(self, holding: Holding, handle: hub.Handle, step: Step) -> Outcome:
        try:
            self.hub.wire.call("GET", self._url)
        except hub.AuthError as error:
            raise hub.ContractError("Pebble forgot the job") from error
        return Done(Method.DELETED)

    def confirm(self, act: hub.Act, step: Step) -> hub.Confirmation:
        return hub.Gone()

    def receive(self, delivery: hub.Delivery) -> Any:
        yield from ()
'''

SANDBOX = """
from typing import ClassVar

from hub.testing.sandbox import Sandbox, route


class PebbleSandbox(Sandbox):
    name = "pebble"

    def seed(self, town):
        self.members = {}

    @classmethod
    def settings(cls):
        return {"token": "sandbox-token"}

    @route("GET", "/")
    def whoever(self, request):
        return {}
"""

TESTS = """
import pytest

from hub.testing.conformance import Conformance, Service


class TestPebble(Conformance):
    @pytest.fixture
    def service(self):
        return Service(None, None)
"""

README = """# Pebble

## Settings

`token` and `region`.

## Known limits

None but its size.

## What is assumed

Everything: nobody ever saw it.
"""


class Pebble:
    """The connector's folder, which is a project of its own.

    Args:
        folder: an empty one.
        package: what the module is called; of its own for every test, since Python remembers modules.
    """

    def __init__(self, folder: Path, package: str) -> None:
        self.project, self.package = folder, package
        self.folder = folder / "src" / package
        sources = {"__init__.py": INIT, "processor.py": PROCESSOR, "sandbox.py": SANDBOX}
        for name, text in sources.items():
            self.write(name, text.replace("PACKAGE", package))
        self.write("../../tests/test_pebble.py", TESTS)
        self.write(CASSETTE, cassette())
        self.write("../../README.md", README)
        self.write("../../pyproject.toml", f'[project]\nname = "{package}"\n')
        self.write("quality.yaml", quality())

    def write(self, name: str, text: str) -> None:
        """Write a file; its name is relative to the package."""
        path = (self.folder / name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a file, which must be there."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def remove(self, name: str) -> None:
        """Remove a file or folder."""
        path = (self.folder / name).resolve()
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Python finds the package."""
        sys.path.insert(0, str(self.project / "src"))
        try:
            yield
        finally:
            sys.path.remove(str(self.project / "src"))
            for name in [name for name in sys.modules if name.partition(".")[0] == self.package]:
                del sys.modules[name]

    def report(self, today: date = TODAY) -> Report:
        """The connector judged, loaded as a plugin is."""
        with self.installed():
            plugins = load([self.package], [EntryPoint(self.package, self.package, "hub.connectors")])
            assert not plugins.problems
            return judge(Connector(plugins.processors["pebble"], plugins.sandboxes().get("pebble")), today)


def cassette(person: str = "jane@example.org", **about: str) -> str:
    """A recording of that person, without a call; `about` replaces what its head says."""
    usual = {"connector": "pebble", "recorded_from": "service", "recorded_by": "subject-request-hub 0.1.0"}
    when = {"recorded_on": TODAY, "clock": datetime(2026, 3, 2, 9, 0, tzinfo=UTC)}
    subject = (Identifier.email(person).as_dict(),)
    head = About(**usual | about, **when, region=None, keep=(), subject=subject)
    return render(Recording(head, (), ())).decode()


def quality(**changed: str) -> str:
    """A quality.yaml in which every rule is met; `changed` are lines for rules, with `_` for `-`."""
    lines = ["owner: Ada Marsh <ada@example.com>", "verified: 2026-01-31", "rules:"]
    for rule in RULES:
        said = f"{{status: exempt, comment: {EXEMPT[rule]}}}" if rule in EXEMPT else "done"
        if rule in COMMENTS:
            said = f'{{status: done, comment: "{COMMENTS[rule]}"}}'
        lines.append(f"  {rule}: {changed.get(rule.replace('-', '_'), said)}")
    return "\n".join(lines) + "\n"
