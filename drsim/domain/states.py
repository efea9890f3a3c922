"""Every lifecycle as a table. Nothing else says which state may follow which.

A row lists the states that may come next; a row that is empty is an end. `step` is the only way to a new state: a
move the table does not have is a bug in drsim, not a mistake of the caller, and raises `IllegalStep`. What a caller
may not do is refused before that, with a `Refused`.

Source: resources page, section 4.
"""

from collections.abc import Mapping

Lifecycle = Mapping[str, tuple[str, ...]]

ORDER: Lifecycle = {
    "pending_payment": ("accepted", "in_review", "cancelled"),
    "in_review": ("accepted", "pending_payment", "blocked"),
    "accepted": ("fulfilled", "cancelled", "dispute"),
    "fulfilled": ("complete", "dispute"),
    "complete": ("returned", "dispute"),
    "dispute": ("accepted", "fulfilled", "complete", "returned"),
    "returned": ("dispute",),
    "cancelled": (),
    "blocked": (),
}

# There is no partial state: a partly handled line stays created, and its last unit decides.
ITEM: Lifecycle = {
    "created": ("fulfilled", "cancelled", "blocked"),
    "fulfilled": ("returned",),
    "cancelled": (),
    "blocked": (),
    "returned": (),
}

# A failed capture or cancel gives its money back, so processing can fall back to capturable.
CHARGE: Lifecycle = {
    "pending": ("capturable", "failed"),
    "capturable": ("processing", "complete", "cancelled"),
    "processing": ("capturable", "complete", "cancelled"),
    "complete": (),
    "cancelled": (),
    "failed": (),
}

# Captures and cancels alike.
OPERATION: Lifecycle = {
    "pending": ("complete", "failed"),
    "complete": (),
    "failed": (),
}

# The refunds on a charge. Some methods need the customer's bank details before they can pay anything back.
CHARGE_REFUND: Lifecycle = {
    "pending": ("pending_information", "complete", "failed"),
    "pending_information": ("complete", "failed"),
    "complete": (),
    "failed": (),
}

# The refunds that clients ask for, each paid back by refunds on charges.
REFUND: Lifecycle = {
    "pending": ("pending_information", "succeeded", "failed"),
    "pending_information": ("succeeded", "failed", "expired"),
    "succeeded": (),
    "failed": (),
    "expired": (),
}

# What the fulfiller is asked for: cancellations, and each line of them and of returns.
REQUEST: Lifecycle = {
    "pending": ("accepted", "rejected"),
    "accepted": (),
    "rejected": (),
}

FULFILLMENT_RETURN: Lifecycle = {
    "created": ("pending",),
    "pending": ("accepted", "rejected"),
    "accepted": (),
    "rejected": (),
}

RETURN: Lifecycle = {
    "created": ("accepted",),
    "accepted": (),
}

SOURCE: Lifecycle = {
    "pending_funds": ("chargeable", "cancelled", "failed"),
    "pending_redirect": ("chargeable", "cancelled", "failed"),
    "requires_action": ("chargeable", "cancelled", "failed"),
    "chargeable": ("consumed", "cancelled"),
    "consumed": (),
    "cancelled": (),
    "failed": (),
}

# That of a checkout asks for a source, then for the order; with the order it gets on by itself.
SESSION: Lifecycle = {
    "requires_source": ("requires_confirmation",),
    "requires_confirmation": ("requires_source", "complete", "pending", "pending_funds", "pending_redirect", "failed"),
    "pending": ("complete", "failed"),
    "pending_funds": ("pending", "complete", "failed"),
    "pending_redirect": ("pending", "complete", "failed"),
    "complete": (),
    "failed": (),
}

# drsim's own: undelivered is a delivery whose webhook was disabled or deleted before it went out.
DELIVERY: Lifecycle = {
    "pending": ("delivered", "failed", "undelivered"),
    "delivered": (),
    "failed": (),
    "undelivered": (),
}


class IllegalStep(Exception):
    """drsim tried to make a move that the lifecycle does not have."""


def step(lifecycle: Lifecycle, present: str, following: str) -> str:
    """The following state, once it is sure that the table allows it. Raises `IllegalStep`."""
    if following not in lifecycle[present]:
        raise IllegalStep(f"{present} cannot become {following}")
    return following
