"""The control plane under `/_sim`: what a real backend has no door for. Acts on the sandbox of the key, or the default.

The vendor has nothing like it; everything here is drsim's own.
"""

from typing import Any

from starlette.requests import Request

from drsim.domain.clock import LAST, Span, Time, format_precise, parse_span, parse_time
from drsim.domain.refusal import Refused, missing, not_found
from drsim.domain.webhooks import Webhook
from drsim.engine.sandbox import Sandbox
from drsim.engine.scheduler import Scheduler
from drsim.engine.simulator import Work
from drsim.web import desk
from drsim.web.answers import Answer, answer
from drsim.web.calls import CallLog
from drsim.web.lists import Listing, limit_of, page
from drsim.web.timeline import timeline

DELIVERIES = Listing(
    "delivery", {"eventId": "text", "webhookId": "text", "type": "text", "state": "text"}, parent="eventId"
)
_MOST_CALLS = 1_000


async def clock(request: Request) -> Answer:
    """`GET /_sim/clock`."""
    return answer(await _clock(request))


async def advance(request: Request) -> Answer:
    """`POST /_sim/clock/advance`: `{"by": "7d"}` or `{"to": TIME}`; answers when all that was due has happened."""
    from drsim.web.bodies import AdvanceBody, read

    body = await read(request, AdvanceBody)
    _, sandbox = await desk.present(request)
    now = sandbox.clock.now(desk.simulator_of(request).wall())
    if body.by is not None and body.to is not None:
        raise Refused("bad_request", "invalid_parameter", "Give either by or to, not both.", "to")
    if body.by is not None:
        to = now + span("by", body.by)
    elif body.to is not None:
        to = _time("to", body.to)
    else:
        raise missing("by")
    if to < now:
        raise Refused("bad_request", "invalid_parameter", "Time only moves forward.", "to")
    if to > LAST:
        raise Refused("bad_request", "invalid_parameter", "That is later than drsim can tell.", "by")
    fired = await _scheduler(request).advance(sandbox.name, to)
    return answer({**await _clock(request), "fired": fired})


async def settle(request: Request) -> Answer:
    """`POST /_sim/settle`: waits until nothing due is left (`now`), or also runs what is still to come (`idle`)."""
    from drsim.web.bodies import SettleBody, read

    body = await read(request, SettleBody)
    if body.until not in ("now", "idle"):
        message = f"'{body.until[:100]}' is not a valid until: now or idle."
        raise Refused("bad_request", "invalid_parameter", message, "until")
    limit = span("limit", body.limit)
    _, sandbox = await desk.present(request)
    now = sandbox.clock.now(desk.simulator_of(request).wall())
    await _scheduler(request).settle(sandbox.name, min(LAST, now + limit) if body.until == "idle" else None)
    return answer(await _clock(request))


async def reset(request: Request) -> Answer:
    """`POST /_sim/reset`: an empty sandbox, ids and clock included."""
    await _calls(request).flush()
    sandbox = await desk.simulator_of(request).reset(desk.sandbox_of(request).name)
    _calls(request).forget(sandbox.name)
    request.scope["drsim.sandbox"] = sandbox
    return answer(await _clock(request))


async def deliveries(request: Request) -> Answer:
    """`GET /_sim/deliveries`: every delivery with its attempts; filters `eventId`, `webhookId`, `type`, `state`."""
    return await page(request, DELIVERIES)


async def secrets(request: Request) -> Answer:
    """`GET /_sim/webhooks/{id}/secrets`: the signing secrets, the newest first."""

    def action(work: Work) -> list[str]:
        webhook: Webhook | None = work.get("webhook", request.path_params["id"])
        if webhook is None:
            raise not_found("Webhook", request.path_params["id"])
        return list(webhook.secrets)

    return answer({"secrets": await desk.perform(request, action)})


async def requests(request: Request) -> Answer:
    """`GET /_sim/requests`: the API log, newest first."""
    calls = await _calls(request).newest(desk.sandbox_of(request).name, limit_of(request) + 1)
    limit = limit_of(request)
    for call in calls:
        del call["mark"]
    return answer({"hasMore": len(calls) > limit, "data": calls[:limit]})


async def order_timeline(request: Request) -> Answer:
    """`GET /_sim/orders/{id}/timeline`: everything that has happened to one order, in order of time."""
    id = request.path_params["id"]
    calls = await _calls(request).newest(desk.sandbox_of(request).name, _MOST_CALLS, id)
    return answer({"data": await desk.perform(request, lambda work: timeline(work, id, calls))})


def span(name: str, text: str) -> Span:
    """A duration in a body. Raises `Refused`."""
    try:
        return parse_span(text)
    except ValueError as error:
        raise Refused("bad_request", "invalid_parameter", f"{error}.", name) from error


def _time(name: str, text: str) -> Time:
    try:
        return parse_time(text)
    except ValueError as error:
        message = f"{text[:100]} is not a valid timestamp."
        raise Refused("bad_request", "invalid_parameter", message, name) from error


async def _clock(request: Request) -> dict[str, Any]:
    simulator = desk.simulator_of(request)
    scheduler, wall = _scheduler(request), simulator.wall()

    def action(work: Work) -> tuple[dict[str, Any], Sandbox, tuple[Webhook, ...]]:
        shown = {"now": format_precise(work.sandbox.clock.now(wall)), "mode": work.sandbox.clock.mode}
        return shown, work.sandbox, work.webhooks()

    shown, sandbox, webhooks = await desk.perform(request, action)
    due = scheduler.next_due(sandbox, webhooks)
    return {**shown, "nextDue": format_precise(due) if due else None}


def _scheduler(request: Request) -> Scheduler:
    scheduler: Scheduler = request.app.state.scheduler
    return scheduler


def _calls(request: Request) -> CallLog:
    calls: CallLog = request.app.state.calls
    return calls
