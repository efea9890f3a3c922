"""Refunds."""

from collections.abc import Callable

from drsim.domain.clock import format_millis, format_time
from drsim.domain.money import spread
from drsim.domain.orders import Sale
from drsim.domain.refunds import Refund, RefundedItem
from drsim.domain.repay import operations_of
from drsim.render.charges import embedded_refund
from drsim.render.parts import Json, in_major, put


def refund(sale: Sale, it: Refund) -> Json:
    """A refund with what its charges paid back, as soon as it is no longer just pending."""
    money = in_major(it.currency)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    if not it.items:
        shown["amount"] = money(it.amount)
    shown |= {"currency": it.currency, "items": _refunded_items(it, money), "orderId": it.order_id}
    put(shown, reason=it.reason, type=it.type, metadata=it.metadata)
    shown |= {"refundedAmount": money(it.refunded), "state": it.state}
    put(shown, failureReason=it.failure_reason)
    if it.token is not None:
        shown["tokenInformation"] = {"token": it.token.token, "expiresTime": format_millis(it.token.expires)}
    if it.state != "pending":
        shown["charges"] = [
            {
                "id": charge.id,
                "captured": bool(charge.captures),
                "refunded": True,
                "refunds": [embedded_refund(each, it.currency) for each in taken],
                "sourceId": charge.source_id,
            }
            for charge, taken in operations_of(sale, it.id)
        ]
    return shown | {"liveMode": False}


def _refunded_items(it: Refund, money: Callable[[int], float]) -> list[Json]:
    """The lines of a refund; what was paid back of less than all is spread over them."""
    paid = spread(it.refunded, [item.amount for item in it.items])
    # What a return has led to does not say what was paid back while it is pending (resources page, 2.7).
    hidden = it.return_id is not None and it.state == "pending"
    return [
        _refunded_item(item, None if hidden else refunded, money) for item, refunded in zip(it.items, paid, strict=True)
    ]


def _refunded_item(it: RefundedItem, refunded: int | None, money: Callable[[int], float]) -> Json:
    shown: Json = {"amount": money(it.amount), "quantity": it.quantity}
    put(shown, refundedAmount=None if refunded is None else money(refunded), skuId=it.sku_id)
    shown["itemId"] = it.item_id
    put(shown, type=it.type)
    return shown
