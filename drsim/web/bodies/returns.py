"""Bodies of `/returns`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from drsim.web.bodies.fields import Body, Count, Id, Metadata, Text


class ReturnItemBody(Body):
    """One line of `POST /returns`."""

    itemId: Id | None = None
    skuId: Id | None = None
    quantity: Count = 0


class ReturnBody(Body):
    """`POST /returns`."""

    orderId: Id
    items: tuple[ReturnItemBody, ...]
    reason: Annotated[Text, Field(max_length=64)] | None = None
    location: dict[str, Any] | None = None
    metadata: Metadata | None = None


class AcceptedItemBody(ReturnItemBody):
    """One line of `POST /returns/{id}`."""

    state: Literal["accepted"]


class ReturnChangeBody(Body):
    """`POST /returns/{id}`: everything or some units are accepted, metadata."""

    state: Literal["accepted"] | None = None
    items: tuple[AcceptedItemBody, ...] = ()
    metadata: Metadata | None = None
