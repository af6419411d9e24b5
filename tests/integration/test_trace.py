"""`HUB_TRACE=1` tells what plugins and services were asked, and nothing of whom it was about."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import Identifier, Record, Subject, trace
from hub.errors import OutcomeUnknown, PluginFailed
from hub.plugins import load
from hub.processor import Limits
from hub.testing.canary import Canary
from hub.testing.faults import DropAfter, Fault, Status, Truncate
from hub.testing.sandbox import Answer, Request, Result, Sandbox, route
from hub.testing.town import TOWN
from hub.timepiece import SystemTime
from hub.wire import Recorder, Wire, flight
from tests.integration.conftest import Services
from tests.integration.terminal import Terminal

PERSON = [*TOWN.main.emails, *TOWN.main.phones, TOWN.main.name, "4 Mill Lane", "ZZ9 4ML"]
CANARY = "wilhelmina.canary@example.org"
ERASE = ("--right", "erasure", "--verified-by", "id_document", "--approve-as", "Ada Marsh")


@pytest.fixture
def traced(hub: Terminal) -> Terminal:
    hub.environ["HUB_TRACE"] = "1"
    return hub


def lines(text: str) -> list[str]:
    """The lines of a trace, without the time that each begins with."""
    return [re.sub(r"^trace +\d+\.\d{3}s  ", "", line) for line in text.splitlines() if line.startswith("trace ")]


def test_a_check_shows_hooks_steps_and_exchanges(traced: Terminal) -> None:
    ended = traced("check", "newsletter", "--json")
    assert (ended.code, ended.json["instances"][0]["instance"]) == (0, "newsletter")  # the answer stays clean
    said = lines(ended.err)
    assert re.fullmatch(r"hook  mailchimp hub_processors → list of 1, \d+\.\d ms", said[0])
    assert said[2] == "step  newsletter, attempt 1: check begins"
    assert re.fullmatch(
        r"wire  newsletter, attempt 1: GET /3\.0/ → 200 in \d+ ms, sent 0 B, got 224 B, via sandbox, id [0-9a-f]{32}",
        said[3],
    )
    assert re.fullmatch(r"step  newsletter, attempt 1: check → Account, \d+ ms", said[4])
    assert len(said) == 5


def test_an_error_is_shown_by_its_class_and_what_the_hub_does_about_it(traced: Terminal, services: Services) -> None:
    services.sandboxes["newsletter"].faults.add(Fault("GET /3.0/", Status(429, retry_after=7)))
    said = lines(traced("check", "newsletter").err)
    assert said[4] == "wire  newsletter, attempt 1: → RateLimited"
    assert said[5].startswith("step  newsletter, attempt 1: check → RateLimited (rate_limited: wait), ")


def test_an_answer_that_does_not_come_is_told_from_one_that_breaks_off(traced: Terminal, services: Services) -> None:
    services.sandboxes["newsletter"].faults.add(Fault("GET /3.0/", DropAfter()))
    assert "GET /3.0/ → no answer in " in "".join(lines(traced("check", "newsletter").err))
    services.sandboxes["newsletter"].faults.add(Fault("GET /3.0/", Truncate()))
    assert re.search(r"→ 200 in \d+ ms, broken off, sent", "".join(lines(traced("check", "newsletter").err)))


def test_a_whole_erasure_is_traced_and_names_nobody(traced: Terminal, person: str) -> None:
    ended = traced.apart("run", *ERASE, "--subject", person, "--json")
    said = lines(ended.err)
    begun = [line.partition(": ")[2] for line in said if line.startswith("step  newsletter") and "begins" in line]
    assert begun[0] == "find begins"
    assert {"erase of holding 1 begins", "confirm erase of holding 1 begins"} <= set(begun)
    assert any(re.search(r"confirm erase of holding 1 → Gone, \d+ ms", line) for line in said)
    assert any(line.startswith("wire  payments, attempt 1: POST /access/access.htm → 200") for line in said)
    secrets = [value for name, value in traced.environ.items() if name.startswith("HUB_INSTANCES__")]
    assert Canary([*PERSON, *secrets]).search_bytes(ended.err.encode()) == []


@pytest.mark.parametrize("value", ["", "0", None])
def test_without_it_nothing_is_traced(hub: Terminal, value: str | None) -> None:
    hub.environ |= {} if value is None else {"HUB_TRACE": value}
    ended = hub("check")
    assert (ended.code, ended.err) == (0, "")


def test_a_value_that_is_neither_yes_nor_no_is_refused(hub: Terminal) -> None:
    hub.environ["HUB_TRACE"] = "yes"
    ended = hub("check", "--json")
    assert (ended.code, ended.json["message"]) == (2, "HUB_TRACE is neither 1 nor 0")


NOSY = f"""
import hub

class Wilhelmina(Exception):
    pass

@hub.hookimpl
def hub_processors():
    return []

@hub.hookimpl
def hub_enrichers():
    return [lambda subject: [hub.Identifier.email("{CANARY}")]]

@hub.hookimpl
def hub_redactors():
    def redact(record):
        raise Wilhelmina("{CANARY}")
    return [redact]

@hub.hookimpl
def hub_sandboxes():
    raise type("{CANARY}", (Exception,), {{}})("{CANARY}")

