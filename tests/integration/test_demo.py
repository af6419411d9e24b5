"""The demonstration is real, honest, and leaves nothing of the person behind, in its folder or in what it says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import pyzipper

from hub.testing.canary import Canary, values_of
from tests.integration.terminal import HUB, Ended, Terminal, fits


def demonstrate(folder: Path, *arguments: str | Path, environ: dict[str, str] | None = None) -> Ended:
    """Run `hub demo` in a process of its own, in that working folder."""
    done = subprocess.run(
        [HUB, "demo", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A demonstration told to a person, in a folder of its own."""
    folder = tmp_path_factory.mktemp("told")
    return folder, demonstrate(folder)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A demonstration with --json, in a data folder that is named."""
    folder = tmp_path_factory.mktemp("counted") / "hub"
    return folder, demonstrate(folder.parent, "--home", folder, "--json")


def test_it_ends_well_and_says_what_it_was(told: tuple[Path, Ended]) -> None:
    folder, ended = told
    assert (ended.code, ended.err) == (0, "")
    assert (folder / ".hub" / "demo-1" / "hub.db").exists()
    for said in (
        "taught her second address",
        "erased, read back as gone",
        "kept until 20",
        "left alone: decided to be somebody else's",
        "Ada Marsh, DPO approved what was found",
        "done by hand; evidence attached",
        "excluded: no personal data",
        "exactly what the hub calls erased (11)",
        "nothing else has changed",
        "This ran against local stand-ins",
        f"{HUB} list --home {folder / '.hub' / 'demo-1'}",  # which PATH need not find
    ):
        assert said in " ".join(ended.out.split()), said
    assert "OTHERS HAVE CHANGED" not in ended.out


def test_one_object_tells_programs_what_became_of_both_requests(counted: tuple[Path, Ended]) -> None:
    folder, ended = counted
    assert ended.code == 0, ended.err
    story = json.loads(ended.out)
    fits(story["schema"])(story)
    assert story["home"] == str(folder)
    access, erasure = story["requests"]
    assert (access["right"], access["verdict"], access["state"]) == ("access", "with_exceptions", "closed")
    assert (erasure["right"], erasure["verdict"], erasure["state"]) == ("erasure", "with_exceptions", "closed")
    assert [(t["instance"], t["outcome"], t["confirmation"]) for t in erasure["tracks"]] == [
        ("newsletter", "done", "gone"),
        ("payments", "partial", "gone"),
    ]
    assert {t["outcome"] for t in access["tracks"]} == {"done"}
    assert access["delivered"] is not None


def holdings_of(view: dict) -> list[tuple[str, str, str | None, Sequence[str]]]:
    return [
        (t["instance"], h["kind"], h["decision"], [s["outcome"] for s in h["steps"] if s["operation"] == "erase"])
        for t in view["tracks"]
        for h in t["holdings"]
    ]


def test_every_holding_has_its_answer(counted: tuple[Path, Ended]) -> None:
    holdings = holdings_of(json.loads(counted[1].out)["requests"][1])
    newsletter = [outcome for name, _, _, outcome in holdings if name == "newsletter"]
    assert newsletter == [["done"]] * 11  # three of them only her second address leads to
    transactions = [(decision, outcome) for _, kind, decision, outcome in holdings if kind == "transaction"]
    assert all(outcome == ([] if decision == "not_hers" else ["retained"]) for decision, outcome in transactions)
    assert ("token", None, ["done"]) in [(kind, decision, outcome) for _, kind, decision, outcome in holdings]
    assert ("token", "not_hers", []) in [(kind, decision, outcome) for _, kind, decision, outcome in holdings]


@pytest.mark.parametrize("which", ["told", "counted"])
def test_nothing_of_the_person_is_left(which: str, request: pytest.FixtureRequest, counted: tuple[Path, Ended]) -> None:
    folder, ended = request.getfixturevalue(which)
    values = values_of(json.loads(counted[1].out)["person"])
    assert len(values) > 6
    canary = Canary(values)
    assert canary.search(folder) == []
    assert canary.search_bytes(ended.err.encode()) == []
    if which == "told":
        assert canary.search_bytes(ended.out.encode()) == []
    else:
        assert canary.search_bytes(ended.out.encode()) != []  # `person` is there to be searched for


def test_the_copy_opens_with_the_passphrase_that_is_kept_nowhere(counted: tuple[Path, Ended]) -> None:
    folder, ended = counted
    secret = ended.err.partition("stored nowhere: ")[2].split()[0]
    (copy,) = folder.glob("copy-*.zip")
    with pyzipper.AESZipFile(copy) as archive:
        assert all(info.flag_bits & 1 for info in archive.infolist())
        archive.setpassword(secret.encode())
        page = archive.read("index.html").decode()
        manifest = json.loads(archive.read("manifest.json"))
    assert "Ottoline" in page
    assert "Otto Quillfeather" not in page
    assert {source["instance"]: source["complete"] for source in manifest["sources"]} == {
        "newsletter": True,
        "payments": False,  # a search by name alone may miss some of hers, and the copy says so
        "visitor_cards": False,
    }
    assert Canary([secret]).search(folder) == []


def test_the_folder_it_leaves_is_a_hub_like_any_other(counted: tuple[Path, Ended]) -> None:
    folder, ended = counted
    request = json.loads(ended.out)["requests"][1]["id"]
    terminal = Terminal(folder)
    assert terminal("doctor").code == 0
    shown = terminal("show", request)
    assert (shown.code, "erased, read back as gone" in shown.out) == (0, True)
    events = [json.loads(line) for line in terminal("evidence", request, "--json").out.splitlines()]
    assert {x["via"] for event in events for x in event.get("exchanges", ())} == {"sandbox"}
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}
    assert len(list(folder.glob(f"evidence-{request}/*.json"))) == len(events)


def test_it_touches_no_other_hub(tmp_path: Path, empty: Terminal) -> None:
    before = {path: path.read_bytes() for path in empty.home.rglob("*") if path.is_file()}
    refused = demonstrate(tmp_path, "--home", empty.home)
    assert (refused.code, "is not empty" in refused.err) == (2, True)
    beside = demonstrate(tmp_path, environ={"HUB_HOME": str(empty.home), "HUB_INSTANCES__CRM__API_KEY": "secret"})
    assert beside.code == 0, beside.err
    assert {path: path.read_bytes() for path in empty.home.rglob("*") if path.is_file()} == before


def test_a_place_where_no_folder_can_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / ".hub").touch()
    ended = demonstrate(tmp_path)
    assert (ended.code, "hub demo --home DIR" in ended.err) == (2, True)
