"""`hub new-connector`: what it writes works at once under any name, and what it refuses leaves everything as it was."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import UsageError
from hub.scaffold.names import LONGEST, checked
from hub.scaffold.rendering import IN_CHECKOUT, STANDALONE, rendered, sources
from tests.integration.terminal import Ended, Terminal

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "hub/scaffold"
RUFF = Path(sys.executable).with_name("ruff")
IN_ORDER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Short and long, with many words and with one: lines grow and shrink, and classes sort before or behind others.
NAMES = [
    "x",
    "aa",
    "zz9",
    "a_b_c_d_e_f_g_h_i_j_k_l",
    "z" * LONGEST,
    "larkspur_crm",
    "hub",
    "pebble",
    "pebble_two",
    "wire",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What of a checkout the command looks at."""
    (tmp_path / "checkout/connectors").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "no-data-folder-is-needed")


def tree(folder: Path) -> dict[str, str]:
    """Every file and what is in it; hidden ones too."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def told(ended: Ended) -> str:
    assert (ended.code, ended.out) == (2, "")
    return " ".join(ended.err.split())


def with_entry_point(folder: Path, name: str, module: str) -> None:
    """What installing leaves behind, so that the connector counts as installed where `folder` is on the path."""
    made = folder / f"{name}-0.1.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (made / "entry_points.txt").write_text(f"[hub.connectors]\n{name} = {module}\n")


def suite(tests: Path, *path: Path) -> subprocess.CompletedProcess[str]:
    """Some rules of the suite: enough to see that all parts find each other. tests/meta/test_example.py runs all."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", tests]
    rules = ["-k", "plugin or check_ or find_reads or erase_leaves"]
    return subprocess.run([*command, *rules], cwd=tests, env=environ, capture_output=True, text=True, check=False)


# what is written


def test_in_a_checkout_it_stands_beside_the_others_and_passes_the_suite(
    checkout: Path, terminal: Terminal, tmp_path: Path
) -> None:
    before = (checkout / "pyproject.toml").read_text()
    ended = terminal("new-connector", "larkspur_crm", "--into", str(checkout / "connectors"))
    assert ended.code == 0
    assert sorted(tree(checkout / "connectors")) == [
        "larkspur_crm/README.md",
        "larkspur_crm/__init__.py",
        "larkspur_crm/processor.py",
        "larkspur_crm/quality.yaml",
        "larkspur_crm/sandbox.py",
        "larkspur_crm/tests/test_larkspur_crm.py",
    ]
    after = (checkout / "pyproject.toml").read_text().splitlines(keepends=True)
    after.remove('larkspur_crm = "connectors.larkspur_crm"\n')
    assert "".join(after) == before, "one line more, and nothing else"
    with_entry_point(tmp_path / "site", "larkspur_crm", "connectors.larkspur_crm")
    done = suite(checkout / "connectors/larkspur_crm/tests", checkout, tmp_path / "site")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_project_of_its_own_passes_the_suite(tmp_path: Path, terminal: Terminal) -> None:
    answer = terminal("new-connector", "larkspur_crm", "--standalone", "--into", str(tmp_path), "--json").json
    made = tmp_path / "hub-connector-larkspur_crm"
    assert answer["folder"] == str(made)
    assert sorted(answer["made"]) == sorted(str(made / name) for name in tree(made))
    assert answer["changed"] == []
    with_entry_point(tmp_path / "site", "larkspur_crm", "hub_connector_larkspur_crm")
    done = suite(made / "tests", made / "src", tmp_path / "site")
    assert done.returncode == 0, done.stdout


