from dataclasses import replace

import pytest

from drsim.domain.account import Account
from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND
from drsim.domain.decision import Context
from drsim.domain.orders import cancelled_amount, captured_amount
from drsim.domain.outcome import Failure, Then
from drsim.domain.settle import wake
from tests.domain.builders import (
    START,
    Ids,
    Story,
    a_line,
    a_rule,
    a_source,
    amounts,
    an_order,
    an_order_of_2689,
    an_order_of_2701,
    an_order_of_3781,
    states,
    with_delays,
)

CAPTURE_FAILS = "4000 0000 0000 4103"
CAPTURE_FAILS_LATER = "4485 9517 8852 1565"
CANCEL_FAILS = "4000 0000 0000 4442"
STUCK = "4000 0000 0000 0028"


def paid_with(number: str, *, quantity: int = 2) -> Story:
    return Story(an_order(a_line(1000, quantity, "0"), source=a_source(number=number)))


def test_nothing_happens_before_it_is_due() -> None:
    story = Story()
    story.fulfil(2)
    decision = wake(story.sale, Context(story.now + SECOND, Ids(), Account()))
    assert (decision.sale, decision.events) == (story.sale, ())


def test_a_capture_ends_after_its_delay_and_the_order_completes_after_its_own() -> None:
    story = Story(account=with_delays(capture=10 * SECOND, complete=5 * SECOND))
    story.fulfil(2)
    story.advance(10 * SECOND - 1)
    assert states(story.card.captures) == ["pending"]
    story.advance(1)
    assert (states(story.card.captures), story.card.state, story.order.state) == (["complete"], "complete", "fulfilled")
    story.advance(5 * SECOND)
    assert (story.order.state, story.order.transitions["complete"]) == ("complete", START + 15 * SECOND)
    assert (story.order.fraud_state, story.order.fraud_transitions) == (None, {"passed": START})
    assert story.sale.due is None


def test_a_partial_capture_leaves_the_charge_capturable_and_the_order_accepted() -> None:
    story = Story(an_order_of_3781())
    story.fulfil(2)
    story.settle()
    assert (story.card.state, story.order.state) == ("capturable", "accepted")
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.capture.complete",
        "order.invoice.created",
    ]


def test_the_events_of_a_partial_cancel_come_in_order() -> None:
    story = Story(an_order_of_2701())
    story.cancel(1)
    story.settle()
    assert story.told[3:] == ["fulfillment.created", "order.charge.cancel.pending", "order.charge.cancel.complete"]
    assert (story.card.state, story.order.state) == ("capturable", "accepted")


def test_the_events_of_a_full_cancel_come_in_order() -> None:
    story = Story(an_order_of_2701())
    story.cancel(2)
    assert (story.order.state, story.items[0].state) == ("accepted", "cancelled")
    story.settle()
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.cancel.pending",
        "order.charge.cancel.complete",
        "order.charge.cancelled",
        "order.cancelled",
    ]
    assert (story.order.state, story.card.state) == ("cancelled", "cancelled")
    assert (story.order.fraud_state, story.order.transitions["cancelled"]) == ("passed", START + SECOND)


def test_a_full_cancel_waits_for_every_charge() -> None:
    slow_credit = a_rule("cancel", Then("complete", HOUR), when={"source": {"type": "customerCredit"}})
    story = Story(an_order_of_2689(), rules=(slow_credit,))
    story.cancel(2)
    story.advance(MINUTE)
    assert (story.card.state, story.credit.state, story.order.state) == ("cancelled", "processing", "accepted")
    story.settle()
    assert (story.order.state, story.now) == ("cancelled", START + HOUR)
    assert story.told.count("order.cancelled") == 1


def test_the_events_of_a_mixed_order_come_in_order() -> None:
    story = Story(an_order_of_3781())
    story.cancel(1)
    story.settle()
    story.fulfil(2)
    story.settle()
    assert story.told[6:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
        "order.charge.capture.complete",
        "order.charge.complete",
        "order.complete",
        "order.invoice.created",
    ]


def test_an_order_completes_only_once_every_charge_has_settled() -> None:
    slow_card = a_rule(then=Then("complete", HOUR), when={"source": {"type": "creditCard"}})
    story = Story(an_order_of_2689(), rules=(slow_card,))
    story.fulfil(2)
    story.advance(MINUTE)
    assert (story.credit.state, story.card.state, story.order.state) == ("complete", "processing", "fulfilled")
    story.settle()
    assert (story.order.state, story.now) == ("complete", START + HOUR + SECOND)


