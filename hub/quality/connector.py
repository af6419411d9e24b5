"""A connector as the quality scale sees it: its class, its stand-in, and the files around them, read and not run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hub.errors import UsageError
from hub.processor import InstanceConfig, Processor

_LEVELS_TO_PROJECT = 3  # connectors/NAME/ and src/NAME/ stand two levels below their pyproject.toml


class NotInstalled(Exception):
    """Says, for people, what a check would have needed and was not installed."""


@dataclass(frozen=True, slots=True)
class Module:
    """A source file that was parsed."""

    path: Path
    source: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: Path) -> Module:
        """Raises `UsageError` for what is no Python."""
        try:
            source = path.read_text(encoding="utf-8")
            return cls(path, source, ast.parse(source))
        except (OSError, ValueError, SyntaxError) as error:  # SyntaxError quotes source: its class says enough
            raise UsageError(f"{path} cannot be read: {type(error).__name__}", hint="Mend or remove it.") from None

    def at(self, node: ast.AST) -> str:
        """Where a node stands, for people: `processor.py:31`."""
        return f"{self.path.name}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True)
class Connector:
    """What is judged. Nothing of it is called but what declares: `limits`, `searched_by`, `Sandbox.settings`.

    Args:
        processor: the class.
        sandbox: the class of its stand-in; None when the plugin brings none.
    """

    processor: type[Processor[Any]]
    sandbox: type | None = None

    @property
    def name(self) -> str:
        """What hub.toml calls it."""
        return self.processor.name

    @cached_property
    def folder(self) -> Path:
        """Where quality.yaml belongs: the processor's package. Raises `UsageError` where there is none.

        A package that brings several connectors has a folder for each: the nearest quality.yaml above the class counts.
        """
        file = Path(inspect.getfile(self.processor))
        packages = list(_packages(file.parent))
        if not packages:
            raise UsageError(
                f"{self.name} is a single module, so its quality.yaml has no place",
                hint="Make it a package: a folder with __init__.py, which quality.yaml stands next to.",
            )
        return next((folder for folder in packages if (folder / "quality.yaml").is_file()), packages[-1])

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """What runs in production: neither tests nor stand-in."""
        inside = (path.relative_to(self.folder) for path in sorted(self.folder.rglob("*.py")))
        spared = {"tests", "sandbox", "sandbox.py"}
        return tuple(Module.parse(self.folder / path) for path in inside if path.parts[0] not in spared)

    @cached_property
    def tests(self) -> Path | None:
        """The folder of its tests; None where the sources are and have none. Raises `NotInstalled`."""
        return self._beside("tests")

    @cached_property
    def test_modules(self) -> tuple[Module, ...]:
        """Its tests, parsed. Raises `NotInstalled`."""
        return tuple(map(Module.parse, sorted(self.tests.rglob("*.py")))) if self.tests else ()

    @cached_property
    def readme(self) -> str:
        """Its README.md; empty where the sources are and have none. Raises `NotInstalled`."""
        path = self._beside("README.md")
        return path.read_text(encoding="utf-8", errors="replace") if path else ""

    @cached_property
    def config(self) -> InstanceConfig | None:
        """Its settings for the stand-in; None where there is no stand-in, or they do not fit."""
        try:
            return self.processor.config_model.model_validate(self.sandbox.settings())  # type: ignore[union-attr]  # below
        except (AttributeError, TypeError, ValueError):  # None, or no Sandbox: sandbox-present tells
            return None

    def classes(self) -> Iterator[tuple[Module, ast.ClassDef]]:
        """The processor's class, and those of its bases that belong to the connector."""
        ours = {cls.__name__ for cls in self.processor.__mro__ if Path(_file(cls)).is_relative_to(self.folder)}
        for module in self.modules:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef) and node.name in ours:
                    yield module, node

    def uses(self, *names: str) -> bool:
        """Whether its code names one of these: `Retained` or `hub.Retained`."""
        named = (node for module in self.modules for node in ast.walk(module.tree))
        return any(
            (isinstance(node, ast.Name) and node.id in names)
            or (isinstance(node, ast.Attribute) and node.attr in names)
            for node in named
        )

    def defines(self, method: str) -> bool:
        """Whether the class has that method of its own."""
        return getattr(self.processor, method) is not getattr(Processor, method)

    def _beside(self, name: str) -> Path | None:
        """A file or folder of the connector's: in its package, else in the project that is this package alone."""
        top = list(_packages(self.folder))[-1]
        project = top.parent.parent if top.parent.name == "src" else top.parent
        homes = [self.folder, project] if (project / "pyproject.toml").is_file() else [self.folder]
        found = next((home / name for home in homes if (home / name).exists()), None)
        if found is None and not any(
            (p / "pyproject.toml").is_file() for p in self.folder.parents[:_LEVELS_TO_PROJECT]
        ):
            raise NotInstalled(f"{name} did not come with the package")
        return found


def _packages(folder: Path) -> Iterator[Path]:
    while (folder / "__init__.py").is_file():
        yield folder
        folder = folder.parent


def _file(cls: type) -> str:
    try:
        return inspect.getfile(cls)
    except (TypeError, OSError):  # a class of C, or one made without a file
        return ""
