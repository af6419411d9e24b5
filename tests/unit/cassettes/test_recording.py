"""How an author records: the option, the account in the environment, and what a service needs said about itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hub.testing.cassettes import CassetteError, Cassettes, FromService
from hub.testing.cassettes.shapes import shape
from hub.timepiece import ManualTime
from tests.unit.cassettes.depot import BASE, INVENTED, NEIGHBOUR, PERSON, REAL, Depot, Local
from tests.unit.wire.vendor import Vendor
from tests.unit.wire.vendor import json as said

ROOT = Path(__file__).parents[3]
ENVIRON = {"HUB_INSTANCES__DEPOT__KEY": REAL["key"], "HUB_INSTANCES__OTHER__KEY": "another"}
HER = {"email": PERSON.emails[0], "name": PERSON.names[0]}
TEST = """
from pathlib import Path
import pytest
from hub.testing.cassettes import Cassettes, FromSandbox
from tests.unit.cassettes.depot import BASE, INVENTED, Depot
from tests.unit.cassettes.test_replay import DepotSandbox

@pytest.fixture
def record_from():
    return FromSandbox(DepotSandbox)

def test_it(cassette: Cassettes):
    with cassette("lists", Depot, INVENTED) as bench:
        assert bench.wire.call("GET", BASE + "/v1/lists", query={"q": bench.subject.emails[0]}).json == {"lists": []}
