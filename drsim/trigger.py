"""`drsim trigger`: makes a running server live through what leads to an event, and tells what it did."""

import sys
from typing import Any

from drsim import remote
from drsim.oneline import summary

TRIGGERED, OUT_OF_REACH, UNUSABLE, BROKEN = 0, 1, 2, 3
"""Exit codes: the event is there, the order cannot lead to it, no such event, no way to ask."""


def trigger(type: str, order_id: str | None, server: remote.Server) -> int:
    """Triggers one event; returns the exit code."""
    body = {"type": type} if order_id is None else {"type": type, "orderId": order_id}
    try:
        told = remote.call(server, "POST", "/_sim/trigger", body, wanted="eventId")
    except remote.Refusal as refusal:
        return _fail(str(refusal), {400: UNUSABLE, 404: OUT_OF_REACH, 409: OUT_OF_REACH}.get(refusal.status, BROKEN))
    except remote.Unreachable as error:
        return _fail(str(error), BROKEN)
    print("\n".join(_lines(told)))
    return TRIGGERED


def list_triggers() -> int:
    """Prints what can be triggered; returns the exit code."""
    from drsim.world.plans import PLANS

    widest = max(map(len, PLANS))
    for type in sorted(PLANS):
        print(f"{type:<{widest}}  {PLANS[type].plan}")
    return TRIGGERED


def _lines(told: Any) -> list[str]:
    data = told["event"]["data"]
    thing = data["object"] or data["previousAttributes"]  # what was deleted is no object any more
    webhooks = len(told["event"].get("webhookIds", ()))
    sent = f"sent to {webhooks} webhook{'s' * (webhooks != 1)}" if webhooks else "no webhook wants it"
    if "versionIds" in told["event"]:
        sent = "which names no webhooks"  # the events about documents name no webhooks
    return [
        *(f"  {step}" for step in told["did"]),
        f"{told['type']}  {thing['id']}  {summary(told['type'], thing)}".rstrip(),
        f"  event {told['eventId']}, {sent}",
    ]


def _fail(message: str, code: int) -> int:
    print(f"drsim: {message}", file=sys.stderr)
    return code
