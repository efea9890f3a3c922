from collections.abc import Mapping
from typing import Any

import pytest

from drsim.domain.amend import OrderChange, amend_fulfillment, amend_order, merged_metadata
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.refusal import Refused
from tests.domain.builders import START, Story, a_context, an_order

LATER = START + 1_000_000


@pytest.mark.parametrize(
    ("present", "sent", "merged"),
    [
        (None, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": ""}, {"b": 2}),
        ({"a": 1}, {"a": ""}, None),
        ({"a": 1}, {}, {"a": 1}),
        (None, {}, None),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": 1}, {"a": False}, {"a": False}),
        (None, {"k" * 40: "v" * 500}, {"k" * 40: "v" * 500}),
    ],
)
def test_metadata_is_merged_and_an_empty_value_takes_its_key_away(
    present: dict[str, Any] | None, sent: dict[str, Any], merged: dict[str, Any] | None
) -> None:
    assert merged_metadata(present, sent) == merged


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"": 1}, "invalid_metadata_key"),
        ({"k" * 41: 1}, "invalid_metadata_key"),
        ({"k": "v" * 501}, "invalid_metadata_value"),
        ({"k": ["v" * 500]}, "invalid_metadata_value"),
        ({str(number): 1 for number in range(21)}, "too_many_metadata_pairs"),
    ],
)
def test_metadata_has_limits(sent: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        merged_metadata(None, sent)
    assert (caught.value.kind, caught.value.code) == ("bad_request", code)


def test_the_twentieth_key_fits_and_one_more_only_in_place_of_another() -> None:
    full = {str(number): 1 for number in range(20)}
    assert merged_metadata(full, {"0": "", "new": 1}) is not None
    with pytest.raises(Refused):
        merged_metadata(full, {"new": 1})


def test_a_changed_order_is_told_with_its_old_values() -> None:
    story = Story(an_order(upstream_id="old", metadata={"a": 1, "b": 2}))
    change = OrderChange(upstream_id="new", to_be_forgotten=True, metadata={"b": 3, "c": 4})
    decision = amend_order(story.sale, change, a_context(LATER))
    order = decision.sale.order
    assert (order.upstream_id, order.to_be_forgotten, order.metadata) == ("new", True, {"a": 1, "b": 3, "c": 4})
    assert order.updated == LATER
    assert [event.type for event in decision.events] == ["order.updated"]
    assert decision.events[0].previous == {
        "upstreamId": "old",
        "requestToBeForgotten": False,
        "metadata": {"b": 2, "c": None},
    }
    assert decision.events[0].sale == decision.sale


def test_first_metadata_had_no_value_before() -> None:
    decision = amend_order(Story().sale, OrderChange(metadata={"a": 1}), a_context(LATER))
    assert decision.events[0].previous == {"metadata": None}


def test_an_empty_upstream_id_takes_it_away() -> None:
    decision = amend_order(Story(an_order(upstream_id="old")).sale, OrderChange(upstream_id=""), a_context(LATER))
    assert decision.sale.order.upstream_id is None


@pytest.mark.parametrize(
    "change",
    [
        OrderChange(),
        OrderChange(upstream_id="old"),
        OrderChange(to_be_forgotten=False),
        OrderChange(metadata={"a": 1}),
        OrderChange(metadata={}),
    ],
)
def test_a_change_to_what_is_there_already_changes_and_tells_nothing(change: OrderChange) -> None:
    sale = Story(an_order(upstream_id="old", metadata={"a": 1})).sale
    decision = amend_order(sale, change, a_context(LATER))
    assert (decision.sale, decision.events) == (sale, ())


def test_true_in_place_of_one_is_a_change() -> None:
    """JSON tells `1` from `true`, though Python calls them equal."""
    sale = Story(an_order(metadata={"a": 1})).sale
    decision = amend_order(sale, OrderChange(metadata={"a": True}), a_context(LATER))
    metadata = decision.sale.order.metadata
    assert metadata is not None
    assert metadata["a"] is True
    assert len(decision.events) == 1


def test_refused_metadata_changes_nothing_else() -> None:
    sale = Story(an_order(upstream_id="old")).sale
    with pytest.raises(Refused):
        amend_order(sale, OrderChange(upstream_id="new", metadata={"": 1}), a_context(LATER))
    assert sale.order.upstream_id == "old"


def a_fulfillment(extra: Mapping[str, Any] | None = None) -> Fulfillment:
    items = (FulfilledItem("item-1", "sku", 1, 0, {}), FulfilledItem("item-2", "sku", 0, 1, {"trackingNumber": "1"}))
    return Fulfillment("ful_1", START, "order-1", items, extra or {}, {"a": 1})


def test_tracking_is_added_to_a_fulfillment_as_a_whole_and_per_item() -> None:
    amended = amend_fulfillment(
        a_fulfillment({"trackingCompany": "UPS", "trackingUrl": "http://x"}),
        {"trackingCompany": "DHL", "trackingUrl": None, "trackingNumber": "7"},
        [("item-2", {"trackingNumber": "2"})],
        {"b": 2},
    )
    assert amended.extra == {"trackingCompany": "DHL", "trackingNumber": "7"}
    assert [item.extra for item in amended.items] == [{}, {"trackingNumber": "2"}]
    assert amended.metadata == {"a": 1, "b": 2}
    assert [(item.quantity, item.cancel_quantity) for item in amended.items] == [(1, 0), (0, 1)]


def test_an_item_that_was_not_fulfilled_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        amend_fulfillment(a_fulfillment(), {}, [("item-1", {}), ("item-9", {})], None)
    assert (caught.value.code, caught.value.parameter) == ("invalid_parameter", "items[1].itemId")


def test_an_item_named_twice_gets_both_changes_and_the_wrong_one_is_named_by_its_place() -> None:
    twice = [("item-1", {"trackingNumber": "1", "trackingUrl": "u"}), ("item-1", {"trackingNumber": "2"})]
    amended = amend_fulfillment(a_fulfillment(), {}, twice, None)
    assert amended.items[0].extra == {"trackingNumber": "2", "trackingUrl": "u"}
    with pytest.raises(Refused) as caught:
        amend_fulfillment(a_fulfillment(), {}, [*twice, ("item-9", {})], None)
    assert caught.value.parameter == "items[2].itemId"


def test_without_changes_a_fulfillment_stays_as_it_is() -> None:
    assert amend_fulfillment(a_fulfillment(), {}, [], None) == a_fulfillment()
