import json
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from importlib import metadata
from io import StringIO
from pathlib import Path

import pytest
import structlog

from hub import Identifier, Record, Subject
from hub.errors import PluginFailed
from hub.logs import write_to
from hub.plugins import GROUP, Plugins, load

CANARY = "wilhelmina.canary@example.org"
PERSON = Subject((Identifier.email(CANARY),))

PROCESSOR = """
import hub
from hub import *

class Config(InstanceConfig):
    pass

class {cls}(Processor[Config]):
    name = "{name}"
    title = "{name}"
    api = {api}
    searches = {{}}
    kinds = {{}}
    limits = classmethod(lambda cls, config: Limits(()))
    check = find = export = rectify = suppress = erase = confirm = lambda self, *_: None

@hookimpl
def hub_processors():
    return [{cls}]
"""


def processor(name: str, *, api: int = 1) -> str:
    return PROCESSOR.format(name=name, cls=name.title(), api=api)


class Machine:
    """A folder of installed distributions, each with one plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, plugin: str, source: str, *, distribution: str = "", version: str = "1.0") -> None:
        distribution = distribution or f"hub-{plugin}"
        module = f"{distribution.replace('-', '_')}_{plugin}_{abs(hash(self.folder))}"
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        points = info / "entry_points.txt"
        head = "" if points.exists() else f"[{GROUP}]\n"
        with points.open("a") as file:
            file.write(f"{head}{plugin} = {module}\n")

    def points(self) -> Iterable[metadata.EntryPoint]:
        for distribution in metadata.distributions(path=[str(self.folder)]):
            yield from distribution.entry_points.select(group=GROUP)

    def load(self, *enabled: str) -> Plugins:
        return load(enabled, self.points())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.syspath_prepend(tmp_path)
    return Machine(tmp_path)


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the hub logs."""
    written = StringIO()
    write_to(written)
    yield written
    structlog.reset_defaults()


def problem(plugins: Plugins, name: str) -> str:
    (found,) = [p for p in plugins.problems if p.plugin == name]
    return f"{found.error}: {found.message}. {found.hint}"


def test_hub_processors_are_gathered_from_all_enabled_plugins(machine: Machine) -> None:
    machine.install("alpha", processor("alpha"), version="2.5")
    machine.install("beta", processor("beta"))
    plugins = machine.load("beta", "alpha")
    assert list(plugins.processors) == ["alpha", "beta"]
    assert plugins.versions["alpha"] == "2.5"
    assert not plugins.problems


def test_installed_is_not_enabled_and_nothing_of_it_runs(machine: Machine, tmp_path: Path) -> None:
    machine.install("nosy", f"open({str(tmp_path / 'ran')!r}, 'w')")
    machine.install("ours", processor("ours"), distribution="subject-request-hub")
    plugins = load(None, machine.points())
    assert list(plugins.processors) == ["ours"]
    assert plugins.dormant == ("nosy",)
    assert not (tmp_path / "ran").exists()


def test_a_given_list_leaves_out_even_what_comes_with_the_hub(machine: Machine) -> None:
    machine.install("ours", processor("ours"), distribution="subject-request-hub")
    plugins = machine.load()
    assert not plugins.processors
    assert plugins.dormant == ("ours",)


