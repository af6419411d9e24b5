"""The hardened process and its log: a person's data stays out of whatever a program leaves behind.

`harden` changes the whole process, so each test runs it in one of its own.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from hub.errors import AuthError
from hub.process import describe
from hub.subject import Identifier

CANARY = "canary.jane@example.org"


def run(code: str, tmp: Path, **env: str) -> subprocess.CompletedProcess[str]:
    program = "from hub.process import harden\nharden()\n" + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(tmp)} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_core_no_fault_handler_and_private_files(tmp_path: Path) -> None:
    code = """
        import faulthandler, json, os, resource, tempfile
        from pathlib import Path
        with tempfile.NamedTemporaryFile() as file:
            folder = Path(file.name).parent
            open(folder / "plain", "w").close()
            print(json.dumps({
                "core": resource.getrlimit(resource.RLIMIT_CORE),
                "faulthandler": faulthandler.is_enabled(),
                "folder": oct(folder.stat().st_mode & 0o777),
                "file": oct((folder / "plain").stat().st_mode & 0o777),
                "parent": str(folder.parent),
                "environment": [os.environ["TMPDIR"] == str(folder), os.environ["SQLITE_TMPDIR"] == str(folder)],
            }))
    """
    done = run(code, tmp_path, PYTHONFAULTHANDLER="1")
    assert json.loads(done.stdout) == {
        "core": [0, 0],
        "faulthandler": False,
        "folder": "0o700",
        "file": "0o600",
        "parent": str(tmp_path),
        "environment": [True, True],
    }
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_at_the_next_start_and_a_running_ones_stays(tmp_path: Path) -> None:
    leave = f"""
        import os, sys, tempfile
        from pathlib import Path
        Path(tempfile.gettempdir(), "spool").write_text("{CANARY}")
        print("ready", flush=True)
        sys.stdin.read()
    """
    program = "from hub.process import harden\nharden()\n" + textwrap.dedent(leave)
    command, env = [sys.executable, "-c", program], os.environ | {"TMPDIR": str(tmp_path)}
    with (
        subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running,
    ):
        assert killed.stdout and killed.stdout.readline() == "ready\n"  # noqa: PT018
        assert running.stdout and running.stdout.readline() == "ready\n"  # noqa: PT018
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(list(tmp_path.glob("*/spool"))) == 2

        run("pass", tmp_path)

        assert len(list(tmp_path.glob("*/spool"))) == 1
        running.communicate("")
    assert list(tmp_path.iterdir()) == []


UNCAUGHT = {
    "foreign": f"{{}}['{CANARY}']",
    "in a thread": f"import threading; t = threading.Thread(target=lambda: {{}}['{CANARY}']); t.start(); t.join()",
    "when collected": f"type('T', (), {{'__del__': lambda self: {{}}['{CANARY}']}})()",
    "through our code": f"from hub.subject import Identifier; Identifier.email(['{CANARY}'])",
    "with a cause": f"""
        try:
            {{}}['{CANARY}']
        except KeyError as error:
            raise ValueError('{CANARY}') from error
    """,
    "in a group": f"raise ExceptionGroup('{CANARY}', [ValueError('{CANARY}')])",
}


@pytest.mark.parametrize("case", UNCAUGHT)
def test_an_uncaught_exception_shows_no_text(tmp_path: Path, case: str) -> None:
    done = run(UNCAUGHT[case], tmp_path)
    assert CANARY not in done.stdout + done.stderr
    assert "did not expect" in done.stderr
    assert "Error" in done.stderr or "ExceptionGroup" in done.stderr
    assert ("hub/subject.py:" in done.stderr) == (case == "through our code")


def test_our_own_error_shows_its_message_and_what_to_do(tmp_path: Path) -> None:
    done = run(
        "from hub.errors import AuthError\nraise AuthError('Refused.', instance='crm', hint='Mend it.')", tmp_path
    )
    assert done.returncode == 1
    assert done.stderr == "crm: Refused.\n  → Mend it.\n"
    assert run("raise KeyboardInterrupt", tmp_path).stderr == "Interrupted.\n"


def test_describe_names_class_and_our_place_but_no_foreign_text() -> None:
    with pytest.raises(AttributeError) as caught:
        Identifier.email(CANARY).__class__.email(object())  # type: ignore[arg-type]
    line = int(str(traceback.extract_tb(caught.tb)[-1].lineno))
    assert describe(caught.value) == f"AttributeError at hub/normal.py:{line}"
    assert describe(ValueError(CANARY)) == "ValueError"
    assert describe(AuthError("Refused.", instance="crm")) == "AuthError: crm: Refused."


@pytest.mark.parametrize(
    "code",
    [
        f"import logging; logging.getLogger('urllib3.connectionpool').warning('{CANARY}')",
        f"import logging; x = logging.getLogger('hubspot.crm'); x.setLevel(10); x.debug('{CANARY}')",
        f"import logging; logging.getLogger('sqlalchemy.engine').error('INSERT %s', '{CANARY}')",
        f"import logging; logging.getLogger('anything').info('{CANARY}')",
    ],
)
def test_loggers_of_sdks_are_silent(tmp_path: Path, code: str) -> None:
    done = run(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("code", "logger"),
    [
        (f"import logging; logging.getLogger('some.library').warning('%s', '{CANARY}')", "some.library"),
        (f"import warnings; warnings.warn('{CANARY}')", "py.warnings"),
    ],
)
def test_other_libraries_are_counted_and_not_quoted(tmp_path: Path, code: str, logger: str) -> None:
    done = run(code, tmp_path)
    line = json.loads(done.stderr)
    assert (line["event"], line["logger"], line["level"]) == ("a library reported something", logger, "warning")
    assert CANARY not in done.stderr


LOG = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    import structlog
    from hub.errors import AuthError
    from hub.logs import write_to
    write_to(Path(sys.argv[1]) if len(sys.argv) > 1 else sys.stdout)
    log = structlog.get_logger().bind(instance="crm_eu")
    NAMED = "a named text"
"""


