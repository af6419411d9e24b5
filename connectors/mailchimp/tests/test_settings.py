"""What can be configured, and what is said when it cannot be used."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mailchimp.processor import Mailchimp

KEY = "0123456789abcdef-us21"


def config(**settings: Any) -> Any:
    return Mailchimp.config_model.model_validate(settings)


def test_the_key_names_the_data_centre() -> None:
    assert config(api_key=KEY).dc == "us21"
    assert config(api_key="0123456789abcdef", data_center="us6").dc == "us6"
    assert config(api_key=KEY, data_center="us21").dc == "us21"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "api_key"),
        ({"api_key": "0123456789abcdef"}, "set data_center"),
        ({"api_key": KEY, "data_center": "us6"}, "contradicts"),
        ({"api_key": "secret.evil.example/#-us21"}, "not of the form"),
        ({"api_key": "", "data_center": "us6"}, "not of the form"),
        ({"api_key": "0123456789abcdef-evil.example"}, "not of the form"),
        ({"api_key": KEY, "data_center": "evil.example/"}, "data_center"),
        ({"api_key": KEY, "apikey": "x"}, "apikey"),
    ],
)
def test_settings_that_do_not_fit_say_which_and_never_show_the_key(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        config(**settings)
    said = " ".join(f"{e['loc']} {e['msg']}" for e in refused.value.errors(include_input=False))
    assert message in said
    assert "evil" not in said
    assert KEY not in said


def test_the_key_shows_in_no_repr() -> None:
    assert KEY not in repr(config(api_key=KEY))


def test_only_the_accounts_own_data_centre_may_be_called() -> None:
    limits = Mailchimp.limits(config(api_key=KEY))
    assert limits.hosts == ("us21.api.mailchimp.com",)
    assert limits.concurrency <= 5


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Mailchimp.config_model.model_fields.values())


def test_naming_the_connector_does_not_load_the_sdk() -> None:
    script = "import sys, connectors.mailchimp as m; m.hub_processors(); sys.exit('mailchimp_marketing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
