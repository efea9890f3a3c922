"""How things end on a sale: operations on its charges, and with them the order itself, accepted, cancelled or complete.

Source: resources page, sections 4.1 to 4.5.
"""

from drsim.domain.charges import Charge, Operation, OperationKind, Retry, declined, settle, uncommitted
from drsim.domain.decision import Draft
from drsim.domain.documents import postponed
from drsim.domain.issue import plan_invoice
from drsim.domain.orders import moved, moved_item, moved_session
from drsim.domain.sources import Source
from drsim.domain.states import SOURCE, step
from drsim.domain.values import replace


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
            end_operation(draft, draft.charges[charge.id], "cancel", cancel)


def consumed(source: Source) -> Source:
    """A source that was charged: a single-use one is consumed, a reusable one stays chargeable."""
    if source.state in ("pending_funds", "pending_redirect", "requires_action"):
        source = replace(source, state=step(SOURCE, source.state, "chargeable"))
    if source.reusable or source.state != "chargeable":
        return source
    return replace(source, state=step(SOURCE, source.state, "consumed"))


def give_up(draft: Draft) -> None:
    """Cancels an order that was never paid, and releases what store credit held for it."""
    release(draft)
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


def end_operation(draft: Draft, charge: Charge, kind: OperationKind, operation: Operation) -> None:
    """A pending capture or cancel is complete, or has failed if it has a `failure`."""
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


def _plan_retry(draft: Draft, charge: Charge, failed: Operation) -> None:
    spans = draft.context.account.capture_retries
    if failed.retries < len(spans):
        retry = Retry(draft.now + spans[failed.retries], failed)
        retries = sorted((*charge.retries, retry), key=lambda each: each.due)
        draft.put(replace(charge, retries=tuple(retries)))
