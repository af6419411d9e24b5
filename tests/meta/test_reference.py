"""The reference is whole: every public name, every error's row, every answer; and the site fetches nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

import hub
from hub.errors import POLICY, ConnectorBug, ConnectorError
from hub.outcome import Confirmation, HubOutcome, Method, Outcome
from hub.plugins import load
from tests.meta.api.render import MODULES, public

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.md"))}
RENDERED = [name for text in PAGES.values() for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
PROCESSORS = load().processors
NOT_FOR_AUTHORS = {"Kit"}  # what the rules themselves are written with


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their marks of code."""
    section = PAGES[page].split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| `(.+) \|$", section, re.MULTILINE)
    return [[cell.strip("` ") for cell in line.split(" | ")] for line in lines]


def thing(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("name", hub.__all__)
def test_every_name_that_hub_exports_stands_in_the_reference_once(name: str) -> None:
    assert RENDERED.count(f"hub.{name}") == 1, f"Give it a place in docs/reference: `::: hub.{name}`"


@pytest.mark.parametrize("module", [module for module in MODULES if module != "hub"])
def test_every_public_name_of_the_test_kit_stands_in_the_reference(module: str) -> None:
    found = import_module(module)
    told = [thing(path) for path in RENDERED]
    classes = [name for name in public(found) if isinstance(getattr(found, name), type)]
    missing = [name for name in classes if not any(getattr(found, name) is one for one in told)]
    assert set(missing) <= NOT_FOR_AUTHORS, f"Give it a place in docs/reference/testing.md: `::: {module}.NAME`"


def test_every_error_has_its_row_and_no_other_is_listed() -> None:
    told = {name: (action, blame) for name, action, blame, *_ in rows("errors.md", "What an author raises")}
    told |= {name: (action, blame) for name, action, blame, *_ in rows("errors.md", "What the hub raises")}
    assert told == {cls.__name__: (row.action.value, row.blame.value) for cls, row in POLICY.items()}


def test_what_an_author_raises_is_what_an_author_can_import() -> None:
    told = [row[0] for row in rows("errors.md", "What an author raises")]
    theirs = [cls.__name__ for cls in POLICY if issubclass(cls, ConnectorError) and cls is not ConnectorBug]
    assert told == theirs
    assert set(told) <= set(hub.__all__)


def test_every_outcome_method_and_confirmation_is_explained() -> None:
    told = [row[0] for row in rows("outcomes.md", "What an act returns")]
    made = [kind.__name__ for kind in get_args(HubOutcome) if kind not in get_args(Outcome)]
    expected = [*(kind.__name__ for kind in get_args(Outcome)), *Method.__members__, *made]
    assert sorted(told) == sorted(expected)
    read_back = [row[0] for row in rows("outcomes.md", "What a read-back returns")]
    assert read_back == [kind.__name__ for kind in get_args(Confirmation)]


@pytest.mark.parametrize("connector", sorted(PROCESSORS))
def test_a_connectors_page_names_each_of_its_settings(connector: str) -> None:
    page = (ROOT / "connectors" / connector / "README.md").read_text(encoding="utf-8")
    assert [key for key in PROCESSORS[connector].config_model.model_fields if f"`{key}`" not in page] == []


class Fetched(HTMLParser):
    """What a browser fetches by itself to show a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        name = {"script": "src", "img": "src", "iframe": "src", "link": "href"}.get(tag, "")
        if given.get(name) and given.get("rel") not in {"canonical", "prev", "next"}:
            self.addresses.append(given[name] or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, but elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", folder]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == "", "a build that is fine says nothing"
    return folder


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.glob("**/*.html"))
    fetched = {address for page in pages for address in Fetched(page.read_text(encoding="utf-8")).addresses}
    assert len(pages) > 20
    assert fetched
    assert [address for address in sorted(fetched) if re.match(r"(https?:)?//", address)] == []


def test_the_site_shows_the_docstrings_and_no_hidden_comment(site: Path) -> None:
    api = (site / "reference" / "author-api.html").read_text(encoding="utf-8")
    assert 'id="hub.Processor.erase"' in api
    assert "Idempotent by locator" in api
    cli = (site / "cli.html").read_text(encoding="utf-8")
    assert "hub doctor --help" in cli
    assert "docs-write" not in cli
