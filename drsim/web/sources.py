"""`/sources`: retrieve, and drsim's own list (the vendor has none). Source: resources page, section 2.6."""

from starlette.requests import Request

from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing("source", {"orderId": "text", "state": "text"}, parent="orderId")


async def retrieve(request: Request) -> Answer:
    """`GET /sources/{id}`."""
    return Answer(await desk.public(request, "source", "Source"))


async def listed(request: Request) -> Answer:
    """`GET /sources`."""
    return await page(request, LISTING)
