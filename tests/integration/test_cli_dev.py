"""`hub dev`: an author sees what the connector sends and what came of it, and nobody's data are touched or shown."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.development.arming import KINDS
from hub.errors import Action
from hub.testing.canary import Canary
from hub.testing.faults import Fault, Status
from hub.testing.serving import Received, Sent, Server
from hub.testing.town import TOWN
from tests.integration.conftest import Services
from tests.integration.hub_pebble import SECRET, PebbleSandbox
from tests.integration.terminal import HUB, Ended, Terminal

PERSON = [*TOWN.main.emails, *TOWN.main.phones, TOWN.main.name, "4 Mill Lane", "ZZ9 4ML"]
MEMBER = ("--holding", "10")  # the person's membership, in the order in which the Mailchimp connector finds


@pytest.fixture
def nowhere(tmp_path: Path) -> Terminal:
    """A terminal on a machine that no hub was set up on."""
    return Terminal(tmp_path / "nowhere")


def runs(ended: Ended) -> list[dict[str, Any]]:
    """The operations that were asked for; the search they needed before them is left out."""
    found: list[dict[str, Any]] = ended.json["runs"]
    return [run for run in found if run["operation"] != "find"]


def said(ended: Ended) -> str:
    """What was answered, wherever lines break."""
    return " ".join(ended.out.split())


def refused(ended: Ended, says: str, hint: str) -> None:
    assert (ended.code, ended.json["schema"]) == (2, "subject-request-hub/error/v1"), ended.err
    assert says in ended.json["message"]
    assert hint in ended.json["hint"]


# Every operation, at both stand-ins


def test_check_needs_no_data_folder_and_leaves_none_behind(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "check", "--sandbox")
    assert ended.code == 0
    assert "GET /3.0/ → 200 in " in ended.out
    assert "Account: Larkspur Lighting (8d3a3db4d97663a9074efcc16, us21); may: owner" in ended.out
    assert not nowhere.home.exists()


def test_find_numbers_what_it_finds_and_says_whom_it_looked_for(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "find", "--sandbox")
    assert f"The person is {TOWN.main.name}, who lives in the stand-in's town and nowhere else." in said(ended)
    assert "10. member (exact, sole): contact in an audience; contact, preferences" in said(ended)
    assert "Covered: email (exact), mailchimp.unique_email (exact)" in said(ended)
    assert Canary(TOWN.main.emails).search_bytes(ended.out.encode()) == []


def test_many_like_calls_are_counted(nowhere: Terminal) -> None:
    ended = nowhere("dev", "sagepay", "find", "--sandbox")
    assert "8. transaction (possible, sole, mentioned): card transaction" in said(ended)
    assert "more like it" in ended.out
    assert ended.out.count("POST /access/access.htm") < 20
    whole = nowhere("dev", "sagepay", "find", "--sandbox", "--json").json["runs"][0]
    assert len(whole["exchanges"]) > 100


def test_a_copy_is_counted_and_shown_only_when_asked(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "export", "--sandbox", *MEMBER, "--json")
    (copy,) = (run["answer"] for run in runs(ended))
    assert copy["records"]["member"] == 1
    assert copy["shown"] is None
    assert {learned["value"] for learned in ended.json["runs"][0]["answer"]["learned"]} == {None}
    assert Canary(PERSON).search_bytes((ended.out + ended.err).encode()) == []
    revealed = nowhere("dev", "mailchimp", "export", "--sandbox", *MEMBER, "--reveal", "--json").json
    assert TOWN.main.email in json.dumps(revealed["runs"][1]["answer"]["shown"])
    assert revealed["runs"][0]["answer"]["learned"][0]["value"] is not None
    assert TOWN.main.email in nowhere("dev", "mailchimp", "export", "--sandbox", *MEMBER, "--reveal").out


def test_hints_are_shown_only_when_asked(nowhere: Terminal) -> None:
    assert "card holder" not in nowhere("dev", "sagepay", "find", "--sandbox").out
    assert "card holder: Otto Quillfeather" in nowhere("dev", "sagepay", "find", "--sandbox", "--reveal").out


def test_an_erasure_is_read_back_and_does_no_harm_twice(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "erase", "confirm", "erase", "--sandbox", *MEMBER, "--json")
    first, confirmed, second = runs(ended)
    assert (ended.code, first["answer"]["method"], first["effect"]["members"]) == (0, "deleted", {"gone": 1})
    assert [exchange["status"] for exchange in first["exchanges"]] == [204]
    assert confirmed["answer"] == {"confirmation": "gone"}
    assert (second["answer"], second["effect"]) == ({"outcome": "absent"}, {})


@pytest.mark.parametrize(
    "operations", [("rectify",), ("resume",), ("confirm",), ("confirm", "--of", "rectify"), ("export", "resume")]
)
def test_what_can_come_to_nothing_is_refused_before_anybody_is_searched_for(
    nowhere: Terminal, operations: tuple[str, ...]
) -> None:
    nowhere.environ["HUB_TRACE"] = "1"
    ended = nowhere("dev", "mailchimp", *operations, "--sandbox", *MEMBER)
    assert (ended.code, "Found" in ended.out, "wire" in ended.err) == (2, False, False)


def test_a_correction_changes_what_was_asked(nowhere: Terminal) -> None:
    correction = ("--set", "first_name=Olive", "--sandbox", *MEMBER)
    corrected, confirmed = runs(nowhere("dev", "mailchimp", "rectify", "confirm", *correction, "--json"))
    assert (corrected["answer"]["method"], corrected["effect"]) == ("corrected", {"members": {"changed": 1}})
    assert confirmed["answer"] == {"confirmation": "as_asked"}
    assert "Olive" not in nowhere("dev", "mailchimp", "rectify", *correction).out


def test_a_corrected_address_is_read_back_and_erased(nowhere: Terminal) -> None:
    correction = ("--set", "email=olive.quillfeather@example.org", "--sandbox", *MEMBER)
    _, confirmed, erased, gone = runs(
        nowhere("dev", "mailchimp", "rectify", "confirm", "erase", "confirm", *correction, "--json")
    )
    assert confirmed["answer"] == {"confirmation": "as_asked"}
    assert (erased["answer"]["outcome"], gone["answer"]) == ("done", {"confirmation": "gone"})


def test_processing_is_stopped_and_allowed_again(nowhere: Terminal) -> None:
    scope = ("--purpose", "processing", "--sandbox", *MEMBER, "--json")
    ended = nowhere("dev", "mailchimp", "suppress", "confirm", "lift", "confirm", *scope)
    answers = [run["answer"].get("method") or run["answer"]["confirmation"] for run in runs(ended)]
    assert answers == ["suppressed", "as_asked", "lifted", "as_asked"]


def test_an_objection_of_somebody_who_is_not_held_takes_no_holding(nowhere: Terminal) -> None:
    for way in (("--holding", "0"), ("--email", "nobody.of.the.town@example.org")):
        (answered,) = runs(nowhere("dev", "mailchimp", "suppress", "--sandbox", *way, "--json"))
        assert (answered["holding"], answered["answer"]["outcome"]) == (None, "unsupported")


def test_a_card_is_removed_and_a_payment_kept_by_law(nowhere: Terminal) -> None:
    removed, gone = runs(nowhere("dev", "sagepay", "erase", "confirm", "--sandbox", "--holding", "1", "--json"))
    assert (removed["answer"]["outcome"], gone["answer"]) == ("done", {"confirmation": "gone"})
    kept = nowhere("dev", "sagepay", "erase", "--sandbox", "--holding", "3")
    assert "§ Retained: UK GDPR Art. 17(3)(b)" in said(kept)
    assert "The hub names ground and date in answer and proof, and makes an obligation due then." in said(kept)
    (stopped,) = runs(nowhere("dev", "sagepay", "suppress", "--sandbox", "--holding", "1", "--json"))
    assert stopped["answer"]["outcome"] == "unsupported"


@pytest.mark.parametrize("operation", ["rectify", "lift"])
def test_what_a_service_lacks_is_said_without_asking_it(nowhere: Terminal, operation: str) -> None:
    ended = nowhere("dev", "sagepay", operation, "--sandbox", "--json")
    (run,) = ended.json["runs"]
    assert (run["answer"]["outcome"], run["exchanges"]) == ("unsupported", [])


def test_without_an_act_confirm_reads_back_as_after_a_lost_answer(nowhere: Terminal) -> None:
    (run,) = runs(nowhere("dev", "mailchimp", "confirm", "--of", "erase", "--sandbox", *MEMBER, "--json"))
    assert run["answer"]["confirmation"] == "differs"


# Faults


def test_a_lost_answer_is_an_unknown_outcome_that_the_read_back_clears_up(nowhere: Terminal) -> None:
    fault = ("--fault", "POST /3.0/lists/*=DropAfter")
    erased, confirmed = runs(nowhere("dev", "mailchimp", "erase", "confirm", "--sandbox", *MEMBER, *fault, "--json"))
    assert (erased["error"]["class"], erased["error"]["action"]) == ("OutcomeUnknown", "reconcile")
    assert erased["exchanges"][0] | {"ms": 0, "request_id": None} == {
        "method": "POST",
        "url_template": "/3.0/lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent",
        "status": None,
        "ms": 0,
        "sent": 0,
        "received": 0,
        "whole": False,
        "timed_out": False,
        "via": "override",
        "request_id": None,
        "error": "OutcomeUnknown",
    }
    assert confirmed["answer"] == {"confirmation": "gone"}


def test_a_fault_strikes_from_what_was_asked_on_and_the_hubs_answer_to_it_is_said(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "erase", "--sandbox", *MEMBER, "--fault", "* *=Status:429,retry_after=7")
    assert ended.code == 1
    assert "✓ Found: 11 holdings" in ended.out
    assert "→ RateLimited" in ended.out
    assert "The hub tries again, not before the time the service named, after 7 s. Whose fault: the service's." in said(
        ended
    )
    assert "connectors/mailchimp/processor.py:" in ended.out


def test_after_an_error_that_needs_a_person_nothing_more_is_called(nowhere: Terminal) -> None:
    refusing = ("--fault", "* *=Status:401,nth=every", "--sandbox", "--json")
    (run,) = nowhere("dev", "mailchimp", "check", "find", *refusing).json["runs"]
    assert run["error"]["class"] == "AuthError"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("GET /3.0/=Status:503", "TransientError"),
        ("GET /3.0/=Garbage:<html>", "ContractError"),
        ("GET /3.0/=DropBefore", "TransientError"),
        ("GET /3.0/=DropAfter", "TransientError"),
        ("GET /3.0/=Truncate", "TransientError"),
        ("GET /3.0/=BadGzip", "TransientError"),
        ("GET /3.0/=Delay:0.05", None),
        ("GET /3.0/=Trickle:seconds=0.0001", None),
    ],
)
def test_each_kind_of_fault_shows_what_the_connector_makes_of_it(
    nowhere: Terminal, fault: str, error: str | None
) -> None:
    (run,) = nowhere("dev", "mailchimp", "check", "--sandbox", "--fault", fault, "--json").json["runs"]
    assert (run["error"]["class"] if run["error"] else None) == error


def test_a_silent_service_is_not_waited_for_long(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "check", "--sandbox", "--fault", "GET *=Stall:false", "--json")
    (exchange,) = ended.json["runs"][0]["exchanges"]
    assert exchange["timed_out"] is True
    assert 2_900 < exchange["ms"] < 20_000


def test_a_fault_that_nothing_meets_is_no_success(nowhere: Terminal) -> None:
    ended = nowhere("dev", "mailchimp", "check", "--sandbox", "--fault", "GET /3.0/=Status:503,nth=2", "--json")
    assert (ended.code, ended.json["unmet_faults"]) == (1, ["GET /3.0/"])
    assert "No call met the fault at GET /3.0/" in ended.err


@pytest.mark.parametrize(
    ("fault", "says", "hint"),
    [
        ("GET /3.0/", "needs METHOD TEMPLATE=KIND", "Status:503"),
        ("GET /3.0/=Sttaus:503", "no kind of fault", ", ".join(KINDS)),
        ("GET /3.0/=Status:many", "do not fit", "code=…, body=…"),
        ("GET /3.0/=Status", "do not fit", "code=…"),
        ("GET /3.0/=Status:503,nth=0", "do not fit", "nth=…"),
        ("GET /3.0/=Status:503,colour=red", "do not fit", "nth=…"),
    ],
)
def test_a_fault_that_is_none_is_refused(nowhere: Terminal, fault: str, says: str, hint: str) -> None:
    refused(nowhere("dev", "mailchimp", "check", "--sandbox", "--fault", fault, "--json"), says, hint)


def test_the_help_names_every_kind_of_fault(nowhere: Terminal) -> None:
    told = said(nowhere("dev", "--help"))
    assert f"Kinds: {', '.join(KINDS)}." in told


# Usage


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (("mailchimp",), "No operation is named", "check, find, export"),
        (("mailchimp", "delete", "--sandbox"), "There is no operation of that name", "erase"),
        (("mailchimp", "zq.canary@example.org", "--sandbox"), "There is no operation of that name", "erase"),
        (("mailchimp", "check"), "Say where", "--instance NAME"),
        (("mailchimp", "check", "--sandbox", "--instance", "news"), "Say where", "one of the two"),
        (("mailchmip", "check", "--sandbox"), "no connector of that name", "mailchimp, sagepay"),
        (("mailchimp", "check", "--instance", "n", "--fault", "* *=DropAfter"), "--sandbox alone", "stand-in"),
        (("mailchimp", "erase", "--sandbox"), "Several holdings were found", "10 is member (exact, sole)"),
        (("mailchimp", "erase", "--sandbox", "--holding", "12"), "no holding 12", "--holding N"),
        (("mailchimp", "erase", "--sandbox", "--email", "zq.canary@example.org"), "Nothing was found", "--email"),
        (("mailchimp", "rectify", "--sandbox", *MEMBER), "what to change", "--set FIELD=VALUE"),
        (("mailchimp", "confirm", "--sandbox", *MEMBER), "there was none", "--of erase"),
        (("mailchimp", "confirm", "--sandbox", "--of", "find"), "--of names no act", "erase"),
        (("mailchimp", "resume", "--sandbox", *MEMBER), "left pending or contained", "erase resume"),
        (("mailchimp", "scan", "--sandbox"), "offers no scan", "scan()"),
        (("mailchimp", "erase", "--sandbox", "--set", "city=X"), "--set says nothing", "rectify"),
        (("mailchimp", "erase", "--sandbox", "--purpose", "marketing"), "say", "lift, suppress"),
        (("mailchimp", "find", "--sandbox", "--holding", "1"), "--holding says nothing", "erase"),
        (("mailchimp", "rectify", "--sandbox", "--set", "shoe_size=9"), "does not exist", "postcode"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_what_to_do(
    nowhere: Terminal, arguments: tuple[str, ...], says: str, hint: str
) -> None:
    ended = nowhere("dev", *arguments, "--json")
    refused(ended, says, hint)
    assert Canary(["zq.canary@example.org"]).search_bytes((ended.out + ended.err).encode()) == []
    assert not nowhere.home.exists()


# At instances


@pytest.fixture
def real(hub: Terminal) -> Terminal:
    """A hub whose newsletter is the service itself: there is no `via`. Nothing answers at its name on this machine."""
    settings = hub.home / "hub.toml"
    text = settings.read_text()
    settings.write_text("\n".join(line for line in text.splitlines() if not line.startswith("via")) + "\n")
    return hub


def written(home: Path) -> dict[str, list[Any]]:
    """Every row of the journal."""
    with closing(sqlite3.connect(home / "hub.db")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}


@pytest.mark.parametrize("operation", ["rectify", "suppress", "lift", "erase", "resume"])
def test_nothing_is_changed_at_the_service_itself(real: Terminal, services: Services, operation: str) -> None:
    ended = real("dev", "mailchimp", "check", operation, "--instance", "newsletter", "--email", "a@b.example", "--json")
    refused(ended, f"{operation} would change data at newsletter, which is the service itself", "hub run")
    assert services.sandboxes["newsletter"].calls == []


def test_reading_at_an_instance_shows_nobody_and_writes_nothing(hub: Terminal, person: str) -> None:
    before = written(hub.home)
    at = ("--instance", "newsletter", "--subject", person, "--holding", "10", "--json")
    ended = hub("dev", "mailchimp", "find", "export", *at)
    assert (ended.code, ended.json["instance"], ended.json["person"]) == (0, "newsletter", "given")
    assert runs(ended)[0]["answer"]["records"]["member"] == 1
    assert Canary(PERSON).search_bytes((ended.out + ended.err).encode()) == []
    assert written(hub.home) == before


def test_what_is_revealed_at_an_instance_is_recorded_first(hub: Terminal, person: str) -> None:
    asked = ("export", "--instance", "newsletter", "--subject", person, "--holding", "10", "--reveal")
    assert TOWN.main.email in hub("dev", "mailchimp", *asked).out
    with closing(sqlite3.connect(hub.home / "hub.db")) as connection:
        (entry,) = connection.execute("SELECT request, what, why FROM audit").fetchall()
    assert entry == (None, "dev.newsletter", "develop")


def test_an_instance_whose_stand_in_says_so_may_be_changed(hub: Terminal, services: Services, person: str) -> None:
    before = written(hub.home)
    asked = ("erase", "confirm", "--instance", "newsletter", "--subject", person, *MEMBER, "--json")
    erased, confirmed = runs(hub("dev", "mailchimp", *asked))
    assert (erased["answer"]["outcome"], confirmed["answer"]) == ("done", {"confirmation": "gone"})
    assert len(services.sandboxes["newsletter"].records()) > 0
    assert written(hub.home) == before


def test_a_bare_suppression_asks_first_who_answers(hub: Terminal, services: Services) -> None:
    asked = ("suppress", "--instance", "newsletter", "--email", "a.person@example.org", "--holding", "0", "--json")
    ended = hub("dev", "mailchimp", *asked)
    assert [run["operation"] for run in ended.json["runs"]] == ["check", "suppress"]


@pytest.fixture
def proxied(hub: Terminal, services: Services) -> Iterator[Terminal]:
    """A hub whose `via` names a proxy that hands everything on, and takes the stand-in's word for it away."""

    def answer(received: Received) -> Sent:
        sent = services.sandboxes["newsletter"].respond(received)
        kept = {name: value for name, value in sent.headers.items() if name != "X-Hub-Sandbox"}
        return Sent(sent.status, kept, sent.body)

    with Server(answer) as proxy:
        settings = hub.home / "hub.toml"
        settings.write_text(settings.read_text().replace(services.urls["newsletter"], proxy.url))
        yield hub


