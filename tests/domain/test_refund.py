"""Refunds: what they come to, what they leave, who pays them back, and how they end."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.charges import repayable
from drsim.domain.clock import DAY, MINUTE, SECOND
from drsim.domain.disputes import dispute
from drsim.domain.orders import refundable_amount
from drsim.domain.outcome import Failure, Then
from drsim.domain.place import OrderSpec
from drsim.domain.refund import AskedItem, Portion
from drsim.domain.refundable import left_to_refund, refundable_items
from drsim.domain.refunds import Refund
from tests.domain.builders import (
    Story,
    a_line,
    a_rule,
    a_source,
    an_order,
    an_order_of_2689,
    an_order_of_2701,
    an_order_of_3781,
)

TOO_MUCH = ("invalid_parameter", "amountRequested", "The requested refund amount is greater than the available amount.")


def shipped(spec: OrderSpec | None = None, **more: Any) -> Story:
    story = Story(spec or an_order_of_2701(), **more)
    story.fulfil(*(item.quantity for item in story.items))
    story.settle()
    return story


def item(story: Story, place: int = 0, **asked: Any) -> AskedItem:
    percent, amount = asked.pop("percent", None), asked.pop("amount", None)
    portion = Portion(
        None if percent is None else Decimal(str(percent)), None if amount is None else Decimal(str(amount))
    )
    return AskedItem(story.items[place].id, portion, **asked)


def now(story: Story, refund: Refund) -> Refund:
    return next(each for each in story.sale.refunds if each.id == refund.id)


def left(story: Story) -> tuple[int, list[int]]:
    """What the order and its lines still have to refund."""
    return refundable_amount(story.sale), list(refundable_items(story.sale, refundable_amount(story.sale)).values())


# Published amounts


@pytest.mark.parametrize(
    ("asked", "amount", "after"),
    [
        ({"percent": 50}, 1351, 1350),
        ({"percent": 100}, 2701, 0),
        ({"amount": "27.01"}, 2701, 0),
        ({"percent": 100, "type": "tax"}, 201, 2500),
        ({"amount": "2.01", "type": "tax"}, 201, 2500),
        ({"percent": 100, "type": "shipping"}, 540, 2161),
        ({"percent": 50, "type": "shipping"}, 270, 2431),
    ],
)
def test_an_order_of_2701_is_refunded_as_published(asked: dict[str, Any], amount: int, after: int) -> None:
    story = shipped()
    refund = story.refund(**asked)
    assert (refund.amount, refund.items, refundable_amount(story.sale)) == (amount, (), after)
    story.settle()
    assert (now(story, refund).state, now(story, refund).refunded) == ("succeeded", amount)
    assert (story.order.refunded, refundable_amount(story.sale)) == (amount, after)


def test_half_of_2689_is_1345_and_leaves_1344() -> None:
    story = shipped(an_order_of_2689())
    assert (story.refund(percent=50).amount, refundable_amount(story.sale)) == (1345, 1344)


def test_2160_of_a_line_of_2161_leave_a_cent_and_the_shipping() -> None:
    story = shipped()
    refund = story.refund(item(story, amount="21.60"))
    assert (refund.items[0].quantity, refund.items[0].amount) == (2, 2160)
    assert left(story) == (541, [1])


def test_half_of_a_line_of_4321_is_2161() -> None:
    story = shipped(an_order(a_line(4000, 1)))
    assert story.refund(item(story, percent=50)).amount == 2161


# What a refund is of


def test_a_line_is_refunded_without_its_shipping_fees_duty_and_importer_tax() -> None:
    line = a_line(1000, 2, duties=11, importer_tax=22, fees=33, fees_tax=4)
    story = shipped(an_order(line, shipping=an_order_of_2701().shipping))
    assert story.refund(item(story, percent=100)).amount == 2161
    assert story.refund(item(story, percent=100, type="fees")).amount == 37
    assert story.refund(item(story, percent=100, type="duty")).amount == 11
    assert story.refund(item(story, percent=100, type="shipping")).amount == 540
    assert story.refund(percent=100, type="importer_tax").amount == 22
    assert left(story) == (0, [0])


def test_a_part_of_an_order_never_gives_fees_back_and_the_whole_does() -> None:
    story = shipped(an_order(a_line(1000, 1, "0", fees=500)))
    assert story.refused_refund(amount="10.01").code == TOO_MUCH[0]
    refund = story.refund(amount="10.00")
    assert {share.part for share in refund.shares} == {"product"}
    assert story.refund(percent=100).shares[0].part == "fees"
    assert refundable_amount(story.sale) == 0


def test_a_part_of_an_order_is_taken_from_all_its_lines_in_proportion() -> None:
    story = shipped(an_order(a_line(2000, 1, "0"), a_line(1000, 1, "0")))
    story.refund(percent=50)
    assert left(story) == (1500, [1000, 500])
    story.refund(percent=50)  # of what is left
    assert left(story) == (750, [500, 250])


def test_a_discount_is_not_paid_back() -> None:
    story = shipped(an_order(a_line(1000, 2, "0"), amount_off=500))
    assert left(story) == (1500, [1500])
    assert story.refund(item(story, percent=100)).amount == 1500


def test_units_refunded_one_by_one_come_to_the_line_exactly() -> None:
    story = shipped()
    amounts = [story.refund(item(story, percent=100, quantity=1)).amount for _ in range(2)]
    assert amounts == [1081, 1080]
    assert story.refused_refund(item(story, percent=100, quantity=1)).parameter == "amountRequested"


def test_lines_refunded_one_by_one_come_to_what_was_captured_to_the_cent() -> None:
    """The cancel rounds up, so that the captures come to a cent less than the lines' shares."""
    story = Story(an_order(a_line(100, 3, "0.0034"), a_line(500, 1, "0")))
    story.ask((0, 0, 1), (0, 2, 0), (1, 1, 0))
    story.settle()
    available = refundable_amount(story.sale)
    amounts = [story.refund(item(story, 0, percent=100, quantity=2)).amount]
    amounts.append(story.refund(item(story, 1, percent=100)).amount)
    amounts.append(refundable_amount(story.sale))
    assert (amounts, sum(amounts)) == ([201, 499, 0], available)


