"""An answer encoded otherwise than asked is refused before anything of it is undone."""

from __future__ import annotations

import gzip

import pytest

from hub.errors import ContractError, OutcomeUnknown
from hub.wire import Recorder
from tests.unit.wire.vendor import MakeWire, Vendor, http

TWICE = gzip.compress(gzip.compress(b"\0" * 50_000_000))


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip,identity", "x-gzip", "br"], ids=["layers", "list", "x-gzip", "brotli"]
)
def test_an_encoding_nobody_asked_for_is_not_undone(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, encoding: str
) -> None:
    vendor.answer = lambda _: http(200, TWICE, Content_Encoding=encoding)
    wire = make_wire(max_answer=1000)
    with pytest.raises(ContractError, match="was not asked for"):
        wire.call("GET", "https://api.example.com/items")
    with pytest.raises(OutcomeUnknown):
        wire.call("POST", "https://api.example.com/items")


def test_a_file_is_not_unpacked(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    """It was asked for as it is, so that what is counted is what is kept."""
    vendor.answer = lambda _: http(200, gzip.compress(b"x"), Content_Encoding="gzip")
    with pytest.raises(ContractError, match="was not asked for"):
        b"".join(make_wire().stream("https://files.example.net/f", hosts=["files.example.net"], max_bytes=500))
