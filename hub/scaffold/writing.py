"""Puts a new connector where it belongs, whole or not at all.

Everything is rendered first, then written into a hidden folder next to its place, and only then renamed; so a full disk
or a crash leaves nothing that looks like a connector. What a crash does leave, the next run clears away or finishes.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hub.errors import UsageError
from hub.plugins import GROUP
from hub.scaffold.names import checked
from hub.scaffold.registering import checkout_around, with_entry_point
from hub.scaffold.rendering import IN_CHECKOUT, STANDALONE, rendered, sources

_BESIDE = ".new-connector-"  # what is not in its place yet is called so


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

    Where a run was killed between the two, the folder is there as it was written, and the entry point alone is added.
    Raises `UsageError` for a name or a folder that will not do, or a disk that is full; nothing is changed then.
    """
    name = checked(text, _installed(), sources())
    root = checkout_around(into)
    project = (root / "pyproject.toml").resolve()  # a link stays one: what it leads to is replaced
    prefix = f"connectors/{name.word}/"
    inside = {path.removeprefix(prefix): content for path, content in rendered(name, IN_CHECKOUT).items()}
    target = root / "connectors" / name.word
    with _explained(target), ExitStack() as stack:
        for folder in sorted({root, project.parent}):
            stack.enter_context(_alone_in(folder))
        there = _holds(target, inside)
        if not there:
            _refuse_taken(target)
        registered = with_entry_point(project, name.word)
        changed = stack.enter_context(_file_beside(project, registered))
        if not there:
            stack.enter_context(_folder_beside(root, inside)).rename(target)
        try:
            changed.replace(project)
        except OSError:
            if not there:
                shutil.rmtree(target)
            raise
    files = tuple(target / path for path in inside)
    return Written(target, files, (project,), f"pip install -e {_typed(root)}", f"pytest {_typed(target)}")


def make_project(text: str, into: Path) -> Written:
    """Write the project `hub-connector-NAME` into a folder. Raises like `add_to_checkout`."""
    name = checked(text, _installed(), sources())
    if not into.is_dir():
        raise UsageError(f"There is no folder {into}", hint="Make it first, or name another with --into.")
    target = into / f"hub-connector-{name.word}"
    inside = rendered(name, STANDALONE)
    with _explained(target), _alone_in(into):
        _refuse_taken(target)
        with _folder_beside(into, inside) as made:
            made.rename(target)
    files = tuple(target / path for path in inside)
    return Written(target, files, (), f"pip install -e {_typed(target)}", f"pytest {_typed(target)}")


def _typed(path: Path) -> str:
    """As it is typed here, in a shell; pip would take a bare word for a package of the index."""
    relative = os.path.relpath(path)
    return shlex.quote(relative if relative.startswith(".") else f"./{relative}")


def _installed() -> frozenset[str]:
    return frozenset(point.name for point in metadata.entry_points(group=GROUP))


def _holds(target: Path, files: Mapping[str, str]) -> bool:
    """Whether the folder has these files as they were written; caches and the like may have come since."""
    try:
        return all((target / path).read_bytes() == content.encode() for path, content in files.items())
    except OSError:
        return False


def _refuse_taken(target: Path) -> None:
    if target.is_symlink() and not target.exists():
        raise UsageError(f"{target} is a link that leads nowhere", hint="Remove it, or choose another name.")
    if target.exists():
        raise UsageError(f"{target} is there already", hint="Choose another name, or move that folder away.")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Nobody else writes a connector there meanwhile; what such a run left when it was killed is cleared away."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in folder.glob(f"{_BESIDE}*"):
            with suppress(OSError):  # of somebody else, where a folder is everybody's
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield
    finally:
        os.close(handle)


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
    folder = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=parent))
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
    handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode())  # the line ends are those of the other file
        shutil.copymode(path, beside)
        yield beside
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
