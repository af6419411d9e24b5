"""The README tells the truth: its tour runs word for word, its links lead somewhere, its make targets exist."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

TRY = """
from shop_connector import Shop

from hub import Act, Identifier, InstanceConfig, Operation, Subject
from hub.testing.harness import step, workbench
from hub.testing.sandbox import Refuse, Sandbox, route


class Stand(Sandbox):
    name = "shop"
    held = True

    def seed(self, town):
        pass

    @route("GET", "/me")
    def me(self, request):
        return {"id": "shop-1"}

    @route("GET", "/customers/{email}")
    def look(self, request):
        if not self.held:
            raise Refuse(404)
        return {"name": "Somebody"}

    @route("DELETE", "/customers/{email}")
    def delete(self, request):
        self.look(request)
        self.held = False
        from hub.testing.sandbox import Answer

        return Answer(204)


with Stand().serve() as stand, workbench(Shop, {}, stand.url) as bench:
    shop = bench.processor
    holding, _ = shop.find(Subject((Identifier.email("jane@example.org"),)))
    print(len(list(shop.export(holding, step()))), holding.kind)
    print(type(shop.erase(holding, step())).__name__)
    print(type(shop.confirm(Act(Operation.ERASE, holding), step())).__name__)
    print(type(shop.erase(holding, step())).__name__)
"""


def _free_port_pair() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def test_the_tour_runs_word_for_word(tmp_path: Path) -> None:
    tour = README.split("## A tour")[1].split("\n## ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", tour, flags=re.DOTALL))
    port = _free_port_pair()  # the only words that change: two tests may run at once
    script = script.replace("4801", str(port)).replace("4802", str(port + 1))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(
        ["bash", "-e", "-c", "set -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + script],
        check=False,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "✓ newsletter" in done.stdout
    assert "erased, read back as gone" in done.stdout
    assert "kept until" in done.stdout
    assert "request.closed" in done.stdout
    assert "ottoline" not in (done.stdout + done.stderr).lower()


def test_the_connector_carries_out_a_request(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "shop_connector.py").write_text(code, encoding="utf-8")
    (tmp_path / "try_it.py").write_text(TRY, encoding="utf-8")
    done = subprocess.run([sys.executable, "try_it.py"], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1 customer\nDone\nGone\nAbsent\n", done.stderr


def test_links_lead_to_files() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert {target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)} == {
        "are"
    } & named