def test_what_does_not_say_that_it_is_a_stand_in_is_not_changed(
    proxied: Terminal, services: Services, person: str
) -> None:
    at = ("--instance", "newsletter", "--subject", person, *MEMBER, "--json")
    refused(proxied("dev", "mailchimp", "erase", *at), "does not say that it is a stand-in", "X-Hub-Sandbox")
    assert {call.method for call in services.sandboxes["newsletter"].calls} == {"GET"}
    assert proxied("dev", "mailchimp", "find", "export", *at).code == 0


def test_an_instance_of_another_connector_is_not_taken(hub: Terminal) -> None:
    refused(hub("dev", "sagepay", "check", "--instance", "newsletter", "--json"), "no such instance", "payments")


def test_nobody_is_invented_at_an_instance(hub: Terminal) -> None:
    refused(hub("dev", "mailchimp", "find", "--instance", "newsletter", "--json"), "Nobody is named", "--email")


def test_an_error_at_an_instance_is_told_like_any_other(hub: Terminal, services: Services) -> None:
    services.sandboxes["payments"].faults.add(Fault("*", Status(503), None))
    ended = hub("dev", "sagepay", "check", "--instance", "payments", "--json")
    assert (ended.code, ended.json["runs"][0]["error"]["action"]) == (1, Action.RETRY.value)


