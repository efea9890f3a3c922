"""The control plane under `/_sim`: what a real backend has no door for. Acts on the sandbox of the key, or the default.

The vendor has nothing like it; everything here is drsim's own.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request

from drsim import __version__
from drsim.domain.clock import LAST, SECOND, format_precise
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.webhooks import Webhook
from drsim.engine.sandbox import Sandbox
from drsim.engine.scheduler import Scheduler
from drsim.engine.work import Work
from drsim.web import desk, timeline
from drsim.web.answers import Answer, answer
from drsim.web.calls import CallLog
from drsim.web.lists import limit_of
from drsim.web.times import read_span, read_time

_MOST_CALLS = 1_000
_MOST_EVENTS = 1_000
_LONGEST_WAIT = 60 * SECOND


async def health(request: Request) -> Answer:
    """`GET /_sim/health`: says that the server is there. Mostly the front of the server answers it by itself."""
    return answer({"status": "ok", "version": __version__})


async def clock(request: Request) -> Answer:
    """`GET /_sim/clock`."""
    return answer(await _clock(request))


async def advance(request: Request) -> Answer:
    """`POST /_sim/clock/advance`: `{"by": "7d"}` or `{"to": TIME}`; answers when all that was due has happened."""
    from drsim.web.bodies import read
    from drsim.web.bodies.control import AdvanceBody

    body = await read(request, AdvanceBody)
    _, sandbox = await desk.present(request)
    now = sandbox.clock.now(desk.simulator_of(request).wall())
    if body.by is not None and body.to is not None:
        raise Refused("bad_request", "invalid_parameter", "Give either by or to, not both.", "to")
    if body.by is not None:
        to = now + read_span("by", body.by)
    elif body.to is not None:
        to = read_time("to", body.to)
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
    from drsim.web.bodies import read
    from drsim.web.bodies.control import SettleBody

    body = await read(request, SettleBody)
    if body.until not in ("now", "idle"):
        message = f"'{body.until[:100]}' is not a valid until: now or idle."
        raise Refused("bad_request", "invalid_parameter", message, "until")
    limit = read_span("limit", body.limit)
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


async def events(request: Request) -> Answer:
    """`GET /_sim/events`: all events in the order in which they came on record, also those older than thirty days.

    `next` leads on as `after`; reading here is no call of the integration's, so it is neither logged nor limited.
    """
    after = _whole_number(request, "after")
    _, sandbox = await desk.present(request)
    rows = await desk.perform(
        request, lambda work: work.transaction.since(sandbox.number, "event", after, _MOST_EVENTS)
    )
    following = rows[-1][0] if rows else after
    return Answer(b'{"next":%d,"data":[%s]}' % (following, b",".join(public for _, public in rows)))


async def requests(request: Request) -> Answer:
    """`GET /_sim/requests`: the API log, newest first.

    `count` is how many calls were taken down so far; with `after` and `wait` the answer comes when there are more
    than `after`, or when that much real time has passed.
    """
    log, name, limit = _calls(request), desk.sandbox_of(request).name, limit_of(request)
    if request.query_params.get("wait"):
        longest = min(read_span("wait", request.query_params["wait"]), _LONGEST_WAIT)
        await _unless_gone(request, log.wait(name, _whole_number(request, "after"), longest / SECOND))
    count = log.count(name)
    calls = await log.newest(name, limit + 1)
    for call in calls:
        del call["mark"]
    return answer({"count": count, "hasMore": len(calls) > limit, "data": calls[:limit]})


async def order_timeline(request: Request) -> Answer:
    """`GET /_sim/orders/{id}/timeline`: everything that has happened to one order, in order of time."""
    id = request.path_params["id"]
    calls = await _calls(request).newest(desk.sandbox_of(request).name, _MOST_CALLS, id)
    return answer({"data": await desk.perform(request, lambda work: timeline.order_timeline(work, id, calls))})


async def sandbox_timeline(request: Request) -> Answer:
    """`GET /_sim/timeline`: calls, events and deliveries of the whole sandbox, in order of time."""
    calls = await _calls(request).newest(desk.sandbox_of(request).name, _MOST_CALLS)
    return answer({"data": await desk.perform(request, lambda work: timeline.sandbox_timeline(work, calls), long=True)})


async def _unless_gone(request: Request, waiting: Coroutine[Any, Any, None]) -> None:
    """Waits, but not for a caller that has closed its connection."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(waiting), asyncio.create_task(gone())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _whole_number(request: Request, name: str) -> int:
    """A whole number in the query string, 0 when absent. Raises `Refused`."""
    text = request.query_params.get(name) or "0"
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise invalid(name, text[:100])
    return int(text)


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
