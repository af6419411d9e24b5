"""What all commands share: the data folder, `--json`, who acts, and a hub opened with its log on standard error."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hub.errors import UsageError

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.home import Home

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(slots=True)
class Front:
    """What was said to the program, whatever the command.

    Args:
        environ: the environment.
        folder: `--home`, if given.
        json: whether the answer is one JSON object.
    """

    environ: Mapping[str, str]
    folder: Path | None = None
    json: bool = False

    @property
    def home(self) -> Home:
        """The data folder."""
        from hub.home import Home  # noqa: PLC0415  # `hub --help` has no use for it

        return Home.choose(self.folder, self.environ)

    @contextmanager
    def opened(self) -> Iterator[Hub]:
        """The hub in the data folder. Raises what `Hub.open` raises."""
        from hub.app import Hub  # noqa: PLC0415  # half a second of libraries

        quiet_log()
        with Hub.open(self.home, self.environ) as hub:
            for problem in hub.plugins.problems:
                click.echo(f"The plugin {problem.plugin} is left out: {problem.message}\n  → {problem.hint}", err=True)
            yield hub

    def actor(self, by: str | None) -> str:
        """Who acts. Raises `UsageError` when nobody can be told."""
        name = by or self.environ.get("HUB_ACTOR")
        if name is None:
            try:
                name = getpass.getuser()
            except (OSError, KeyError):
                raise UsageError("Nobody can tell who acts here", hint="Give --by NAME, or set HUB_ACTOR.") from None
        return name


def quiet_log() -> None:
    """Send the hub's log to standard error, warnings and worse."""
    import logging  # noqa: PLC0415  # as above

    from hub import logs  # noqa: PLC0415  # structlog is slow to load

    logs.write_to(sys.stderr, logging.WARNING)


class Command(click.Command):
    """A command with the options every command has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
        self.allow_extra_args = True
        add_common_options(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse arguments too many without quoting them, as click would: they may be a person's."""
        if any("\ud800" <= character <= "\udfff" for text in args for character in text):
            raise UsageError("An argument is no text in UTF-8", hint="Look at the locale of the terminal or script.")
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            raise UsageError(
                f"{len(rest)} arguments too many", hint=f"Put texts with blanks into quotes. {ctx.command_path} --help"
            )
        return rest


def add_common_options(command: click.Command) -> None:
    """Add `--home` and `--json`, which may stand before or after the command's name."""
    command.params += [
        click.Option(
            ["--home"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            expose_value=False,
            callback=_home,
            help="The data folder.",
        ),
        click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=_json, help="Answer with one JSON object on stdout."
        ),
    ]


def _home(ctx: click.Context, _: click.Parameter, folder: Path | None) -> None:
    if folder is not None:
        ctx.find_object(Front).folder = folder  # type: ignore[union-attr]  # `run` puts it there


def _json(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click's signature
    if wanted:
        ctx.find_object(Front).json = True  # type: ignore[union-attr]  # as above


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Declare a command; its function takes the `Front` first."""

    def declare(function: Callable[..., Any]) -> Command:
        return click.command(name, cls=Command)(click.pass_obj(function))

    return declare


by_option = click.option("--by", metavar="NAME", help="Who acts; HUB_ACTOR or your login name otherwise.")
