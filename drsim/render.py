"""Resources as the latest version of the API shows them: pure functions from domain values to JSON-ready mappings.

Key order, presence of keys and number formats follow the published payloads (resources page, sections 1 and 2;
platform page, 7.3). Amounts become major units here, times text. Older versions are made of these in `versions`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.account import LATEST_VERSION
from drsim.domain.charges import Charge, ChargeRefund, Operation
from drsim.domain.clock import Time, format_millis, format_precise, format_span, format_time
from drsim.domain.events import Event, Expansion
from drsim.domain.faults import CallEffect, DeliveryEffect, Fault
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.money import number, spread
from drsim.domain.orders import (
    Item,
    Order,
    PaymentSession,
    Sale,
    Shipping,
    cancelled_amount,
    captured_amount,
    refundable_amount,
)
from drsim.domain.outcome import Rule, Then
from drsim.domain.refundable import refundable_items
from drsim.domain.refunds import Refund, RefundedItem
from drsim.domain.repay import operations_of
from drsim.domain.sources import Source
from drsim.domain.webhooks import Attempt, Delivery, Webhook

Json = dict[str, Any]

_NO_ITEM_REFUNDS_SHOWN = ("fulfilled", "cancelled", "blocked", "dispute")


def order(sale: Sale, *, expand: bool = False) -> Json:
    """An order; `expand` adds `physical` and `metadata` to the product details of its lines."""
    it, money = sale.order, _money(sale.order.currency)
    available = refundable_amount(sale)
    refundable = refundable_items(sale, available)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    _put(shown, customerId=it.customer_id)
    shown |= {"currency": it.currency, "email": it.email}
    _put(shown, shipTo=it.ship_to, shipFrom=it.ship_from, billTo=it.bill_to)
    shown |= {
        "totalAmount": money(it.totals.total),
        "subtotal": money(it.totals.subtotal),
        "totalFees": money(it.totals.fees),
        "totalTax": money(it.totals.tax),
        "totalImporterTax": money(it.totals.importer_tax),
        "totalDuty": money(it.totals.duty),
        "totalDiscount": money(it.totals.discount),
        "totalShipping": money(it.totals.shipping),
        "items": [_item(item, it, refundable[item.id], money, expand) for item in it.items],
    }
    if it.shipping:
        shown["shippingChoice"] = _shipping(it.shipping, money)
    _put(shown, discount=it.discount, metadata=it.metadata, applicationId=it.application_id)
    _put(shown, upstreamId=it.upstream_id)
    shown["updatedTime"] = format_time(it.updated)
    _put(shown, browserIp=it.browser_ip)
    shown |= {
        "locale": it.locale,
        "customerType": it.customer_type,
        "sellingEntity": it.selling_entity,
        "liveMode": False,
        "payment": _payment(sale, money),
    }
    if it.refunded:
        shown["refundedAmount"] = money(it.refunded)
    shown |= {"state": it.state, "stateTransitions": _times(it.transitions)}
    _put(shown, fraudState=it.fraud_state)
    if it.fraud_transitions:
        shown["fraudStateTransitions"] = _times(it.fraud_transitions)
    shown |= {
        "requestToBeForgotten": it.to_be_forgotten,
        "capturedAmount": money(captured_amount(sale)),
        "cancelledAmount": money(cancelled_amount(sale)),
        "availableToRefundAmount": money(available),
        "checkoutId": it.checkout_id,
    }
    return shown


def order_details(shown: Mapping[str, Any]) -> Json:
    """A shown order as part of a fulfillment: without its payment."""
    return {key: value for key, value in shown.items() if key != "payment"}


def charge(it: Charge) -> Json:
    """A charge as `GET /charges/{id}` shows it, failure messages included."""
    return _charge(it, messages=True)


def source(it: Source) -> Json:
    """A source. Amount and currency are shown of store credit only: card sources are made without them."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "type": it.type}
    if it.secondary:
        shown |= {"currency": it.currency, "amount": number(it.amount, it.currency)}
    shown |= {"reusable": it.reusable, "state": it.state}
    _put(shown, customerId=it.customer_id, upstreamId=it.upstream_id)
    shown["owner"] = it.owner
    if it.secondary:
        shown["paymentSessionId"] = it.session_id
    return shown | {"clientSecret": it.client_secret, it.type: it.details, "liveMode": False}


