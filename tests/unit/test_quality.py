"""The quality scale: what a file says is held against the connector, and the tier is what is left."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.quality.checks import CHECKS
from hub.quality.declared import State, read
from hub.quality.rule import Tier
from hub.quality.rules import RULES
from tests.unit.quality_pebble import CASSETTE, TESTS, TODAY, Pebble, cassette, quality

SUITE = "../../tests/test_pebble.py"
NAMED = "hub.AuthError as error"
# Some thirty lines that a reader of YAML takes for nine to the thirtieth keys.
BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 31))
_numbers = itertools.count()
Change = Callable[[Pebble], None]


@pytest.fixture
def pebble(tmp_path: Path) -> Pebble:
    return Pebble(tmp_path, f"pebble_{next(_numbers)}_connector")


def found(pebble: Pebble, today: date = TODAY) -> list[tuple[str, str]]:
    return [(fault.rule, fault.message) for fault in pebble.report(today).faults]


def edit(old: str, new: str, name: str = "processor.py") -> Change:
    return lambda pebble: pebble.edit(name, old, new)


def says(**changed: str) -> Change:
    return lambda pebble: pebble.write("quality.yaml", quality(**changed))


def both(*changes: Change) -> Change:
    def change(pebble: Pebble) -> None:
        for each in changes:
            each(pebble)

    return change


def in_suppress(line: str) -> Change:
    """A line at the beginning of the method."""
    return edit("        return Done(Method.SUPPRESSED)", f"        {line}\n        return Done(Method.SUPPRESSED)")


def in_class(source: str) -> Change:
    """A further member of the processor."""
    return edit("    def receive(", f"    {source}\n\n    def receive(")


def in_module(source: str) -> Change:
    """Something before the processor."""
    return edit("class PebbleConfig", f"{source}\n\n\nclass PebbleConfig")


def handling(caught: str, line: str) -> Change:
    """Another handler in `resume`."""
    raising = '            raise hub.ContractError("Pebble forgot the job") from error'
    return both(edit("except hub.AuthError as error", f"except {caught}"), edit(raising, f"            {line}"))


def in_suite(source: str) -> Change:
    """A member of the test class that inherits the suite."""
    return edit("    @pytest.fixture", f"    {source}\n\n    @pytest.fixture", SUITE)


def test_a_connector_that_meets_every_rule_is_platinum(pebble: Pebble) -> None:
    report = pebble.report()
    assert report.faults == ()
    assert report.tier is Tier.PLATINUM
    assert report.missing == ()
    assert dict(report.unseen) == {}


# rule → what is done to a connector that says the rule is done → what is found then
DONE: list[tuple[str, Change, str]] = [
    ("declares-itself", edit('"Pebble Reviews"', '" "'), "`title` is empty"),
    ("declares-itself", edit('{"member": "member"}', "{}"), "`kinds` names nothing"),
    ("declares-itself", edit('{"member": "member"}', '{"Member": "member"}'), "'Member' without a lower-case name"),
    ("declares-itself", edit('"pebble.member"', '"member"'), "'member', which is no kind of identifier"),
    (
        "declares-itself",
        in_class('searched_by = classmethod(lambda cls, config: {"phone": Search.INDEX})'),
        "'phone', and `searches` less",
    ),
    ("declares-itself", in_class('batch = {"order": 9}'), "'order', which `kinds` does not"),
    ("config-described", edit('Field("eu", description="Where the account is.")', '"eu"'), "region has no description"),
    ("config-described", edit('"""One account."""', 'model_config = {"extra": "allow"}'), "does not refuse unknown"),
    ("config-described", edit('"""One account."""', 'model_config = {"frozen": False}'), "is not frozen"),
    ("config-described", edit('region: str = Field("eu"', "region: type = Field(str"), "no JSON schema"),
    ("secrets-are-secret", edit("token: SecretStr", "token: str"), "token is plain text"),
    ("secrets-are-secret", edit("region: str", "api_key: str | None"), "api_key is plain text"),
    ("secrets-are-secret", edit("SecretStr = Field(", 'SecretStr = Field(SecretStr("x"), '), "has a default"),
    ("hosts-and-limits-declared", edit('("api.pebble.example",)', "()"), "names no host"),
    ("hosts-and-limits-declared", edit('("api.pebble.example",)', '("*",)'), "'*' through"),
    ("hosts-and-limits-declared", edit('example",)', 'example",), concurrency=0'), "allows no call"),
    ("hosts-and-limits-declared", edit('example",)', 'example",), read=float("inf")'), "no time-out for read"),
    ("unsupported-has-reasons", edit("A review stays as its author wrote it.", "No."), "for rectify is no sentence"),
    ("unsupported-has-reasons", in_suppress("raise NotImplementedError"), "`suppress` only raises"),
    ("erase-idempotent", in_class("erase = hub.unsupported('Pebble never forgets.')"), "erase is declared unsupported"),
    ("erase-read-back", in_class("erase = hub.unsupported('Pebble never forgets.')"), "erase is declared unsupported"),
    ("unknown-answers-fail", handling("Exception", "pass"), "processor.py:59 catches everything"),
    ("unknown-answers-fail", handling("Exception", "if False: raise"), "catches everything"),
    ("unknown-answers-fail", handling("Exception as e", "if e: return hub.Absent()\n            raise"), "everything"),
    ("unknown-answers-fail", handling("Exception", "if step: return hub.Absent()\n            raise"), "everything"),
    ("unknown-answers-fail", handling("Exception", "return hub.Absent()\n            raise"), "catches everything"),
    ("unknown-answers-fail", handling("hub.PermanentError", "return hub.Absent()"), "catches every PermanentError"),
    ("unknown-answers-fail", handling("hub.ContractError", "pass"), "catches every ContractError and goes on"),
    ("unknown-answers-fail", handling("(ValueError, hub.ConnectorError)", "pass"), "catches everything"),
    ("unknown-answers-fail", in_suppress("with contextlib.suppress(Exception): pass"), "suppresses everything"),
    ("errors-hold-no-personal-data", in_suppress("print(target)"), "prints"),
    ("errors-hold-no-personal-data", in_suppress("sys.stderr.write(target)"), "uses sys.stderr"),
    ("errors-hold-no-personal-data", in_module("from sys import __stdout__ as out"), "uses sys.__stdout__"),
    ("errors-hold-no-personal-data", in_suppress("traceback.print_exc()"), "uses traceback.print_exc"),
    ("errors-hold-no-personal-data", in_module("import logging"), "a log of its own"),
    (
        "errors-hold-no-personal-data",
        handling(NAMED, 'raise hub.ContractError(f"{error}") from None'),
        "repeats the text",
    ),
    (
        "errors-hold-no-personal-data",
        handling(NAMED, "raise hub.ContractError(str(error)) from None"),
        "repeats the text",
    ),
    ("no-way-past-the-door", in_module("import urllib.request"), "urllib.request"),
    (
        "no-way-past-the-door",
        lambda pebble: pebble.write("deep/inside.py", "import socket\n"),
        "inside.py:1 uses socket",
    ),
    ("no-way-past-the-door", in_suppress('__import__("socket")'), "uses __import__"),
    (
        "no-way-past-the-door",
        in_module('import importlib as i\nX = i.import_module("http" + ".client")'),
        "import_module",
    ),
    ("no-way-past-the-door", in_module("from importlib import import_module as load"), "importlib.import_module"),
    ("no-way-past-the-door", in_module('import os\nos.system("true")'), "uses os.system"),
    ("no-way-past-the-door", in_module('import sys\nX = sys.modules["socket"]'), "uses sys.modules"),
    ("no-state-between-calls", in_suppress('setattr(self, "last", target)'), "changes self.__dict__"),
    ("no-state-between-calls", in_suppress('object.__setattr__(self, "last", target)'), "changes self.__dict__"),
    ("no-state-between-calls", in_suppress('vars(self)["last"] = target'), "changes vars(self)"),
    ("no-state-between-calls", in_suppress("vars(self).update(last=target)"), "changes vars(self)"),
    ("no-state-between-calls", in_suppress('self.__dict__["last"] = target'), "changes self.__dict__"),
    ("no-state-between-calls", in_suppress("type(self).last = target"), "changes type(self)"),
    ("no-state-between-calls", in_suppress("self._last = target"), "changes self._last"),
    ("no-state-between-calls", in_suppress("del self._url"), "changes self._url"),
    ("no-state-between-calls", in_suppress("cls.last = target"), "changes cls.last"),
    ("no-state-between-calls", in_suppress("self._seen[target] = 1"), "changes self._seen"),
    ("no-state-between-calls", in_suppress("self._seen.setdefault(target, []).append(1)"), "changes self._seen"),
    ("no-state-between-calls", in_suppress("global seen; seen = target"), "writes a global"),
    (
        "no-state-between-calls",
        in_module("@functools.lru_cache\ndef known(email: str) -> str: ..."),
        "caches what it was given",
    ),
    ("sandbox-present", edit("PebbleSandbox}", "PebbleSandbox} if not 1 else {}", "__init__.py"), "brings none"),
    ("sandbox-present", edit("PebbleSandbox}", "int}", "__init__.py"), "is no Sandbox"),
    ("sandbox-present", edit('name = "pebble"', 'name = "pebbles"', "sandbox.py"), "is not called pebble"),
    ("sandbox-present", edit('"token"', '"key"', "sandbox.py"), "does not fit"),
    ("conformance-suite", edit("(Conformance)", "", SUITE), "no test class inherits"),
    ("conformance-suite", edit("class Test", "@pytest.mark.skip\nclass Test", SUITE), "sets the whole suite aside"),
    (
        "conformance-suite",
        edit("class Test", "pytestmark = [pytest.mark.xfail]\n\n\nclass Test", SUITE),
        "whole suite aside",
    ),
    ("conformance-suite", edit("class Test", "class ", SUITE), "pytest passes Pebble over"),
    (
        "conformance-suite",
        both(lambda pebble: pebble.write("../../tests/pebble.py", TESTS), lambda pebble: pebble.remove(SUITE)),
        "pytest passes pebble.py over",
    ),
    ("conformance-suite", in_suite("__test__ = False"), "whole suite aside"),
    ("conformance-suite", in_suite("__test__: bool = False"), "whole suite aside"),
    (
        "conformance-suite",
        edit("class Test", "pytestmark: list = [pytest.mark.skip]\n\n\nclass Test", SUITE),
        "whole suite aside",
    ),
    ("conformance-suite", edit("class Test", "pytest.skip('x')\n\n\nclass Test", SUITE), "whole suite aside"),
    ("conformance-suite", in_suite("test_export_streams = None"), "in the place of test_export_streams"),
    ("conformance-suite", in_suite("test_a: object = None"), "in the place of test_a"),
    ("conformance-suite", in_suite("@pytest.mark.skip\n    def test_x(self): ..."), "test_x skips what it should show"),
    (
        "conformance-suite",
        edit("        return Service", "        pytest.skip('x')\n        return Service", SUITE),
        "skips",
    ),
    (
        "conformance-suite",
        lambda pebble: pebble.write(
            "../../tests/conftest.py",
            "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef never():\n    raise pytest.skip.Exception('x')\n",
        ),
        "conftest.py:5: never skips",
    ),
    (
        "conformance-suite",
        lambda pebble: pebble.write(SUITE, TESTS + "\n\nTestPebble.test_export_streams = None\n"),
        "changes TestPebble",
    ),
    (
        "conformance-suite",
        lambda pebble: pebble.write(SUITE, TESTS + "\n\ndel Conformance.test_export_streams\n"),
        "changes Conformance",
    ),
    ("conformance-suite", lambda pebble: pebble.remove("../../tests"), "no test class inherits"),
    (
        "conformance-suite",
        in_suite("@pytest.mark.xfail(strict=True)\n    def test_export_streams(self): ..."),
        "overrides test_export_streams with an xfail without",
    ),
    ("known-limits-documented", edit("## What is assumed", "## Guesses", "../../README.md"), "*What is assumed*"),
    ("known-limits-documented", edit("None but its size.\n", "", "../../README.md"), "*Known limits*"),
    ("known-limits-documented", lambda pebble: pebble.remove("../../README.md"), "there is no README.md"),
    (
        "known-limits-documented",
        edit("None but its size.", "To be written: what stays.", "../../README.md"),
        "README.md has *To be written* under *Known limits*",
    ),
    ("strictly-typed", edit("scope: hub.Scope, ", "scope, "), "`suppress` is not annotated"),
    ("strictly-typed", edit("-> hub.Confirmation", ""), "`confirm` is not annotated"),
    ("strictly-typed", in_suppress("scope = 1  # type: ignore"), "without a code and a reason"),
    ("strictly-typed", in_suppress("scope = 1  # type: ignore[assignment]"), "without a code and a reason"),
    ("strictly-typed", edit('"""The processor."""', "# mypy: ignore-errors"), "without a code and a reason"),
    ("rectify", says(rectify="done"), "rectify is declared unsupported"),
    ("suppress", in_class("suppress = hub.unsupported('Pebble makes no use.')"), "suppress is declared unsupported"),
    (
        "refusals-and-retention",
        both(edit("Processor, Refused,", "Processor,"), edit('return Refused("shared")', "pass")),
        "no code answers",
    ),
    ("named-owner", edit("owner: Ada Marsh <ada@example.com>\n", "", "quality.yaml"), "`owner` is empty"),
    ("cassettes", lambda pebble: pebble.remove("../../tests/cassettes"), "holds no recording"),
    ("cassettes", edit("recorded_by: subject", "recorded_by: another", CASSETTE), "was changed after it was recorded"),
    ("cassettes", lambda pebble: pebble.write(CASSETTE, cassette(connector="club")), "recorded by club"),
    (
        "cassettes",
        lambda pebble: pebble.write(CASSETTE, cassette("jane@elsewhere.se")),
        "holds what no cassette may hold",
    ),
    ("second-judge", says(second_judge="done"), "no comment says who judges"),
    ("exports-resume", edit("cursor=step.cursor", "cursor=None"), "no code looks at"),
    ("jobs-followed", edit("    def resume(", "    def go_on("), "has no `resume`"),
    ("batch-erase", says(batch_erase="done"), "has no `erase_many`"),
    (
        "batch-erase",
        both(says(batch_erase="done"), in_class("def erase_many(self, *_: Any) -> Any: ...")),
        "`batch` names no kind",
    ),
    ("webhooks", edit("    def receive(", "    def take("), "has no `receive`"),
    (
        "recorded-against-the-service",
        lambda pebble: pebble.write(CASSETTE, cassette(recorded_from="sandbox")),
        "recorded from the sandbox",
    ),
    ("recorded-against-the-service", lambda pebble: pebble.remove(CASSETTE), "holds no recording"),
    ("verified-within-a-year", edit("verified: 2026-01-31\n", "", "quality.yaml"), "`verified` has no date"),
    ("verified-within-a-year", edit("2026-01-31", "2026-03-03", "quality.yaml"), "in the future"),
    ("verified-within-a-year", edit("2026-01-31", "2025-02-28", "quality.yaml"), "2025-02-28 is more than a year ago"),
]


@pytest.mark.parametrize(("rule", "change", "message"), DONE)
def test_what_is_said_to_be_done_is_looked_at(pebble: Pebble, rule: str, change: Change, message: str) -> None:
    change(pebble)
    told = [said for about, said in found(pebble) if about == rule]
    assert any(said.startswith("It says done, and ") and message in said for said in told), told


def test_every_check_has_a_case_that_it_catches() -> None:
    assert {rule for rule, *_ in DONE} == set(CHECKS[State.DONE])
    assert {rule for rule, *_ in EXEMPT} == set(CHECKS[State.EXEMPT])


@pytest.mark.parametrize(
    "change",
    [
        handling("Exception", "raise"),
        handling("Exception", "self.hub.log.info('x')\n            with step: raise"),
        handling("hub.PermanentError as e", "if e.args == (17,): return hub.Absent()\n            raise"),
        handling("hub.PermanentError as e", "if isinstance(e, hub.AuthError): return 1\n            else: raise"),
        handling("hub.PermanentError", "if step: raise\n            else: raise hub.AuthError from None"),
        in_module("import os, sys, importlib.metadata\nX = os.path.sep, sys.version_info, os.fspath"),
        in_suppress('setattr(target, "x", 1); vars(target)["x"] = 1; self._rows().append(1)'),
        handling(NAMED, 'raise hub.ContractError(f"Error {error.code}") from None'),
        in_suppress("scope = 1  # type: ignore[assignment]  # as the SDK wants it"),
        edit("region: str", "public_key: str"),
        edit("region: str", "token_count: int"),
        in_suppress("found = []; found.append(target); self.hub.tokens.clear(target)"),
        in_module("import httpx"),
        in_module("@functools.cache\ndef table() -> dict[str, str]: ..."),
        lambda pebble: pebble.write("sandbox/extra.py", "import socket, logging\nprint(1)\n"),
        lambda pebble: pebble.write(
            "tests/test_it.py",
            "import socket\nfrom hub.testing import conformance\n\nclass TestIt(conformance.Conformance): ...\n",
        ),
        edit("class TestPebble(Conformance)", "class TestIt(_Pebble): ...\n\n\nclass _Pebble(Conformance)", SUITE),
        in_suite("def test_more(self, skip=1):\n        rows = self.rows.skip(skip)"),
        lambda pebble: pebble.write(
            "../../tests/test_more.py",
            "import pytest\n\n@pytest.fixture\ndef docker():\n    pytest.skip('none')\n\n"
            "@pytest.mark.skipif(1, reason='x')\ndef test_it(docker): ...\n",
        ),
    ],
)
def test_what_only_looks_like_a_fault_is_none(pebble: Pebble, change: Change) -> None:
    change(pebble)
    assert [fault for fault in found(pebble) if "settings()" not in fault[1] and "recording" not in fault[1]] == []


LEFT_OUT = "{status: exempt, comment: It cannot be.}"
EXEMPT: list[tuple[str, Change, str]] = [
    ("erase-idempotent", says(erase_idempotent=LEFT_OUT), "the class has erase"),
    ("erase-read-back", says(erase_read_back=LEFT_OUT), "the class has erase"),
    ("rectify", in_class("def rectify(self, *_: Any) -> Any: ..."), "the class has rectify"),
    ("suppress", says(suppress=LEFT_OUT), "the class has suppress"),
    ("refusals-and-retention", says(refusals_and_retention=LEFT_OUT), "the code answers Retained or Refused"),
    ("exports-resume", says(exports_resume=LEFT_OUT), "processor.py:46 gives a record a cursor"),
    ("jobs-followed", says(jobs_followed=LEFT_OUT), "the code answers Pending or Contained"),
    (
        "jobs-followed",
        both(says(jobs_followed=LEFT_OUT), edit("return Pending(", "return hub.Pending("), edit(" Pending,", "")),
        "the code answers Pending or Contained",
    ),
    ("jobs-followed", says(jobs_followed=LEFT_OUT), "the class has `resume`"),
    ("batch-erase", in_class("def erase_many(self, *_: Any) -> Any: ..."), "the class has `erase_many`"),
    ("webhooks", says(webhooks=LEFT_OUT), "the class has `receive`"),
]


@pytest.mark.parametrize(("rule", "change", "message"), EXEMPT)
def test_what_is_left_out_must_not_be_there(pebble: Pebble, rule: str, change: Change, message: str) -> None:
    change(pebble)
    assert (rule, f"It says exempt, and {message}") in found(pebble)


def test_what_is_left_out_and_done_already_is_to_be_called_done(pebble: Pebble) -> None:
    says(exports_resume=LEFT_OUT, jobs_followed=LEFT_OUT)(pebble)
    edit("    def resume(", "    def go_on(")(pebble)
    hints = {fault.rule: fault.hint for fault in pebble.report().faults}
    assert hints["exports-resume"] == "The code does it already: write `done`."
    assert hints["jobs-followed"] == RULES["jobs-followed"].how, "there is more to do than to change the word"


@pytest.mark.parametrize("rule", [rule.name for rule in RULES.values() if not rule.exempt])
def test_a_rule_that_allows_no_exemption_gets_none(pebble: Pebble, rule: str) -> None:
    pebble.write("quality.yaml", quality(**{rule.replace("-", "_"): LEFT_OUT}))
    assert (rule, "It says exempt, and the rule allows no exemption") in found(pebble)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_to_do_is_taken_at_its_word_and_lowers_the_tier(pebble: Pebble, rule: str) -> None:
    pebble.write("quality.yaml", quality(**{rule.replace("-", "_"): "todo"}))
    report = pebble.report()
    assert report.faults == ()
    assert report.tier == RULES[rule].tier - 1
    assert report.missing == (RULES[rule],)
    assert report.sound is (report.tier >= Tier.BRONZE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "It holds no keys"),
        ("- done\n", "It holds no keys"),
        ("rules: [\n", "Line 2: "),
        ("rules: {}\nrules: {}\n", "Line 2: rules stands twice"),
        ("rules:\n  rectify: done\n  rectify: todo\n", "Line 3: rectify stands twice"),
        ("rules: !!python/object/apply:os.getcwd []\n", "Line 1: could not determine a constructor"),
        ("owner: a\n", "`rules` does not map rules to what is said of them"),
        ("rules: done\n", "`rules` does not map rules to what is said of them"),
        ("rules: {}\nowner: [a]\n", "`owner` is no text"),
        ("rules: {}\nverified: last year\n", "`verified` is no date"),
        ("rules: {}\nverified: 2026-13-45\n", "It is no YAML"),
        ("rules: {}\nversion: 2026-03-02\n", "There is no key version"),
        ("rules: {no-such-rule: done}\n", "There is no rule no-such-rule"),
        ("\x07", "It is no YAML"),
        ("owner: &a x\nrules: {}\n", "Line 1: Anchors, aliases and merge keys have no place here"),
        (BOMB, "Line 1: Anchors, aliases"),
        ("rules:\n  <<: {rectify: done}\n", "Line 2: Anchors, aliases"),
        ('rules: {"\\e[31mx": done}\n', "Line 1: A control character"),
        ('rules: {}\n"\\x9b31m": done\n', "Line 2: A control character"),
        ("owner: \u202ema\nrules: {}\n", "Line 1: A control character"),
        ("#" * 70_000, "It is longer than 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_meant_so_is_told_by_line_and_leaves_no_tier(
    pebble: Pebble, text: str, message: str
) -> None:
    pebble.write("quality.yaml", text)
    report = pebble.report()
    (fault, *_) = (fault for fault in report.faults if not fault.rule)
    assert message in fault.message
    assert fault.hint
    assert fault.page == "docs/quality/index.md"
    assert report.tier is Tier.NONE


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("exempt", "The exemption has no reason"),
        ("{status: exempt}", "The exemption has no reason"),
        ('{status: exempt, comment: " "}', "The exemption has no reason"),
        ("{status: exempt, comment: [a]}", "`status` is not done, todo or exempt, or `comment` is no text"),
        ("ready", "`status` is not done, todo or exempt, or `comment` is no text"),
        ("{status: [done]}", "`status` is not done, todo or exempt, or `comment` is no text"),
        ("{comment: Soon.}", "It is neither a word nor `status` with `comment`"),
        ("{status: done, reason: So.}", "It is neither a word nor `status` with `comment`"),
        ("yes", "It is neither a word nor `status` with `comment`"),
        ("", "It is neither a word nor `status` with `comment`"),
    ],
)
def test_what_is_said_of_a_rule_is_one_of_three_things(pebble: Pebble, said: str, message: str) -> None:
    pebble.write("quality.yaml", quality(webhooks=said))
    (fault,) = pebble.report().faults
    assert (fault.rule, fault.message, fault.page) == ("webhooks", message, "docs/quality/webhooks.md")


def test_a_reason_in_several_lines_may_have_any_language(pebble: Pebble) -> None:
    said = "\n    status: exempt\n    comment: >\n      Pebble löscht\u00a0einzeln,\n      und それだけ。"
    pebble.write("quality.yaml", quality(batch_erase=said))
    report = pebble.report()
    assert report.faults == ()
    assert report.declared.entries["batch-erase"].comment == "Pebble löscht einzeln, und それだけ。"


def test_no_name_or_reason_steers_the_terminal(pebble: Pebble) -> None:
    pebble.write("../../tests/test_\x1b[31m.py", "def (")
    ((_, message),) = found(pebble)
    assert "test_\\x1b[31m.py cannot be read" in message
    pebble.remove("../../tests/test_\x1b[31m.py")
    in_suite('@pytest.mark.xfail(reason="No.\\x1b[2J", strict=True)\n    def test_export_streams(self): ...')(pebble)
    assert [exception.reason for exception in pebble.report().exceptions] == ["No.\\x1b[2J"]


def test_a_misspelt_rule_is_guessed_and_the_right_one_is_missing(pebble: Pebble) -> None:
    pebble.edit("quality.yaml", "  webhooks: done", "  webhook: done")
    faults = pebble.report().faults
    assert [(fault.rule, fault.message) for fault in faults] == [
        ("", "There is no rule webhook"),
        ("webhooks", "The rule is missing"),
    ]
    assert "Did you mean webhooks?" in faults[0].hint


def test_without_a_file_there_is_no_tier(pebble: Pebble) -> None:
    pebble.remove("quality.yaml")
    report = pebble.report()
    assert [fault.message for fault in report.faults] == ["There is none"]
    assert report.tier is Tier.NONE


def test_a_file_in_another_encoding_is_told(pebble: Pebble) -> None:
    (pebble.folder / "quality.yaml").write_bytes("owner: Zoë\n".encode("latin-1"))
    assert found(pebble) == [("", "It is no text in UTF-8")]


def test_a_folder_in_the_files_place_is_told(pebble: Pebble) -> None:
    pebble.remove("quality.yaml")
    (pebble.folder / "quality.yaml").mkdir()
    assert found(pebble) == [("", "It cannot be read: Is a directory")]


def test_a_connector_that_breaks_when_it_is_asked_breaks_nothing_else(pebble: Pebble) -> None:
    pebble.edit(
        "processor.py",
        "        return Limits(",
        '        raise ZeroDivisionError("jane@example.org")\n        return Limits(',
    )
    report = pebble.report()
    assert [(fault.rule, fault.message) for fault in report.faults] == [
        ("hosts-and-limits-declared", "The connector raised ZeroDivisionError when it was asked")
    ]


def test_a_test_file_that_is_no_python_is_told(pebble: Pebble) -> None:
    pebble.write("../../tests/test_broken.py", "def (")
    ((rule, message),) = found(pebble)
    assert rule == "conformance-suite"
    assert message.endswith("test_broken.py cannot be read: SyntaxError")


def test_what_did_not_come_with_the_package_is_taken_on_trust_and_said(pebble: Pebble) -> None:
    for name in ("../../tests", "../../README.md", "../../pyproject.toml"):
        pebble.remove(name)
    report = pebble.report()
    assert report.tier is Tier.PLATINUM
    assert dict(report.unseen) == {
        "conformance-suite": "tests did not come with the package",
        "known-limits-documented": "README.md did not come with the package",
        "cassettes": "tests did not come with the package",
        "recorded-against-the-service": "tests did not come with the package",
    }


def test_exceptions_of_the_suite_are_read_with_their_reasons(pebble: Pebble) -> None:
    mark = '@pytest.mark.xfail(reason="Pebble keeps reviews, "\n        "by contract.", strict=True)'
    in_suite(f"{mark}\n    def test_erase_leaves_no_residue(self): ...")(pebble)
    report = pebble.report()
    assert report.faults == ()
    assert [(e.rule, e.reason) for e in report.exceptions] == [
        ("test_erase_leaves_no_residue", "Pebble keeps reviews, by contract.")
    ]


def test_a_verification_is_good_for_a_year(pebble: Pebble) -> None:
    assert pebble.report(date(2027, 1, 31)).tier is Tier.PLATINUM
    late = pebble.report(date(2027, 2, 2))
    assert [fault.rule for fault in late.faults] == ["verified-within-a-year"]
    assert late.tier is Tier.GOLD
    assert not late.sound


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["done", "status", *RULES]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rules", "owner", *RULES]), inner),
        max_leaves=12,
    )
)
def test_no_file_breaks_the_reader_or_gets_past_it(tmp_path_factory: pytest.TempPathFactory, document: object) -> None:
    path = tmp_path_factory.getbasetemp() / f"quality-{next(_numbers)}.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    declared = read(path)
    assert declared.faults or declared.entries.keys() == RULES.keys()
    path.unlink()
