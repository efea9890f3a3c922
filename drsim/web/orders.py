"""`/orders`: retrieve, list and update. Source: resources page, sections 2.1 and 3."""

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import OrderChange, amend_order, check_metadata
from drsim.domain.refusal import Refused
from drsim.engine.ordering import order
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing(
    "order",
    {
        "updatedTime": "time",
        "upstreamIds": "texts",
        "totalAmount": "amount",
        "state": "text",
        "customerId": "text",
        "checkoutId": "text",
        "applicationId": "text",
        "email": "text",
        "currency": "text",
        "skuId": "text",
        "in_review": "time",
        "pending_payment": "time",
        "accepted": "time",
        "blocked": "time",
        "cancelled": "time",
        "fulfilled": "time",
        "complete": "time",
        "returned": "time",
        "fraudState": "text",
        "fraudStateTransitions.blocked": "time",
        "fraudStateTransitions.review_opened": "time",
        "fraudStateTransitions.passed": "time",
        "browserIp": "text",
        "chargeType": "text",
        "subscriptionId": "text",
        "refundedAmount": "amount",
        "locale": "text",
        "customerType": "text",
    },
    {"upstreamIds": "upstreamId"},
)


async def retrieve(request: Request) -> Answer:
    """`GET /orders/{id}`; `expand=true` shows more of the products."""
    desk.about_order(request, request.path_params["id"])
    if request.query_params.get("expand") == "true":
        found = await desk.perform(request, lambda work: _expanded(work, request.path_params["id"]))
    else:
        found = await desk.public(request, "order", "Order")
    return Answer(desk.in_version(request, "order", found))


async def create(request: Request) -> Answer:
    """`POST /orders`: an order of a checkout, 201 accepted, in review or waiting for its payment, or 409."""
    from drsim.web.bodies import read
    from drsim.web.bodies.checkouts import OrderBody

    checkout_id = (await read(request, OrderBody)).checkoutId
    made = await desk.perform(request, lambda work: order(work, checkout_id))
    if isinstance(made, Refused):
        raise made
    desk.about_order(request, orjson.loads(made)["id"])
    return Answer(desk.in_version(request, "order", made), 201)


async def refresh(request: Request) -> Answer:
    """`POST /orders/{id}/refresh`: the order as it is after the shopper came back."""
    desk.about_order(request, request.path_params["id"])
    return Answer(desk.in_version(request, "order", await desk.public(request, "order", "Order")))


async def listed(request: Request) -> Answer:
    """`GET /orders`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /orders/{id}`: upstream id, metadata, the request to be forgotten."""
    from drsim.web.bodies import fitted, json_of
    from drsim.web.bodies.orders import OrderChangeBody

    desk.about_order(request, request.path_params["id"])
    sent = await json_of(request)
    body = fitted(OrderChangeBody, sent)
    check_metadata(body.metadata or {})
    # An upstream id of null takes it away; everywhere else null is the same as absent.
    cleared = "upstreamId" in sent and sent["upstreamId"] is None
    change = OrderChange("" if cleared else body.upstreamId, body.requestToBeForgotten, body.metadata)
    updated = await desk.perform(request, lambda work: _updated(work, request.path_params["id"], change))
    return Answer(desk.in_version(request, "order", updated))


def _expanded(work: Work, id: str) -> bytes:
    return orjson.dumps(render.order(work.sale(id), work.base, expand=True))


def _updated(work: Work, id: str, change: OrderChange) -> bytes:
    sale = work.sale(id)
    return work.save(amend_order(sale, change, work.context()), sale)
