from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.clock import SECOND
from drsim.domain.disputes import dispute, lose, win
from drsim.domain.orders import refundable_amount
from drsim.domain.outcome import Then
from drsim.domain.refund import AskedItem, Portion
from drsim.domain.refusal import Refused
from drsim.domain.takeback import Asked, AskedUnits, ReturnChange, change_return, returnable_units, take_back
from tests.domain.builders import Story, a_line, a_rule, an_order, an_order_of_2701, some_shipping


def shipped(spec: Any = None, *units: int, **more: Any) -> Story:
    """An order all of whose units, or so many of each line, were shipped and paid."""
    story = Story(spec or an_order_of_2701(), **more)
    story.fulfil(*(units or tuple(item.quantity for item in story.items)))
    story.settle()
    return story


def refused(story: Story, *items: AskedUnits) -> tuple[str, str | None, str | None]:
    before = repr(story.sale)
    with pytest.raises(Refused) as caught:
        take_back(story.sale, Asked(items), story.context)
    assert repr(story.sale) == before
    return caught.value.kind, caught.value.code, caught.value.parameter


def test_a_line_comes_back_with_its_tax_and_without_shipping() -> None:
    story = shipped()
    made = story.take_back(2)
    assert [(item.amount, item.quantity, item.accepted, item.state) for item in made.items] == [(2161, 2, 0, "created")]
    accepted = story.accept(made)
    assert (accepted.state, accepted.items[0].accepted, accepted.items[0].state) == ("accepted", 2, "accepted")
    story.settle()
    assert [(each.amount, each.state) for each in story.sale.refunds] == [(2161, "succeeded")]
    assert refundable_amount(story.sale) == 540


def test_units_that_come_back_one_by_one_are_worth_the_line_exactly() -> None:
    story = shipped(an_order(a_line(2000, 3)))  # 60.00 and 4.82 of tax
    amounts = [story.take_back(1).items[0].amount for _ in range(3)]
    assert amounts == [2161, 2160, 2161]
    assert sum(amounts) == 6482
    for returned in story.sale.returns:
        story.accept(returned)
    assert [refund.amount for refund in story.sale.refunds] == amounts
    story.settle()
    assert refundable_amount(story.sale) == 0


def test_an_order_and_its_lines_are_returned_with_the_last_unit() -> None:
    story = shipped(an_order(a_line(1000, 2), a_line(500, 1)))
    story.accept(story.take_back(2))
    assert ([item.state for item in story.items], story.order.state) == (["returned", "fulfilled"], "complete")
    story.accept(story.take_back(0, 1))
    assert ([item.state for item in story.items], story.order.state) == (["returned", "returned"], "returned")
    assert story.order.transitions["returned"] == story.now
    assert story.told[-5:] == [
        "return.created",
        "refund.pending",
        "order.charge.refund.pending",
        "return.accepted",
        "order.returned",
    ]


def test_the_events_tell_the_return_as_it_was() -> None:
    story = shipped()
    story.accept(story.take_back(2))
    created, accepted = story.event("return.created").returned, story.event("return.accepted").returned
    assert created is not None
    assert accepted is not None
    assert (created.state, accepted.state, accepted.refund_ids) == ("created", "accepted", (story.sale.refunds[0].id,))
    assert story.event("return.accepted").previous is None


def test_no_money_moves_while_only_a_part_is_accepted() -> None:
    story = shipped(an_order(a_line(1000, 2), a_line(500, 1)))
    made = story.take_back(2, 1)
    partly = story.accept(made, 1, 1)
    assert (partly.state, [item.accepted for item in partly.items]) == ("created", [1, 1])
    assert [item.state for item in partly.items] == ["created", "accepted"]
    assert not story.sale.refunds
    assert story.event("return.updated").previous == {
        "items": [{"quantityAccepted": 0}, {"quantityAccepted": 0, "state": "created"}]
    }
    assert story.order.state == "complete"
    story.accept(made, 1)
    assert (story.sale.returns[0].state, len(story.sale.refunds), story.order.state) == ("accepted", 1, "returned")


