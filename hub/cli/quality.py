"""`hub quality`: what a connector has shown of itself, and what the next tier asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli.frame import Front, command
from hub.cli.output import DONE, FAILED, emit, note, schema
from hub.errors import UsageError

if TYPE_CHECKING:
    from hub.quality.declared import Fault
    from hub.quality.report import Report
    from hub.quality.rule import Rule

_STATES = {"done": "done", "todo": "to do", "exempt": "left out"}


@command()
@click.argument("names", nargs=-1, metavar="[CONNECTOR]…")
@click.option("--rule", "only", metavar="RULE", help="Explain this rule, and say who meets it.")
@click.option("--table", is_flag=True, help="Print the table of docs/connectors.md instead.")
def quality(front: Front, *, names: tuple[str, ...], only: str | None, table: bool) -> int:
    """Say which tier of the quality scale connectors reach.

    The enabled ones, or those named; naming one that is installed and not enabled loads it. Nothing is sent: what
    quality.yaml says is held against the code. Ends with 1 when something contradicts it, or bronze is not reached.
    """
    from hub.quality.rules import RULES  # noqa: PLC0415  # `hub quality --help` does without
    from hub.quality.tables import connectors  # noqa: PLC0415  # heavy

    if only is not None and only not in RULES:
        raise UsageError("There is no rule of that name", hint="docs/quality/index.md lists them.")
    reports, complete = _reports(front, names)
    rule = RULES[only] if only is not None else None
    if front.json:
        emit({"schema": schema("quality"), "connectors": [_view(report, rule) for report in reports]})
    elif table:
        click.echo(connectors(reports))
    elif rule:
        _explain(rule, reports)
    else:
        for report in reports:
            _say(report)
    return DONE if complete and all(_sound(report, rule) for report in reports) else FAILED


def _reports(front: Front, names: Sequence[str]) -> tuple[list[Report], bool]:
    """The reports, and whether none is missing because a plugin is broken. Raises `UsageError` for unknown names."""
    from hub.plugins import load  # noqa: PLC0415  # heavy
    from hub.quality.connector import Connector  # noqa: PLC0415  # heavy
    from hub.quality.report import judge  # noqa: PLC0415  # heavy
    from hub.settings import enabled_plugins  # noqa: PLC0415  # heavy
    from hub.timepiece import SystemTime  # noqa: PLC0415  # as above

    home = front.home
    plugins = load(enabled_plugins(home.folder, front.environ) if home.settings.exists() else None)
    sources = [(plugins, [name for name in sorted(plugins.processors) if name in names or not names])]
    if dormant := sorted(set(names) & set(plugins.dormant)):
        named = load(dormant)
        sources.append((named, sorted(named.processors)))
    problems = [p for loaded, _ in sources for p in loaded.problems if p.plugin in names or not names]
    if not {*plugins.processors, *dormant, *(problem.plugin for problem in problems)}.issuperset(names):
        there = ", ".join(sorted({*plugins.processors, *plugins.dormant}))
        hint = f"There are: {there}. A new one is installed before it is found: pip install -e ."
        raise UsageError("No connector of that name is installed", hint=hint)
    for problem in problems:
        note(f"The plugin {problem.plugin} cannot be judged: {problem.message}\n  → {problem.hint}")
    today = SystemTime().now().date()
    reports = [
        judge(Connector(loaded.processors[name], sandboxes.get(name)), today)
        for loaded, chosen in sources
        for sandboxes in [loaded.sandboxes()]
        for name in chosen
    ]
    return reports, not problems


def _sound(report: Report, rule: Rule | None) -> bool:
    """Whether what is shown of the connector contradicts nothing and is no gap in bronze."""
    from hub.quality.rule import Tier  # noqa: PLC0415  # as above

    if rule is None:
        return report.sound
    contradicted = any(fault.rule == rule.name for fault in report.faults)
    return not contradicted and (rule.tier > Tier.BRONZE or report.met(rule))


def _view(report: Report, rule: Rule | None) -> dict[str, Any]:
    shown = [rule.name] if rule else list(report.declared.entries)
    return {
        "name": report.connector.name,
        "title": report.connector.processor.title,
        "file": str(report.file),
        "owner": report.declared.owner,
        "verified": report.declared.verified.isoformat() if report.declared.verified else None,
        "tier": report.tier.label,
        "missing": [missing.name for missing in report.missing],
        "rules": {
            name: {"state": entry.state.value, "comment": entry.comment}
            for name, entry in report.declared.entries.items()
            if name in shown
        },
        "faults": [
            {"rule": fault.rule, "message": fault.message, "hint": fault.hint, "page": fault.page}
            for fault in report.faults
            if rule is None or fault.rule == rule.name
        ],
        "unseen": dict(report.unseen),
        "exceptions": [{"rule": exception.rule, "reason": exception.reason} for exception in report.exceptions],
    }


def _say(report: Report) -> None:
    from hub.quality.plain import plain  # noqa: PLC0415  # as above

    title, name, tier = plain(report.connector.processor.title), plain(report.connector.name), report.tier.label
    click.echo(f"{click.style(title, bold=True)}  {name}  {click.style(tier, bold=True)}")
    states = Counter(entry.state.value for entry in report.declared.entries.values())
    click.echo("  " + ", ".join(f"{states[state]} {word}" for state, word in _STATES.items()))
    for rule, entry in report.declared.entries.items():
        if entry.comment:
            click.echo(f"  {_STATES[entry.state]}: {rule}: {entry.comment}")
    for exception in report.exceptions:
        click.echo(f"  exception of the conformance suite: {exception.rule}: {exception.reason}")
    for rule, what in report.unseen.items():
        click.echo(f"  taken on trust: {rule}: {what}")
    if report.missing and not report.faults:
        click.echo(f"  The next tier, {_next(report)}, asks for:")
        for missing in report.missing:
            click.echo(f"    {missing.name}: {missing.how} {missing.page}")
    _blame(report, report.faults)


def _next(report: Report) -> str:
    from hub.quality.rule import Tier  # noqa: PLC0415  # as above

    return Tier(report.tier + 1).label


def _blame(report: Report, faults: Sequence[Fault]) -> None:
    for fault in faults:
        about = f"{fault.rule}: " if fault.rule else ""
        click.echo(f"  {click.style('✗', fg='red')} {_near(report.file)}: {about}{fault.message}")
        click.echo(f"    → {fault.hint} {fault.page}")


def _near(file: Path) -> str:
    """The path as it is typed here: relative where it lies below."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _explain(rule: Rule, reports: Sequence[Report]) -> None:
    click.echo(f"{click.style(rule.name, bold=True)}  {rule.tier.label}\n  {rule.title}")
    click.echo(f"  Why: {rule.why}\n  How: {rule.how}")
    click.echo(f"  Left out only where this holds: {rule.exempt}" if rule.exempt else "  It cannot be left out.")
    click.echo(f"  More: {rule.page}\n")
    for report in reports:
        entry = report.declared.entries.get(rule.name)
        said = _STATES[entry.state] if entry else "not said"
        comment = f": {entry.comment}" if entry and entry.comment else ""
        click.echo(f"{report.connector.name}  {said}{comment}")
        _blame(report, [fault for fault in report.faults if fault.rule == rule.name])
