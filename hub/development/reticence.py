"""Which words of a connector may be shown where the person may be real: those that stand in its source as they are.

What was put together at run time could hold anything a service answered: a surname and a telephone number that nobody
gave to this command, and that no search for what was given would notice.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Collection, Iterator
from dataclasses import replace
from types import CodeType
from typing import TypeVar

from hub.errors import HubError
from hub.outcome import Manual, Partial, Refused, Retained, Unsupported, Unverifiable
from hub.trace import template_shown

HELD = "(text held back: it could name the person; --reveal shows it)"
_HELD_CODE = "held_back"  # a reason has to be a code
_DOOR = "hub.wire"
_CALL = re.compile(r"([A-Z]{1,20}) (?:https://[^\s/]+)?(/\S*?)((?:| was answered \d{3}): [^/]*)")

Came = TypeVar("Came")


class Reticence:
    """Holds back what does not stand in this package's source."""

    def __init__(self, package: str) -> None:
        self._package = package

    def of_error(self, error: HubError, personal: Collection[str]) -> tuple[str, str]:
        """Its message and hint. What the hub raised itself holds no more than fixed words and a call's template.

        `personal` is what is known of the person: no template shows it.
        """
        raised = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
        if raised and _within(raised[0], _DOOR):
            return self._of_a_call(error.message, personal), self._of_a_call(error.hint, personal)
        if raised and _within(raised[0], "hub"):
            return error.message, error.hint
        return self._shown(error.message), self._shown(error.hint)

    def of_answer(self, came: Came) -> Came:  # noqa: PLR0911  # one kind of answer each
        """The answer, without words and codes that were put together at run time."""
        match came:
            case Partial(_, left):
                return replace(came, left=tuple(map(self.of_answer, left)))
            case Retained(ground, _, what):
                return replace(came, ground=self._shown(ground), what=self._shown(what))
            case Refused(reason, explanation):
                return replace(came, reason=self._code(reason), explanation=self._shown(explanation))
            case Manual(task, instructions):
                return replace(came, task=self._code(task), instructions=self._shown(instructions))
            case Unsupported(reason):
                return replace(came, reason=self._shown(reason))
            case Unverifiable(reason):
                return replace(came, reason=self._code(reason))
            case _:
                return came

    def _shown(self, text: str) -> str:
        return text if not text or text in self._fixed() else HELD

    def _code(self, code: str) -> str:
        return code if code in self._fixed() else _HELD_CODE

    def _fixed(self) -> frozenset[str]:
        """Looked up anew: a connector may import some of itself late. An error without a message has its class's."""
        return _constants(self._package) | _constants("hub.errors")

    def _of_a_call(self, text: str, personal: Collection[str]) -> str:
        """What the door says (`GET /members/{id}: …`), whose template a connector may have filled in."""
        call = _CALL.fullmatch(text)
        if call is not None:
            return f"{call[1]} {template_shown(call[2], personal)}{call[3]}"
        return text if not text or text in _constants(_DOOR) else HELD


def _constants(package: str) -> frozenset[str]:
    """The texts in the source of its modules; of each its first line too, since a docstring's is an error's message."""
    found = {text for name in list(sys.modules) if _within(name, package) for text in _texts(_code_of(name))}
    return frozenset(found | {text.strip().partition("\n")[0] for text in found})


def _within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _code_of(module: str) -> CodeType | None:
    """What the module was made of; its variables are no evidence of what stands in the source."""
    spec = getattr(sys.modules[module], "__spec__", None)
    code: CodeType | None = getattr(getattr(spec, "loader", None), "get_code", lambda _: None)(module)
    return code


def _texts(code: object) -> Iterator[str]:
    match code:
        case str():
            yield code
        case CodeType():
            for constant in code.co_consts:
                yield from _texts(constant)
        case tuple() | frozenset():
            for constant in code:
                yield from _texts(constant)
        case _:
            pass