@pytest.mark.parametrize("operation", ["check", "find", "erase"])
def test_an_instance_that_is_paused_is_asked_nothing(hub: Terminal, services: Services, operation: str) -> None:
    assert hub("pause", "newsletter").code == 0
    asked = (operation, "--instance", "newsletter", "--email", "a.person@example.org", "--reveal", "--json")
    refused(hub("dev", "mailchimp", *asked), "not used at present (paused)", "hub resume newsletter")
    assert services.sandboxes["newsletter"].calls == []
    with closing(sqlite3.connect(hub.home / "hub.db")) as connection:
        assert connection.execute("SELECT * FROM audit WHERE why = 'develop'").fetchall() == []  # nothing was revealed
    assert hub("resume", "newsletter").code == 0
    assert hub("dev", "mailchimp", "check", "--instance", "newsletter").code == 0


@pytest.mark.parametrize("operation", ["erase", "suppress"])
def test_a_stand_in_for_some_calls_alone_stops_an_act_in_words_of_its_own(
    hub: Terminal, services: Services, person: str, operation: str
) -> None:
    def answer(received: Received) -> Sent:
        sent = services.sandboxes["newsletter"].respond(received)
        reads = received.method == "GET"
        return Sent(sent.status, {k: v for k, v in sent.headers.items() if reads or k != "X-Hub-Sandbox"}, sent.body)

    with Server(answer) as proxy:
        settings = hub.home / "hub.toml"
        settings.write_text(settings.read_text().replace(services.urls["newsletter"], proxy.url))
        asked = (operation, "confirm", "--instance", "newsletter", "--subject", person, *MEMBER, "--json")
        ended = hub("dev", "mailchimp", *asked)
    (run,) = runs(ended)
    assert (ended.code, run["answer"], run["error"]["class"], run["error"]["blame"]) == (1, None, "Stopped", "config")
    assert "a stand-in gave some of the answers and something else gave others" in run["error"]["message"]
    assert [exchange["via"] for exchange in run["exchanges"]][-1] == "override"


