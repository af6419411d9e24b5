"""How a sandbox declares which of its methods answers which call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

from hub.testing.messages import Result


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route: `handler` is the name of the method that answers it."""

    method: str
    template: str
    handler: str
    segments: tuple[str, ...]

    def fits(self, segments: list[str]) -> bool:
        """Whether a path of as many segments is of this form; a parameter is never empty."""
        pairs = zip(self.segments, segments, strict=True)
        return all(part == wanted or (wanted.startswith("{") and part) for wanted, part in pairs)

    def params(self, segments: list[str]) -> dict[str, str]:
        """The path's parameters, decoded."""
        pairs = zip(self.segments, segments, strict=True)
        return {name[1:-1]: unquote(value) for name, value in pairs if name.startswith("{")}


Handler = TypeVar("Handler", bound=Callable[..., Result])


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Declares that a method of a sandbox answers `METHOD TEMPLATE`; `{name}` stands for one segment of the path."""

    def mark(handler: Handler) -> Handler:
        handler.__dict__.setdefault("routes", []).append((method, template))
        return handler

    return mark
