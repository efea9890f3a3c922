"""`/skus` and `/sku-groups`. Source: surroundings page, section 5."""

from typing import Any

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.refusal import invalid
from drsim.domain.skus import GROUPS
from drsim.engine import skus
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, enveloped, limit_of, page

LISTING = Listing(
    "sku",
    {
        "eccn": "text",
        "partNumber": "text",
        "hsCode": "text",
        "taxCode": "text",
        "skuGroupId": "text",
        "updatedTime": "time",
    },
)


async def create(request: Request) -> Answer:
    """`POST /skus`: with an id of the client's own, or a generated one."""
    sent = await _sent(request)
    id = sent.pop("id", None)
    return Answer(await desk.perform(request, lambda work: skus.create(work, id, sent)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /skus/{id}`."""
    return Answer(await desk.public(request, "sku", "SKU"))


async def listed(request: Request) -> Answer:
    """`GET /skus`."""
    return await page(request, LISTING)


async def put(request: Request) -> Answer:
    """`PUT /skus/{id}`: 201 for a new SKU, 200 for one that is there; that is replaced as a whole."""
    id, sent = await _sent_to_path(request)
    public, is_new = await desk.perform(request, lambda work: skus.put(work, id, sent))
    return Answer(public, 201 if is_new else 200)


async def update(request: Request) -> Answer:
    """`POST /skus/{id}`: any part of it; `""` takes a text away, and null `managedFulfillment`."""
    id, sent = await _sent_to_path(request)
    return Answer(await desk.perform(request, lambda work: skus.amend(work, id, sent)))


async def delete(request: Request) -> Answer:
    """`DELETE /skus/{id}`: 204."""
    await desk.perform(request, lambda work: skus.delete(work, request.path_params["id"]))
    return Answer(b"", 204)


async def groups(request: Request) -> Answer:
    """`GET /sku-groups`: the same groups in every account, in pages."""
    await desk.present(request)
    limit, ids = limit_of(request), [group.id for group in GROUPS]
    places = {}
    for name in ("endingBefore", "startingAfter"):
        if id := request.query_params.get(name):
            if id not in ids:
                raise invalid(name, id[:100])
            places[name] = ids.index(id)
    end = places.get("endingBefore")
    start = max(0, end - limit) if end is not None else places.get("startingAfter", -1) + 1
    shown = GROUPS[start : min(start + limit, len(GROUPS) if end is None else end)]
    more = start > 0 if end is not None else start + limit < len(GROUPS)
    return enveloped([orjson.dumps(render.sku_group(group)) for group in shown], more)


async def _sent(request: Request) -> dict[str, Any]:
    """The fields that were sent, under the names of the domain."""
    from drsim.web.bodies import changes, fitted, json_of
    from drsim.web.bodies.skus import SkuBody

    body = await json_of(request)
    sent = changes(fitted(SkuBody, body))
    if "managedFulfillment" in body:
        sent.setdefault("managed_fulfillment", None)
    return sent


async def _sent_to_path(request: Request) -> tuple[str, dict[str, Any]]:
    sent, id = await _sent(request), request.path_params["id"]
    if (given := sent.pop("id", id)) != id:
        raise invalid("id", given[:100], "SKU ID")
    return id, sent
