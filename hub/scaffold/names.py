"""Which names a new connector may have, and what they turn into."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from hub.errors import UsageError

LONGEST = 24  # characters, so that no line of what is written grows too long
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
_LONG_NUMBER = re.compile(r"(\d_?){5,}")
_HINT = f"Use lower-case words joined by underscores, of {LONGEST} characters at most: larkspur_crm."


@dataclass(frozen=True)
class Name:
    """A name that will do; made by `checked`."""

    word: str

    @cached_property
    def camel(self) -> str:
        """Of its class: `LarkspurCrm`."""
        return "".join(part.capitalize() for part in self.word.split("_"))

    @property
    def host(self) -> str:
        """In a host's name, which has no underscores: `larkspur-crm`."""
        return self.word.replace("_", "-")


def checked(text: str, installed: Collection[str], sources: Iterable[str]) -> Name:
    """The name, if a connector can be called that. A text that is no name at all is never quoted: it may be anyone's.

    Args:
        text: what was asked for.
        installed: names of connectors there are already.
        sources: the modules that will be written, whose own words the new class must not shadow.

    Raises `UsageError`.
    """
    if not _NAME.fullmatch(text):
        raise UsageError("That is no name for a connector", hint=_HINT)
    if len(text) > LONGEST:
        raise UsageError(f"A connector's name has {LONGEST} characters at most, this one {len(text)}", hint=_HINT)
    if _LONG_NUMBER.search(text):
        raise UsageError("A connector's name holds no long number: it could be somebody's", hint=_HINT)
    if keyword.iskeyword(text) or keyword.issoftkeyword(text):
        raise UsageError(f"{text} is a word of Python's own", hint="Name the service: its product's name will do.")
    name = Name(text)
    if text.startswith("test") or name.camel in _words(sources):
        raise UsageError(
            f"A class {name.camel} would be mistaken for another one",
            hint=f"Say more, such as {text}_crm or the_{text}.",
        )
    if text in installed:
        raise UsageError(f"There is a connector {text} already", hint="`hub connectors` lists what is installed.")
    return name


def _words(sources: Iterable[str]) -> frozenset[str]:
    """Every name that stays in the code as it is; texts and comments do not count."""
    tokens = (token for source in sources for token in tokenize.generate_tokens(io.StringIO(source).readline))
    named = (token.string for token in tokens if token.type == tokenize.NAME)
    return frozenset(name for name in named if not name.startswith("Pebble"))
