"""The timeline of one order: calls, state changes, captures and cancels, events and deliveries, in order of time."""

from typing import Any

import orjson

from drsim.domain.clock import format_time, parse_time
from drsim.domain.money import number
from drsim.engine.simulator import Work

Entry = dict[str, Any]


def timeline(work: Work, order_id: str, calls: list[Entry]) -> list[Entry]:
    """Every entry with `time`, `kind` (call, order, capture, cancel, event, delivery) and what belongs to it.

    What happened in the same instant stands in that order too. Raises `Refused` for an order that does not exist.
    """
    sale = work.sale(order_id)
    entries = [_call(call) for call in reversed(calls)]
    for state, time in sale.order.transitions.items():
        entries.append({"time": format_time(time), "kind": "order", "state": state})
    for charge in sale.charges:
        for kind in ("capture", "cancel"):
            for operation in charge.operations(kind):
                entries.append(
                    {
                        "time": format_time(operation.created),
                        "kind": kind,
                        "id": operation.id,
                        "chargeId": charge.id,
                        "fulfillmentId": operation.fulfillment_id,
                        "amount": number(operation.amount, charge.currency),
                        "state": operation.state,
                    }
                )
    for public in reversed(work.transaction.newest(work.sandbox.number, "event", _MOST, order_id)):
        event = orjson.loads(public)
        entries.append({"time": event["createdTime"], "kind": "event", "id": event["id"], "type": event["type"]})
        entries += _deliveries(work, event["id"])
    return sorted(entries, key=lambda entry: parse_time(entry["time"]))


_MOST = 1_000


def _call(call: Entry) -> Entry:
    wanted = ("time", "method", "path", "status", "id")
    return {"kind": "call", **{name: call[name] for name in wanted}}


def _deliveries(work: Work, event_id: str) -> list[Entry]:
    entries = []
    for public in reversed(work.transaction.newest(work.sandbox.number, "delivery", _MOST, event_id)):
        delivery = orjson.loads(public)
        for count, attempt in enumerate(delivery["attempts"], 1):
            outcome = {name: attempt[name] for name in ("status", "error") if name in attempt}
            entries.append(
                {
                    "time": attempt["time"],
                    "kind": "delivery",
                    "id": delivery["id"],
                    "eventId": event_id,
                    "type": delivery["type"],
                    "webhookId": delivery["webhookId"],
                    "attempt": count,
                    **outcome,
                }
            )
    return entries
