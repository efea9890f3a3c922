"""Whatever the fulfiller says and whoever cancels: every unit is in exactly one place, and none is counted twice."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drsim.domain import fulfillment_cancellations as cancellations
from drsim.domain import fulfillment_orders, fulfillment_returns
from drsim.domain.account import Fulfiller
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation
from drsim.domain.fulfillment_orders import FulfillmentOrder, FulfillmentOrderItem, Units
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.refusal import Refused
from drsim.domain.shipments import Shipment
from tests.domain.builders import START, a_context

CONTEXT = a_context()
LINES = ("a", "b", "c")


def an_order(*quantities: int) -> FulfillmentOrder:
    items = tuple(
        FulfillmentOrderItem(id, f"sku-{id}", quantity, f"line-{id}")
        for id, quantity in zip(LINES, quantities, strict=False)
    )
    return FulfillmentOrder("order", START, START, "USD", items, "SG")


def check(order: FulfillmentOrder) -> None:
    for item in order.items:
        counts = (item.pending, item.backordered, item.shipped, item.cancelled)
        assert sum(counts) == item.quantity
        assert min(counts) >= 0
        assert 0 <= item.returned + item.returning <= item.shipped
        assert item.cancelling >= 0
        assert item.told_backordered <= item.quantity
    states = {item.state for item in order.items}
    assert (order.state == "pending") == bool(states & {"pending", "backordered"})
    assert (order.state == "cancelled") == (states == {"cancelled"})


UNITS = st.lists(st.builds(Units, st.integers(0, 4), st.sampled_from([*LINES, "x"])), max_size=3) | st.lists(
    st.builds(Units, st.integers(1, 4), st.none(), st.sampled_from(["line-a", "line-b"])), max_size=2
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "backorder", "cancel", "ask", "accept", "reject", "announce", "take back"]), UNITS
    ),
    max_size=25,
)


class Life:
    """A fulfillment order, and what was asked about it."""

    def __init__(self, order: FulfillmentOrder) -> None:
        self.order = order
        self.shipments: list[Shipment] = []
        self.asked: list[FulfillmentCancellation] = []
        self.announced: list[FulfillmentReturn] = []
        self.cancelled: dict[str, int] = {}

    def step(self, what: str, units: list[Units]) -> None:
        getattr(self, what.replace(" ", "_"))(units)

    def ship(self, units: list[Units]) -> None:
        self.order, shipment = fulfillment_orders.ship(self.order, units, {}, CONTEXT)
        self.shipments.append(shipment)

    def backorder(self, units: list[Units]) -> None:
        self.order, told = fulfillment_orders.backorder(self.order, units, None, CONTEXT)
        assert all(told.units.values())

    def cancel(self, units: list[Units]) -> None:
        self.order, told = fulfillment_orders.cancel(self.order, units, CONTEXT)
        for id, count in told.units.items():
            self.cancelled[id] = self.cancelled.get(id, 0) + count

    def ask(self, units: list[Units]) -> None:
        if units:
            self.order, asked = cancellations.ask(self.order, units, None, None, CONTEXT)
            self.asked.append(asked)

    def accept(self, units: list[Units]) -> None:
        self._answer(lambda asked: cancellations.open_of(self.order, asked))

    def reject(self, units: list[Units]) -> None:
        self._answer(lambda asked: {})

    def _answer(self, grant: Callable[[FulfillmentCancellation], dict[str, int]]) -> None:
        if self.asked:
            asked = self.asked.pop(0)
            granted = grant(asked)
            self.order, answered = cancellations.answered(self.order, asked, granted)
            assert all(0 <= item.accepted <= item.quantity for item in answered.items)
            if granted:
                self.cancel([Units(count, id) for id, count in granted.items()])

    def announce(self, units: list[Units]) -> None:
        if units:
            self.order, announced = fulfillment_returns.announce(self.order, units, (), None, None, CONTEXT)
            self.announced.append(announced)

    def take_back(self, units: list[Units]) -> None:
        if self.announced:
            back = fulfillment_returns.received(self.announced.pop(0), CONTEXT)
            granted = {item.item_id: item.quantity for item in back.items}
            self.order, _ = fulfillment_returns.answered(self.order, back, granted)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), STEPS)
def test_every_unit_is_pending_backordered_shipped_or_cancelled(quantities: list[int], steps: list[Any]) -> None:
    life = Life(an_order(*quantities))
    for what, units in steps:
        before = life.order
        try:
            life.step(what, units)
        except Refused:
            assert life.order is before
        check(life.order)
    for item in life.order.items:
        parcels = [each for parcel in life.shipments for each in parcel.items]
        assert item.shipped == sum(each.quantity for each in parcels if each.fulfillment_order_item_id == item.id)
        assert item.cancelled == life.cancelled.get(item.id, 0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.none() | st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(LINES), st.integers(1, 3)), max_size=3),
)
def test_parcels_of_the_automatic_fulfiller_are_filled_and_leave_alone_what_may_be_cancelled(
    quantities: list[int], most: int | None, asked: list[tuple[str, int]]
) -> None:
    life = Life(an_order(*quantities))
    for id, count in asked:
        try:
            life.ask([Units(count, id)])
        except Refused:
            continue
    free = sum(item.open - item.cancelling for item in life.order.items)
    fulfiller, packed = Fulfiller(1, most), 0
    while parcel := fulfillment_orders.parcel(life.order, fulfiller):
        units = sum(each.quantity for each in parcel)
        packed += units
        assert units == min(most or free, free - packed + units)
        life.ship(list(parcel))
    assert packed == free
    for _ in list(life.asked):
        life.accept([])
    assert life.order.open == 0
