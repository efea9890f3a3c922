"""`/events`: retrieve and list, thirty days back. Source: platform page, section 7.1."""

from dataclasses import replace

import orjson
from starlette.requests import Request

from drsim.domain.clock import parse_time
from drsim.domain.events import VISIBLE, matching_types
from drsim.domain.refusal import Refused, not_found
from drsim.store import Equal
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, enveloped, query, several

LISTING = Listing("event", {"orderId": "text"}, parent="orderId", exact_time=True)

_MOST_TYPES = 20


async def retrieve(request: Request) -> Answer:
    """`GET /events/{id}`."""
    found = await desk.public(request, "event", "Event")
    simulator, sandbox = desk.simulator_of(request), desk.sandbox_of(request)
    created = parse_time(orjson.loads(found)["createdTime"])
    if created < sandbox.clock.now(simulator.wall()) - VISIBLE:
        raise not_found("Event", request.path_params["id"])
    return Answer(desk.in_version(request, "event", found))


async def listed(request: Request) -> Answer:
    """`GET /events`: `type` may hold `*`, `types` up to twenty exact names, not both."""
    simulator, sandbox = await desk.present(request)
    conditions = _types(request)
    if conditions and not conditions[0].values:
        return enveloped([], False)
    asked = query(request, LISTING, simulator, sandbox, conditions)
    horizon = sandbox.clock.now(simulator.wall()) - VISIBLE
    earliest = horizon if asked.earliest is None else max(horizon, asked.earliest)
    rows, more = simulator.store.reader.page(sandbox.number, replace(asked, earliest=earliest))
    return enveloped([desk.in_version(request, "event", row) for row in rows], more)


def _types(request: Request) -> tuple[Equal, ...]:
    pattern, names = request.query_params.get("type"), several(request, "types")
    if pattern and names:
        message = "Give either type or types, not both."
        raise Refused("bad_request", "invalid_parameter", message, "types")
    if len(names) > _MOST_TYPES:
        message = f"At most {_MOST_TYPES} types can be asked for."
        raise Refused("bad_request", "invalid_parameter", message, "types")
    if pattern:
        return (Equal("type", tuple(matching_types(pattern))),)
    return (Equal("type", names),) if names else ()
