"""What happens to a sale by itself when its time comes: what is pending ends, orders move on.

Source: resources page, sections 4.1 to 4.5.
"""

from drsim.domain.charges import (
    Charge,
    Operation,
    OperationKind,
    Retry,
    authorized,
    declined,
    next_due,
    settle,
    uncommitted,
)
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.documents import postponed
from drsim.domain.issue import issue_next, plan_invoice
from drsim.domain.orders import Sale, moved, moved_item, moved_session
from drsim.domain.repay import go_on
from drsim.domain.returned import count_returned
from drsim.domain.sources import Source
from drsim.domain.states import SOURCE, step
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
            _end_authorization(draft, charge)
        elif charge.retries and charge.retries[0].due == due:
            _retry_capture(draft, charge, charge.retries[0])
        elif refund := next((each for each in charge.refunds if each.due == due), None):
            go_on(draft, charge, refund)
        else:
            _end_operation(draft, charge, *_operation_due(charge, due))
    return draft.decided()


def close_if_settled(draft: Draft) -> None:
    """Moves an order on that has no money left to wait for: a fulfilled one is soon complete, a fully cancelled one is
    cancelled at once. Planned documents come after the order's completion.
    """
    order, charges = draft.order, draft.charges.values()
    if order.state == "fulfilled" and all(charge.state in ("complete", "cancelled") for charge in charges):
        due = draft.now + draft.context.account.delays.complete
        draft.amend(due=due, due_state="complete", documents=postponed(order.documents, due))
    cancelled = all(item.state == "cancelled" for item in order.items)
    if order.state == "accepted" and cancelled and all(charge.state == "cancelled" for charge in charges):
        draft.put(moved(order, "cancelled", draft.now))
        draft.tell("order.cancelled")


def make_accepted(draft: Draft) -> None:
    """Makes an order accepted that is paid and passed fraud screening; its single-use sources are consumed."""
    order = moved(draft.order, "accepted", draft.now)
    session = order.session
    if session.state != "complete":
        session = replace(moved_session(session, "complete"), next_action=None)
    passed = {**order.fraud_transitions, "passed": draft.now}
    draft.put(replace(order, fraud_state="passed", fraud_transitions=passed, session=session, due=None, due_state=None))
    draft.sources = tuple(consumed(source) for source in draft.sources)


def release(draft: Draft) -> None:
    """Cancels whatever the charges hold of an order that will never be fulfilled; `cancelledAmount` leaves it out."""
    for charge in list(draft.charges.values()):
        amount = uncommitted(charge)
        if charge.state == "pending":
            draft.put(declined(charge))
        elif amount and charge.state == "capturable":
            cancel = Operation(
                id=draft.context.new_id("cancel"),
                created=draft.now,
                amount=amount,
                state="pending",
                due=draft.now,
                failure=None,
                fulfillment_id=None,
                item_id="",
                units=0,
            )
            draft.begin(charge, "cancel", cancel)
            draft.amend(cancelled_before=draft.order.cancelled_before + amount)
            _end_operation(draft, draft.charges[charge.id], "cancel", cancel)


def consumed(source: Source) -> Source:
    """A source that was charged: a single-use one is consumed, a reusable one stays chargeable."""
    if source.state in ("pending_funds", "pending_redirect", "requires_action"):
        source = replace(source, state=step(SOURCE, source.state, "chargeable"))
    if source.reusable or source.state != "chargeable":
        return source
    return replace(source, state=step(SOURCE, source.state, "consumed"))


def _end_authorization(draft: Draft, charge: Charge) -> None:
    if charge.failure is None:
        draft.put(authorized(charge, draft.now + draft.context.account.authorization_ttl))
        draft.tell("order.charge.capturable", draft.charges[charge.id])
        if all(each.state == "capturable" for each in draft.charges.values()):
            make_accepted(draft)
            draft.tell("order.accepted")
        return
    draft.put(declined(charge))
    draft.tell("order.charge.failed")
    release(draft)
    _give_up(draft)


def _give_up(draft: Draft) -> None:
    """Cancels an order that was never paid."""
    order = moved(draft.order, "cancelled", draft.now)
    draft.put(
        replace(
            order,
            items=tuple(moved_item(item, "cancelled", draft.now) for item in order.items),
            session=moved_session(order.session, "failed"),
            fraud_state="passed",
            fraud_transitions={**order.fraud_transitions, "passed": draft.now},
            due=None,
            due_state=None,
        )
    )
    draft.sources = tuple(
        replace(source, state=step(SOURCE, source.state, "cancelled"))
        if source.state in ("pending_funds", "pending_redirect", "requires_action")
        else source
        for source in draft.sources
    )
    draft.tell("order.cancelled")


def _move_order(draft: Draft) -> None:
    state = draft.order.due_state
    if state == "cancelled":
        _give_up(draft)
        return
    draft.amend(due=None, due_state=None)
    draft.put(moved(draft.order, "complete", draft.now))
    draft.tell("order.complete")
    count_returned(draft)


def _end_operation(draft: Draft, charge: Charge, kind: OperationKind, operation: Operation) -> None:
    settled = settle(charge, kind, operation)
    if settled.state in ("complete", "cancelled"):
        settled = replace(settled, retries=())
    draft.put(settled)
    if operation.failure:
        draft.tell(f"order.charge.{kind}.failed", settled)
        if kind == "capture":
            _plan_retry(draft, settled, operation)
        return
    draft.tell(f"order.charge.{kind}.complete", settled)
    if settled.state in ("complete", "cancelled"):
        draft.tell(f"order.charge.{settled.state}", settled)
    if kind == "capture":
        plan_invoice(draft)
    close_if_settled(draft)


def _operation_due(charge: Charge, due: Time) -> tuple[OperationKind, Operation]:
    for kind in ("capture", "cancel"):
        for operation in charge.operations(kind):
            if operation.due == due:
                return kind, operation
    raise AssertionError(f"nothing on charge {charge.id} is due at {due}")


def _plan_retry(draft: Draft, charge: Charge, failed: Operation) -> None:
    spans = draft.context.account.capture_retries
    if failed.retries < len(spans):
        retry = Retry(draft.now + spans[failed.retries], failed)
        retries = sorted((*charge.retries, retry), key=lambda each: each.due)
        draft.put(replace(charge, retries=tuple(retries)))


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
