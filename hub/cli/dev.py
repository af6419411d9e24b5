"""`hub dev`: try one operation of a connector and see what it sends."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from hub.cli.asked import Described, person_options, read_changes, read_scope, what_options, with_options
from hub.cli.frame import Front, by_option, command, quiet_log
from hub.cli.output import DONE, FAILED, emit, interrupted, note, schema
from hub.errors import UsageError

if TYPE_CHECKING:
    from hub.development.place import Place
    from hub.development.session import Run, Session
    from hub.development.wishes import Wishes
    from hub.subject import Subject
    from hub.wire import Passage

OPERATIONS = ("check", "find", "export", "rectify", "suppress", "lift", "erase", "resume", "confirm", "scan")
_PERSONAL = frozenset(OPERATIONS) - {"check", "scan"}
_ON_A_HOLDING = _PERSONAL - {"find"}
_ALIKE = 3  # calls alike, one after the other, that are shown
_STOPS = frozenset({"suppress", "lift"})


@command()
@click.argument("connector")
@click.argument("operations", nargs=-1, metavar="OPERATION…")
@click.option("--sandbox", is_flag=True, help="At the connector's own stand-in, started for this command.")
@click.option("--instance", metavar="NAME", help="At this instance of hub.toml.")
@with_options(*person_options)
@click.option("--holding", type=click.IntRange(0), metavar="N", help="Which of those found; 0 is the person as such.")
@with_options(*what_options)
@click.option("--of", metavar="OPERATION", help="What confirm reads back, where nothing was done before it.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="WHERE=KIND",
    help="What goes wrong at the stand-in: 'GET /customers*=Status:503'. Repeatable. Kinds: Status, Garbage, Delay, "
    "Stall, DropBefore, DropAfter, Truncate, Trickle, BadGzip.",
)
@click.option("--reveal", is_flag=True, help="Show personal data; at an instance the reading is recorded.")
@by_option
def dev(front: Front, *, connector: str, operations: tuple[str, ...], **options: Any) -> int:
    """Try one connector: call operations, see every exchange and what came of it.

    Operations: check, find, export, rectify, suppress, lift, erase, resume, confirm, scan. Several are carried out one
    after the other on the same holding: `erase confirm` reads back what was erased, `erase erase` shows that a second
    time does no harm. What acts on a holding searches for it first.

    With --sandbox no data folder is needed, and the person is one of the stand-in's invented town unless you name
    another. At an instance, data are read and never changed, except where a stand-in answers (`via`). No journal and no
    evidence are written: for a person's request there is `hub run`. Ends with 1 when an operation raised an error, or a
    fault met no call.
    """
    _check_usage(operations, options)
    try:
        with _place(front, connector, options) as place:
            session = _try(front, place, operations, options)
    except KeyboardInterrupt:
        if not front.json:
            raise
        return interrupted(options["instance"])
    # Said once the stand-in has ended: it may have broken, and then nothing of this counts.
    if front.json:
        emit(_view(session, reveal=options["reveal"]))
    for fault in session.unmet:
        note(f"No call met the fault at {fault.where}. Calls are named as the stand-in declares its routes.")
    return FAILED if session.unmet or any(run.mishap for run in session.runs) else DONE


@contextmanager
def _place(front: Front, connector: str, options: dict[str, Any]) -> Iterator[Place]:
    """Where it is tried. What is revealed at an instance is recorded before anything is read."""
    from hub.development.place import at_instance, at_sandbox  # noqa: PLC0415  # heavy

    if options["sandbox"]:
        quiet_log()
        with at_sandbox(connector, front.home, front.environ) as place:
            yield place
        return
    with front.opened() as hub:
        place = at_instance(hub, connector, options["instance"])
        if options["reveal"]:
            hub.audited(None, front.actor(options["by"]), f"dev.{place.instance}", "develop")
        yield place


def _check_usage(operations: Sequence[str], options: dict[str, Any]) -> None:
    """Refuse what does not go together, before anything is done. Nothing is quoted: it may be a person's."""
    if not operations or set(operations) - set(OPERATIONS):
        lacking = "No operation is named" if not operations else "There is no operation of that name"
        raise UsageError(lacking, hint=f"There are: {', '.join(OPERATIONS)}.")
    if options["sandbox"] == (options["instance"] is not None):
        raise UsageError("Say where to try it", hint="Give --sandbox, or --instance NAME of hub.toml; one of the two.")
    if options["of"] is not None and options["of"] not in {"rectify", "suppress", "lift", "erase"}:
        raise UsageError("--of names no act", hint="It takes rectify, suppress, lift or erase.")
    if options["faults"] and not options["sandbox"]:
        raise UsageError("--fault goes with --sandbox alone", hint="Faults strike at a stand-in of this command's own.")
    asked = {*operations, *filter(None, [options["of"]])}
    _require("--holding", options["holding"] is not None, asked, _ON_A_HOLDING)
    _require("--set", options["changes"], asked, {"rectify"})
    _require("--purpose and --marketing-channel", options["purposes"] or options["channels"], asked, _STOPS)
    _require("--of", options["of"], asked, {"confirm"})


