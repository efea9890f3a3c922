"""`/fulfillments`: make, retrieve, list, add tracking. Source: resources page, sections 2.5 and 3.1."""

from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import amend_fulfillment, check_metadata, merged_metadata
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.refusal import missing, not_found
from drsim.engine import records
from drsim.engine.fulfilling import named_shipment
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

if TYPE_CHECKING:
    from drsim.web.bodies.fulfillments import FulfillmentBody, FulfillmentChange

LISTING = Listing(
    "fulfillment",
    {"orderId": "text", "skuId": "text", "trackingCompany": "text", "trackingNumber": "text"},
    parent="orderId",
)

TRACKING = ("trackingCompany", "trackingNumber", "trackingUrl")


async def create(request: Request) -> Answer:
    """`POST /fulfillments`: 201 at once; the captures and cancels it causes end later."""
    from drsim.web.bodies import read
    from drsim.web.bodies.fulfillments import FulfillmentBody

    body = await read(request, FulfillmentBody)
    desk.about_order(request, body.orderId)
    _check_complete(body)
    return Answer(await desk.perform(request, lambda work: _create(work, body)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /fulfillments/{id}`: with the operations it caused and the order as it is now."""
    found = await desk.perform(request, lambda work: _detailed(work, request.path_params["id"]))
    return Answer(desk.in_version(request, "fulfillment", found))


async def listed(request: Request) -> Answer:
    """`GET /fulfillments`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /fulfillments/{id}`: tracking and metadata."""
    from drsim.web.bodies import read
    from drsim.web.bodies.fulfillments import FulfillmentChange

    body = await read(request, FulfillmentChange)
    check_metadata(body.metadata or {})
    return Answer(await desk.perform(request, lambda work: _update(work, request.path_params["id"], body)))


def _check_complete(body: "FulfillmentBody") -> None:
    """What only the fields together can show. Raises `Refused`."""
    if not body.items:
        raise missing("items")
    for index, item in enumerate(body.items):
        if not item.quantity and not item.cancelQuantity:
            raise missing(f"items[{index}].quantity")
        if (item.distributorCost is not None or item.shippingCost is not None) and body.currency is None:
            raise missing("currency")


def _create(work: Work, body: "FulfillmentBody") -> bytes:
    from drsim.web.bodies import sent

    per_item = ("shipmentItemId", *TRACKING, "subfulfillerId", "distributorCost", "shippingCost")
    lines = [Line(item.itemId, item.quantity, item.cancelQuantity, sent(item, *per_item)) for item in body.items]
    extra = sent(body, "shipmentId", *TRACKING, "currency", "partnerId")
    metadata = None if body.metadata is None else merged_metadata(None, body.metadata)
    sale = work.sale(body.orderId, "orderId")
    shipment = named_shipment(work, sale.order, lines, extra)
    decision = fulfill(sale, lines, extra, metadata, work.context())
    work.save(decision, sale)
    if shipment is not None:
        work.put(records.shipment_record(shipment))
    assert decision.fulfillment is not None
    return orjson.dumps(render.fulfillment(decision.fulfillment))


def _detailed(work: Work, id: str) -> bytes:
    fulfillment = work.get("fulfillment", id)
    if fulfillment is None:
        raise not_found("Fulfillment", id)
    sale = work.sale(fulfillment.order_id)
    shown = {
        **render.fulfillment(fulfillment),
        "chargeOperationIds": render.operation_ids(sale, id),
        "orderDetails": render.order_details(render.order(sale, work.base)),
    }
    return orjson.dumps(shown)


def _update(work: Work, id: str, body: "FulfillmentChange") -> bytes:
    from drsim.web.bodies import sent

    fulfillment = work.get("fulfillment", id)
    if fulfillment is None:
        raise not_found("Fulfillment", id)
    items = [(item.itemId, sent(item, *TRACKING)) for item in body.items]
    record = records.fulfillment_record(amend_fulfillment(fulfillment, sent(body, *TRACKING), items, body.metadata))
    work.put(record)
    return record.public or b"{}"
