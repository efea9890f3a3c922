"""`/customers`: make, retrieve, list, change, delete, attach tax identifiers, save sources.

Source: surroundings page, section 5.
"""

from starlette.requests import Request

from drsim.domain.refusal import invalid
from drsim.engine import customers
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

LISTING = Listing("customer", {"email": "text", "requestToBeForgotten": "flag", "updatedTime": "time"})


async def create(request: Request) -> Answer:
    """`POST /customers`: with an id of the client's own, or a generated one."""
    from drsim.web.bodies import changes, read
    from drsim.web.bodies.customers import CustomerBody

    sent = changes(await read(request, CustomerBody))
    id = sent.pop("id", None)
    return Answer(await desk.perform(request, lambda work: customers.create(work, id, sent)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /customers/{id}`."""
    return Answer(await desk.public(request, "customer", "Customer"))


async def listed(request: Request) -> Answer:
    """`GET /customers`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /customers/{id}`: any part of it; `""` takes a text away."""
    from drsim.web.bodies import changes, read
    from drsim.web.bodies.customers import CustomerChangeBody

    sent, id = changes(await read(request, CustomerChangeBody)), request.path_params["id"]
    if (given := sent.pop("id", id)) != id:
        raise invalid("id", given[:100], "customer ID")
    return Answer(await desk.perform(request, lambda work: customers.amend(work, id, sent)))


async def delete(request: Request) -> Answer:
    """`DELETE /customers/{id}`: 204; the tax identifiers go as well, and saved sources are cancelled."""
    await desk.perform(request, lambda work: customers.delete(work, request.path_params["id"]))
    return Answer(b"", 204)


async def attach_source(request: Request) -> Answer:
    """`POST /customers/{id}/sources/{sourceId}`: 200 with the source; the body is of no interest."""
    id, source_id = request.path_params["id"], request.path_params["sourceId"]
    return Answer(await desk.perform(request, lambda work: customers.attach_source(work, id, source_id)))


async def detach_source(request: Request) -> Answer:
    """`DELETE /customers/{id}/sources/{sourceId}`: 204; the source is cancelled."""
    id, source_id = request.path_params["id"], request.path_params["sourceId"]
    await desk.perform(request, lambda work: customers.detach_source(work, id, source_id))
    return Answer(b"", 204)


async def attach_tax_identifier(request: Request) -> Answer:
    """`POST /customers/{id}/tax-identifiers/{taxId}`: 200 with the tax identifier."""
    id, tax_id = request.path_params["id"], request.path_params["taxId"]
    return Answer(await desk.perform(request, lambda work: customers.attach_tax_identifier(work, id, tax_id)))
