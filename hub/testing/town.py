"""One small town: the people every sandbox is seeded from, so that one person is found at several services.

The town is made of what goes wrong in real address books: a person under two addresses, neighbours whose names and
addresses differ in one letter, a household with one telephone, a mailbox that nobody owns alone, someone who left,
names that break quoting. Addresses end in example.org and example.net (RFC 2606), numbers come from the ranges that
Ofcom keeps for drama: nothing here reaches anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hub.subject import Identifier, PostalAddress, Subject


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who lives in the town.

    Args:
        id: stable and meaningless; sandboxes build their own ids from it.
        given: the first names.
        family: the surname.
        emails: the first is the one most services know.
        phones: E.164; a household's number stands on each of its members.
        address: where they live.
        company: whom they work for, where a service would know it.
        why: what a test can see in them; not personal data.
    """

    id: str
    given: str
    family: str
    emails: tuple[str, ...]
    phones: tuple[str, ...] = ()
    address: PostalAddress | None = None
    company: str = ""
    why: str = ""

    @property
    def name(self) -> str:
        """Given and family name, as on an envelope."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """The address most services know."""
        return self.emails[0]

    def subject(self) -> Subject:
        """Everything a request could bring to find this person."""
        return Subject(
            (
                *map(Identifier.email, self.emails),
                *map(Identifier.phone, self.phones),
                Identifier.name(self.name),
                *((Identifier.address(self.address),) if self.address else ()),
            )
        )


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that several people read: acting on it for one of them would touch the others."""

    id: str
    email: str
    readers: tuple[str, ...]  # ids of people
    company: str


@dataclass(frozen=True, slots=True)
class Town:
    """Everyone.

    Args:
        main: the person whom demos and tests make requests for; found under two addresses.
        neighbours: everyone else; nothing done for `main` may touch them.
        mailboxes: shared addresses.
    """

    main: Person
    neighbours: tuple[Person, ...]
    mailboxes: tuple[Mailbox, ...]

    def __iter__(self) -> Iterator[Person]:
        yield self.main
        yield from self.neighbours

    def person(self, id: str) -> Person:  # noqa: A002  # it is the field's name
        """The person with that id. Raises `KeyError`."""
        for person in self:
            if person.id == id:
                return person
        raise KeyError(id)


_MILL_LANE = PostalAddress(line1="4 Mill Lane", city="Wetherbury", postcode="ZZ9 4ML", country="GB")

TOWN = Town(
    main=Person(
        "p01",
        "Ottoline",
        "Quillfeather",
        ("ottoline.quillfeather@example.org", "tilly.q@example.net"),
        ("+447700900142", "+442079460158"),
        _MILL_LANE,
        "Larkspur Lighting Ltd",
        why="Known under two addresses: a service that knows one of them alone still has to be found.",
    ),
    neighbours=(
        Person(
            "p02",
            "Otto",
            "Quillfeather",
            ("otto.quillfeather@example.org",),
            ("+442079460158",),
            _MILL_LANE,
            why="Same household: surname, postcode and the landline are the main person's too.",
        ),
        Person(
            "p03",
            "Ottoline",
            "Quillfeathers",
            ("ottoline.quillfeathers@example.org",),
            ("+447700900143",),
            PostalAddress(line1="9 Mill Lane", city="Wetherbury", postcode="ZZ9 4ML", country="GB"),
            why="One letter more in name and address; the next telephone number; the same street.",
        ),
        Person(
            "p04",
            "Ottoline",
            "Quillfeather",
            ("ottolinequillfeather@example.org",),
            ("+447700900777",),
            PostalAddress(line1="77 Harbour Road", city="Budmouth", postcode="ZZ1 7HR", country="GB"),
            why="A namesake: the same full name, an address without the dot, another town.",
        ),
        Person(
            "p05",
            "Tilly",
            "Quinn",
            ("tilly.q+news@example.net",),
            ("+447700900205",),
            why="A plus tag on the main person's second address: another address, so another person.",
        ),
        Person("p06", "Jane", "Doe", ("jane.doe@example.org",), ("+447700900301",), why="The first of three Janes."),
        Person("p07", "Jane", "Does", ("jane.does@example.org",), ("+447700900302",), why="One letter more."),
        Person("p08", "Jane", "Doe", ("janedoe@example.org",), ("+447700900303",), why="One dot less."),
        Person(
            "p09",
            "Gabriel",
            "Oakes",
            ("gabriel.oakes@example.net",),
            ("+447700900404",),
            company="Weatherby & Sons",
            why="Left Larkspur Lighting: old records still call him its contact.",
        ),
        Person(
            "p10",
            "Seán",
            "O'Dálaigh",
            ("sean.o'dalaigh@example.org",),
            ("+447700900505",),
            why="An apostrophe in the address and accents in the name: breaks careless quoting and queries.",
        ),
        Person(
            "p11",
            "محمد",
            "الفارسي",
            ("m.farsi@example.net",),
            ("+447700900606",),
            why="A right-to-left name, outside ISO-8859-1.",
        ),
        Person(
            "p12",
            'Robert "Bobby"',
            "Tables'); DROP TABLE Students;--",
            ("bobby@example.org",),
            ("+447700900607",),
            why="A name that is an injection in SQL, in CSV and, with its quotes, in HTML.",
        ),
        Person(
            "p13",
            "Серафима",
            "Щёголева",
            ("s.shchegoleva@example.net",),
            why="Cyrillic, and nothing but an address and a name is known.",
        ),
    ),
    mailboxes=(Mailbox("m01", "info@larkspur.example.org", ("p01", "p09"), "Larkspur Lighting Ltd"),),
)
