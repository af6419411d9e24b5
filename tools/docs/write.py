"""Write into the documentation what it quotes from the program; `make docs-write` calls it.

A page marks the place: `<!-- make docs-write: NAME -->` … `<!-- end -->`, with a name from `parts.PARTS`. With
`--check` nothing is written: what lags is named, and the exit code is 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from parts import PARTS, ROOT, settings_schema

_PLACE = re.compile(r"(<!-- make docs-write: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def wanted() -> dict[Path, str]:
    """Every page with a marked place and every file made whole → what it should hold."""
    pages = [*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/**/*.md"))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    made = {page: _PLACE.sub(_filled, text) for page, text in texts.items() if _PLACE.search(text)}
    return made | {ROOT / "docs/schemas/hub-toml.json": settings_schema()}


def _filled(place: re.Match[str]) -> str:
    return f"{place[1]}\n{PARTS[place['name']]()}\n\n{place[3]}"


def main() -> int:
    """Write or check; returns the exit code."""
    checking = "--check" in sys.argv[1:]
    lagging = {
        path: text for path, text in wanted().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in lagging.items():
        print(f"{path.relative_to(ROOT)} {'lags behind the program: run make docs-write' if checking else 'written'}")
        if not checking:
            path.write_text(text, encoding="utf-8")
    return 1 if checking and lagging else 0


if __name__ == "__main__":
    sys.exit(main())