def logged(code: str, tmp: Path) -> list[dict[str, object]]:
    done = run(textwrap.dedent(LOG) + textwrap.dedent(code), tmp)
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_fixed_texts_codes_and_counts_are_written(tmp_path: Path) -> None:
    [first, second] = logged(
        """
        log.info("track settled", count=3, request="k3_x-9", outcome="done", due=datetime(2026, 3, 2, tzinfo=UTC))
        log.warning(NAMED, error=AuthError("Refused.", instance="crm_eu"))
        """,
        tmp_path,
    )
    assert first.pop("timestamp")
    assert first == {
        "event": "track settled",
        "level": "info",
        "instance": "crm_eu",
        "count": 3,
        "request": "k3_x-9",
        "outcome": "done",
        "due": "2026-03-02T00:00:00.000Z",
    }
    assert (second["event"], second["error"]) == ("a named text", "AuthError: crm_eu: Refused.")


@pytest.mark.parametrize(
    "line",
    [
        f'who = "{CANARY}"; log.info(f"erased {{who}}")',
        f'log.info("erased", count="{CANARY}")',
        f'log.info("erased", instance="{CANARY}")',
        f'log.info("erased", person="{CANARY}")',
        f'log.info("erased", **{{"{CANARY}": 1}})',
        f'log.info("erased", count=["{CANARY}"])',
        f'log.info("erased", error=ValueError("{CANARY}"), kind="{CANARY}")',
    ],
)
def test_what_could_be_a_person_is_withheld_and_its_place_named(tmp_path: Path, line: str) -> None:
    [written] = logged(line, tmp_path)
    assert str(written["at"]).startswith("<string>:")


def test_a_caught_exception_is_described(tmp_path: Path) -> None:
    [written] = logged(f"try:\n    {{}}['{CANARY}']\nexcept KeyError:\n    log.exception('it broke')", tmp_path)
    assert (written["event"], written["error"]) == ("it broke", "KeyError")


def test_a_log_file_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.log"
    code = f"import sys; sys.argv.append({str(path)!r})\n" + textwrap.dedent(LOG) + "log.info('started')\n"
    assert run(code, tmp_path).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["event"] == "started"
