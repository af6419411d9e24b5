"""Rules about searching by an address: every record it stands on is found, however many there are and however written.

Other towns show what the one of every sandbox does not: one address on hundreds of records, addresses that end in
somebody else's, addresses in capitals.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from hub.holding import Holding, Search
from hub.subject import Identifier
from hub.testing.conformance.belonging import crowded, named_by
from hub.testing.conformance.comparing import mentions
from hub.testing.conformance.finding import AUTHORITATIVE
from hub.testing.conformance.kit import Kit
from hub.testing.messages import Refuse
from hub.testing.town import Person, Town


class SearchRules:
    """What a search leads to is read to its end, and compared as people write."""

    @pytest.mark.parametrize("many", ["records with one address", "addresses that end in theirs"])
    def test_find_reads_all_pages_of_one_search(self, kit: Kit, many: str) -> None:
        """What a search leads to has pages of its own: whoever is listed last, or many times, is found all the same."""
        town, crowd = kit.service.town, kit.service.crowd
        wanted = crowded(town, 1).neighbours[-1]
        more = _doubles(wanted, crowd) if many == "records with one address" else _endings(wanted, crowd)
        address = Identifier.email(wanted.email)
        with _seeded(kit, replace(town, neighbours=(*town.neighbours, wanted))) as plain:
            kinds = _found_kinds(plain, address) if plain else frozenset()
        with _seeded(kit, replace(town, neighbours=(*town.neighbours, *more, wanted))) as full:
            missed, held = _missed(full, address, kinds) if full else (0, 0)
        assert not missed, (
            f"Among {crowd} {many}, find misses {missed} of {held} records that the address stands on: send the "
            "search again with every page, and go on until the service says that it was the last"
        )

    def test_find_knows_an_address_in_capitals(self, kit: Kit) -> None:
        """A clerk typed it so. Nobody has another mailbox by writing it otherwise."""
        town = kit.service.town
        loud = replace(town.main, emails=tuple(email.title() for email in town.main.emails))
        with _seeded(kit, replace(town, main=loud)) as other:
            for address in map(Identifier.email, town.main.emails if other else ()):
                missed, held = _missed(other, address, _found_kinds(kit, address)) if other else (0, 0)
                assert not missed, (
                    f"find misses {missed} of {held} records on which an address of the person is written in capitals: "
                    "compare by `Identifier.matches`, and let the sandbox compare as the service does"
                )


@contextmanager
def _seeded(kit: Kit, town: Town) -> Iterator[Kit | None]:
    """The service with that town; None where it refuses it: it keeps no two records with one address."""
    service = replace(kit.service, town=town)
    try:
        service.sandbox(town, clock=kit.clock)
    except Refuse:
        yield None
    else:
        with Kit.running(service) as other:
            yield other


def _doubles(person: Person, number: int) -> tuple[Person, ...]:
    """The same person, entered again and again."""
    return tuple(replace(person, id=f"double{n:04}") for n in range(number))


def _endings(person: Person, number: int) -> tuple[Person, ...]:
    """People whose addresses a careless search takes for that person's."""
    crowd = crowded(Town(person, (), ()), number + 1).neighbours[1:]
    return tuple(replace(face, emails=(f"{n:04}.{person.email}",)) for n, face in enumerate(crowd))


def _found_kinds(kit: Kit, address: Identifier) -> frozenset[str]:
    """The kinds of record of which find names each one that the address stands on: the others it reads as parts."""
    bearing, named = _bearing_and_named(kit, address)
    return frozenset(map(_kind, bearing)) - frozenset(map(_kind, bearing - named))


def _missed(kit: Kit, address: Identifier, kinds: frozenset[str]) -> tuple[int, int]:
    """How many records of those kinds the address stands on and find does not name, and how many it stands on."""
    bearing, named = _bearing_and_named(kit, address)
    judged = [key for key in bearing if _kind(key) in kinds]
    return sum(key not in named for key in judged), len(judged)


def _bearing_and_named(kit: Kit, address: Identifier) -> tuple[frozenset[str], frozenset[str]]:
    """The keys of the records the address stands on, and of these the ones find names when asked by it alone."""
    bench = kit.open()
    if bench.processor.searched_by(bench.processor.config).get(address.label, Search.NONE) not in AUTHORITATIVE:
        return frozenset(), frozenset()
    bearing = {key: record for key, record in kit.records().items() if mentions(record, [address])}
    held = [item for item in kit.find(bench, address) if isinstance(item, Holding)]
    return frozenset(bearing), frozenset().union(*(named_by(item, bearing) for item in held))


def _kind(key: str) -> str:
    return key.partition("/")[0]
