"""Bodies of `/refunds`."""

from typing import Annotated, Literal

from pydantic import Field

from drsim.web.bodies.fields import Amount, Body, Count, Id, Metadata, Needed, Percent, Text


class RefundItemBody(Body):
    """One line of `POST /refunds`."""

    itemId: Id
    skuId: Text | None = None
    quantity: Count | None = None
    percent: Percent | None = None
    amount: Amount | None = None
    type: Literal["shipping", "fees", "duty"] | None = None


class RefundBody(Body):
    """`POST /refunds`."""

    orderId: Id
    currency: Needed
    percent: Percent | None = None
    amount: Amount | None = None
    items: tuple[RefundItemBody, ...] = ()
    type: Literal["shipping", "tax", "duty", "importer_tax"] | None = None
    reason: Annotated[Text, Field(max_length=64)] | None = None
    metadata: Metadata | None = None


class RefundChange(Body):
    """`POST /refunds/{id}`: metadata only."""

    metadata: Metadata | None = None
