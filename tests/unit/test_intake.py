"""What is typed at intake is read or refused, never an error nobody expected."""

from __future__ import annotations

import pytest

from hub.coordinator.intake import OWN_FIELD, received_or_now
from hub.errors import UsageError


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_a_time_too_far_off_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        received_or_now(text, 0.0)


def test_a_time_is_read() -> None:
    assert received_or_now("2026-03-02T09:30:00Z", 0.0).isoformat() == "2026-03-02T09:30:00+00:00"


@pytest.mark.parametrize("name", ["jane.canary@example.org", "crm.a b", "crm.", ".a", "Crm.x", "crm.é"])
def test_a_field_of_a_services_own_holds_no_address(name: str) -> None:
    assert not OWN_FIELD.fullmatch(name)
    assert OWN_FIELD.fullmatch("crm.custom_1")
