"""Fulfillment cancellations: asking the fulfiller not to ship units any more, and what it answers.

Source: surroundings page, 2.4, U10 and U11.
"""

from collections.abc import Mapping, Sequence

from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.fulfillment_orders import FulfillmentOrder, Units, units_of
from drsim.domain.states import REQUEST, step
from drsim.domain.values import replace, value

ITEM_IDS = ("fulfillmentOrderItemId", "fulfillmentOrderItemUpstreamId")
"""What the ids of a line are called in requests."""


@value
class RequestItem:
    """One line that is asked for, of a cancellation or a return: `accepted` is how many of its units were granted."""

    item_id: str
    upstream_id: str | None
    inventory_item_id: str
    quantity: int
    accepted: int = 0
    state: str = "pending"


@value
class FulfillmentCancellation:
    """A request to cancel units of a fulfillment order; while it is pending, `due` is when it is answered."""

    id: str
    created: Time
    fulfillment_order_id: str
    items: tuple[RequestItem, ...]
    order_id: str | None = None
    upstream_id: str | None = None
    reason: str | None = None
    state: str = "pending"
    due: Time | None = None


def ask(
    order: FulfillmentOrder, asked: Sequence[Units], upstream_id: str | None, reason: str | None, context: Context
) -> tuple[FulfillmentOrder, FulfillmentCancellation]:
    """Asks for units to be cancelled that are pending or on backorder. Raises `Refused`, also for more (U11).

    Units that another cancellation asks for already cannot be asked for again.
    """
    units = units_of(order, asked, lambda item: item.open - item.cancelling, ITEM_IDS)
    cancellation = FulfillmentCancellation(
        id=context.new_id("fulfillment cancellation"),
        created=context.now,
        fulfillment_order_id=order.id,
        items=request_items(order, units),
        order_id=order.order_id,
        upstream_id=upstream_id,
        reason=reason,
        due=_answered(context),
    )
    return _asking(order, units), cancellation


def request_items(order: FulfillmentOrder, units: Mapping[str, int]) -> tuple[RequestItem, ...]:
    """The lines of a request for so many units of lines by their id."""
    return tuple(
        RequestItem(item.id, item.upstream_id, item.inventory_item_id, units[item.id])
        for item in order.items
        if item.id in units
    )


def open_of(order: FulfillmentOrder, cancellation: FulfillmentCancellation) -> dict[str, int]:
    """What can still be granted of a cancellation: units of lines by their id that were not shipped meanwhile."""
    open_units = {item.id: item.open for item in order.items}
    granted = {item.item_id: min(item.quantity, open_units[item.item_id]) for item in cancellation.items}
    return {id: count for id, count in granted.items() if count}


def answered(
    order: FulfillmentOrder, cancellation: FulfillmentCancellation, granted: Mapping[str, int]
) -> tuple[FulfillmentOrder, FulfillmentCancellation]:
    """The cancellation answered: so many units of lines by their id are granted, or none, which rejects it.

    The units are not cancelled here; they only are not asked for any more.
    """
    items = tuple(granted_item(item, granted.get(item.item_id, 0)) for item in cancellation.items)
    state = step(REQUEST, cancellation.state, "accepted" if granted else "rejected")
    freed = _asking(order, {item.item_id: -item.quantity for item in cancellation.items})
    return freed, replace(cancellation, items=items, state=state, due=None)


def granted_item(item: RequestItem, units: int) -> RequestItem:
    """One line of a request, once it is answered."""
    return replace(item, accepted=units, state=step(REQUEST, item.state, "accepted" if units else "rejected"))


def _answered(context: Context) -> Time | None:
    account = context.account
    waits = account.fulfillment_cancellations == "wait"
    return None if waits else context.now + account.delays.fulfillment_cancellation


def _asking(order: FulfillmentOrder, units: Mapping[str, int]) -> FulfillmentOrder:
    items = (replace(item, cancelling=item.cancelling + units.get(item.id, 0)) for item in order.items)
    return replace(order, items=tuple(items))
