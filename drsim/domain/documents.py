"""Documents: the invoice and the credit memos that a sale brings about, and when.

An order has one invoice, some time after its first capture is complete, and a credit memo some time after each refund
that succeeded; where the selling entity writes any, and never for an order that costs nothing. Source: surroundings
page, section 6 and U28; resources page, 4.5 (the invoice comes after the order is complete).
"""

from collections.abc import Sequence
from typing import Literal

from drsim.domain.clock import Time
from drsim.domain.values import replace, value

Purpose = Literal["customer_invoice", "customer_credit_memo"]

INVOICE: Purpose = "customer_invoice"
CREDIT_MEMO: Purpose = "customer_credit_memo"

WRITERS = frozenset(["C5_INC-ENTITY", "DR_INC-ENTITY", "DR_IRELAND-ENTITY"])
"""The selling entities that write documents, of those whose ids are known."""


@value
class Document:
    """An invoice or a credit memo; its id is that of its file. While it is `planned`, `at` is when it will be made.

    `amount` is what was captured by then, or what the refund gave back, in minor units. One whose file was `deleted`
    is not shown any more, and not made anew either.
    """

    id: str
    purpose: Purpose
    at: Time
    amount: int = 0
    refund_id: str | None = None
    planned: bool = False
    deleted: bool = False


def due_document(documents: Sequence[Document]) -> Document | None:
    """The planned document that is made next."""
    return min((each for each in documents if each.planned), key=lambda each: each.at, default=None)


def postponed(documents: Sequence[Document], until: Time) -> tuple[Document, ...]:
    """The same documents, but what is planned for before `until` comes then."""
    return tuple(replace(each, at=max(each.at, until)) if each.planned else each for each in documents)


def shown_documents(documents: Sequence[Document], purpose: Purpose) -> tuple[Document, ...]:
    """Those of one purpose that are made and still there."""
    return tuple(each for each in documents if each.purpose == purpose and not each.planned and not each.deleted)
