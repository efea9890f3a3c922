from typing import Any

import pytest

from drsim.domain.account import Account
from drsim.domain.clock import DAY, HOUR, SECOND
from drsim.domain.decision import Context
from drsim.domain.history import STATES, live
from drsim.domain.orders import captured_amount, refundable_amount
from drsim.domain.refusal import Refused
from drsim.domain.settle import wake
from tests.domain.builders import START, Ids, a_context, a_source, an_order, an_order_of_2689, with_delays

UNTIL = START + 8 * DAY


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("spec", [an_order(), an_order_of_2689()])
def test_an_order_can_start_in_every_state(state: str, spec: Any) -> None:
    decision = live(spec, state, a_context(), UNTIL)
    assert decision.sale.order.state == state
    assert decision.sale.order.created == START
    assert all(event.at <= UNTIL for event in decision.events)
    assert [event.at for event in decision.events] == sorted(event.at for event in decision.events)


@pytest.mark.parametrize(
    ("state", "last"),
    [
        ("accepted", "order.accepted"),
        ("pending_payment", "order.pending_payment"),
        ("in_review", "order.review_opened"),
        ("blocked", "order.charge.cancelled"),
        ("fulfilled", "order.fulfilled"),
        ("cancelled", "order.cancelled"),
        ("complete", "order.invoice.created"),
        ("dispute", "order.dispute"),
        ("returned", "order.credit_memo.created"),
    ],
)
def test_the_history_is_told_up_to_the_state(state: str, last: str) -> None:
    told = [event.type for event in live(an_order(), state, a_context(), UNTIL).events]
    assert told[0] == "order.created"
    assert told[-1] == last


def test_a_fulfilled_order_still_waits_for_its_money() -> None:
    sale = live(an_order(), "fulfilled", a_context(), UNTIL).sale
    assert [charge.state for charge in sale.charges] == ["processing"]
    assert sale.due is not None


def test_a_complete_order_is_captured_and_refundable() -> None:
    sale = live(an_order(), "complete", a_context(), UNTIL).sale
    assert captured_amount(sale) == refundable_amount(sale) == sale.order.totals.total
    assert sale.due is None


@pytest.mark.parametrize("state", ["fulfilled", "complete", "cancelled", "dispute", "returned"])
def test_the_fulfillment_that_was_made_on_the_way_is_part_of_the_decision(state: str) -> None:
    decision = live(an_order(), state, a_context(), UNTIL)
    told = next(event.fulfillment for event in decision.events if event.type == "fulfillment.created")
    assert decision.fulfillment is not None
    assert decision.fulfillment == told


@pytest.mark.parametrize("state", ["accepted", "pending_payment", "in_review", "blocked"])
def test_without_a_fulfillment_there_is_none(state: str) -> None:
    assert live(an_order(), state, a_context(), UNTIL).fulfillment is None


def test_a_returned_order_has_returned_lines() -> None:
    order = live(an_order(), "returned", a_context(), UNTIL).sale.order
    assert [item.state for item in order.items] == ["returned"]
    assert order.transitions["returned"] == order.transitions["complete"]


def test_a_returned_order_has_its_return_and_its_money_back() -> None:
    sale = live(an_order(), "returned", a_context(), UNTIL).sale
    assert [(each.state, each.refund_ids) for each in sale.returns] == [("accepted", (sale.refunds[0].id,))]
    assert (sale.refunds[0].state, sale.order.refunded) == ("succeeded", sale.order.totals.total)


def test_a_disputed_order_is_under_review() -> None:
    order = live(an_order(), "dispute", a_context(), UNTIL).sale.order
    assert order.fraud_state == "review_opened"
    assert order.transitions["dispute"] == UNTIL


def test_a_disputed_order_stays_disputed_until_someone_resolves_it() -> None:
    """The dispute may come between the last capture and the order's own completion."""
    account = Account()
    opened = START + account.delays.capture
    sale = live(an_order(), "dispute", a_context(), opened).sale
    while sale.due is not None:
        sale = wake(sale, Context(sale.due, Ids(), account)).sale
    assert sale.order.state == "dispute"


@pytest.mark.parametrize(
    ("number", "state"),
    [
        ("4000 0000 0000 3295", "accepted"),
        ("4000 0000 0000 3600", "accepted"),
        ("4000 0000 0000 4103", "complete"),
        ("4000 0000 0000 4442", "cancelled"),
        ("4024 0071 2057 9635", "complete"),
        ("4000 0000 0000 4103", "returned"),
        ("4024 0071 2057 9635", "returned"),
        ("4000 0000 0000 4103", "dispute"),
    ],
)
def test_a_state_that_the_card_does_not_let_it_reach_is_refused(number: str, state: str) -> None:
    with pytest.raises(Refused):
        live(an_order(source=a_source(number=number)), state, a_context(), UNTIL)


@pytest.mark.parametrize("state", ["complete", "cancelled", "returned"])
def test_a_state_that_takes_longer_than_there_is_time_is_refused(state: str) -> None:
    with pytest.raises(Refused):
        live(an_order(), state, a_context(), START)


def test_a_fulfilled_order_of_a_failing_card_is_fulfilled() -> None:
    sale = live(an_order(source=a_source(number="4000 0000 0000 4103")), "fulfilled", a_context(), UNTIL).sale
    assert sale.order.state == "fulfilled"


@pytest.mark.parametrize("state", ["accepted", "in_review", "fulfilled", "complete", "cancelled", "blocked"])
def test_an_authorization_that_takes_time_is_lived_through_too(state: str) -> None:
    context = a_context(account=with_delays(authorize=5 * SECOND))
    assert live(an_order(), state, context, START + HOUR).sale.order.state == state


def test_the_same_history_is_lived_twice_from_the_same_inputs() -> None:
    assert live(an_order_of_2689(), "returned", a_context(), UNTIL) == live(
        an_order_of_2689(), "returned", a_context(), UNTIL
    )
