"""Cassettes: exchanges with a service, recorded once and replayed in tests without a network.

    def test_finds_a_member(cassette: Cassettes) -> None:
        with cassette("find", Pebble, {"api_key": "invented"}) as bench:
            found = list(bench.processor.find(bench.subject))
        assert [holding.kind for holding in found if isinstance(holding, Holding)] == ["member"]

`pytest` replays `cassettes/find.yaml` beside the test; `pytest --record FILE::TEST` records it anew. `bench` is that of
`hub.testing.harness.workbench`, with the `subject` to search for (at replay a stand-in) and the `clock` to give steps
their time by: `step(at=bench.clock.now())`.

**Recording** is done at the account that the environment names, as the hub's own settings do, for a person of it:

    HUB_INSTANCES__PEBBLE__API_KEY=… pytest --record --record-subject=jane.json tests/test_cassettes.py

What a test does is then done there: take a test account. A test module that has the fixture `record_from` return
`FromSandbox(PebbleSandbox)` is recorded from that sandbox instead, and the file says so.

**What is written** holds none of the account's secrets, and for personal data stand-ins under a key that is thrown
away. The settings in the test stand for those of the account. Fields of a service that are not known here are named:
`personal={"nick": "name"}`; ids of records that look like keys and are none are spared: `keep=("Id",)`. A scan refuses
whatever is still suspicious, when a cassette is written and each time it is replayed
(`python -m hub.testing.cassettes scan PATH`).

**Replay** is strict: an unexpected, changed, misplaced or missing call fails the test, and names method and path.

Not kept: bodies that nobody can take apart, such as images, multipart forms and cut-off JSON; headers but a few;
failures without an answer.
"""

from __future__ import annotations

from hub.testing.cassettes.bench import CassetteBench, Cassettes
from hub.testing.cassettes.problems import CassetteError
from hub.testing.cassettes.sources import FromSandbox, FromService, Origin, Source

__all__ = ["CassetteBench", "CassetteError", "Cassettes", "FromSandbox", "FromService", "Origin", "Source"]
