"""The README's connector is complete: it carries out a request."""

import re
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


def test_the_connector_carries_out_a_request(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "shop_connector.py").write_text(code, encoding="utf-8")
    (tmp_path / "try_it.py").write_text(TRY, encoding="utf-8")
    done = subprocess.run([sys.executable, "try_it.py"], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1 customer\nDone\nGone\nAbsent\n", done.stderr
