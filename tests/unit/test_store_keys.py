"""Keys: byte-exact where others must recompute them, refused clearly where they do not fit, gone when destroyed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import KeyUnavailable
from hub.store.kek import LocalKek, make_kek_file, open_kek
from hub.store.keys import HUB_WIDE, Keys, RootKey, WrappedRoot

NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
SECRET = bytes(range(32))
ENCODED = base64.b64encode(SECRET).decode()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.open(tmp_path / "keys", LocalKek(SECRET), create=True)


def again(keys: Keys, kek: bytes = SECRET) -> Keys:
    """The same directory, as the next start of the hub sees it."""
    return Keys.open(keys.directory, LocalKek(kek))


# The key-encryption key


def test_wrapping_is_rfc_3394() -> None:
    """The vector of its section 4.6: 256 bits of key data under a 256-bit key."""
    data = bytes.fromhex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")
    expected = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
    assert LocalKek(SECRET).wrap(data).hex().upper() == expected
    assert LocalKek(SECRET).unwrap(bytes.fromhex(expected)) == data


def test_the_kek_id_names_the_key_without_giving_it_away() -> None:
    expected = hmac.new(SECRET, b"subject-request-hub/v1/kek-id", hashlib.sha256).hexdigest()[:16]
    assert LocalKek(SECRET).kek_id == expected != LocalKek(bytes(32)).kek_id


def test_a_kek_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TEST_KEK", f"{ENCODED}\n")
    assert open_kek("env:HUB_TEST_KEK").kek_id == LocalKek(SECRET).kek_id


def test_a_kek_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "kek"
    make_kek_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_kek(f"file:{path}").kek_id == LocalKek(base64.b64decode(path.read_text())).kek_id
    before = path.read_bytes()
    with pytest.raises(KeyUnavailable, match="exists already"):
        make_kek_file(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "not base64!", base64.b64encode(bytes(31)).decode(), "é" * 44])
def test_a_kek_of_the_wrong_form_is_refused_without_being_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "kek"
    path.write_text(content)
    path.chmod(0o600)
    monkeypatch.setenv("HUB_TEST_KEK", content)
    for source in (f"file:{path}", "env:HUB_TEST_KEK"):
        with pytest.raises(KeyUnavailable, match=r"base64 of 32 bytes|not set") as caught:
            open_kek(source)
        assert not content or content not in caught.value.diagnostics()
        assert "secrets.token_bytes(32)" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("env:HUB_NO_SUCH_VARIABLE", "HUB_NO_SUCH_VARIABLE is not set"),
        ("file:/nowhere/kek", "no file /nowhere/kek"),
        ("vault:secret", "none the hub knows"),
        ("env:", "none the hub knows"),
        ("", "none the hub knows"),
    ],
)
def test_a_kek_that_is_not_there(source: str, says: str) -> None:
    with pytest.raises(KeyUnavailable, match=says) as caught:
        open_kek(source)
    assert caught.value.hint


def test_a_kek_file_that_others_can_read(tmp_path: Path) -> None:
    make_kek_file(tmp_path / "kek")
    (tmp_path / "kek").chmod(0o640)
    with pytest.raises(KeyUnavailable, match="open to other users") as caught:
        open_kek(f"file:{tmp_path / 'kek'}")
    assert f"chmod 600 {tmp_path / 'kek'}" in caught.value.hint


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("raise ImportError", "package that reads keyrings is not installed|pip install keyring"),
        ("def get_password(service, user): return None", "the keyring has no entry hub"),
        (f"def get_password(service, user): return {ENCODED!r} if service == 'hub' else ''", LocalKek(SECRET).kek_id),
    ],
)
def test_a_kek_from_a_keyring(tmp_path: Path, package: str, says: str) -> None:
    (tmp_path / "keyring.py").write_text(package)
    script = (
        "from hub.errors import KeyUnavailable\nfrom hub.store.kek import open_kek\n"
        "try: print(open_kek('keyring:hub').kek_id)\nexcept KeyUnavailable as e: print(e.diagnostics())"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(part in run.stdout for part in says.split("|"))


# The key directory


def test_a_root_unlocks_again_after_a_restart(keys: Keys) -> None:
    root, wrapped = keys.new_root(NOVEMBER)
    assert wrapped.epoch == "2026-11"
    assert len(wrapped.wrapped) == 40
    sealed = root.seal("r1", "identifiers", 1, b"jane@example.org")
    assert (
        again(keys).unlock(wrapped.epoch, wrapped.wrapped).open("r1", "identifiers", 1, sealed) == b"jane@example.org"
    )


def test_every_request_has_a_key_of_its_own(keys: Keys) -> None:
    roots = [keys.new_root(NOVEMBER)[0] for _ in range(20)]
    assert len({root.subject_key for root in roots}) == 20


def test_the_month_is_counted_in_utc(keys: Keys) -> None:
    assert keys.new_root(datetime.fromisoformat("2026-12-01T00:30:00+01:00"))[1].epoch == "2026-11"


def test_key_files_are_private_and_say_which_kek_opens_them(keys: Keys) -> None:
    keys.new_root(NOVEMBER)
    files = sorted(keys.directory.rglob("*.key"))
    names = {f.relative_to(keys.directory).as_posix() for f in files}
    assert names == {"epochs/2026-11.key", *(f"{label}.key" for label in HUB_WIDE)}
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        document = json.loads(file.read_text())
        assert document["kek_id"] == LocalKek(SECRET).kek_id
        assert len(LocalKek(SECRET).unwrap(base64.b64decode(document["wrapped"]))) == 32
    assert stat.S_IMODE(keys.directory.stat().st_mode) == 0o700


def test_hub_wide_keys_differ_and_stay(keys: Keys) -> None:
    derived = {label: keys.derived(label) for label in HUB_WIDE}
    assert len(set(derived.values())) == len(HUB_WIDE)
    assert {label: again(keys).derived(label) for label in HUB_WIDE} == derived
    reopened = Keys.open(keys.directory, LocalKek(SECRET), create=True)  # `hub init` a second time replaces nothing
    assert {label: reopened.derived(label) for label in HUB_WIDE} == derived


def test_threads_and_processes_agree_on_the_key_of_a_new_month(keys: Keys) -> None:
    others = [again(keys) for _ in range(8)]
    made: list[tuple[RootKey, WrappedRoot]] = []
    threads = [threading.Thread(target=lambda k=k: made.append(k.new_root(NOVEMBER))) for k in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    fresh = again(keys)
    assert [fresh.unlock(w.epoch, w.wrapped).subject_key for _, w in made] == [r.subject_key for r, _ in made]


def test_a_destroyed_epoch_ends_its_requests_and_no_others(keys: Keys) -> None:
    _, old = keys.new_root(NOVEMBER)
    root, new = keys.new_root(DECEMBER)
    content = (keys.directory / "epochs/2026-11.key").read_bytes()
    keys.destroy_epoch("2026-11")
    keys.destroy_epoch("2026-11")
    assert list(keys.epochs()) == ["2026-12"]
    assert not any(content in f.read_bytes() for f in keys.directory.rglob("*") if f.is_file())
    for store in (keys, again(keys)):  # not from memory either
        with pytest.raises(KeyUnavailable, match=r"2026-11\.key is missing") as caught:
            store.unlock(old.epoch, old.wrapped)
        assert "gone for good" in caught.value.hint
        assert store.unlock(new.epoch, new.wrapped).subject_key == root.subject_key


def test_the_wrong_kek_is_named(keys: Keys) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        again(keys, kek=bytes(32))
    assert f"expected {LocalKek(SECRET).kek_id}, found {LocalKek(bytes(32)).kek_id}" in caught.value.message
    assert "again" in caught.value.hint


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: f.unlink(), "is missing"),
        (lambda f: f.chmod(0o644), "open to other users"),
        (lambda f: f.write_bytes(b""), "is damaged"),
        (lambda f: f.write_text("[]"), "is damaged"),
        (lambda f: f.write_text(f.read_text().replace('"wrapped": "', '"wrapped": "!')), "is damaged"),
        (lambda f: f.write_text(f.read_text().replace('"wrapped": "', '"wrapped": "AAAA')), "does not unwrap"),
        (lambda f: f.write_bytes(f.with_name("tokens.key").read_bytes()[:-12] + b"A" * 9 + b'="}'), "damaged|unwrap"),
    ],
)
@pytest.mark.parametrize("name", ["ledger", "epochs/2026-11"])
def test_a_key_file_that_cannot_be_used(keys: Keys, damage: object, says: str, name: str) -> None:
    _, wrapped = keys.new_root(NOVEMBER)
    (keys.directory / "epochs/tokens.key").write_bytes((keys.directory / "tokens.key").read_bytes())
    assert callable(damage)
    damage(keys.directory / f"{name}.key")
    with pytest.raises(KeyUnavailable, match=says) as caught:
        again(keys).unlock(wrapped.epoch, wrapped.wrapped)
    assert caught.value.hint


def test_a_missing_directory_and_one_open_to_others(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="no key directory"):
        Keys.open(tmp_path / "elsewhere", LocalKek(SECRET))
    keys.directory.chmod(0o755)
    with pytest.raises(KeyUnavailable, match="open to other users"):
        again(keys)


def test_a_directory_that_cannot_be_written(tmp_path: Path, keys: Keys) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyUnavailable, match="cannot be used: File exists"):
        Keys.open(tmp_path / "file", LocalKek(SECRET), create=True)
    with pytest.raises(KeyUnavailable, match="cannot be used: File exists"):
        make_kek_file(tmp_path / "file" / "kek")
    (keys.directory / "epochs").rmdir()
    with pytest.raises(KeyUnavailable, match="cannot be used: No such file or directory") as caught:
        keys.new_root(NOVEMBER)
    assert caught.value.hint


@pytest.mark.parametrize("epoch", ["", "../../etc/passwd", "2026-1", "2026-11/x"])
def test_an_epoch_that_is_no_month_opens_no_file(keys: Keys, epoch: str) -> None:
    with pytest.raises(KeyUnavailable, match="no month"):
        keys.unlock(epoch, bytes(40))


def test_a_wrapped_root_that_was_altered(keys: Keys) -> None:
    _, wrapped = keys.new_root(NOVEMBER)
    with pytest.raises(KeyUnavailable, match="does not unwrap"):
        again(keys).unlock(wrapped.epoch, wrapped.wrapped[:-1] + bytes([wrapped.wrapped[-1] ^ 1]))


def test_what_a_crash_left_half_made_is_removed_at_the_next_start(keys: Keys) -> None:
    left = keys.directory / "epochs" / "2026-11.key.tmp"
    left.write_bytes(b"half a key")
    again(keys)
    assert not left.exists()
    keys.new_root(NOVEMBER)


def test_a_forgotten_root_must_be_unlocked_anew(keys: Keys) -> None:
    root, wrapped = keys.new_root(NOVEMBER)
    assert keys.unlock(wrapped.epoch, wrapped.wrapped) is root
    keys.forget(wrapped)
    assert keys.unlock(wrapped.epoch, wrapped.wrapped) is not root


def test_the_keys_kept_ready_are_bounded(keys: Keys) -> None:
    first, wrapped = keys.new_root(NOVEMBER)
    for _ in range(600):
        keys.new_root(NOVEMBER)
    assert keys.unlock(wrapped.epoch, wrapped.wrapped) is not first


# One root key


def expand(root: bytes, label: str) -> bytes:
    """HKDF-Expand of RFC 5869 by hand: one block of SHA-256 is the 32 bytes asked for."""
    return hmac.new(root, label.encode() + b"\x01", hashlib.sha256).digest()


def test_the_derivations_are_byte_exact() -> None:
    root = RootKey(SECRET)
    assert root.exchange_key == expand(SECRET, "subject-request-hub/v1/exchange")
    assert root.subject_key == expand(SECRET, "subject-request-hub/v1/subject")
    assert root.index_key == expand(SECRET, "subject-request-hub/v1/index")
    salt_key = expand(SECRET, "subject-request-hub/v1/salt")
    assert root.salt("4f2a", 7) == hmac.new(salt_key, b"4f2a\n7", hashlib.sha256).hexdigest()
    assert len({root.exchange_key, root.subject_key, root.index_key, salt_key}) == 4


places = st.tuples(st.text(), st.text(), st.one_of(st.integers(), st.text()))


@given(place=places, plaintext=st.binary())
def test_what_is_sealed_opens_in_its_place(place: tuple[str, str, int | str], plaintext: bytes) -> None:
    sealed = RootKey(SECRET).seal(*place, plaintext)
    assert RootKey(SECRET).open(*place, sealed) == plaintext
    assert len(sealed) == len(plaintext) + 28


@given(place=places, other=places, plaintext=st.binary())
def test_what_is_sealed_opens_in_no_other_place(
    place: tuple[str, str, int | str], other: tuple[str, str, int | str], plaintext: bytes
) -> None:
    root = RootKey(SECRET)
    sealed = root.seal(*place, plaintext)
    if place != other or [type(p) for p in place] != [type(o) for o in other]:
        with pytest.raises(KeyUnavailable, match="does not open"):
            root.open(*other, sealed)


@given(bit=st.integers(min_value=0, max_value=8 * 39 - 1))
def test_no_bit_of_a_sealed_value_can_be_changed(bit: int) -> None:
    root = RootKey(SECRET)
    sealed = bytearray(root.seal("r", "t", 1, b"hello world"))
    assert len(sealed) == 39
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KeyUnavailable):
        root.open("r", "t", 1, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(28)])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(KeyUnavailable):
        RootKey(SECRET).open("r", "t", 1, sealed)


def test_the_same_value_never_seals_alike() -> None:
    root = RootKey(SECRET)
    assert root.seal("r", "t", 1, b"x") != root.seal("r", "t", 1, b"x")


def test_json_comes_back_as_it_went() -> None:
    value = {"name": "Zoë", "n": [1, 2.5, None, True]}
    root = RootKey(SECRET)
    assert root.open_json("r", "t", 1, root.seal_json("r", "t", 1, value)) == value


def test_no_key_shows_itself(keys: Keys) -> None:
    root, wrapped = keys.new_root(NOVEMBER)
    assert root.subject_key  # derived, so there is something to show
    assert repr(root) == str(root) == "<RootKey>"
    shown = f"{wrapped!r} {keys!r} {LocalKek(SECRET)!r}"
    assert repr(wrapped.wrapped) not in shown
    assert repr(SECRET) not in shown
