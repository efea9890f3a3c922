"""Fraud screening, and the review of what it holds up: the reviewer lets an order pass, or blocks it.

Sources: resources page, sections 4.1 and 4.8; platform page, 7.4.
"""

from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.ending import consumed, make_accepted, release
from drsim.domain.orders import Sale, moved, moved_item
from drsim.domain.outcome import Outcome
from drsim.domain.refusal import Refused
from drsim.domain.values import replace


def screen(draft: Draft, *, told: bool = False) -> None:
    """Lets fraud screening look at an order that is authorized: it is accepted, held up in review, or blocked.

    Its charges are told with that unless they were `told` already.

    What it finds is said by behavior rules for `screen`: complete is accepted, pending is in review until the rule goes
    on or somebody decides, and failed is blocked. A new order that it turns down at once is refused: 409.
    """
    new = not draft.order.transitions
    charge = next(iter(draft.charges.values()), None)
    total = draft.order.totals.total
    found = Outcome(0) if charge is None else draft.outcome("screen", charge, total, 1)
    if found.after == 0 and found.failure is None:
        make_accepted(draft)
        _announce(draft, new=new, told=told)
        draft.tell("order.accepted")
        return
    if found.after == 0 and new:
        raise Refused("conflict", "order-fraud-failure", "The order did not pass fraud screening.", rules=draft.rules)
    open_review(draft, told=told)
    if found.after == 0:
        block_order(draft)
    elif found.after is not None:
        draft.amend(due=draft.now + found.after, due_state="blocked" if found.failure else "accepted")


def open_review(draft: Draft, *, told: bool = False) -> None:
    """Holds up an order until somebody has looked at it; its sources are charged already."""
    new = not draft.order.transitions
    order = moved(draft.order, "in_review", draft.now)
    session = replace(order.session, state="complete", next_action=None)
    opened = {"review_opened": draft.now}
    order = replace(order, fraud_state="review_opened", fraud_transitions=opened, session=session)
    draft.put(replace(order, due=None, due_state=None))
    draft.sources = tuple(consumed(source) for source in draft.sources)
    _announce(draft, new=new, told=told)
    draft.tell("order.review_opened")


def pass_review(sale: Sale, context: Context) -> Decision:
    """The order is accepted, or waits for its payment if that is not authorized yet. Raises `Refused`."""
    draft = Draft(sale, context)
    pass_order(draft)
    return draft.decided()


def pass_order(draft: Draft) -> None:
    """Lets an order in review pass. Raises `Refused` for one that is not."""
    _close(draft, "passed")
    if any(charge.state == "pending" for charge in draft.charges.values()):
        draft.put(moved(draft.order, "pending_payment", draft.now))
        draft.tell("order.pending_payment")
    else:
        make_accepted(draft)
        draft.tell("order.accepted")


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
    draft.amend(fraud_state=fraud_state, fraud_transitions=closed, updated=draft.now, due=None, due_state=None)
    draft.tell("order.review_closed")


def tell_charges(draft: Draft) -> None:
    """Tells the state of each charge of an order that was just placed, or paid."""
    for charge in draft.charges.values():
        draft.tell(f"order.charge.{charge.state}", charge)


def _announce(draft: Draft, *, new: bool, told: bool) -> None:
    if new:
        draft.tell("order.created")
    if not told:
        tell_charges(draft)
