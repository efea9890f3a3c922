"""Bodies of the control plane."""

from typing import Annotated, Literal

from drsim.domain.events import EMITTED
from drsim.web.bodies.fields import Amount, Body, Id, Instant, Span, Text, said_to_be


class AdvanceBody(Body):
    """`POST /_sim/clock/advance`: by a span or to a time."""

    by: Span | None = None
    to: Instant | None = None


class TriggerBody(Body):
    """`POST /_sim/trigger`."""

    type: Annotated[Text, said_to_be(sorted(EMITTED))]
    orderId: Id | None = None


class SettleBody(Body):
    """`POST /_sim/settle`."""

    until: Annotated[Text, said_to_be(("now", "idle"))] = "now"
    limit: Span = "30d"


class DisputeBody(Body):
    """`POST /_sim/orders/{id}/dispute`: there is nothing to say."""


class ReviewBody(Body):
    """`POST /_sim/orders/{id}/review`."""

    decision: Literal["pass", "block"]


class ResolutionBody(Body):
    """`POST /_sim/orders/{id}/dispute/resolve`: `amount` is what the bank takes back, if that is not everything."""

    outcome: Literal["won", "lost"]
    amount: Amount | None = None
