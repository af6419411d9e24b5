"""The status table, row by row, as a call meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    OutcomeUnknown,
    RateLimited,
    TransientError,
)
from hub.timepiece import ManualTime
from hub.wire import Recorder
from hub.wire.status import TABLE, retry_after
from tests.unit.wire.vendor import HOST, MakeWire, Vendor, http, json

URL = f"https://{HOST}/x"
PROBLEM = '{"title": "Canary Jane may not", "status": 403}'
UNKNOWN = (ContractError, OutcomeUnknown)
REFUSED = (ContractError, ContractError)
BUSY = (TransientError, TransientError)
BROKE = (TransientError, OutcomeUnknown)
NO_ACCESS = (AuthError, AuthError)
ROWS: dict[int, tuple[type[ConnectorError], type[ConnectorError]]] = {
    **dict.fromkeys([201, 202, 204, 207, 300, 301, 302, 303, 304, 307, 308], UNKNOWN),
    **dict.fromkeys([400, 402, 404, 405, 406, 409, 410, 412, 413, 414, 415, 422, 426, 428, 451, 501, 505], REFUSED),
    **dict.fromkeys([401, 403, 407], NO_ACCESS),
    **dict.fromkeys([408, 423, 425, 503], BUSY),
    **dict.fromkeys([500, 502, 504, 507, 520, 521, 522, 523, 524, 525, 526, 527, 599], BROKE),
    429: (RateLimited, RateLimited),
}


def test_every_row_of_the_table_is_tested_here() -> None:
    assert set(TABLE) <= set(ROWS)


@pytest.mark.parametrize("status", ROWS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_status_with_a_body(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, status: int, method: str
) -> None:
    body = "" if status in {204, 304} else PROBLEM
    vendor.answer = lambda _: json(body, status)
    with pytest.raises(ConnectorError) as caught:
        make_wire().call(method, URL)
    assert type(caught.value) is ROWS[status][method != "GET"]
    assert str(status) in caught.value.message
    assert caught.value.instance == "shop"
    assert caught.value.hint
    assert "Jane" not in repr(caught.value) + caught.value.diagnostics()


@pytest.mark.parametrize("status", ROWS)
def test_an_expected_status_is_no_error(make_wire: MakeWire, vendor: Vendor, recorder: Recorder, status: int) -> None:
    vendor.answer = lambda _: http(status)
    wire = make_wire()
    assert wire.call("DELETE", URL, expect=(200, status)).status == status
    assert wire.call("DELETE", URL, expect=status).status == status


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        ("", "application/json", RateLimited),
        ("{}", "application/json", RateLimited),
        (" [] ", "application/json", RateLimited),
        ("<html>Request Blocked</html>", "text/html", RateLimited),
        ("blocked", "text/plain", RateLimited),
        (PROBLEM, "application/problem+json; charset=utf-8", AuthError),
        ('[{"errorCode": "INSUFFICIENT_ACCESS"}]', "application/json;charset=UTF-8", AuthError),
        ("<error/>", "text/xml", AuthError),
    ],
)
def test_a_403_is_a_lack_of_rights_only_in_the_services_own_words(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, body: str, content_type: str, error: type[Exception]
) -> None:
    vendor.answer = lambda _: http(403, body.encode(), Content_Type=content_type)
    with pytest.raises(ConnectorError) as caught:
        make_wire().call("POST", URL)
    assert type(caught.value) is error


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Mon, 02 Mar 2026 09:01:00 GMT"}, 60),
        ({"Retry-After": "Mon, 02 Mar 2026 08:00:00 GMT"}, 0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:01:00 GMT", "Date": "Mon, 02 Mar 2026 09:00:50 GMT"}, 10),
        ({"Retry-After": "999999999999"}, 30 * 86400),
        ({"Retry-After": "Mon, 02 Mar 2126 09:01:00 GMT"}, 30 * 86400),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    vendor.answer = lambda _: http(status, **headers)
    with pytest.raises(TransientError) as caught:
        make_wire(clock=ManualTime(NOW)).call("POST", URL)
    if seconds is None and status == 503:
        assert type(caught.value) is TransientError
        return
    assert isinstance(caught.value, RateLimited)
    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_an_act_a_gateway_lost_is_unknown_even_with_a_retry_after(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder
) -> None:
    vendor.answer = lambda _: http(502, Retry_After="3")
    wire = make_wire()
    with pytest.raises(RateLimited):
        wire.call("GET", URL)
    with pytest.raises(OutcomeUnknown):
        wire.call("DELETE", URL)


@given(st.text(alphabet=st.characters(codec="latin-1")), st.text(alphabet=st.characters(codec="latin-1")))
def test_whatever_a_header_says_the_wait_is_bounded(value: str, date: str) -> None:
    found = retry_after({"retry-after": value, "date": date}, NOW)
    assert found is None or timedelta(0) <= found <= timedelta(days=30)