def test_accepting_what_is_accepted_changes_nothing() -> None:
    story = shipped()
    accepted = story.accept(story.take_back(2))
    told = len(story.events)
    assert story.accept(accepted) == accepted
    assert len(story.events) == told


def test_only_what_was_shipped_and_is_in_no_return_can_come_back() -> None:
    story = shipped(an_order(a_line(1000, 3)), 2)
    item = story.items[0].id
    assert refused(story, AskedUnits(3, item)) == ("conflict", "quantity_too_large", "items[0].qty")
    story.take_back(1)
    assert returnable_units(story.sale) == {item: 1}
    assert refused(story, AskedUnits(1, item), AskedUnits(1, item))[2] == "items[1].qty"
    assert refused(story, AskedUnits(2, item))[1] == "quantity_too_large"
    story.take_back(1)
    assert refused(story, AskedUnits(1, item))[1] == "quantity_too_large"
    assert refused(story, AskedUnits(1, "17")) == ("bad_request", "invalid_parameter", "items[0].itemId")
    assert refused(story, AskedUnits(1, None, "17")) == ("bad_request", "invalid_parameter", "items[0].skuId")


def test_units_of_a_sku_come_from_its_lines_in_order() -> None:
    story = shipped(an_order(a_line(1000, 2), a_line(500, 2, sku_id="other"), a_line(700, 2)))
    made = take_back(story.sale, Asked((AskedUnits(3, None, "sku"),)), story.context).returned
    assert made is not None
    assert [(item.item_id, item.quantity) for item in made.items] == [(story.items[0].id, 2), (story.items[2].id, 1)]


def test_more_than_was_announced_cannot_be_accepted() -> None:
    story = shipped(an_order(a_line(1000, 3)))
    made = story.take_back(2)
    with pytest.raises(Refused) as caught:
        story.accept(made, 3)
    assert (caught.value.code, caught.value.parameter) == ("quantity_too_large", "items[0].qty")
    assert story.sale.returns == (made,)


def test_what_was_refunded_already_is_not_paid_back_again() -> None:
    story = shipped()
    story.refund(AskedItem(story.items[0].id, Portion(amount=Decimal(20))))
    story.accept(story.take_back(2))
    assert [refund.amount for refund in story.sale.refunds] == [2000, 161]
    story.settle()
    assert story.order.refunded == 2161


def test_a_return_of_what_was_refunded_in_full_leads_to_no_refund() -> None:
    story = shipped()
    story.refund(percent=100)
    story.settle()
    accepted = story.accept(story.take_back(2))
    assert (accepted.state, accepted.refund_ids, len(story.sale.refunds)) == ("accepted", (), 1)
    assert story.order.state == "returned"
    assert story.told[-1] == "order.returned"


def test_an_order_is_returned_once_the_rest_is_cancelled_or_refunded() -> None:
    story = Story(an_order(a_line(1000, 2), a_line(500, 1), a_line(700, 1)))
    story.fulfil(2, 1)
    story.cancel(0, 0, 1)
    story.settle()
    story.accept(story.take_back(2))
    story.settle()
    assert story.order.state == "complete"
    story.refund(AskedItem(story.items[1].id, Portion(percent=Decimal(50))))
    story.settle()
    assert story.order.state == "complete"
    story.refund(AskedItem(story.items[1].id, Portion(percent=Decimal(50))))
    assert story.order.state == "complete"
    story.settle()
    assert story.order.state == "returned"
    assert [item.state for item in story.items] == ["returned", "fulfilled", "cancelled"]


def test_refunds_alone_make_nothing_returned() -> None:
    story = shipped()
    story.refund(percent=100)
    story.settle()
    assert story.order.state == "complete"


def test_what_comes_back_before_the_rest_is_shipped_or_cancelled_is_counted_in_the_end() -> None:
    story = shipped(an_order(a_line(1000, 2), a_line(500, 1)), 1)
    story.accept(story.take_back(1))
    assert ([item.state for item in story.items], story.order.state) == (["created", "created"], "accepted")
    story.cancel(1, 1)
    assert [item.state for item in story.items] == ["returned", "cancelled"]
    story.settle()
    assert story.order.state == "returned"
    assert story.told.index("order.returned") == story.told.index("order.complete") + 1


