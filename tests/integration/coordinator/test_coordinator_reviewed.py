"""What a hostile review found once: each stays mended."""

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import AsAsked, Changes, Done, Identifier, Match, Method, RateLimited, Reach
from hub.errors import UsageError
from hub.rights import Right
from hub.testing.memory import Kept, service

HERS = "jane.canary@example.org"
JANE = Identifier.email(HERS)
SECOND = Identifier.email("j.canary.second@example.org")


def _late(name: str, hours: float) -> None:
    service(name).script("find", RateLimited(retry_after=timedelta(hours=hours)))


def test_a_holding_decided_a_moment_ago_keeps_a_copy_from_being_final(open_trial: Any, tmp_path: Path) -> None:
    trial = open_trial("crm")
    service("crm").keep("sure", Kept(HERS))
    service("crm").keep("maybe", Kept(HERS, kind="order", match=Match.POSSIBLE))
    request = trial.submit(Right.ACCESS, Right.ERASURE, JANE)
    trial.run()
    trial.hub.decide(request, {2: True}, by="DPO")
    early = trial.hub.export(request, tmp_path / "early.zip", passphrase=None, by="DPO")
    assert not early.final
    trial.run()
    assert set(service("crm").kept) == {"sure", "maybe"}, "nothing is erased before the whole copy was handed over"
    whole = trial.hub.export(request, tmp_path / "whole.zip", passphrase=None, by="DPO")
    assert whole.final
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        assert "crm/order.jsonl" in archive.namelist()
    trial.run()
    assert service("crm").kept == {}


def test_what_a_correction_names_is_searched_for_nowhere(open_trial: Any) -> None:
    trial = open_trial("crm", "mail")
    stranger = "third.canary@example.org"
    service("crm").keep("hers", Kept(HERS))
    service("mail").keep("strangers", Kept(stranger))
    _late("mail", 2)
    service("crm").script("rectify", Done(Method.CORRECTED, learned=(Identifier.email(stranger),)))
    service("crm").script("confirm", AsAsked())
    request = trial.submit(Right.RECTIFICATION, JANE, changes=Changes({"email": stranger}))
    trial.run()
    assert trial.track(request, "mail")["outcome"] == "nothing_held"


def test_an_approval_ends_when_the_certainty_it_was_given_for_has_gone(open_trial: Any) -> None:
    trial = open_trial("crm", "mail", policy='grace = "10d"')
    service("crm").keep("hers", Kept(HERS))
    service("mail").keep("also_hers", Kept(HERS, also=(SECOND,)))
    _late("mail", 3)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(minutes=30)
    service("crm").kept["hers"].match, service("crm").kept["hers"].reach = Match.POSSIBLE, Reach.SHARED
    trial.run(days=15)
    assert "hers" in service("crm").kept
    assert [task["kind"] for task in trial.tasks()] == ["decide"]
    trial.hub.decide(request, {1: False}, by="DPO")
    trial.run()
    assert "hers" in service("crm").kept


def test_a_record_that_is_there_again_is_erased_again(open_trial: Any) -> None:
    trial = open_trial("crm", "mail")
    service("crm").keep("hers", Kept(HERS))
    service("mail").keep("also_hers", Kept(HERS, also=(SECOND,)))
    _late("mail", 3)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(minutes=30)
    assert service("crm").kept == {}
    service("crm").keep("hers", Kept(HERS))  # a shop's synchronisation brought it back
    trial.run()
    assert service("crm").kept == {}
    confirmed = [e for e in trial.events(request, "step.confirmed") if e["instance"] == "crm"]
    assert [e["confirmation"] for e in confirmed] == ["gone", "gone"]


def test_a_request_that_nobody_could_be_asked_about_is_refused(open_trial: Any) -> None:
    trial = open_trial(tables='[register.ads]\nmode = "excluded"\nreason = "no_personal_data"')
    with pytest.raises(UsageError, match="No system is registered"):
        trial.submit(Right.ERASURE, JANE)
    assert trial.hub.requests()["requests"] == []
