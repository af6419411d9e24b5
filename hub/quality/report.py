"""Judges a connector: what it says of itself, held against what code can see, and the tier that is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from hub.errors import UsageError
from hub.quality.checks import CHECKS, Case
from hub.quality.connector import Connector, NotInstalled
from hub.quality.declared import Declared, Entry, Fault, State, read
from hub.quality.exceptions import Exempted, exempted
from hub.quality.plain import plain
from hub.quality.rule import Rule, Tier
from hub.quality.rules import RULES


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one connector.

    Args:
        connector: which.
        file: its quality.yaml.
        declared: what that says.
        faults: what is wrong with the file, or contradicts it; empty when all is well.
        unseen: rule → why nobody looked: what would have been read for it is not installed.
        exceptions: rules of the conformance suite that it says it fails, with the reasons.
    """

    connector: Connector
    file: Path
    declared: Declared
    faults: tuple[Fault, ...]
    unseen: Mapping[str, str]
    exceptions: tuple[Exempted, ...]

    def met(self, rule: Rule) -> bool:
        """Whether a rule is done or rightly left out."""
        entry = self.declared.entries.get(rule.name)
        wrong = any(fault.rule == rule.name for fault in self.faults)
        return entry is not None and entry.state is not State.TODO and not wrong

    @property
    def tier(self) -> Tier:
        """The highest tier whose rules, and those of all tiers below, are met. A file that is broken has none."""
        if any(not fault.rule for fault in self.faults):
            return Tier.NONE
        short = min((rule.tier for rule in RULES.values() if not self.met(rule)), default=Tier.PLATINUM + 1)
        return Tier(short - 1)

    @property
    def missing(self) -> tuple[Rule, ...]:
        """What the next tier asks for and is not there yet."""
        wanted = self.tier + 1
        return tuple(rule for rule in RULES.values() if rule.tier <= wanted and not self.met(rule))

    @property
    def sound(self) -> bool:
        """Whether nothing contradicts the file and the connector is at least bronze: what CI asks for."""
        return not self.faults and self.tier >= Tier.BRONZE


def judge(connector: Connector, today: date) -> Report:
    """Judge a connector as it stands on its disk. Sends nothing; never raises for a fault of the connector's."""
    try:
        file = connector.folder / "quality.yaml"
    except UsageError as error:
        fault = Fault("", error.message, error.hint, "docs/quality/index.md")
        return Report(connector, Path("quality.yaml"), Declared(), (fault,), {}, ())
    declared = read(file)
    faults, unseen = list(declared.faults), {}
    for name, entry in declared.entries.items():
        try:
            faults += _contradictions(RULES[name], entry, Case(connector, declared, today))
        except NotInstalled as missing:
            unseen[name] = str(missing)
        except UsageError as error:
            faults.append(Fault(name, error.message, error.hint, RULES[name].page))
        except Exception as error:  # noqa: BLE001  # `limits`, `searched_by` and `settings` are the author's own code
            message = f"The connector raised {type(error).__name__} when it was asked"
            faults.append(Fault(name, message, RULES[name].how, RULES[name].page))
    shown = tuple(replace(fault, message=plain(fault.message)) for fault in faults)  # it may name files and settings
    return Report(connector, file, declared, shown, unseen, _exceptions(connector))


def _contradictions(rule: Rule, entry: Entry, case: Case) -> Iterator[Fault]:
    if entry.state is State.EXEMPT and not rule.exempt:
        yield Fault(rule.name, "It says exempt, and the rule allows no exemption", rule.how, rule.page)
    for check in CHECKS[entry.state].get(rule.name, ()):
        for found in check(case):
            yield Fault(rule.name, f"It says {entry.state}, and {found}", _remedy(rule, entry, case), rule.page)


def _remedy(rule: Rule, entry: Entry, case: Case) -> str:
    """What to do about a contradiction: where the code does already what is left out, the file is what is wrong."""
    lacking = (found for check in CHECKS[State.DONE].get(rule.name, ()) for found in check(case))
    does = entry.state is State.EXEMPT and next(lacking, None) is None
    return "The code does it already: write `done`." if does else rule.how


def _exceptions(connector: Connector) -> tuple[Exempted, ...]:
    try:
        return exempted(connector)
    except (NotInstalled, UsageError):  # the rule conformance-suite tells
        return ()
