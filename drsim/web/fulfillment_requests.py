"""`/fulfillment-cancellations` and `/fulfillment-returns`, and the fulfiller's answers to them.

Source: surroundings page, 2.4 and 2.5, U10.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.fulfillment_orders import Units
from drsim.domain.refusal import missing
from drsim.engine import requesting
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

if TYPE_CHECKING:
    from drsim.web.bodies.logistics import RequestItemBody

_FILTERS: Any = {
    "upstreamIds": "texts",
    "state": "text",
    "fulfillmentOrderId": "text",
    "inventoryItemId": "text",
}
CANCELLATIONS = Listing(requesting.CANCELLATION, _FILTERS, {"upstreamIds": "upstreamId"}, parent="fulfillmentOrderId")
RETURNS = Listing(requesting.RETURN, _FILTERS, {"upstreamIds": "upstreamId"}, parent="fulfillmentOrderId")


async def create_cancellation(request: Request) -> Answer:
    """`POST /fulfillment-cancellations`: 201 at once, answered after a while."""
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import FulfillmentCancellationBody

    body = await read(request, FulfillmentCancellationBody)
    asked = _asked(body.items)
    return _shown(
        await desk.perform(
            request,
            lambda work: requesting.ask_to_cancel(work, body.fulfillmentOrderId, asked, body.upstreamId, body.reason),
        ),
        201,
    )


async def cancellation(request: Request) -> Answer:
    """`GET /fulfillment-cancellations/{id}`."""
    return Answer(await desk.public(request, requesting.CANCELLATION, "Fulfillment cancellation"))


async def cancellations(request: Request) -> Answer:
    """`GET /fulfillment-cancellations`."""
    return await page(request, CANCELLATIONS)


async def create_return(request: Request) -> Answer:
    """`POST /fulfillment-returns`: 201 at once, answered after a while."""
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import FulfillmentReturnBody

    body = await read(request, FulfillmentReturnBody)
    asked = _asked(body.items)
    attributes = [item.unitAttributes for item in body.items]

    def action(work: Work) -> Any:
        return requesting.announce_return(
            work, body.fulfillmentOrderId, asked, attributes, body.upstreamId, body.reason
        )

    return _shown(await desk.perform(request, action), 201)


async def returned(request: Request) -> Answer:
    """`GET /fulfillment-returns/{id}`."""
    return Answer(await desk.public(request, requesting.RETURN, "Fulfillment return"))


async def returns(request: Request) -> Answer:
    """`GET /fulfillment-returns`."""
    return await page(request, RETURNS)


async def accept_cancellation(request: Request) -> Answer:
    """`POST /_sim/fulfillment-cancellations/{id}/accept`: all that is still open, or the units of `items`."""
    granted = await _granted(request)
    return await _answered(
        request,
        lambda work, id: requesting.accept_cancellation(
            work, requesting.find_cancellation(work, id), granted, work.now
        ),
    )


async def reject_cancellation(request: Request) -> Answer:
    """`POST /_sim/fulfillment-cancellations/{id}/reject`."""
    return await _answered(
        request,
        lambda work, id: requesting.reject_cancellation(work, requesting.find_cancellation(work, id), work.now),
    )


async def accept_return(request: Request) -> Answer:
    """`POST /_sim/fulfillment-returns/{id}/accept`: all of it, or the units of `items`."""
    granted = await _granted(request)
    return await _answered(
        request,
        lambda work, id: requesting.accept_return(work, requesting.find_return(work, id), granted, work.now),
    )


async def reject_return(request: Request) -> Answer:
    """`POST /_sim/fulfillment-returns/{id}/reject`."""
    return await _answered(
        request, lambda work, id: requesting.reject_return(work, requesting.find_return(work, id), work.now)
    )


async def _granted(request: Request) -> tuple[Units, ...]:
    from drsim.web.bodies import read
    from drsim.web.bodies.logistics import GrantBody

    return _units((await read(request, GrantBody)).items)


async def _answered(request: Request, answer: Callable[[Work, str], Any]) -> Answer:
    return _shown(await desk.perform(request, lambda work: answer(work, request.path_params["id"])))


def _asked(items: "Sequence[RequestItemBody]") -> tuple[Units, ...]:
    if not items:
        raise missing("items")
    return _units(items)


def _units(items: "Sequence[RequestItemBody]") -> tuple[Units, ...]:
    return tuple(Units(item.quantity, item.fulfillmentOrderItemId) for item in items)


def _shown(resource: Any, status: int = 200) -> Answer:
    return Answer(orjson.dumps(render.resource(resource)), status)
