"""Runs a page as its reader would: its Python in one namespace, its commands in one shell, from top to bottom.

    python driver.py STEPS

STEPS is a JSON file: a list of `{do, text, page, line, title}`, where `do` is `python`, `sh`, `console` or `write`. It
is run in the folder that the page's files go to. What goes wrong is told with page and line, and ends with 1.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import traceback
import types
from pathlib import Path

MARK = "end-of-block-7f3a"


class Shell:
    """One bash for all commands of a page: variables, folders and background jobs stay."""

    def __init__(self) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._scripts = tempfile.TemporaryDirectory()
        self._tell("trap 'code=$?; kill $(jobs -p) 2>/dev/null || true; exit $code' EXIT")

    def run(self, text: str, *, strict: bool) -> tuple[int, str]:
        """Exit code and output. Where `strict`, the first command that fails ends it all."""
        script = Path(self._scripts.name) / "block.sh"
        script.write_text(("set -e -o pipefail\n" if strict else "set +e\n") + text + "\n", encoding="utf-8")
        self._tell(f". {script} </dev/null; printf '\\n{MARK} %s\\n' $?")
        said = []
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            if line.startswith(MARK):
                return int(line.split()[1]), "".join(said).removesuffix("\n")
            said.append(line)
        return self._bash.wait() or 1, "".join(said)  # a block that ends the shell has ended the page

    def close(self) -> None:
        """End it, and what it left running."""
        self._bash.communicate()
        self._scripts.cleanup()

    def _tell(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()


def console(shell: Shell, text: str) -> str:
    """Run what stands after `$`, and compare what it answers; returns what is wrong, or nothing."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = re.sub(r"\\\n> ?", "\\\n", part).partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command += f"\n{more}"
        code, said = shell.run(command, strict=False)
        sys.stdout.write(f"{said}\n")
        if expected.strip() and not fits(expected, said):
            return f"`{command}` answered something else:\n{said}"
        if code and not expected.strip():
            return f"`{command}` ended with {code}:\n{said}"
    return ""


def fits(expected: str, said: str) -> bool:
    """Whether the output is the one shown; `…` stands for anything, and blanks do not count."""
    pieces = [re.escape(" ".join(piece.split())) for piece in expected.split("…")]
    return re.fullmatch(r"\s*.*\s*".join(pieces), " ".join(said.split())) is not None


def python(namespace: dict[str, object], text: str, page: str, line: int) -> str:
    """Run it; returns the traceback, or nothing."""
    try:
        exec(compile("\n" * (line - 1) + text, page, "exec"), namespace)
    except BaseException:  # noqa: BLE001  # whatever it is, it is told with the page's line
        return traceback.format_exc(limit=-3)
    return ""


def main(steps: Path) -> int:
    """Run the steps; returns the exit code."""
    module = types.ModuleType("page")
    sys.modules["page"] = module  # models look up their annotations there
    shell = Shell()
    try:
        for step in json.loads(steps.read_text(encoding="utf-8")):
            wrong = ""
            match step["do"]:
                case "write":
                    Path(step["title"]).parent.mkdir(parents=True, exist_ok=True)
                    Path(step["title"]).write_text(step["text"] + "\n", encoding="utf-8")
                case "python":
                    wrong = python(vars(module), step["text"], step["page"], step["line"])
                case "console":
                    wrong = console(shell, step["text"])
                case "sh":
                    code, said = shell.run(step["text"], strict=True)
                    sys.stdout.write(f"{said}\n")
                    wrong = f"ended with {code}:\n{said}" if code else ""
            if wrong:
                sys.stderr.write(f"{step['page']}, line {step['line']}: {wrong}\n")
                return 1
    finally:
        shell.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
