"""`/returns`: announce, accept, retrieve, list, change metadata. Source: surroundings page, section 7."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import check_metadata
from drsim.domain.decision import Decision
from drsim.domain.orders import Sale
from drsim.domain.refusal import invalid, missing, not_found
from drsim.domain.takeback import Asked, AskedUnits, ReturnChange, change_return, take_back
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

if TYPE_CHECKING:
    from drsim.web.bodies.returns import ReturnItemBody

LISTING = Listing("return", {"orderId": "text", "state": "text", "skuId": "text"}, parent="orderId")


async def create(request: Request) -> Answer:
    """`POST /returns`: 201; the money goes back once everything is accepted."""
    from drsim.web.bodies import read
    from drsim.web.bodies.returns import ReturnBody

    body = await read(request, ReturnBody)
    desk.about_order(request, body.orderId)
    if not body.items:
        raise missing("items")
    check_metadata(body.metadata or {})
    asked = Asked(_units(body.items), body.reason, body.location, body.metadata)

    def action(work: Work) -> bytes:
        sale = work.sale(body.orderId, "orderId")
        return _saved(work, take_back(sale, asked, work.context()), sale)

    return Answer(await desk.perform(request, action), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /returns/{id}`."""
    return Answer(await desk.public(request, "return", "Return"))


async def listed(request: Request) -> Answer:
    """`GET /returns`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /returns/{id}`: accepts all of it or some of its units, and changes metadata."""
    from drsim.web.bodies import read
    from drsim.web.bodies.returns import ReturnChangeBody

    body = await read(request, ReturnChangeBody)
    if body.state is not None and body.items:
        raise invalid("state", body.state, "parameter beside items")
    check_metadata(body.metadata or {})
    change = ReturnChange(_units(body.items), body.state is not None, body.metadata)

    def action(work: Work) -> bytes:
        id = request.path_params["id"]
        found = work.get("return", id)
        if found is None:
            raise not_found("Return", id)
        sale = work.sale(found.order_id)
        return _saved(work, change_return(sale, id, change, work.context()), sale)

    return Answer(await desk.perform(request, action))


def _units(items: "Sequence[ReturnItemBody]") -> tuple[AskedUnits, ...]:
    """What the lines of a body name. Raises `Refused` for one that names no item or no quantity."""
    for index, item in enumerate(items):
        if item.itemId is None and item.skuId is None:
            raise missing(f"items[{index}].itemId")
        if not item.quantity:
            raise missing(f"items[{index}].quantity")
    return tuple(AskedUnits(item.quantity, item.itemId, item.skuId) for item in items)


def _saved(work: Work, decision: Decision, before: Sale) -> bytes:
    work.save(decision, before)
    assert decision.returned is not None
    return orjson.dumps(render.returned(decision.returned))
