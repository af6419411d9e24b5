from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.sagepay.config import LIVE, SagePayConfig
from connectors.sagepay.processor import SagePay
from connectors.sagepay.signing import Algorithm

GIVEN: dict[str, Any] = {"vendor": "lamps", "user": "hub", "password": "pass-Word 1!", "search_from": "2020-01-01"}


def test_four_settings_are_enough_and_the_defaults_are_the_safe_ones() -> None:
    config = SagePayConfig.model_validate(GIVEN)
    assert (config.base_url, config.hash_algorithm, config.sweep, config.retention_years) == (
        LIVE,
        Algorithm.SHA256,
        False,
        6,
    )
    assert SagePay.limits(config).hosts == ("live.opayo.eu.elavon.com",)


@pytest.mark.parametrize("password", ["geheim&1", "geheim<1", "geheim>1", "geheimé1", "geheim\t1", ""])
def test_a_password_the_service_cannot_sign_is_refused_and_never_quoted(password: str) -> None:
    with pytest.raises(ValidationError, match="printable ASCII") as raised:
        SagePayConfig.model_validate(GIVEN | {"password": password})
    assert "geheim" not in str(raised.value) + repr(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://live.opayo.eu.elavon.com",
        "https://",
        "ftp://x.example",
        "https://u:p@x.example",
        "https://x.example/access",
        "https://x.example?x=1",
    ],
)
def test_a_base_address_is_an_https_host_alone(url: str) -> None:
    with pytest.raises(ValidationError):
        SagePayConfig.model_validate(GIVEN | {"base_url": url})


def test_the_hosts_that_may_be_called_follow_from_the_base_address() -> None:
    config = SagePayConfig.model_validate(GIVEN | {"base_url": "https://Sandbox.Opayo.eu.elavon.com/"})
    assert SagePay.limits(config).hosts == ("sandbox.opayo.eu.elavon.com",)


@pytest.mark.parametrize("change", [{"window_days": 29}, {"colour": "red"}, {"search_from": "soon"}])
def test_what_the_service_refuses_or_nobody_knows_is_refused_at_once(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SagePayConfig.model_validate(GIVEN | change)


def test_the_password_is_in_no_representation() -> None:
    assert "pass-Word" not in repr(SagePayConfig.model_validate(GIVEN))


def test_every_setting_is_described_and_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, field in SagePayConfig.model_fields.items():
        assert field.description
        assert f"`{name}`" in readme