"""


def run(folder: Path, *options: str, test: str = TEST, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "HUB_", "CI"))}
    clean |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200", **environ}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)


def test_an_author_records_once_and_replays_from_then_on(tmp_path: Path) -> None:
    missing = run(tmp_path)
    assert missing.returncode == 1
    assert "There is no cassette lists.yaml" in missing.stdout
    assert "1 passed" in run(tmp_path, "--record").stdout
    written = (tmp_path / "cassettes" / "lists.yaml").read_bytes()
    assert "1 passed" in run(tmp_path).stdout
    assert (tmp_path / "cassettes" / "lists.yaml").read_bytes() == written


def test_without_an_account_recording_says_what_to_set_and_calls_nobody(tmp_path: Path) -> None:
    without = TEST.replace("@pytest.fixture\ndef record_from", "def unused")
    failed = run(tmp_path, "--record", test=without)
    assert failed.returncode == 1
    shown = " ".join(failed.stdout.split())
    assert "The environment names no account to record from" in shown
    assert "HUB_INSTANCES__DEPOT__KEY" in shown


def person(folder: Path, document: Any = HER) -> Path:
    (folder / "her.json").write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return folder / "her.json"


def test_the_account_and_the_person_come_from_outside_the_test(tmp_path: Path) -> None:
    with FromService(person(tmp_path), environ=ENVIRON).open(Depot) as origin:
        assert origin.settings == {"key": REAL["key"]}
        assert origin.via is None
        assert origin.subject.emails == PERSON.emails
    with FromService(person(tmp_path), "other", environ=ENVIRON).open(Depot) as origin:
        assert origin.settings == {"key": "another"}
        assert REAL["key"] not in repr(origin)
        assert PERSON.emails[0] not in repr(origin)


def test_waits_for_a_service_are_real_and_show_on_the_clock(tmp_path: Path) -> None:
    with FromService(person(tmp_path), environ=ENVIRON).open(Depot) as origin:
        began, real = origin.clock.now(), time.monotonic()
        origin.clock.sleep(0.01)
        assert time.monotonic() - real >= 0.01
        assert (origin.clock.now() - began).total_seconds() == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("environ", "document", "reason"),
    [
        ({}, HER, "names no account"),
        ({"HUB_INSTANCES__DEPOT__KEYS": "x"}, HER, "no setting for HUB_INSTANCES__DEPOT__KEYS"),
        (ENVIRON, None, "Nobody is named whose data is to be recorded"),
        (ENVIRON, "{", "JSONDecodeError"),
        (ENVIRON, {"mail": PERSON.emails[0]}, "The subject has keys that mean nothing here"),
        (ENVIRON, {"email": "zebedia at home"}, "An e-mail address is not valid"),
    ],
)
def test_what_is_missing_to_record_is_said_and_nothing_is_quoted(
    environ: dict[str, str], document: Any, reason: str, tmp_path: Path
) -> None:
    subject = None if document is None else person(tmp_path, document)
    with (
        pytest.raises(CassetteError, match=reason) as failed,
        FromService(subject, environ=environ).open(Depot),
    ):
        pass
    assert "zebedia" not in str(failed.value)
    assert "→" in str(failed.value)


def test_a_test_that_holds_the_real_key_is_not_recorded(tmp_path: Path) -> None:
    recorder = Cassettes(tmp_path, FromService(person(tmp_path), environ=ENVIRON))
    with pytest.raises(CassetteError, match="the account's real `key`") as failed, recorder("it", Depot, REAL):
        pass
    assert REAL["key"] not in str(failed.value)


def show(cassettes: Cassettes, **options: Any) -> Any:
    with cassettes("it", Depot, INVENTED, **options) as bench:
        return bench.wire.call("GET", f"{BASE}/people").json


def test_fields_that_only_the_author_knows_are_named(recorder: Cassettes, player: Cassettes, vendor: Vendor) -> None:
    vendor.answer = lambda _: said('{"Spitzname": "Knuffel", "slug": "knuffel-1", "colour": "red"}')
    show(recorder, personal={"spitzname": "name"})
    shown = show(player)
    assert "knuffel" not in str(shown).lower()
    assert shown["slug"] == f"{shown['Spitzname'].lower()}-1"
    assert shown["colour"] == "red"


def test_ids_that_look_like_keys_are_kept_where_the_author_says_so(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    record = "0031t00000AbCdEAAW7z"
    vendor.answer = lambda _: said(
        json.dumps({"Id": record, "url": f"/sobjects/Contact/{record}", "mail": NEIGHBOUR[0]})
    )
    show(recorder)
    assert show(player)["Id"].startswith("0000")
    show(recorder, keep=("Id",))
    shown = show(player)
    assert (shown["Id"], shown["url"]) == (record, f"/sobjects/Contact/{record}")
    assert shown["mail"].endswith(".example.org")


def test_a_person_in_an_unknown_field_makes_it_refuse_and_say_where(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = lambda _: said(json.dumps({"odd": "nodnrouq aidebez"}))  # her name, backwards
    with pytest.raises(CassetteError) as failed:
        show(Cassettes(tmp_path, Local(vendor)))
    assert "it.yaml was not written" in str(failed.value)
    assert "backwards" in str(failed.value)
    assert "personal=" in str(failed.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "left",
    ["zquorndon", "ZebediaQuorndon7", "https://x.example/u/quorndonz", "c/o Fennimore", "%71uorndonz", "9f8e7d6c…"],
)
def test_a_word_of_the_person_and_the_beginning_of_a_secret_make_it_refuse(
    left: str, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.answer = lambda _: said(json.dumps({"odd": left}))
    with pytest.raises(CassetteError, match=r"the subject's name or street|the beginning of a secret") as failed:
        show(Cassettes(tmp_path, Local(vendor)))
    assert left not in str(failed.value)
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_in_every_address_do_not_make_it_refuse(recorder: Cassettes, vendor: Vendor) -> None:
    vendor.answer = lambda _: said(json.dumps({"passageNumber": 1, "odd": "9f8e7d"}))
    show(recorder)


def test_shapes_compare_recordings_whatever_their_stand_ins(local: Local, vendor: Vendor, tmp_path: Path) -> None:
    def record(name: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        vendor.answer = lambda _: said(json.dumps(rows))
        with Cassettes(tmp_path, local)(name, Depot, INVENTED) as bench:
            bench.wire.call("GET", f"{BASE}/v1/{{id}}", path={"id": bench.subject.emails[0]}, query={"page": 1})
        return shape(tmp_path / f"{name}.yaml")

    row = {"email": NEIGHBOUR[0], "count": 2}
    assert record("a", row, row) == record("b", row | {"count": 3})
    assert record("a", row) != record("b", row | {"more": None})
    assert record("a", row) != record("b", row | {"count": "2"})
    (only,) = record("a", row)
    assert only == {
        "call": "GET /v1/{…}",
        "query": ["page"],
        "asked": False,
        "status": 200,
        "answered": [{"email": "str", "count": "int"}],
    }


def test_the_clock_of_a_recording_can_be_moved_as_a_test_needs_it(recorder: Cassettes, player: Cassettes) -> None:
    for cassettes in (recorder, player):
        with cassettes("it", Depot, INVENTED) as bench:
            assert isinstance(bench.clock, ManualTime)
            bench.wire.call("GET", f"{BASE}/at/{{time}}", path={"time": bench.clock.now().date().isoformat()})