def fulfillment(it: Fulfillment) -> Json:
    """A fulfillment as it is answered when it is made and listed."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_time(it.created),
        "items": [_fulfilled_item(item) for item in it.items],
        "orderId": it.order_id,
        **it.extra,
    }
    _put(shown, metadata=it.metadata)
    return shown | {"liveMode": False}


def refund(sale: Sale, it: Refund) -> Json:
    """A refund with what its charges paid back, as soon as it is no longer just pending."""
    money = _money(it.currency)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    if not it.items:
        shown["amount"] = money(it.amount)
    shown |= {"currency": it.currency, "items": _refunded_items(it, money), "orderId": it.order_id}
    _put(shown, reason=it.reason, type=it.type, metadata=it.metadata)
    shown |= {"refundedAmount": money(it.refunded), "state": it.state}
    _put(shown, failureReason=it.failure_reason)
    if it.token is not None:
        shown["tokenInformation"] = {"token": it.token.token, "expiresTime": format_millis(it.token.expires)}
    if it.state != "pending":
        shown["charges"] = [
            {
                "id": charge.id,
                "captured": bool(charge.captures),
                "refunded": True,
                "refunds": [_embedded_refund(each, it.currency) for each in taken],
                "sourceId": charge.source_id,
            }
            for charge, taken in operations_of(sale, it.id)
        ]
    return shown | {"liveMode": False}


def _refunded_items(it: Refund, money: Callable[[int], float]) -> list[Json]:
    """The lines of a refund; what was paid back of less than all is spread over them."""
    paid = spread(it.refunded, [item.amount for item in it.items])
    return [_refunded_item(item, refunded, money) for item, refunded in zip(it.items, paid, strict=True)]


def _refunded_item(it: RefundedItem, refunded: int, money: Callable[[int], float]) -> Json:
    shown: Json = {"amount": money(it.amount), "quantity": it.quantity, "refundedAmount": money(refunded)}
    _put(shown, skuId=it.sku_id)
    shown["itemId"] = it.item_id
    _put(shown, type=it.type)
    return shown


def operation_ids(sale: Sale, fulfillment_id: str) -> list[str]:
    """The ids of the captures and cancels that a fulfillment has caused, oldest first."""
    operations = [each for charge in sale.charges for each in (*charge.captures, *charge.cancels)]
    caused = [each for each in operations if each.fulfillment_id == fulfillment_id]
    return [each.id for each in sorted(caused, key=lambda each: each.created)]


def event(it: Event, object: Any, webhook_ids: list[str]) -> Json:
    """An event around its object, which is given ready (a mapping, or JSON text in an `orjson.Fragment`)."""
    data: Json = {"object": object}
    if it.previous is not None:
        data["previousAttributes"] = it.previous
    shown: Json = {
        "id": it.id,
        "type": it.type,
        "data": data,
        "liveMode": False,
        "createdTime": format_precise(it.at),
    }
    if webhook_ids:
        shown["webhookIds"] = webhook_ids
    return shown | {"digitalriverVersion": LATEST_VERSION}


def expansion(it: Order) -> Expansion:
    """What an expanded event shows of this order beyond the plain one."""
    return Expansion(tuple(item.product_more for item in it.items))


def event_charge(it: Charge) -> Json:
    """A charge as events carry it: failure codes without their messages."""
    return _charge(it, messages=False)


def webhook(it: Webhook) -> Json:
    """A webhook; its signing secrets are not part of it."""
    shown: Json = {
        "id": it.id,
        "types": list(it.types),
        "address": it.address,
        "apiVersion": it.api_version,
        "enabled": it.enabled,
        "transportType": it.transport,
    }
    _put(shown, authentication=it.authentication, oauth=it.oauth)
    return shown | {
        "liveMode": False,
        "createdTime": format_millis(it.created),
        "updatedTime": format_millis(it.updated),
    }


def delivery(it: Delivery) -> Json:
    """A delivery with its attempts, as lists show it: without what came back and, unless that was changed, the body."""
    return _delivery(it, [_attempt(each) for each in it.attempts])


def whole_delivery(it: Delivery, event: bytes) -> Json:
    """A delivery with everything that was sent and came back; `event` is what is sent where nothing changes it."""
    return _delivery(it, [_whole_attempt(each, event) for each in it.attempts])


def _delivery(it: Delivery, attempts: list[Json]) -> Json:
    shown: Json = {
        "id": it.id,
        "eventId": it.event_id,
        "type": it.type,
        "webhookId": it.webhook_id,
        "apiVersion": it.api_version,
        "state": it.state,
        "createdTime": format_precise(it.created),
        "attempts": attempts,
    }
    _put(shown, expanded=it.expanded or None, resent=it.resent or None)
    if it.due is not None:
        shown["nextAttemptTime"] = format_precise(it.due)
    if it.fault is not None:
        shown["fault"] = it.fault.fault
    return shown


def _attempt(it: Attempt) -> Json:
    shown: Json = {"time": format_precise(it.at)}
    _put(shown, status=it.status, error=it.error)
    shown |= {"durationMs": it.duration // 1_000, "requestHeaders": it.headers}
    _put(shown, requestBody=it.sent, fault=it.fault, duplicate=it.duplicate or None)
    return shown


def _whole_attempt(it: Attempt, event: bytes) -> Json:
    shown = _attempt(it)
    shown["requestBody"] = event.decode() if it.sent is None else it.sent
    if it.status is not None:
        shown |= {"responseHeaders": it.answer_headers, "responseBody": it.answer}
    return shown


def rule(it: Rule) -> Json:
    """A behavior rule as scenario files write it, with its id and how many `times` it is left."""
    shown: Json = {"id": it.id, "when": {"operation": it.operation, **it.when}, "then": _then(it.then)}
    _put(shown, times=it.left)
    return shown


def _then(it: Then) -> Json:
    shown: Json = {"state": it.state}
    if it.state == "failed":
        shown |= {"failureCode": it.failure.code, "failureMessage": it.failure.message}
    if it.after is not None:
        shown["after"] = format_span(it.after)
    if it.next is not None:
        shown["next"] = _then(it.next)
    return shown


def fault(it: Fault) -> Json:
    """A fault as scenario files write it, with its id and how many `times` it is left."""
    when: Json = {"call": it.pattern} if it.on_call is not None else {"delivery": it.pattern}
    _put(when, to=it.to)
    then = _call_effect(it.on_call) if it.on_call is not None else _delivery_effect(it.on_delivery)
    shown: Json = {"id": it.id, "when": when, "then": then}
    _put(shown, times=it.left, every=it.every if it.every > 1 else None)
    return shown


def _call_effect(it: CallEffect) -> Json:
    shown: Json = {}
    _put(shown, status=it.status, body=it.body, headers=it.headers or None)
    _put(shown, delay=format_span(it.delay) if it.delay else None, drop=True if it.drop == "call" else it.drop)
    return shown


def _delivery_effect(it: DeliveryEffect | None) -> Json:
    it = it or DeliveryEffect()
    shown: Json = {}
    _put(shown, delay=format_span(it.delay) if it.delay else None, drop=it.drop or None)
    _put(shown, duplicate=it.duplicate or None, reorder=it.reorder or None)
    _put(shown, corruptSignature=it.corrupt_signature or None, truncate=it.truncate or None)
    return shown


def _money(currency: str) -> Callable[[int], float]:
    return lambda units: number(units, currency)


def _put(shown: Json, **optional: Any) -> None:
    for key, value in optional.items():
        if value is not None:
            shown[key] = value


def _times(transitions: Mapping[str, Time]) -> Json:
    return {state: format_time(time) for state, time in transitions.items()}


def _item(it: Item, of: Order, refundable: int, money: Callable[[int], float], expand: bool) -> Json:
    shown: Json = {"id": it.id}
    if it.sku_id is not None:
        shown["skuId"] = it.sku_id
    shown |= {
        "productDetails": {**it.product, **it.product_more} if expand else it.product,
        "amount": money(it.amount),
        "quantity": it.quantity,
    }
    if it.metadata is not None:
        shown["metadata"] = it.metadata
    shown |= {
        "state": it.state,
        "stateTransitions": _times(it.transitions),
        "tax": {"rate": float(it.tax_rate), "amount": money(it.tax)},
        "importerTax": {"amount": money(it.importer_tax)},
        "duties": {"amount": money(it.duties)},
    }
    if of.state not in _NO_ITEM_REFUNDS_SHOWN:
        shown["availableToRefundAmount"] = money(refundable)
    return shown | {
        "fees": {"amount": money(it.fees), "taxAmount": money(it.fees_tax)},
        "shipping": {"amount": money(it.shipping), "taxAmount": money(it.shipping_tax)},
    }


def _shipping(it: Shipping, money: Callable[[int], float]) -> Json:
    shown = dict(it.shown)
    first = {"id": shown.pop("id")} if "id" in shown else {}
    terms = {"shippingTerms": shown.pop("shippingTerms")} if "shippingTerms" in shown else {}
    return {**first, "amount": money(it.amount), **shown, "taxAmount": money(it.tax), **terms}


def _payment(sale: Sale, money: Callable[[int], float]) -> Json:
    shown: Json = {}
    if sale.charges:
        shown["charges"] = [_embedded_charge(each) for each in sale.charges]
    shown["sources"] = [_embedded_source(each) for each in sale.sources]
    shown["session"] = _session(sale.order.session, money)
    return shown


def _session(it: PaymentSession, money: Callable[[int], float]) -> Json:
    shown: Json = {
        "id": it.id,
        "amountContributed": money(it.contributed),
        "amountRemainingToBeContributed": money(it.remaining),
        "state": it.state,
        "clientSecret": it.client_secret,
    }
    _put(shown, nextAction=it.next_action)
    return shown


def _embedded_source(it: Source) -> Json:
    shown: Json = {"id": it.id, "type": it.type, "amount": number(it.amount, it.currency), "owner": it.owner}
    _put(shown, upstreamId=it.upstream_id)
    return shown | {it.type: it.details}


def _charge(it: Charge, *, messages: bool) -> Json:
    """A charge on its own; inside an order it is poorer (`_embedded_charge`)."""
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


def _embedded_charge(it: Charge) -> Json:
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
        shown["refunds"] = [_embedded_refund(each, it.currency) for each in it.refunds]
    if it.cancels:
        shown["cancels"] = [_operation(each, it.currency, messages=False) for each in it.cancels]
    return shown | {"sourceId": it.source_id, "type": it.type}


def _embedded_refund(it: ChargeRefund, currency: str) -> Json:
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


def _fulfilled_item(it: FulfilledItem) -> Json:
    shown: Json = {"quantity": it.quantity, "cancelQuantity": it.cancel_quantity}
    _put(shown, skuId=it.sku_id)
    return shown | {"itemId": it.item_id, **it.extra}
