"""Requests from the command line: taken in, carried out, followed, decided, settled, handed over, proven."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyzipper

from hub.testing.canary import Canary
from hub.testing.faults import Fault, Status
from hub.testing.town import TOWN
from tests.integration.conftest import Services
from tests.integration.terminal import Ended, Terminal

ERASE = ("--right", "erasure", "--verified-by", "id_document")
ACCESS = ("--right", "access", "--verified-by", "id_document")
CANARIES = [*TOWN.main.emails, *TOWN.main.phones, TOWN.main.name, "4 Mill Lane", "ZZ9 4ML"]


def no_trace(*ended: Ended) -> None:
    """Nothing of the person stands in what commands said."""
    said = "".join(one.out + one.err for one in ended)
    assert Canary(CANARIES).search_bytes(said.encode()) == []


def uncertain(view: dict) -> list[int]:
    return [h["holding"] for t in view["tracks"] for h in t["holdings"] if h["needs_decision"]]


def test_an_erasure_waits_for_approval_and_a_decision_and_is_then_carried_out(
    hub: Terminal, services: Services, person: str, tmp_path: Path
) -> None:
    first = hub("run", *ERASE, "--subject", person, "--json")
    view = first.json
    request = view["id"]
    assert (first.code, view["verdict"], view["state"]) == (3, "waiting", "review")
    assert f"hub approve {request} --digest {view['digest'][:12]}" in first.err
    assert len(services.sandboxes["newsletter"].state()["members"]["f6a7b8c9d0"]) == 2  # nothing is gone yet

    listed = hub("decide", request, "--json").json
    assert [h["holding"] for h in listed["holdings"]] == uncertain(view)
    assert all(h["hints"] is None for h in listed["holdings"])
    revealed = hub("decide", request, "--reveal")
    assert "card holder: Otto Quillfeather" in revealed.out

    refuse = [option for holding in uncertain(view) for option in ("--not-hers", str(holding))]
    assert "Nothing is left to decide" in hub("decide", request, *refuse).out
    digest = hub("show", request, "--json").json["digest"]
    assert digest != view["digest"]
    stale = hub("approve", request, "--digest", view["digest"])
    assert (stale.code, "has changed since you looked" in stale.err) == (2, True)
    approved = hub("approve", request, "--digest", digest[:12])
    assert (approved.code, "Start it: hub serve" in approved.err) == (0, True)
    waits = " ".join(hub("show", request).out.split())  # lines break where the terminal ends
    assert "approved; carried out as soon as an engine runs (hub serve)" in waits
    assert "before it is approved" not in waits

    with hub.serving() as serving:
        followed = hub.apart("watch", request)
        assert followed.code == 3  # the manual task
        proof = tmp_path / "note.txt"
        proof.write_text("The card was shredded.")
        (task,) = hub("tasks", "--json").json["tasks"]
        settled = hub("settle", task["task"], "--result", "done", "--evidence", str(proof), "--json").json

    (manual,) = settled["manual"]
    assert manual["evidence_sha256"] == hashlib.sha256(proof.read_bytes()).hexdigest()
    ended = hub("watch", request, "--json")
    assert (ended.code, ended.json["verdict"], ended.json["state"]) == (0, "with_exceptions", "closed")
    shown = hub("show", request)
    assert "erased, read back as gone" in shown.out
    assert "kept until 20" in shown.out
    assert "left alone: decided to be somebody else's" in shown.out
    assert "excluded: no personal data" in shown.out
    assert "done by hand" in shown.out
    assert list(services.sandboxes["newsletter"].state()["members"]["f6a7b8c9d0"]) != []  # the neighbour's
    no_trace(first, shown, ended, followed, Ended(0, "", serving.log))
    assert "says who settled" not in shown.out
    assert Canary(CANARIES).search(hub.home) == []


def test_approval_beforehand_carries_an_erasure_through_in_one_command(hub: Terminal, person: str) -> None:
    ended = hub("run", *ERASE, "--subject", person, "--approve-as", "Mabel Clerk")
    assert "Approved by Mabel Clerk." in ended.err
    assert "newsletter: searching" in ended.err
    assert "erased, read back as gone" in ended.out
    assert "it must be decided whose the uncertain holdings are" in " ".join(ended.out.split())
    assert "uncertain, and untouched" not in ended.out  # the same holdings are told once
    assert "before it is approved" not in ended.err.partition("Approved by")[2]
    assert ended.code == 3
    no_trace(ended)


def test_a_copy_is_handed_over_encrypted_and_only_then_counts_as_delivered(
    hub: Terminal, person: str, tmp_path: Path
) -> None:
    request = hub("run", *ACCESS, "--subject", person, "--json").json["id"]
    early = hub("export", request, "--output", str(tmp_path / "early.zip"), "--json")
    assert (early.code, early.json["final"]) == (3, False)
    assert early.json["incomplete"] == ["payments", "visitor_cards"]  # uncertain holdings; what is collected by hand
    view = hub("show", request, "--json").json
    assert view["delivered"] is None
    hub("decide", request, *(option for holding in uncertain(view) for option in ("--not-hers", str(holding))))
    still = hub("export", request, "--output", str(tmp_path / "still.zip"), "--json")
    assert (still.code, still.json["final"]) == (3, False)  # somebody is still looking through the visitors' cards
    (task,) = [t["task"] for t in view["tasks"] if t["kind"] == "recipient"]
    hub("settle", task, "--result", "done")
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery staple\nsecond line\n")
    secret.chmod(0o600)
    out = tmp_path / "copy.zip"
    made = hub("export", request, "--output", str(out), "--passphrase-file", str(secret), "--json")
    assert made.json["encrypted"], made.err
    assert (made.code, made.json["final"], made.json["incomplete"]) == (0, True, ["payments", "visitor_cards"])
    assert hub("show", request, "--json").json["delivered"]
    assert "assphrase" not in made.err
    assert out.stat().st_mode & 0o777 == 0o600
    with pyzipper.AESZipFile(out) as archive:
        archive.setpassword(b"correct horse battery staple")
        assert b"Ottoline" in archive.read("index.html")
    again = hub("export", request, "--output", str(out))
    assert (again.code, "overwrites nothing" in again.err) == (2, True)
    no_trace(early, made, again)


def test_a_made_passphrase_is_shown_once_and_a_plain_copy_warns(hub: Terminal, person: str, tmp_path: Path) -> None:
    request = hub("run", *ACCESS, "--subject", person, "--json").json["id"]
    made = hub("export", request, "--output", str(tmp_path / "a.zip"))
    secret = made.err.partition("stored nowhere: ")[2].split()[0]
    with pyzipper.AESZipFile(tmp_path / "a.zip") as archive:
        archive.setpassword(secret.encode())
        assert archive.testzip() is None
    assert secret not in made.out
    assert Canary([secret]).search(hub.home) == []
    plain = hub("export", request, "--output", str(tmp_path / "b.zip"), "--plain")
    assert "NOT encrypted" in plain.err
    with pyzipper.ZipFile(tmp_path / "b.zip") as archive:
        assert b"Ottoline" in archive.read("index.html")


def test_a_reviewed_copy_waits_for_its_release(hub: Terminal, services: Services, tmp_path: Path) -> None:
    (hub.home / "hub.toml").write_text(services.settings("review_exports = true"))
    ended = hub("run", *ACCESS, "--email", TOWN.main.email)
    request = ended.err.split()[1]
    (task,) = hub("tasks", "--json").json["tasks"]
    assert ended.code == 3  # the visitor cards
    waits = hub("export", request, "--output", str(tmp_path / "copy.zip"))
    assert (waits.code, f"hub release {request}" in waits.err) == (2, True)
    assert not (tmp_path / "copy.zip").exists()
    hub("settle", task["task"], "--result", "nothing_held")
    assert f"hub release {request}" in hub("tasks").out
    assert hub("release", request).code == 0
    assert f"handed over: hub export {request}" in hub("show", request).out
    assert hub("export", request, "--output", str(tmp_path / "copy.zip")).code == 0
    assert hub("show", request, "--json").json["state"] == "closed"


def test_what_failed_is_tried_again_when_somebody_says_so(hub: Terminal, services: Services) -> None:
    faults = services.sandboxes["newsletter"].faults
    faults.add(Fault("GET /3.0/lists", Status(200, "[]", media_type="application/json")))
    failed = hub("run", *ERASE, "--email", TOWN.main.email)
    request = failed.err.split()[1]
    assert failed.code == 1
    assert "the search failed (contract); see the task" in failed.out
    assert f"hub retry {request}" in failed.out
    faults.clear()
    assert hub("retry", request, "--instance", "newsletter").code == 0
    with hub.serving():
        assert "found; nothing is changed before it is approved" in hub.apart("watch", request).out


def test_a_person_by_options_by_standard_input_or_nobody(hub: Terminal) -> None:
    by_options = hub("request", *ERASE, "--email", TOWN.main.email, "--phone", "07700 900142", "--name", TOWN.main.name)
    by_input = hub("request", *ERASE, "--subject", "-", stdin=json.dumps({"email": TOWN.main.email}))
    assert (by_options.code, by_input.code) == (0, 0)
    ids = {by_options.out.strip(), by_input.out.strip()}
    listed = hub("list", "--json").json["requests"]
    assert {r["id"] for r in listed} == ids
    nobody = hub("request", *ERASE)
    assert (nobody.code, "names nobody" in nobody.err) == (2, True)
    no_trace(by_options, by_input)


def test_a_request_says_who_and_how_and_when(hub: Terminal) -> None:
    taken = hub(
        *("request", "--right", "objection", "--email", "a.person@example.org", "--verified-by", "portal"),
        *(
            "--received",
            "2026-03-02T09:30Z",
            "--channel",
            "letter",
            "--purpose",
            "marketing",
            "--marketing-channel",
            "email",
        ),
        *("--reference", "Case Zebra-99", "--on-behalf-of", "Quentin Solicitor", "--json"),
    )
    view = taken.json
    said = [view[key] for key in ("right", "channel", "verified_by", "received", "due")]
    assert said == ["objection", "letter", "portal", "2026-03-02T09:30:00.000Z", "2026-04-02"]
    assert Canary(["Case Zebra-99", "Quentin Solicitor", "a.person@example.org"]).search(hub.home) == []
    assert Canary(["Case Zebra-99", "Quentin Solicitor", "Ada Marsh"]).search_bytes(taken.out.encode()) == []


def test_undo_and_cancel_and_what_they_refuse(hub: Terminal, person: str) -> None:
    request = hub("run", *ERASE, "--subject", person, "--json").json["id"]
    nothing = hub("retry", request)
    assert (nothing.code, "Nothing failed there" in nothing.err) == (2, True)
    undone = hub("undo", request)
    assert (undone.code, "Withdrawn" in undone.out) == (0, True)
    late = hub("approve", request, "--digest", hub("show", request, "--json").json["digest"])
    assert late.code == 2, late.out
    assert "done by hand" not in hub("show", request).out
    cancelled = hub("cancel", request, "--json")
    assert (cancelled.code, cancelled.json["verdict"]) == (0, "cancelled")
    again = hub("cancel", request)
    assert (again.code, "already" in again.err) == (2, True)
    assert hub("watch", request).code == 0
    shown = hub("show", request).out
    assert "was not asked for any more\n" in shown
    assert "no evidence attached" not in shown


def test_a_service_that_was_never_searched_is_not_called_unsearchable(hub: Terminal) -> None:
    taken = hub("request", *ERASE, "--email", TOWN.main.email)
    assert "Start it: hub serve" in taken.err
    request = taken.out.strip()
    cancelled = hub("cancel", request, "--json").json
    assert {t["outcome"] for t in cancelled["tracks"]} == {"cancelled"}
    shown = hub("show", request).out
    assert shown.count("cancelled before it was searched") == len(cancelled["tracks"])
    assert "not searchable" not in shown


def test_a_number_that_waits_for_no_decision_is_refused_with_where_the_numbers_stand(hub: Terminal) -> None:
    request = hub("request", *ERASE, "--email", TOWN.main.email).out.strip()
    refused = hub("decide", request, "--not-hers", "999")
    assert (refused.code, f"hub decide {request} lists" in refused.err) == (2, True)


def test_a_paused_instance_is_not_asked_and_goes_on_when_resumed(hub: Terminal, services: Services) -> None:
    assert hub("pause", "newsletter", "--json").json["held"] == "paused"
    objection = ("--right", "objection", "--verified-by", "portal", "--email", TOWN.main.email)
    waiting = hub("run", *objection)
    assert waiting.code == 3
    assert "the instance is paused" in waiting.out
    assert "hub resume newsletter" in waiting.out
    assert services.sandboxes["newsletter"].calls == []
    assert hub("resume", "newsletter").out == "newsletter is in use.\n"
    request = hub("list", "--open", "--json").json["requests"][0]["id"]
    with hub.serving():
        ended = hub.apart("watch", request)
    assert "stopped, read back" in ended.out, ended.out + ended.err


def test_the_evidence_is_a_chain_that_anybody_can_check(hub: Terminal, person: str, tmp_path: Path) -> None:
    request = hub("run", *ERASE, "--subject", person, "--json").json["id"]
    lines = hub("evidence", request, "--json").out.splitlines()
    previous = "0" * 64
    for number, line in enumerate(lines, start=1):
        event = json.loads(line)
        assert (event["seq"], event["prev"]) == (number, previous)
        previous = hashlib.sha256(line.encode()).hexdigest()
    folder = tmp_path / "events"
    hub("evidence", request, "--output", str(folder))
    assert [file.read_text() for file in sorted(folder.iterdir())] == lines
    again = hub("evidence", request, "--output", str(folder))
    assert (again.code, "not empty" in again.err) == (2, True)
    told = hub("evidence", request)
    assert "request.received" in told.out
    assert all(len(line.split()[2].split("=")) == 1 for line in told.out.splitlines())  # types run into no field
    no_trace(told)
    assert Canary(CANARIES).search(folder) == []


def test_a_plan_needs_no_person_and_names_every_system(hub: Terminal, services: Services) -> None:
    plan = hub("plan", "--right", "erasure", "--right", "access", "--by-kind", "name", "--json").json
    assert [(s["name"], s["mode"], s["searchable"]) for s in plan["systems"]] == [
        ("newsletter", "automatic", False),
        ("payments", "automatic", True),
        ("visitor_cards", "manual", False),
        ("web_statistics", "excluded", False),
    ]
    told = hub("plan", "--right", "rectification")
    assert "rectify: not possible here. A card transaction records what happened" in told.out
    assert services.sandboxes["newsletter"].calls == services.sandboxes["payments"].calls == []


def test_request_wait_says_when_nobody_carries_it_out(hub: Terminal) -> None:
    ended = hub("request", *ERASE, "--email", TOWN.main.email, "--wait")
    assert ended.code == 3
    assert "Start it: hub serve" in ended.err


def test_an_empty_hub_says_so(empty: Terminal) -> None:
    assert hub_said(empty, "list") == "There are no requests.\n"
    assert hub_said(empty, "tasks") == "Nothing waits for a person.\n"
    assert hub_said(empty, "check").startswith("No instance is configured")


def hub_said(terminal: Terminal, *arguments: str) -> str:
    ended = terminal(*arguments)
    assert ended.code == 0
    return ended.out
