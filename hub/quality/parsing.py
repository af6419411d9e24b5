"""Reads the YAML of a quality.yaml, and no more than its simple part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.quality.plain import steers

_MAX_BYTES = 64 * 1024  # a file of every rule with long comments has a tenth of it


class Unreadable(Exception):
    """What is wrong with the file, and what to do next."""

    def __init__(self, message: str, hint: str) -> None:
        self.message, self.hint = message, hint
        super().__init__(message)


def parse(path: Path) -> dict[Any, Any]:
    """The mapping in the file; a key that stands twice is an error. Raises `Unreadable`."""
    import yaml  # noqa: PLC0415  # of all commands, one needs it

    class Loader(yaml.SafeLoader):
        """YAML's own reader takes the last of two equal keys, and nobody sees the first."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # PyYAML's signature
            seen: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    text = _text(path)
    try:
        _refuse_what_no_such_file_needs(text)
        document = yaml.load(text, Loader)  # noqa: S506  # it derives from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"Line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise Unreadable(f"{line}{error.problem or 'it is no YAML'}", "Mend the line.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Unreadable("It is no YAML", "Mend it; a date is one that exists, as in 2026-03-02.") from None
    if not isinstance(document, dict):
        raise Unreadable("It holds no keys", "Begin it with `rules:`.")
    return document


def _refuse_what_no_such_file_needs(text: str) -> None:
    """A few lines of anchors can stand for billions of keys; as events they are still those few."""
    import yaml  # noqa: PLC0415  # as above

    for event in yaml.parse(text, yaml.SafeLoader):
        said = event.value if isinstance(event, yaml.ScalarEvent) else ""
        problem = ""
        if getattr(event, "anchor", None) or said == "<<":
            problem = "Anchors, aliases and merge keys have no place here"
        elif steers(said.replace("\n", "").replace("\t", "")):
            problem = "A control character has no place here"
        if problem:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Unreadable(f"Line {line}: {problem}", "Write it out in plain words.")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise Unreadable("There is none", "Write one: each rule with done, todo, or exempt and the reason.") from None
    except OSError as error:
        raise Unreadable(f"It cannot be read: {error.strerror}", "Look at its kind and its rights.") from None
    if len(raw) > _MAX_BYTES:
        raise Unreadable(f"It is longer than {_MAX_BYTES // 1024} KiB", "Keep each reason to a sentence.")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Unreadable("It is no text in UTF-8", "Save it as UTF-8.") from None
