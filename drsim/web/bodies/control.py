"""Bodies of the control plane."""

from typing import Literal

from drsim.web.bodies.fields import Amount, Body, Id, Text


class AdvanceBody(Body):
    """`POST /_sim/clock/advance`: by a span or to a time."""

    by: Text | None = None
    to: Text | None = None


class TriggerBody(Body):
    """`POST /_sim/trigger`."""

    type: Text
    orderId: Id | None = None


class SettleBody(Body):
    """`POST /_sim/settle`."""

    until: Text = "now"
    limit: Text = "30d"


class ReviewBody(Body):
    """`POST /_sim/orders/{id}/review`."""

    decision: Literal["pass", "block"]


class ResolutionBody(Body):
    """`POST /_sim/orders/{id}/dispute/resolve`: `amount` is what the bank takes back, if that is not everything."""

    outcome: Literal["won", "lost"]
    amount: Amount | None = None
