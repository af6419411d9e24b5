"""`hub demo`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.answers import PLAIN, Line, Words, found, of_track
from hub.cli.frame import Front, command
from hub.cli.output import DONE, FAILED, emit, exit_code, note, schema
from hub.cli.summary import others, service, verdict, words_of
from hub.demo.stage import Stage, new_folder, staged
from hub.demo.story import OFFICER, Choice, Compared, Teller, View, person, play

if TYPE_CHECKING:
    from hub.handover import Handover
    from hub.rights import Right


@command()
def demo(front: Front) -> int:
    """Carry a real access and a real erasure request through local stand-ins.

    Makes a new data folder (--home, else ./.hub/demo-1 and so on) and touches no other hub. The requests are for one
    person of a small invented town, known under two addresses; the services are stand-ins on this machine, everything
    else is the hub as it is. What is printed holds no personal data; with --json, `person` tells whom to search for.
    """
    folder = front.folder.expanduser().absolute() if front.folder else new_folder()
    with staged(folder) as stage:
        if front.json:
            views, compared = play(stage, _Secret())
        else:
            views, compared = play(stage, _Narrator(stage))
    if front.json:
        emit({"schema": schema("demo"), "home": str(folder), "sandbox": True, "person": person(), "requests": views})
    else:
        _end(folder, compared, words_of(stage.hub))
    untouched = all(one.as_claimed for one in compared)
    return max(FAILED if not untouched else DONE, *map(exit_code, views))


class _Secret(Teller):
    """Says the one thing that is said once: with `--json`, on standard error."""

    def delivered(self, made: Handover, file: Path, secret: str) -> None:  # noqa: ARG002  # the base's signature
        note(f"Passphrase of {file.name}, shown once and stored nowhere: {secret}")


class _Narrator(Teller):
    """Tells the story on standard output."""

    def __init__(self, stage: Stage) -> None:
        self._hub = stage.hub
        self._words = words_of(stage.hub)
        _title("A hub of its own")
        click.echo(f"  Data folder  {stage.hub.home.folder}")
        for name, url in stage.urls.items():
            click.echo(f"  {self._words.labels[name]}: a stand-in at {url}")
        click.echo("  Two more systems are registered: one that a person serves by hand, one that is excluded.")
        click.echo("\n  The person (p01 of the town) has two e-mail addresses and wrote down one. She lives with a")
        click.echo("  relative, has a namesake in another town, and neighbours whose names differ in one letter.")

    def submitted(self, request: str, right: Right) -> None:
        about = "wants a copy of her data" if right.value == "access" else "wants to be erased"
        _title(f"She {about}")
        click.echo(f"  Request {request}: {right.value}, by letter, identity verified by id_document.")

    def found(self, view: View) -> None:
        click.echo("\n  Found:")
        for track in view["tracks"]:
            service(self._words.labels[track["instance"]], track["instance"], [Line(PLAIN, found(track, self._words))])
        events = self._hub.evidence(view["id"])
        if sum(b'"type":"find.covered"' in event for event in events) > len(view["tracks"]):
            click.echo("  The first search taught her second address; every service was searched again with it.")

    def decided(self, choices: list[Choice]) -> None:
        click.echo(f"\n  {len(choices)} were uncertain. {OFFICER} looked at them, which is recorded, and decided:")
        for choice in choices:
            connector = self._hub.settings.instances[choice.instance].connector
            why = "bears one of her addresses: hers" if choice.hers else "bears none of her addresses: not hers"
            click.echo(f"    {self._words.kind(connector, choice.kind)}: {why}")

    def approved(self, digest: str) -> None:
        click.echo(f"\n  {OFFICER} approved what was found, digest {digest[:12]}. Until then nothing was erased.")

    def settled(self, task: View, proof: Path) -> None:
        label = self._words.labels[task["instance"]]
        click.echo(f"\n  {label}: done by hand; the note {proof.name} is attached to the task.")

    def delivered(self, made: Handover, file: Path, secret: str) -> None:
        click.echo(f"\n  Her copy: {file.name}, {made.package.records} records, encrypted (AES-256).")
        click.echo(f"  Passphrase, shown once and stored nowhere: {secret}")
        for name in made.package.incomplete:
            click.echo(f"  The copy itself says that it lacks: {self._words.labels[name]}")

    def ended(self, view: View, proof: Path) -> None:
        click.echo(f"\n  What became of it: {verdict(view)}")
        for track in view["tracks"]:
            service(self._words.labels[track["instance"]], track["instance"], of_track(track, self._words))
        for name, line in others(self._hub, view):
            service(self._words.labels[name], name, [line])
        click.echo(f"\n  Proof: {view['events']} events in {proof.absolute()},\n  each committed to the one before.")


def _title(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True, fg='blue')}\n{click.style('─' * len(text), dim=True)}")


def _program() -> str:
    """How this program is called from here: by its name where PATH finds it, by its path otherwise."""
    own = Path(sys.argv[0])
    found = shutil.which(own.name)
    return own.name if found and Path(found).absolute() == own.absolute() else shlex.quote(str(own))


def _end(folder: Path, compared: list[Compared], words: Words) -> None:
    _title("Looked at from the other side")
    click.echo("  What the stand-ins themselves hold now, compared with what they held before:")
    for one in compared:
        same = "and nothing else has changed" if one.as_claimed else f"and {one.changed} OTHERS HAVE CHANGED"
        count = "exactly what" if one.gone == one.erased else "NOT what"
        click.echo(f"    {words.labels[one.instance]}: {one.gone} gone, {count} the hub calls erased ({one.erased});")
        click.echo(f"      {one.left} as before, {same}.")
    _title("Where to look")
    for command_line in ("list", "show REQUEST", "evidence REQUEST", "doctor"):
        click.echo(f"  {_program()} {command_line} --home {folder}")
    click.echo("\n  This ran against local stand-ins, which the evidence records as such: nobody's data was touched.")
    click.echo("  No personal data stands in clear in that folder; the copy is encrypted, its passphrase is above.")