# A connector that is being written


@pytest.fixture
def pebble(nowhere: Terminal, tmp_path: Path) -> Terminal:
    """A machine with an author's own connector installed, and enabled nowhere."""
    site = tmp_path / "site"
    (site / "hub_pebble-0.1.dist-info").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("hub_pebble.py"), site)
    (site / "hub_pebble-0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hub-pebble\nVersion: 0.1\n"
    )
    (site / "hub_pebble-0.1.dist-info" / "entry_points.txt").write_text("[hub.connectors]\npebble = hub_pebble\n")
    nowhere.environ["PYTHONPATH"] = str(site)
    return nowhere


def test_an_authors_own_connector_is_tried_by_its_name(pebble: Terminal) -> None:
    ended = pebble.apart("dev", "pebble", "find", "erase", "resume", "confirm", "scan", "--sandbox", "--json")
    found, pending, done, gone, listed = ended.json["runs"]
    assert (ended.code, len(found["answer"]["holdings"])) == (0, 1), ended.err
    assert (pending["answer"]["outcome"], pending["effect"]) == ("pending", {})
    assert (done["answer"]["outcome"], done["effect"]) == ("done", {"contact": {"gone": 1}})
    assert gone["answer"] == {"confirmation": "gone"}
    assert listed["answer"] == {"listed": {"contact": 12}, "whole": True}


