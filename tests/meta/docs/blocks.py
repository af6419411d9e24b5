"""The fenced code blocks of a page, with what its comments say about them.

Comments that a reader of the site never sees:

    <!-- set-up                          Python, run where it stands, in the page's namespace
    …
    -->
    <!-- not run: it needs an account -->    before a block that cannot be run here, with the reason
    <!-- connectors: pebble, acme -->        connectors that this page's hub.toml may name although nobody ships them
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "connectors/*/README.md")
    for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^\s`]*)(?P<rest>[^`]*)")
_TITLE = re.compile(r"title=[\"']([^\"']+)[\"']")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_CONNECTORS = re.compile(r"<!-- connectors: (.+) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block, or one hidden set-up.

    Args:
        page: where it stands, from the root of the repository.
        line: of its first line of code, from 1.
        language: what follows the fence; `set-up` for a hidden one.
        title: the file it shows, where it says so.
        text: the code.
        not_run: why it cannot be run here; empty when it can.
    """

    page: str
    line: int
    language: str
    title: str
    text: str
    not_run: str = ""

    @property
    def place(self) -> str:
        """Where to look: `docs/hooks.md, line 34`."""
        return f"{self.page}, line {self.line}"


def blocks(page: str) -> list[Block]:
    """Every block of a page, in order."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found = []
    at = 0
    while at < len(lines):
        begin, line = at, lines[at]
        at += 1
        if line == "<!-- set-up":
            at = lines.index("-->", at)
            found.append(Block(page, begin + 2, "set-up", "", "\n".join(lines[begin + 1 : at])))
        elif opened := _FENCE.fullmatch(line):
            closed = re.compile(rf" *{opened['fence'][0]}{{{len(opened['fence'])},}} *")
            at = next((n for n in range(at, len(lines)) if closed.fullmatch(lines[n])), len(lines))
            text = textwrap.dedent("\n".join(lines[begin + 1 : at]))
            excuse = _NOT_RUN.fullmatch(lines[begin - 1].strip()) if begin else None
            title = _TITLE.search(opened["rest"])
            found.append(
                Block(
                    page,
                    begin + 2,
                    opened["language"],
                    title[1] if title else "",
                    text,
                    excuse[1] if excuse else "",
                )
            )
            at += 1
    return found


def invented(page: str) -> list[str]:
    """The connectors a page says it made up."""
    named = _CONNECTORS.findall((ROOT / page).read_text(encoding="utf-8"))
    return [name.strip() for names in named for name in names.split(",")]