@hub.hookimpl
def hub_on_event(event):
    if event["type"] == "fails":
        raise KeyError("{CANARY}")
    return "{CANARY}"
"""


def test_hooks_are_shown_by_the_kind_of_their_answer_and_the_class_of_their_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nosy_plugin_of_the_trace.py").write_text(NOSY)
    stream = StringIO()
    with trace.tracing(stream):
        plugins = load(["nosy"], [EntryPoint("nosy", "nosy_plugin_of_the_trace", "hub.connectors")])
    sys.modules.pop("nosy_plugin_of_the_trace")
    plugins.observe({"type": CANARY})  # after the command's own thread has said good-bye: it is traced all the same
    plugins.observe({"type": "fails"})
    plugins.sandboxes()
    plugins.enrich(Subject((Identifier.email(CANARY),)))
    with pytest.raises(PluginFailed):
        plugins.redact(Record("contact", {"email": CANARY}))
    said = [line.rpartition(", ")[0] for line in lines(stream.getvalue())]
    assert said == [
        "hook  nosy hub_processors → list of 0",
        "hook  nosy hub_enrichers → list of 1",
        "hook  nosy hub_redactors → list of 1",
        "hook  nosy hub_on_event → str",
        "hook  nosy hub_on_event → raised KeyError",
        "hook  nosy hub_sandboxes → raised (…)",
        "hook  nosy hub_enrichers → list of 1",
        "hook  nosy hub_redactors → raised Wilhelmina",
    ]


class Parrot(Sandbox):
    """A service that repeats what it is told, in the header where its ids of calls stand and in its body."""

    name = "parrot"

    @route("GET", "/people/{id}")
    @route("POST", "/people/{id}")
    def people(self, request: Request) -> Result:
        return Answer(200, {"said": request.params["id"]}, {"X-Request-Id": request.params["id"], "X-Said": CANARY})


@pytest.fixture
def parrot() -> Iterator[Wire]:
    with (
        Parrot().serve() as running,
        Wire(
            instance="parrot",
            limits=Limits(("api.parrot.example",)),
            clock=SystemTime(),
            via=running.url,
            allow_private=True,
        ) as wire,
    ):
        yield wire


TOLD = [CANARY, "4111111111111111", "+447700900142", "0c4f3e1a-9d7b-22ce-0c4f-3e1a9d7b22ce", "Wilhelmina Canary"]


@pytest.mark.parametrize("value", TOLD)
def test_a_service_that_echoes_and_a_connector_that_passes_paths_for_templates_tell_the_trace_nothing(
    parrot: Wire, value: str
) -> None:
    stream = StringIO()
    with trace.tracing(stream):
        recorder = Recorder(None, lambda: None, watchers=trace.watch()("parrot", "find", 1))
    url = httpx.URL("https://api.parrot.example").copy_with(path=f"/people/{value}")
    passed: Mapping[str, Any] = {"params": {"q": value}, "headers": {"X-Key": value.encode()}, "json": {"email": value}}
    with flight(recorder):
        answer = parrot.send(httpx.Request("POST", url, **passed), template=url.path)
        assert value in answer.text
        with pytest.raises(OutcomeUnknown):
            parrot.judge(answer, 204)
    recorder.landed(ValueError(value))
    said = stream.getvalue()
    assert "POST /people/(…) → 200 in" in said
    assert "→ OutcomeUnknown" in said
    assert "ValueError (bug: fail)" in said
    said = re.sub(r", id [0-9a-f-]{32,36}$", "", said, flags=re.MULTILINE)  # what is made as ids of calls are is shown
    assert Canary([value, CANARY]).search_bytes(said.encode()) == []


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("/v1/people/Margaret/Hollis/LS213AB", "/v1/people/(…)/(…)/(…)"),
        ("/q=Margaret+Hollis;city=Otley", "/(…)"),
        ("/people/margaret1962", "/people/(…)"),
        ("/people/1962", "/people/(…)"),
        ("/people/margaret.hollis.of.rosebank", "/people/(…)"),
        ("/3.0/lists/{list_id}/actions/delete-permanent", "/3.0/lists/{list_id}/actions/delete-permanent"),
        ("/access/access.htm", "/access/access.htm"),
        ("/v1/people/{id}:forget/{kind}.json", "/v1/people/{id}:forget/{kind}.json"),
        ("/people/{id}:Hollis", "/people/(…)"),
    ],
)
def test_of_a_template_only_what_a_route_is_made_of_is_shown(template: str, shown: str) -> None:
    assert trace.template_shown(template) == shown


def test_a_word_that_is_known_of_the_person_is_no_route() -> None:
    known = ["Margaret Hollis", "m.hollis@post.example"]
    assert trace.template_shown("/people/margaret/mrs.hollis/orders", known) == "/people/(…)/(…)/orders"


def test_a_stream_that_takes_no_more_costs_lines_and_not_the_work(parrot: Wire) -> None:
    stream = StringIO()
    with trace.tracing(stream):
        recorder = Recorder(None, lambda: None, watchers=trace.watch()("parrot", "find", 1))
    stream.close()
    with flight(recorder):
        parrot.call("GET", "https://api.parrot.example/people/{id}", path={"id": "7"})
    assert [exchange.status for exchange in recorder.exchanges] == [200]