def test_at_a_stand_in_nobody_waits_for_what_the_service_takes(pebble: Terminal) -> None:
    _mend(pebble, "return Pending(now, ", "return Pending(now + timedelta(minutes=10), ")
    _mend(pebble, "NotYet(step.now)", "NotYet(step.now + timedelta(hours=2))")
    resumed = (
        '        if step.now < step.received + timedelta(minutes=10):\n            raise ContractError("Too early")\n'
    )
    _mend(pebble, "        if (handle[", f"{resumed}        if (handle[")
    asked = ("dev", "pebble", "erase", "confirm", "confirm", "resume", "confirm", "--sandbox")
    ended = pebble.apart(*asked, "--json")
    assert ended.code == 0, ended.out
    assert [round(run["waited"], -1) for run in runs(ended)] == [0, 0, 7200, 0, 0], "once is enough"
    assert runs(ended)[-1]["answer"] == {"confirmation": "gone"}
    shown = pebble.apart("dev", "pebble", "erase", "resume", "confirm", "--sandbox")
    assert "resume, holding 1 The stand-in's clock is moved on by 0:10:00, to when" in said(shown)
    assert shown.out.count("moved on") == 1


def test_an_instance_of_what_is_not_enabled_is_told_to_be_that(pebble: Terminal) -> None:
    assert pebble.apart("init").code == 0
    with (pebble.home / "hub.toml").open("a") as settings:
        settings.write('\n[instances.mine]\nconnector = "pebble"\n')
    for command in ("check", "doctor"):
        ended = pebble.apart(command)
        told = " ".join((ended.out + ended.err).split())
        assert "instances.mine.connector names what is installed, not enabled" in told, told
        assert "Add pebble to `plugins`" in told