def test_a_part_cancelled_on_one_charge_and_captured_on_the_other_completes_the_order() -> None:
    story = Story(an_order(a_line(1000, 2, "0"), store_credit=1000))
    story.fulfil(1)
    story.cancel(1)
    story.settle()
    assert (story.credit.state, story.card.state, story.order.state) == ("complete", "cancelled", "complete")


# What goes wrong


def test_a_failing_capture_leaves_the_charge_capturable_and_the_order_fulfilled() -> None:
    story = paid_with(CAPTURE_FAILS)
    story.fulfil(2)
    story.settle()
    assert (story.card.state, states(story.card.captures)) == ("capturable", ["failed"])
    assert (story.order.state, story.items[0].state) == ("fulfilled", "fulfilled")
    assert story.card.captures[0].failure == Failure("failed-request", "Failed to operate on charge")
    assert captured_amount(story.sale) == 0
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
        "order.charge.capture.failed",
    ]


def test_the_failed_capture_is_told_with_the_charge_capturable_again() -> None:
    story = paid_with(CAPTURE_FAILS)
    story.fulfil(2)
    story.settle()
    charge = story.event("order.charge.capture.failed").charge
    assert charge is not None
    assert (charge.state, states(charge.captures), amounts(charge, "capture")) == ("capturable", ["failed"], [2000])


def test_a_capture_that_fails_later_is_pending_first() -> None:
    story = paid_with(CAPTURE_FAILS_LATER)
    story.fulfil(2)
    story.advance(10 * SECOND)
    assert states(story.card.captures) == ["pending"]
    story.settle()
    assert states(story.card.captures) == ["failed"]


def test_a_capture_pending_for_ever_keeps_the_order_fulfilled_for_ever() -> None:
    story = paid_with(STUCK)
    story.fulfil(2)
    story.advance(365 * DAY)
    assert (story.card.state, story.order.state, story.sale.due) == ("processing", "fulfilled", None)
    assert captured_amount(story.sale) == 2000


def test_a_failing_cancel_leaves_the_line_cancelled_and_the_order_accepted() -> None:
    story = paid_with(CANCEL_FAILS)
    story.cancel(2)
    story.settle()
    assert (story.card.state, states(story.card.cancels)) == ("capturable", ["failed"])
    assert (story.order.state, story.items[0].state, cancelled_amount(story.sale)) == ("accepted", "cancelled", 0)
    assert story.told[3:] == ["fulfillment.created", "order.charge.cancel.pending", "order.charge.cancel.failed"]


def test_a_failing_cancel_keeps_a_fulfilled_order_from_completing() -> None:
    story = paid_with(CANCEL_FAILS)
    story.ask((0, 1, 1))
    story.settle()
    assert (story.order.state, story.card.state) == ("fulfilled", "capturable")


# Retries


def test_failed_captures_are_not_retried_unless_the_account_says_so() -> None:
    story = paid_with(CAPTURE_FAILS)
    story.fulfil(2)
    story.settle()
    assert (story.sale.due, story.card.retries) == (None, ())


def test_a_failed_capture_is_retried_after_each_span_of_the_account() -> None:
    account = Account(capture_retries=(MINUTE, HOUR))
    story = Story(an_order(a_line(1000, 2, "0"), source=a_source(number=CAPTURE_FAILS)), account=account)
    story.fulfil(2)
    story.settle()
    made = [capture.created - START for capture in story.card.captures]
    assert made == [0, 2 * SECOND + MINUTE, 4 * SECOND + MINUTE + HOUR]
    assert states(story.card.captures) == ["failed"] * 3
    assert [capture.retries for capture in story.card.captures] == [0, 1, 2]
    assert len({capture.id for capture in story.card.captures}) == 3
    assert (story.sale.due, story.card.state, story.order.state) == (None, "capturable", "fulfilled")


def test_a_retry_that_works_completes_the_order() -> None:
    account = Account(capture_retries=(HOUR,))
    story = Story(an_order_of_2689(), account=account, rules=(a_rule(times=1, when={"amount": 15.89}),))
    story.fulfil(2)
    story.settle()
    assert states(story.card.captures) == ["failed", "complete"]
    assert {capture.fulfillment_id for capture in story.card.captures} == {"ful_fulfillment-1"}
    assert (story.order.state, captured_amount(story.sale)) == ("complete", 2689)
    assert "order.charge.capture.failed" in story.told[:-5]
    assert story.told[-5:] == [
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.charge.capture.complete",
        "order.charge.complete",
        "order.complete",
    ]


