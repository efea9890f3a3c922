"""`/refunds`: make, retrieve, list, change metadata. Source: resources page, sections 2.7, 3 and 9."""

from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import check_metadata
from drsim.domain.decision import Decision
from drsim.domain.orders import Sale
from drsim.domain.refund import Asked, AskedItem, amend_refund, check_portion, refund
from drsim.domain.refusal import invalid, not_found
from drsim.domain.repay import inform as inform_refund
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

if TYPE_CHECKING:
    from drsim.web.bodies.refunds import RefundBody

LISTING = Listing(
    "refund",
    {
        "orderId": "text",
        "state": "text",
        "skuId": "text",
        "reason": "text",
        "failureReason": "text",
        "refundedAmount": "amount",
        "amount": "amount",
    },
    parent="orderId",
)


async def create(request: Request) -> Answer:
    """`POST /refunds`: 201 at once; the money goes back later."""
    from drsim.web.bodies import read
    from drsim.web.bodies.refunds import RefundBody

    body = await read(request, RefundBody)
    desk.about_order(request, body.orderId)
    asked = _asked(body)
    return Answer(await desk.perform(request, lambda work: _create(work, body.orderId, asked)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /refunds/{id}`."""
    return Answer(await desk.public(request, "refund", "Refund"))


async def listed(request: Request) -> Answer:
    """`GET /refunds`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /refunds/{id}`: metadata."""
    from drsim.web.bodies import read
    from drsim.web.bodies.refunds import RefundChange

    metadata = (await read(request, RefundChange)).metadata or {}
    check_metadata(metadata)

    def action(work: Work) -> bytes:
        id = request.path_params["id"]
        sale = _sale_of(work, id)
        return _saved(work, amend_refund(sale, id, metadata, work.context()), sale)

    return Answer(await desk.perform(request, action))


async def inform(request: Request) -> Answer:
    """`POST /_sim/refunds/{id}/bank`: the customer gives the bank details that the refund waits for."""

    def action(work: Work) -> bytes:
        id = request.path_params["id"]
        sale = _sale_of(work, id)
        return _saved(work, inform_refund(sale, id, work.context()), sale)

    return Answer(await desk.perform(request, action))


def _asked(body: "RefundBody") -> Asked:
    """What a body asks for. Raises `Refused` for fields that do not go together."""
    if body.items and (body.percent is not None or body.amount is not None or body.type is not None):
        field = "type" if body.type is not None else "amount" if body.amount is not None else "percent"
        raise invalid(field, getattr(body, field), "parameter beside items")
    items = tuple(
        AskedItem(
            item.itemId, check_portion(item.percent, item.amount, f"items[{index}]."), item.quantity or None, item.type
        )
        for index, item in enumerate(body.items)
    )
    portion = None if items else check_portion(body.percent, body.amount)
    check_metadata(body.metadata or {})
    return Asked(body.currency, portion, items, body.type, body.reason, body.metadata)


def _create(work: Work, order_id: str, asked: Asked) -> bytes:
    sale = work.sale(order_id, "orderId")
    return _saved(work, refund(sale, asked, work.context()), sale)


def _sale_of(work: Work, id: str) -> Sale:
    """The sale that a refund belongs to. Raises `Refused`."""
    found = work.get("refund", id)
    if found is None:
        raise not_found("Refund", id)
    return work.sale(found.order_id)


def _saved(work: Work, decision: Decision, before: Sale) -> bytes:
    work.save(decision, before)
    assert decision.refund is not None
    return orjson.dumps(render.refund(decision.sale, decision.refund))
