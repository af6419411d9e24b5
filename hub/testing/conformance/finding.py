"""Rules about `find`: the right person, all of it, and an honest word about what could not be searched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from hub.holding import Coverage, Holding, Learned, Search
from hub.subject import Identifier, PostalAddress, Subject
from hub.testing.conformance.belonging import crowded, named_by
from hub.testing.conformance.comparing import mentions
from hub.testing.conformance.kit import Kit
from hub.testing.town import Person, Town

_WORD = re.compile(r"[a-z][a-z0-9_]*")
AUTHORITATIVE = frozenset({Search.EXACT, Search.SCAN})  # what these do not find is not there
_LONGEST_ADDRESS = 254  # RFC 5321
_NOBODY = Subject(
    (
        Identifier.email("nobody.at.all@example.com"),
        Identifier.phone("+441632960999"),
        Identifier.name("Nemo Nullity"),
        Identifier.address(PostalAddress(line1="0 Nowhere", city="Nihil", postcode="QQ0 0QQ", country="GB")),
    )
)
LABELS = ("email", "phone", "name", "address", "an unheard-of namespace")


class FindRules:
    """What a plan, a review and every proof of erasure rely on."""

    def test_find_ends_with_exactly_one_coverage(self, kit: Kit) -> None:
        """Without it a search that broke off could pass for one that found nothing."""
        for subject in (kit.service.subject, _NOBODY):
            found = list(kit.open().processor.find(subject))
            foreign = [type(item).__name__ for item in found if not isinstance(item, Holding | Learned | Coverage)]
            assert not foreign, f"find yields {', '.join(foreign)}: it yields Holding, Learned and Coverage alone"
            ends = [isinstance(item, Coverage) for item in found]
            assert ends[-1:] == [True], "find does not end with a Coverage"
            assert sum(ends) == 1, "find yields more than one Coverage"

    def test_find_yields_nothing_of_an_unknown_person(self, kit: Kit) -> None:
        """Nobody else's data may be acted on because nothing of this person's is there."""
        unknown = _NOBODY.widened(_unknown_ids(kit))
        yielded = [type(item).__name__ for item in kit.open().processor.find(unknown)]
        assert yielded == ["Coverage"], f"Of a person nobody knows, find yields {', '.join(yielded)}"

    def test_find_says_how_it_searched(self, kit: Kit) -> None:
        """What the coverage claims is what `searched_by` promised to the plan, no more and no less."""
        bench = kit.open()
        promised = _searched(bench.processor.searched_by(bench.processor.config))
        for subject in (kit.service.subject, _NOBODY):
            (coverage,) = (item for item in bench.processor.find(subject) if isinstance(item, Coverage))
            claimed = _searched(coverage.searched)
            assert claimed == promised, (
                f"The coverage claims {claimed} and searched_by promises {promised} with these settings"
            )

    @pytest.mark.parametrize("label", LABELS)
    def test_what_cannot_be_searched_is_never_called_absent(self, kit: Kit, label: str) -> None:
        """By what the service cannot be searched, nothing is found and no search is claimed; by the rest, one is."""
        bench = kit.open()
        by_label = {identifier.label: identifier for identifier in kit.service.subject.identifiers}
        identifier = by_label.get(label, Identifier.external("nobody.knows_this", "17"))
        searched = bench.processor.searched_by(bench.processor.config).get(identifier.label, Search.NONE)
        *found, coverage = kit.find(bench, identifier)
        assert isinstance(coverage, Coverage), "find does not end with a Coverage"
        if searched is Search.NONE:
            assert coverage.of(identifier) is Search.NONE, f"The coverage claims a search by {identifier.label}"
            assert not found, f"find yields something by {identifier.label}, which `searches` does not declare"
        else:
            assert coverage.of(identifier) is searched, f"The coverage says nothing of {identifier.label}"

    def test_find_finds_by_every_identifier_it_searches_by(self, kit: Kit) -> None:
        """A person known by one of them alone is found where the service says that it can be searched by it."""
        bench = kit.open()
        searched = bench.processor.searched_by(bench.processor.config)
        records = kit.records()
        for identifier in kit.service.subject.identifiers:
            borne = any(mentions([key.partition("/")[2], records[key]], [identifier]) for key in kit.hers)
            if searched.get(identifier.label) in AUTHORITATIVE and borne:
                held = [item for item in kit.find(bench, identifier) if isinstance(item, Holding)]
                assert held, (
                    f"`searches` declares {identifier.label} as {searched[identifier.label]}; one of the person's "
                    f"{identifier.label} identifiers stands on a record and find does not find it"
                )

    def test_keys_stay_the_same(self, kit: Kit) -> None:
        """By its key a holding is known again after a restart; a new key would make it a new discovery."""
        bench = kit.open()
        keys = [sorted(h.key for h in kit.holdings(b)) for b in (bench, bench, kit.open())]
        assert keys[0] == keys[1], "find gives the same holdings other keys the second time"
        assert keys[0] == keys[2], "another processor with the same settings gives the same holdings other keys"
        assert len(set(keys[0])) == len(keys[0]), "two holdings of one search share a key"

    def test_holdings_are_well_formed(self, kit: Kit) -> None:
        """The journal stores them, the plan and the certificate print their kinds and categories."""
        found = kit.find(kit.open())
        for held in (item for item in found if isinstance(item, Holding)):
            assert held.key, f"A {held.kind} has an empty key"
            assert held.kind in kit.processor.kinds, f"`kinds` does not declare {held.kind!r}"
            assert held.categories, f"A {held.kind} names no category of data"
            for category in held.categories:
                assert _WORD.fullmatch(category), f"The category {category!r} of a {held.kind} is no lower-case word"
            again = json.loads(json.dumps(held.locator))
            assert again == held.locator, (
                f"The locator of a {held.kind} is not the same after JSON: no tuples, no dates"
            )
            assert held.certain or held.hints, f"An uncertain {held.kind} has no hints: who decides would see nothing"

    def test_find_changes_nothing(self, kit: Kit) -> None:
        """It runs before anybody has approved anything."""
        before = kit.records()
        kit.find(kit.open())
        assert not kit.changed_since(before), "find changed something at the service"

    def test_find_is_exact(self, kit: Kit) -> None:
        """What is yielded as exact and sole is acted on by itself: nobody else's record may be among it."""
        records = kit.records()
        for held in kit.certain(kit.open()):
            named = named_by(held, records)
            assert named, (
                f"No value in the locator of a {held.kind} stands on a record of the sandbox: let records() show ids"
            )
            others = sorted(named - kit.hers)
            assert not others, (
                f"find yields {', '.join(others)} as certainly the person's. It is somebody else's too: compare whole "
                "identifiers with what the service answered, and yield what is doubtful as possible or shared"
            )
        _assert_no_loose_search(kit)

    def test_nothing_is_certainly_two_persons(self, kit: Kit) -> None:
        """A record that two searches each call exact and sole would be erased for the wrong one."""
        bench = kit.open()
        owners: dict[str, str] = {}
        for person in kit.service.town:
            for held in kit.holdings(bench, person.subject()):
                if held.certain:
                    other = owners.setdefault(held.key, person.id)
                    assert other == person.id, f"A {held.kind} is certainly {other}'s and certainly {person.id}'s"

    @pytest.mark.parametrize("place", ["in the middle", "at the end"])
    def test_find_reads_to_the_last_page(self, kit: Kit, place: str) -> None:
        """Among hundreds of one surname, whoever stands in the middle of a list or at its end is found as well."""
        town = crowded(kit.service.town, kit.service.crowd)
        wanted = town.neighbours[-1 if place == "at the end" else -kit.service.crowd // 2]
        with Kit.running(replace(kit.service, town=town)) as full:
            theirs = [key for key, record in full.records().items() if mentions(record, _telling(wanted.subject()))]
            assert theirs, "The sandbox seeds nothing for most people of a large town: seed everyone it is given"
            found = {held.key: held for held in full.holdings(full.open(), wanted.subject())}
            named = {key for held in found.values() for key in named_by(held, full.records())}
        assert named & set(theirs), f"Of {kit.service.crowd} people of one surname, find misses one {place} of the list"


def _assert_no_loose_search(kit: Kit) -> None:
    """By a careless search, whoever has a shorter address finds the person, and the person whoever has a longer one."""
    town = kit.service.town
    alike = tuple(Person(f"alike{number}", "Quill", f"Feather{number}", (email,)) for number, email in _alike(town))
    with Kit.running(replace(kit.service, town=replace(town, neighbours=(*town.neighbours, *alike)))) as full:
        bench, records = full.open(), full.records()
        for person in (town.main, *alike):
            foreign = [
                Identifier.email(email) for other in full.service.town if other != person for email in other.emails
            ]
            for held in (item for item in full.holdings(bench, person.subject()) if item.certain):
                others = sorted(
                    key
                    for key in named_by(held, records)
                    if (key in full.hers) is not (person is town.main) or mentions(records[key], foreign)
                )
                assert not others, (
                    f"find takes {', '.join(others)} for certain of somebody whose address is only a part of the one "
                    "there, or only has it for a part: compare whole addresses with what the service answered, by "
                    "`Identifier.matches`"
                )


def _alike(town: Town) -> Iterator[tuple[int, str]]:
    """The end of the person's address, and one that begins with it, each with a number; none that somebody has."""
    local, _, domain = town.main.email.rpartition("@")
    tail = re.split(r"[._+-]", local)[-1] if re.search(r"[._+-]", local) else local[1:]
    taken = {email for person in town for email in person.emails}
    for number, email in enumerate((f"{tail}@{domain}", f"{town.main.email}.example")):
        if tail and email not in taken and len(email) <= _LONGEST_ADDRESS:
            yield number, email


def _searched(how: Mapping[str, Search]) -> dict[str, str]:
    return {label: str(search) for label, search in sorted(how.items()) if search is not Search.NONE}


def _unknown_ids(kit: Kit) -> list[Identifier]:
    """An id nobody has, of every namespace the connector searches by."""
    return [Identifier.external(label, "no-such-id-0") for label in kit.processor.searches if "." in label]


def _telling(subject: Subject) -> list[Identifier]:
    """The identifiers that nobody shares."""
    return [identifier for identifier in subject.identifiers if identifier.label in {"email", "phone", "name"}]
