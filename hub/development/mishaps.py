"""What an operation raised, as its author needs it: class, message, what the hub would do, and where it came from."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hub.coordinator.foreign import check_texts
from hub.development.reticence import Reticence
from hub.errors import Action, Blame, ConnectorBug, HubError, RateLimited, code, policy
from hub.processor import Processor
from hub.testing.canary import Canary
from hub.testing.disguises import LONGEST, SHORTEST

DOES = {
    Action.RETRY: "tries again, after a wait that grows",
    Action.WAIT: "tries again, not before the time the service named",
    Action.RECONCILE: "reads back what happened, and repeats only what did not",
    Action.SUSPEND: "stops using the instance until a person has mended its access",
    Action.FAIL: "gives it to a person: repeating cannot help",
    Action.STOP: "drops the work: somebody else has it",
}
"""What the hub does about an error, in words."""

GOES_ON = frozenset({Action.RETRY, Action.WAIT, Action.RECONCILE})
"""After these the hub turns to the same holding again by itself."""

_BUG = "The connector raised something that is none of the hub's errors, which counts as its bug"
_BUG_HINT = "docs/reference/errors.md says what to raise when."
_WITHHELD = "(withheld: it names the person, and an error's words must be fixed ones)"


@dataclass(frozen=True, slots=True)
class Mishap:
    """What was raised.

    Args:
        kind: its class.
        code: what journal and evidence would call it (`rate_limited`, `bug`).
        message, hint: for people; withheld where they name the person, held back where they could.
        action, blame: its row in the hub's table.
        retry_after: seconds the service asked for.
        places: where in the connector's own code, outermost first: `pebble/processor.py:41 in find`.
        said: a foreign exception's own text; None where it may be about a real person, or quotes a secret.
    """

    kind: str
    code: str
    message: str
    hint: str
    action: Action
    blame: str
    retry_after: float | None
    places: tuple[str, ...]
    said: str | None


def describe(
    error: BaseException,
    processor: type[Processor[Any]],
    *,
    personal: Collection[str],
    may_show: Callable[[str], bool] | None,
    reticence: Reticence | None,
) -> Mishap:
    """Describe it.

    Args:
        error: what was raised.
        processor: whose code to look for in the traceback.
        personal: what is known of the person: the words of an error must hold none of it.
        may_show: decides whether the text of a foreign exception may be shown; None: never.
        reticence: holds back the words that do not stand in the source; None: nobody real can be in them.
    """
    ours = isinstance(error, HubError)
    row = policy(error)
    texts = (error.message, error.hint) if isinstance(error, HubError) else (_BUG, _BUG_HINT)
    if ours and names_person(texts, personal):
        texts = (_WITHHELD, "Say what happened without saying to whom.")
    elif isinstance(error, HubError) and reticence is not None:
        texts = reticence.of_error(error, personal)
    said = None if ours else "".join(traceback.format_exception_only(error)).strip()
    after = error.retry_after if isinstance(error, RateLimited) else None
    return Mishap(
        kind=type(error).__name__,
        code=code(error),
        message=texts[0],
        hint=texts[1],
        action=row.action,
        blame=row.blame.value,
        retry_after=after.total_seconds() if after is not None else None,
        places=tuple(places(error, package_of(processor))),
        said=said if said and may_show and may_show(said) else None,
    )


def mixed(instance: str) -> Mishap:
    """An act was stopped since not everything that answers is a stand-in: no fault of the connector."""
    return Mishap(
        kind="Stopped",
        code="stopped",
        message=f"Behind the `via` of {instance} a stand-in gave some of the answers and something else gave others, "
        "so nothing more was sent",
        hint="What was sent may have been carried out. Let `via` lead to a stand-in alone, or use --sandbox.",
        action=Action.FAIL,
        blame=Blame.CONFIG.value,
        retry_after=None,
        places=(),
        said=None,
    )


def names_person(texts: Iterable[str], personal: Iterable[str]) -> bool:
    """Whether one of the texts says who the person is, as the hub's own check of an outcome's words finds it."""
    try:
        check_texts(texts, personal)
    except ConnectorBug:
        return True
    return False


def free_of(secrets: Iterable[str]) -> Callable[[str], bool]:
    """Tells of a text whether it is free of these secrets, in any disguise."""
    known = [secret for secret in secrets if SHORTEST <= len(secret) <= LONGEST]
    canary = Canary(known) if known else None
    return lambda text: canary is None or not canary.search_bytes(text.encode(errors="replace"))


def package_of(processor: type[Processor[Any]]) -> str:
    """The package that brings it: `connectors.mailchimp`, or `acme_hub` of somebody else's."""
    parts = processor.__module__.split(".")
    return ".".join(parts[:2] if parts[0] == "connectors" else parts[:1])


def places(error: BaseException, package: str) -> list[str]:
    """The frames of that package's code, outermost first: no source line, and no variable."""
    found = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if f"{module}.".startswith(f"{package}."):
            file = PurePosixPath(frame.f_code.co_filename).name
            parts = module.split(".")
            folder = parts if file == "__init__.py" else parts[:-1]
            found.append(f"{'/'.join((*folder, file))}:{line} in {frame.f_code.co_name}")
    return found
