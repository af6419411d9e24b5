"""What somebody at a real terminal sees and is asked: a pseudo-terminal, keys pressed, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hub.testing.faults import Fault, Stall
from hub.testing.town import TOWN
from tests.integration.conftest import Services
from tests.integration.terminal import HUB, Terminal

ERASE = ("run", "--right", "erasure", "--verified-by", "id_document")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Seat:
    """Somebody in front of a running command."""

    process: subprocess.Popen[bytes]
    screen: int
    seen: str = ""

    def waits_for(self, text: str, seconds: float = 30) -> None:
        """Read until the text stands on the screen."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} never came:\n{self.seen[-3000:]}"
            self._read(0.2)

    def types(self, text: str) -> None:
        """Press keys."""
        os.write(self.screen, text.encode())

    def ends(self) -> int:
        """Read to the end; returns the exit code."""
        while self.process.poll() is None:
            self._read(0.1)
        self._read(0.1)
        return self.process.wait()

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self.screen], [], [], seconds)
        if ready:
            try:
                data = os.read(self.screen, 65536)
            except OSError:  # the other side has closed
                data = b""
            self.seen += _CONTROL.sub("", data.decode(errors="replace")).replace("\r", "")


@contextmanager
def seated(terminal: Terminal, *arguments: str) -> Iterator[Seat]:
    """Run a command on a pseudo-terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HUB, "--home", terminal.home, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**terminal.own_environ(), "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Seat(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_run_asks_about_each_uncertain_holding_and_then_for_approval(hub: Terminal, person: str) -> None:
    with seated(hub, *ERASE, "--subject", person) as seat:
        seat.waits_for("may be the person's or somebody else's")
        seat.waits_for("Show what helps to decide?")
        assert "Otto" not in seat.seen
        seat.types("y\n")
        seat.waits_for("card holder: Otto Quillfeather")
        answered = 0
        while "Approve the erasure of it, as Ada Marsh?" not in seat.seen:
            if seat.seen.count("Is it the person's?") > answered:
                answered += 1
                seat.types("n\n")
            seat._read(0.2)
        assert answered > 1
        seat.types("y\n")
        code = seat.ends()
    assert "Approved by Ada Marsh." in seat.seen
    assert "erased, read back as gone" in seat.seen
    assert f"{answered} left alone" in seat.seen
    assert code == 3  # the manual task is open


def test_run_takes_no_for_an_answer(hub: Terminal, services: Services) -> None:
    with seated(hub, *ERASE, "--email", TOWN.main.email) as seat:
        seat.waits_for("Approve the erasure of it")
        seat.types("\n")
        code = seat.ends()
    assert (code, "Not approved: hub approve" in seat.seen) == (3, True)
    assert len(services.sandboxes["newsletter"].state()["members"]["a1b2c3d4e5"]) == 14


def test_approve_shows_what_it_is_about_and_asks(hub: Terminal) -> None:
    request = hub(*ERASE, "--email", TOWN.main.email, "--json").json["id"]
    with seated(hub, "approve", request) as seat:
        seat.waits_for("contact in an audience")
        seat.waits_for("Approve the erasure of it")
        seat.types("y\n")
        assert seat.ends() == 0
    assert "review" not in {task["kind"] for task in hub("tasks", "--json").json["tasks"]}


def test_ctrl_c_ends_cleanly_and_the_journal_goes_on_next_time(hub: Terminal, services: Services) -> None:
    newsletter = services.sandboxes["newsletter"]
    newsletter.faults.add(Fault("GET *", Stall(executed=False)))
    with seated(hub, *ERASE, "--email", TOWN.main.email) as seat:
        seat.waits_for("searching")
        seat.types("\x03")
        seat.process.send_signal(signal.SIGINT)
        seat.waits_for("Stopping: what is under way is finished first")
        seat.process.send_signal(signal.SIGINT)
        assert seat.ends() == 130
    assert "Traceback" not in seat.seen
    newsletter.faults.clear()
    (request,) = hub("list", "--json").json["requests"]
    with hub.serving():
        assert hub.apart("watch", request["id"]).code == 3
    assert "review" in {task["kind"] for task in hub("tasks", "--json").json["tasks"]}
