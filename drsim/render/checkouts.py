"""Checkouts."""

from collections.abc import Callable
from typing import Any

from drsim.domain.checkouts import (
    Checkout,
    CheckoutItem,
    Purchase,
    is_duty_paid,
    pricing,
    seller_tax_id,
    selling_entity,
)
from drsim.domain.clock import format_time
from drsim.domain.pricing import PricedLine, Pricing
from drsim.render.parts import Json, in_major, put
from drsim.render.sources import embedded_source, session


def checkout(of: Purchase) -> Json:
    """A checkout with its totals; connectors rely on tax, importer tax, duties and fees of every line being there."""
    it, money = of.checkout, in_major(of.checkout.currency)
    priced = pricing(it)
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "updatedTime": format_time(it.updated)}
    put(shown, customerId=it.customer_id)
    shown["currency"] = it.currency
    put(shown, email=it.email, shipTo=it.ship_to, shipFrom=it.ship_from, billTo=it.bill_to)
    shown |= {
        "taxInclusive": it.tax_inclusive,
        "totalAmount": money(priced.totals.total),
        "subtotal": money(priced.totals.subtotal),
        "totalFees": money(priced.totals.fees),
        "totalTax": money(priced.totals.tax),
        "totalImporterTax": money(priced.totals.importer_tax),
        "importerOfRecordTax": is_duty_paid(it),
        "totalDuty": money(priced.totals.duty),
        "totalDiscount": money(priced.totals.discount),
        "totalShipping": money(priced.totals.shipping),
        "items": [_item(item, each, it, money) for item, each in zip(it.items, priced.lines, strict=True)],
    }
    if it.shipping:
        shown["shippingChoice"] = _shipping(it.shipping.shown, priced, money)
    put(shown, metadata=it.metadata, applicationId=it.application_id, upstreamId=it.upstream_id)
    put(shown, browserIp=it.browser_ip, **it.extra)
    return shown | {
        "chargeType": it.charge_type,
        "locale": it.locale,
        "customerType": it.customer_type,
        "sellingEntity": selling_entity(it),
        "liveMode": False,
        "payment": _payment(of, money),
    }


def _item(item: CheckoutItem, priced: PricedLine, of: Checkout, money: Callable[[int], float]) -> Json:
    line = item.line
    shown: Json = {"id": item.id}
    put(shown, skuId=item.sku_id)
    shown |= {"productDetails": item.product, "amount": money(priced.amount), "quantity": line.quantity}
    put(shown, metadata=item.metadata)
    shown |= {
        "tax": {"rate": float(line.tax_rate), "amount": money(priced.tax)},
        "importerTax": {"amount": money(priced.importer_tax)},
        "duties": {"amount": money(priced.duties)},
        "fees": {"amount": money(line.fees), "taxAmount": money(line.fees_tax), "details": []},
        "shipping": {"amount": money(priced.shipping), "taxAmount": money(priced.shipping_tax)},
    }
    put(shown, sellerTaxIdentifier=seller_tax_id(of))
    return {**shown, **item.extra}


def _shipping(choice: Any, priced: Pricing, money: Callable[[int], float]) -> Json:
    shown = dict(choice)
    first = {"id": shown.pop("id")} if "id" in shown else {}
    terms = {"shippingTerms": shown.pop("shippingTerms", "DDP")}
    return {**first, "amount": money(priced.shipping), **shown, "taxAmount": money(priced.shipping_tax), **terms}


def _payment(of: Purchase, money: Callable[[int], float]) -> Json:
    shown: Json = {}
    if of.sources:
        paid = {each.source_id: each.amount for each in of.checkout.contributions}
        shown["sources"] = [embedded_source(each, money(paid[each.id])) for each in of.sources]
    shown["session"] = session(of.checkout.session, money)
    return shown
