"""Fulfillment orders: what the coordinated models hand to the fulfiller, and what its notices make of them.

Every unit of a line is pending, backordered, shipped or cancelled. Source: surroundings page, 2.1 to 2.3 and U8.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from drsim.domain.account import Fulfiller
from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.fulfill import check_order_is_open
from drsim.domain.orders import Order
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.shipments import Shipment, ShipmentItem
from drsim.domain.values import replace, value


@value
class FulfillmentOrderItem:
    """One line; `extra` is shown as it was sent. `upstream_id` is the id of the order's line.

    `told_backordered` is how many units were ever told to be on backorder, `cancelling` how many a cancellation asks
    for that is not decided yet; the fulfiller may still ship those.
    """

    id: str
    inventory_item_id: str
    quantity: int
    upstream_id: str | None = None
    part_number: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    backordered: int = 0
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0
    told_backordered: int = 0
    cancelling: int = 0
    returning: int = 0

    @property
    def pending(self) -> int:
        """Units that nothing has happened to."""
        return self.quantity - self.backordered - self.shipped - self.cancelled

    @property
    def open(self) -> int:
        """Units that can still be shipped or cancelled."""
        return self.pending + self.backordered

    @property
    def state(self) -> str:
        """That of its units that are furthest behind."""
        if self.pending:
            return "pending"
        if self.backordered:
            return "backordered"
        return "shipped" if self.shipped else "cancelled"


@value
class FulfillmentOrder:
    """A fulfillment order. `upstream_id` is what it was made with, `order_id` the order which that names, if any.

    An `orchestrated` one was made by drsim, which makes fulfillments of its notices too. `due` is when the automatic
    fulfiller does something about it, `announced` whether it has told that everything is on backorder.
    """

    id: str
    created: Time
    updated: Time
    currency: str
    items: tuple[FulfillmentOrderItem, ...]
    shipping_choice_id: str
    upstream_id: str | None = None
    order_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    orchestrated: bool = False
    due: Time | None = None
    announced: bool = False

    @property
    def open(self) -> int:
        """Units of all lines that can still be shipped or cancelled."""
        return sum(item.open for item in self.items)

    @property
    def state(self) -> str:
        """Pending as long as anything is open; then shipped, or cancelled if nothing was shipped (U8)."""
        if self.open:
            return "pending"
        return "shipped" if any(item.shipped for item in self.items) else "cancelled"


@value
class Units:
    """So many units of one line, which is named by its own id or by that of the order's line."""

    quantity: int
    id: str | None = None
    upstream_id: str | None = None


@value
class Backorder:
    """What a notice of backorder tells: `units` of lines by their id, and when they may be there."""

    order: FulfillmentOrder
    units: Mapping[str, int]
    available: Time | None

    @property
    def order_id(self) -> str | None:
        """The order that this is about, if any."""
        return self.order.order_id


@value
class Cancelled:
    """What is told when units are cancelled: `units` of lines by their id (U9)."""

    order: FulfillmentOrder
    units: Mapping[str, int]

    @property
    def order_id(self) -> str | None:
        """The order that this is about, if any."""
        return self.order.order_id


def ship(
    order: FulfillmentOrder, asked: Sequence[Units], tracking: Mapping[str, str], context: Context
) -> tuple[FulfillmentOrder, Shipment]:
    """One parcel leaves: with what is asked for, or else with everything open. Pending units go first.

    Raises `Refused` for lines that it does not have and for more units than are open.
    """
    units = _units(order, asked, lambda item: item.open)
    shipment = Shipment(
        id=context.new_id("shipment"),
        created=context.now,
        fulfillment_order_id=order.id,
        fulfillment_order_upstream_id=order.upstream_id,
        order_id=order.order_id,
        shipping_choice_id=order.shipping_choice_id,
        tracking=tracking,
        items=tuple(
            ShipmentItem(
                id=context.new_id("shipment item"),
                fulfillment_order_item_id=item.id,
                fulfillment_order_item_upstream_id=item.upstream_id,
                inventory_item_id=item.inventory_item_id,
                part_number=item.part_number,
                quantity=units[item.id],
            )
            for item in order.items
            if item.id in units
        ),
    )
    return _changed(order, units, _shipped, context.now), shipment


def backorder(
    order: FulfillmentOrder, asked: Sequence[Units], available: Time | None, context: Context
) -> tuple[FulfillmentOrder, Backorder]:
    """The fulfiller has to wait for what is asked for, or else for everything pending. Raises `Refused`."""
    units = _units(order, asked, lambda item: item.pending)
    changed = _changed(order, units, _backordered, context.now)
    return changed, Backorder(changed, units, available)


def cancel(order: FulfillmentOrder, asked: Sequence[Units], context: Context) -> tuple[FulfillmentOrder, Cancelled]:
    """What is asked for, or else everything open, will not be shipped; backorders go first. Raises `Refused`."""
    units = _units(order, asked, lambda item: item.open)
    changed = _changed(order, units, _cancelled, context.now)
    return changed, Cancelled(changed, units)


