from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connectors.sagepay.processor import SagePay
from hub import (
    Absent,
    Act,
    AuthError,
    Changes,
    Confirmation,
    ContractError,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Manual,
    Method,
    Operation,
    Outcome,
    Purpose,
    Refused,
    Retained,
    Scope,
    Subject,
    TransientError,
    Unsupported,
    Unverifiable,
)
from hub.testing.faults import Fault, Status
from hub.testing.town import Town

if TYPE_CHECKING:
    from connectors.sagepay.tests.conftest import Account

READER = {"user": "reader", "password": "Sandbox-2"}
REMOVE = "POST /gateway/service/removetoken.vsp"
REPORT = "POST /access/access.htm"
PROCESSING = Scope(frozenset({Purpose.PROCESSING}))


def code(value: str) -> Subject:
    return Subject((Identifier.external("sagepay.vendortxcode", value),))


def token(account: Account, of: str = "LAMP-1001") -> Holding:
    return next(held for held in account.holdings(code(of)).values() if held.kind == "token")


def transaction(account: Account, of: str = "LAMP-1001") -> Holding:
    return account.holdings(code(of))[of]


def suppress(account: Account, target: Holding | Subject, scope: Scope) -> Outcome:
    return account.run(lambda sagepay: sagepay.suppress(target, scope, account.step))


def erased(account: Account, held: Holding, **changes: Any) -> Confirmation:
    return account.confirm(Act(Operation.ERASE, held), **changes)


def test_a_token_is_removed_and_read_back_and_the_others_stay(account: Account) -> None:
    held, before = token(account), dict(account.sandbox.stock.tokens)
    assert erased(account, held) == Differs(("token",))
    assert account.erase(held) == Done(Method.DELETED)
    assert erased(account, held) == Gone()
    assert account.sandbox.stock.tokens == {k: v for k, v in before.items() if k != held.locator["token"]}


def test_a_second_removal_answers_absent(account: Account) -> None:
    held = token(account)
    account.erase(held)
    assert account.erase(held) == Absent()


def test_without_an_administrator_a_removal_is_done_but_not_read_back(account: Account) -> None:
    held = token(account)
    assert account.erase(held, **READER, admin=False) == Done(Method.DELETED)
    assert erased(account, held, **READER, admin=False) == Unverifiable("needs_administrator")
    with pytest.raises(ContractError, match="INVALID 3175"):  # removed, or refused for another reason: it cannot know
        account.erase(held, **READER, admin=False)


def test_rights_taken_away_meanwhile_never_look_like_an_erasure(account: Account) -> None:
    held = token(account)
    assert erased(account, held, **READER) == Unverifiable("needs_administrator")


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ("Status=INVALID\r\nStatusDetail=3034 : no", ContractError),
        ("Status=MALFORMED\r\nStatusDetail=3000 : no", ContractError),
        ("Status=ERROR\r\nStatusDetail=5009 : no", TransientError),
        ("Status=ERROR", TransientError),
        ("Status=INVALID\r\nStatusDetail=4020 : Information received from an Invalid IP address.", AuthError),
    ],
)
def test_a_removal_refused_with_status_200_is_no_success(
    account: Account, answer: str, raised: type[Exception]
) -> None:
    held = token(account)
    account.sandbox.faults.add(Fault(REMOVE, Status(200, answer, media_type="text/plain")))
    with pytest.raises(raised) as failure:
        account.erase(held)
    assert held.locator["token"] not in str(failure.value)
    assert held.locator["token"] in account.sandbox.stock.tokens


def test_a_token_is_kept_while_a_payment_on_it_is_open_and_goes_once_it_is_settled(account: Account) -> None:
    held = token(account, "LAMP-1010")
    refused = account.erase(held)
    assert isinstance(refused, Refused)
    assert refused.reason == "transaction_open"
    assert held.locator["token"] in account.sandbox.stock.tokens
    account.entry("LAMP-1010")["txstateid"] = "16"
    assert account.erase(held) == Done(Method.DELETED)


