from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.clock import HOUR, SECOND
from drsim.domain.decision import Decision
from drsim.domain.disputes import dispute, lose, win
from drsim.domain.orders import captured_amount, refundable_amount
from drsim.domain.outcome import Then
from drsim.domain.refusal import Refused
from tests.domain.builders import Story, a_line, a_rule, an_order, an_order_of_2689, an_order_of_2701, some_shipping


def disputed(spec: Any = None, *units: int) -> Story:
    story = Story(spec or an_order_of_2701())
    story.fulfil(*(units or tuple(item.quantity for item in story.items)))
    story.settle()
    story.advance(HOUR)
    open_dispute(story)
    return story


def open_dispute(story: Story) -> Decision:
    return story._take(dispute(story.sale, story.context))


def refused(decide: Any, *given: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        decide(*given)
    return caught.value.kind, caught.value.parameter


def test_a_dispute_that_is_won_leaves_the_order_as_it_was() -> None:
    story = disputed()
    assert (story.order.state, story.order.fraud_state) == ("dispute", "review_opened")
    before = story.decisions[-2].sale.order
    story._take(win(story.sale, story.context))
    assert story.told[-2:] == ["order.dispute", "order.dispute.resolved"]
    assert (story.order.state, story.order.fraud_state) == ("complete", None)
    assert {**before.transitions, "dispute": story.now} == story.order.transitions
    assert story.order.fraud_transitions == {"passed": story.now, "review_opened": story.now}
    assert refundable_amount(story.sale) == 2701
    story.refund(percent=100)


def test_a_partly_shipped_order_is_accepted_again_and_goes_on() -> None:
    story = disputed(None, 1)
    assert refused(story.fulfil, 1) == ("conflict", "orderId")
    story._take(win(story.sale, story.context))
    assert (story.order.state, story.order.fraud_state) == ("accepted", "passed")
    story.fulfil(1)
    story.settle()
    assert story.order.state == "complete"


def test_a_dispute_before_the_order_is_complete_only_puts_that_off() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    story.advance(2 * SECOND)
    open_dispute(story)
    story.advance(HOUR)
    assert story.order.state == "dispute"
    story._take(win(story.sale, story.context))
    assert story.order.state == "fulfilled"
    story.settle()
    assert story.order.state == "complete"


def test_a_returned_order_can_be_disputed_too() -> None:
    story = disputed()
    story._take(win(story.sale, story.context))
    story.accept(story.take_back(2))
    story.settle()
    open_dispute(story)
    story._take(win(story.sale, story.context))
    assert story.order.state == "returned"


def test_a_dispute_that_is_lost_takes_back_what_the_bank_has_paid() -> None:
    story = disputed()
    story._take(lose(story.sale, None, story.context))
    assert story.told[-2:] == ["order.dispute.resolved", "order.chargeback"]
    assert (story.order.state, refundable_amount(story.sale), story.order.refunded) == ("complete", 0, 0)
    assert (captured_amount(story.sale), story.card.charged_back) == (2701, 2701)
    assert story.refused_refund(percent=100).parameter == "amountRequested"


def test_a_chargeback_may_be_of_a_part() -> None:
    story = disputed()
    story._take(lose(story.sale, Decimal("10.00"), story.context))
    assert refundable_amount(story.sale) == 1701
    assert story.refused_refund(amount="17.02").parameter == "amountRequested"
    assert story.refund(percent=100).amount == 1701
    story.settle()
    assert story.order.refunded == 1701


@pytest.mark.parametrize("amount", ["27.02", "0.001", "1e30"])
def test_no_more_is_charged_back_than_the_bank_has_paid(amount: str) -> None:
    story = disputed()
    assert refused(lose, story.sale, Decimal(amount), story.context) == ("bad_request", "amount")


def test_what_was_refunded_is_not_charged_back() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    story.settle()
    story.refund(percent=50)
    open_dispute(story)
    story._take(lose(story.sale, None, story.context))
    assert story.card.charged_back == 1350
    story.settle()
    assert (story.order.refunded, refundable_amount(story.sale)) == (1351, 0)


def test_store_credit_is_beyond_the_reach_of_banks() -> None:
    story = disputed(an_order_of_2689())
    story._take(lose(story.sale, None, story.context))
    assert (story.card.charged_back, story.credit.charged_back) == (1589, 0)
    assert refundable_amount(story.sale) == 1100


def test_what_is_captured_after_a_chargeback_can_be_refunded() -> None:
    story = disputed(None, 1)
    story._take(lose(story.sale, None, story.context))
    assert refundable_amount(story.sale) == 0
    story.fulfil(1)
    story.settle()
    assert refundable_amount(story.sale) == 2701 - story.card.charged_back > 0


def test_an_order_is_disputed_twice() -> None:
    story = disputed()
    story._take(lose(story.sale, Decimal(5), story.context))
    open_dispute(story)
    story._take(lose(story.sale, None, story.context))
    assert story.card.charged_back == 2701


def test_only_what_a_bank_has_paid_can_be_disputed() -> None:
    accepted = Story()
    assert refused(dispute, accepted.sale, accepted.context) == ("conflict", "state")
    accepted.fulfil(2)
    assert refused(dispute, accepted.sale, accepted.context) == ("conflict", "state")
    failed = Story(rules=(a_rule("capture", Then("failed")),))
    failed.fulfil(2)
    failed.settle()
    assert refused(dispute, failed.sale, failed.context) == ("conflict", "state")
    credit = Story(an_order(a_line(1000, 1, "0"), store_credit=1000))
    credit.fulfil(1)
    credit.settle()
    assert refused(dispute, credit.sale, credit.context) == ("conflict", "state")
    twice = disputed(an_order(shipping=some_shipping()))
    assert refused(dispute, twice.sale, twice.context) == ("conflict", "state")


@pytest.mark.parametrize("decide", [win, lambda sale, context: lose(sale, Decimal(10**9), context)])
def test_only_a_dispute_can_be_resolved(decide: Any) -> None:
    story = Story()
    assert refused(decide, story.sale, story.context) == ("conflict", "state")
