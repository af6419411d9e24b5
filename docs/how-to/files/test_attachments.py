"""What `attachments.py` promises: a large file passes through in pieces, and a copy goes on where it stopped."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from attachments import FILES, Desk
from attachments_sandbox import MEGABYTE, DeskSandbox

from conftest import OpenHub
from hub import ContractError, File, Holding, Identifier, Record
from hub.testing.harness import Bench, step, workbench
from hub.testing.town import TOWN
from hub.testing.trial import Right

SIZE = 64 * MEGABYTE


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    script = str(Path(__file__).with_name("attachments_sandbox.py"))
    command = [sys.executable, script, str(SIZE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        yield sandbox.stdout.readline().strip()


@pytest.fixture
def bench(url: str) -> Iterator[Bench[Desk]]:
    with workbench(Desk, DeskSandbox.settings(), url) as bench:
        yield bench


def held(bench: Bench[Desk]) -> Holding:
    return next(item for item in bench.processor.find(TOWN.main.subject()) if isinstance(item, Holding))


# --8<-- [start:memory]
def test_memory_stays_flat_however_large_the_file_is(bench: Bench[Desk]) -> None:
    holding = held(bench)
    tracemalloc.start()
    read = sum(
        len(chunk)
        for item in bench.processor.export(holding, step())
        if isinstance(item, File)
        for chunk in item.chunks
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == SIZE + 10
    assert peak < 1 * MEGABYTE


# --8<-- [end:memory]


def test_a_copy_in_a_whole_hub_holds_no_more_in_memory(open_hub: OpenHub, url: str) -> None:
    trial = open_hub("attachments", "helpdesk", url, DeskSandbox.settings())
    request = trial.submit(Right.ACCESS, Identifier.email(TOWN.main.email))
    tracemalloc.start()
    trial.run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert trial.events(request, "step.outcome")[0]["count"] == 3  # the ticket and two files
    assert peak < 4 * MEGABYTE


# --8<-- [start:cursor]
def test_a_copy_goes_on_after_the_last_file_that_was_read(bench: Bench[Desk]) -> None:
    holding = held(bench)
    whole = [(type(item), item.cursor) for item in bench.processor.export(holding, step())]
    assert whole == [(Record, "0"), (File, "1"), (File, "2")]
    assert [item.cursor for item in bench.processor.export(holding, step(cursor="1"))] == ["2"]


# --8<-- [end:cursor]


def test_a_file_at_another_host_is_not_fetched(bench: Bench[Desk]) -> None:
    elsewhere = "https://files.elsewhere.example/stored/a1"
    with pytest.raises(Exception, match="not on the list of this service's hosts"):
        list(bench.wire.stream(elsewhere, hosts=[FILES], max_bytes=10))


def test_a_file_larger_than_the_service_takes_ends_the_copy(bench: Bench[Desk]) -> None:
    with pytest.raises(ContractError, match="larger than 9 bytes"):
        list(
            bench.wire.stream("https://files.helpdesk.example/stored/a2", hosts=["files.helpdesk.example"], max_bytes=9)
        )
