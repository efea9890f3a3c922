"""Charges with their captures, cancels and refunds."""

from drsim.domain.charges import Charge, ChargeRefund, Operation
from drsim.domain.clock import format_time
from drsim.domain.money import number
from drsim.render.parts import Json


def charge(it: Charge) -> Json:
    """A charge as `GET /charges/{id}` shows it, failure messages included."""
    return _charge(it, messages=True)


def event_charge(it: Charge) -> Json:
    """A charge as events carry it: failure codes without their messages."""
    return _charge(it, messages=False)


def _charge(it: Charge, *, messages: bool) -> Json:
    """A charge on its own; inside an order it is poorer (`embedded_charge`)."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "currency": it.currency,
        "amount": number(it.amount, it.currency),
        "state": it.state,
    }
    if it.failure and it.state == "failed":
        shown["failureCode"] = it.failure.code
        if messages:
            shown["failureMessage"] = it.failure.message
    # True from the first capture on, even when that fails: it says that there are captures to look at.
    shown |= {"orderId": it.order_id, "captured": bool(it.captures)}
    if it.captures:
        shown["captures"] = [_operation(each, it.currency, messages, fulfillment=True) for each in it.captures]
    # As with captures: true even when all refunds have failed.
    shown["refunded"] = bool(it.refunds)
    if it.refunds:
        shown["refunds"] = [_operation(each, it.currency, messages) for each in it.refunds]
    if it.cancels:
        shown["cancels"] = [_operation(each, it.currency, messages) for each in it.cancels]
    return shown | {
        "sourceId": it.source_id,
        "paymentSessionId": it.session_id,
        "type": it.type,
        "liveMode": False,
    }


def embedded_charge(it: Charge) -> Json:
    """A charge inside of an order: poorer than on its own."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "currency": it.currency,
        "amount": number(it.amount, it.currency),
        "state": it.state,
        "captured": bool(it.captures),
    }
    if it.captures:
        shown["captures"] = [_operation(each, it.currency, messages=False) for each in it.captures]
    if it.failure and it.state == "failed":
        shown["failureCode"] = it.failure.code
    shown["refunded"] = bool(it.refunds)
    if it.refunds:
        shown["refunds"] = [embedded_refund(each, it.currency) for each in it.refunds]
    if it.cancels:
        shown["cancels"] = [_operation(each, it.currency, messages=False) for each in it.cancels]
    return shown | {"sourceId": it.source_id, "type": it.type}


def embedded_refund(it: ChargeRefund, currency: str) -> Json:
    """A charge's refund inside of an order or a refund: without its id."""
    shown = _operation(it, currency, messages=False)
    del shown["id"]
    return shown


def _operation(it: Operation | ChargeRefund, currency: str, messages: bool, *, fulfillment: bool = False) -> Json:
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "amount": number(it.amount, currency),
        "state": it.state,
    }
    if it.failure and it.state == "failed":
        shown["failureCode"] = it.failure.code
        if messages:
            shown["failureMessage"] = it.failure.message
    if fulfillment and isinstance(it, Operation) and it.fulfillment_id is not None:
        shown["fulfillmentId"] = it.fulfillment_id
    return shown
