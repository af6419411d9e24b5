"""What mkdocs does not do by itself: pages from outside docs/, folders in the navigation, links into the repository.

The pages are written to be read in the repository as well, so their links name files. Here a link to a file that is a
page of the site becomes one to that page, and a link to any other file of the repository becomes its text.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any, Literal

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
_LINK = re.compile(
    r"(?P<code>^ *(?P<fence>`{3,}|~{3,}).*?^ *(?P=fence)|`[^`\n]*`)"  # handlers["x"](request) is no link
    r"|(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)]*)?\)",
    re.DOTALL | re.MULTILINE,
)
_COMMENT = re.compile(r"^<!--.*?-->\n?", re.DOTALL | re.MULTILINE)


def outside() -> dict[str, str]:
    """Files of the repository that are pages of the site although they lie elsewhere: path → page."""
    readmes = sorted(ROOT.glob("connectors/*/README.md"))
    return {
        "CHANGELOG.md": "changelog.md",
        "CONTRIBUTING.md": "contributing.md",
        **{path.relative_to(ROOT).as_posix(): f"connectors/{path.parent.name}.md" for path in readmes},
    }


def on_startup(command: Literal["build", "gh-deploy", "serve"], **_: Any) -> None:
    """Let a build say only what is wrong; `--quiet` would keep warnings from counting as errors."""
    if command == "build":
        logging.getLogger("mkdocs").setLevel(logging.WARNING)


def on_config(config: MkDocsConfig) -> None:
    """Put the pages that a pattern stands for into the navigation."""
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages |= set(outside().values())
    config.nav = _expanded(config.nav, pages - set(_leaves(config.nav)))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Take in the pages from outside docs/."""
    for path, page in outside().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Turn links to files into links to pages, and leave out what is written for the tests of a page."""
    at = page.file.src_uri
    source = next((path for path, uri in outside().items() if uri == at), f"docs/{at}")

    def link(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found["target"]))
        uri = outside().get(path, path.removeprefix("docs/"))
        file = files.get_file_from_path(uri)
        if file and file.inclusion is not InclusionLevel.EXCLUDED:
            target = posixpath.relpath(uri, posixpath.dirname(at) or ".")
            return f"[{found['text']}]({target}{found['anchor'] or ''})"
        if (ROOT / path).exists():
            return found["text"]
        raise PluginError(f"{source} links to {path}, which does not exist")

    return _LINK.sub(link, _COMMENT.sub("", markdown))


def _leaves(item: Any) -> list[str]:
    """The pages and patterns of a piece of navigation."""
    match item:
        case str():
            return [item]
        case dict():
            return [leaf for value in item.values() for leaf in _leaves(value)]
        case _:
            return [leaf for value in item for leaf in _leaves(value)]


def _expanded(item: Any, free: set[str]) -> Any:
    """The same with every pattern replaced by its pages; a section without a page is left out."""
    match item:
        case dict():
            return {title: _expanded(value, free) for title, value in item.items()}
        case list():
            entries = [entry for part in item for entry in _entries(part, free)]
            return [entry for entry in entries if not isinstance(entry, dict) or all(entry.values())]
        case _:
            return item


def _entries(part: Any, free: set[str]) -> list[Any]:
    """What stands in the list of a section in place of one entry."""
    if not isinstance(part, str) or not part.endswith("/*.md"):
        return [_expanded(part, free)]
    folder = part.removesuffix("*.md")
    inside = [page for page in free if page.startswith(folder) and "/" not in page.removeprefix(folder)]
    return sorted(inside, key=lambda page: (posixpath.basename(page) not in {"index.md", "README.md"}, page))
