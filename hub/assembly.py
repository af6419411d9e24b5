"""From settings to the parts of a hub: what each setting means to the coordinator, in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from hub import clock as statutory
from hub.coordinator.intake import Submission, Terms
from hub.coordinator.plan import Mode, System, plan
from hub.coordinator.progress import Rules
from hub.coordinator.tracks import Patience
from hub.fingerprint import code_digest
from hub.home import Home
from hub.plugins import Plugins
from hub.processor import Limits, Services
from hub.rights import NEEDS_APPROVAL, operations
from hub.settings import Instance, Settings
from hub.store.vault import Vault
from hub.subject import Subject
from hub.timepiece import Timepiece
from hub.tokens import Tokens
from hub.wire import Wire


def systems(settings: Settings, plugins: Plugins) -> list[System]:
    """Every registered system, served or not."""
    served = [
        System(
            i.name,
            i.label or i.name,
            Mode.AUTOMATIC,
            processor=plugins.processors[i.connector],
            searches=plugins.processors[i.connector].searched_by(i.config),
        )
        for i in settings.instances.values()
    ]
    return served + [
        System(name, s.label or name, Mode(s.mode), s.reason, instructions=s.instructions)
        for name, s in settings.register.items()
    ]


def terms_of(settings: Settings, plugins: Plugins, submission: Submission, subject: Subject, *, by: str) -> Terms:
    """What the settings say about a submission; `by` is the actor id of who submits."""
    policy, law = settings.policy, settings.law
    asked = [r for r in submission.rights if set(operations([r])) & NEEDS_APPROVAL]
    case = statutory.Case(submission.rights[0].value, statutory.local_day(submission.received, law))
    labels = [identifier.label for identifier in subject.identifiers]
    return Terms(
        plan=plan(submission.rights, labels, systems(settings, plugins)),
        due=statutory.deadlines(case, law).answer_by,
        expires=submission.received + timedelta(days=policy.retention_days),
        auto_approve=bool(asked) and all(policy.automatic(r.value, submission.verified_by) for r in asked),
        review_export=policy.review_exports,
        settings_sha256=settings.digest(),
        code_sha256=code_digest(plugins),
        by=by,
    )


def rules(settings: Settings, plugins: Plugins, vault: Vault) -> Rules:
    """What a request's progress depends on."""
    policy = settings.policy
    return Rules(
        patience=policy.find_patience.total_seconds(),
        rounds=policy.rounds,
        grace=policy.grace.total_seconds(),
        searches={i.name: plugins.processors[i.connector].searched_by(i.config) for i in settings.instances.values()},
        seal_obligation=vault.seal_obligation,
        ordered=any(i.erase_after for i in settings.instances.values()),
    )


def patience(settings: Settings) -> Patience:
    """How long things may take."""
    policy = settings.policy
    return Patience(
        lease=policy.lease.total_seconds(),
        cap=policy.retry_cap.total_seconds(),
        refused_retry=policy.refused_retry.total_seconds(),
        refused_until=policy.refused_until.total_seconds(),
    )


def services(settings: Settings, vault: Vault, clock: Timepiece) -> Callable[[Instance, Limits], Services]:
    """Makes what a processor is given: a door of its own, tokens, the clock, a log."""

    def make(instance: Instance, limits: Limits) -> Services:
        wire = Wire(
            instance=instance.name, limits=limits, clock=clock, via=instance.via, allow_private=instance.allow_private
        )
        return Services(
            instance=instance.name,
            wire=wire,
            tokens=Tokens(instance.name, vault, clock),
            clock=clock,
            log=structlog.get_logger("connector", instance=instance.name),
            region=settings.default_region,
        )

    return make


def kek_source(home: Home, source: str) -> str:
    """The source of the key-encryption key; a relative file lies in the data folder."""
    scheme, _, name = source.partition(":")
    return f"file:{home.folder / name}" if scheme == "file" else source