def test_an_open_payment_that_names_no_card_holds_back_every_card_of_hers(account: Account, town: Town) -> None:
    account.sandbox.stock.pay("OPEN-1", town.main, 2, state="15")
    held = account.holdings(code("LAMP-1001").widened(code("OPEN-1").identifiers))
    (card,) = (h for h in held.values() if h.kind == "token")
    assert isinstance(account.erase(card), Refused)
    assert isinstance(account.erase(held["OPEN-1"]), Refused)


@pytest.mark.parametrize("state", ["14", "15", "21"])
def test_an_open_transaction_is_refused_for_now(account: Account, state: str) -> None:
    held = transaction(account)
    account.entry("LAMP-1001")["txstateid"] = state
    answer = account.erase(held)
    assert isinstance(answer, Refused)
    assert answer.reason == "transaction_open"


@pytest.mark.parametrize("state", ["", "40", "x"])
def test_nothing_is_done_in_a_state_nobody_knows(account: Account, state: str) -> None:
    held, card = transaction(account, "LAMP-1010"), token(account, "LAMP-1010")
    account.entry("LAMP-1010")["txstateid"] = state
    for each in (held, card):
        with pytest.raises(ContractError, match="state"):
            account.erase(each)
    assert card.locator["token"] in account.sandbox.stock.tokens


def test_a_payment_is_kept_six_years_from_its_end_and_then_a_person_asks_the_service(account: Account) -> None:
    held = transaction(account)
    until = date(2031, 12, 31) + timedelta(days=1)
    account.entry("LAMP-1001")["completed"] = "01/01/2026 11:00:00.999"
    answer = account.erase(held)
    assert answer == Retained(
        "UK GDPR Art. 17(3)(b): legal obligation; VAT Act 1994 Sch 11 para 6(3)", until, "card transaction"
    )
    account.clock.advance(timedelta(days=(until - account.clock.now().date()).days))
    assert isinstance(account.erase(held), Retained)  # the last day is still a day
    account.clock.advance(timedelta(days=1))
    lapsed = account.erase(held)
    assert isinstance(lapsed, Manual)
    assert lapsed.task == "ask_service_to_delete"


def test_ground_and_period_are_the_controllers_to_set(account: Account) -> None:
    answer = account.erase(transaction(account), retention_years=7, retention_ground="Our ground")
    assert isinstance(answer, Retained)
    assert (answer.ground, answer.until) == ("Our ground", date(2033, 1, 1))


def test_a_failed_attempt_has_a_weaker_reason(account: Account) -> None:
    held = transaction(account, "LAMP-1003")
    kept = account.erase(held)
    assert isinstance(kept, Retained)
    assert (kept.what, kept.until) == ("attempted card transaction", date(2027, 1, 30))
    assert isinstance(account.erase(held, attempt_retention_years=0), Manual)


def test_a_payment_without_a_date_is_kept_without_naming_an_end(account: Account) -> None:
    held = transaction(account)
    account.entry("LAMP-1001").update(completed="", started="")
    account.entry("LAMP-1001")["started"] = "soon"
    answer = account.erase(held)
    assert isinstance(answer, Retained)
    assert answer.until is None


def test_a_transaction_the_service_no_longer_has_is_absent(account: Account) -> None:
    held = transaction(account)
    account.sandbox.stock.transactions.clear()
    assert account.erase(held) == Absent()
    assert erased(account, held) == Gone()
    assert account.export(held) == []


def test_a_kept_transaction_reads_back_as_still_there(account: Account) -> None:
    assert erased(account, transaction(account)) == Differs(("transaction",))


