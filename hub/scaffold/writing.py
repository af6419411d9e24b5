"""Puts a new connector where it belongs, whole or not at all.

Everything is rendered first, then written into a hidden folder next to its place, and only then renamed; so a full disk
or a crash leaves nothing that looks like a connector.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hub.errors import UsageError
from hub.plugins import GROUP
from hub.scaffold.names import checked
from hub.scaffold.rendering import IN_CHECKOUT, STANDALONE, rendered, sources

_TABLE = f'[project.entry-points."{GROUP}"]'
_CHECKOUT = "subject-request-hub"  # what the project of such a folder is called


@dataclass(frozen=True, slots=True)
class Written:
    """What was made.

    Args:
        folder: the connector's folder, or the project's.
        files: what is in it.
        changed: files that were there before and changed.
        install, test: the commands that come next, as typed in the folder the author works in.
    """

    folder: Path
    files: tuple[Path, ...]
    changed: tuple[Path, ...]
    install: str
    test: str


def add_to_checkout(text: str, into: Path) -> Written:
    """Write `connectors/NAME` into the checkout around `into`, and its entry point into pyproject.toml.

    Raises `UsageError` for a name or a folder that will not do, or a disk that is full; nothing is changed then.
    """
    name = checked(text, _installed(), sources())
    root = next((folder for folder in (into.resolve(), *into.resolve().parents) if _is_checkout(folder)), None)
    if root is None:
        raise UsageError(
            f"{into} is no checkout of the hub", hint="Give --standalone for a project of its own, or name one: --into."
        )
    project = root / "pyproject.toml"
    with _explained(project):
        registered = _with_entry_point(project.read_text(encoding="utf-8"), name.word)
    prefix = f"connectors/{name.word}/"
    inside = {path.removeprefix(prefix): content for path, content in rendered(name, IN_CHECKOUT).items()}
    target = _free(root / prefix)
    with _explained(target), _folder_beside(root, inside) as made, _file_beside(project, registered) as changed:
        made.rename(target)
        try:
            changed.replace(project)
        except OSError:
            shutil.rmtree(target)
            raise
    files = tuple(target / path for path in inside)
    return Written(target, files, (project,), f"pip install -e {_typed(root)}", f"pytest {_typed(target)}")


def make_project(text: str, into: Path) -> Written:
    """Write the project `hub-connector-NAME` into a folder. Raises like `add_to_checkout`."""
    name = checked(text, _installed(), sources())
    if not into.is_dir():
        raise UsageError(f"There is no folder {into}", hint="Make it first, or name another with --into.")
    target = _free(into / f"hub-connector-{name.word}")
    inside = rendered(name, STANDALONE)
    with _explained(target), _folder_beside(into, inside) as made:
        made.rename(target)
    files = tuple(target / path for path in inside)
    return Written(target, files, (), f"pip install -e {_typed(target)}", f"pytest {_typed(target)}")


def _typed(path: Path) -> str:
    """As it is typed here, in a shell; pip would take a bare word for a package of the index."""
    relative = os.path.relpath(path)
    return shlex.quote(relative if relative.startswith(".") else f"./{relative}")


def _installed() -> frozenset[str]:
    return frozenset(point.name for point in metadata.entry_points(group=GROUP))


def _is_checkout(folder: Path) -> bool:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == _CHECKOUT)


def _free(target: Path) -> Path:
    if target.exists():
        raise UsageError(f"{target} is there already", hint="Choose another name, or move that folder away.")
    return target


def _with_entry_point(project: str, name: str) -> str:
    """The text of pyproject.toml with one line more, in its alphabetical place; everything else stays as it is."""
    lines = project.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if line.strip() == _TABLE]
    if len(heads) != 1:
        raise UsageError(f"pyproject.toml has no table {_TABLE}", hint="Add it; it may be empty.")
    at = heads[0] + 1
    while at < len(lines) and lines[at].partition("=")[1] and lines[at].partition("=")[0].strip() < name:
        at += 1
    lines.insert(at, f'{name} = "connectors.{name}"\n')
    text = "".join(lines)
    points = tomllib.loads(project)["project"]["entry-points"][GROUP]
    assert tomllib.loads(text)["project"]["entry-points"][GROUP] == {**points, name: f"connectors.{name}"}
    return text


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise UsageError(f"{target} cannot be written: {reason}", hint="Nothing was changed. Try again.") from None


@contextmanager
def _folder_beside(parent: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """A hidden folder with these files, on the same disk as its place; it is gone afterwards unless it was renamed."""
    folder = Path(tempfile.mkdtemp(prefix=".new-connector-", dir=parent))
    try:
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
            file.chmod(0o644)
        for made in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            made.chmod(0o755)  # sources are for everybody; the program's own umask is for personal data
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _file_beside(path: Path, content: str) -> Iterator[Path]:
    """A file with that content that can take the other's place; it is gone afterwards unless it did."""
    handle, name = tempfile.mkstemp(prefix=".new-connector-", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        shutil.copymode(path, beside)
        yield beside
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