def _require(option: str, given: object, asked: set[str], needed: Collection[str]) -> None:
    if given and asked.isdisjoint(needed):
        raise UsageError(f"{option} says nothing to what is asked", hint=f"Goes with: {', '.join(sorted(needed))}.")


def _try(front: Front, place: Place, operations: Sequence[str], options: dict[str, Any]) -> Session:
    from hub.development.arming import parse  # noqa: PLC0415  # heavy
    from hub.development.session import Session  # noqa: PLC0415  # heavy

    subject, invented = _person(place, operations, options)
    teller = _Silent() if front.json else _Aloud(place, reveal=options["reveal"])
    faults = tuple(map(parse, options["faults"]))
    session = Session(place, _wishes(subject, options), teller, faults=faults, invented=invented)
    if not front.json:
        _introduce(place, invented=invented and subject is not None)
    session.carry_out(operations)
    return session


def _person(place: Place, operations: Sequence[str], options: dict[str, Any]) -> tuple[Subject | None, bool]:
    """Whom it is about, and whether they are invented."""
    described = Described(*(options[name] for name in ("subject", "emails", "phones", "names", "ids")))
    if described.anybody:
        return described.person(place.region), False
    if not place.stand_in:
        return None, False
    from hub.testing.town import TOWN  # noqa: PLC0415  # heavy

    return (TOWN.main.subject() if _PERSONAL & set(operations) else None), True


def _wishes(subject: Subject | None, options: dict[str, Any]) -> Wishes:
    from hub.development.wishes import Wishes  # noqa: PLC0415  # heavy
    from hub.processor import Operation, Scope  # noqa: PLC0415  # heavy

    return Wishes(
        subject=subject,
        holding=options["holding"],
        changes=read_changes(options["changes"]),
        scope=read_scope(options["purposes"], options["channels"]) or Scope(),
        of=Operation(options["of"]) if options["of"] else None,
        keep=options["reveal"],
    )


def _introduce(place: Place, *, invented: bool) -> None:
    where = "its stand-in" if place.stand_in else f"{place.instance}"
    click.echo(f"{click.style(place.connector.title, bold=True)} at {where}. No journal and no evidence are written.")
    if invented:
        from hub.testing.town import TOWN  # noqa: PLC0415  # heavy

        click.echo(f"The person is {TOWN.main.name}, who lives in the stand-in's town and nowhere else.")


def _view(session: Session, *, reveal: bool) -> dict[str, Any]:
    from hub.development.wording import as_json  # noqa: PLC0415  # heavy

    place, nobody = session.place, session.wishes.subject is None
    return {
        "schema": schema("dev"),
        "connector": place.connector.name,
        "instance": None if place.stand_in else place.instance,
        "person": None if nobody else "invented" if session.invented else "given",
        "runs": [as_json(run, reveal=reveal) for run in session.runs],
        "unmet_faults": [fault.where for fault in session.unmet],
    }


class _Silent:
    """Says nothing: with `--json` everything is said at the end."""

    def begins(self, run: Run) -> None:
        pass

    def exchanged(self, passage: Passage) -> None:
        pass

    def failed(self, kind: str) -> None:
        pass

    def ended(self, run: Run) -> None:
        pass


class _Aloud:
    """Says everything as it happens; of many like calls one after the other it counts all but the first."""

    def __init__(self, place: Place, *, reveal: bool) -> None:
        self._kinds = place.connector.kinds
        self._reveal = reveal
        self._last: tuple[str, str, int | None] | None = None
        self._alike = 0

    def begins(self, run: Run) -> None:
        on = f", holding {run.holding}" if run.holding is not None else ""
        click.echo(f"\n{click.style(run.operation, bold=True)}{on}")
        if run.waited:
            waited = timedelta(seconds=math.ceil(run.waited.total_seconds()))
            click.echo(f"  The stand-in's clock is moved on by {waited}, to when the service wants to be asked.")

    def exchanged(self, passage: Passage) -> None:
        from hub.trace import exchange_line  # noqa: PLC0415  # heavy

        exchange = passage.exchange
        call = (exchange.method, exchange.url_template, exchange.status)
        if call != self._last:
            self._count()
            self._last = call
        self._alike += 1
        if self._alike <= _ALIKE:
            click.echo(f"  {exchange_line(passage)}")

    def failed(self, kind: str) -> None:
        self._count()
        click.echo(f"    → {kind}")

    def ended(self, run: Run) -> None:
        from hub.development.wording import in_lines  # noqa: PLC0415  # heavy

        self._count()
        first, *more = in_lines(run, self._kinds, reveal=self._reveal)
        click.secho(first, bold=True, fg="red" if run.mishap else None)
        for line in more:
            click.echo(f"  {line}")

    def _count(self) -> None:
        """Say how many calls like the last one were not shown; what comes now is not like it."""
        if self._alike > _ALIKE:
            click.echo(f"  … and {self._alike - _ALIKE} more like it")
        self._last, self._alike = None, 0
