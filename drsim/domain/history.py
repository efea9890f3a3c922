"""Bringing a new order to the state in which a scenario starts, by living through what leads there."""

from collections.abc import Callable

from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.orders import Sale, moved, moved_item
from drsim.domain.place import OrderSpec, place
from drsim.domain.refusal import Refused
from drsim.domain.settle import wake
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
    if state in ("fulfilled", "complete", "dispute", "returned"):
        decision = _then(decision, context, lambda sale, now: _handle_all(sale, now, shipped=True))
    if state == "cancelled":
        decision = _then(decision, context, lambda sale, now: _handle_all(sale, now, shipped=False))
    if state in ("cancelled", "complete", "dispute", "returned", "blocked"):
        decision = _wait(decision, context, until)
    if state in ("dispute", "returned"):
        decision = _then(decision, replace(context, now=until), lambda sale, now: _end(sale, now, state))
    reached = decision.sale.order.state
    if reached != state and (state != "accepted" or reached != "pending_payment"):
        message = f"The order cannot start as '{state}': it stays '{reached}'."
        raise Refused("bad_request", "invalid_parameter", message, "state")
    return decision


def _then(decision: Decision, context: Context, action: Callable[[Sale, Context], Decision]) -> Decision:
    following = action(decision.sale, replace(context, rules=decision.rules))
    return replace(following, events=(*decision.events, *following.events), fulfillment=following.fulfillment)


def _handle_all(sale: Sale, context: Context, *, shipped: bool) -> Decision:
    lines = [
        Line(item.id, item.quantity if shipped else 0, 0 if shipped else item.quantity, {}) for item in sale.order.items
    ]
    return fulfill(sale, lines, {}, None, context)


def _wait(decision: Decision, context: Context, until: Time) -> Decision:
    """Lives on to `until`; the fulfillment made on the way, if any, stays the decision's."""
    fulfillment = decision.fulfillment
    while (due := decision.sale.due) is not None and due <= until:
        decision = _then(decision, replace(context, now=due), wake)
    return replace(decision, fulfillment=fulfillment)


def _end(sale: Sale, context: Context, state: str) -> Decision:
    order = moved(sale.order, state, context.now)
    if state == "dispute":
        opened = {**order.fraud_transitions, "review_opened": context.now}
        order = replace(order, fraud_state="review_opened", fraud_transitions=opened)
        told = "order.dispute"
    else:
        order = replace(order, items=tuple(moved_item(item, "returned", context.now) for item in order.items))
        told = "order.refunded"
    draft = Draft(replace(sale, order=order), context)
    draft.tell(told)
    return draft.decided()
