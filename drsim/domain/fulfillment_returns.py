"""Fulfillment returns: sending shipped units back to the fulfiller, and what it says about them.

Source: surroundings page, 2.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.fulfillment_cancellations import ITEM_IDS, RequestItem, granted_item, request_items
from drsim.domain.fulfillment_orders import FulfillmentOrder, Units, units_of
from drsim.domain.states import FULFILLMENT_RETURN, step
from drsim.domain.values import replace, value


@value
class FulfillmentReturn:
    """A return of units of a fulfillment order; `due` is when it next moves on by itself.

    `unit_attributes` are those of single units, by line, as they were sent.
    """

    id: str
    created: Time
    fulfillment_order_id: str
    items: tuple[RequestItem, ...]
    order_id: str | None = None
    upstream_id: str | None = None
    reason: str | None = None
    unit_attributes: Mapping[str, Any] = field(default_factory=dict)
    state: str = "created"
    due: Time | None = None


def announce(
    order: FulfillmentOrder,
    asked: Sequence[Units],
    unit_attributes: Sequence[Any],
    upstream_id: str | None,
    reason: str | None,
    context: Context,
) -> tuple[FulfillmentOrder, FulfillmentReturn]:
    """Announces the return of shipped units. Raises `Refused`, also for more than were shipped and not returned."""
    units = units_of(order, asked, lambda item: item.shipped - item.returned - item.returning, ITEM_IDS)
    known = {item.upstream_id: item.id for item in order.items}
    attributes = {each.id or known[each.upstream_id]: more for each, more in zip(asked, unit_attributes, strict=False)}
    announced = FulfillmentReturn(
        id=context.new_id("fulfillment return"),
        created=context.now,
        fulfillment_order_id=order.id,
        items=request_items(order, units),
        order_id=order.order_id,
        upstream_id=upstream_id,
        reason=reason,
        unit_attributes={id: more for id, more in attributes.items() if more},
        due=context.now + context.account.delays.fulfillment_return,
    )
    return _counted(order, units, returned={}), announced


def received(returned: FulfillmentReturn, context: Context) -> FulfillmentReturn:
    """The goods are on their way; what becomes of them is said later."""
    account = context.account
    due = None if account.fulfillment_returns == "wait" else context.now + account.delays.fulfillment_return
    return replace(returned, state=step(FULFILLMENT_RETURN, returned.state, "pending"), due=due)


def answered(
    order: FulfillmentOrder, returned: FulfillmentReturn, granted: Mapping[str, int]
) -> tuple[FulfillmentOrder, FulfillmentReturn]:
    """The return answered: so many units of lines by their id are accepted, or none, which rejects it."""
    items = tuple(granted_item(item, granted.get(item.item_id, 0)) for item in returned.items)
    state = step(FULFILLMENT_RETURN, returned.state, "accepted" if granted else "rejected")
    asked = {item.item_id: -item.quantity for item in returned.items}
    return _counted(order, asked, granted), replace(returned, items=items, state=state, due=None)


def _counted(order: FulfillmentOrder, asked: Mapping[str, int], returned: Mapping[str, int]) -> FulfillmentOrder:
    items = (
        replace(
            item, returning=item.returning + asked.get(item.id, 0), returned=item.returned + returned.get(item.id, 0)
        )
        for item in order.items
    )
    return replace(order, items=tuple(items))
