"""Events: what happened, with the resource as it was at that moment; and the names of all of them."""

from collections.abc import Mapping
from typing import Any

from drsim.domain.charges import Charge
from drsim.domain.clock import DAY, Span, Time
from drsim.domain.documents import Document
from drsim.domain.fulfillments import Fulfillment
from drsim.domain.matching import fits_name
from drsim.domain.orders import Sale
from drsim.domain.refunds import Refund
from drsim.domain.returns import Return
from drsim.domain.sources import Source
from drsim.domain.values import value

VISIBLE: Span = 30 * DAY
"""How long `GET /events` shows an event, in simulated time (platform page, 7.1)."""


@value
class Event:
    """One event of a sale. Its object is the fulfillment, refund, return, document or source if there is one, else the
    charge, else the order.
    """

    id: str
    type: str
    at: Time
    sale: Sale
    charge: Charge | None = None
    fulfillment: Fulfillment | None = None
    previous: Mapping[str, Any] | None = None
    """For `*.updated`: the changed attributes as they were, in public form."""
    refund: Refund | None = None
    document: Document | None = None
    returned: Return | None = None
    source: Source | None = None

    @property
    def order_id(self) -> str | None:
        """The order that this is about."""
        return self.sale.order.id


@value
class ResourceEvent:
    """One event of what is no part of a sale: a customer, a checkout. That `subject` is its object.

    What was deleted is no object any more: then there is no subject, and `previous` has all of it.
    """

    id: str
    type: str
    at: Time
    subject: Any
    previous: Mapping[str, Any] | None = None

    @property
    def order_id(self) -> str | None:
        """The order that this is about, if any."""
        return getattr(self.subject, "order_id", None)


AnyEvent = Event | ResourceEvent


@value
class Expansion:
    """What an expanded event has more than the plain one: `physical` and `metadata` of each product, line by line."""

    products: tuple[Mapping[str, Any], ...]


EXPANDABLE = ("order.accepted", "order.cancelled", "order.refunded", "fulfillment.created")
"""The event types that a webhook may get expanded (platform page, section 7.1)."""


def _names(group: str, *steps: str) -> list[str]:
    return [f"{group}.{step}" for step in steps]


_CRUD = ("created", "updated", "deleted")

TYPES: frozenset[str] = frozenset(
    [
        *_names("order", "created", "submitted", "accepted", "pending_payment", "review_opened", "review_closed"),
        *_names("order", "blocked", "cancelled", "fulfilled", "complete", "refunded", "updated", "dispute"),
        *_names("order", "dispute.resolved", "chargeback", "returned", "pending_review"),
        *_names("order", "invoice.created", "credit_memo.created"),
        *_names("order.charge", "pending", "capturable", "processing", "complete", "cancelled", "created", "completed"),
        *_names("order.charge", "failed", "reauth.failed"),
        *_names("order.charge.capture", "pending", "complete", "failed", "created", "completed"),
        *_names("order.charge.cancel", "pending", "pending_information", "complete", "failed"),
        *_names("order.charge.refund", "pending", "complete", "failed", "created", "completed"),
        *_names("charge", "created", "succeeded", "capture.created"),
        "credit_memo.created",
        *_names("fulfillment", "created", "create", "updated"),
        *_names("fulfillment_order", "pending", "backordered", "shipped", "cancelled"),
        *_names("fulfillment_cancellation", "created", "accepted", "rejected"),
        *_names("fulfillment_return", "created", "pending", "accepted", "rejected"),
        *_names("refund", "pending", "pending_information", "complete", "failed", "updated"),
        *_names("refund", "created", "completed", "succeeded"),
        *_names("return", "created", "accepted", "updated"),
        *_names("checkout", *_CRUD),
        *_names("checkout_session", "order.created", "order.create"),
        *_names("source", "created", "chargeable"),
        *_names("customer", *_CRUD, "source.created", "source.deleted"),
        *_names("customer", "tax_identifier.created", "invoice_attribute.created"),
        *_names("invoice", "created", "open", "paid", "payment_failed", "uncollectible", "updated", "void"),
        *_names("invoice_attribute", "created", "deleted"),
        *_names("subscription", *_CRUD, "extended", "failed", "lapsed", "payment_failed", "reminder", "source_invalid"),
        *_names("plan", *_CRUD),
        *_names("sku", *_CRUD),
        *_names("fee", *_CRUD),
        *_names("tax_identifier", "pending", "verified", "not_valid", "updated", "deleted"),
        *_names("fileLink", *_CRUD),
        *_names("file", "created", "deleted"),
        "sales_transaction.created",
        "payout.created",
        "logistics_return.received",
        *_names("global_returns", "created", "accepted", "canceled", "scanned", "label.created"),
        *_names("fulfiller", *_CRUD),
        *_names("location", *_CRUD),
        *_names("manufacturer", *_CRUD),
        *_names("account", "update.success", "update.failure"),
    ]
)
"""Every event type a webhook may name (platform page, 7.2); drsim emits those of the flows it plays."""

EMITTED: frozenset[str] = frozenset(
    [
        *_names("order", "created", "accepted", "pending_payment", "review_opened", "blocked", "cancelled"),
        *_names("order", "invoice.created", "credit_memo.created"),
        *_names("order", "fulfilled", "complete", "updated", "dispute", "refunded", "review_closed"),
        *_names("order", "dispute.resolved", "chargeback", "returned"),
        *_names("order.charge", "pending", "capturable", "processing", "complete", "cancelled"),
        *_names("order.charge", "failed", "reauth.failed"),
        *_names("order.charge.capture", "pending", "complete", "failed"),
        *_names("order.charge.cancel", "pending", "complete", "failed"),
        *_names("order.charge.refund", "pending", "complete", "failed"),
        *_names("refund", "pending", "pending_information", "complete", "failed", "updated"),
        *_names("return", "created", "accepted", "updated"),
        "fulfillment.created",
        *_names("customer", *_CRUD, "tax_identifier.created", "source.created", "source.deleted"),
        *_names("sku", *_CRUD),
        *_names("tax_identifier", "verified", "deleted"),
        *_names("checkout", *_CRUD),
        *_names("fulfillment_order", "pending", "backordered", "shipped", "cancelled"),
        *_names("fulfillment_cancellation", "created", "accepted", "rejected"),
        *_names("fulfillment_return", "created", "pending", "accepted", "rejected"),
        *_names("source", "created", "chargeable"),
    ]
)
"""The event types drsim emits: nothing else can be told, and each can be triggered: those about an order by a story in
`world.stories`, the others by an errand in `world.errands`."""


def matching_types(pattern: str) -> list[str]:
    """The event types that a `type` filter names: itself, or with `*` all that fit, in order of name."""
    if "*" not in pattern:
        return [pattern]
    return sorted(name for name in TYPES if fits_name(pattern, name))
