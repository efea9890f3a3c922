"""What happens to a sale by itself when its time comes: what is pending ends, orders move on.

Source: resources page, sections 4.1 to 4.5.
"""

from collections.abc import Callable, Mapping

from drsim.domain.charges import Charge, Operation, OperationKind, Retry, authorized, declined, next_due, uncommitted
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.ending import end_operation, give_up
from drsim.domain.issue import issue_next
from drsim.domain.orders import Sale, moved
from drsim.domain.repay import go_on
from drsim.domain.returned import count_returned
from drsim.domain.review import block_order, pass_order, screen
from drsim.domain.values import replace


def wake(sale: Sale, context: Context) -> Decision:
    """Everything that is due on this sale at `context.now`, the earliest first, with its events."""
    draft = Draft(sale, context)
    while (due := draft.sale.due) is not None and due <= draft.now:
        charge = next((each for each in draft.charges.values() if next_due(each) == due), None)
        if charge is None and draft.order.due == due:
            _move_order(draft)
        elif charge is None:
            issue_next(draft)
        elif charge.due == due:
            end_authorization(draft, charge)
        elif charge.retries and charge.retries[0].due == due:
            _retry_capture(draft, charge, charge.retries[0])
        elif refund := next((each for each in charge.refunds if each.due == due), None):
            go_on(draft, charge, refund)
        else:
            end_operation(draft, charge, *_operation_due(charge, due))
    return draft.decided()


def end_authorization(draft: Draft, charge: Charge) -> None:
    """A pending charge is authorized, or declined if it has a `failure`; the order goes on accordingly."""
    if charge.failure is None:
        draft.put(authorized(charge, draft.now + draft.context.account.authorization_ttl))
        draft.tell("order.charge.capturable", draft.charges[charge.id])
        if all(each.state == "capturable" for each in draft.charges.values()):
            screen(draft, told=True)
        return
    draft.put(declined(charge))
    draft.tell("order.charge.failed")
    give_up(draft)


_BY_ITSELF: Mapping[str, Callable[[Draft], None]] = {
    "cancelled": give_up,
    "accepted": pass_order,
    "blocked": block_order,
}
"""What becomes of an order whose time has come without anybody doing anything; others are complete."""


def _move_order(draft: Draft) -> None:
    state = draft.order.due_state or "complete"
    if state in _BY_ITSELF:
        _BY_ITSELF[state](draft)
        return
    draft.amend(due=None, due_state=None)
    draft.put(moved(draft.order, "complete", draft.now))
    draft.tell("order.complete")
    count_returned(draft)


def _operation_due(charge: Charge, due: Time) -> tuple[OperationKind, Operation]:
    for kind in ("capture", "cancel"):
        for operation in charge.operations(kind):
            if operation.due == due:
                return kind, operation
    raise AssertionError(f"nothing on charge {charge.id} is due at {due}")


def _retry_capture(draft: Draft, charge: Charge, retry: Retry) -> None:
    charge = replace(charge, retries=charge.retries[1:])
    draft.put(charge)
    amount = min(retry.failed.amount, uncommitted(charge))
    if not amount:
        return
    outcome = draft.outcome("capture", charge, amount, len(charge.captures) + 1)
    capture = replace(
        retry.failed,
        id=draft.context.new_id("capture"),
        created=draft.now,
        amount=amount,
        state="pending",
        due=None if outcome.after is None else draft.now + outcome.after,
        failure=outcome.failure,
        retries=retry.failed.retries + 1,
    )
    draft.begin(charge, "capture", capture)
