"""`/sources`: make, retrieve, drsim's own list, and what shoppers do with them (`/_sim/sources`).

Source: resources page, section 2.6; surroundings page, 4.1 and 4.2.
"""

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.sources import Source
from drsim.engine import sources
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing("source", {"orderId": "text", "state": "text"}, parent="orderId")


async def create(request: Request) -> Answer:
    """`POST /sources`: store credit, or anything where the account allows it."""
    from drsim.web.asked import read_source

    asked = await read_source(request)
    return Answer(await desk.perform(request, lambda work: _shown(sources.create(work, asked))), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /sources/{id}`."""
    return Answer(await desk.public(request, "source", "Source"))


async def listed(request: Request) -> Answer:
    """`GET /sources`."""
    return await page(request, LISTING)


async def pay(request: Request) -> Answer:
    """`POST /_sim/sources/{id}/pay`: the shopper approves, passes the challenge, or the funds arrive."""
    from drsim.web.bodies import read
    from drsim.web.bodies.sources import PayBody

    state = (await read(request, PayBody)).state
    id = request.path_params["id"]
    return Answer(await desk.perform(request, lambda work: _shown(sources.approve(work, id, state))))


async def decline(request: Request) -> Answer:
    """`POST /_sim/sources/{id}/decline`: the shopper does not pay, or fails the challenge."""
    id = request.path_params["id"]
    return Answer(await desk.perform(request, lambda work: _shown(sources.decline(work, id))))


async def expire(request: Request) -> Answer:
    """`POST /_sim/sources/{id}/expire`: the shopper has let the time pass."""
    id = request.path_params["id"]
    return Answer(await desk.perform(request, lambda work: _shown(sources.expire(work, id))))


def _shown(source: Source) -> bytes:
    return orjson.dumps(render.source(source))