def test_only_captured_units_can_be_refunded() -> None:
    story = Story(an_order_of_3781())
    story.fulfil(1)
    assert story.refused_refund(percent=100).parameter == "amountRequested"
    story.settle()
    assert left(story) == (1260, [1080])
    assert story.refused_refund(item(story, percent=100)).parameter == "amountRequested"
    assert story.refund(item(story, percent=100, quantity=1)).amount == 1080
    assert left(story) == (180, [0])


@pytest.mark.parametrize(("currency", "price", "half"), [("JPY", 33, 17), ("KWD", 33333, 16667)])
def test_other_currencies_are_rounded_to_their_own_unit(currency: str, price: int, half: int) -> None:
    story = shipped(an_order(a_line(price, 1, "0"), currency=currency))
    assert story.refund(percent=50).amount == half
    story.settle()
    assert (story.order.refunded, refundable_amount(story.sale)) == (half, price - half)


# Refusals


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"amount": "27.02"}, TOO_MUCH),
        ({"amount": "5.41", "type": "shipping"}, TOO_MUCH),
        ({"percent": 100, "type": "duty"}, TOO_MUCH),
        ({"percent": 99, "type": "tax"}, ("invalid_parameter", "percentRequested", None)),
        ({"amount": "2.00", "type": "tax"}, ("invalid_parameter", "percentRequested", None)),
        ({"percent": 100, "currency": "EUR"}, ("invalid_parameter", "currency", "Currency EUR is not supported.")),
        ({"amount": "1.001"}, ("invalid_parameter", "amount", "'1.001' is not a valid amount.")),
        ({"percent": "0.01"}, ("invalid_parameter", "percent", "'0.01' is not a valid percent.")),
    ],
)
def test_what_cannot_be_refunded_is_refused(asked: dict[str, Any], refusal: tuple[str, str, str | None]) -> None:
    story = shipped(an_order_of_2701() if asked.get("percent") != "0.01" else an_order(a_line(10, 1, "0")))
    refused = story.refused_refund(**asked)
    assert (refused.kind, refused.code, refused.parameter) == ("bad_request", *refusal[:2])
    assert refusal[2] is None or refused.message == refusal[2]


def test_lines_are_looked_at_one_after_the_other() -> None:
    story = shipped()
    half = item(story, percent=60)
    assert story.refused_refund(half, half).parameter == "amountRequested"
    unknown = AskedItem("1", Portion(Decimal(1)))
    assert story.refused_refund(half, unknown).parameter == "items[1].itemId"
    assert story.refused_refund(item(story, percent=1, quantity=3)).parameter == "items[0].quantity"
    assert story.refund(item(story, percent=60), item(story, percent=40)).amount == 2161


def test_an_order_in_dispute_cannot_be_refunded() -> None:
    story = shipped()
    story._take(dispute(story.sale, story.context))
    refused = story.refused_refund(percent=100)
    assert refused.parameter == "order"
    assert refused.message == "A refund cannot be performed while there is a dispute on the order."


# Who pays it back


def test_store_credit_gets_its_own_back_last() -> None:
    story = shipped(an_order_of_2689())
    story.refund(amount="20.00")
    assert [each.amount for each in story.card.refunds] == [1589]
    assert [each.amount for each in story.credit.refunds] == [411]
    story.refund(percent=100)
    assert [repayable(charge) for charge in story.sale.charges] == [0, 0]


