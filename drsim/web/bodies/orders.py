"""Bodies of `/orders`."""

from drsim.web.bodies.fields import Body, Metadata, Text


class OrderChangeBody(Body):
    """`POST /orders/{id}`."""

    requestToBeForgotten: bool | None = None
    upstreamId: Text | None = None
    metadata: Metadata | None = None
