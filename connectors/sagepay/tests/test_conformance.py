"""Sage Pay passes the conformance suite."""

from __future__ import annotations

import pytest

from connectors.sagepay.processor import SagePay
from connectors.sagepay.sandbox import SagePaySandbox
from hub import Identifier
from hub.testing.conformance import Conformance, Service


class TestSagePay(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(
            SagePay,
            SagePaySandbox,
            known_by=(Identifier.external("sagepay.vendortxcode", "LAMP-0001"),),
            not_exported={
                "result": "a word of its lists; `status` and `txstateid` say of the payment itself how it ended",
                "securitykey": "authorises refunds",
                "vpsauthcode": "authorises refunds",
                "token": "whoever holds it can charge the card",
            },
        )
