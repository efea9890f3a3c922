"""The end of a fraud review: the reviewer lets an order pass, or blocks it.

Sources: resources page, sections 4.1 and 4.8; platform page, 7.4.
"""

from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.orders import Sale, moved, moved_item
from drsim.domain.refusal import Refused
from drsim.domain.settle import make_accepted, release
from drsim.domain.values import replace


def pass_review(sale: Sale, context: Context) -> Decision:
    """The order is accepted, or waits for its payment if that is not authorized yet. Raises `Refused`."""
    draft = Draft(sale, context)
    _close(draft, "passed")
    if any(charge.state == "pending" for charge in sale.charges):
        draft.put(moved(draft.order, "pending_payment", draft.now))
        draft.tell("order.pending_payment")
    else:
        make_accepted(draft)
        draft.tell("order.accepted")
    return draft.decided()


def block(sale: Sale, context: Context) -> Decision:
    """The order and its lines are blocked, its money is released. Raises `Refused`."""
    draft = Draft(sale, context)
    block_order(draft)
    return draft.decided()


def block_order(draft: Draft) -> None:
    """Blocks an order in review. Raises `Refused` for one that is not."""
    _close(draft, "blocked")
    order = moved(draft.order, "blocked", draft.now)
    draft.put(replace(order, items=tuple(moved_item(item, "blocked", draft.now) for item in order.items)))
    draft.tell("order.blocked")
    release(draft)


def _close(draft: Draft, fraud_state: str) -> None:
    order = draft.order
    if order.state != "in_review":
        message = f"Order '{order.id}' is not in review: it is '{order.state}'."
        raise Refused("conflict", "invalid_state", message, "state")
    closed = {**order.fraud_transitions, fraud_state: draft.now}
    draft.amend(fraud_state=fraud_state, fraud_transitions=closed, updated=draft.now)
    draft.tell("order.review_closed")
