"""Bodies of the control plane."""

from drsim.web.bodies.fields import Body, Id, Text


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