def test_a_retry_captures_what_failed_and_no_more() -> None:
    account = Account(capture_retries=(HOUR,))
    story = Story(an_order(a_line(1000, 3, "0")), account=account, rules=(a_rule(times=1),))
    story.fulfil(1)
    story.settle()
    assert amounts(story.card, "capture") == [1000, 1000]
    assert (states(story.card.captures), story.order.state) == (["failed", "complete"], "accepted")


def test_a_rule_can_tell_a_retry_by_its_attempt() -> None:
    account = Account(capture_retries=(MINUTE, MINUTE))
    story = Story(account=account, rules=(a_rule(when={"attempt": {"$lte": 2}}),))
    story.fulfil(2)
    story.settle()
    assert states(story.card.captures) == ["failed", "failed", "complete"]


def test_a_retry_that_finds_no_money_left_does_nothing() -> None:
    account = Account(capture_retries=(HOUR,))
    story = Story(an_order(a_line(1000, 2, "0")), account=account, rules=(a_rule(times=1),))
    story.fulfil(1)
    story.advance(MINUTE)
    story.fulfil(1)
    story.settle()
    assert captured_amount(story.sale) == 2000
    assert story.order.state == "complete"


def test_a_complete_order_waits_for_nothing() -> None:
    """A retry that has nothing left to capture must not keep time running for it."""
    account = Account(capture_retries=(30 * DAY,))
    story = Story(an_order(a_line(1000, 2, "0")), account=account, rules=(a_rule(times=1),))
    story.fulfil(1)
    story.advance(MINUTE)
    story.fulfil(1)
    story.advance(MINUTE)
    assert (story.order.state, captured_amount(story.sale)) == ("fulfilled", 1000), "the retry's money is spoken for"
    story.advance(30 * DAY)
    assert (story.order.state, captured_amount(story.sale)) == ("complete", 2000)
    assert story.sale.due is None


# Several things due at once


def test_everything_due_at_one_moment_happens_in_one_wake() -> None:
    story = Story(an_order(a_line(1000, 1, "0"), a_line(500, 1, "0"), store_credit=1200))
    story.ask((0, 1, 0), (1, 1, 0))
    story.advance(2 * SECOND)
    assert story.order.state == "fulfilled"
    assert [charge.state for charge in story.sale.charges] == ["complete", "complete"]
    assert story.told.count("order.charge.capture.complete") == 3


@pytest.mark.parametrize("late", [0, DAY])
def test_a_late_wake_does_what_is_due_in_order_of_time(late: int) -> None:
    story = Story(an_order(a_line(1000, 2, "0")))
    story.ask((0, 1, 1))
    due = story.sale.due
    assert due is not None
    decision = wake(story.sale, replace(story.context, now=due + 10 * SECOND + late))
    told = [event.type for event in decision.events]
    assert told[:3] == ["order.charge.cancel.complete", "order.charge.capture.complete", "order.charge.complete"]


def test_each_told_charge_is_the_charge_of_its_moment() -> None:
    story = Story(an_order(a_line(1000, 1, "0"), a_line(500, 1, "0")))
    story.ask((0, 1, 0), (1, 1, 0))
    story.settle()
    first, last = story.event("order.charge.capture.complete"), story.event("order.charge.capture.complete", 1)
    assert first.charge is not None
    assert last.charge is not None
    assert (first.charge.state, states(first.charge.captures)) == ("processing", ["complete", "pending"])
    assert (last.charge.state, states(last.charge.captures)) == ("complete", ["complete", "complete"])
    assert first.charge in first.sale.charges
    assert story.event("order.charge.complete").sale.order.state == "fulfilled"


def test_a_sale_is_never_changed_in_place() -> None:
    story = Story(an_order_of_2689())
    story.ask((0, 1, 1))
    kept = [(decision.sale, repr(decision.sale)) for decision in story.decisions]
    kept += [(event.sale, repr(event.sale)) for event in story.events]
    story.settle()
    assert [sale for sale, text in kept if repr(sale) != text] == []
