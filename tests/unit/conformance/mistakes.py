"""What connectors get wrong: each differs from the correct depot in one thing, and names the rules that catch it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from pydantic import ConfigDict, Field

from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    AuthError,
    Changes,
    Confirmation,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Learned,
    Limits,
    Manual,
    Masked,
    Match,
    Method,
    Operation,
    Outcome,
    Pending,
    Processor,
    Purpose,
    Reach,
    Record,
    Refused,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    unsupported,
)
from hub.testing.conformance import Service
from hub.testing.sandbox import Request, Result, by_page, route
from hub.testing.town import TOWN
from tests.unit.conformance.depot import Depot, DepotConfig, DepotSandbox, Redacting


@dataclass(frozen=True)
class Mistake:
    """A connector that is wrong in one thing.

    Args:
        service: the connector and its stand-in.
        caught_by: names of the rules that fail, and no other does.
    """

    service: Service
    caught_by: tuple[str, ...]


MISTAKES: dict[str, Mistake] = {}
Broken = TypeVar("Broken", bound=type)

ON_OTHERS = (  # what shows when somebody else's record is taken for the person's
    "find_is_exact",
    "nothing_is_certainly_two_persons",
    "it_learns_only_what_stands_on_the_persons_record",
    "export_names_nobody_else",
    "rectify_changes_nothing_else",
    "a_corrected_address_is_found_again",
    "suppress_leaves_everything_else_alone",
    "lift_undoes_a_suppression",
    "erase_leaves_neighbours_alone",
    "erase_in_batches_as_one_by_one",
)


def service_of(processor: type[Processor[Any]] = Depot, sandbox: type[DepotSandbox] = DepotSandbox) -> Service:
    return Service(processor, sandbox, not_exported={"pin": "opens the door"}, stops=("blocked",), crowd=120)


def caught_by(*rules: str, against: type[DepotSandbox] = DepotSandbox) -> Callable[[Broken], Broken]:
    def note(broken: Broken) -> Broken:
        made = service_of(sandbox=broken) if issubclass(broken, DepotSandbox) else service_of(broken, against)
        MISTAKES[broken.__name__] = Mistake(made, tuple(f"test_{rule}" for rule in rules))
        return broken

    return note


# what it declares


@caught_by("it_says_what_it_is")
class NamedInTwoWords(Depot):
    title = ""


@caught_by("its_searches_are_kinds_of_identifier")
class SearchesByAWordNobodyKnows(Depot):
    searches: Mapping[str, Search] = {**Depot.searches, "e-mail": Search.EXACT}


class Undescribed(DepotConfig):
    pages: int = 7


@caught_by("every_setting_is_described")
class DescribesNothing(Depot, Processor[Undescribed]):
    pass


class WithoutSchema(DepotConfig):
    later: Callable[[], int] | None = Field(None, description="Something that no JSON can hold.")


@caught_by("settings_have_a_json_schema")
class HasNoSchema(Depot, Processor[WithoutSchema]):
    pass


class InTheOpen(DepotConfig):
    webhook_token: str = Field("", description="What its webhooks are signed with.")


@caught_by("a_setting_that_is_a_secret_is_typed_as_one")
class KeepsASecretInTheOpen(Depot, Processor[InTheOpen]):
    pass


class Quoting(DepotConfig):
    model_config = ConfigDict(hide_input_in_errors=False)


@caught_by("settings_never_show_a_secret")
class QuotesItsSettings(Depot, Processor[Quoting]):
    pass


class Lenient(DepotConfig):
    model_config = ConfigDict(extra="ignore")


@caught_by("an_unknown_setting_is_refused", "settings_never_show_a_secret")
class TakesAnySetting(Depot, Processor[Lenient]):
    pass


@caught_by("it_names_its_hosts")
class GoesAnywhere(Depot):
    @classmethod
    def limits(cls, config: DepotConfig) -> Limits:
        return Limits(("api.depot.example", "*"))


# check


@caught_by("check_names_the_account")
class ForgetsTheAccount(Depot):
    def check(self) -> Account:
        return replace(super().check(), id="")


@caught_by("check_refuses_wrong_credentials")
class TakesAnyKey(Depot):
    def check(self) -> Account:
        try:
            return super().check()
        except AuthError:
            return Account("unknown", "The depot")


@caught_by("check_tells_that_a_permission_is_missing")
class MissesNothing(Depot):
    def check(self) -> Account:
        return replace(super().check(), missing=())


# find


@caught_by(
    "find_ends_with_exactly_one_coverage",
    "find_yields_nothing_of_an_unknown_person",
    "find_says_how_it_searched",
    "what_cannot_be_searched_is_never_called_absent",
    "a_hostile_address_finds_nobody",
    "a_hostile_text_finds_nobody",
)
class SaysTwiceHowItSearched(Depot):
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        yield from super().find(subject)
        yield Coverage(self.searches)


@caught_by("find_says_how_it_searched", "what_cannot_be_searched_is_never_called_absent")
class ClaimsToSearchByName(Depot):
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        *found, _ = super().find(subject)
        yield from found
        yield Coverage({**self.searches, "name": Search.SCAN})


@caught_by(
    "find_yields_nothing_of_an_unknown_person",
    "what_cannot_be_searched_is_never_called_absent",
    "a_hostile_text_finds_nobody",
)
class OffersSomebodyElse(Depot):
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        *found, coverage = super().find(subject)
        if not found and subject.names:
            first = next(self.rows("/members", "members"))
            yield replace(self.holding("member", first, Reach.SHARED), match=Match.POSSIBLE)
        yield from [*found, coverage]


@caught_by(
    "find_finds_by_every_identifier_it_searches_by",
    "a_shared_mailbox_is_marked",
    "find_reads_to_the_last_page",
    "people_with_awkward_names_are_found",
    "a_corrected_address_is_found_again",
)
class LooksOnlyForWhoIsKnownWell(Depot):
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        known = len(subject.emails) > 1 or any(ord(c) > 127 or c in "'+" for c in "".join(subject.identifiers[0].value))
        yield from super().find(subject) if known or subject.external("depot.member") else [Coverage(self.searches)]


@caught_by("keys_stay_the_same")
class NumbersWhatItFinds(Depot):
    count = itertools.count()

    def holding(self, kind: str, row: Any, reach: Reach) -> Holding:
        return replace(super().holding(kind, row, reach), key=str(next(self.count)))


@caught_by("holdings_are_well_formed")
class CategorisesFreely(Depot):
    def holding(self, kind: str, row: Any, reach: Reach) -> Holding:
        return replace(super().holding(kind, row, reach), categories=("Contact Data",))


@caught_by("find_changes_nothing")
class MarksWhomItLookedAt(Depot):
    def found(self, member: Any) -> Iterator[Holding | Learned]:
        yield from super().found(member)
        self.patch(Holding("", "member", (), {"id": member["id"]}), {"seen": "today"})


@caught_by(*ON_OTHERS)
class ComparesBeginnings(Depot):
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        for member in self.rows("/members", "members"):
            if any(member["email"].lower().startswith(email[:13]) for email in subject.emails):
                yield from self.found(member)
        yield Coverage(self.searches)


class Unfiltered(DepotSandbox):
    @route("GET", "/members")
    def list_members(self, request: Request) -> Result:
        return by_page(request, "members", list(self.members), size=50)


@caught_by("find_reads_to_the_last_page", "find_reads_all_pages_of_one_search", against=Unfiltered)
class ReadsTheFirstPage(Depot):
    def rows(self, path: str, name: str, **query: str) -> Iterator[Any]:
        every = super().rows(path, name, **query)
        return itertools.islice(every, 50) if name == "members" else every


# doubt


class Containing(DepotSandbox):
    @route("GET", "/members")
    def list_members(self, request: Request) -> Result:
        found = [row for row in self.members if request.one("email").lower() in row["email"].lower()]
        return by_page(request, "members", found, size=50)


@caught_by("find_reads_all_pages_of_one_search")
class AsksWithTheFirstPageAlone(Depot):
    def rows(self, path: str, name: str, **query: str) -> Iterator[Any]:
        yield from itertools.islice(super().rows(path, name, **query), 50 if "email" in query else None)


@caught_by("find_reads_all_pages_of_one_search", against=Containing)
class TakesTheFirstPageOfAWideSearch(AsksWithTheFirstPageAlone):
    pass


@caught_by("find_knows_an_address_in_capitals")
class ComparesLetterByLetter(Depot):
    def is_hers(self, member: Any, email: str) -> bool:
        return bool(member["email"] == email)


@caught_by("a_hostile_text_finds_nobody")
class WildcardSandbox(DepotSandbox):
    @route("GET", "/{table}/{id}")
    def one(self, request: Request) -> Result:
        return next(iter(self.members)) if request.params["id"] == "%" else self.table(request)[request.params["id"]]


class Globbing(DepotSandbox):
    @route("GET", "/members")
    def list_members(self, request: Request) -> Result:
        wanted = request.one("email", "*")
        found = [row for row in self.members if fnmatchcase(row["email"].lower(), wanted)]
        return by_page(request, "members", found, size=50)


@caught_by("a_hostile_address_finds_nobody", against=Globbing)
class BelievesTheFilter(Depot):
    def is_hers(self, member: Any, email: str) -> bool:
        return True


@caught_by("find_is_exact", against=Containing)
class BelievesALooseSearch(BelievesTheFilter):
    pass


@caught_by("people_with_awkward_names_are_found")
class DropsApostrophes(Depot):
    def rows(self, path: str, name: str, **query: str) -> Iterator[Any]:
        return super().rows(path, name, **{label: text.replace("'", "") for label, text in query.items()})


@caught_by(*ON_OTHERS, "what_people_share_is_never_certain_by_itself")
class TrustsNames(Depot):
    searches: Mapping[str, Search] = {**Depot.searches, "name": Search.SCAN}

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        for member in self.rows("/members", "members"):
            if member["email"].lower() in subject.emails or member["name"] in subject.names:
                yield from self.found(member)
        yield Coverage(self.searches)


@caught_by("a_shared_mailbox_is_marked")
class TakesAMailboxForAPerson(Depot):
    def holding(self, kind: str, row: Any, reach: Reach) -> Holding:
        return super().holding(kind, row, Reach.SOLE)


@caught_by("it_learns_only_what_stands_on_the_persons_record")
class LearnsTheHouseholds(Depot):
    def found(self, member: Any) -> Iterator[Holding | Learned]:
        yield from super().found(member)
        if not member["email"].startswith("info@"):
            yield Learned(Identifier.phone(TOWN.neighbours[0].phones[0]))


# export


@caught_by("export_is_complete")
class LeavesThePhoneOut(Depot):
    def shown(self, row: Any) -> Any:
        return {name: value for name, value in super().shown(row).items() if name != "phone"}


@caught_by("export_holds_no_secret")
class CopiesThePin(Depot):
    def shown(self, row: Any) -> Any:
        return super().shown(row) | {"pin": row.get("pin")}


@caught_by("export_names_nobody_else")
class CopiesTheHousehold(Depot):
    def shown(self, row: Any) -> Any:
        return super().shown(row) | {"lives_with": TOWN.neighbours[0].email}


@caught_by("export_is_well_formed")
class NamesTablesAfterPeople(Depot):
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        return (replace(record, kind=f"Of {holding.key}") for record in super().export(holding, step))


@caught_by("export_streams")
class ReadsAllBeforeItYields(Depot):
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        yield from list(super().export(holding, step))


@caught_by("export_goes_on_from_any_cursor")
class SkipsOneAfterARestart(Depot):
    def stays(self, holding: Holding, start: int) -> Iterator[Record]:
        return super().stays(holding, start + 1 if start else 0)


@caught_by("export_changes_nothing")
class CountsItsCopies(Depot):
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        yield from super().export(holding, step)
        if holding.kind == "member":
            self.patch(holding, {"copied": True})


# rectify


@caught_by("rectify_changes_what_was_asked", "rectify_is_read_back", "a_corrected_address_is_found_again")
class CorrectsNothing(Depot):
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        return (
            Done(Method.CORRECTED)
            if holding.kind == "member" and self.body(changes)
            else super().rectify(holding, Changes({}), step)
        )


@caught_by("rectify_changes_nothing_else")
class ClearsThePhone(Depot):
    def body(self, changes: Changes) -> dict[str, Any]:
        body = super().body(changes)
        return body | ({"phone": ""} if body else {})


@caught_by("rectify_twice_is_fine")
class IsSurprisedByTheNewValue(Depot):
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        same = holding.kind == "member" and not self.differing(self.one(holding), self.body(changes))
        return Absent() if same and self.body(changes) else super().rectify(holding, changes, step)


@caught_by("rectify_is_read_back")
class DoesNotNameWhatDiffers(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        said = super().confirm(act, step)
        return Differs() if isinstance(said, Differs) and act.operation is Operation.RECTIFY else said


@caught_by("rectify_says_so_of_a_field_it_does_not_have")
class ClaimsAnyField(Depot):
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        return super().rectify(holding, changes, step) if self.body(changes) else Done(Method.CORRECTED)


@caught_by("a_corrected_address_is_found_again")
class ReturnsAStaleLocator(Depot):
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        outcome = super().rectify(holding, changes, step)
        moved = isinstance(outcome, Done) and "email" in changes.fields
        return Done(Method.CORRECTED, locator={"id": "nobody"}) if moved else outcome


# suppress and lift


@caught_by(
    "suppress_is_read_back", "an_objection_of_somebody_not_held_is_recorded_or_declined", "lift_undoes_a_suppression"
)
class ConfirmsAnyStop(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        return AsAsked() if act.operation is Operation.SUPPRESS else super().confirm(act, step)


@caught_by("suppress_leaves_everything_else_alone")
class StopsByDeleting(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        if isinstance(target, Holding) and target.kind == "visit":
            self.erase(target, step)
        return super().suppress(target, scope, step)


@caught_by("suppress_leaves_everything_else_alone")
class StopsServiceMessagesToo(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        outcome = super().suppress(target, scope, step)
        if isinstance(outcome, Done) and isinstance(target, Holding):
            self.patch(target, {"phone": ""})
        return outcome


@caught_by("lift_undoes_a_suppression")
class LiftsMoreThanItStopped(Depot):
    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:
        outcome = super().lift(holding, scope, step)
        if isinstance(outcome, Done):
            self.patch(holding, {"vip": True})
        return outcome


@caught_by("suppress_twice_is_fine")
class IsSurprisedByTheStop(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        stopped = isinstance(target, Holding) and (self.one(target) or {}).get("blocked")
        return Manual("look", "Look at the member.") if stopped else super().suppress(target, scope, step)


@caught_by("an_objection_of_somebody_not_held_is_recorded_or_declined")
class ForgetsObjections(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        return Done(Method.SUPPRESSED) if isinstance(target, Subject) else super().suppress(target, scope, step)


@caught_by("lift_undoes_a_suppression")
class LiftsNothing(Depot):
    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:
        stopped = holding.kind == "member" and Purpose.PROCESSING in scope.purposes
        return Done(Method.LIFTED) if stopped else super().lift(holding, scope, step)


# erase


@caught_by("erase_leaves_no_residue", "erase_in_batches_as_one_by_one", "export_is_complete")
class ForgetsAChild(Depot):
    def found(self, member: Any) -> Iterator[Holding | Learned]:
        return (item for item in super().found(member) if not (isinstance(item, Holding) and "v3" in item.key))


@caught_by(
    "erase_leaves_no_residue", "erase_in_batches_as_one_by_one", "erase_twice_is_a_success", "export_is_complete"
)
class AsksForTheMemberFirst(ForgetsAChild):
    def found(self, member: Any) -> Iterator[Holding | Learned]:
        yield from sorted(super().found(member), key=lambda item: isinstance(item, Holding) and item.kind == "visit")

    def erase(self, holding: Holding, step: Step) -> Outcome:
        visits = self.rows("/visits", "visits", member_id=holding.locator["id"]) if holding.kind == "member" else ()
        if any("v3" not in visit["id"] for visit in visits):
            return Refused("open_visits", "Visits of this member are not settled.")
        return super().erase(holding, step)


class Unlinking(DepotSandbox):
    @route("POST", "/members/{id}/deletion")
    def delete_member(self, request: Request) -> Result:
        for visit in self.visits.where(member_id=request.params["id"]):
            self.visits.update(visit["id"], {"member_id": None})
        return super().delete_member(request)


@caught_by("erase_leaves_no_residue", "erase_in_batches_as_one_by_one", "export_is_complete", against=Unlinking)
class ForgetsTheChildrenWhoseLinkTheServiceCuts(Depot):
    def found(self, member: Any) -> Iterator[Holding | Learned]:
        return (item for item in super().found(member) if not (isinstance(item, Holding) and item.kind == "visit"))


@caught_by("erase_leaves_no_residue", "erase_in_batches_as_one_by_one")
class MasksAllButTheName(Redacting):
    def patch(self, held: Holding, body: Any) -> Any:
        return super().patch(held, {name: value for name, value in body.items() if value != "*"})

    def confirm(self, act: Act, step: Step) -> Confirmation:
        row = self.one(act.target) if isinstance(act.target, Holding) and act.operation is Operation.ERASE else None
        return Masked() if row and "masked.invalid" in row.get("email", "") else super().confirm(act, step)


@caught_by("erase_leaves_neighbours_alone", "erase_in_batches_as_one_by_one")
class ErasesByName(Depot):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        if holding.kind == "member" and (member := self.one(holding)):
            for other in list(self.rows("/members", "members")):
                if other["name"] == member["name"] and other["id"] != member["id"]:
                    super().erase(replace(holding, locator={"id": other["id"]}), step)
        return super().erase(holding, step)


@caught_by("erase_twice_is_a_success")
class AsksForHelpTheSecondTime(Depot):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        outcome = super().erase(holding, step)
        return Manual("look", "It is not there.") if isinstance(outcome, Absent) else outcome


@caught_by(
    "erase_answers_absent_only_for_what_is_gone",
    "erase_leaves_no_residue",
    "erase_in_batches_as_one_by_one",
    "erase_is_read_back",
)
class CallsItAbsent(Depot):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        return Absent() if holding.kind == "visit" else super().erase(holding, step)


@caught_by("erase_is_read_back")
class NeverCallsItGone(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        said = super().confirm(act, step)
        return Differs(("id",)) if isinstance(said, Gone) and act.operation is Operation.ERASE else said


@caught_by("find_after_erasing_yields_only_what_was_kept")
class HauntedSandbox(DepotSandbox):
    @route("GET", "/visits")
    def list_visits(self, request: Request) -> Result:
        wanted = request.one("member_id")
        rows = [{"id": f"v{n}-{wanted}", "member_id": wanted} for n in (1, 2, 3)]
        return by_page(request, "visits", rows, size=2)

    @route("GET", "/members")
    def list_members(self, request: Request) -> Result:
        self.ghosts = {**getattr(self, "ghosts", {}), **dict(self.members.items())}
        rows = [row for row in self.ghosts.values() if row["email"].lower() == request.one("email").lower()]
        return by_page(request, "members", rows)


@caught_by("erase_in_batches_as_one_by_one")
class LosesTheLastOfABatch(Depot):
    batch: Mapping[str, int] = {"visit": 2}

    def erase_many(self, holdings: Sequence[Holding], step: Step) -> Iterator[tuple[str, Outcome]]:
        return itertools.islice(super().erase_many(holdings, step), 1)


# confirm


@caught_by(
    "confirm_says_that_what_is_there_is_not_gone",
    "confirm_reads_each_holding_by_itself",
    "confirm_tells_not_yet_from_gone",
)
class CallsAnythingGone(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        return Gone() if act.operation is Operation.ERASE else super().confirm(act, step)


@caught_by("confirm_reads_each_holding_by_itself")
class LooksAtTheFirstVisit(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        if isinstance(act.target, Holding) and act.target.kind == "visit":
            first = {"id": "v1" + act.target.locator["id"][2:]}
            return super().confirm(replace(act, target=replace(act.target, locator=first)), step)
        return super().confirm(act, step)


@caught_by("confirm_tells_not_yet_from_gone")
class TakesAcceptedForDone(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        return Gone() if isinstance(act.outcome, Pending) else super().confirm(act, step)


@caught_by("confirm_never_calls_what_is_gone_corrected")
class TakesNothingForCorrected(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        gone = isinstance(act.target, Holding) and self.one(act.target) is None
        return AsAsked() if gone and act.operation is Operation.RECTIFY else super().confirm(act, step)


@caught_by("confirm_names_fields_and_never_values")
class QuotesWhatDiffers(Depot):
    def differing(self, row: Any, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(f"{name} is {row.get(name)}" for name in super().differing(row, wanted))


@caught_by("confirm_changes_nothing")
class MarksWhatItConfirms(Depot):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        if isinstance(act.target, Holding) and act.target.kind == "member":
            self.patch(act.target, {"confirmed": True})
        return super().confirm(act, step)


# what it cannot do


@caught_by("an_unsupported_operation_has_a_reason")
class GivesNoReason(Depot):
    rectify = unsupported("No.")  # type: ignore[assignment]  # as documented


@caught_by("an_unsupported_operation_calls_nobody")
class TriesAllTheSame(Depot):
    rectify = unsupported("The depot prints what it was told on cards.")  # type: ignore[assignment]  # as documented

    def __init__(self, config: DepotConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self.rectify = self.tried  # type: ignore[method-assign]  # what is declared and what is done differ

    def tried(self, holding: Holding, *_: Any) -> Outcome:
        self.one(holding)
        return type(self).cannot(Operation.RECTIFY) or Absent()
