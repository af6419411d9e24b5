"""The program `hub`: its commands by name, its help, and how errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import chain

import click

from hub import process
from hub.cli.frame import Front, add_common_options
from hub.cli.output import FAILED, INTERRUPTED, USAGE, note, schema
from hub.errors import HubError, UsageError, code

# Section → command → the function that is the command, and the first line of its help (a test compares them).
SECTIONS = {
    "Set up": {
        "init": ("hub.cli.init:init", "Make a data folder: settings to fill in, keys, an empty journal."),
        "doctor": ("hub.cli.doctor:doctor", "Examine the data folder and say what to do about what is wrong."),
        "connectors": ("hub.cli.connectors:connectors", "List connectors, configured instances and the register."),
        "check": ("hub.cli.connectors:check", "Ask the services who we are there and what we may do."),
    },
    "Requests": {
        "plan": ("hub.cli.plan:plan", "Show what each system would be asked for; nothing is sent."),
        "request": ("hub.cli.requests:request", "Take a request in, for the engine to carry out."),
        "run": ("hub.cli.requests:run", "Take a request in and carry it out here, following it."),
        "watch": ("hub.cli.requests:watch", "Follow a request until it is settled or waits for a person."),
        "list": ("hub.cli.views:list_requests", "List the requests, newest first."),
        "show": ("hub.cli.views:show", "Show one request: what became of it at each service."),
    },
    "What people decide": {
        "tasks": ("hub.cli.views:tasks", "List what waits for a person."),
        "decide": ("hub.cli.decide:decide", "Say whose the uncertain holdings of a request are."),
        "approve": ("hub.cli.approve:approve", "Approve what was found, so that it is changed or erased."),
        "settle": ("hub.cli.settle:settle", "Record what a person did about a task, with the proof."),
        "release": ("hub.cli.steer:release", "Allow a reviewed copy to be handed over."),
        "retry": ("hub.cli.steer:retry", "Try again what failed."),
        "undo": ("hub.cli.steer:undo", "Withdraw an erasure, as far as it can be."),
        "cancel": ("hub.cli.steer:cancel", "Stop a request: nothing more is sent for it."),
        "pause": ("hub.cli.steer:pause", "Stop using an instance for now."),
        "resume": ("hub.cli.steer:resume", "Use an instance again."),
    },
    "Answer and proof": {
        "export": ("hub.cli.export:export", "Hand over the copy of a request as an encrypted zip file."),
        "evidence": ("hub.cli.evidence:evidence", "Print the events of a request, or write them to a folder."),
    },
    "Build connectors": {
        "new-connector": ("hub.cli.new_connector:new_connector", "Write a new connector that works, for you to edit."),
        "dev": ("hub.cli.dev:dev", "Try one connector: call operations, see every exchange and what came of it."),
        "quality": ("hub.cli.quality:quality", "Say which tier of the quality scale connectors reach."),
    },
    "Run": {
        "serve": ("hub.cli.serve:serve", "Carry requests out here until stopped."),
        "sandbox": ("hub.cli.sandbox:sandbox", "Serve local stand-ins of the services until stopped."),
        "demo": ("hub.demo.command:demo", "Carry a real access and a real erasure request through local stand-ins."),
    },
}
COMMANDS = dict(chain.from_iterable(section.items() for section in SECTIONS.values()))

_HELP = """Carries a person's data-protection request out at every service that holds their data, and proves it.

\b
Data folder: --home DIR, else HUB_HOME, else the platform's own place.
Who acts:    --by NAME, else HUB_ACTOR, else your login name.

\b
Exit codes:
  0    all settled, or the command did what it was asked
  1    something failed; a person must look
  2    usage or settings; nothing was changed
  3    waiting: for a service, a person or a date
  130  stopped by Ctrl-C; the journal goes on next time
"""
_WORD = re.compile(r"[a-z][a-z-]{0,20}")


class Program(click.Group):
    """Knows its commands by name and help; imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named first. An unknown word is quoted only where it looks like one: it may be an address."""
        if args[0] in COMMANDS:
            return args[0], self.get_command(ctx, args[0]), args[1:]
        near = difflib.get_close_matches(args[0], COMMANDS, n=1)
        named = f" called {args[0]}" if _WORD.fullmatch(args[0]) else " of that name"
        hint = f"Did you mean {near[0]}?" if near else "`hub --help` lists them."
        raise UsageError(f"There is no command{named}", hint=hint)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """The commands by section, from the table: nothing is imported for it."""
        width = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in commands.items()])


program = Program("hub", help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
add_common_options(program)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click's signature
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  # the only use of it

        click.echo(f"subject-request-hub {version('subject-request-hub')}")
        ctx.exit()


program.params.append(
    click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say which.")
)


def main() -> None:
    """The entry point: never returns."""
    process.harden()
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Carry a command line out; returns the exit code. What it does not expect it raises, for the hook of `harden`."""
    try:
        with _traced(environ):
            answer = program.main(list(arguments), prog_name="hub", standalone_mode=False, obj=Front(environ))
    except HubError as error:
        return _told(error, as_json="--json" in arguments)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "hub"
        return _told(UsageError(error.format_message(), hint=f"{where} --help"), as_json="--json" in arguments)
    except (click.Abort, KeyboardInterrupt) as stopped:
        if isinstance(stopped.__cause__, EOFError):  # click takes every one for a closed terminal
            raise stopped.__cause__ from None
        note("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has enough; Python would complain once more when it flushes
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return answer if isinstance(answer, int) else 0


def _traced(environ: Mapping[str, str]) -> contextlib.AbstractContextManager[None]:
    """What the command does is traced on standard error, where the environment asks for that (docs/cli.md)."""
    if not environ.get("HUB_TRACE"):
        return contextlib.nullcontext()
    from hub import trace  # noqa: PLC0415  # hardly ever needed

    return trace.tracing(sys.stderr) if trace.wanted(environ) else contextlib.nullcontext()


def _told(error: HubError, *, as_json: bool) -> int:
    """Say what is wrong and what to do: in words on standard error, and with `--json` as the one object."""
    note(error.diagnostics())
    if as_json:
        named = {"error": code(error), "instance": error.instance, "message": error.message, "hint": error.hint}
        click.echo(json.dumps({"schema": schema("error"), **named}, indent=2, ensure_ascii=False))
    return USAGE if isinstance(error, UsageError) else FAILED
