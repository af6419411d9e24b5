"""Mailchimp passes the conformance suite."""

from __future__ import annotations

import pytest

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from hub import Changes
from hub.testing.conformance import Conformance, Service


class TestMailchimp(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(
            Mailchimp,
            MailchimpSandbox,
            changes=Changes({"first_name": "Zenobia", "last_name": "Zz-Corrected"}),
            stops=("status", "marketing_permissions", "opt_in_status"),
            not_exported={
                "_links": "addresses of the service's own",
                "created_by": "the clerk who wrote a note is somebody else",
            },
        )