def test_several_charges_end_one_refund() -> None:
    story = shipped(an_order_of_2689())
    seen = len(story.events)
    refund = story.refund(percent=100)
    story.settle()
    assert story.told[seen:] == [
        "refund.pending",
        "order.charge.refund.pending",
        "order.charge.refund.pending",
        "order.charge.refund.complete",
        "order.charge.refund.complete",
        "refund.complete",
        "order.refunded",
        "order.credit_memo.created",
    ]
    assert (now(story, refund).refunded, story.order.refunded) == (2689, 2689)


def test_a_refund_that_one_of_two_charges_fails_has_failed_and_tells_what_was_paid_back() -> None:
    rule = a_rule("refund", Then("failed", failure=Failure("declined", "No.")), when={"source": {"type": "creditCard"}})
    story = shipped(an_order_of_2689(), rules=(rule,))
    refund = story.refund(percent=100)
    story.settle()
    ended = now(story, refund)
    assert (ended.state, ended.refunded, ended.failure_reason) == ("failed", 1100, "declined")
    assert sum(share.amount for share in ended.shares) == 1100
    assert (story.order.refunded, refundable_amount(story.sale)) == (1100, 1589)
    assert story.told[-2:] == ["refund.failed", "order.refunded"]


# How it goes on


def test_a_refund_takes_three_seconds_and_its_money_is_gone_at_once() -> None:
    story = shipped()
    refund = story.refund(percent=50)
    assert (story.order.refunded, left(story)) == (0, (1350, [1080]))
    story.advance(3 * SECOND - 1)
    assert now(story, refund).state == "pending"
    story.advance(1)
    assert now(story, refund).state == "succeeded"
    assert story.order.state == "complete"


@pytest.mark.parametrize(("number", "after"), [("4000000000004111", 0), ("4556602564240839", MINUTE)])
def test_a_failed_refund_gives_its_money_back(number: str, after: int) -> None:
    story = shipped(replace(an_order_of_2701(), source=a_source(number=number)))
    before, cells, seen = left(story), left_to_refund(story.sale), len(story.events)
    refund = story.refund(percent=50)
    story.advance(3 * SECOND + after - 1)
    assert now(story, refund).state == "pending"
    story.advance(1)
    assert (now(story, refund).state, now(story, refund).refunded, story.order.refunded) == ("failed", 0, 0)
    assert (left(story), left_to_refund(story.sale)) == (before, cells)
    assert story.told[seen:] == [
        "refund.pending",
        "order.charge.refund.pending",
        "order.charge.refund.failed",
        "refund.failed",
    ]
    assert story.refund(percent=100).amount == 2701


def by_wire(last_name: str = "Marshall") -> Story:
    spec = replace(an_order_of_2701(), source=a_source("wireTransfer", last_name=last_name))
    return shipped(spec)


def test_a_wire_transfer_goes_back_once_the_customer_has_given_bank_details() -> None:
    story = by_wire()
    seen = len(story.events)
    refund = story.refund(percent=100)
    story.advance(DAY)
    waiting = now(story, refund)
    assert waiting.state == "pending_information"
    assert waiting.token is not None
    assert refundable_amount(story.sale) == 0
    story.inform(refund)
    story.advance(3 * SECOND)
    assert (now(story, refund).state, now(story, refund).token, story.order.refunded) == ("succeeded", None, 2701)
    assert story.told[seen:] == [
        "refund.pending",
        "order.charge.refund.pending",
        "refund.pending_information",
        "order.charge.refund.complete",
        "refund.complete",
        "order.refunded",
    ]


def test_bank_details_that_never_come_let_a_refund_expire_after_thirty_days() -> None:
    story = by_wire()
    refund = story.refund(percent=100)
    story.advance(30 * DAY + 3 * SECOND - 1)
    assert now(story, refund).state == "pending_information"
    story.advance(1)
    assert (now(story, refund).state, refundable_amount(story.sale)) == ("expired", 2701)
    assert story.told[-1] == "order.charge.refund.failed"


def test_a_wire_transfer_may_fail_at_once_or_after_the_bank_details() -> None:
    at_once = by_wire("RefundFailWhileCreation")
    refund = at_once.refund(percent=100)
    at_once.advance(3 * SECOND)
    assert now(at_once, refund).state == "failed"
    later = by_wire("RefundFailAfterPaymentInfo")
    refund = later.refund(percent=100)
    later.advance(DAY)
    assert now(later, refund).state == "pending_information"
    later.inform(refund)
    later.settle()
    assert (now(later, refund).state, later.told[-1]) == ("failed", "refund.failed")


def test_a_rule_decides_before_bank_details_are_asked_for() -> None:
    spec = replace(an_order_of_2701(), source=a_source("wireTransfer"))
    story = shipped(spec, rules=(a_rule("refund", Then("complete", MINUTE)),))
    refund = story.refund(percent=100)
    story.advance(MINUTE)
    assert now(story, refund).state == "succeeded"
