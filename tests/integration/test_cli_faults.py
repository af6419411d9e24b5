"""What goes wrong at the terminal is said in words, with what to do next, and changes nothing."""

from __future__ import annotations

import base64
import json
import os
import resource
import secrets
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hub.testing.canary import Canary
from tests.integration.conftest import Services
from tests.integration.terminal import HUB, Ended, Terminal

CANARY = "zq.canary.person@example.org"
REQUEST = ("request", "--right", "erasure", "--verified-by", "portal", "--email", CANARY)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but locks, the database's scratch, and a month's key, made before its first use."""
    passing = ("lock", "hub.db-", "20")
    files = (path for path in folder.rglob("*") if path.is_file() and not any(part in path.name for part in passing))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(terminal: Terminal, *arguments: str, says: str, hint: str, stdin: str = "") -> Ended:
    """A command ends with 2, says what is wrong and what to do, in words and in JSON, and changes nothing."""
    before = contents(terminal.home)
    ended = terminal(*arguments, "--json", stdin=stdin)
    assert ended.code == 2, ended.err
    assert says in ended.err
    assert hint in ended.err
    assert "Traceback" not in ended.err
    error = ended.json
    assert error["schema"] == "subject-request-hub/error/v1"
    assert (says in error["message"], hint in error["hint"]) == (True, True)
    assert contents(terminal.home) == before
    assert Canary([CANARY]).search_bytes((ended.out + ended.err).encode()) == []
    return ended


def test_no_hub_there(tmp_path: Path) -> None:
    nowhere = Terminal(tmp_path / "nowhere")
    ended = nowhere("list")
    assert (ended.code, "hub init" in ended.err) == (2, True)
    assert not nowhere.home.exists()


def test_a_missing_key(empty: Terminal) -> None:
    (empty.home / "keys" / "kek").unlink()
    refused(empty, *REQUEST, says="The key-encryption key is missing", hint="Restore it from where you keep it")


def test_a_wrong_key(empty: Terminal) -> None:
    (empty.home / "keys" / "kek").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    refused(empty, *REQUEST, says="is not the one that", hint="again; nothing was changed")


def test_a_newer_database(empty: Terminal) -> None:
    with closing(sqlite3.connect(empty.home / "hub.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused(empty, "list", says="newer version of the hub", hint="Install the newer version again")


def _with_a_system(home: Path) -> None:
    """A hub that could ask somebody: a request is refused otherwise, before anything is written."""
    with (home / "hub.toml").open("a") as file:
        file.write('\n[register.front_desk]\nmode = "manual"\n')


def test_a_database_that_another_process_locks(empty: Terminal) -> None:
    _with_a_system(empty.home)
    with closing(sqlite3.connect(empty.home / "hub.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(empty, "pause", "newsletter", says="There is no instance newsletter", hint="hub connectors")
        refused(empty, *REQUEST, says="keeps the database locked", hint="Let the other hub process finish")


def test_a_disk_that_takes_no_more(empty: Terminal) -> None:
    """The process may write no file beyond 16 kB: the write-ahead log of a request needs more."""
    _with_a_system(empty.home)
    empty.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # a truncated .pyc would outlive the test

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))

    ended = empty.apart(*REQUEST, preexec_fn=limit)
    assert ended.code == 2
    assert "disk" in ended.err
    assert "Traceback" not in ended.err
    assert empty("list", "--json").json["requests"] == []


def test_two_processes_on_one_data_folder(hub: Terminal) -> None:
    with hub.serving() as serving:
        ended = refused(hub, "serve", says="carries requests out on this data folder already", hint="hub watch")
        assert str(serving.pid) in ended.err
        objection = ("--right", "objection", "--verified-by", "portal", "--email", CANARY)
        followed = hub("run", *objection)
        assert f"Process {serving.pid} carries requests out" in followed.err
        assert "nothing held" in followed.out or "not possible here" in followed.out, followed.out


PLUGINS: dict[str, tuple[str, str]] = {
    "raises": ("raise RuntimeError('secret text')", "It raised RuntimeError while loading"),
    "misspells": (
        "from hub import hookimpl\n@hookimpl\ndef hub_procesors():\n    return []\n",
        "hub_procesors",
    ),
}


@pytest.mark.parametrize("fault", PLUGINS)
def test_a_broken_plugin_or_a_misspelt_hook(empty: Terminal, tmp_path: Path, fault: str) -> None:
    source, says = PLUGINS[fault]
    package = tmp_path / "installed"
    metadata = package / "acme_hub-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hub\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[hub.connectors]\nacme = acme_plugin\n")
    (package / "acme_plugin.py").write_text(source)
    _with_a_system(empty.home)
    settings = empty.home / "hub.toml"
    settings.write_text(f'plugins = ["mailchimp", "sagepay", "acme"]\n{settings.read_text()}')
    empty.environ["PYTHONPATH"] = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])

    listed = empty.apart("list")
    assert listed.code == 0  # what works goes on
    assert "The plugin acme is left out" in listed.err
    assert says in listed.err
    assert "secret text" not in listed.err
    taken = empty.apart(*REQUEST)
    assert taken.code == 1  # it might have been the one that redacts
    assert "take acme out of `plugins`" in taken.err
    doctor = empty.apart("doctor", "--json")
    assert doctor.code == 1
    assert any(says in f["message"] and f["about"] == "plugins" for f in doctor.json["findings"])
    assert [p["plugin"] for p in empty.apart("connectors", "--json").json["problems"]] == ["acme"]


@pytest.mark.parametrize(
    ("line", "says", "hint"),
    [
        ("jurisdicton = 'uk'", "jurisdicton is no setting", "Did you mean jurisdiction?"),
        ("jurisdiction = uk", "no valid TOML", "Put texts into quotes"),
        (
            "[instances.crm]\nconnector = 'mailchimp'\napi_key = 'k-us1'",
            "is a secret and stands in hub.toml",
            "Move it",
        ),
    ],
)
def test_unknown_and_misplaced_settings(empty: Terminal, line: str, says: str, hint: str) -> None:
    settings = empty.home / "hub.toml"
    settings.write_text(f"{line}\n" if line.startswith("[") else f"{line}\n{settings.read_text()}")
    refused(empty, *REQUEST, says=says, hint=hint)


def test_a_variable_that_sets_nothing_stops_init_before_anything_is_made(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", {"HUB_JURISDICTON": "eu"})
    ended = terminal("init")
    assert (ended.code, "HUB_JURISDICTION" in ended.err) == (2, True)
    assert not terminal.home.exists()


def test_init_overwrites_nothing_and_goes_on_where_it_was_interrupted(empty: Terminal) -> None:
    refused(empty, "init", says="There is a hub in", hint="--home")
    kek = (empty.home / "keys" / "kek").read_bytes()
    (empty.home / "hub.db").unlink()
    assert empty("init").code == 0
    assert (empty.home / "keys" / "kek").read_bytes() == kek
    assert [path.stat().st_mode & 0o077 for path in [empty.home, *empty.home.rglob("*")]].count(0) > 5


USAGE: list[tuple[tuple[str, ...], str, str]] = [
    (("request", "--right", "erasure", "--email", CANARY), "identity was verified", "--verified-by"),
    (("request", "--right", "erasure", "--verified-by", "A passport", "--email", CANARY), "is no code", "id_document"),
    ((*REQUEST[:5], "--email", "zq.canary.person"), "An e-mail address is not valid", "typing errors"),
    ((*REQUEST[:5], "--phone", "0"), "A telephone number is not valid", "default_region"),
    ((*REQUEST[:5], "--id", CANARY), "--id needs NAMESPACE=VALUE", "equals sign"),
    ((*REQUEST[:5], "--id", f"CRM={CANARY}"), "needs a namespace", "SYSTEM.KIND=VALUE"),
    ((*REQUEST, "--channel", "pigeon"), "The channel is not known", "letter"),
    ((*REQUEST, "--received", "yesterday"), "is no date", "2026-03-02"),
    ((*REQUEST, "--received", "2999-01-01"), "in the future", "--received"),
    ((*REQUEST, "--set", f"email={CANARY}"), "says what is to be changed", "--set"),
    ((*REQUEST, "--set", f"colour={CANARY}"), "a field that does not exist", "postcode"),
    ((*REQUEST, "--purpose", "marketing"), "nothing is to stop", "objection"),
    ((*REQUEST, "--right", "rectification"), "neither corrected nor restricted", ""),
    ((*REQUEST, CANARY), "1 arguments too many", "hub request --help"),
    ((*REQUEST, "--emial", CANARY), "No such option", "--help"),
    ((*REQUEST[:5], "--subject", "nowhere.json"), "cannot be read", "path"),
    ((CANARY,), "There is no command of that name", "hub --help"),
    (("approv",), "There is no command called approv", "approve"),
    (("show", "0000000000000000"), "There is no such request", "hub list"),
    (("evidence", "0000000000000000"), "There is no such request", "hub list"),
    (("approve", "0000000000000000", "--digest", "0" * 12), "There is no such request", "hub list"),
    (("settle", "0000", "--result", "done"), "There is no such open task", "hub tasks"),
    (("settle", "0000", "--result", "perhaps"), "--result", "--help"),
    (("retry", "0000000000000000"), "There is no such request", "hub list"),
    (("pause", "crm"), "There is no instance crm", "hub connectors"),
    (("check", "crm"), "There is no instance crm", "hub connectors"),
    (("sandbox", "crm"), "There is no stand-in crm", "mailchimp"),
    (("export", "0000000000000000", "--output", "x.zip"), "There is no such request", "hub list"),
    (("plan",), "--right", "--help"),
    (("serve", "--log", "/nowhere/hub.log"), "The log cannot be written", "a folder that exists"),
]


@pytest.mark.parametrize(("arguments", "says", "hint"), USAGE, ids=lambda value: str(value)[:40])
def test_usage_errors(empty: Terminal, arguments: tuple[str, ...], says: str, hint: str) -> None:
    refused(empty, *arguments, says=says, hint=hint)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{{"email": "{CANARY}",', "no JSON"),
        (f'["{CANARY}"]', "no JSON object"),
        (f'{{"mail": "{CANARY}"}}', "keys that mean nothing here"),
        ("{}", "at least one identifier"),
        (f'{{"email": ["{CANARY}", 7]}}', "is a text"),
        (json.dumps({"name": f"{CANARY}\u0000"}), "control"),
    ],
)
def test_a_subject_that_cannot_be_read(empty: Terminal, text: str, says: str) -> None:
    refused(empty, *REQUEST[:5], "--subject", "-", stdin=text, says=says, hint="")


def test_a_passphrase_file_that_others_can_read(hub: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("correct horse battery staple")
    file.chmod(0o644)
    arguments = ("export", "0000", "--output", str(tmp_path / "x.zip"), "--passphrase-file", str(file))
    refused(hub, *arguments, says="is open to other users", hint="chmod 600")


def test_credentials_that_are_refused_suspend_the_instance_and_say_so(hub: Terminal, services: Services) -> None:
    hub.environ["HUB_INSTANCES__NEWSLETTER__API_KEY"] = "ffffffffffffffffffffffffffffffff-us21"
    checked = hub("check", "--json")
    assert checked.code == 1
    failed, worked = checked.json["instances"]
    assert (failed["account"], worked["error"]) == (None, None)
    assert failed["error"]["hint"]
    ended = hub("run", "--right", "objection", "--verified-by", "portal", "--email", CANARY)
    assert ended.code == 3
    assert "does not accept the credentials" in ended.out
    assert "hub resume newsletter" in ended.out
    assert "suspended (auth)" in hub("connectors").out


def change(path: str, edit: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda home: edit(home / path)


SICK: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "an open folder": (lambda home: home.chmod(0o755), "data folder", "chmod 700"),
    "an open database": (change("hub.db", lambda p: p.chmod(0o644)), "data folder", "chmod 600"),
    "no key": (change("keys/kek", Path.unlink), "keys", "Restore it"),
    "a broken key": (change("keys/ledger.key", lambda p: p.write_text("{}")), "keys", "Restore it"),
    "a bad setting": (change("hub.toml", lambda p: p.write_text("plugin = []")), "settings", "plugins"),
    "no database": (change("hub.db", lambda p: p.write_bytes(b"x" * 5000)), "journal", "restore the newest backup"),
}


@pytest.mark.parametrize("sickness", SICK)
def test_the_doctor_names_what_is_wrong_and_goes_on(empty: Terminal, sickness: str) -> None:
    spoil, about, hint = SICK[sickness]
    spoil(empty.home)
    before = contents(empty.home)
    ended = empty("doctor", "--json")
    assert ended.code == 1
    problems = [f for f in ended.json["findings"] if f["state"] == "problem"]
    assert [(f["about"], hint in f["hint"]) for f in problems] == [(about, True)], problems
    assert len(ended.json["findings"]) > 4
    assert contents(empty.home) == before


def test_the_doctor_finds_a_healthy_hub_healthy(hub: Terminal) -> None:
    ended = hub("doctor")
    assert ended.code == 0
    assert "✗" not in ended.out
    assert "A stand-in or proxy is called for: newsletter, payments" in ended.out


def test_the_doctor_notices_a_clock_that_went_back(empty: Terminal) -> None:
    _with_a_system(empty.home)
    empty(*REQUEST)
    with closing(sqlite3.connect(empty.home / "hub.db")) as connection, connection:
        connection.execute("UPDATE requests SET created = created + 86400")
    (problem,) = [f for f in empty("doctor", "--json").json["findings"] if f["state"] == "problem"]
    assert problem["about"] == "clock"


def test_a_reader_that_leaves_early_is_no_reason_for_a_traceback(empty: Terminal) -> None:
    script = f'"{HUB}" --home "{empty.home}" connectors | head -c 1'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=empty.own_environ())
    assert (done.stdout, done.stderr) == ("M", "")