def test_a_line_that_is_back_does_not_keep_the_others_from_being_cancelled() -> None:
    story = shipped(an_order(a_line(1000, 2), a_line(500, 1)), 2)
    story.accept(story.take_back(2))
    assert story.items[0].state == "returned"
    story.cancel(0, 1)
    story.settle()
    assert story.order.state == "returned"
    assert set(story.order.transitions) == {"accepted", "fulfilled", "complete", "returned"}


def test_a_return_is_not_accepted_while_its_line_is_being_captured() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    made = story.take_back(2)
    before = repr(story.sale)
    with pytest.raises(Refused) as caught:
        story.accept(made)
    assert (caught.value.kind, caught.value.code, caught.value.parameter) == ("conflict", "invalid_state", "state")
    assert repr(story.sale) == before
    story.advance(2 * SECOND)
    assert story.accept(made).refund_ids
    assert story.order.state == "fulfilled"  # it becomes complete a second later
    story.settle()
    assert story.order.state == "returned"


def test_what_was_never_paid_is_not_paid_back() -> None:
    story = shipped(rules=(a_rule("capture", Then("failed")),))
    accepted = story.accept(story.take_back(2))
    assert (accepted.state, accepted.refund_ids, story.items[0].state) == ("accepted", (), "returned")


def test_a_refund_that_fails_leaves_the_return_accepted_and_the_money_refundable() -> None:
    story = shipped(rules=(a_rule("refund", Then("failed"), times=1),))
    story.accept(story.take_back(2))
    story.settle()
    assert (story.sale.refunds[0].state, story.sale.returns[0].state) == ("failed", "accepted")
    assert refundable_amount(story.sale) == 2701
    story.refund(percent=100)
    story.settle()
    assert story.order.refunded == 2701


def test_the_card_pays_back_first_and_store_credit_the_rest() -> None:
    story = shipped(an_order(a_line(1000, 2), shipping=some_shipping(), store_credit=2000))
    story.accept(story.take_back(2))
    assert [each.amount for each in story.card.refunds] == [701]
    assert [each.amount for each in story.credit.refunds] == [1460]


def test_nothing_is_returned_during_a_dispute_and_everything_after_it() -> None:
    story = shipped()
    made = story.take_back(1)
    story._take(dispute(story.sale, story.context))
    assert refused(story, AskedUnits(1, story.items[0].id)) == ("conflict", "invalid_parameter", "order")
    with pytest.raises(Refused, match="A return cannot be performed while there is a dispute on the order"):
        story.accept(made)
    changed = change_return(story.sale, made.id, ReturnChange(metadata={"a": "1"}), story.context).returned
    assert changed is not None
    assert changed.metadata == {"a": "1"}
    story._take(win(story.sale, story.context))
    assert story.accept(made).state == "accepted"


def test_what_the_bank_has_taken_back_is_not_paid_back_by_a_return() -> None:
    story = shipped()
    story._take(dispute(story.sale, story.context))
    story._take(lose(story.sale, None, story.context))
    assert story.accept(story.take_back(2)).refund_ids == ()
    assert story.order.state == "returned"


def test_metadata_is_merged_and_told_with_what_it_was() -> None:
    story = shipped()
    made = story.take_back(1, metadata={"a": "1"}, reason="late", location={"name": "Dock"})
    assert (made.reason, made.location, made.metadata) == ("late", {"name": "Dock"}, {"a": "1"})
    change = ReturnChange(metadata={"b": "2"}, everything=True)
    story._take(change_return(story.sale, made.id, change, story.context))
    assert story.event("return.updated").previous == {"metadata": {"b": None}}
    assert story.told.index("return.updated") < story.told.index("return.accepted")
    assert story.sale.returns[0].metadata == {"a": "1", "b": "2"}
