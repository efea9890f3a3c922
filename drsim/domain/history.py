"""Bringing a new order to the state in which a scenario starts, by living through what leads there."""

from collections.abc import Callable

from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision
from drsim.domain.disputes import can_be_disputed, dispute
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.orders import Sale
from drsim.domain.place import OrderSpec, place
from drsim.domain.refusal import Refused
from drsim.domain.settle import wake
from drsim.domain.takeback import take_back_everything
from drsim.domain.values import replace

STATES = (
    "accepted",
    "pending_payment",
    "in_review",
    "blocked",
    "fulfilled",
    "cancelled",
    "complete",
    "dispute",
    "returned",
)
"""The states an order can be asked to start in."""


def live(spec: OrderSpec, state: str, context: Context, until: Time) -> Decision:
    """Places an order at `context.now` and lives through what brings it to `state` by `until`, with all events.

    Raises `Refused` when the order cannot be placed or does not get there, for instance because its card fails.
    """
    begins = state if state in ("pending_payment", "in_review", "blocked") else "accepted"
    decision = place(replace(spec, begins=begins), context)
    if begins == "accepted" and decision.sale.order.state == "pending_payment":
        decision = _wait(decision, context, until)
        authorized = decision.sale.order.transitions.get("accepted", context.now)
        context = replace(context, now=authorized)
    if state in ("fulfilled", "complete", "dispute", "returned"):
        decision = _handle_all(decision, context, shipped=True)
    if state == "cancelled":
        decision = _handle_all(decision, context, shipped=False)
    if state in ("pending_payment", "cancelled", "complete", "dispute", "returned", "blocked"):
        decision = _wait(decision, context, until)
    if state == "dispute" and can_be_disputed(decision.sale):
        decision = _then(decision, replace(context, now=until), dispute)
    if state == "returned" and decision.sale.order.state == "complete":
        complete = decision.sale.order.transitions["complete"]
        decision = _wait(_then(decision, replace(context, now=complete), take_back_everything), context, until)
    reached = decision.sale.order.state
    if reached != state and (state != "accepted" or reached not in ("pending_payment", "cancelled")):
        message = f"The order cannot start as '{state}': it stays '{reached}'."
        raise Refused("bad_request", "invalid_parameter", message, "state")
    return decision


def _then(decision: Decision, context: Context, action: Callable[[Sale, Context], Decision]) -> Decision:
    """Lives on with `action`; the fulfillment made on the way, if any, stays the decision's."""
    following = action(decision.sale, replace(context, rules=decision.rules))
    fulfillment = following.fulfillment or decision.fulfillment
    return replace(following, events=(*decision.events, *following.events), fulfillment=fulfillment)


def _handle_all(decision: Decision, context: Context, *, shipped: bool) -> Decision:
    order = decision.sale.order
    if order.state != "accepted":
        return decision
    lines = [
        Line(item.id, item.quantity if shipped else 0, 0 if shipped else item.quantity, {}) for item in order.items
    ]
    return _then(decision, context, lambda sale, then: fulfill(sale, lines, {}, None, then))


def _wait(decision: Decision, context: Context, until: Time) -> Decision:
    while (due := decision.sale.due) is not None and due <= until:
        decision = _then(decision, replace(context, now=due), wake)
    return decision
