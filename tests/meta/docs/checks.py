"""What a block that is not run must be: settings the hub reads, JSON of its schema, a file that is tested."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hub import InstanceConfig, Processor, Subject
from hub.plugins import load as load_plugins
from hub.settings import load as load_settings
from hub.settings.problems import variable
from hub.settings.shape import is_secret
from tests.integration.terminal import fits
from tests.meta.docs.blocks import ROOT, Block, blocks

INCLUDE = re.compile(r'^\s*--8<-- "([^":]+)(?::([^"]+))?"$', re.MULTILINE)
MAKE = re.compile(r"make (?P<target>[a-z-]+)( +#.*)?")
TESTED = ("hub/", "connectors/", "tests/", "examples/", "docs/tutorial/", "docs/how-to/")


class _Anything(InstanceConfig, extra="allow"):
    """The settings of a connector that a page made up."""


def settings_toml(block: Block, home: Path, invented: Collection[str]) -> None:
    """The settings reader accepts it, given secrets such as the sandboxes want."""
    plugins = load_plugins()
    made_up: dict[str, type[Processor[Any]]] = {
        name: type(name, (Processor,), {"name": name, "config_model": _Anything}) for name in invented
    }
    instances = tomllib.loads(block.text).get("instances", {})
    environ = {}
    for name, written in instances.items():
        sandbox: Any = plugins.sandboxes().get(written.get("connector"))
        secrets = {} if sandbox is None else _secrets(plugins.processors[sandbox.name], sandbox.settings())
        if file := written.get("secret_file"):
            (home / file).write_text("".join(f"{key} = {json.dumps(text)}\n" for key, text in secrets.items()))
            (home / file).chmod(0o600)
        else:
            environ |= {variable(("instances", name, key)): text for key, text in secrets.items()}
    (home / "hub.toml").write_text(block.text, encoding="utf-8")
    load_settings(home, {**plugins.processors, **made_up}, environ)


def _secrets(processor: type[Processor[Any]], settings: Mapping[str, Any]) -> dict[str, str]:
    fields = processor.config_model.model_fields
    return {key: str(value) for key, value in settings.items() if is_secret(fields[key])}


def toml(block: Block, home: Path, invented: Collection[str]) -> None:
    """Settings unless it is a project's file, or says another name."""
    document = tomllib.loads(block.text)
    if block.title in {"", "hub.toml"} and not document.keys() & {"project", "build-system", "tool"}:
        settings_toml(block, home, invented)


def json_(block: Block) -> None:
    """JSON; where it names its schema, or is said to be a person, what that asks for."""
    document = json.loads(block.text)
    if block.title == "person.json":
        assert Subject.from_document(document, region="GB").identifiers
    elif isinstance(document, dict) and str(document.get("schema", "")).startswith("subject-request-hub/"):
        fits(document["schema"])(document)


def included(block: Block) -> None:
    """What it includes exists, and lies where files are tested."""
    for path, part in INCLUDE.findall(block.text):
        assert path.startswith(TESTED), f"{path} lies where nothing is tested"
        text = (ROOT / path).read_text(encoding="utf-8")
        if part and not re.fullmatch(r"[0-9:,-]+", part):
            assert f"--8<-- [start:{part}]" in text, f"{path} has no section {part}"


def readable(block: Block) -> None:
    """What cannot be run here can at least be read by who would run it."""
    if block.language == "python":
        compile(block.text, block.page, "exec")
    elif block.language in {"sh", "console"}:
        text = (
            "\n".join(re.findall(r"^\$ (.+)$", block.text, re.MULTILINE)) if block.language == "console" else block.text
        )
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def commands(page: str) -> Iterator[tuple[str, list[str]]]:
    """Every command of the hub that a page names in code, with the options it gives it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    spans = re.findall(
        r"(?<!`)`(hub [^`\n]+)`(?!`)", re.sub(r"^ *(```|~~~).*?^ *\1", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    lines = [line for block in blocks(page) for line in re.findall(r"^(?:\$ )?(hub .+)$", block.text, re.MULTILINE)]
    for said in [*spans, *lines]:
        words = re.split(r" # | \| | <<|; | && ", said)[0].split()[1:]
        named = next((word for word in words if not word.startswith("-")), None)
        yield named or "", [word.partition("=")[0] for word in words if re.match("--[a-z]", word)]


def targets(block: Block) -> None:
    """Every target of make exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in block.text.splitlines():
        target = MAKE.fullmatch(line)
        assert target, line
        assert re.search(rf"^{target['target']}:", makefile, re.MULTILINE), f"There is no target {target['target']}"


def is_make(block: Block) -> bool:
    """Whether it is nothing but targets of make, which would run this very suite."""
    return all(MAKE.fullmatch(line) for line in block.text.splitlines())


CHECKS: Mapping[str, Callable[[Block], object]] = {
    "json": json_,
    "yaml": lambda block: yaml.safe_load(block.text),
    "text": lambda _: None,  # an illustration, or output of a block above it
}
