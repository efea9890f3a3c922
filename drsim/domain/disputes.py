"""Disputes: the buyer's bank wants the money back, and in the end gets it or does not.

While that is open the order is frozen: nothing of it is shipped, refunded or returned. Sources: resources page,
sections 4.1, 4.8 and 5.6; platform page, 7.4.
"""

from collections.abc import Iterator
from decimal import Decimal

from drsim.domain.charges import Charge, completed, repayable
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.ending import close_if_settled
from drsim.domain.money import minor
from drsim.domain.orders import Order, Sale, moved, open_units
from drsim.domain.refusal import Refused, invalid
from drsim.domain.returned import count_returned
from drsim.domain.states import ORDER, step
from drsim.domain.values import replace

_FROM = ("returned", "complete", "fulfilled", "accepted")
"""The states in which an order can be disputed, the latest first: none is ever left for an earlier one."""


def can_be_disputed(sale: Sale) -> bool:
    """Whether a bank has paid something for this order that it could want back."""
    return sale.order.state in _FROM and any(completed(charge.captures) for charge in _through_banks(sale))


def dispute(sale: Sale, context: Context) -> Decision:
    """The bank disputes the payment: the order is frozen until somebody resolves that.

    Raises `Refused` for an order of which nothing was captured yet, and for one that is in dispute already.
    """
    if not can_be_disputed(sale):
        message = f"Order '{sale.order.id}' has no payment that a bank could dispute now: it is '{sale.order.state}'."
        raise Refused("conflict", "invalid_state", message, "state")
    order = moved(sale.order, "dispute", context.now)
    opened = {**order.fraud_transitions, "review_opened": context.now}
    order = replace(order, fraud_state="review_opened", fraud_transitions=opened, due=None, due_state=None)
    draft = Draft(replace(sale, order=order), context)
    draft.tell("order.dispute")
    return draft.decided()


def win(sale: Sale, context: Context) -> Decision:
    """The dispute ends well: the order is what it was before. Raises `Refused` for one that is not in dispute."""
    draft = _resolved(sale, context)
    _go_on(draft)
    return draft.decided()


def lose(sale: Sale, amount: Decimal | None, context: Context) -> Decision:
    """The bank takes `amount` (in major units) back, or everything that it has paid and that was not refunded.

    That is no refund, but it cannot be refunded any more. Raises `Refused` for an order that is not in dispute, and
    for more than the bank has paid.
    """
    draft = _resolved(sale, context)
    most = sum(repayable(charge) for charge in _through_banks(sale))
    taken = most if amount is None else _minor(amount, sale.order, most)
    for charge in _through_banks(sale):
        part = min(taken, repayable(charge))
        taken -= part
        if part:
            draft.put(replace(charge, charged_back=charge.charged_back + part))
    draft.tell("order.chargeback")
    _go_on(draft)
    return draft.decided()


def _through_banks(sale: Sale) -> Iterator[Charge]:
    return (charge for charge in sale.charges if not charge.secondary)


def _minor(amount: Decimal, order: Order, most: int) -> int:
    try:
        units = minor(amount, order.currency)
    except ValueError as error:
        raise invalid("amount", amount) from error
    if units > most:
        raise invalid("amount", amount)
    return units


def _resolved(sale: Sale, context: Context) -> Draft:
    """The order as it was before its dispute, and as if it had been in that state all the time."""
    order = sale.order
    if order.state != "dispute":
        message = f"Order '{order.id}' is not in dispute: it is '{order.state}'."
        raise Refused("conflict", "invalid_state", message, "state")
    usual = "accepted" if open_units(order) else "fulfilled"
    state = next((each for each in _FROM if each in order.transitions), usual)
    draft = Draft(sale, context)
    draft.amend(
        state=step(ORDER, order.state, state),
        updated=context.now,
        fraud_state="passed" if state in ("accepted", "fulfilled") else None,
        fraud_transitions={**order.fraud_transitions, "passed": context.now},
    )
    draft.tell("order.dispute.resolved")
    return draft


def _go_on(draft: Draft) -> None:
    """What the order could not do while it was in dispute, it does now."""
    close_if_settled(draft)
    count_returned(draft)
