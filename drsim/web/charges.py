"""`/charges`: retrieve, and drsim's own list (the vendor has none). Source: resources page, section 2.4."""

from starlette.requests import Request

from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing("charge", {"orderId": "text", "state": "text"}, parent="orderId")


async def retrieve(request: Request) -> Answer:
    """`GET /charges/{id}`: the only place that shows failure messages."""
    return Answer(await desk.public(request, "charge", "Charge"))


async def listed(request: Request) -> Answer:
    """`GET /charges`."""
    return await page(request, LISTING)
