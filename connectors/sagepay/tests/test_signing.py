from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from connectors.sagepay.signing import Algorithm, document, element, signature

EMPTY = {"vendor": "", "user": "", "password": ""}

# Published by a third party (ebizmarts, ReportingTest.php), with vendor, user and password empty.
PUBLISHED = [
    ("getTransactionDetail", element("vpstxid", "12345"), "4a0787ba97d65455d24be4d1768133ac"),
    ("getTransactionDetail", element("vendorTxCode", "REF20131029-1-838"), "6a4a665ca8a1785db650aaf6a2f86fd7"),
    ("getFraudScreenDetail", element("vpstxid", "12345"), "85bd7f80aad73ecd5740bd6b58142071"),
    ("getTokenCount", "", "eca0a57c18e960a6cba53f685597b6c2"),
]

# What XML 1.0 can carry; `Identifier` refuses the rest before it gets here.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufffe\uffff"))


@pytest.mark.parametrize(("command", "parameters", "expected"), PUBLISHED)
def test_the_published_signatures_are_reproduced(command: str, parameters: str, expected: str) -> None:
    sent = document(command, parameters, **EMPTY, algorithm=Algorithm.MD5)
    assert sent.endswith(f"<signature>{expected}</signature></vspaccess>")


def test_sha256_names_itself_inside_the_signed_text_and_the_password_is_not_sent() -> None:
    sent = document("version", "", vendor="v", user="u", password="geheim", algorithm=Algorithm.SHA256)
    assert sent.startswith(
        "<vspaccess><command>version</command><vendor>v</vendor><user>u</user><algorithm>sha256</algorithm><signature>"
    )
    assert "geheim" not in sent
    assert re.search(r"<signature>[0-9a-f]{64}</signature></vspaccess>$", sent)


@given(TEXT)
def test_any_text_arrives_as_it_was_and_is_ascii_on_the_way(text: str) -> None:
    sent = element("vendortxcode", text)
    assert sent.isascii()
    assert (fromstring(sent).text or "") == text.replace("\r\n", "\n").replace("\r", "\n")


@given(TEXT, TEXT)
def test_a_value_cannot_become_markup(text: str, other: str) -> None:
    root = fromstring(document("c", element("a", text) + element("b", other), **EMPTY, algorithm=Algorithm.SHA256))
    assert [child.tag for child in root] == ["command", "vendor", "user", "a", "b", "algorithm", "signature"]


def test_the_signature_covers_the_password() -> None:
    assert signature("x", "a", Algorithm.SHA256) != signature("x", "b", Algorithm.SHA256)
