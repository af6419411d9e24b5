"""The spool: what goes in comes out, a crash loses nothing that was marked, and nobody reads or alters it unseen."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import stat
import struct
import tracemalloc
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConnectorBug, Damaged, StoreError
from hub.exports.spool import START, Mark, SpoolReader, SpoolWriter
from hub.holding import File, Record

KEY = bytes(range(32))
CONTEXT = b"request 1, track 1"
CANARY = "canary.jane@example.org"

_texts = st.text(st.characters())  # surrogates too: JSON from a vendor can bring them
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=8,
)
_records = st.builds(
    Record,
    kind=st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
    data=st.dictionaries(_texts, _values, max_size=5),
)


def order(number: int) -> Record:
    return Record("order", {"number": number, "email": CANARY, "padding": random.Random(number).randbytes(50).hex()})


def read(path: Path, key: bytes = KEY, context: bytes = CONTEXT) -> list[tuple[str, str, Any]]:
    """Source, kind and content of every entry."""
    return [
        (e.source, e.item.kind, e.item.data if isinstance(e.item, Record) else b"".join(e.item.chunks))
        for e in SpoolReader(path, key, context)
    ]


def write(path: Path, *records: Record) -> Mark:
    with SpoolWriter(path, KEY, CONTEXT) as spool:
        for record in records:
            spool.add(record, source="holding-1")
        return spool.finish()


def frames(path: Path) -> list[bytes]:
    """The frames of a file, cut by the lengths in their headers."""
    data, found = path.read_bytes(), []
    while data:
        length = 5 + struct.unpack(">I", data[1:5])[0]
        found.append(data[:length])
        data = data[length:]
    return found


@contextlib.contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow past `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@given(records=st.lists(_records, max_size=8))
def test_what_is_written_is_read(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spool") / "f"
    write(path, *records)
    assert read(path) == [("holding-1", record.kind, record.data) for record in records]


def test_attachments_come_back_in_their_place_with_name_and_type(tmp_path: Path) -> None:
    photo = os.urandom(700_000)
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        spool.add_file(File("photo", "Jane.png", "image/png", iter([photo[:10], b"", photo[10:]])), source="b")
        spool.add(order(2), source="c")
        mark = spool.finish()
    assert (mark.records, mark.files) == (2, 1)
    entries = iter(SpoolReader(tmp_path / "f", KEY, CONTEXT))
    assert next(entries).source == "a"
    file = next(entries)
    assert isinstance(file.item, File)
    assert (file.source, file.item.kind, file.item.name, file.item.media_type) == (
        "b",
        "photo",
        "Jane.png",
        "image/png",
    )
    assert b"".join(file.item.chunks) == photo
    assert next(entries).source == "c"


def test_an_attachment_nobody_reads_is_passed_over(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        spool.add_file(File("photo", "a", "image/png", iter([b"x" * 600_000])), source="a")
        spool.add(order(1), source="b")
        spool.finish()
    assert [entry.source for entry in SpoolReader(tmp_path / "f", KEY, CONTEXT)] == ["a", "b"]


def test_nothing_readable_lies_on_the_disk_and_nobody_else_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write(path, *[Record("order", {"email": CANARY})] * 10)
    assert CANARY.encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_came_after_the_mark_is_gone_after_a_crash_and_the_export_goes_on(tmp_path: Path) -> None:
    path, records = tmp_path / "f", [order(number) for number in range(6)]
    with SpoolWriter(path, KEY, CONTEXT) as spool:  # leaving without finish() is what a crash leaves behind
        for record in records[:4]:
            spool.add(record, source="holding-1")
        mark = spool.sync()
        spool.add(Record("order", {"number": "never journaled"}), source="holding-1")
        spool.sync()
    with SpoolWriter(path, KEY, CONTEXT, at=Mark(**asdict(mark))) as spool:
        for record in records[4:]:
            spool.add(record, source="holding-1")
        end = spool.finish()
    assert [data for _, _, data in read(path)] == [record.data for record in records]
    assert (mark.records, end.records) == (4, 6)


def test_a_finished_spool_goes_on_where_it_ended_or_begins_anew(tmp_path: Path) -> None:
    path, first, second = tmp_path / "f", order(1), order(2)
    end = write(path, first)
    with SpoolWriter(path, KEY, CONTEXT, at=end) as spool:
        spool.add(second, source="holding-1")
        spool.finish()
    assert [data for _, _, data in read(path)] == [first.data, second.data]
    with SpoolWriter(path, KEY, CONTEXT, at=START) as spool:
        spool.finish()
    assert read(path) == []


def test_a_mark_beyond_the_end_of_the_file_is_refused(tmp_path: Path) -> None:
    end = write(tmp_path / "f", order(1))
    with pytest.raises(Damaged, match="shorter than the journal says"):
        SpoolWriter(tmp_path / "f", KEY, CONTEXT, at=Mark(end.offset + 1000, end.frames))


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT), pytest.raises(StoreError, match="Another worker"):
        SpoolWriter(tmp_path / "f", KEY, CONTEXT)


def test_a_symbolic_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        SpoolWriter(tmp_path / "f", KEY, CONTEXT)
    assert not (tmp_path / "elsewhere").exists()


def test_an_attachment_that_breaks_off_leaves_no_trace(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield os.urandom(600_000)
        raise ConnectionError

    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        with pytest.raises(ConnectionError):
            spool.add_file(File("photo", "a", "image/png", broken()), source="b")
        spool.add(order(2), source="c")
        mark = spool.finish()
    assert (mark.records, mark.files) == (2, 0)
    assert [source for source, _, _ in read(tmp_path / "f")] == ["a", "c"]


@pytest.mark.parametrize("key", [KEY[::-1], bytes(32)])
def test_another_key_reads_nothing(tmp_path: Path, key: bytes) -> None:
    write(tmp_path / "f", order(1))
    with pytest.raises(Damaged):
        read(tmp_path / "f", key=key)


def test_a_file_of_another_request_is_not_taken_for_this_one(tmp_path: Path) -> None:
    write(tmp_path / "f", order(1))
    with pytest.raises(Damaged):
        read(tmp_path / "f", context=b"request 1, track 2")


@given(data=st.data())
def test_every_flipped_bit_is_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spool") / "f"
    write(path, order(1), order(2))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        read(path)
    assert CANARY not in caught.value.diagnostics()


@given(data=st.data())
def test_every_cut_is_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spool") / "f"
    write(path, order(1), order(2))
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(Damaged):
        read(path)


@pytest.mark.parametrize("order_of_frames", [(1, 0, 2), (0, 2), (0, 0, 1, 2), (0, 1, 2, 2), (2,), (0, 1)])
def test_frames_swapped_dropped_or_repeated_are_noticed(tmp_path: Path, order_of_frames: tuple[int, ...]) -> None:
    path = tmp_path / "f"
    with SpoolWriter(path, KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        spool.sync()
        spool.add(order(2), source="b")
        spool.finish()
    three = frames(path)
    assert len(three) == 3
    path.write_bytes(b"".join(three[number] for number in order_of_frames))
    with pytest.raises(Damaged):
        read(path)


def test_an_unfinished_file_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        spool.sync()
    with pytest.raises(Damaged, match="ends too early"):
        read(tmp_path / "f")


def test_a_mark_is_enough_to_read_what_an_export_got_before_it_broke_off(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        nothing = spool.sync()
        spool.add(order(1), source="a")
        mark = spool.sync()
        spool.add(order(2), source="b")
        spool.sync()
        for until, sources in ((nothing, []), (mark, ["a"])):  # while it goes on
            assert [e.source for e in SpoolReader(tmp_path / "f", KEY, CONTEXT, until=until)] == sources
    assert [e.source for e in SpoolReader(tmp_path / "f", KEY, CONTEXT, until=mark)] == ["a"]
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT, at=mark) as spool:
        spool.add(order(3), source="c")
        end = spool.finish()
    assert [e.source for e in SpoolReader(tmp_path / "f", KEY, CONTEXT, until=end)] == ["a", "c"]


@pytest.mark.parametrize("state", ["cut", "older", "rewritten"])
def test_what_is_not_the_state_the_journal_knows_is_refused(tmp_path: Path, state: str) -> None:
    path = tmp_path / "f"
    write(path, order(1))
    older = path.read_bytes()
    with SpoolWriter(path, KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        spool.sync()
        spool.add(order(2), source="b")
        mark = spool.sync()
    if state == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif state == "older":
        path.write_bytes(older)
    else:  # a frame from an attempt that the journal gave up, genuine and in its place
        other = tmp_path / "other"
        write(other, Record("order", {"number": "from another attempt"}))
        path.write_bytes(frames(other)[0] + frames(path)[1])
    with pytest.raises(Damaged):
        list(SpoolReader(path, KEY, CONTEXT, until=mark))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        read(tmp_path / "f")
    assert "Start the export anew" in caught.value.diagnostics()


def test_a_full_disk_is_said_and_loses_nothing_that_was_taken(tmp_path: Path) -> None:
    path, taken = tmp_path / "f", 0

    def fill(spool: SpoolWriter) -> None:
        nonlocal taken
        while True:
            spool.add(order(taken), source="holding-1")
            taken += 1

    with SpoolWriter(path, KEY, CONTEXT) as spool:
        with disk_with_room_for(200_000), pytest.raises(StoreError) as caught:
            fill(spool)
        assert "Free space" in caught.value.diagnostics()
        assert CANARY not in caught.value.diagnostics()
        with disk_with_room_for(200_000), pytest.raises(StoreError):
            spool.sync()
        spool.add(order(taken), source="holding-1")  # somebody has made room
        mark = spool.finish()
    assert mark.records == taken + 1
    assert [data["number"] for _, _, data in read(path)] == list(range(taken + 1))


def test_a_disk_that_fills_up_within_an_attachment_leaves_what_came_before(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        spool.add(order(1), source="a")
        chunks = (os.urandom(100_000) for _ in range(20))
        with disk_with_room_for(500_000), pytest.raises(StoreError):
            spool.add_file(File("photo", "a", "image/png", chunks), source="b")
        spool.finish()
    assert [source for source, _, _ in read(tmp_path / "f")] == ["a"]


@pytest.mark.parametrize(
    "record",
    [
        Record("order", {"when": datetime(2026, 3, 2, tzinfo=UTC)}),
        Record("order", {"total": float("nan")}),
        Record("order", {CANARY: {1, 2}}),
        Record("order", {"blob": CANARY.encode()}),
        Record("Order Items", {}),
        Record(f"../{CANARY}", {}),
        Record("", {}),
    ],
    ids=["date", "nan", "set", "bytes", "spaces", "path", "empty"],
)
def test_what_a_connector_must_not_yield_is_its_bug_and_is_not_quoted(tmp_path: Path, record: Record) -> None:
    with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
        with pytest.raises(ConnectorBug) as caught:
            spool.add(record, source="a")
        assert spool.finish().records == 0
    assert CANARY not in caught.value.diagnostics()


def test_memory_stays_flat_under_a_large_attachment(tmp_path: Path) -> None:
    chunk = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        with SpoolWriter(tmp_path / "f", KEY, CONTEXT) as spool:
            spool.add_file(File("video", "a", "video/mp4", (chunk for _ in range(48))), source="a")
            spool.finish()
        for entry in SpoolReader(tmp_path / "f", KEY, CONTEXT):
            assert isinstance(entry.item, File)
            assert sum(map(len, entry.item.chunks)) == 48 << 20
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_repr_shows_no_data(tmp_path: Path) -> None:
    write(tmp_path / "f", order(1))
    (entry,) = SpoolReader(tmp_path / "f", KEY, CONTEXT)
    assert CANARY not in repr(entry)
