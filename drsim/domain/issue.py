"""Issuing the documents of a sale: planning them when money has moved, making them when their time comes.

Source: surroundings page, section 6 and U28.
"""

from drsim.domain.charges import completed
from drsim.domain.clock import Span
from drsim.domain.decision import Draft
from drsim.domain.documents import CREDIT_MEMO, INVOICE, WRITERS, Document, Purpose, due_document
from drsim.domain.refunds import Refund
from drsim.domain.values import replace


def plan_invoice(draft: Draft) -> None:
    """Plans the invoice of an order a capture of which is complete, unless it has one or will have."""
    if all(each.purpose != INVOICE for each in draft.order.documents):
        _plan(draft, INVOICE, draft.context.account.delays.invoice)


def plan_credit_memo(draft: Draft, refund: Refund) -> None:
    """Plans the credit memo of a refund that has succeeded."""
    _plan(draft, CREDIT_MEMO, draft.context.account.delays.credit_memo, refund)


def issue_next(draft: Draft) -> None:
    """Makes the document that is planned next, and tells it."""
    planned = due_document(draft.order.documents)
    assert planned is not None
    amount = planned.amount
    if planned.purpose == INVOICE:
        amount = sum(completed(charge.captures) for charge in draft.charges.values())
    made = replace(planned, amount=amount, planned=False)
    draft.amend(documents=tuple(made if each is planned else each for each in draft.order.documents))
    draft.tell(f"order.{made.purpose.removeprefix('customer_')}.created", document=made)


def _plan(draft: Draft, purpose: Purpose, after: Span, refund: Refund | None = None) -> None:
    order = draft.order
    if order.selling_entity.get("id") not in WRITERS or not order.totals.total:
        return
    document = Document(
        id=draft.context.new_id("file"),
        purpose=purpose,
        at=draft.now + after,
        amount=refund.refunded if refund else 0,
        refund_id=refund.id if refund else None,
        planned=True,
    )
    draft.amend(documents=(*order.documents, document))
