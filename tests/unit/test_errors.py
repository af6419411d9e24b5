"""Errors: every class has its row, every row its class, and messages are for people."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from hub import errors
from hub.errors import POLICY, Action, Blame, HubError, Policy, policy

EXPECTED = {
    errors.UsageError: (Action.FAIL, Blame.HUB),
    errors.InvalidIdentifier: (Action.FAIL, Blame.HUB),  # within a step it is the connector's: it should have caught it
    errors.SettingsError: (Action.FAIL, Blame.CONFIG),
    errors.StoreError: (Action.RETRY, Blame.HUB),
    errors.KeyUnavailable: (Action.FAIL, Blame.CONFIG),
    errors.Damaged: (Action.FAIL, Blame.HUB),
    errors.Fenced: (Action.STOP, Blame.HUB),
    errors.PluginFailed: (Action.FAIL, Blame.CONFIG),
    errors.ConnectorError: (Action.FAIL, Blame.HUB),  # raised bare it says nothing, which is a bug of the connector
    errors.TransientError: (Action.RETRY, Blame.VENDOR),
    errors.RateLimited: (Action.WAIT, Blame.VENDOR),
    errors.OutcomeUnknown: (Action.RECONCILE, Blame.VENDOR),
    errors.PermanentError: (Action.FAIL, Blame.VENDOR),
    errors.AuthError: (Action.SUSPEND, Blame.CONFIG),
    errors.ConfigError: (Action.SUSPEND, Blame.CONFIG),
    errors.ContractError: (Action.FAIL, Blame.VENDOR),
    errors.ConnectorBug: (Action.FAIL, Blame.HUB),
}
CLASSES = [
    thing
    for thing in vars(errors).values()
    if isinstance(thing, type) and issubclass(thing, HubError) and thing is not HubError
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_has_its_row(cls: type[HubError]) -> None:
    action, blame = EXPECTED[cls]
    assert policy(cls()) == Policy(action, blame)


def test_no_row_is_without_its_test() -> None:
    assert set(POLICY) <= set(EXPECTED)
    assert set(EXPECTED) == set(CLASSES)


@pytest.mark.parametrize(
    "foreign", [ValueError("x"), KeyError(1), OSError(5, "x"), ExceptionGroup("x", [ValueError()])]
)
def test_what_is_not_ours_is_a_bug_of_the_connector_and_never_retried(foreign: Exception) -> None:
    assert policy(foreign) == Policy(Action.FAIL, Blame.HUB)


def test_a_connectors_own_class_has_its_bases_row_and_needs_no_docstring() -> None:
    class AudienceBusy(errors.RateLimited):
        pass

    assert policy(AudienceBusy()) == Policy(Action.WAIT, Blame.VENDOR)
    assert AudienceBusy().message == "AudienceBusy"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_without_a_message_the_class_speaks_for_itself_in_one_line(cls: type[HubError]) -> None:
    message = cls().diagnostics()
    assert message
    assert message == (cls.__doc__ or "").splitlines()[0]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_person_reads_where_what_and_what_next(cls: type[HubError]) -> None:
    error = cls("The key was refused", instance="crm_eu", hint="Renew it.")
    assert error.diagnostics() == "crm_eu: The key was refused\n  → Renew it."
    assert str(error) == "The key was refused"


def test_the_time_a_service_named_and_the_leave_to_repeat_survive_a_process_boundary() -> None:
    limited = errors.RateLimited("Busy", retry_after=timedelta(seconds=7), instance="news", hint="Wait.")
    unknown = errors.OutcomeUnknown("No answer", repeatable=True, instance="news")
    limited, unknown = pickle.loads(pickle.dumps((limited, unknown)))
    assert (limited.retry_after, limited.instance, limited.hint) == (timedelta(seconds=7), "news", "Wait.")
    assert (unknown.repeatable, unknown.message) == (True, "No answer")
    assert errors.RateLimited().retry_after is None
    assert errors.OutcomeUnknown().repeatable is False
