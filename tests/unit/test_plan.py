"""A plan touches no network, lists every system, and says beforehand what is impossible and why."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.coordinator.plan import Mode, Plan, System, plan
from hub.holding import Search
from hub.processor import Operation
from hub.rights import Right, operations
from hub.testing.memory import Memory
from hub.testing.variants import Reticent

SYSTEMS = st.lists(
    st.builds(
        System,
        name=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        label=st.just("A system"),
        mode=st.sampled_from(Mode),
        reason=st.just("no_api"),
        processor=st.sampled_from([Memory, Reticent, None]),
    ),
    max_size=6,
)
RIGHTS = st.lists(st.sampled_from(Right), min_size=1, max_size=4)
LABELS = st.lists(st.sampled_from(["email", "phone", "name", "salesforce.contact"]), max_size=6)


@given(rights=RIGHTS, labels=LABELS, systems=SYSTEMS)
def test_every_registered_system_stands_in_the_plan_in_order(
    rights: list[Right], labels: list[str], systems: list[System]
) -> None:
    made = plan(rights, labels, systems)
    assert [p.system for p in made.systems] == systems
    assert made == plan(rights, labels, systems)
    for planned in made.systems:
        served = planned.system.mode is Mode.AUTOMATIC and planned.system.processor is not None
        assert set(planned.operations) == (set(operations(rights)) if served else set())
        assert set(planned.searched) == (set(labels) if served else set())


@given(rights=RIGHTS, labels=LABELS, systems=SYSTEMS)
def test_the_same_identifier_twice_plans_nothing_twice(
    rights: list[Right], labels: list[str], systems: list[System]
) -> None:
    assert plan(rights, [*labels, *labels], systems) == plan(rights, labels, systems)


def of(processor: type[Memory], *labels: str) -> Plan:
    crm = System("crm", "CRM", Mode.AUTOMATIC, processor=processor, searches=processor.searches)
    return plan(list(Right), labels, [crm])


def test_what_a_service_cannot_do_is_said_with_its_declared_reason() -> None:
    (planned,) = of(Reticent, "email").systems
    assert planned.operations[Operation.ERASE] is None
    assert planned.operations[Operation.RECTIFY] == "The service keeps what it was told."


def test_a_service_that_cannot_be_searched_by_anything_known_is_named() -> None:
    assert of(Memory, "email", "phone").systems[0].searchable
    (planned,) = of(Memory, "phone").systems
    assert (planned.searchable, planned.searched) == (False, {"phone": Search.NONE})
