"""`/_sim/trigger`: bringing an event about, for whoever wants to see it at the receiver."""

from typing import cast

from starlette.requests import Request

from drsim.engine.scheduler import Scheduler
from drsim.web import desk
from drsim.web.answers import Answer, answer


async def trigger(request: Request) -> Answer:
    """`POST /_sim/trigger`: lives through what leads to an event; answers when it is there and was sent."""
    from drsim.web.bodies import read
    from drsim.web.bodies.control import TriggerBody
    from drsim.world.triggers import trigger

    body = await read(request, TriggerBody)
    scheduler = cast(Scheduler, request.app.state.scheduler)
    triggered = await trigger(scheduler, desk.sandbox_of(request).name, body.type, body.orderId)
    return answer(triggered.shown())


async def listed(request: Request) -> Answer:
    """`GET /_sim/trigger`: the event types that can be triggered, each with its story in words."""
    from drsim.world.plans import PLANS

    return answer({"data": [{"type": type, "story": PLANS[type].plan} for type in sorted(PLANS)]})