def test_a_correction_that_moves_the_record_is_followed(pebble: Terminal) -> None:
    asked = ("rectify", "erase", "resume", "--set", "email=olive@example.org", "--sandbox", "--json")
    moved, _, erased = runs(pebble.apart("dev", "pebble", *asked))
    assert (moved["answer"]["method"], moved["effect"]) == ("corrected", {"contact": {"gone": 1, "new": 1}})
    assert (erased["exchanges"][0]["status"], erased["effect"]) == (204, {"contact": {"gone": 1}})


def test_a_bug_is_shown_by_its_places_and_by_its_text_where_the_person_is_invented(pebble: Terminal) -> None:
    ended = pebble.apart("dev", "pebble", "export", "--sandbox")
    assert ended.code == 1
    assert "✗ KeyError (bug): The connector raised something that is none of the hub's errors" in said(ended)
    assert "hub_pebble.py:" in ended.out
    assert " in export" in ended.out
    assert f"KeyError: 'town of {TOWN.main.email}'" in ended.out
    assert "The hub gives it to a person: repeating cannot help." in said(ended)


def test_a_bugs_text_is_withheld_about_a_person_who_may_be_real(pebble: Terminal, person: str) -> None:
    ended = pebble.apart("dev", "pebble", "export", "--sandbox", "--subject", person, "--json")
    error = ended.json["runs"][1]["error"]
    assert (error["class"], error["text"]) == ("KeyError", None)
    assert error["places"][0].startswith("hub_pebble.py:")
    assert Canary(PERSON).search_bytes((ended.out + ended.err).encode()) == []


