"""Fulfillments."""

from drsim.domain.clock import format_time
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.orders import Sale
from drsim.render.parts import Json, put


def fulfillment(it: Fulfillment) -> Json:
    """A fulfillment as it is answered when it is made and listed."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "items": [_fulfilled_item(item) for item in it.items],
        "orderId": it.order_id,
        **it.extra,
    }
    put(shown, metadata=it.metadata)
    return shown | {"liveMode": False}


def operation_ids(sale: Sale, fulfillment_id: str) -> list[str]:
    """The ids of the captures and cancels that a fulfillment has caused, oldest first."""
    operations = [each for charge in sale.charges for each in (*charge.captures, *charge.cancels)]
    caused = [each for each in operations if each.fulfillment_id == fulfillment_id]
    return [each.id for each in sorted(caused, key=lambda each: each.created)]


def _fulfilled_item(it: FulfilledItem) -> Json:
    shown: Json = {"quantity": it.quantity, "cancelQuantity": it.cancel_quantity}
    put(shown, skuId=it.sku_id)
    return shown | {"itemId": it.item_id, **it.extra}
