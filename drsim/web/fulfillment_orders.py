"""`/fulfillment-orders` and `/shipments`, and the fulfiller's notices. Source: surroundings page, 2.1 to 2.3, U12."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import check_metadata, merged_metadata
from drsim.domain.clock import LAST, Time, format_time
from drsim.domain.fulfillment_orders import FulfillmentOrder, FulfillmentOrderItem, Units
from drsim.domain.money import CURRENCIES
from drsim.domain.refusal import Refused, invalid, missing
from drsim.engine import fulfilling
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page
from drsim.web.times import read_span, read_time

if TYPE_CHECKING:
    from drsim.web.bodies.logistics import FulfillmentOrderBody, FulfillmentOrderItemBody, NoticeItemBody

LISTING = Listing(fulfilling.KIND, {"updatedTime": "time", "upstreamIds": "texts"}, {"upstreamIds": "upstreamId"})
SHIPMENTS = Listing("shipment", {"updatedTime": "time", "fulfillmentOrderId": "text"}, parent="fulfillmentOrderId")


async def create(request: Request) -> Answer:
    """`POST /fulfillment-orders`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import FulfillmentOrderBody

    body = await read(request, FulfillmentOrderBody)
    if body.upstreamId is not None:
        desk.about_order(request, body.upstreamId)
    asked = _asked(body)
    return _shown(await desk.perform(request, lambda work: fulfilling.create(work, asked)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /fulfillment-orders/{id}`."""
    return Answer(await desk.public(request, fulfilling.KIND, "Fulfillment order"))


async def listed(request: Request) -> Answer:
    """`GET /fulfillment-orders`."""
    return await page(request, LISTING)


async def shipment(request: Request) -> Answer:
    """`GET /shipments/{id}`."""
    return Answer(await desk.public(request, "shipment", "Shipment"))


async def shipments(request: Request) -> Answer:
    """`GET /shipments`."""
    return await page(request, SHIPMENTS)


async def ship(request: Request) -> Answer:
    """`POST /_sim/fulfillment-orders/{id}/ship`: a parcel has left; 201 with the shipment."""
    from drsim.web.bodies import read, sent
    from drsim.web.bodies.logistics import ShipBody

    body = await read(request, ShipBody)
    company = {} if body.trackingCompany is None else {"trackingCompanyId": body.trackingCompany.lower()}
    tracking = company | sent(body, "trackingCompany", "trackingNumber", "trackingUrl")

    def action(work: Work) -> Any:
        return fulfilling.ship(work, _order(work, request), _units(body.items), tracking, work.now)

    return _shown(await desk.perform(request, action), 201)


async def backorder(request: Request) -> Answer:
    """`POST /_sim/fulfillment-orders/{id}/backorder`: units are on backorder; answers the fulfillment order."""
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import BackorderBody

    body = await read(request, BackorderBody)

    def action(work: Work) -> Any:
        available = _available(body.availableTime, body.availableIn, work.now)
        return fulfilling.backorder(work, _order(work, request), _units(body.items), available, work.now)

    return _shown(await desk.perform(request, action))


async def cancel(request: Request) -> Answer:
    """`POST /_sim/fulfillment-orders/{id}/cancel`: units will not be shipped; answers the fulfillment order."""
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import CancelBody

    body = await read(request, CancelBody)
    return _shown(
        await desk.perform(
            request, lambda work: fulfilling.cancel(work, _order(work, request), _units(body.items), work.now)
        )
    )


def _shown(resource: Any, status: int = 200) -> Answer:
    return Answer(orjson.dumps(render.resource(resource)), status)


def _order(work: Work, request: Request) -> FulfillmentOrder:
    return fulfilling.find(work, request.path_params["id"])


def _units(items: "Sequence[NoticeItemBody]") -> tuple[Units, ...]:
    return tuple(Units(item.quantity, item.id, item.upstreamId if item.id is None else None) for item in items)


def _available(time: str | None, span_text: str | None, now: Time) -> Time | None:
    """When units on backorder may be there. Raises `Refused`."""
    if time is not None and span_text is not None:
        message = "Give either availableTime or availableIn, not both."
        raise Refused("bad_request", "invalid_parameter", message, "availableIn")
    if span_text is not None:
        return min(LAST, now + read_span("availableIn", span_text))
    return None if time is None else read_time("availableTime", time)


def _asked(body: "FulfillmentOrderBody") -> fulfilling.Asked:
    """What a body asks for. Raises `Refused`."""
    from drsim.web.bodies import sent

    if body.currency not in CURRENCIES:
        raise invalid("currency", body.currency[:100])
    if not body.items:
        raise missing("items")
    check_metadata(body.metadata or {})
    extra = sent(body, "locale")
    extra["upstreamOrderTime"] = format_time(read_time("upstreamOrderTime", body.upstreamOrderTime))
    extra |= sent(body, "name", "email", "phone", "reservationId")
    extra["shipTo"] = body.shipTo.model_dump(exclude_none=True)
    extra["shippingChoice"] = body.shippingChoice.model_dump(exclude_none=True)
    if body.metadata and (metadata := merged_metadata(None, body.metadata)):
        extra["metadata"] = metadata
    return fulfilling.Asked(
        currency=body.currency,
        items=tuple(_item(item, index) for index, item in enumerate(body.items)),
        shipping_choice_id=body.shippingChoice.id,
        upstream_id=body.upstreamId,
        extra=extra,
        reservation_id=body.reservationId,
    )


def _item(body: "FulfillmentOrderItemBody", index: int) -> FulfillmentOrderItem:
    from drsim.web.bodies import sent

    if not body.quantity:
        raise missing(f"items[{index}].quantity")
    extra = sent(body, "subtotal", "total", "name", "giftMessage", "giftWrap")
    if body.tax is not None:
        extra["tax"] = body.tax.model_dump(exclude_none=True)
    return FulfillmentOrderItem("", body.inventoryItemId, body.quantity, body.upstreamId, extra=extra)
