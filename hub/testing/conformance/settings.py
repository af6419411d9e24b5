"""Rules about what a connector declares: it is installed, says what it is, and its settings keep their secrets."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import pytest
from pydantic import SecretBytes, SecretStr, ValidationError

from hub.plugins import GROUP, load
from hub.processor import InstanceConfig
from hub.subject import IdentifierKind
from hub.testing.conformance.kit import Kit

_WORD = re.compile(r"[a-z][a-z0-9_]*")
_LABEL = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_SECRET_NAME = re.compile(r"(^|_)(key|secret|password|passphrase|token|credential|pin)s?($|_)")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?")
_KINDS = frozenset({IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.NAME, IdentifierKind.ADDRESS})


class SettingsRules:
    """What can be known before anything is called."""

    def test_it_is_installed_as_a_plugin(self, kit: Kit) -> None:
        """An entry point of the group hub.connectors leads to the processor, or no hub will ever find it."""
        cls = kit.processor
        package = cls.__module__.partition(".")[0]
        points = [p for p in metadata.entry_points(group=GROUP) if p.module.partition(".")[0] == package]
        plugins = load({point.name for point in points}, points)
        found = {(c.__module__, c.__qualname__) for c in plugins.processors.values()}
        said = "; ".join(f"{problem.plugin}: {problem.message}. {problem.hint}" for problem in plugins.problems)
        assert (cls.__module__, cls.__qualname__) in found, (
            f"No entry point of the group {GROUP} brings {cls.__name__}: name its package in pyproject.toml under "
            f'[project.entry-points."{GROUP}"], return the class from hub_processors, and install it. {said}'
        )

    def test_it_says_what_it_is(self, kit: Kit) -> None:
        """Plans, certificates and settings call a connector, and what it holds, by these names."""
        cls = kit.processor
        assert _WORD.fullmatch(cls.name), "`name` is one lower-case word: it stands in hub.toml and in evidence"
        assert cls.title.strip(), "`title` is the name that people know the service by"
        assert cls.kinds, "`kinds` says what the service holds: kind → a few words"
        for kind, meaning in cls.kinds.items():
            assert _WORD.fullmatch(kind), f"{kind!r} in `kinds` is not a lower-case word"
            assert meaning.strip(), f"`kinds` does not say what a {kind} is"
            assert len(meaning.splitlines()) == 1, f"`kinds` says in more than one line what a {kind} is"
        assert set(cls.batch) <= set(cls.kinds), "`batch` names a kind of holding that `kinds` does not declare"
        assert all(size > 1 for size in cls.batch.values()), "a batch of fewer than two holdings is no batch"

    def test_its_searches_are_kinds_of_identifier(self, kit: Kit) -> None:
        """A plan goes by these labels; a misspelt one would turn *not searchable* into *nothing held*."""
        cls = kit.processor
        known = {kind.value for kind in _KINDS}
        for label in cls.searches:
            assert label in known or _LABEL.fullmatch(label), (
                f"`searches` declares {label!r}: a label is {', '.join(sorted(known))} or a namespace such as shop.id"
            )
        with_settings = cls.searched_by(_config(kit))
        assert set(with_settings) <= set(cls.searches), "searched_by promises a label that `searches` does not declare"

    def test_every_setting_is_described(self, kit: Kit) -> None:
        """Whoever writes hub.toml reads these descriptions; the template and the documentation are made of them."""
        model = kit.processor.config_model
        bare = sorted(name for name, field in model.model_fields.items() if not (field.description or "").strip())
        assert not bare, f"Give each setting Field(description=…): {', '.join(bare)} have none"

    def test_settings_have_a_json_schema(self, kit: Kit) -> None:
        """Editors and the documentation check hub.toml by it."""
        schema = kit.processor.config_model.model_json_schema()
        assert json.loads(json.dumps(schema))["type"] == "object"

    def test_a_setting_that_is_a_secret_is_typed_as_one(self, kit: Kit) -> None:
        """A secret in a plain text stands in every repr, log and traceback it passes."""
        fields = kit.processor.config_model.model_fields
        bare = sorted(
            name
            for name, field in fields.items()
            if _SECRET_NAME.search(name) and str in _types(field.annotation) and not _secret(field.annotation)
        )
        assert not bare, f"Type them as pydantic's SecretStr: {', '.join(bare)}"

    def test_settings_never_show_a_secret(self, kit: Kit) -> None:
        """Not in repr, str or JSON, and not in the error about settings that do not fit."""
        config = _config(kit)
        secrets = secrets_of(config)
        shown = {"repr": repr(config), "str": str(config), "JSON": config.model_dump_json()}
        model = type(config)
        unfit: list[dict[str, Any]] = [{key: [secrets.get(key, "no list")]} for key in model.model_fields]
        unfit += [{key: f"{secret} &<\u00e9\n"} for key, secret in secrets.items()]
        for number, wrong in enumerate([{}, *unfit]):
            with pytest.raises(ValidationError) as refused:
                model.model_validate(kit.settings | wrong | {"no_such_setting": ""})
            shown[f"validation error {number}"] = str(refused.value)
        leaks = [where for where, text in shown.items() if any(secret in text for secret in secrets.values())]
        assert not leaks, (
            f"A secret stands in {', '.join(leaks)} of the settings: type it SecretStr, and derive the model "
            "from InstanceConfig, which keeps what was written out of its errors"
        )

    def test_an_unknown_setting_is_refused(self, kit: Kit) -> None:
        """A misspelt setting that is passed over would leave the instance with a default nobody chose."""
        with pytest.raises(ValidationError):
            kit.processor.config_model.model_validate(kit.settings | {"no_such_setting": "1"})

    def test_it_names_its_hosts(self, kit: Kit) -> None:
        """The door lets nothing through to a host that is not declared, nor to every host there is."""
        limits = kit.processor.limits(_config(kit))
        assert limits.hosts, "limits() declares no host, so the door lets no call through"
        for host in limits.hosts:
            assert _HOST.fullmatch(host), f"{host!r} is not a host: give the name alone, without scheme or path"
            assert "." in host.removeprefix("*."), f"{host!r} stands for more hosts than one service has"
        assert limits.concurrency >= 1, "limits() lets no call be in flight"


def secrets_of(config: InstanceConfig) -> dict[str, str]:
    """The secrets in an instance's settings: path of the field → value, those of nested models too."""
    return dict(_secrets(config, ""))


def _secrets(value: Any, at: str) -> Iterator[tuple[str, str]]:
    match value:
        case SecretStr():
            yield at, value.get_secret_value()
        case SecretBytes():
            yield at, value.get_secret_value().decode("latin-1")
        case InstanceConfig():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name), f"{at}.{name}".strip("."))
        case Mapping():
            for name, inner in value.items():
                yield from _secrets(inner, f"{at}.{name}")
        case list() | tuple():
            for inner in value:
                yield from _secrets(inner, at)
        case _:
            return


def _config(kit: Kit) -> InstanceConfig:
    config: InstanceConfig = kit.processor.config_model.model_validate(kit.settings)
    return config


def _types(annotation: Any) -> set[Any]:
    inner = typing.get_args(annotation)
    return {annotation}.union(*map(_types, inner)) if inner else {annotation}


def _secret(annotation: Any) -> bool:
    return bool(_types(annotation) & {SecretStr, SecretBytes})
