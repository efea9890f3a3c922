"""What the coordinated fulfillment models know: fulfillment orders, shipments, and requests to cancel or return units.

Key names and presence: surroundings page, 2.1 to 2.5.
"""

from collections.abc import Mapping

from drsim.domain.clock import format_time
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation, RequestItem
from drsim.domain.fulfillment_orders import Backorder, Cancelled, FulfillmentOrder, FulfillmentOrderItem
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.shipments import Shipment, ShipmentItem
from drsim.render.parts import Json, put


def fulfillment_order(it: FulfillmentOrder) -> Json:
    """A fulfillment order."""
    return _fulfillment_order(it, it.state, [_item(item, item.state, item.cancelled) for item in it.items])


def cancelled(it: Cancelled) -> Json:
    """What is told when units are cancelled: the fulfillment order as a cancelled one, with just these units (U9)."""
    items = [_item(item, "cancelled", it.units[item.id]) for item in it.order.items if item.id in it.units]
    return _fulfillment_order(it.order, "cancelled", items)


def backorder(it: Backorder) -> Json:
    """What is told when units are on backorder."""
    available = {} if it.available is None else {"availableTime": format_time(it.available)}
    return {
        "id": it.order.id,
        "fulfillmentOrderId": it.order.id,
        **_named(fulfillmentOrderUpstreamId=it.order.upstream_id),
        "items": [
            {
                "fulfillmentOrderItemId": item.id,
                **_named(fulfillmentOrderItemUpstreamId=item.upstream_id),
                "inventoryItemId": item.inventory_item_id,
                "ordered": item.quantity,
                "backordered": it.units[item.id],
                "totalBackordered": item.told_backordered,
                **available,
            }
            for item in it.order.items
            if item.id in it.units
        ],
        "liveMode": False,
    }


def shipment(it: Shipment) -> Json:
    """A shipment."""
    return {
        "id": it.id,
        "createdTime": format_time(it.created),
        "fulfillmentOrderId": it.fulfillment_order_id,
        **_named(fulfillmentOrderUpstreamId=it.fulfillment_order_upstream_id),
        "shippingChoiceId": it.shipping_choice_id,
        **it.tracking,
        "items": [_shipment_item(item, it.tracking) for item in it.items],
        "liveMode": False,
    }


def fulfillment_cancellation(it: FulfillmentCancellation) -> Json:
    """A fulfillment cancellation; the vendor spells `livemode` like this here."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "fulfillmentOrderId": it.fulfillment_order_id,
    }
    put(shown, upstreamId=it.upstream_id, reason=it.reason)
    return shown | {"state": it.state, "items": [_request_item(item) for item in it.items], "livemode": False}


def fulfillment_return(it: FulfillmentReturn) -> Json:
    """A fulfillment return."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "fulfillmentOrderId": it.fulfillment_order_id,
    }
    put(shown, upstreamId=it.upstream_id, reason=it.reason)
    items = []
    for item in it.items:
        shown_item = _request_item(item)
        put(shown_item, unitAttributes=it.unit_attributes.get(item.item_id))
        items.append(shown_item)
    return shown | {"state": it.state, "type": "client", "items": items, "liveMode": False}


def _fulfillment_order(it: FulfillmentOrder, state: str, items: list[Json]) -> Json:
    extra = dict(it.extra)
    metadata = extra.pop("metadata", None)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "currency": it.currency, **extra}
    put(shown, upstreamId=it.upstream_id)
    shown |= {"items": items, "state": state}
    put(shown, metadata=metadata)
    return shown | {"updatedTime": format_time(it.updated), "liveMode": False}


def _item(it: FulfillmentOrderItem, state: str, cancelled_units: int) -> Json:
    return {
        "id": it.id,
        **_named(upstreamId=it.upstream_id),
        "inventoryItemId": it.inventory_item_id,
        "quantity": it.quantity,
        **it.extra,
        "state": state,
        "pending": it.pending,
        "backordered": it.backordered,
        "shipped": it.shipped,
        "cancelled": cancelled_units,
        "returned": it.returned,
    }


def _shipment_item(it: ShipmentItem, tracking: Mapping[str, str]) -> Json:
    shown: Json = {
        "id": it.id,
        "fulfillmentOrderItemId": it.fulfillment_order_item_id,
        **_named(fulfillmentOrderItemUpstreamId=it.fulfillment_order_item_upstream_id),
        "inventoryItemId": it.inventory_item_id,
        **_named(partNumber=it.part_number),
        "quantity": it.quantity,
    }
    number = {name: tracking[name] for name in ("trackingNumber", "trackingUrl") if name in tracking}
    return shown | ({"trackingUrls": [number]} if number else {})


def _request_item(it: RequestItem) -> Json:
    return {
        "fulfillmentOrderItemId": it.item_id,
        **_named(fulfillmentOrderItemUpstreamId=it.upstream_id),
        "inventoryItemId": it.inventory_item_id,
        "quantity": it.quantity,
        "quantityAccepted": it.accepted,
        "state": it.state,
    }


def _named(**optional: str | None) -> Json:
    return {name: each for name, each in optional.items() if each is not None}
