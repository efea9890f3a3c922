"""Triggering an event: living through its story in a sandbox, with the clock moved as far as that takes; or running
its errand, which takes no time."""

from typing import Any

import orjson

from drsim.domain.clock import LAST, Span, Time, format_span
from drsim.domain.refusal import Refused
from drsim.domain.values import replace, value
from drsim.engine.makeup import next_makeup
from drsim.engine.scheduler import Move, Scheduler
from drsim.engine.work import Work
from drsim.format.models import OrderModel
from drsim.world.errand import Errand
from drsim.world.make import make_order
from drsim.world.plans import plan_of
from drsim.world.stories import Act, Story, check_leads_to, following

_ORDER = {"items": [{"name": "Widget", "price": 10, "quantity": 3}], "shipping": 5, "taxRate": 0.08025}
"""What the orders of all stories have in common."""

_DISTRIBUTED = {"fulfillmentModel": "distributed"}

_MOST_EVENTS = 1_000
_MILLI: Span = 1_000


@value
class Triggered:
    """An event that was brought about, in public form, the order of its story, and what was done for it, in words."""

    type: str
    event: bytes
    event_id: str
    order_id: str | None
    did: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """As the control plane answers it."""
        ids = {"type": self.type, "eventId": self.event_id}
        if self.order_id is not None:
            ids["orderId"] = self.order_id
        return {**ids, "event": orjson.Fragment(self.event), "did": list(self.did)}


async def trigger(scheduler: Scheduler, sandbox: str, type: str, order_id: str | None = None) -> Triggered:
    """Brings an event about, with a new order or the given one; what it makes due is delivered when this returns.

    Raises `Refused`: 400 for a type drsim does not emit, or an order where the event is about none, 404 for an order
    that does not exist, 409 for one that can no longer lead to the event and while the clock is being moved; then
    nothing has changed.
    """
    plan = plan_of(type)
    if isinstance(plan, Errand) and plan.about is None and order_id is not None:
        message = f"'{type}' is about no order, so none can lead to it."
        raise Refused("bad_request", "invalid_parameter", message, "orderId")
    async with scheduler.moving(sandbox) as move:
        if isinstance(plan, Story):
            return await _Play(move, type, plan).play(order_id)
        triggered = await move.act(lambda work: _run(work, type, plan, order_id))
        await move.rest()
        return triggered


def _run(work: Work, type: str, errand: Errand, order_id: str | None) -> Triggered:
    """Runs an errand, and finds the event that it was for."""
    mark, did = work.transaction.mark, tuple[str, ...]()
    if errand.about is not None:
        if order_id is None:
            order = orjson.loads(make_order(work, OrderModel.model_validate({**_ORDER, **_DISTRIBUTED})))
            order_id, did = order["id"], (f"made order {order['id']}, {order['state']}",)
        did += errand.about(work, order_id)
    elif errand.does is not None:
        did = errand.does(work, next_makeup(work.sandbox))
    rows = work.transaction.since(work.sandbox.number, "event", mark - 1, _MOST_EVENTS)
    event, id = next((public, each["id"]) for _, public in rows if (each := orjson.loads(public))["type"] == type)
    return Triggered(type, event, id, order_id, did)


class _Play:
    """A story being lived through."""

    def __init__(self, move: Move, type: str, story: Story) -> None:
        self._move = move
        self._type = type
        self._story = story
        self._acts = story.acts
        self._order_id = ""
        self._mark = 0
        self._did: list[str] = []
        self._waited: Span = 0

    async def play(self, order_id: str | None) -> Triggered:
        await self._move.act(lambda work: self._begin(work, order_id))
        while not isinstance(found := await self._move.act(self._go_on), Triggered):
            until, now = found
            self._waited += max(0, until - now)
            await self._move.to(until)
        await self._move.rest()
        return found

    def _begin(self, work: Work, order_id: str | None) -> None:
        self._mark = work.transaction.mark
        if order_id is not None:
            self._order_id = order_id
            check_leads_to(self._type, work.sale(order_id, "orderId"), work.context())
            return
        order = orjson.loads(make_order(work, self._model(work), self._story.rules))
        self._order_id = order["id"]
        self._did.append(f"made order {order['id']}, {order['state']}")

    def _model(self, work: Work) -> OrderModel:
        spec = {**_ORDER, **self._story.order}
        if self._story.lapsed:
            spec["createdAgo"] = format_span(work.sandbox.account.authorization_ttl)
        return OrderModel.model_validate(spec)

    def _go_on(self, work: Work) -> Triggered | tuple[Time, Time]:
        """Does what can be done now; returns the event if it is there, or until when to wait, and the time now."""
        while (found := self._found(work)) is None:
            sale = work.sale(self._order_id)
            step, self._acts = following(self._acts, sale, work.now)
            if not isinstance(step, Act):
                if step is None or step > LAST:
                    message = f"Order '{self._order_id}' took another course: '{self._type}' did not come about."
                    raise Refused("conflict", "event_out_of_reach", message, "type")
                return step, work.now
            decision = step.does(sale, replace(work.context(), rules=step.rules))
            work.save(replace(decision, rules=work.rules()), sale)
            self._tell_waiting()
            self._did.append(step.done.format(id=self._order_id))
        self._tell_waiting()
        return replace(found, did=tuple(self._did))

    def _tell_waiting(self) -> None:
        if self._waited:
            self._did.append(f"advanced {format_span(max(_MILLI, self._waited // _MILLI * _MILLI))}")
            self._waited = 0

    def _found(self, work: Work) -> Triggered | None:
        """The first event of the type since the story began that is about its order."""
        rows = work.transaction.numbered(work.sandbox.number, "event", _MOST_EVENTS, self._order_id)
        for number, public in rows:
            if number >= self._mark and (event := orjson.loads(public))["type"] == self._type:
                return Triggered(self._type, public, event["id"], self._order_id, ())
        return None