def test_a_bugs_text_is_withheld_where_it_quotes_a_secret(pebble: Terminal) -> None:
    ended = pebble.apart("dev", "pebble", "check", "--sandbox", "--json")
    assert ended.json["runs"][0]["error"]["text"] is None
    assert Canary(["a-secret-of-pebbles"]).search_bytes((ended.out + ended.err).encode()) == []


def test_an_errors_words_that_name_the_person_are_withheld(pebble: Terminal) -> None:
    ended = pebble.apart("dev", "pebble", "find", "--sandbox", "--email", "loud.canary@example.org", "--json")
    error = ended.json["runs"][0]["error"]
    assert (error["class"], error["message"]) == (
        "PermanentError",
        "(withheld: it names the person, and an error's words must be fixed ones)",
    )
    assert Canary(["loud.canary@example.org"]).search_bytes((ended.out + ended.err).encode()) == []


@pytest.fixture
def stones(pebble: Terminal) -> Iterator[Terminal]:
    """The author's connector at an instance, where people may be real."""
    with PebbleSandbox(TOWN).serve() as running:
        pebble.environ["HUB_INSTANCES__STONES__KEY"] = SECRET
        pebble.home.mkdir(mode=0o700)
        (pebble.home / "hub.toml").write_text(
            f'plugins = ["pebble"]\n[instances.stones]\nconnector = "pebble"\nvia = "{running.url}"\n'
            "allow_private = true\n"
        )
        assert pebble.apart("init").code == 0
        yield pebble


AT_STONES = ("--instance", "stones", "--email", TOWN.main.emails[0])
NEIGHBOUR = next(person for person in TOWN if person.id != TOWN.main.id).email.partition("@")[0]


def test_words_that_a_connector_puts_together_are_held_back_at_an_instance(stones: Terminal) -> None:
    loud = 'raise ContractError("No place for " + row["email"].partition("@")[0])\n            if row'
    _mend(stones, "if row", f"if row['email'].startswith('{NEIGHBOUR}'):\n                {loud}")
    ended = stones.apart("dev", "pebble", "find", *AT_STONES, "--json")
    error = ended.json["runs"][0]["error"]
    assert (error["class"], error["error"], error["action"]) == ("ContractError", "contract", "fail")
    assert error["message"] == "(text held back: it could name the person; --reveal shows it)"
    assert error["places"][0].startswith("hub_pebble.py:")
    assert Canary([NEIGHBOUR]).search_bytes((ended.out + ended.err).encode()) == []
    assert f"No place for {NEIGHBOUR}" in stones.apart("dev", "pebble", "find", *AT_STONES, "--reveal").out


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ('Refused("busy", "Ask " + "Walter".title())', ("busy", "text held back")),
        ('Refused("busy", "Ask the office")', ("busy", "Ask the office")),
        ('Refused("busy_" + "Walter".lower(), "Ask the office")', ("held_back", "Ask the office")),
    ],
)
def test_an_outcomes_words_are_held_back_unless_they_are_fixed(
    stones: Terminal, answer: str, shown: tuple[str, str]
) -> None:
    _mend(stones, """Refused("busy", f"Ask {target.hints['email']}")""", answer)
    ended = stones.apart("dev", "pebble", "suppress", *AT_STONES, "--json")
    (refusal,) = (run["answer"] for run in runs(ended))
    assert (refusal["reason"], shown[1] in refusal["explanation"]) == (shown[0], True)