def units_of(
    order: FulfillmentOrder,
    asked: Sequence[Units],
    available: Callable[[FulfillmentOrderItem], int],
    names: tuple[str, str] = ("id", "upstreamId"),
) -> dict[str, int]:
    """So many units of each line by its id, in the order of the lines. Raises `Refused`: a line that there is none of,
    a quantity of 0, more units than are `available`. `names` are those of the two ids in the request.
    """
    items = {item.id: item for item in order.items}
    by_upstream = {item.upstream_id: item for item in order.items if item.upstream_id is not None}
    counted: dict[str, int] = {}
    for index, each in enumerate(asked):
        place = f"items[{index}]"
        name = names[0] if each.upstream_id is None else names[1]
        given = each.id if each.upstream_id is None else each.upstream_id
        item = items.get(each.id or "") if each.upstream_id is None else by_upstream.get(each.upstream_id)
        if given is None:
            raise missing(f"{place}.{name}")
        if item is None:
            raise invalid(f"{place}.{name}", given, name)
        if not each.quantity:
            raise missing(f"{place}.quantity")
        counted[item.id] = counted.get(item.id, 0) + each.quantity
        if counted[item.id] > available(item):
            raise too_large(f"{place}.quantity", f"Item '{item.id}'", available(item))
    return {id: counted[id] for id in items if id in counted}


def too_large(parameter: str, what: str, available: int) -> Refused:
    """More units are asked for than there are."""
    have = "has no unit" if not available else f"has {available} unit{'s' if available > 1 else ''}"
    return Refused("conflict", "quantity_too_large", f"{what} {have} left for that.", parameter)


def check_handed_over(order: Order, items: Sequence[FulfillmentOrderItem], others: Sequence[FulfillmentOrder]) -> None:
    """Checks what is handed over of an order. Raises `Refused` for one that is not open, for lines that it does not
    have, and for more units than are not in `others` yet.
    """
    check_order_is_open(order, "upstreamId")
    left = {item.id: item.quantity - item.cancelled for item in order.items}
    for each in (item for other in others for item in other.items):
        if each.upstream_id in left:
            left[each.upstream_id] -= each.quantity - each.cancelled
    for index, item in enumerate(items):
        if item.upstream_id is None:
            continue
        if item.upstream_id not in left:
            raise invalid(f"items[{index}].upstreamId", item.upstream_id, "upstreamId")
        if item.quantity > left[item.upstream_id]:
            raise too_large(f"items[{index}].quantity", f"Item '{item.upstream_id}'", max(0, left[item.upstream_id]))
        left[item.upstream_id] -= item.quantity


def waiting(order: FulfillmentOrder) -> dict[str, int]:
    """What the automatic fulfiller can do something about: open units by line, but those that may be cancelled."""
    ready = {item.id: item.open - item.cancelling for item in order.items}
    return {id: count for id, count in ready.items() if count > 0}


def parcel(order: FulfillmentOrder, fulfiller: Fulfiller) -> tuple[Units, ...]:
    """What the automatic fulfiller ships next: no more units than go into one parcel, in the order of the lines."""
    room = fulfiller.parcels_of or order.open
    packed = []
    for id, count in waiting(order).items():
        taken = min(room, count)
        if taken:
            packed.append(Units(taken, id))
            room -= taken
    return tuple(packed)


def _units(
    order: FulfillmentOrder, asked: Sequence[Units], available: Callable[[FulfillmentOrderItem], int]
) -> dict[str, int]:
    if asked:
        return units_of(order, asked, available)
    everything = {item.id: available(item) for item in order.items if available(item)}
    if not everything:
        raise too_large("items", f"Fulfillment order '{order.id}'", 0)
    return everything


Change = Callable[[FulfillmentOrderItem, int], FulfillmentOrderItem]


def _changed(order: FulfillmentOrder, units: Mapping[str, int], change: Change, now: Time) -> FulfillmentOrder:
    items = tuple(change(item, units[item.id]) if item.id in units else item for item in order.items)
    changed = replace(order, items=items, updated=now)
    return changed if changed.open else replace(changed, due=None)


def _shipped(item: FulfillmentOrderItem, units: int) -> FulfillmentOrderItem:
    late = max(0, units - item.pending)
    return replace(item, shipped=item.shipped + units, backordered=item.backordered - late)


def _backordered(item: FulfillmentOrderItem, units: int) -> FulfillmentOrderItem:
    return replace(item, backordered=item.backordered + units, told_backordered=item.told_backordered + units)


def _cancelled(item: FulfillmentOrderItem, units: int) -> FulfillmentOrderItem:
    late = min(units, item.backordered)
    return replace(item, cancelled=item.cancelled + units, backordered=item.backordered - late)
