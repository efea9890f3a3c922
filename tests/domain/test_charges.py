from dataclasses import replace

import pytest

from drsim.domain.charges import (
    Charge,
    Operation,
    OperationKind,
    Retry,
    authorized,
    begin,
    completed,
    declined,
    next_due,
    settle,
    standing,
    uncommitted,
)
from drsim.domain.outcome import Failure
from drsim.domain.states import IllegalStep
from tests.domain.builders import START, states


def a_charge(amount: int = 1000, state: str = "capturable") -> Charge:
    return Charge("c", START, "o", "s", "ps", "USD", amount, state, "customer_initiated", False, START + 100)


def an_operation(amount: int, id: str = "op", *, due: int | None = 5, failure: Failure | None = None) -> Operation:
    return Operation(id, START, amount, "pending", due, failure, "ful", "item", 1)


def after(charge: Charge, kind: OperationKind, operation: Operation) -> Charge:
    return settle(begin(charge, kind, operation), kind, operation)


def test_an_operation_counts_from_the_moment_it_exists() -> None:
    charge = begin(a_charge(), "capture", an_operation(400))
    assert (standing(charge.captures), completed(charge.captures), uncommitted(charge)) == (400, 0, 600)
    charge = begin(charge, "cancel", an_operation(100, "op2"))
    assert (standing(charge.cancels), uncommitted(charge)) == (100, 500)


def test_a_failed_operation_gives_its_amount_back() -> None:
    charge = after(a_charge(), "capture", an_operation(400, failure=Failure()))
    assert (standing(charge.captures), completed(charge.captures), uncommitted(charge)) == (0, 0, 1000)
    assert states(charge.captures) == ["failed"]


def test_a_complete_operation_is_complete_and_no_longer_due() -> None:
    charge = after(a_charge(), "cancel", an_operation(400))
    assert (completed(charge.cancels), charge.cancels[0].due) == (400, None)


def test_more_than_is_left_cannot_be_begun() -> None:
    charge = begin(a_charge(), "capture", an_operation(600))
    with pytest.raises(AssertionError):
        begin(charge, "cancel", an_operation(401, "op2"))


def test_a_charge_is_capturable_while_something_is_left_even_with_a_capture_pending() -> None:
    assert begin(a_charge(), "capture", an_operation(999)).state == "capturable"
    assert after(a_charge(), "capture", an_operation(999)).state == "capturable"


def test_a_charge_is_processing_once_all_is_committed_and_something_pending() -> None:
    assert begin(a_charge(), "capture", an_operation(1000)).state == "processing"
    half = after(a_charge(), "capture", an_operation(500))
    assert begin(half, "cancel", an_operation(500, "op2")).state == "processing"


def test_a_charge_captured_in_full_is_complete() -> None:
    assert after(a_charge(), "capture", an_operation(1000)).state == "complete"


def test_a_charge_part_captured_and_the_rest_cancelled_is_complete() -> None:
    assert after(after(a_charge(), "capture", an_operation(1)), "cancel", an_operation(999, "x")).state == "complete"
    assert after(after(a_charge(), "cancel", an_operation(999)), "capture", an_operation(1, "x")).state == "complete"


def test_a_charge_cancelled_in_full_is_cancelled() -> None:
    assert after(after(a_charge(), "cancel", an_operation(1)), "cancel", an_operation(999, "x")).state == "cancelled"


@pytest.mark.parametrize("kind", ["capture", "cancel"])
def test_a_charge_whose_whole_operation_fails_is_capturable_again(kind: OperationKind) -> None:
    assert after(a_charge(), kind, an_operation(1000, failure=Failure())).state == "capturable"


def test_an_operation_ends_only_once() -> None:
    operation = an_operation(400)
    charge = after(a_charge(), "capture", operation)
    with pytest.raises(IllegalStep):
        settle(charge, "capture", charge.captures[0])


def test_only_a_pending_charge_is_authorized_or_declined() -> None:
    pending = replace(a_charge(state="pending"), due=START + 7)
    assert (authorized(pending, 99).state, authorized(pending, 99).expires) == ("capturable", 99)
    assert (declined(pending).state, declined(pending).due) == ("failed", None)
    with pytest.raises(IllegalStep):
        authorized(a_charge(), 99)
    with pytest.raises(IllegalStep):
        declined(a_charge())


def test_a_failed_charge_has_nothing_left() -> None:
    assert uncommitted(a_charge(state="failed")) == 0


def test_a_charge_is_due_when_the_first_thing_on_it_is() -> None:
    assert next_due(a_charge()) is None
    assert next_due(begin(a_charge(), "capture", an_operation(1, due=None))) is None
    busy = begin(begin(a_charge(), "capture", an_operation(1, due=9)), "cancel", an_operation(1, "x", due=8))
    assert next_due(busy) == 8
    assert next_due(replace(busy, retries=(Retry(7, an_operation(1)),))) == 7
    assert next_due(replace(busy, due=6)) == 6
