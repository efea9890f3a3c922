"""What brings about the events of the coordinated models: an order is handed over, and the fulfiller acts."""

from collections.abc import Callable, Mapping

from drsim.domain.clock import DAY, format_time
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation
from drsim.domain.fulfillment_orders import FulfillmentOrder, FulfillmentOrderItem, Units
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.orders import Order
from drsim.domain.refusal import Refused
from drsim.engine import fulfilling, inventory, requesting
from drsim.engine.work import Work
from drsim.world.errand import Did, Errand

Act = Callable[[Work, str], Did]
"""Something done about the order with this id; says in words what it did."""


def _open_order(work: Work, order_id: str) -> tuple[FulfillmentOrder, Did]:
    """The newest fulfillment order of an order with anything open; else what is left of the order is handed over."""
    present = [each for each in fulfilling.of_order(work, order_id) if each.open]
    return (present[-1], ()) if present else _hand_over(work, order_id)


def _hand_over(work: Work, order_id: str) -> tuple[FulfillmentOrder, Did]:
    order = work.sale(order_id, "orderId").order
    items = _not_handed_over(order, fulfilling.of_order(work, order_id))
    if not items:
        message = f"Nothing of order '{order_id}' is left to be handed over."
        raise Refused("conflict", "event_out_of_reach", message, "orderId")
    for item in items:
        inventory.pair(work, item.inventory_item_id, work.now)
    shipping = {"id": fulfilling.USUAL_SERVICE}
    extra = {"upstreamOrderTime": format_time(order.created), "shipTo": order.ship_to or {}, "shippingChoice": shipping}
    asked = fulfilling.Asked(order.currency, items, fulfilling.USUAL_SERVICE, order_id, extra)
    made = fulfilling.create(work, asked)
    return made, (f"handed order {order_id} over as fulfillment order {made.id}",)


def _not_handed_over(order: Order, others: list[FulfillmentOrder]) -> tuple[FulfillmentOrderItem, ...]:
    handed: dict[str | None, int] = {}
    for item in (item for other in others for item in other.items):
        handed[item.upstream_id] = handed.get(item.upstream_id, 0) + item.quantity - item.cancelled
    left = ((item, min(item.open, item.quantity - item.cancelled - handed.get(item.id, 0))) for item in order.items)
    return tuple(
        FulfillmentOrderItem("", item.sku_id or item.id, count, item.id, extra={"tax": {"amount": 0.0}})
        for item, count in left
        if count > 0
    )


def _pending(work: Work, order_id: str) -> Did:
    return _hand_over(work, order_id)[1]


def _backordered(work: Work, order_id: str) -> Did:
    order, did = _open_order(work, order_id)
    fulfilling.backorder(work, order, (), work.now + DAY, work.now)
    return *did, f"told that fulfillment order {order.id} is on backorder"


def _shipped(work: Work, order_id: str) -> Did:
    order, did = _open_order(work, order_id)
    fulfilling.ship(work, order, (), {}, work.now)
    return *did, f"shipped fulfillment order {order.id}"


def _cancelled(work: Work, order_id: str) -> Did:
    order, did = _open_order(work, order_id)
    fulfilling.cancel(work, order, (), work.now)
    return *did, f"cancelled fulfillment order {order.id}"


def _asked(work: Work, order_id: str) -> tuple[FulfillmentCancellation, Did]:
    order, did = _open_order(work, order_id)
    units = [Units(item.open - item.cancelling, item.id) for item in order.items if item.open > item.cancelling]
    if not units:
        message = f"All of fulfillment order '{order.id}' was asked to be cancelled already."
        raise Refused("conflict", "event_out_of_reach", message, "orderId")
    made = requesting.ask_to_cancel(work, order.id, units, order_id, None)
    return made, (*did, f"asked to cancel fulfillment order {order.id}")


def _cancellation_created(work: Work, order_id: str) -> Did:
    return _asked(work, order_id)[1]


def _cancellation_accepted(work: Work, order_id: str) -> Did:
    made, did = _asked(work, order_id)
    requesting.accept_cancellation(work, made, (), work.now)
    return *did, f"accepted fulfillment cancellation {made.id}"


def _cancellation_rejected(work: Work, order_id: str) -> Did:
    made, did = _asked(work, order_id)
    requesting.reject_cancellation(work, made, work.now)
    return *did, f"rejected fulfillment cancellation {made.id}"


def _announced(work: Work, order_id: str) -> tuple[FulfillmentReturn, Did]:
    returnable = [each for each in fulfilling.of_order(work, order_id) if _left_to_return(each)]
    did: Did = () if returnable else _shipped(work, order_id)
    order = (returnable or fulfilling.of_order(work, order_id))[-1]
    made = requesting.announce_return(work, order.id, _left_to_return(order), (), order_id, None)
    return made, (*did, f"announced the return of fulfillment order {order.id}")


def _left_to_return(order: FulfillmentOrder) -> tuple[Units, ...]:
    left = ((item.id, item.shipped - item.returned - item.returning) for item in order.items)
    return tuple(Units(count, id) for id, count in left if count)


def _return_created(work: Work, order_id: str) -> Did:
    return _announced(work, order_id)[1]


def _return_pending(work: Work, order_id: str) -> Did:
    made, did = _announced(work, order_id)
    requesting.receive(work, made, work.now)
    return *did, f"let fulfillment return {made.id} be on its way"


def _return_accepted(work: Work, order_id: str) -> Did:
    made, did = _announced(work, order_id)
    requesting.accept_return(work, made, (), work.now)
    return *did, f"accepted fulfillment return {made.id}"


def _return_rejected(work: Work, order_id: str) -> Did:
    made, did = _announced(work, order_id)
    requesting.reject_return(work, made, work.now)
    return *did, f"rejected fulfillment return {made.id}"


_HANDED = "an accepted order, which is handed over to the vendor's fulfiller"
_ACTS: Mapping[str, tuple[str, Act]] = {
    "fulfillment_order.pending": (_HANDED, _pending),
    "fulfillment_order.backordered": (f"{_HANDED}, which has to wait for it", _backordered),
    "fulfillment_order.shipped": (f"{_HANDED}, which ships it", _shipped),
    "fulfillment_order.cancelled": (f"{_HANDED}, which cancels it", _cancelled),
    "fulfillment_cancellation.created": (f"{_HANDED}, which is asked to cancel it", _cancellation_created),
    "fulfillment_cancellation.accepted": (f"{_HANDED}, which is asked to cancel it and does", _cancellation_accepted),
    "fulfillment_cancellation.rejected": (f"{_HANDED}, which is asked to cancel it in vain", _cancellation_rejected),
    "fulfillment_return.created": (f"{_HANDED}, shipped, and announced to come back", _return_created),
    "fulfillment_return.pending": (f"{_HANDED}, shipped, and on its way back", _return_pending),
    "fulfillment_return.accepted": (f"{_HANDED}, shipped, and taken back", _return_accepted),
    "fulfillment_return.rejected": (f"{_HANDED}, shipped, and not taken back", _return_rejected),
}

LOGISTICS: Mapping[str, Errand] = {type: Errand(plan, about=act) for type, (plan, act) in _ACTS.items()}
"""The errand of every event of these models: about a new distributed order, or one that is there."""
