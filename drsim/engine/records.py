"""How each resource is kept: its public form, what it belongs to, what wakes it, and what lists find it by."""

from collections.abc import Mapping
from typing import Any

import orjson

from drsim import render, versions
from drsim.domain.charges import Charge
from drsim.domain.checkouts import Checkout, Purchase, pricing
from drsim.domain.clock import SECOND, Time
from drsim.domain.customers import Customer, Profile
from drsim.domain.events import AnyEvent, Expansion
from drsim.domain.faults import Fault
from drsim.domain.files import File, FileLink
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation
from drsim.domain.fulfillment_orders import FulfillmentOrder
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.fulfillments import Fulfillment
from drsim.domain.inventory import InventoryItem, Reservation
from drsim.domain.money import exponent
from drsim.domain.orders import Order, Sale
from drsim.domain.outcome import Rule
from drsim.domain.refunds import Refund
from drsim.domain.returns import Return
from drsim.domain.shipments import Shipment
from drsim.domain.skus import Sku
from drsim.domain.sources import Source
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.domain.webhooks import Delivery, Webhook
from drsim.store import DueDelivery, Facets, Record, Value

TYPES: Mapping[str, type] = {
    "order": Order,
    "charge": Charge,
    "source": Source,
    "checkout": Checkout,
    "fulfillment": Fulfillment,
    "refund": Refund,
    "return": Return,
    "event": Expansion,
    "webhook": Webhook,
    "delivery": Delivery,
    "file": File,
    "file_link": FileLink,
    "rule": Rule,
    "fault": Fault,
    "fulfillment_order": FulfillmentOrder,
    "shipment": Shipment,
    "fulfillment_cancellation": FulfillmentCancellation,
    "fulfillment_return": FulfillmentReturn,
    "inventory_item": InventoryItem,
    "reservation": Reservation,
    "customer": Customer,
    "tax identifier": TaxIdentifier,
    "sku": Sku,
}
"""The value that each kind of document holds. Calls are kept in their public form only, and so are events but for what
an expanded one has more."""


def comparable(units: int, currency: str) -> int:
    """An amount in thousandths of the major unit, so that amount filters mean the same in every currency."""
    return int(units * 10 ** (3 - exponent(currency)))


def order_record(sale: Sale, public: bytes) -> Record:
    """An order; it wakes when anything on its sale does."""
    it = sale.order
    return Record("order", it.id, it.created, it, public, lane="", due=sale.due, facets=_order_facets(it))


def charge_record(it: Charge) -> Record:
    """A charge, found by its order and state."""
    facets = frozenset([("state", it.state)])
    return Record("charge", it.id, it.created, it, orjson.dumps(render.charge(it)), it.order_id, facets=facets)


def source_record(it: Source) -> Record:
    """A source, found by its order and state; one that the shopper has not paid wakes to expire, or its order does."""
    facets = frozenset([("state", it.state)])
    due = it.expires if it.is_open and it.order_id is None else None
    public = orjson.dumps(render.source(it))
    return Record("source", it.id, it.created, it, public, it.order_id, lane="", due=due, facets=facets)


def fulfillment_record(it: Fulfillment) -> Record:
    """A fulfillment, found by its order, its SKUs and its tracking."""
    pairs: list[tuple[str, Value]] = [("skuId", item.sku_id) for item in it.items if item.sku_id]
    for holder in (it.extra, *(item.extra for item in it.items)):
        pairs += [(name, holder[name]) for name in ("trackingCompany", "trackingNumber") if name in holder]
    public = orjson.dumps(render.fulfillment(it))
    return Record("fulfillment", it.id, it.created, it, public, it.order_id, facets=frozenset(pairs))


