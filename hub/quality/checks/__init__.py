"""What code can judge: for each rule, and what quality.yaml says of it, what would contradict that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hub.processor import Operation
from hub.quality.checks import classes, files, source
from hub.quality.checks.case import Case, Check
from hub.quality.declared import State

__all__ = ["CHECKS", "Case", "Check"]

_DONE: Mapping[str, tuple[Check, ...]] = {
    "declares-itself": (classes.declares_itself,),
    "config-described": (classes.config_described,),
    "secrets-are-secret": (classes.secrets_are_secret,),
    "hosts-and-limits-declared": (classes.hosts_and_limits_declared,),
    "unsupported-has-reasons": (classes.unsupported_has_reasons, source.operations_are_complete),
    "erase-idempotent": (classes.can(Operation.ERASE),),
    "erase-read-back": (classes.can(Operation.ERASE),),
    "unknown-answers-fail": (source.unknown_answers_fail,),
    "errors-hold-no-personal-data": (source.errors_hold_no_personal_data,),
    "no-way-past-the-door": (source.no_way_past_the_door,),
    "no-state-between-calls": (source.no_state_between_calls,),
    "sandbox-present": (classes.sandbox_present,),
    "conformance-suite": (files.conformance_suite,),
    "known-limits-documented": (files.known_limits_documented,),
    "strictly-typed": (source.strictly_typed,),
    "rectify": (classes.can(Operation.RECTIFY),),
    "suppress": (classes.can(Operation.SUPPRESS),),
    "refusals-and-retention": (source.keeps_or_refuses,),
    "named-owner": (files.named_owner,),
    "cassettes": (files.cassettes,),
    "second-judge": (files.second_judge,),
    "exports-resume": (source.exports_resume,),
    "jobs-followed": (classes.defines("resume"),),
    "batch-erase": (classes.batches,),
    "webhooks": (classes.defines("receive"),),
    "recorded-against-the-service": (files.recorded_against_the_service,),
    "verified-within-a-year": (files.verified_within_a_year,),
}
_EXEMPT: Mapping[str, tuple[Check, ...]] = {
    "erase-idempotent": (classes.cannot(Operation.ERASE),),
    "erase-read-back": (classes.cannot(Operation.ERASE),),
    "rectify": (classes.cannot(Operation.RECTIFY),),
    "suppress": (classes.cannot(Operation.SUPPRESS),),
    "refusals-and-retention": (source.keeps_and_refuses_nothing,),
    "exports-resume": (source.exports_give_no_cursor,),
    "jobs-followed": (source.has_no_jobs, classes.lacks("resume")),
    "batch-erase": (classes.lacks("erase_many"),),
    "webhooks": (classes.lacks("receive"),),
}
CHECKS: Mapping[State, Mapping[str, tuple[Check, ...]]] = MappingProxyType(
    {State.DONE: _DONE, State.EXEMPT: _EXEMPT, State.TODO: {}}
)
