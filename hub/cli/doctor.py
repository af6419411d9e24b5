"""`hub doctor`."""

from __future__ import annotations

from dataclasses import asdict

import click

from hub.cli.frame import Front, command, quiet_log
from hub.cli.output import DONE, FAILED, emit, schema

_MARKS = {"ok": ("✓", "green"), "advice": ("!", "yellow"), "problem": ("✗", "red")}


@command()
def doctor(front: Front) -> int:
    """Examine the data folder and say what to do about what is wrong.

    Folder and file modes, settings, plugins, keys, journal, clock, disk, engine. Nothing is changed and nothing is
    sent; `hub check` asks the services. Ends with 1 when there is a problem.
    """
    from hub.cli.examining import examine  # noqa: PLC0415  # heavy

    quiet_log()
    home = front.home
    findings = examine(home, front.environ)
    if front.json:
        emit({"schema": schema("doctor"), "home": str(home.folder), "findings": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            mark, colour = _MARKS[finding.state]
            click.echo(f"{click.style(mark, fg=colour, bold=True)} {finding.about}: {finding.message}")
            if finding.hint:
                click.echo(f"  → {finding.hint}")
    return FAILED if any(finding.state == "problem" for finding in findings) else DONE
