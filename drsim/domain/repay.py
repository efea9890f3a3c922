"""How refunds go on once they were asked for: the refunds on their charges end, one by one, and they with the last.

Source: resources page, sections 4.4, 4.7 and 9; platform page, 7.4 (order of the events).
"""

from drsim.domain.charges import Charge, ChargeRefund, with_refund
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.issue import plan_credit_memo
from drsim.domain.orders import Sale
from drsim.domain.outcome import FAILURE_CODE, Failure
from drsim.domain.refundable import shares_of
from drsim.domain.refunds import TOKEN_LIFE, Refund, Token
from drsim.domain.refusal import Refused, not_found
from drsim.domain.returned import count_returned
from drsim.domain.states import CHARGE_REFUND, REFUND, step
from drsim.domain.values import replace


def go_on(draft: Draft, charge: Charge, due: ChargeRefund) -> None:
    """What happens to a refund on a charge at its due time: it waits for bank details from now on, or it ends."""
    if due.asks and due.state == "pending":
        _ask(draft, charge, due)
    else:
        _end(draft, charge, due)


def inform(sale: Sale, refund_id: str, context: Context) -> Decision:
    """The customer gives the bank details that a refund waits for; it ends after the usual delay.

    Raises `Refused` for a refund that waits for none.
    """
    draft, waiting = Draft(sale, context), False
    for charge in sale.charges:
        for each in charge.refunds:
            if each.refund_id == refund_id and each.asks and each.state == "pending_information":
                due = draft.now + context.account.delays.refund
                draft.put(with_refund(draft.charges[charge.id], replace(each, asks=False, due=due)))
                waiting = True
    if refund_id not in draft.refunds:
        raise not_found("Refund", refund_id)
    if not waiting:
        message = f"Refund '{refund_id}' is not waiting for bank details."
        raise Refused("conflict", "invalid_state", message, "state")
    return draft.decided(refund=draft.refunds[refund_id])


def operations_of(sale: Sale, refund_id: str) -> list[tuple[Charge, tuple[ChargeRefund, ...]]]:
    """The charges that a refund takes its money from, each with what it takes there."""
    found = ((charge, tuple(each for each in charge.refunds if each.refund_id == refund_id)) for charge in sale.charges)
    return [(charge, taken) for charge, taken in found if taken]


def _ask(draft: Draft, charge: Charge, due: ChargeRefund) -> None:
    refund = draft.refunds[due.refund_id]
    expires = draft.now + TOKEN_LIFE
    state = step(CHARGE_REFUND, due.state, "pending_information")
    draft.put(with_refund(charge, replace(due, state=state, due=expires)))
    if refund.state == "pending":
        token = Token(draft.context.new_id("token"), expires)
        refund = replace(refund, state=step(REFUND, refund.state, "pending_information"), token=token)
        draft.put(refund)
        draft.tell("refund.pending_information", refund=refund)


def _end(draft: Draft, charge: Charge, due: ChargeRefund) -> None:
    failure = due.failure or (Failure() if due.asks else None)
    state = step(CHARGE_REFUND, due.state, "failed" if failure else "complete")
    ended = with_refund(charge, replace(due, state=state, due=None, failure=failure))
    draft.put(ended)
    refund = draft.refunds[due.refund_id]
    if failure:
        known = refund.failure_reason if failure.code == FAILURE_CODE else failure.code
        draft.put(replace(refund, failure_reason=known))
    else:
        draft.amend(refunded=draft.order.refunded + due.amount, updated=draft.now)
        draft.put(replace(refund, refunded=refund.refunded + due.amount))
    draft.tell(f"order.charge.refund.{state}", ended)
    states = [each.state for _, taken in operations_of(draft.sale, refund.id) for each in taken]
    if set(states) <= {"complete", "failed"}:
        _close(draft, draft.refunds[refund.id], expired=due.asks)


def _close(draft: Draft, refund: Refund, *, expired: bool) -> None:
    """Ends a refund all of whose money has come back or not; what did not can be refunded anew."""
    ended_badly = "expired" if expired else "failed"
    state = "succeeded" if refund.refunded == refund.amount else ended_badly
    cells = {(share.item_id, share.part): 0 for share in refund.shares}
    for share in refund.shares:
        cells[share.item_id, share.part] += share.amount
    shares = refund.shares if state == "succeeded" else shares_of(refund.refunded, cells)
    refund = replace(refund, state=step(REFUND, refund.state, state), token=None, shares=shares)
    draft.put(refund)
    if state == "succeeded":
        draft.tell("refund.complete", refund=refund)
        plan_credit_memo(draft, refund)
    elif state == "failed":
        draft.tell("refund.failed", refund=refund)
    if refund.refunded:
        draft.tell("order.refunded")
        count_returned(draft)
