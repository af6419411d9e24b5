"""Nothing of a person stands where it must not: log, evidence, errors, the sandbox's journal."""

from __future__ import annotations

import json
import logging

import pytest

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.mailchimp.sandbox.account import hash_of
from hub import Act, Holding, Operation
from hub.testing.harness import Bench, step
from hub.testing.town import TOWN

MAIN = TOWN.main
CANARIES = [
    *MAIN.emails,
    *(email.partition("@")[0] for email in MAIN.emails),
    MAIN.family,
    *(phone.removeprefix("+44") for phone in MAIN.phones),
    *map(hash_of, MAIN.emails),
    "ZZ9 4ML",
    "guest#17",
]


def test_a_whole_request_leaves_no_trace_but_keyed_ones(
    bench: Bench[Mailchimp],
    sandbox: MailchimpSandbox,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    processor = bench.processor
    found = [h for h in processor.find(MAIN.subject()) if isinstance(h, Holding)]
    for holding in found:
        list(processor.export(holding, step()))
        outcome = processor.erase(holding, step())
        processor.confirm(Act(Operation.ERASE, holding, outcome=outcome), step())
    evidence = json.dumps([exchange.as_evidence() for exchange in bench.exchanges])
    written = [evidence, repr(sandbox.calls), repr(found), repr(bench.log), caplog.text, *capfd.readouterr()]
    assert len(bench.exchanges) == len(sandbox.calls)
    assert not [c for c in CANARIES for text in written if c.lower() in text.lower()]


def test_evidence_says_that_a_sandbox_answered(bench: Bench[Mailchimp]) -> None:
    bench.processor.check()
    said = bench.exchanges[0].as_evidence()
    assert said["via"] == "sandbox"
    assert said["host"] == "us21.api.mailchimp.com"
    assert said["vendor_request_id"]
