"""Rules about `check`: it tells good, wrong and under-privileged credentials apart, before a request depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hub.errors import AuthError
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.settings import secrets_of


class CheckRules:
    """What `hub check` relies on."""

    def test_check_names_the_account(self, kit: Kit) -> None:
        """A mistaken key of another, valid account shows by its id and label alone; both stand in evidence."""
        before = kit.records()
        account = kit.open().processor.check()
        assert account.id.strip(), "check() gives no account id: evidence could not say whose data was erased"
        assert account.label.strip(), "check() gives no label: nobody can see whether it is the right account"
        assert not account.missing, f"check() misses {account.missing} with credentials that suffice"
        assert kit.sandbox.calls, "check() asked the service nothing, so it cannot know that the credentials work"
        assert not kit.changed_since(before), "check() changed something at the service"

    def test_check_refuses_wrong_credentials(self, kit: Kit) -> None:
        """Credentials the service does not accept suspend the instance, instead of failing request after request."""
        wrong = wrong_credentials(kit)
        try:
            account = kit.open(**wrong).processor.check()
        except AuthError:
            return
        pytest.fail(f"check() accepts wrong credentials ({', '.join(wrong)}) as account {account.id}: raise AuthError")

    def test_check_tells_that_a_permission_is_missing(self, kit: Kit) -> None:
        """What the credentials may not do is told when they are set up, not in the middle of an erasure."""
        try:
            kit.sandbox.restrict()
        except NotImplementedError:
            pytest.fail(
                "The sandbox has no credentials that may do less: give it `restrict`, or, where the service has none "
                "either, expect this rule to fail: xfail(reason='a key of this service may do everything', strict=True)"
            )
        try:
            account = kit.open().processor.check()
        except AuthError:
            return
        assert account.missing, (
            "check() finds nothing missing with credentials that do not suffice: name what they lack in "
            "Account.missing, or raise AuthError"
        )


def wrong_credentials(kit: Kit) -> Mapping[str, Any]:
    """Settings the service refuses: `Service.wrong`, else every secret with its first letter or digit altered."""
    if kit.service.wrong is not None:
        return kit.service.wrong
    config = kit.processor.config_model.model_validate(kit.settings)
    secrets = {name: value for name, value in secrets_of(config).items() if name in kit.settings}
    assert secrets, "Nothing in the settings is a secret: say in Service.wrong what the service refuses"
    return {name: _altered(value) for name, value in secrets.items()}


def _altered(secret: str) -> str:
    """The secret with another first letter or digit, so that it stays of the form the service gives out."""
    at = next((i for i, character in enumerate(secret) if character.isascii() and character.isalnum()), 0)
    other = {"9": "8", "z": "y", "Z": "Y"}.get(secret[at : at + 1]) or chr(ord(secret[at : at + 1] or "x") + 1)
    return secret[:at] + other + secret[at + 1 :]
