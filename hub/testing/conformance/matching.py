"""Rules about doubt: what may be somebody else's is marked, and hostile identifiers reach nobody."""

from __future__ import annotations

import pytest

from hub.errors import ContractError, InvalidIdentifier
from hub.holding import Coverage, Holding, Learned, Reach, Search
from hub.subject import Identifier, IdentifierKind, PostalAddress, Subject
from hub.testing.conformance.comparing import mentions
from hub.testing.conformance.finding import AUTHORITATIVE
from hub.testing.conformance.kit import Bound, Kit

HOSTILE = {
    "single quote": "'",
    "double quote": '"',
    "SQL": "' OR '1'='1' --",
    "SOQL": "x' OR Name LIKE '%",
    "LIKE wildcard": "%",
    "LIKE single wildcard": "_" * 8,
    "glob": "*",
    "LDAP filter": "*)(uid=*))(|(uid=*",
    "XPath": "' or ''='",
    "XML": "</name><name>&amp;",
    "CDATA end": "]]>",
    "URL path": "../../people",
    "URL query": "a&email=*#x?y=z",
    "percent escape": "%00%2F%25",
    "header": "x: y",
    "JSON": '"},{"$ne":null}',
    "template": "{{7*7}}${7*7}{0}",
    "regular expression": ".*|^$",
    "backslash": "\\' \\",
    "comma and semicolon": "a,b;c|d",
    "formula": '=HYPERLINK("x")',
    "right to left": "مجهول",
    "emoji": "\U0001f469\u200d\U0001f52c",
    "combining": "e\u0301\u0323",
    "joiner": "a\u200db",
    "long": "x" * 290,
    "number": "0",
    "boolean": "true",
    "null": "null",
}
HOSTILE_ADDRESSES = {
    "quoted local part": '"a b@c"@example.org',
    "apostrophe": "o'nobody@example.org",
    "percent": "%@example.org",
    "asterisk": "*@example.org",
    "underscore": "_______@example.org",
    "plus": "nobody+%27@example.org",
    "braces": "{{}}@example.org",
    "ampersand and question mark": "a&b?c=d@example.org",
    "slash": "a/b@example.org",
    "letters outside ASCII": "никто@example.org",
    "domain outside ASCII": "nobody@bücher.example",
    "as long as it may be": f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 53}.org",
}
_ONE_ALONE = {
    "name": "A namesake bears it too",
    "address": "A whole household lives there",
    "phone": "A household may share it",
}


class MatchRules:
    """What keeps a request off everybody else."""

    @pytest.mark.exhaustive
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_a_hostile_text_finds_nobody(self, kit: Kit, text: str) -> None:
        """A name, an address or an id full of a query language's own characters is a value, and nobody has it."""
        made = [Identifier.name(f"Nemo {text}"), Identifier.address(PostalAddress(line1=text, postcode=text))]
        bench = kit.open()
        searched = bench.processor.searched_by(bench.processor.config)
        ids = [Identifier.external(label, text) for label in searched if "." in label]
        for identifier in [*made, *ids]:
            _assert_finds_nobody(kit, bench, identifier)

    @pytest.mark.exhaustive
    @pytest.mark.parametrize("address", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES)
    def test_a_hostile_address_finds_nobody(self, kit: Kit, address: str) -> None:
        """The standards allow nearly every character in an e-mail address, and 254 of them."""
        _assert_finds_nobody(kit, kit.open(), Identifier.email(address))

    def test_people_with_awkward_names_are_found(self, kit: Kit) -> None:
        """Apostrophes, quotes, Arabic and Cyrillic: whoever the service holds can exercise their rights."""
        bench, records = kit.open(), kit.records()
        searched = bench.processor.searched_by(bench.processor.config)
        for person in kit.service.town.neighbours:
            telling = [i for i in person.subject().identifiers if searched.get(i.label) in AUTHORITATIVE]
            borne = [i for i in telling if i.kind is not IdentifierKind.ADDRESS and mentions(records, [i])]
            assert not borne or kit.holdings(bench, person.subject()), (
                f"find misses {person.id}, whose {borne[0].label} stands on a record"
            )

    @pytest.mark.parametrize("label", _ONE_ALONE)
    def test_what_people_share_is_never_certain_by_itself(self, kit: Kit, label: str) -> None:
        """By a name, an address or a number alone, a person must decide: yield what it finds as possible or shared."""
        bench = kit.open()
        shared = {i.canonical() for p in kit.service.town.neighbours for i in p.subject().identifiers}
        for identifier in kit.service.subject.identifiers:
            if identifier.label == label and identifier.canonical() in shared:
                found = kit.find(bench, identifier)
                sure = [item.kind for item in found if isinstance(item, Holding) and item.certain]
                assert not sure, f"By {label} alone find is certain of {', '.join(sure)}. {_ONE_ALONE[label]}"
                taught = any(isinstance(item, Learned) for item in found)
                assert not taught, f"By {label} alone find learns identifiers, perhaps those of somebody else"

    def test_a_shared_mailbox_is_marked(self, kit: Kit) -> None:
        """An address that several people read: acting for one of them would touch the others."""
        bench = kit.open()
        how = bench.processor.searched_by(bench.processor.config).get("email", Search.NONE)
        for mailbox in kit.service.town.mailboxes:
            address = Identifier.email(mailbox.email)
            found = kit.find(bench, address)
            held = [item for item in found if isinstance(item, Holding)]
            sure = [item.kind for item in held if item.certain]
            assert not sure, f"find calls {', '.join(sure)} of a shared mailbox one person's: yield it as Reach.SHARED"
            assert not any(isinstance(item, Learned) for item in found), "find learns from a shared mailbox"
            if how in AUTHORITATIVE and mentions(kit.records(), [address]):
                assert any(item.reach is Reach.SHARED for item in held), "find misses a shared mailbox on a record"

    def test_it_learns_only_what_stands_on_the_persons_record(self, kit: Kit) -> None:
        """What is learned is acted on at other services: it comes from an exact, sole holding, and stands on it."""
        bench, records = kit.open(), kit.records()
        hers = [(key.partition("/")[2], records[key]) for key in kit.hers]
        for identifier in kit.service.subject.identifiers:
            found = kit.find(bench, identifier)
            for item in (item for item in found if isinstance(item, Learned)):
                sure = any(isinstance(other, Holding) and other.certain for other in found)
                assert sure, f"By {identifier.label} find learns and yields nothing that is exact and sole"
                assert mentions(hers, [item.identifier]), (
                    f"find learns a {item.identifier.label} that stands on no record of the person"
                )


def _assert_finds_nobody(kit: Kit, bench: Bound, identifier: Identifier) -> None:
    before = kit.records()
    try:
        found = list(bench.processor.find(Subject((identifier,))))
    except (InvalidIdentifier, ContractError):
        return  # the service refuses such a value, so it holds nobody who has it
    held = [item.kind for item in found if isinstance(item, Holding)]
    assert not held, f"By a hostile {identifier.label} find yields {', '.join(held)}: pass it as a value, then compare"
    assert [type(item) for item in found] == [Coverage], f"By a hostile {identifier.label} find learns something"
    assert not kit.changed_since(before), f"Finding by a hostile {identifier.label} changed something"
