from dataclasses import replace

import orjson
import pytest
from pydantic import TypeAdapter

from drsim.domain.clock import MINUTE, SECOND
from drsim.domain.orders import (
    Order,
    cancelled_amount,
    captured_amount,
    captured_units,
    left_amount,
    open_units,
    refundable_amount,
)
from drsim.domain.outcome import Then
from drsim.domain.refundable import refundable_items
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


def test_a_new_order_has_captured_and_cancelled_nothing_and_nothing_to_refund() -> None:
    story = Story(an_order_of_2701())
    assert (captured_amount(story.sale), cancelled_amount(story.sale), refundable_amount(story.sale)) == (0, 0, 0)
    assert (left_amount(story.sale), open_units(story.order)) == (2701, 2)


def test_a_capture_counts_as_captured_while_pending_but_is_not_yet_refundable() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    assert (captured_amount(story.sale), refundable_amount(story.sale)) == (2701, 0)
    story.settle()
    assert (captured_amount(story.sale), refundable_amount(story.sale)) == (2701, 2701)


def test_a_failed_capture_counts_no_more() -> None:
    story = Story(an_order(source=a_source(number="4000 0000 0000 4103")))
    story.fulfil(1)
    assert captured_amount(story.sale) == 1081
    story.settle()
    assert (captured_amount(story.sale), refundable_amount(story.sale)) == (0, 0)


def test_a_cancel_counts_while_pending_and_not_once_it_has_failed() -> None:
    story = Story(an_order(source=a_source(number="4000 0000 0000 4442")))
    story.cancel(1)
    assert cancelled_amount(story.sale) == 1081
    story.settle()
    assert cancelled_amount(story.sale) == 0


def test_what_can_be_refunded_is_each_lines_half_up_share_of_its_captured_units() -> None:
    story = Story(an_order_of_3781())
    story.fulfil(1)
    story.settle()
    assert captured_amount(story.sale) == 1261  # 12.6033 rounded up
    assert refundable_amount(story.sale) == 1260
    assert captured_units(story.sale) == {"item-1": 1}


def test_units_captured_on_two_charges_count_once() -> None:
    story = Story(an_order_of_2689())
    story.fulfil(1)
    story.settle()
    assert captured_units(story.sale) == {"item-1": 1}
    assert refundable_amount(story.sale) == 1345


def test_units_do_not_count_before_they_are_captured_on_all_their_charges() -> None:
    slow_card = a_rule(then=Then("complete", MINUTE), when={"source": {"type": "creditCard"}})
    story = Story(an_order_of_2689(), rules=(slow_card,))
    story.fulfil(1)
    story.advance(10 * SECOND)
    assert captured_units(story.sale) == {}
    assert refundable_amount(story.sale) == 0
    story.settle()
    assert refundable_amount(story.sale) == 1345


@pytest.mark.parametrize(("failing", "captured"), [("creditCard", 1100), ("customerCredit", 245)])
def test_what_one_charge_captured_can_be_refunded_though_the_other_charge_failed(failing: str, captured: int) -> None:
    """Of 13.45, 11.00 was asked of the store credit and 2.45 of the card; what was captured can be given back."""
    story = Story(an_order_of_2689(), rules=(a_rule(when={"source": {"type": failing}}),))
    story.fulfil(1)
    story.settle()
    assert captured_amount(story.sale) == captured
    assert refundable_amount(story.sale) == captured


def test_a_line_asked_for_twice_in_one_request_counts_all_its_units() -> None:
    """Store credit pays the first unit and the card the second; both are captured."""
    story = Story(an_order(a_line(1000, 2, "0"), store_credit=1000))
    story.ask((0, 1, 0), (0, 1, 0))
    story.settle()
    assert captured_amount(story.sale) == 2000
    assert refundable_amount(story.sale) == 2000


def test_an_order_captured_in_full_is_refundable_in_full_even_when_the_last_units_cost_nothing_more() -> None:
    """Rounding up unit by unit uses the money up before the last unit, which then needs no capture of its own."""
    story = Story(an_order(a_line(0, 3, "0", fees=1)))
    for _ in range(3):
        story.fulfil(1)
        story.settle()
    assert (story.order.state, captured_amount(story.sale)) == ("complete", 1)
    assert refundable_amount(story.sale) == 1


def test_refunds_are_taken_off_what_can_be_refunded() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    story.settle()
    assert refundable_amount(replace(story.sale, order=replace(story.order, refunded=1351))) == 1350


def test_of_a_line_only_the_product_and_its_tax_can_be_refunded() -> None:
    story = Story(an_order_of_2701())
    item = story.items[0].id
    assert refundable_items(story.sale, refundable_amount(story.sale)) == {item: 0}
    story.fulfil(1)
    story.advance(MINUTE)
    assert refundable_items(story.sale, refundable_amount(story.sale)) == {item: 1081}
    story.fulfil(1)
    story.settle()
    assert refundable_items(story.sale, refundable_amount(story.sale)) == {item: 2161}


def test_a_line_is_worth_all_it_adds_to_the_total() -> None:
    line = a_line(1000, 2, duties=11, importer_tax=22, fees=33, fees_tax=4)
    story = Story(an_order(line, amount_off=100))
    item = story.items[0]
    assert item.tax == 152  # on 19.00
    assert item.total == 2000 + 152 + 11 + 22 + 33 + 4 - 100 == story.order.totals.total


def test_units_are_open_until_they_are_handled() -> None:
    story = Story(an_order(a_line(1000, 3), a_line(500, 1)))
    story.ask((0, 1, 1))
    assert [item.open for item in story.items] == [1, 1]
    story.cancel(1)
    assert [item.open for item in story.items] == [0, 1]
    assert open_units(story.order) == 1


def test_a_sale_is_due_when_its_first_charge_or_the_order_is() -> None:
    story = Story(an_order_of_2689())
    assert story.sale.due is None
    story.fulfil(2)
    assert story.sale.due == story.now + story.account.delays.capture
    story.advance(story.account.delays.capture)
    assert story.sale.due == story.now + story.account.delays.complete
    story.settle()
    assert story.sale.due is None


def test_a_line_that_was_stored_before_there_were_models_is_the_merchants() -> None:
    stored = orjson.loads(orjson.dumps(Story(an_order()).order))
    assert [line.pop("model") for line in stored["items"]] == ["third-party"]
    read = TypeAdapter(Order).validate_json(orjson.dumps(stored))
    assert [item.model for item in read.items] == ["third-party"]