def test_what_the_door_says_is_shown_without_what_a_connector_wrote_into_a_template(stones: Terminal) -> None:
    _mend(stones, '"/contacts").json:', '"/contacts/Margaret/" + subject.emails[0].partition(".")[0]).json:')
    ended = stones.apart("dev", "pebble", "find", *AT_STONES, "--json")
    (run,) = ended.json["runs"]
    assert run["exchanges"][0]["url_template"] == "/contacts/(…)/(…)"
    assert run["error"]["message"].startswith("GET /contacts/(…)/(…) was answered 404: ")


def test_fixed_words_of_a_connector_are_shown_at_an_instance(stones: Terminal) -> None:
    _mend(stones, 'f"There is nobody called {subject.emails[0]}"', '"There is nobody"')
    _mend(stones, 'startswith("loud")', "isascii()")
    ended = stones.apart("dev", "pebble", "find", *AT_STONES, "--json")
    assert ended.json["runs"][0]["error"]["message"] == "There is nobody"


def test_ctrl_c_is_said_in_the_one_object(nowhere: Terminal) -> None:
    nowhere.environ["HUB_TRACE"] = "1"
    asked = ("dev", "mailchimp", "check", "--sandbox", "--fault", "* *=Stall:false,nth=every", "--json")
    command: list[str | Path] = [HUB, "--home", nowhere.home, *asked]
    with subprocess.Popen(
        command, env=nowhere.own_environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "check begins" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    ended = Ended(process.returncode, out, err)
    assert (ended.code, ended.json["error"], "Traceback" in ended.err) == (130, "interrupted", False)


def test_an_outcome_that_names_the_person_is_refused_as_the_hub_would(pebble: Terminal) -> None:
    ended = pebble.apart("dev", "pebble", "suppress", "--sandbox", "--json")
    error = ended.json["runs"][1]["error"]
    assert (error["class"], "words are not fixed ones" in error["message"]) == ("ConnectorBug", True)
    assert Canary(TOWN.main.emails).search_bytes((ended.out + ended.err).encode()) == []


def _mend(terminal: Terminal, old: str, new: str) -> None:
    source = Path(terminal.environ["PYTHONPATH"]) / "hub_pebble.py"
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ('return {"key": SECRET}', "return {}", 1, "settings do not fit the connector's own: key"),
        ("super().__init__(config, hub)", "1 / 0", 1, "could not be made: ZeroDivisionError at hub_pebble.py:"),
        ("self.access = Bearer(SECRET)", "1 / 0", 1, "could not be made: ZeroDivisionError at hub_pebble.py:"),
        ("return [row for _, row", "1 / 0\n        return [row for _, row", 1, "sandbox has a bug: ZeroDivisionError"),
        (
            "from typing import Any\n",
            "from typing import Any\nimport no_such_module\n",
            2,
            "there is no module no_such_module",
        ),
        ("def hub_sandboxes", "def hub_sandboxs", 2, "There is no hook hub_sandboxs"),
        ('return {"pebble": PebbleSandbox}', "return {}", 2, "brings no stand-in"),
    ],
)
def test_what_is_wrong_with_a_connector_or_its_stand_in_is_said(
    pebble: Terminal, old: str, new: str, code: int, says: str
) -> None:
    _mend(pebble, old, new)
    ended = pebble.apart("dev", "pebble", "find", "--sandbox", "--json")
    assert (ended.code, says in ended.json["message"]) == (code, True), ended.err
    assert "Traceback" not in ended.err


def test_a_trace_shows_the_hooks_beside_what_is_tried(nowhere: Terminal) -> None:
    nowhere.environ["HUB_TRACE"] = "1"
    ended = nowhere("dev", "mailchimp", "check", "--sandbox")
    assert "hook  mailchimp hub_sandboxes → dict of 1" in ended.err
    assert "wire  mailchimp, attempt 1: GET /3.0/ → 200 in" in ended.err
    assert "step  mailchimp, attempt 1: check → Account" in ended.err
