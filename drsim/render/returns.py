"""Returns."""

from drsim.domain.clock import format_time
from drsim.domain.money import number
from drsim.domain.returns import Return, ReturnedItem
from drsim.render.parts import Json, put


def returned(it: Return) -> Json:
    """A return, with the refund that its acceptance led to."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    if it.updated is not None:
        shown["updatedTime"] = format_time(it.updated)
    shown |= {
        "currency": it.currency,
        "items": [_item(item, it.currency) for item in it.items],
        "orderId": it.order_id,
    }
    put(shown, reason=it.reason, location=it.location, metadata=it.metadata, refundIds=it.refund_ids or None)
    return shown | {"state": it.state, "liveMode": False}


def _item(it: ReturnedItem, currency: str) -> Json:
    shown: Json = {
        "itemId": it.item_id,
        "amount": number(it.amount, currency),
        "quantity": it.quantity,
        "quantityAccepted": it.accepted,
    }
    put(shown, skuId=it.sku_id)
    return shown | {"state": it.state}
