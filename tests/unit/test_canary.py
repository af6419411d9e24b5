"""The canary search finds a person in every disguise that anyone has thought of, and nobody else."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import os
import quopri
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import pytest
import pyzipper
from hypothesis import given
from hypothesis import strategies as st

from hub.testing.canary import BLOCK, Canary, Finding, main, values_of

EMAIL = "Canary.Jane+news@example.org"
PHONE = "+447700900123"
NAME = "Jané O'Canary"
VALUES = [EMAIL, PHONE, NAME]


@pytest.fixture(scope="module")
def canary() -> Canary:
    return Canary(VALUES)


def b64(value: str, before: int) -> str:
    return base64.b64encode(b"\xff" * before + value.encode() + b"\xee" * 5).decode()


def digest(algorithm: str, value: str) -> bytes:
    return hashlib.new(algorithm, value.encode()).digest()


DISGUISES = {
    "plain": (EMAIL, "plain"),
    "capitals": (EMAIL.upper(), "plain"),
    "accents in capitals": (NAME.upper(), "plain"),
    "decomposed accents": ("Jane\u0301 O'Canary", "plain"),
    "latin-1": (NAME.encode("latin-1"), "plain"),
    "name with underscore": (NAME.replace(" ", "_"), "plain"),
    "national telephone number": ("07700 900123", "plain"),
    "telephone number with brackets": ("+44 (0)7700-900 123", "plain"),
    "telephone number without plus": ("447700900123", "plain"),
    "base64": (b64(EMAIL, 0), "base64"),
    "base64 shifted by one": (b64(EMAIL, 1), "base64"),
    "base64 shifted by two": (b64(EMAIL, 2), "base64"),
    "base64 of small letters": (b64(EMAIL.lower(), 1), "base64"),
    "base64 for URLs": (base64.urlsafe_b64encode(b"\xff\xff" + NAME.encode()), "base64"),
    "base64 in lines": (base64.encodebytes(b"-" * 50 + EMAIL.encode() + b"-" * 50), "base64"),
    "hex": (EMAIL.encode().hex(), "hex"),
    "hex in capitals": (EMAIL.encode().hex().upper(), "hex"),
    "percent-encoding": (urllib.parse.quote(EMAIL, safe=""), "percent-encoding"),
    "form encoding": (urllib.parse.quote_plus(NAME), "percent-encoding"),
    "percent-encoding twice": (urllib.parse.quote(urllib.parse.quote(EMAIL, safe="")), "percent-encoding"),
    "percent-encoding of every letter": ("".join(f"%{ord(c):02X}" for c in EMAIL), "percent-encoding"),
    "UTF-16 LE": (EMAIL.encode("utf-16-le"), "UTF-16"),
    "UTF-16 BE": (NAME.encode("utf-16-be"), "UTF-16"),
    "UTF-16 in capitals": (EMAIL.upper().encode("utf-16-le"), "UTF-16"),
    "JSON": (json.dumps(NAME)[1:-1], "JSON escapes"),
    "JSON in JSON": (json.dumps(json.dumps(NAME))[1:-1], "JSON escapes"),
    "JSON with every letter escaped": ("".join(f"\\u{ord(c):04X}" for c in EMAIL), "JSON escapes"),
    "HTML": (html.escape(NAME), "HTML entities"),
    "HTML by name": (EMAIL.replace("@", "&commat;").replace("+", "&plus;"), "HTML entities"),
    "HTML in decimal": ("".join(f"&#{ord(c)};" for c in EMAIL), "HTML entities"),
    "HTML in hex": ("".join(f"&#x{ord(c):X};" for c in EMAIL), "HTML entities"),
    "quoted-printable": (quopri.encodestring(NAME.encode(), header=False), "quoted-printable"),
    "backwards": (EMAIL[::-1], "backwards"),
} | {
    f"{algorithm} {name}": (encode(digest(algorithm, spelling)), form)
    for algorithm in ("md5", "sha1", "sha256", "sha512")
    for spelling in (EMAIL, EMAIL.lower(), EMAIL.upper(), "447700900123")
    for name, encode, form in (
        (f"bytes {spelling}", bytes, algorithm),
        (f"hex {spelling}", lambda d: d.hex().encode(), f"{algorithm} in hex"),
        (f"HEX {spelling}", lambda d: d.hex().upper().encode(), f"{algorithm} in hex"),
        (f"base64 {spelling}", base64.b64encode, f"{algorithm} in base64"),
        (f"base64url {spelling}", lambda d: base64.urlsafe_b64encode(d).rstrip(b"="), f"{algorithm} in base64"),
    )
}


@pytest.mark.parametrize(("planted", "form"), DISGUISES.values(), ids=DISGUISES)
def test_every_disguise_is_seen_through(canary: Canary, planted: str | bytes, form: str) -> None:
    data = planted.encode() if isinstance(planted, str) else planted
    assert form in {finding.form for finding in canary.search_bytes(b"\x00before " + data + b" after\xff")}


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", data)
    return target.getvalue()


def tarred(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("inner.txt")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


@pytest.mark.parametrize(
    ("pack", "path", "form"),
    [
        (zipped, "data!inner.txt", "plain"),
        (lambda data: zipped(zipped(data)), "data!inner.txt!inner.txt", "plain"),
        (lambda data: gzip.compress(tarred(data)), "data!gzip!inner.txt", "plain"),
        (bz2.compress, "data!bzip2", "plain"),
        (lzma.compress, "data!xz", "plain"),
        (zlib.compress, "data", "plain, compressed"),
        (lambda data: b"%PDF stream " + zlib.compress(data) + b" endstream", "data", "plain, compressed"),
        (lambda data: b"row " + gzip.compress(data) + b" row", "data", "plain, compressed"),
    ],
    ids=["zip", "zip in zip", "tar.gz", "bzip2", "xz", "zlib", "PDF", "gzip in a row"],
)
def test_archives_are_opened(canary: Canary, pack: object, path: str, form: str) -> None:
    assert callable(pack)
    assert Finding(path, form) in canary.search_bytes(pack(b"x" * 1000 + EMAIL.encode() + b"y" * 1000))


def test_a_large_member_is_read_to_its_end(canary: Canary) -> None:
    assert Finding("data!gzip", "plain") in canary.search_bytes(gzip.compress(bytes(BLOCK) + EMAIL.encode(), 1))


def test_what_lies_across_the_border_of_two_blocks_is_found(canary: Canary) -> None:
    assert canary.search_bytes(b"-" * (BLOCK - 5) + EMAIL.encode()) == [Finding("data", "plain")]


def test_an_archive_that_cannot_be_searched_is_said(canary: Canary) -> None:
    deep = EMAIL.encode()
    for _ in range(9):
        deep = zipped(deep)
    assert any("too many archives" in finding.form for finding in canary.search_bytes(deep))
    broken = zipped(os.urandom(5000))[:-30]
    assert canary.search_bytes(broken) == [Finding("data", "not searched: an archive that cannot be unpacked")]


def test_an_encrypted_zip_is_passed_over(canary: Canary, tmp_path: Path) -> None:
    with pyzipper.AESZipFile(tmp_path / "x.zip", "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        archive.writestr("plain-name.txt", EMAIL)
    assert canary.search(tmp_path) == []


def test_rows_of_a_database_are_found_even_after_deletion(canary: Canary, tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "hub.db")
    database.execute("PRAGMA secure_delete=OFF")
    database.execute("CREATE TABLE t (v)")
    database.execute("INSERT INTO t VALUES (?)", (EMAIL,))
    database.commit()
    database.execute("DELETE FROM t")
    database.commit()
    database.close()
    assert canary.search(tmp_path) == [Finding("hub.db", "plain")]


def test_a_folder_is_searched_with_its_names_and_links_and_no_name_is_shown(canary: Canary, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/hub.log").write_text(f"sent to {EMAIL}")
    (tmp_path / EMAIL.lower()).mkdir()
    (tmp_path / EMAIL.lower() / "clean.txt").write_text("nothing")
    (tmp_path / "link").symlink_to(f"/nowhere/{EMAIL}")
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    findings = canary.search(tmp_path)
    assert set(findings) == {
        Finding("logs/hub.log", "plain"),
        Finding("(…)", "file name"),
        Finding("link", "plain"),
    }
    assert EMAIL.lower() not in repr(findings).lower()


@given(st.binary(max_size=2000))
def test_chance_finds_nobody(data: bytes) -> None:
    assert [f for f in Canary([EMAIL, NAME]).search_bytes(data) if not f.form.startswith("not searched")] == []


@pytest.mark.parametrize(
    "neighbour",
    ["canary.jan+news@example.org", "jane+news@example.org", "+447700900124", "Jane OCanary", "canary"],
)
def test_a_neighbour_is_not_taken_for_the_person(canary: Canary, neighbour: str) -> None:
    assert canary.search_bytes(neighbour.encode()) == []


@pytest.mark.parametrize("values", [[], ["abcd"], [EMAIL, ""], ["x" * 401]])
def test_what_cannot_be_searched_for_is_refused_and_not_quoted(values: list[str]) -> None:
    with pytest.raises(ValueError, match="5 to 400 characters") as caught:
        Canary(values)
    assert not [value for value in values if value and value in str(caught.value)]


def test_a_missing_folder_is_not_a_clean_one(canary: Canary, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        canary.search(tmp_path / "nowhere")


def test_the_values_of_a_person_are_those_written_and_their_normal_forms() -> None:
    values = values_of(
        {
            "email": "Jane@EXAMPLE.org",
            "phone": ["+44 7700 900123"],
            "name": "Jane  Doe",
            "address": {"line1": "1 High Street", "city": "Leeds", "postcode": "ls1 1aa", "country": "GB"},
            "external": {"shop.customer": ["cust-0017", "17"]},
        }
    )
    assert values == sorted(
        [
            "Jane@EXAMPLE.org",
            "jane@example.org",
            "+44 7700 900123",
            "+447700900123",
            "Jane  Doe",
            "Jane Doe",
            "1 High Street",
            "LS1 1AA",
            "cust-0017",
        ]
    )


def test_the_command_says_where_and_how_and_never_whom(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text(json.dumps({"email": EMAIL}))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/hub.log").write_text(EMAIL.encode().hex())
    command = [sys.executable, "-m", "hub.testing.canary", tmp_path / "home", "--subject", tmp_path / "person.json"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert "hub.log: hex\n" in found.stdout
    assert EMAIL.lower() not in (found.stdout + found.stderr).lower()


def test_the_command_tells_clean_from_not_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "person.json").write_text(json.dumps({"email": EMAIL}))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/hub.log").write_text("nothing of anybody")
    subject = ["--subject", str(tmp_path / "person.json")]
    assert main([str(tmp_path / "home"), *subject]) == 0
    assert main([str(tmp_path / "nowhere"), *subject]) == 2
    (tmp_path / "person.json").write_text(json.dumps({"email": "no address"}))
    assert main([str(tmp_path / "home"), *subject]) == 2
    (tmp_path / "person.json").write_text(EMAIL)
    assert main([str(tmp_path / "home"), *subject]) == 2
    printed = capsys.readouterr()
    assert "no address" not in printed.err
    assert EMAIL not in printed.err


def test_ten_megabytes_take_about_a_second(canary: Canary) -> None:
    data = os.urandom(5 << 20) + b'{"id": "9f86d081884c7d65", "email": "someone@example.com"}\n' * 90_000
    began = time.process_time()
    assert canary.search_bytes(data) == []
    assert time.process_time() - began < 5  # it was 1.0 s; much slower means that a pattern backtracks
