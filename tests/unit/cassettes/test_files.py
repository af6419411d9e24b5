"""Files are written whole, or not at all, and never with anything suspicious in them; and they stay as written."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from json import dumps as json_of
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from vcr.request import Request

from hub.testing.cassettes import CassetteBench, CassetteError, Cassettes
from hub.testing.cassettes.__main__ import main
from hub.testing.cassettes.exchanges import Answer
from hub.testing.cassettes.filing import About, Recording, render, write
from tests.unit.cassettes.depot import BASE, INVENTED, PERSON, REAL, Depot, Local
from tests.unit.wire.vendor import Vendor, json

ROOT = Path(__file__).parents[3]
ABOUT = About(
    "depot", "service", "subject-request-hub 0", date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC), "GB", (), ()
)
STAND_IN = {"kind": "email", "value": "ofelina.u@barodefi.example.org"}


def call(bench: CassetteBench[Depot]) -> Any:
    return bench.wire.call("GET", f"{BASE}/people", query={"email": bench.subject.emails[0]}).json


def recording(body: str = "{}", uri: str = f"{BASE}/people", asked: str = "", **headers: str) -> Recording:
    request = Request("POST", uri, asked, {"content-type": "application/json"})
    answer = Answer(200, {"content-type": "application/json"} | headers, body)
    return Recording(replace(ABOUT, subject=(STAND_IN,)), (request,), (answer,))


def test_a_file_is_readable_by_its_owner_alone_and_nothing_else_is_left(recorder: Cassettes, tmp_path: Path) -> None:
    with recorder("it", Depot, INVENTED) as bench:
        call(bench)
    assert [path.name for path in tmp_path.iterdir()] == ["it.yaml"]
    assert stat.S_IMODE((tmp_path / "it.yaml").stat().st_mode) == 0o600


def test_two_recordings_of_the_same_have_no_stand_in_in_common(recorder: Cassettes, player: Cassettes) -> None:
    subjects = []
    for _ in range(2):
        with recorder("it", Depot, INVENTED) as bench:
            call(bench)
        with player("it", Depot, INVENTED) as bench:
            call(bench)
            subjects.append(set(bench.subject.identifiers))
    assert not subjects[0] & subjects[1]


class Stop(Exception):
    """Something goes wrong."""


def stopped(bench: CassetteBench[Depot]) -> NoReturn:
    call(bench)
    raise Stop


@pytest.mark.parametrize("there", [True, False])
def test_a_test_that_fails_while_recording_writes_nothing(there: bool, recorder: Cassettes, tmp_path: Path) -> None:
    if there:
        with recorder("it", Depot, INVENTED) as bench:
            call(bench)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Stop), recorder("it", Depot, INVENTED) as bench:
        stopped(bench)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_fails_while_writing_leaves_what_was_there(
    recorder: Cassettes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorder("it", Depot, INVENTED) as bench:
        call(bench)
    before = (tmp_path / "it.yaml").read_bytes()

    def full(_: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), recorder("it", Depot, INVENTED) as bench:
        call(bench)
    assert [path.name for path in tmp_path.iterdir()] == ["it.yaml"]
    assert (tmp_path / "it.yaml").read_bytes() == before


def test_a_process_killed_while_recording_leaves_nothing(vendor: Vendor, tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from tests.unit.cassettes.depot import *
from tests.unit.wire.vendor import Vendor
with Cassettes(Path({str(tmp_path)!r}), Local(Vendor(port={vendor.port})))("it", Depot, INVENTED) as bench:
    bench.wire.call("GET", BASE + "/people", query={{"email": bench.subject.emails[0]}})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(vendor.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_called_is_nothing_recorded(recorder: Cassettes, tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="nothing was called"), recorder("it", Depot, INVENTED):
        pass
    assert list(tmp_path.iterdir()) == []


SECRETS = {
    "an e-mail address": '{"m": "somebody@elsewhere.net"}',
    "an e-mail address, escaped": '{"m": "somebody\\u0040elsewhere.net"}',
    "an e-mail address, percent-encoded": '{"m": "https://x.example/?m=somebody%40elsewhere.net"}',
    "an e-mail address, in base64": '{"m": "c29tZWJvZHlAZWxzZXdoZXJlLm5ldA=="}',
    "a telephone number": '{"m": "+44 7911 123456"}',
    "a telephone number, national": '{"m": "rang 07911 123456"}',
    "an IP address": '{"m": "81.2.69.160"}',
    "a payment card": '{"m": "4111 1111 1111 1111"}',
    "a key": '{"m": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}',
    "a token": '{"m": "q7Rt2Xw9ZbL4mKp8VnC3"}',
    "a JWT": '{"m": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}',
    "a private key": '{"m": "-----BEGIN RSA PRIVATE KEY-----"}',
    "another vendor's key": '{"m": "AIzaSyShortKey1"}',
    "a vendor's key": '{"m": "sk_live_abcdefgh"}',
}


@pytest.mark.parametrize("secret", SECRETS)
def test_the_scan_sees(secret: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], player: Cassettes) -> None:
    write(tmp_path / "it.yaml", render(recording(SECRETS[secret])))
    assert main(["scan", str(tmp_path / "it.yaml")]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "it.yaml: answer 1, m:" in shown
    assert "1 findings" in shown
    assert "elsewhere" not in shown
    with pytest.raises(CassetteError, match="holds what no cassette may hold"), player("it", Depot, INVENTED):
        pass


@pytest.mark.parametrize(
    "found",
    [
        recording(uri=f"{BASE}/people/somebody%40elsewhere.net"),
        recording(asked='{"q": "somebody@elsewhere.net"}'),
        recording(asked='{"password": "Sesame"}'),
        recording(link="<https://x.example/?m=somebody@elsewhere.net>"),
        recording(authorization="Basic eA=="),
        recording("<p somebody@elsewhere.net>x</p>"),
        recording("<p>x</p <!-- 4111 1111 1111 1111 -->"),
        recording(uri="https://81.2.69.160/people"),
        recording('{"surname": "Tollgrove", '),
        replace(recording('{"m": "415-867-5309"}'), about=replace(ABOUT, region="US")),
        replace(recording(), about=replace(ABOUT, subject=({"kind": "phone", "value": "+447911123456"},))),
    ],
    ids=[
        "address",
        "request",
        "password",
        "header",
        "header that is not kept",
        "tag",
        "comment",
        "host",
        "cut off",
        "number",
        "subject",
    ],
)
def test_the_scan_looks_everywhere(found: Recording, tmp_path: Path) -> None:
    write(tmp_path / "it.yaml", render(found))
    assert main(["scan", str(tmp_path / "it.yaml")]) == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"m": "ofelina.u@barodefi.example.org", "t": "+447700900123", "i": "198.18.4.7"}',
        '{"g": "0000000000123456789012", "u": "00000000-0000-0000-0000-117093510578"}',
        '{"at": "2025-11-20T08:30:00+00:00", "n": 1234567890123, "p": 49.5, "w": "marketing_permission_identifier_2"}',
        json_of({"md5": hashlib.md5(STAND_IN["value"].encode(), usedforsecurity=False).hexdigest()}),
        '{"f": "getT3MDetail", "u": "https://api.depot.example/v1/lists/a1b2c3d4e5/members", "v": "1.2.3"}',
    ],
)
def test_the_scan_takes_no_offence_at_stand_ins_and_words(body: str, tmp_path: Path) -> None:
    write(tmp_path / "it.yaml", render(recording(body)))
    assert main(["scan", str(tmp_path / "it.yaml")]) == 0


def test_the_scan_looks_for_a_person_where_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "her.json").write_text('{"name": "Zebedia Quorndon"}', encoding="utf-8")
    cassettes = tmp_path / "cassettes"
    write(cassettes / "it.yaml", render(recording('{"m": "zebedia+quorndon"}')))
    assert main(["scan", str(tmp_path)]) == 0
    assert main(["scan", str(tmp_path), "--subject", str(tmp_path / "her.json")]) == 1
    assert "Quorndon" not in capsys.readouterr().out


@pytest.mark.parametrize("paths", [["."], ["missing.yaml"], ["other.yaml"], ["it.yaml", "--subject", "missing.json"]])
def test_a_scan_that_cannot_be_made_says_so(
    paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").write_text("- secret: somebody@elsewhere.net\n", encoding="utf-8")
    write(tmp_path / "it.yaml", render(recording()))
    assert main(["scan", *paths]) == 2
    said = capsys.readouterr().err
    assert said.startswith("The scan could not be made: ")
    assert "elsewhere" not in said


TAMPERED: dict[str, Callable[[str], str]] = {
    "an answer": lambda text: text.replace("ok: 1", "ok: 2"),
    "a status": lambda text: text.replace("code: 200", "code: 404"),
    "who was recorded": lambda text: text.replace("recorded_from: override", "recorded_from: service"),
    "what it says": lambda text: text.replace("connector: depot", "connector: shop"),
}


@pytest.mark.parametrize("part", TAMPERED)
def test_a_file_changed_by_hand_is_refused(
    part: str, recorder: Cassettes, player: Cassettes, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.answer = lambda _: json('["ok: 1"]')
    with recorder("it", Depot, INVENTED) as bench:
        call(bench)
    path = tmp_path / "it.yaml"
    changed = TAMPERED[part](path.read_text(encoding="utf-8"))
    assert changed != path.read_text(encoding="utf-8")
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(CassetteError, match="was changed after it was recorded"), player("it", Depot, INVENTED):
        pass


def test_line_ends_are_no_change(recorder: Cassettes, player: Cassettes, tmp_path: Path) -> None:
    with recorder("it", Depot, INVENTED) as bench:
        call(bench)
    path = tmp_path / "it.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with player("it", Depot, INVENTED) as bench:
        call(bench)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "metadata: {format: 2}",
        "interactions: []",
        "a: !!python/object/apply:os.system ['x']",
        "\ud7ff\x00",
    ],
)
def test_what_is_no_cassette_is_refused_and_not_quoted(content: str, player: Cassettes, tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(content, encoding="utf-8")
    with (
        pytest.raises(CassetteError, match=r"it\.yaml is not a cassette of this version") as failed,
        player("it", Depot, INVENTED),
    ):
        pass
    assert failed.value.__cause__ is None


def test_the_account_is_not_in_the_file_and_the_tests_settings_stand_for_it(
    recorder: Cassettes, player: Cassettes, tmp_path: Path
) -> None:
    def ask(bench: CassetteBench[Depot]) -> None:
        config = bench.processor.config
        own = f"https://{config.account}.depot.example/v1/{{account}}"
        bench.wire.call("GET", own, path={"account": config.account}, query={"key": config.key.get_secret_value()})

    with recorder("it", Depot, INVENTED) as bench:
        ask(bench)
    with player("it", Depot, INVENTED) as bench:
        ask(bench)
    (interaction,) = yaml.safe_load((tmp_path / "it.yaml").read_text(encoding="utf-8"))["interactions"]
    own = "https://invented-account.depot.example/v1/invented-account"
    assert interaction["request"]["uri"] == f"{own}?key=invented-key"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (REAL | {"pages": "2"}, "The account's `pages` differs from the test's"),
        ({"pages": "many", "key": REAL["key"]}, "The connector refuses the account's settings: pages"),
        (REAL | {"keys": "x"}, "The connector refuses the account's settings: keys"),
    ],
)
def test_settings_that_nothing_can_stand_for_are_refused_before_anything_is_called(
    settings: dict[str, Any], said: str, vendor: Vendor, tmp_path: Path
) -> None:
    recorder = Cassettes(tmp_path, Local(vendor, PERSON, settings))
    with pytest.raises(CassetteError) as failed, recorder("it", Depot, INVENTED):
        pass
    assert said in str(failed.value)
    assert REAL["key"] not in str(failed.value)
    assert vendor.seen == []
