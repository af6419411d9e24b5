"""Whose a record is: the stand-in itself says it.

Seeded once more with somebody else in the person's place, whatever comes out otherwise holds something of the person.
So no author has to list records, and none is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from hub.holding import Holding
from hub.subject import Identifier, PostalAddress
from hub.testing.conformance.comparing import Records, leaves, mentions
from hub.testing.sandbox import Sandbox
from hub.testing.town import Mailbox, Person, Town
from hub.timepiece import ManualTime

_NAMED_AFTER = 2  # how much more it says that a record is named after a value than that it bears it
_OF_ITS_KIND = 2  # and how much, that it is of the holding's kind: `orders/17` and an `order`
_SHORTEST_STEM = 3  # letters of a field's name that are enough to know the kind of record it points to


def with_somebody_else(town: Town) -> Town:
    """The town with another person in the main one's place: another name, other addresses, as many of each."""
    main = town.main
    other = Person(
        id=f"other-than-{main.id}",
        given="Peregrine",
        family="Underhay",
        emails=tuple(f"peregrine.underhay.{n}@example.com" for n, _ in enumerate(main.emails)),
        phones=tuple(f"+441632960{n:03}" for n, _ in enumerate(main.phones)),
        address=PostalAddress(line1="1 Elsewhere", city="Farham", postcode="ZZ8 8ZZ", country="IE")
        if main.address
        else None,
        company="Elsewhere Trading" if main.company else "",
    )

    def readers(mailbox: Mailbox) -> tuple[str, ...]:
        return tuple(other.id if reader == main.id else reader for reader in mailbox.readers)

    return replace(
        town, main=other, mailboxes=tuple(replace(mailbox, readers=readers(mailbox)) for mailbox in town.mailboxes)
    )


def seeded(sandbox: Callable[..., Sandbox], town: Town) -> Records:
    """What the stand-in keeps of that town before anybody acts."""
    try:
        return sandbox(town, clock=ManualTime()).records()
    except KeyError as error:
        raise AssertionError(
            f"The sandbox cannot be seeded with somebody else in the main person's place, it misses {error}: "
            "in `seed` go by `town.main`, not by that person's id"
        ) from None


def strangers(town: Town) -> list[Identifier]:
    """What tells everyone else and every shared mailbox from the main person."""
    theirs = [identifier for person in town.neighbours for identifier in person.subject().identifiers]
    theirs += [Identifier.email(mailbox.email) for mailbox in town.mailboxes]
    return [identifier for identifier in theirs if identifier not in town.main.subject().identifiers]


@lru_cache(maxsize=8)  # every rule asks, and the answer is the same
def of_the_person(sandbox: Callable[..., Sandbox], town: Town) -> frozenset[str]:
    """The keys of the records that hold something of the main person and nothing that identifies anybody else."""
    records, other = seeded(sandbox, town), seeded(sandbox, with_somebody_else(town))
    touched = {key for key, record in records.items() if other.get(key) != record}
    while further := {key for key in records.keys() - touched if _belongs_to(records[key], touched)}:
        touched |= further
    foreign = strangers(town)
    return frozenset(key for key in touched if not mentions(records[key], foreign))


def referring(keys: Collection[str], records: Records) -> frozenset[str]:
    """The keys of the records that name one of those records by its id, whatever the field is called; and so on."""
    found = frozenset(keys)
    while further := {key for key in records.keys() - found if _names_one_of(records[key], found)}:
        found |= further
    return found - frozenset(keys)


def named_by(holding: Holding, records: Records) -> frozenset[str]:
    """The keys of the records that the holding's locator fits best: they are named after its values, or bear them."""
    values = {str(leaf) for _, leaf in leaves(holding.locator) if leaf not in {None, "", True, False}}
    scores = {key: _fit(key, record, values, holding.kind) for key, record in records.items()}
    best = max(scores.values(), default=0)
    return frozenset(key for key, score in scores.items() if score == best and best)


def _fit(key: str, record: Any, values: Iterable[str], kind: str) -> int:
    borne = {str(leaf) for _, leaf in leaves(record)}
    fit = sum(_NAMED_AFTER * (f"/{value}/" in f"/{key}/") + (value in borne) for value in values)
    theirs = key.partition("/")[0].casefold()
    return fit + _OF_ITS_KIND * (theirs.startswith(kind) or kind.startswith(theirs)) if fit else 0


def _belongs_to(record: Any, keys: Iterable[str]) -> bool:
    """Whether a field such as `customer_id` points to one of the records."""
    pointed = [(path[-1].casefold(), str(leaf)) for path, leaf in leaves(record) if path]
    stems = [(name.removesuffix("id").rstrip("_"), value) for name, value in pointed]
    return any(
        kind.casefold().startswith(stem) and id_ == value
        for kind, _, id_ in (key.partition("/") for key in keys)
        for stem, value in stems
        if len(stem) >= _SHORTEST_STEM
    )


def _names_one_of(record: Any, keys: Iterable[str]) -> bool:
    ids = {key.partition("/")[2] for key in keys}
    return any(str(leaf) in ids for path, leaf in leaves(record) if path[-1:] != ("id",))


def crowded(town: Town, people: int) -> Town:
    """The town with that many more people of one surname: more than fit on a page of whatever lists them."""
    crowd = tuple(_face_in_the_crowd(number) for number in range(people))
    return replace(town, neighbours=town.neighbours + crowd)


def _face_in_the_crowd(number: int) -> Person:
    given, middle = _GIVEN.split(), _MIDDLE.split()
    return Person(
        id=f"crowd{number:04}",
        given=f"{given[number % len(given)]} {middle[number // len(given) % len(middle)]}",
        family="Thistlewood",
        emails=(f"thistlewood.{number:04}@example.net",),
        phones=(f"+441632{960_000 + number % 1000}",),  # Ofcom's range for drama
        address=PostalAddress(line1=f"{number + 1} Long Street", city="Wetherbury", postcode="ZZ9 9LS", country="GB"),
        why="One of many: a list that holds them all has several pages.",
    )


_GIVEN = "Ada Basil Clara Denis Edith Felix Greta Hugo Iris Jonas Karen Linus Mavis Nigel Olga Piers"
_MIDDLE = "Alder Birch Cedar Dorn Elm Fir Gorse Hazel Ivy Juniper Larch Maple Oak Pine Rowan Sorrel Teasel"