@pytest.mark.parametrize(
    ("source", "error", "told"),
    [
        ("import no_such_module_here", "ModuleNotFoundError", "no_such_module_here"),
        (f"raise ValueError({CANARY!r})", "ValueError", "while loading"),
        ("raise SystemExit(3)", "SystemExit", "while loading"),
        ("def f(:", "SyntaxError", "while loading"),
        ("import hub\n@hub.hookimpl\ndef hub_processor(): return []", "HookError", "Did you mean hub_processors?"),
        ("import hub\n@hub.hookimpl\ndef hub_on_event(evt): ...", "HookError", "argument it is never called with"),
        ("def hub_processors(): return []", "HookError", "lacks its decorator"),
        ("x = 1", "HookError", "It has no hook"),
        ("import hub\n@hub.hookimpl\ndef hub_processors(): return 1/0", "ZeroDivisionError", "while loading"),
        ("import hub\n@hub.hookimpl\ndef hub_processors(): return [int]", "ProcessorError", "no complete Processor"),
        ("import hub\n@hub.hookimpl\ndef hub_processors(): return [hub.Processor]", "ProcessorError", "no complete"),
        (processor("broken", api=99), "ApiError", "version 99"),
        (processor("broken").replace("    kinds = {}\n", ""), "ProcessorError", "does not declare kinds"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_rest_work(machine: Machine, source: str, error: str, told: str) -> None:
    machine.install("broken", source, distribution="acme-plugin")
    machine.install("sound", processor("sound"))
    plugins = machine.load("broken", "sound")
    assert list(plugins.processors) == ["sound"]
    said = problem(plugins, "broken")
    assert said.startswith(error)
    assert told in said
    assert plugins.problems[0].distribution == "acme-plugin"
    assert CANARY not in repr(plugins.problems)


def test_two_plugins_cannot_bring_the_same_processor(machine: Machine) -> None:
    machine.install("one", processor("mail"))
    machine.install("ours", processor("mail"), distribution="subject-request-hub")
    plugins = machine.load("one", "ours")
    assert plugins.versions == {"mail": "1.0"}
    assert "plugin ours already brings a processor named mail" in problem(plugins, "one")


def test_a_plugin_that_brings_a_name_twice_is_refused(machine: Machine) -> None:
    machine.install("one", processor("mail").replace("return [Mail]", "return [Mail, Mail]"))
    assert "Ambiguous" in problem(machine.load("one"), "one")


def test_a_name_two_packages_claim_enables_neither(machine: Machine) -> None:
    machine.install("mail", processor("mail"), distribution="honest-mail")
    machine.install("mail", processor("mail"), distribution="other-mail")
    plugins = machine.load("mail")
    assert not plugins.processors
    assert "honest-mail, other-mail" in problem(plugins, "mail")


def test_an_enabled_plugin_that_is_not_installed_is_reported(machine: Machine) -> None:
    machine.install("mailer", processor("mailer"))
    said = problem(machine.load("mailor"), "mailor")
    assert "not installed" in said
    assert "Did you mean mailer?" in said


ENRICH = """
import hub
@hub.hookimpl
def hub_enrichers():
    return [lambda subject: {body}]
"""


def test_hub_enrichers_are_folded_each_seeing_what_those_before_added(machine: Machine) -> None:
    machine.install("a", ENRICH.format(body="[hub.Identifier.external('crm.contact', '17')]"))
    machine.install("b", ENRICH.format(body="[hub.Identifier.name('n%d' % len(subject.identifiers))]"))
    assert machine.load("b", "a").enrich(PERSON).names == ("n2",)


@pytest.mark.parametrize(
    "body", ["1/0", "[subject.emails[0]]", "None", "(_ for _ in ()).throw(ValueError(subject.emails))"]
)
def test_hub_enrichers_fail_closed_without_telling_of_the_person(machine: Machine, body: str) -> None:
    machine.install("a", ENRICH.format(body=body))
    with pytest.raises(PluginFailed) as caught:
        machine.load("a").enrich(PERSON)
    assert "plugin a" in caught.value.diagnostics()
    assert CANARY not in caught.value.diagnostics()
    assert caught.value.__context__ is None


REDACT = """
import hub, dataclasses
@hub.hookimpl
def hub_redactors():
    return [lambda record: {body}]
"""
RECORD = Record("note", {"text": CANARY})


def test_hub_redactors_are_folded_and_can_drop_a_record(machine: Machine) -> None:
    machine.install("a", REDACT.format(body="dataclasses.replace(record, data={'text': 'x'})"))
    machine.install("b", REDACT.format(body="dataclasses.replace(record, data={'text': record.data['text'] + 'y'})"))
    machine.install("c", REDACT.format(body="None if record.kind == 'secret' else record"))
    machine.install("d", REDACT.format(body="dataclasses.replace(record, kind=record.kind.upper())"))
    plugins = machine.load("a", "b", "c", "d")
    assert plugins.redact(RECORD) == Record("NOTE", {"text": "xy"})
    assert plugins.redact(Record("secret", {})) is None


@pytest.mark.parametrize("body", ["1/0", "record.data", "exit(record.data['text'])"])
def test_hub_redactors_fail_closed_without_telling_of_the_person(machine: Machine, body: str) -> None:
    machine.install("a", REDACT.format(body=body))
    with pytest.raises(PluginFailed) as caught:
        machine.load("a").redact(RECORD)
    assert CANARY not in caught.value.diagnostics()
    assert caught.value.__context__ is None


def test_while_a_third_partys_plugin_is_broken_nothing_is_searched_or_exported(machine: Machine) -> None:
    machine.install("redactor", "1/0")
    plugins = machine.load("redactor")
    for closed in (lambda: plugins.redact(RECORD), lambda: plugins.enrich(PERSON)):
        with pytest.raises(PluginFailed, match="redactor is enabled and does not work"):
            closed()


def test_a_broken_bundled_plugin_does_not_stop_exports(machine: Machine) -> None:
    machine.install("ours", "1/0", distribution="subject-request-hub")
    assert machine.load("ours").redact(RECORD) == RECORD


def test_bundled_plugins_bring_neither_enrichers_nor_redactors() -> None:
    bundled = [p for p in metadata.entry_points(group=GROUP) if p.dist and p.dist.name == "subject-request-hub"]
    assert bundled
    for point in bundled:
        assert not {"hub_enrichers", "hub_redactors"} & vars(point.load()).keys(), point.name


OBSERVE = """
import hub
seen = []
@hub.hookimpl
def hub_on_event(event):
    event["seen"] = True
    event["list"].append(1)
    seen.append(event)
    {body}
"""


def test_hub_on_event_reaches_every_observer_with_a_copy_of_its_own(machine: Machine, log: StringIO) -> None:
    machine.install("a", OBSERVE.format(body=f"raise ValueError({CANARY!r})"))
    machine.install("b", OBSERVE.format(body="exit(1)"))
    machine.install("c", OBSERVE.format(body=""))
    plugins = machine.load("a", "b", "c")
    event = {"type": "request.closed", "list": [0]}
    plugins.observe(event)
    assert event == {"type": "request.closed", "list": [0]}
    seen = [m.seen for name, m in sys.modules.items() if name.endswith(str(abs(hash(machine.folder))))]
    assert seen == [[{"type": "request.closed", "list": [0, 1], "seen": True}]] * 3
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["event"], line["plugin"]) for line in lines] == [("an observer failed", name) for name in "ab"]
    assert "ValueError" in lines[0]["error"]
    assert CANARY not in log.getvalue()


SANDBOX = """
import hub
class {cls}: pass
@hub.hookimpl
def hub_sandboxes():
    {body}
"""


def test_hub_sandboxes_are_gathered_and_a_broken_one_is_left_out(machine: Machine, log: StringIO) -> None:
    machine.install("a", SANDBOX.format(cls="A", body="return {'mail': A}"))
    machine.install("b", SANDBOX.format(cls="B", body="return {'mail': B, 'crm': B}"))
    machine.install("c", SANDBOX.format(cls="C", body="import no_such_module_here"))
    found = machine.load("a", "b", "c").sandboxes()
    assert {name: cls.__name__ for name, cls in found.items()} == {"mail": "A", "crm": "B"}
    assert '"plugin": "c"' in log.getvalue()
    assert "ModuleNotFoundError" in log.getvalue()


def test_loading_the_bundled_plugins_imports_no_vendors_sdk() -> None:
    script = "import sys, hub.plugins as p; print(p.load().problems); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    problems, modules = out.splitlines()
    assert problems == "()"
    heavy = {"mailchimp_marketing", "requests", "sqlalchemy", "holidays", "phonenumbers", "cryptography"}
    assert heavy & set(modules.split()) == set()