def test_it_says_what_comes_next(
    checkout: Path, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = terminal("new-connector", "acme", "--into", "checkout").out
    assert "Next:\n  pip install -e ./checkout\n  pytest ./checkout/connectors/acme\n" in here
    assert here.endswith("hub quality acme says what is left to write.\n")
    (tmp_path / "my work").mkdir()
    apart = terminal("new-connector", "acme", "--standalone", "--into", "my work").out
    assert "Next:\n  pip install -e './my work/hub-connector-acme'\n  pytest './my work/hub-connector-acme'\n" in apart


def test_what_is_written_is_everybodys_to_read(tmp_path: Path, terminal: Terminal) -> None:
    assert terminal.apart("new-connector", "acme", "--standalone", cwd=tmp_path).code == 0
    made = tmp_path / "hub-connector-acme"
    for path in (made, *made.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_style_is_kept_under_every_name(checkout: Path, tmp_path: Path) -> None:
    """Lines that grow, or shrink, and imports that change places: ruff has nothing to say of any of them."""
    (checkout / "hub").symlink_to(ROOT / "hub")  # what is there is the project's own, and sorted apart
    for word in NAMES:
        name = checked(word, (), sources())
        for folder, layout in ((checkout, IN_CHECKOUT), (tmp_path / f"apart/{word}", STANDALONE)):
            for path, text in rendered(name, layout).items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
    for folder in (checkout / "connectors", tmp_path / "apart"):
        for check in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
            done = subprocess.run([RUFF, *check, folder], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


@given(st.from_regex(IN_ORDER, fullmatch=True).filter(lambda word: len(word) <= LONGEST))
def test_nothing_of_the_invented_service_is_left(word: str) -> None:
    try:
        name = checked(word, (), sources())
    except UsageError:
        return
    for layout in (IN_CHECKOUT, STANDALONE):
        files = rendered(name, layout)
        for path, text in files.items():
            assert "pebble" not in f"{path}\n{text}".lower().replace(word, "").replace(name.camel.lower(), "")
            assert "hub.scaffold" not in text
            if path.endswith(".py"):
                compile(text, path, "exec")
        assert f"class {name.camel}(hub.Processor" in "".join(files.values())


@pytest.mark.parametrize("name", ["aaa", "mailchimq", "nnn", "zzz"])
def test_the_entry_point_finds_its_place(checkout: Path, terminal: Terminal, name: str) -> None:
    before = tomllib.loads((checkout / "pyproject.toml").read_text())
    assert terminal("new-connector", name, "--into", str(checkout)).code == 0
    after = tomllib.loads((checkout / "pyproject.toml").read_text())
    points = after["project"]["entry-points"]["hub.connectors"]
    assert list(points) == sorted(points)
    assert points.pop(name) == f"connectors.{name}"
    assert after == before


TABLE = '[project.entry-points."hub.connectors"]'
TEXT = f'[tool.x]\ntext = """\n{TABLE}\n"""\n'
PROJECT = '[project]\nname = "subject-request-hub"\n'


@pytest.mark.parametrize(
    ("before", "above", "below"),
    [
        (f"{PROJECT}{TABLE}", "\n", ""),
        (f'{PROJECT}{TABLE}\nabc = "x"', "\n", ""),
        (f"{PROJECT}{TABLE} # ours\n", "", "[tool.y]\n"),
        (f"{PROJECT}[ project . 'entry-points' . 'hub.connectors' ]\n", "", '"xyz" = "x"\n'),
        (f"{PROJECT}{TABLE}\n\"abc\" = 'x'\n", "", ""),
        (f'{PROJECT}{TABLE}\na = """\n0 = 1\n"""\n', "", ""),
        (f"{TEXT}{PROJECT}{TABLE}\n", "", ""),
        (f"{PROJECT}{TABLE}\n", "", TEXT),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_however_it_is_written_gets_one_line_more(
    checkout: Path, terminal: Terminal, before: str, above: str, below: str, end: str
) -> None:
    project = checkout / "pyproject.toml"
    project.write_bytes(f"{before}{below}".replace("\n", end).encode())
    assert terminal("new-connector", "acme", "--into", str(checkout)).code == 0
    points = tomllib.loads(project.read_text())["project"]["entry-points"]["hub.connectors"]
    assert points["acme"] == "connectors.acme"
    line = f'{above}acme = "connectors.acme"\n'
    written = project.read_bytes().decode()
    assert written.replace(line.replace("\n", end), "") == f"{before}{below}".replace("\n", end)


def test_a_link_to_the_file_stays_one(checkout: Path, terminal: Terminal, tmp_path: Path) -> None:
    elsewhere = (checkout / "pyproject.toml").rename(tmp_path / "elsewhere.toml")
    (checkout / "pyproject.toml").symlink_to(elsewhere)
    assert terminal("new-connector", "acme", "--into", str(checkout)).code == 0
    assert (checkout / "pyproject.toml").is_symlink()
    assert 'acme = "connectors.acme"' in elsewhere.read_text()


# what is refused


def test_twice_is_refused_and_leaves_the_first(checkout: Path, terminal: Terminal) -> None:
    assert terminal("new-connector", "acme", "--into", str(checkout)).code == 0
    before = tree(checkout)
    assert "has an entry point acme already" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    (checkout / "connectors/acme/README.md").write_text("mine")
    assert "acme is there already" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    shutil.rmtree(checkout / "connectors/acme")
    assert "has an entry point acme already" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    assert tree(checkout) == {name: text for name, text in before.items() if "/acme/" not in name}


@pytest.mark.parametrize("key", ["acme", '"acme"', "'acme'"])
def test_an_entry_point_of_that_name_is_seen_however_it_is_written(
    checkout: Path, terminal: Terminal, key: str
) -> None:
    (checkout / "pyproject.toml").write_text(f'{PROJECT}{TABLE}\n{key} = "elsewhere"\n')
    before = tree(checkout)
    assert "has an entry point acme already" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    assert tree(checkout) == before


@pytest.mark.parametrize("options", [(), ("--standalone",)], ids=["checkout", "standalone"])
def test_a_link_that_leads_nowhere_is_left_alone(checkout: Path, terminal: Terminal, options: tuple[str, ...]) -> None:
    link = checkout / ("hub-connector-acme" if options else "connectors/acme")
    link.symlink_to("nowhere")
    before = tree(checkout)
    refused = told(terminal("new-connector", "acme", *options, "--into", str(checkout)))
    assert "is a link that leads nowhere" in refused
    assert link.is_symlink()
    assert tree(checkout) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("jane.doe@example.org", "That is no name for a connector"),
        ("+447700900142", "That is no name for a connector"),
        ("Acme", "That is no name for a connector"),
        ("acme-crm", "That is no name for a connector"),
        ("_acme", "That is no name for a connector"),
        ("acme_", "That is no name for a connector"),
        ("a__b", "That is no name for a connector"),
        ("1acme", "That is no name for a connector"),
        ("acmé", "That is no name for a connector"),
        ("../acme", "That is no name for a connector"),
        ("acme/x", "That is no name for a connector"),
        ("acme\n", "That is no name for a connector"),
        ("", "That is no name for a connector"),
        ("a" * (LONGEST + 1), f"at most, this one {LONGEST + 1}"),
        ("p447700900142", "holds no long number"),
        ("p_4_4_7_7_0_0", "holds no long number"),
        ("class", "class is a word of Python's own"),
        ("match", "match is a word of Python's own"),
        ("test", "would be mistaken"),
        ("testing", "would be mistaken"),
        ("service", "A class Service would be mistaken for another one"),
        ("customer", "A class Customer would be mistaken for another one"),
        ("mailchimp", "There is a connector mailchimp already"),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_made(checkout: Path, terminal: Terminal, name: str, said: str) -> None:
    before = tree(checkout)
    refused = told(terminal("new-connector", "--into", str(checkout), "--", name))
    assert said in refused
    assert "→" in refused
    assert tree(checkout) == before
    assert told(terminal("new-connector", "--standalone", "--into", str(checkout), "--", name)) == refused
    assert tree(checkout) == before


@pytest.mark.parametrize("name", ["jane.doe@example.org", "p447700900142", "Jane Doe"])
def test_a_name_that_could_be_anyones_is_never_repeated(checkout: Path, terminal: Terminal, name: str) -> None:
    for ended in (terminal("new-connector", name), terminal("new-connector", name, "--json")):
        assert name not in ended.out + ended.err


def test_a_folder_that_is_taken_is_left_alone(checkout: Path, terminal: Terminal) -> None:
    for folder in ("connectors/acme", "hub-connector-acme"):
        (checkout / folder).mkdir()
        (checkout / folder / "mine").write_text("mine")
    before = tree(checkout)
    assert "acme is there already" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    alone = told(terminal("new-connector", "acme", "--standalone", "--into", str(checkout)))
    assert "hub-connector-acme is there already" in alone
    assert tree(checkout) == before


def test_a_folder_that_is_no_checkout_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "something-else"\n')
    assert "--standalone" in told(terminal("new-connector", "acme", "--into", str(tmp_path)))
    (tmp_path / "pyproject.toml").write_text("not = [toml")
    assert "pyproject.toml is no TOML, at line 1" in told(terminal("new-connector", "acme", "--into", str(tmp_path)))
    missing = told(terminal("new-connector", "acme", "--standalone", "--into", str(tmp_path / "nowhere")))
    assert "There is no folder" in missing
    assert list(tree(tmp_path)) == ["pyproject.toml"]


def test_a_checkout_without_the_table_is_refused(checkout: Path, terminal: Terminal) -> None:
    (checkout / "pyproject.toml").write_text('[project]\nname = "subject-request-hub"\n')
    before = tree(checkout)
    assert "pyproject.toml has no table" in told(terminal("new-connector", "acme", "--into", str(checkout)))
    assert tree(checkout) == before


# what goes wrong midway


@contextlib.contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("options", [(), ("--standalone",)], ids=["checkout", "standalone"])
@pytest.mark.parametrize("room", [0, 1000, 6000])
def test_a_full_disk_leaves_nothing(checkout: Path, terminal: Terminal, options: tuple[str, ...], room: int) -> None:
    before = tree(checkout)
    with disk_with_room_for(room):
        ended = terminal("new-connector", "acme", *options, "--into", str(checkout))
    assert "cannot be written: File too large" in told(ended)
    assert tree(checkout) == before
    assert not list(checkout.glob(".new-connector-*"))


KILLED = """
import os, sys
from pathlib import Path
from hub.scaffold.writing import add_to_checkout
import hub.scaffold.names, hub.scaffold.rendering, tomllib, tempfile, shutil
left = int(sys.argv[2])
def hook(event, arguments):
    global left
    if event in {"open", "os.mkdir", "os.chmod", "os.rename", "os.remove"} and sys.argv[1] in str(arguments[0]):
        left -= 1
        if left == 0:
            os._exit(9)
sys.addaudithook(hook)
add_to_checkout("acme", Path(sys.argv[1]))
"""


def test_whenever_it_is_killed_there_is_a_whole_connector_or_none_and_the_next_run_ends_it(
    checkout: Path, terminal: Terminal
) -> None:
    before, whole = tree(checkout), None
    seen: list[tuple[bool, bool]] = []
    for moment in range(1, 100):
        ended = subprocess.run([sys.executable, "-c", KILLED, checkout, str(moment)], check=False)
        now = {name: text for name, text in tree(checkout).items() if not name.startswith(".new-connector-")}
        made = {name for name in now if name.startswith("connectors/acme/")}
        registered = now["pyproject.toml"] != before["pyproject.toml"]
        assert len(made) in {0, 6}
        assert made or not registered, "an entry point never leads nowhere"
        seen.append((bool(made), registered))
        if not registered:
            assert terminal("new-connector", "acme", "--into", str(checkout)).code == 0
            assert len(tree(checkout / "connectors/acme")) == 6
            assert 'acme = "connectors.acme"' in (checkout / "pyproject.toml").read_text()
        assert registered or not list(checkout.glob(".new-connector-*"))
        if ended.returncode == 0:
            whole = now
            break
        shutil.rmtree(checkout / "connectors/acme", ignore_errors=True)
        (checkout / "pyproject.toml").write_text(before["pyproject.toml"])
    assert whole is not None
    assert seen[0] == (False, False)
    assert (True, False) in seen, "between the two renames"
    assert len(seen) > 15


@pytest.mark.parametrize("options", [(), ("--standalone",)], ids=["checkout", "standalone"])
def test_what_a_killed_one_left_is_cleared_away_by_the_next(
    checkout: Path, terminal: Terminal, options: tuple[str, ...]
) -> None:
    subprocess.run([sys.executable, "-c", KILLED, checkout, "12"], check=False)
    assert list(checkout.glob(".new-connector-*"))
    assert terminal("new-connector", "acme", *options, "--into", str(checkout)).code == 0
    assert not list(checkout.glob(".new-connector-*"))


def test_runs_at_once_lose_nothing(checkout: Path) -> None:
    names = ["aaa", "nnn", "ooo", "zzz"]
    program = "import sys; from pathlib import Path; from hub.scaffold.writing import add_to_checkout as add"
    command = [sys.executable, "-c", f"{program}; add(sys.argv[1], Path(sys.argv[2]))"]
    running = [subprocess.Popen([*command, name, checkout]) for name in names]
    assert [each.wait() for each in running] == [0] * len(names)
    points = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["entry-points"]["hub.connectors"]
    assert points.keys() >= set(names)
    assert {path.name for path in (checkout / "connectors").iterdir()} == set(names)


def test_every_template_is_used() -> None:
    used = {*IN_CHECKOUT.values(), *STANDALONE.values()} - {""}
    there = {f"{part}/{file.name}" for part in ("pebble", "project") for file in (TEMPLATES / part).glob("[!.]*.*")}
    assert used == there
