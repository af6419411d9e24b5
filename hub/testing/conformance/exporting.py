"""Rules about `export`: a whole copy of what is the person's, and of nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from hub.holding import File, Record
from hub.processor import Operation
from hub.subject import IdentifierKind
from hub.testing.conformance.comparing import leaves, mentions
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.conformance.settings import secrets_of

_WORD = re.compile(r"[a-z][a-z0-9_]*")
_CREDENTIAL = re.compile(
    r"(?i)(^|_)(pass(word|wd|phrase)|secret|(api|access|private|security)_?key|(access|refresh|auth|bearer)_?token"
    r"|token|cvv|cvc|cavv|pin)($|_)"
)
_CURSORS_TRIED = 5  # of each holding: some have thousands


class ExportRules:
    """What the person reads."""

    def test_export_is_complete(self, kit: Kit) -> None:
        """Every value the service keeps of the person stands in the copy, or its field has a reason not to."""
        if kit.cannot(Operation.EXPORT):
            return
        bench, records = kit.open(), kit.records()
        copied = {_text(leaf) for item in _copy(kit, bench) for _, leaf in leaves(_content(item))}
        left_out = kit.service.not_exported
        missing = sorted(
            f"{key} {'.'.join(path)}"
            for key in kit.hers
            for path, leaf in leaves(records[key])
            if _text(leaf) and not set(path) & set(left_out) and _text(leaf) not in copied
        )
        assert not missing, (
            f"The copy lacks {len(missing)} values, {', '.join(missing[:8])} among them: find and export what they "
            "belong to, or give the reason for the field in Service.not_exported"
        )
        assert all(reason.strip() for reason in left_out.values()), "Service.not_exported has a field without a reason"

    def test_export_holds_no_secret(self, kit: Kit) -> None:
        """A copy travels by mail: nothing in it opens an account, charges a card or calls the service."""
        if kit.cannot(Operation.EXPORT):
            return
        bench = kit.open()
        secrets = secrets_of(bench.processor.config).values()
        for item in _copy(kit, bench):
            content = _content(item)
            named = sorted({path[-1] for path, leaf in leaves(content) if leaf and _is_credential(path)})
            assert not named, f"A {item.kind} in the copy has the field {', '.join(named)}: leave credentials out"
            text = json.dumps(content, ensure_ascii=False)
            assert not any(secret in text for secret in secrets), f"A secret of the settings stands in a {item.kind}"

    def test_export_names_nobody_else(self, kit: Kit) -> None:
        """The right to a copy ends where other people's begins (Art. 15(4))."""
        if kit.cannot(Operation.EXPORT):
            return
        others = [i for i in kit.strangers if i.kind in {IdentifierKind.EMAIL, IdentifierKind.PHONE}]
        for item in _copy(kit, kit.open()):
            assert not mentions(_content(item), others), f"A {item.kind} in the copy holds somebody else's identifier"

    def test_export_is_well_formed(self, kit: Kit) -> None:
        """Its kinds name tables and folders, so they are fixed words; its records are JSON."""
        if kit.cannot(Operation.EXPORT):
            return
        for item in _copy(kit, kit.open()):
            assert isinstance(item, Record | File), f"export yields {type(item).__name__}: Record and File alone"
            assert _WORD.fullmatch(item.kind), "A record's kind is a fixed, lower-case word, never data"
            assert item.cursor is None or isinstance(item.cursor, str), f"The cursor of a {item.kind} is no text"
            if isinstance(item, File):
                assert "/" in item.media_type, f"The media type of a {item.kind} is not of the form type/subtype"
            else:
                same = json.loads(json.dumps(item.data)) == item.data
                assert same, f"The data of a {item.kind} is not the same after JSON: no tuples, no dates, no bytes"

    def test_export_streams(self, kit: Kit) -> None:
        """Nothing is called before the first record is wanted, and the first comes before the last page is read."""
        if kit.cannot(Operation.EXPORT):
            return
        for held in kit.certain(kit.open()):
            bench, start = kit.open(), len(kit.sandbox.calls)
            stream = bench.processor.export(held, kit.step())
            assert isinstance(stream, Iterator), f"export of a {held.kind} is no iterator: yield its records"
            assert len(kit.sandbox.calls) == start, f"export of a {held.kind} calls before a record is asked for"
            next(stream, None)
            first = len(kit.sandbox.calls) - start
            further = [_content(item) for item in stream]
            calls = [(call.method, call.route) for call in kit.sandbox.calls[start:]]
            paged = bool(further) and len(set(calls)) < len(calls)  # what is one record has to be read before it
            assert first < len(calls) or not paged, (
                f"export of a {held.kind} makes all of its {len(calls)} calls before it yields anything: yield each "
                "page as it is read, or a large account exhausts the memory"
            )

    def test_export_goes_on_from_any_cursor(self, kit: Kit) -> None:
        """After a crash at record 900,000 the copy goes on there: nothing is lost and nothing comes twice."""
        if kit.cannot(Operation.EXPORT):
            return
        bench = kit.open()
        for held in kit.certain(bench):
            whole = [(item.kind, item.cursor, _content(item)) for item in kit.export(bench, held)]
            places = [at for at, (_, cursor, _) in enumerate(whole) if cursor is not None]
            for at in _spread(places):
                cursor = whole[at][1]
                rest = [(i.kind, i.cursor, _content(i)) for i in kit.export(kit.open(), held, cursor)]
                assert rest == whole[at + 1 :], (
                    f"export of a {held.kind} yields {len(rest)} records from the cursor of number {at + 1} on, "
                    f"and {len(whole) - at - 1} follow it in the whole"
                )

    def test_export_changes_nothing(self, kit: Kit) -> None:
        """To read is not to act."""
        if kit.cannot(Operation.EXPORT):
            return
        bench = kit.open()
        held, before = kit.certain(bench), kit.records()
        for one in held:
            kit.export(bench, one)
        assert not kit.changed_since(before), "export changed something at the service"


def _copy(kit: Kit, bench: Bound) -> list[Record | File]:
    return [item for held in kit.certain(bench) for item in kit.export(bench, held)]


def _content(item: Record | File) -> Any:
    """The data of a record; of a file what stands in its index and its text, as far as it is text."""
    if isinstance(item, File):
        return {"name": item.name, "content": b"".join(item.chunks).decode("utf-8", "replace")}
    return item.data


def _is_credential(path: Collection[str]) -> bool:
    return bool(path) and bool(_CREDENTIAL.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", list(path)[-1])))


def _text(leaf: Any) -> str:
    """What a value is compared by; what is empty, or yes or no, says nothing that a copy could lack."""
    return "" if leaf is None or isinstance(leaf, bool) else str(leaf).strip()


def _spread(places: list[int]) -> list[int]:
    """Some of the places, the first and the last among them."""
    step = max(1, (len(places) - 1) // (_CURSORS_TRIED - 1)) if places else 1
    return sorted({*places[::step][:_CURSORS_TRIED], *places[-1:]})
