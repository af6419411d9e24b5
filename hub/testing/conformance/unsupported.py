"""Rules about what a service cannot do: it is said once, with a reason, and never tried."""

from __future__ import annotations

from hub.outcome import Unsupported
from hub.processor import Operation
from hub.testing.conformance.kit import Kit

_SHORTEST = 15  # characters; less is no sentence


class UnsupportedRules:
    """What a plan and a certificate print for it."""

    def test_an_unsupported_operation_has_a_reason(self, kit: Kit) -> None:
        """The person reads it in the answer to their request: one whole sentence."""
        assert not kit.cannot(Operation.FIND), "A connector that cannot find anything proves nothing"
        for operation in Operation:
            if (declared := kit.processor.cannot(operation)) is not None:
                whole = len(declared.reason) >= _SHORTEST and declared.reason.endswith(".")
                assert whole, f"{operation} is declared unsupported, and the reason is no whole sentence"

    def test_an_unsupported_operation_calls_nobody(self, kit: Kit) -> None:
        """Called all the same, it answers the declared reason and leaves the service in peace."""
        bench = kit.open()
        held, calls = kit.certain(bench), len(kit.sandbox.calls)
        for operation in Operation:
            if (declared := kit.processor.cannot(operation)) is not None:
                answer = getattr(bench.processor, operation.value)(held[0], kit.step())
                assert isinstance(answer, Unsupported), f"{operation} is declared unsupported and answers {answer!r}"
                assert answer == declared, f"{operation} gives another reason than the declared one"
        assert len(kit.sandbox.calls) == calls, "An operation that is declared unsupported calls the service"
