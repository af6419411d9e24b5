"""`hub serve`."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import click

from hub.cli.frame import Front, command
from hub.cli.output import emit, note, schema
from hub.cli.stopping import stoppable
from hub.errors import UsageError


@command()
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append the log to this file; standard error otherwise. JSON lines without personal data.",
)
def serve(front: Front, *, log: Path | None) -> None:
    """Carry requests out here until stopped.

    Takes up what is due, now and later, also what other processes submit and approve. Ctrl-C and SIGTERM finish what is
    under way, a second one stops at once: the journal goes on next time. One process at a time does this on a data
    folder.
    """
    with front.opened() as hub:
        from hub import logs  # noqa: PLC0415  # heavy

        try:
            logs.write_to(log or sys.stderr, logging.INFO)
        except OSError as error:
            raise UsageError(
                f"The log cannot be written to {log}: {error.strerror}",
                hint="Name a file in a folder that exists and that you may write to.",
            ) from None
        stopped = threading.Event()
        try:
            with stoppable(), hub.engine() as engine:
                if engine is None:
                    raise UsageError(
                        f"Process {hub.engine_holder()} carries requests out on this data folder already",
                        hint="One is enough: `hub watch` follows it. Stop it first to run another.",
                    )
                if front.json:
                    emit({"schema": schema("serving"), "home": str(hub.home.folder)})
                else:
                    note(f"Carrying requests out on {hub.home.folder}; Ctrl-C stops.")
                hub.log.info("serving")
                stopped.wait()
        except KeyboardInterrupt:
            hub.log.info("stopped")
