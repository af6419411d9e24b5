"""What the documentation shows of the scale, as Markdown: the connectors with their tiers, and the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hub.holding import Search
from hub.processor import Operation
from hub.quality.declared import State
from hub.quality.report import Report
from hub.quality.rule import Rule
from hub.quality.rules import RULES

_OPERATIONS = {
    Operation.EXPORT: "Copy",
    Operation.RECTIFY: "Correct",
    Operation.SUPPRESS: "Stop",
    Operation.ERASE: "Erase",
}
_SAID = {State.EXEMPT: "Left out", State.DONE: "Done", State.TODO: "To do for {tier}"}


def connectors(reports: Sequence[Report]) -> str:
    """A table of the connectors, then for each what it leaves out, and why."""
    heads = ("Connector", "Service", "Tier", "Searched by", *_OPERATIONS.values())
    return "\n\n".join([_table(heads, map(_row, reports)), *(_details(report) for report in reports)])


def rules() -> str:
    """A table of the rules, with links to their pages, for docs/quality."""
    rows = ((f"[`{r.name}`]({r.name}.md)", r.tier.label, r.title, "yes" if r.exempt else "no") for r in RULES.values())
    return _table(("Rule", "Tier", "What holds", "Exemption"), rows)


def head(rule: Rule) -> str:
    """What a rule's page begins with."""
    exemption = f"only with a reason, where this holds: {rule.exempt}" if rule.exempt else "none."
    parts = (f"# {rule.name}", f"**{rule.tier.label.capitalize()}.** {rule.title}", f"**Why.** {rule.why}")
    return "\n\n".join([*parts, f"**How.** {rule.how}", f"**Exemption:** {exemption}"]) + "\n"


def _row(report: Report) -> Iterator[str]:
    processor = report.connector.processor
    yield f"`{processor.name}`"
    yield processor.title
    yield report.tier.label
    yield ", ".join(f"{label} ({how})" for label, how in processor.searches.items() if how is not Search.NONE)
    yield from ("no" if processor.cannot(operation) else "yes" for operation in _OPERATIONS)


def _details(report: Report) -> str:
    processor = report.connector.processor
    lines = [f"- Conformance suite, `{e.rule}` does not hold: {e.reason}" for e in report.exceptions]
    if not lines and report.met(RULES["conformance-suite"]):
        lines = ["- Conformance suite: no exceptions."]
    for operation in Operation:
        if answer := processor.cannot(operation):
            lines.append(f"- No {operation}: {answer.reason}")
    for state, words in _SAID.items():
        for name, entry in report.declared.entries.items():
            told = name in list(Operation) and state is State.EXEMPT  # by the class, above
            if entry.state is state and not told and (entry.comment or state is State.TODO):
                said = f": {entry.comment}" if entry.comment else "."
                lines.append(f"- {words.format(tier=RULES[name].tier.label)}, `{name}`{said}")
    return "\n".join([f"### {processor.title}", "", *lines])


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)
