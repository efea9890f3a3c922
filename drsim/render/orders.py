"""Orders."""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.clock import format_time
from drsim.domain.orders import Item, Order, Sale, Shipping, cancelled_amount, captured_amount, refundable_amount
from drsim.domain.refundable import refundable_items
from drsim.render.charges import embedded_charge
from drsim.render.files import documents
from drsim.render.parts import Json, in_major, put, times
from drsim.render.sources import embedded_source, session

_NO_ITEM_REFUNDS_SHOWN = ("fulfilled", "cancelled", "blocked", "dispute")


def order(sale: Sale, base: str = "", *, expand: bool = False) -> Json:
    """An order; `expand` adds `physical` and `metadata` to the product details of its lines.

    `base` is where the server is that has its documents.
    """
    it, money = sale.order, in_major(sale.order.currency)
    available = refundable_amount(sale)
    refundable = refundable_items(sale, available)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    put(shown, customerId=it.customer_id)
    shown |= {"currency": it.currency, "email": it.email}
    put(shown, shipTo=it.ship_to, shipFrom=it.ship_from, billTo=it.bill_to)
    shown |= {
        "totalAmount": money(it.totals.total),
        "subtotal": money(it.totals.subtotal),
        "totalFees": money(it.totals.fees),
        "totalTax": money(it.totals.tax),
        "totalImporterTax": money(it.totals.importer_tax),
        **({"importerOfRecordTax": True} if it.landed else {}),
        "totalDuty": money(it.totals.duty),
        "totalDiscount": money(it.totals.discount),
        "totalShipping": money(it.totals.shipping),
        "items": [_item(item, it, refundable[item.id], money, expand) for item in it.items],
    }
    if it.shipping:
        shown["shippingChoice"] = _shipping(it.shipping, money)
    put(shown, discount=it.discount, metadata=it.metadata, applicationId=it.application_id)
    put(shown, upstreamId=it.upstream_id)
    shown["updatedTime"] = format_time(it.updated)
    put(shown, browserIp=it.browser_ip, **it.extra)
    shown |= {
        "locale": it.locale,
        "customerType": it.customer_type,
        "sellingEntity": it.selling_entity,
        "liveMode": False,
        "payment": _payment(sale, money),
    }
    if it.refunded:
        shown["refundedAmount"] = money(it.refunded)
    shown |= {"state": it.state, "stateTransitions": times(it.transitions)}
    put(shown, fraudState=it.fraud_state)
    if it.fraud_transitions:
        shown["fraudStateTransitions"] = times(it.fraud_transitions)
    shown |= {
        "requestToBeForgotten": it.to_be_forgotten,
        "capturedAmount": money(captured_amount(sale)),
        "cancelledAmount": money(cancelled_amount(sale)),
        "availableToRefundAmount": money(available),
    }
    if it.documents:
        shown |= documents(it, base)
    return shown | {"checkoutId": it.checkout_id}


def order_details(shown: Mapping[str, Any]) -> Json:
    """A shown order as part of a fulfillment: without its payment."""
    return {key: value for key, value in shown.items() if key != "payment"}


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
        "stateTransitions": times(it.transitions),
        "tax": {"rate": float(it.tax_rate), "amount": money(it.tax)},
        "importerTax": {"amount": money(it.importer_tax)},
        "duties": {"amount": money(it.duties)},
    }
    if of.state not in _NO_ITEM_REFUNDS_SHOWN:
        shown["availableToRefundAmount"] = money(refundable)
    return shown | {
        "fees": {"amount": money(it.fees), "taxAmount": money(it.fees_tax)},
        "shipping": {"amount": money(it.shipping), "taxAmount": money(it.shipping_tax)},
        **it.extra,
    }


def _shipping(it: Shipping, money: Callable[[int], float]) -> Json:
    shown = dict(it.shown)
    first = {"id": shown.pop("id")} if "id" in shown else {}
    terms = {"shippingTerms": shown.pop("shippingTerms")} if "shippingTerms" in shown else {}
    return {**first, "amount": money(it.amount), **shown, "taxAmount": money(it.tax), **terms}


def _payment(sale: Sale, money: Callable[[int], float]) -> Json:
    shown: Json = {}
    if sale.charges:
        shown["charges"] = [embedded_charge(each) for each in sale.charges]
    paid = {each.source_id: each.amount for each in sale.order.contributions}
    shown["sources"] = [embedded_source(each, money(paid[each.id])) for each in sale.sources]
    shown["session"] = session(sale.order.session, money)
    return shown
