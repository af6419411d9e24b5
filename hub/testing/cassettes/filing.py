"""Cassettes as files: vcrpy's format under a head that says what the file is. Written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml
from vcr.request import Request
from vcr.serialize import deserialize, serialize

from hub.subject import Identifier, Subject
from hub.testing.cassettes.exchanges import Answer
from hub.testing.cassettes.problems import CassetteError

try:
    from yaml import CSafeDumper as _SafeDumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: ten times slower, the same result
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

FORMAT = 1
SANDBOX, OVERRIDE, SERVICE = "sandbox", "override", "service"
_AGAIN = "Do not mend it by hand: record it again, `pytest --record FILE::TEST`."
_SAID = {
    SANDBOX: "Recorded from the sandbox, not from the service.",
    OVERRIDE: "Recorded from something that answered in the service's stead.",
    SERVICE: "Recorded from the service.",
}


@dataclass(frozen=True, slots=True)
class About:
    """What a cassette says of itself.

    Args:
        connector: whose calls it holds.
        recorded_from: `service`, or as evidence has it what answered in its stead: `sandbox`, `override`.
        recorded_by: name and version of the program that recorded.
        recorded_on: the day.
        clock: what the connector's clock said; it says so again at replay.
        region: default region of national telephone numbers.
        keep: fields whose values were kept although they look drawn at random.
        subject: the stand-in's identifiers (`Identifier.as_dict`).
    """

    connector: str
    recorded_from: str
    recorded_by: str
    recorded_on: date
    clock: datetime
    region: str | None
    keep: tuple[str, ...]
    subject: tuple[Mapping[str, str], ...] = field(repr=False)

    def person(self) -> Subject:
        """The stand-in of the data subject."""
        return Subject(tuple(map(Identifier.from_dict, self.subject)))

    def as_metadata(self) -> dict[str, Any]:
        """As it stands in the file."""
        said = f"{_SAID[self.recorded_from]} Names, addresses, numbers and keys in it are stand-ins."
        values = asdict(self) | {"recorded_on": self.recorded_on.isoformat(), "clock": self.clock.isoformat()}
        values |= {"keep": list(self.keep), "subject": [dict(identifier) for identifier in self.subject]}
        return {"format": FORMAT, "what": said, **values}

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> About:
        """The inverse of `as_metadata`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        if metadata["format"] != FORMAT or metadata["recorded_from"] not in _SAID:
            raise ValueError("unknown format")
        values = {name: metadata[name] for name in map(attrgetter("name"), fields(cls))}
        values |= {"recorded_on": date.fromisoformat(values["recorded_on"]), "keep": tuple(values["keep"])}
        values |= {"clock": datetime.fromisoformat(values["clock"]), "subject": tuple(values["subject"])}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Recording:
    """The content of one cassette.

    Args:
        about: its head.
        requests, answers: what was asked and answered, in order.
    """

    about: About
    requests: tuple[Request, ...] = field(repr=False)
    answers: tuple[Answer, ...] = field(repr=False)


def render(recording: Recording) -> bytes:
    """The file's content."""
    answers = [answer.as_vcr(answer.body) for answer in recording.answers]
    metadata = recording.about.as_metadata() | {"sha256": _digest(recording)}
    text: str = serialize({"requests": recording.requests, "responses": answers, "metadata": metadata}, _Yaml)
    return text.encode()


def read(path: Path) -> Recording:
    """Read a cassette. Raises `CassetteError` for anything that is not one, as it was written."""
    try:
        requests, answers, metadata = deserialize(path.read_text(encoding="utf-8"), _Yaml)
        found = Recording(About.of(metadata), tuple(requests), tuple(map(_answer, answers)))
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError):
        # The cause is cut off: those errors quote the file, and it may be one that holds real data.
        raise CassetteError(f"{path.name} is not a cassette of this version", hint=_AGAIN) from None
    if metadata.get("sha256") != _digest(found):
        raise CassetteError(f"{path.name} was changed after it was recorded", hint=_AGAIN)
    return found


def write(path: Path, content: bytes) -> None:
    """Write the file (mode 0600) so that whatever happens it is there whole, as it was before, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # opens with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _answer(response: Mapping[str, Any]) -> Answer:
    headers = {name: texts[0] for name, texts in response["headers"].items()}
    return Answer(response["status"]["code"], headers, response["body"]["string"].decode())


def _digest(recording: Recording) -> str:
    """Shows that a file is as it was recorded; it keeps nobody out who wants to forge one."""
    asked = [[r.method, r.uri, r.headers.get("content-type", ""), (r.body or b"").decode()] for r in recording.requests]
    answered = [[a.status, sorted(a.headers.items()), a.body] for a in recording.answers]
    said = recording.about.as_metadata()
    return hashlib.sha256(json.dumps([said, asked, answered], sort_keys=True).encode()).hexdigest()


class _Yaml:
    """How vcrpy's documents are written here: the head first, texts in lines; plain YAML and no objects are read."""

    @staticmethod
    def serialize(document: Mapping[str, Any]) -> str:
        ordered = {name: document[name] for name in ("metadata", "version", "interactions")}
        text: str = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        return text

    @staticmethod
    def deserialize(text: str) -> Any:
        return yaml.load(text, Loader=_Loader)  # which is a safe one


class _Dumper(_SafeDumper):
    def ignore_aliases(self, _: object) -> bool:
        return True


def _in_lines(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _in_lines)