def checkout_record(of: Purchase) -> Record:
    """A checkout, found by its payment session, and by what an order is found by."""
    it = of.checkout
    texts = {
        "sessionId": it.session.id,
        "customerId": it.customer_id,
        "email": it.email,
        "currency": it.currency,
        "upstreamId": it.upstream_id,
        "applicationId": it.application_id,
        "browserIp": it.browser_ip,
        "chargeType": it.charge_type,
        "locale": it.locale,
        "customerType": it.customer_type,
    }
    pairs: list[tuple[str, Value]] = [(name, text) for name, text in texts.items() if text is not None]
    pairs += [("sourceId", each.source_id) for each in it.contributions]
    pairs.append(("totalAmount", comparable(pricing(it).totals.total, it.currency)))
    pairs.append(("updatedTime", it.updated // SECOND))
    return Record("checkout", it.id, it.created, it, orjson.dumps(render.checkout(of)), facets=frozenset(pairs))


def refund_record(sale: Sale, it: Refund) -> Record:
    """A refund, found by its order, SKUs, state, reasons and amounts."""
    texts = {"state": it.state, "reason": it.reason, "failureReason": it.failure_reason}
    pairs: list[tuple[str, Value]] = [(name, text) for name, text in texts.items() if text is not None]
    pairs += [("skuId", item.sku_id) for item in it.items if item.sku_id]
    pairs.append(("refundedAmount", comparable(it.refunded, it.currency)))
    if not it.items:
        pairs.append(("amount", comparable(it.amount, it.currency)))
    public = orjson.dumps(render.refund(sale, it))
    return Record("refund", it.id, it.created, it, public, it.order_id, facets=frozenset(pairs))


def return_record(it: Return) -> Record:
    """A return, found by its order, SKUs and state."""
    pairs: list[tuple[str, Value]] = [("skuId", item.sku_id) for item in it.items if item.sku_id]
    facets = frozenset([("state", it.state), *pairs])
    return Record("return", it.id, it.created, it, orjson.dumps(render.returned(it)), it.order_id, facets=facets)


def event_record(it: AnyEvent, object: Any, webhook_ids: list[str], more: Expansion | None = None) -> Record:
    """An event around its rendered object; with what it has `more` where a webhook gets it expanded."""
    public = orjson.dumps(render.event(it, object, webhook_ids))
    return Record("event", it.id, it.at, more, public, it.order_id, facets=frozenset([("type", it.type)]))


def event_in_version(public: bytes, api_version: str) -> bytes:
    """An event, given in the latest version, as a webhook of this API version gets it."""
    return versions.in_version("event", public, api_version)


def sent_body(delivery: DueDelivery) -> bytes:
    """What is sent for a delivery: its event in the version and form that the webhook gets."""
    shown = orjson.loads(delivery.public)
    event = delivery.event
    if shown.get("expanded") and delivery.more is not None:
        event = versions.expanded(event, orjson.loads(delivery.more)["products"])
    return event_in_version(event, shown.get("apiVersion", "latest"))


def webhook_record(it: Webhook) -> Record:
    """A webhook, found by the types it names."""
    facets: Facets = frozenset(("type", name) for name in it.types)
    return Record("webhook", it.id, it.created, it, orjson.dumps(render.webhook(it)), facets=facets)


def delivery_record(it: Delivery) -> Record:
    """A delivery: it wakes in its webhook's lane, and is found by its event, webhook, type and state."""
    facets: Facets = frozenset([("webhookId", it.webhook_id), ("type", it.type), ("state", it.state)])
    public = orjson.dumps(render.delivery(it))
    return Record("delivery", it.id, it.created, it, public, it.event_id, it.webhook_id, it.due, facets)


def file_record(it: File) -> Record:
    """A file, found by what it is called and, where it was uploaded, its size."""
    texts = {"purpose": it.purpose, "fileName": it.name, "title": it.title, "type": it.type}
    pairs: list[tuple[str, Value]] = [(name, text) for name, text in texts.items() if text is not None]
    if it.size is not None:
        pairs.append(("size", it.size * 1_000))
    return Record("file", it.id, it.created, it, orjson.dumps(render.file(it)), it.order_id, facets=frozenset(pairs))


def content_record(it: File, content: bytes) -> Record:
    """The bytes of a file that was uploaded."""
    return Record("content", it.id, it.created, None, content)


def file_link_record(it: FileLink) -> Record:
    """A link, found by its file and by when it expires."""
    facets: Facets = frozenset([("expires", it.expires)])
    public = orjson.dumps(render.file_link(it))
    return Record("file_link", it.id, it.created, it, public, it.file_id, facets=facets)


def rule_record(it: Rule, now: Time) -> Record:
    """A behavior rule."""
    return Record("rule", it.id, now, it, orjson.dumps(render.rule(it), default=float))


def fault_record(it: Fault, now: Time) -> Record:
    """A fault."""
    return Record("fault", it.id, now, it, orjson.dumps(render.fault(it)))


def fulfillment_order_record(it: FulfillmentOrder) -> Record:
    """A fulfillment order, found by its order and upstream id; it wakes when the automatic fulfiller acts."""
    pairs: list[tuple[str, Value]] = [("updatedTime", it.updated // SECOND)]
    if it.upstream_id is not None:
        pairs.append(("upstreamId", it.upstream_id))
    public, facets = orjson.dumps(render.resource(it)), frozenset(pairs)
    return Record("fulfillment_order", it.id, it.created, it, public, it.order_id, "", it.due, facets)


def shipment_record(it: Shipment) -> Record:
    """A shipment, found by its fulfillment order."""
    facets: Facets = frozenset([("updatedTime", it.created // SECOND)])
    public = orjson.dumps(render.resource(it))
    return Record("shipment", it.id, it.created, it, public, it.fulfillment_order_id, facets=facets)


def request_record(kind: str, it: FulfillmentCancellation | FulfillmentReturn) -> Record:
    """A fulfillment cancellation or return, found by what it is about; it wakes when it is answered."""
    pairs: list[tuple[str, Value]] = [("state", it.state)]
    pairs += [("inventoryItemId", id) for id in {item.inventory_item_id for item in it.items}]
    if it.upstream_id is not None:
        pairs.append(("upstreamId", it.upstream_id))
    public, facets = orjson.dumps(render.resource(it)), frozenset(pairs)
    return Record(kind, it.id, it.created, it, public, it.fulfillment_order_id, "", it.due, facets)


def inventory_item_record(it: InventoryItem) -> Record:
    """An inventory item, found by its part and manufacturer."""
    texts = {"partNumber": it.part_number, "manufacturerId": it.manufacturer_id}
    facets: Facets = frozenset((name, text) for name, text in texts.items() if text is not None)
    return Record("inventory_item", it.id, it.created, it, orjson.dumps(render.inventory_item(it)), facets=facets)


def reservation_record(it: Reservation) -> Record:
    """A reservation; it wakes when it expires."""
    return Record("reservation", it.id, it.created, it, orjson.dumps(render.reservation(it)), None, "", it.due)


def customer_record(profile: Profile) -> Record:
    """A customer, found by email, request to be forgotten and last change."""
    it = profile.customer
    forgotten = "true" if it.request_to_be_forgotten else "false"
    facets = _facets(email=it.email, requestToBeForgotten=forgotten, updatedTime=it.updated // SECOND)
    return Record("customer", it.id, it.created, it, orjson.dumps(render.customer(profile)), facets=facets)


def tax_identifier_record(it: TaxIdentifier) -> Record:
    """A tax identifier, found by its customer, type, value, state and when it reached each."""
    times = {state: time // SECOND for state, time in it.transitions.items()}
    facets = _facets(customerId=it.customer_id, type=it.type, value=it.value, state=it.state, **times)
    return Record("tax identifier", it.id, it.created, it, orjson.dumps(render.tax_identifier(it)), facets=facets)


def sku_record(it: Sku) -> Record:
    """A SKU, found by its codes, part number, group and last change."""
    facets = _facets(
        eccn=it.eccn,
        partNumber=it.part_number,
        hsCode=it.hs_code,
        taxCode=it.tax_code,
        skuGroupId=it.sku_group_id,
        updatedTime=it.updated // SECOND,
    )
    return Record("sku", it.id, it.created, it, orjson.dumps(render.sku(it)), facets=facets)


def _facets(**values: Value | None) -> Facets:
    return frozenset((name, each) for name, each in values.items() if each is not None)


def _order_facets(it: Order) -> Facets:
    texts = {
        "state": it.state,
        "customerId": it.customer_id,
        "email": it.email,
        "currency": it.currency,
        "upstreamId": it.upstream_id,
        "checkoutId": it.checkout_id,
        "applicationId": it.application_id,
        "fraudState": it.fraud_state,
        "browserIp": it.browser_ip,
        "chargeType": it.charge_type,
        "locale": it.locale,
        "customerType": it.customer_type,
    }
    pairs: list[tuple[str, Value]] = [(name, text) for name, text in texts.items() if text is not None]
    pairs += [("skuId", item.sku_id) for item in it.items if item.sku_id]
    pairs += [
        ("totalAmount", comparable(it.totals.total, it.currency)),
        ("updatedTime", it.updated // SECOND),
    ]
    if it.refunded:
        pairs.append(("refundedAmount", comparable(it.refunded, it.currency)))
    pairs += [(state, time // SECOND) for state, time in it.transitions.items()]
    pairs += [(f"fraudStateTransitions.{state}", time // SECOND) for state, time in it.fraud_transitions.items()]
    return frozenset(pairs)