def test_stopping_the_processing_of_a_card_is_a_persons_decision_and_destroys_nothing(account: Account) -> None:
    held, before = token(account), dict(account.sandbox.stock.tokens)
    calls = len(account.sandbox.calls)
    answer = suppress(account, held, PROCESSING)
    assert isinstance(answer, Manual)
    assert answer.task == "stop_stored_card"
    assert "stored card" in answer.instructions
    assert "cannot be undone" in answer.instructions
    assert (account.sandbox.stock.tokens, len(account.sandbox.calls)) == (before, calls)
    act = Act(Operation.SUPPRESS, held, scope=PROCESSING)
    assert account.confirm(act) == Differs(("token",))  # an answer that was lost: it is asked again
    account.erase(held)
    assert account.confirm(act) == Gone()
    assert not SagePay.stops_before_erase


def test_what_cannot_be_stopped_here_is_said(account: Account) -> None:
    assert isinstance(suppress(account, token(account), Scope()), Unsupported)  # marketing
    assert isinstance(suppress(account, transaction(account), PROCESSING), Unsupported)
    assert isinstance(suppress(account, code("LAMP-1001"), PROCESSING), Unsupported)


def test_nothing_is_lifted_where_nothing_was_restricted(account: Account) -> None:
    reason = SagePay.cannot(Operation.LIFT)
    assert reason is not None
    assert "nothing is restricted here" in reason.reason
    for held in (token(account), transaction(account)):
        assert account.run(lambda sagepay, held=held: sagepay.lift(held, PROCESSING, account.step)) == reason


def test_rectification_is_declared_impossible_with_its_reason(account: Account) -> None:
    reason = SagePay.cannot(Operation.RECTIFY)
    assert reason is not None
    assert "records what happened" in reason.reason
    changed = account.run(lambda sagepay: sagepay.rectify(transaction(account), Changes({"name": "X"}), account.step))
    assert changed == reason


def test_a_token_error_with_a_code_nobody_knows_counts_as_gone_only_if_no_other_token_could_get_it(
    account: Account,
) -> None:
    held = token(account)
    unknown = "<vspaccess><errorcode>5555</errorcode><error>?</error></vspaccess>"
    account.sandbox.faults.add(Fault(REPORT, Status(200, unknown, media_type="text/xml"), nth=2))
    with pytest.raises(ContractError, match="5555"):
        erased(account, held)


def test_a_refused_removal_is_not_taken_for_absence_while_the_service_answers_nothing_but_errors(
    account: Account,
) -> None:
    held = token(account)
    unknown = "<vspaccess><errorcode>5555</errorcode><error>?</error></vspaccess>"
    account.sandbox.faults.add(Fault(REMOVE, Status(200, "Status=INVALID", media_type="text/plain")))
    account.sandbox.faults.add(Fault(REPORT, Status(200, unknown, media_type="text/xml"), None))
    with pytest.raises(ContractError, match="5555"):
        account.erase(held)


def test_the_check_tells_good_wrong_under_privileged_and_unregistered_apart(account: Account) -> None:
    good = account.run(lambda sagepay: sagepay.check())
    assert (good.id, good.missing, good.sandbox) == ("larkspurlamps", (), False)
    assert account.run(lambda sagepay: sagepay.check(), **READER).missing
    for wrong in ({"password": "Wrong-1"}, {"user": "nobody"}, {"vendor": "nobody"}):
        with pytest.raises(AuthError, match="not accepted"):
            account.run(lambda sagepay: sagepay.check(), **wrong)
    account.sandbox.registered.clear()
    with pytest.raises(AuthError, match="IP address is not registered"):
        account.run(lambda sagepay: sagepay.check())


def test_md5_is_taken_too_when_settings_say_so_and_the_test_system_is_named_as_one(account: Account) -> None:
    tested = {"hash_algorithm": "md5", "base_url": "https://sandbox.opayo.eu.elavon.com"}
    assert account.run(lambda sagepay: sagepay.check(), **tested).sandbox


def test_an_unregistered_address_is_said_on_removal_too(account: Account) -> None:
    held = token(account)
    held = Holding(held.key, "token", held.categories, {"token": held.locator["token"], "guards": []})
    account.sandbox.registered.clear()
    with pytest.raises(AuthError, match="IP address is not registered"):
        account.erase(held)
