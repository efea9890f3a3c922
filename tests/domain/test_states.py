from itertools import pairwise

import pytest

from drsim.domain import states
from drsim.domain.states import (
    CHARGE,
    CHARGE_REFUND,
    DELIVERY,
    FULFILLMENT_RETURN,
    ITEM,
    OPERATION,
    ORDER,
    REFUND,
    REQUEST,
    RETURN,
    SESSION,
    SOURCE,
    IllegalStep,
    Lifecycle,
    step,
)

TABLES = {
    "order": ORDER,
    "item": ITEM,
    "charge": CHARGE,
    "operation": OPERATION,
    "charge refund": CHARGE_REFUND,
    "refund": REFUND,
    "return": RETURN,
    "request": REQUEST,
    "fulfillment return": FULFILLMENT_RETURN,
    "source": SOURCE,
    "session": SESSION,
    "delivery": DELIVERY,
}
ENDS = {
    "order": {"cancelled", "blocked"},
    "item": {"cancelled", "blocked", "returned"},
    "charge": {"complete", "cancelled", "failed"},
    "operation": {"complete", "failed"},
    "charge refund": {"complete", "failed"},
    "refund": {"succeeded", "failed", "expired"},
    "return": {"accepted"},
    "request": {"accepted", "rejected"},
    "fulfillment return": {"accepted", "rejected"},
    "source": {"consumed", "cancelled", "failed"},
    "session": {"complete", "failed"},
    "delivery": {"delivered", "failed", "undelivered"},
}
MOVES = [
    (name, present, following)
    for name, table in TABLES.items()
    for present in table
    for following in sorted({*table, *(target for row in table.values() for target in row)})
]


def test_every_table_of_the_module_is_looked_at_here() -> None:
    found = [value for name, value in vars(states).items() if name.isupper() and isinstance(value, dict)]
    assert len(found) == len(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_target_has_a_row_of_its_own(name: str) -> None:
    assert {target for row in TABLES[name].values() for target in row} <= set(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_the_ends_are_exactly_the_empty_rows(name: str) -> None:
    assert {state for state, row in TABLES[name].items() if not row} == ENDS[name]


@pytest.mark.parametrize("name", TABLES)
def test_no_row_names_itself_or_a_state_twice(name: str) -> None:
    for state, row in TABLES[name].items():
        assert state not in row
        assert len(set(row)) == len(row)


@pytest.mark.parametrize("name", TABLES)
def test_no_state_is_out_of_reach(name: str) -> None:
    table = TABLES[name]
    begins = {"order": {"pending_payment", "accepted"}, "source": {"pending_funds", "pending_redirect"}}
    begins["source"] |= {"requires_action", "chargeable"}
    found = set(begins.get(name, {next(iter(table))}))
    while more := {target for state in found for target in table[state]} - found:
        found |= more
    assert found == set(table)


@pytest.mark.parametrize(("name", "present", "following"), MOVES)
def test_a_step_is_taken_if_the_table_has_it_and_raises_otherwise(name: str, present: str, following: str) -> None:
    table: Lifecycle = TABLES[name]
    if following in table[present]:
        assert step(table, present, following) == following
    else:
        with pytest.raises(IllegalStep, match=f"{present} cannot become {following}"):
            step(table, present, following)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("order", ["pending_payment", "accepted", "fulfilled", "complete", "returned"]),
        ("order", ["pending_payment", "cancelled"]),
        ("order", ["in_review", "accepted", "cancelled"]),
        ("order", ["in_review", "blocked"]),
        ("order", ["complete", "dispute", "complete"]),
        ("order", ["accepted", "dispute", "accepted"]),
        ("item", ["created", "fulfilled", "returned"]),
        ("charge", ["pending", "capturable", "processing", "complete"]),
        ("charge", ["capturable", "processing", "capturable"]),
        ("charge", ["processing", "cancelled"]),
        ("source", ["pending_funds", "chargeable", "consumed"]),
    ],
)
def test_the_published_paths_can_be_walked(name: str, path: list[str]) -> None:
    for present, following in pairwise(path):
        assert step(TABLES[name], present, following) == following
