from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from hub import Holding, Subject
from hub.testing.harness import Bench, ManualTime, workbench

Open = Callable[..., Bench[Mailchimp]]


@pytest.fixture
def sandbox() -> MailchimpSandbox:
    return MailchimpSandbox(clock=ManualTime())


@pytest.fixture
def url(sandbox: MailchimpSandbox) -> Iterator[str]:
    with sandbox.serve() as running:
        yield running.url


@pytest.fixture
def open_bench(sandbox: MailchimpSandbox, url: str) -> Iterator[Open]:
    """A bench with further settings, or other limits."""
    with ExitStack() as stack:

        def opened(limits: dict[str, Any] | None = None, **settings: Any) -> Bench[Mailchimp]:
            return stack.enter_context(workbench(Mailchimp, sandbox.settings() | settings, url, limits=limits))

        yield opened


@pytest.fixture
def bench(open_bench: Open) -> Bench[Mailchimp]:
    return open_bench()


@pytest.fixture
def held(bench: Bench[Mailchimp]) -> Callable[[Subject], list[Holding]]:
    """What is found of someone, in order."""
    return lambda subject: [found for found in bench.processor.find(subject) if isinstance(found, Holding)]
