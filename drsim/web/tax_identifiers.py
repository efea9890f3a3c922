"""`/tax-identifiers`: make, retrieve, list, delete. Source: surroundings page, section 9; platform page, 3.1."""

from starlette.requests import Request

from drsim.engine import customers
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing(
    "tax identifier",
    {"customerId": "text", "type": "text", "value": "text", "state": "text", "pending": "time", "verified": "time"},
)


async def create(request: Request) -> Answer:
    """`POST /tax-identifiers`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.customers import TaxIdentifierBody

    body = await read(request, TaxIdentifierBody)
    public = await desk.perform(request, lambda work: customers.create_tax_identifier(work, body.type, body.value))
    return Answer(public, 201)


async def retrieve(request: Request) -> Answer:
    """`GET /tax-identifiers/{id}`."""
    return Answer(await desk.public(request, "tax identifier", "Tax identifier"))


async def listed(request: Request) -> Answer:
    """`GET /tax-identifiers`."""
    return await page(request, LISTING)


async def delete(request: Request) -> Answer:
    """`DELETE /tax-identifiers/{id}`: 204; its customer loses it."""
    await desk.perform(request, lambda work: customers.delete_tax_identifier(work, request.path_params["id"]))
    return Answer(b"", 204)
