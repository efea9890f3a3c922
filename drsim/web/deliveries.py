"""Deliveries: every attempt on record, and sending events again. drsim's own."""

from starlette.requests import Request

from drsim import render
from drsim.domain.refusal import Refused, invalid, missing, not_found
from drsim.domain.values import replace
from drsim.domain.webhooks import Delivery
from drsim.engine.resending import Resent, resend_event, resend_lost, resend_since
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer, answer
from drsim.web.lists import Listing, enveloped, query
from drsim.web.times import read_time

LISTING = Listing(
    "delivery",
    {"eventId": "text", "webhookId": "text", "type": "text", "state": "text"},
    parent="eventId",
    exact_time=True,
)


async def listed(request: Request) -> Answer:
    """`GET /_sim/deliveries`: deliveries with their attempts, without what came back.

    Filters: `eventId`, `orderId`, `webhookId`, `type`, `state`, `createdTime` with its ranges.
    """
    simulator, sandbox = await desk.present(request)
    asked = query(request, LISTING, simulator, sandbox)
    reader = simulator.store.reader
    if order_id := request.query_params.get("orderId"):
        events = reader.children(sandbox.number, "event", order_id)
        asked = replace(asked, parents=tuple(id for id in events if asked.parents is None or id in asked.parents))
    return enveloped(*reader.page(sandbox.number, asked))


async def retrieve(request: Request) -> Answer:
    """`GET /_sim/deliveries/{id}`: one delivery with all that was sent and came back."""
    return answer(await desk.perform(request, lambda work: _whole(work, request.path_params["id"])))


async def resend(request: Request) -> Answer:
    """`POST /_sim/events/{id}/resend`: sends an event again, to `webhookId` or to all enabled webhooks that want it."""
    from drsim.web.bodies import read
    from drsim.web.bodies.webhooks import ResendBody

    body, id = await read(request, ResendBody), request.path_params["id"]
    made = await desk.perform(request, lambda work: resend_event(work, id, body.webhookId))
    return Answer(b'{"data":[%s]}' % b",".join(made), 201)


async def resend_to(request: Request) -> Answer:
    """`POST /_sim/webhooks/{id}/resend`: sends what it never got (`{"state": "failed"}`), or all `since` a time."""
    from drsim.web.bodies import read
    from drsim.web.bodies.webhooks import ResendToBody

    body, id = await read(request, ResendToBody), request.path_params["id"]
    if body.state is not None and body.since is not None:
        raise Refused("bad_request", "invalid_parameter", "Give either state or since, not both.", "since")
    if body.state is None and body.since is None:
        raise missing("state")
    if body.since is not None:
        since = read_time("since", body.since)
        return _resent(await desk.perform(request, lambda work: resend_since(work, id, since), long=True))
    if body.state != "failed":
        raise invalid("state", str(body.state)[:100])
    return _resent(await desk.perform(request, lambda work: resend_lost(work, id), long=True))


def _resent(it: Resent) -> Answer:
    return answer({"count": it.events, "hasMore": it.more}, 201)


def _whole(work: Work, id: str) -> object:
    delivery: Delivery | None = work.get("delivery", id)
    if delivery is None:
        raise not_found("Delivery", id)
    return render.whole_delivery(
        delivery, work.transaction.public(work.sandbox.number, "event", delivery.event_id) or b""
    )
