"""`python -m hub.testing.cassettes scan PATH …`: is there anything in these cassettes that should not be?

A folder stands for the files in all folders named `cassettes` in it. Ends with 1 if something was found, 2 if a file is
no cassette.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hub.errors import HubError
from hub.testing.canary import values_of
from hub.testing.cassettes.filing import read
from hub.testing.cassettes.problems import CassetteError
from hub.testing.cassettes.scan import suspicions


def main(arguments: list[str] | None = None) -> int:
    """The command; prints one line for each finding and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m hub.testing.cassettes", description="Look cassettes over.")
    commands = parser.add_subparsers(required=True)
    scan = commands.add_parser("scan", help="search cassettes for personal data and secrets")
    scan.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="a cassette, or a folder of them")
    scan.add_argument("--subject", type=Path, metavar="FILE", help="search for this person, too: identifiers as JSON")
    options = parser.parse_args(arguments)
    found = 0
    try:
        values = values_of(json.loads(options.subject.read_text(encoding="utf-8"))) if options.subject else []
        paths = sorted({file for given in options.paths for file in _cassettes(given)})
        if not paths:
            raise CassetteError(
                "There is no cassette", hint="Name files, or folders with a folder `cassettes` in them."
            )
        for path in paths:
            for suspicion in dict.fromkeys(map(str, suspicions(read(path), values))):
                found += 1
                sys.stdout.write(f"{path}: {suspicion}\n")
    except (OSError, ValueError, HubError) as error:
        reason = error.diagnostics() if isinstance(error, HubError) else type(error).__name__
        sys.stderr.write(f"The scan could not be made: {reason}\n")
        return 2
    sys.stdout.write(f"Scanned {len(paths)} cassettes: {found} findings.\n")
    return 1 if found else 0


def _cassettes(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [*path.rglob("cassettes/*.yaml"), *(path.glob("*.yaml") if path.name == "cassettes" else ())]


if __name__ == "__main__":
    sys.exit(main())
