"""The package: what the person, a spreadsheet, a program and an archiver make of it."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import pyzipper
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Damaged, StoreError, UsageError
from hub.exports.archive import passphrase
from hub.exports.contents import About, Source
from hub.exports.package import Package, build
from hub.exports.spool import SpoolReader, SpoolWriter
from hub.exports.tables import MAX_COLUMNS, SAMPLE, cell
from hub.holding import File, Record
from hub.timepiece import ManualTime

KEY = bytes(32)
SECRET = "correct-horse-battery"
CANARY = "canary.jane@example.org"
ABOUT = About("R-2026-17", datetime(2026, 3, 1, tzinfo=UTC), "Lumen & Sons Ltd", "dpo@lumen.example", ("Royal Mail",))


def keep(record: Record) -> Record:
    return record


@pytest.fixture
def spool(tmp_path: Path) -> Callable[..., SpoolReader]:
    """Makes a finished spool of the records and files it is given."""
    count = iter(range(100))

    def make(*items: Record | File) -> SpoolReader:
        path = tmp_path / f"spool-{next(count)}"
        with SpoolWriter(path, KEY, b"") as writer:
            for number, item in enumerate(items, 1):
                add: Any = writer.add if isinstance(item, Record) else writer.add_file
                add(item, source=f"holding-{number}")
            writer.finish()
        return SpoolReader(path, KEY, b"")

    return make


def pack(out: Path, *sources: Source, secret: str | None = SECRET, redact: Any = keep) -> Package:
    return build(out, sources, about=ABOUT, passphrase=secret, redact=redact, clock=ManualTime())


def unpack(out: Path, secret: str | None = SECRET) -> dict[str, bytes]:
    """Every member by its name, as a zip program sees them."""
    with pyzipper.AESZipFile(out) as archive:
        archive.setpassword(secret.encode() if secret else None)
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


class Page(HTMLParser):
    """What a browser would show and fetch: the text, the tags, the links, and whether every tag is closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.text, self.links, self.tags, self.open = "", [], set(), []
        self.ids: list[str] = []
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in {"href", "src", "action", "background"}]
        self.ids += [value for name, value in attributes if name == "id" and value]
        assert not [name for name, _ in attributes if name.startswith("on")]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_kind_has_its_lines_and_its_table(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    reader = spool(
        Record("member", {"email": CANARY, "tags": ["vip", "uk"], "score": 4, "open": True}),
        Record("note", {"text": "rang, twice\n“later”"}),
        Record("member", {"email": CANARY, "city": "Zürich", "tags": None}),
    )
    built = pack(tmp_path / "out.zip", Source("news", "Mailchimp", "mailchimp", [reader]))
    members = unpack(tmp_path / "out.zip")
    assert list(members) == [
        "news/member.jsonl",
        "news/member.csv",
        "news/note.jsonl",
        "news/note.csv",
        "manifest.json",
        "index.html",
    ]
    assert lines(members["news/member.jsonl"]) == [
        {"source": "holding-1", "data": {"email": CANARY, "tags": ["vip", "uk"], "score": 4, "open": True}},
        {"source": "holding-3", "data": {"email": CANARY, "city": "Zürich", "tags": None}},
    ]
    assert rows(members["news/member.csv"]) == [
        ["source", "email", "tags", "score", "open", "city"],
        ["holding-1", CANARY, '["vip","uk"]', "4", "true", ""],
        ["holding-3", CANARY, "", "", "", "Zürich"],
    ]
    assert rows(members["news/note.csv"])[1] == ["holding-2", "rang, twice\n“later”"]
    assert (built.records, built.files, built.incomplete) == (3, 0, ())
    assert built.size == (tmp_path / "out.zip").stat().st_size


def test_the_manifest_names_and_measures_everything(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    reader = spool(Record("member", {"email": CANARY}), File("photo", "me.png", "image/png", iter([b"PNG"])))
    pack(
        tmp_path / "out.zip",
        Source("news", "Mailchimp", "mailchimp", [reader]),
        Source("pay", "Sage Pay", "sagepay", complete=False, reason="The service did not answer for seven days."),
    )
    members = unpack(tmp_path / "out.zip")
    manifest = json.loads(members["manifest.json"])
    assert manifest["schema"] == "subject-request-hub/export/v1"
    assert (manifest["request"], manifest["controller"]) == ("R-2026-17", "Lumen & Sons Ltd")
    assert (manifest["received"], manifest["made"]) == ("2026-03-01T00:00:00.000Z", "2026-03-02T09:00:00.000Z")
    assert manifest["recipients"] == ["Mailchimp", "Royal Mail"]
    assert manifest["incomplete"] == ["pay"]
    assert manifest["sources"][1]["reason"] == "The service did not answer for seven days."
    attachment = manifest["sources"][0]["attachments"][0]
    assert (attachment["name"], attachment["source"], attachment["kind"]) == ("me.png", "holding-2", "photo")
    listed = manifest["sources"][0]["tables"][0]["files"] + [attachment["file"]]
    assert {file["path"] for file in listed} == set(members) - {"manifest.json", "index.html"}
    for file in listed:
        assert file["size"] == len(members[file["path"]])
        assert file["sha256"] == hashlib.sha256(members[file["path"]]).hexdigest()


def test_the_page_says_who_when_what_and_what_is_missing(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    reader = spool(Record("member", {"email": CANARY}), Record("order", {"id": 1}), Record("order", {"id": 2}))
    pack(
        tmp_path / "out.zip",
        Source("news", "Mailchimp", "mailchimp", [reader]),
        Source("pay", "Sage Pay", "sagepay", complete=False, reason="The service did not answer."),
        Source("crm", "Salesforce", "salesforce"),
    )
    page = Page(unpack(tmp_path / "out.zip")["index.html"])
    assert page.open == []
    for text in ("R-2026-17", "1 March 2026", "2 March 2026", "Lumen & Sons Ltd", "dpo@lumen.example", "Royal Mail"):
        assert text in page.text
    assert "Sage Pay: The service did not answer." in page.text
    assert "Nothing about you was found at this service." in page.text
    assert "1 record." in page.text
    assert "2 records." in page.text
    assert CANARY in page.text


def test_the_page_spreads_out_what_is_nested(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    data = {
        "tags": ["vip", "fair"],
        "consent": {"email": True, "post": False, "by": None},
        "lines": [{"sku": "A", "qty": 2}, {"sku": "B", "deep": [[[1]]]}],
    }
    pack(tmp_path / "out.zip", Source("shop", "Shop", "shop", [spool(Record("order", data))]))
    page = Page(unpack(tmp_path / "out.zip")["index.html"])
    for text in ("vip\nfair", "email: yes\npost: no\nby: ", "sku: A, qty: 2\nsku: B, deep: [[1]]"):
        assert text in page.text


def test_the_page_loads_and_runs_nothing_whatever_the_data_says(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    hostile = "<script>alert(1)</script><img src=//evil.example onerror=x>\"'&\x00\u202e\ud800"
    reader = spool(
        Record("member", {hostile: hostile, "list": [hostile]}),
        Record("order", {hostile: hostile}),
        Record("order", {hostile: hostile}),
        File("photo", hostile, f"text/html; {hostile}", iter([hostile.encode("utf-8", "replace")])),
    )
    source = Source("news", "<b>Mail</b>", "mailchimp", [reader], complete=False, reason="<i>down</i>")
    pack(tmp_path / "out.zip", source)
    members = unpack(tmp_path / "out.zip")
    page = Page(members["index.html"])
    assert page.open == []
    assert not page.tags & {"script", "img", "link", "iframe", "object", "b", "i", "form", "base", "svg"}
    assert page.text.count("<script>alert(1)</script>") >= 7
    assert b"default-src 'none'" in members["index.html"]
    for link in page.links:
        assert link in members or link.removeprefix("#") in page.ids
    assert "news/files/0001.txt" in members


@given(st.text() | st.from_regex(r"[=+\-@\t\r\n＝＋－＠].*"))  # noqa: RUF001  # the signs in question
def test_no_cell_begins_like_a_formula(text: str) -> None:
    shown = cell(text)
    assert not re.match(r"[=+\-@\t\r\n＝＋－＠]", shown)  # noqa: RUF001  # the same
    assert shown.removeprefix("'") == text.removeprefix("'")


def test_formulas_are_disarmed_in_tables_and_kept_in_lines(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    evil = '=HYPERLINK("http://evil.example","x")'
    pack(tmp_path / "out.zip", Source("news", "M", "m", [spool(Record("note", {"@who": evil, "sum": -3}))]))
    members = unpack(tmp_path / "out.zip")
    assert rows(members["news/note.csv"]) == [["source", "'@who", "sum"], ["holding-1", f"'{evil}", "'-3"]]
    assert lines(members["news/note.jsonl"])[0]["data"] == {"@who": evil, "sum": -3}


def test_the_page_shows_the_beginning_of_a_long_list(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    reader = spool(*(Record("order", {"id": f"no-{number}-"}) for number in range(SAMPLE + 50)))
    pack(tmp_path / "out.zip", Source("shop", "Shop", "shop", [reader]))
    members = unpack(tmp_path / "out.zip")
    page = Page(members["index.html"])
    assert f"no-{SAMPLE - 1}-" in page.text
    assert f"no-{SAMPLE}-" not in page.text
    assert "250 records, of which the first 200 are shown" in page.text
    assert len(rows(members["shop/order.csv"])) == SAMPLE + 51


def test_records_with_endless_different_fields_fit_into_a_table(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    wide = {f"field {number}": number for number in range(MAX_COLUMNS + 3)}
    pack(
        tmp_path / "out.zip", Source("shop", "Shop", "shop", [spool(Record("order", wide), Record("order", {"z": 1}))])
    )
    members = unpack(tmp_path / "out.zip")
    header, first, second = rows(members["shop/order.csv"])
    assert len(header) == len(first) == len(second) == MAX_COLUMNS + 2
    assert json.loads(first[-1]) == {f"field {MAX_COLUMNS + n}": MAX_COLUMNS + n for n in range(3)}
    assert json.loads(second[-1]) == {"z": 1}
    assert "the first 40 of 500 fields" in Page(members["index.html"]).text


def test_attachments_lie_under_numbers_never_under_their_own_names(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    types = ["application/pdf", "IMAGE/JPEG; q=1", "text/html", "application/x-msdownload", "image/svg+xml"]
    reader = spool(*(File("file", f"../../{CANARY}", type_, iter([b"one", b"two"])) for type_ in types))
    pack(tmp_path / "out.zip", Source("news", "Mailchimp", "mailchimp", [reader]))
    members = unpack(tmp_path / "out.zip")
    assert [name for name in members if "/files/" in name] == [
        "news/files/0001.pdf",
        "news/files/0002.jpg",
        "news/files/0003.txt",
        "news/files/0004.bin",
        "news/files/0005.bin",
    ]
    assert members["news/files/0001.pdf"] == b"onetwo"
    assert CANARY in Page(members["index.html"]).text


def test_what_a_redactor_changes_or_withholds_is_nowhere_in_the_package(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    def redact(record: Record) -> Record | None:
        if record.data["from"] == "third party":
            return None
        return Record(record.kind, record.data | {"text": "…"})

    reader = spool(*(Record("note", {"from": who, "text": CANARY}) for who in ("person", "third party", "person")))
    built = pack(tmp_path / "out.zip", Source("crm", "CRM", "crm", [reader]), redact=redact)
    members = unpack(tmp_path / "out.zip")
    assert built.records == 2
    assert not [name for name, content in members.items() if CANARY.encode() in content]
    assert "1 record withheld, to protect the rights of others" in Page(members["index.html"]).text
    assert json.loads(members["manifest.json"])["sources"][0]["tables"][0]["withheld"] == 1


def test_without_the_passphrase_nothing_but_plain_names_can_be_read(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    out = tmp_path / "out.zip"
    reader = spool(Record("member", {"email": CANARY}), File("photo", CANARY, "image/png", iter([CANARY.encode()])))
    pack(out, Source("news", "Mailchimp", "mailchimp", [reader]))
    assert CANARY.encode() not in out.read_bytes()
    with pyzipper.AESZipFile(out) as archive:
        assert all(info.flag_bits & 1 and info.wz_aes_strength == 3 for info in archive.infolist())
        with pytest.raises(RuntimeError, match="password"):
            archive.read("index.html")
    with pytest.raises(RuntimeError, match="Bad password"):
        unpack(out, "a wrong passphrase")


def test_7_zip_opens_it_with_the_passphrase_and_not_without(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    out, secret = tmp_path / "out.zip", passphrase()
    reader = spool(Record("member", {"email": CANARY}), File("photo", "a", "image/png", iter([b"\0" * 300_000])))
    pack(out, Source("news", "Mailchimp", "mailchimp", [reader]), secret=secret)
    program = shutil.which("7z")
    if program is None:  # `make system-tools` installs it; without it the format is judged by pyzipper alone
        assert len(unpack(out, secret)) == 5
        return
    subprocess.run([program, "x", f"-p{secret}", f"-o{tmp_path / 'x'}", out], check=True, capture_output=True)
    assert json.loads((tmp_path / "x/news/member.jsonl").read_text())["data"] == {"email": CANARY}
    assert (tmp_path / "x/news/files/0001.png").read_bytes() == b"\0" * 300_000
    assert subprocess.run([program, "t", "-pwrong", out], check=False, capture_output=True).returncode != 0


def test_it_is_plain_only_when_asked(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    source = Source("news", "Mailchimp", "mailchimp", [spool(Record("member", {"email": CANARY}))])
    pack(tmp_path / "out.zip", source, secret=None)
    assert CANARY.encode() in unpack(tmp_path / "out.zip", None)["news/member.jsonl"]
    for weak in ("", "short"):
        with pytest.raises(UsageError, match="shorter than 12 characters"):
            pack(tmp_path / "weak.zip", source, secret=weak)
    assert not (tmp_path / "weak.zip").exists()


def test_the_same_data_is_packed_the_same_way(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    source = Source("news", "Mailchimp", "mailchimp", [spool(Record("b", {"x": 1}), Record("a", {"y": 2}))])
    for name in ("one.zip", "two.zip"):
        pack(tmp_path / name, source, secret=None)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_several_spools_of_one_service_become_one_folder(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    spools = [spool(Record("order", {"id": 1})), spool(Record("order", {"id": 2}))]
    pack(tmp_path / "out.zip", Source("shop", "Shop", "shop", spools))
    assert [line["data"]["id"] for line in lines(unpack(tmp_path / "out.zip")["shop/order.jsonl"])] == [1, 2]


def test_only_the_owner_may_read_it_and_nothing_is_left_beside_it(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    (tmp_path / "to").mkdir()
    pack(tmp_path / "to/out.zip", Source("shop", "Shop", "shop", [spool(Record("order", {"id": 1}))]))
    assert stat.S_IMODE((tmp_path / "to/out.zip").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["out.zip"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_text("mine")
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    for name in ("out.zip", "link.zip"):
        with pytest.raises(UsageError, match="overwrites nothing"):
            pack(tmp_path / name)
    assert (tmp_path / "out.zip").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_name_taken_while_packing_is_not_overwritten(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    def meanwhile(record: Record) -> Record:
        (tmp_path / "out.zip").write_text("theirs")
        return record

    with pytest.raises(UsageError, match="overwrites nothing"):
        pack(tmp_path / "out.zip", Source("shop", "S", "s", [spool(Record("order", {}))]), redact=meanwhile)
    assert (tmp_path / "out.zip").read_text() == "theirs"


@contextlib.contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1_000, 300_000])
def test_a_full_disk_leaves_no_half_package(tmp_path: Path, spool: Callable[..., SpoolReader], room: int) -> None:
    (tmp_path / "to").mkdir()
    reader = spool(
        Record("order", {"id": os.urandom(200_000).hex()}),
        File("photo", "a", "image/png", iter([os.urandom(400_000)])),
    )
    with disk_with_room_for(room), pytest.raises(StoreError) as caught:
        pack(tmp_path / f"to/{CANARY}.zip", Source("shop", "Shop", "shop", [reader]))
    assert "Free space" in caught.value.diagnostics()
    assert CANARY not in caught.value.diagnostics()
    assert not list((tmp_path / "to").iterdir())


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        pack(tmp_path / "nowhere/out.zip")


def test_a_damaged_spool_names_its_service_and_nothing_is_handed_over(
    tmp_path: Path, spool: Callable[..., SpoolReader]
) -> None:
    good, bad = spool(Record("order", {"id": 1})), spool(Record("order", {"id": CANARY}))
    content = bytearray((tmp_path / "spool-1").read_bytes())
    content[40] ^= 1
    (tmp_path / "spool-1").write_bytes(content)
    with pytest.raises(Damaged) as caught:
        pack(tmp_path / "out.zip", Source("shop", "S", "s", [good]), Source("pay", "P", "p", [bad]))
    assert caught.value.instance == "pay"
    assert not (tmp_path / "out.zip").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_redactor_that_fails_stops_the_package(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    def broken(record: Record) -> Record:
        raise UsageError("The redactor failed")

    with pytest.raises(UsageError, match="redactor"):
        pack(tmp_path / "out.zip", Source("shop", "S", "s", [spool(Record("order", {}))]), redact=broken)
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("name", ["../evil", "A", "", "a/b", "index.html"])
def test_a_folder_is_a_plain_word(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Source(name, "x", "x")


def test_incomplete_without_a_reason_or_twice_the_same_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs its reason"):
        Source("shop", "S", "s", complete=False)
    with pytest.raises(ValueError, match="same instance"):
        pack(tmp_path / "out.zip", Source("shop", "S", "s"), Source("shop", "S", "s"))


def test_memory_stays_flat(tmp_path: Path, spool: Callable[..., SpoolReader]) -> None:
    chunk = os.urandom(1 << 20)
    reader = spool(
        File("video", "a", "video/mp4", (chunk for _ in range(20))),
        *(Record("order", {"id": number, "text": "x" * 10_000}) for number in range(2_000)),
    )
    tracemalloc.start()
    try:
        pack(tmp_path / "out.zip", Source("shop", "Shop", "shop", [reader]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_a_passphrase_is_long_readable_and_never_the_same() -> None:
    made = {passphrase() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"([2-9a-hjkmnp-z]{4}-){5}[2-9a-hjkmnp-z]{4}", one) for one in made)
    assert len({letter for one in made for letter in one}) == 32  # 31 and the hyphen: 24 times log2(31) = 118 bits
