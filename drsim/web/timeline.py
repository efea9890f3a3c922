"""The timeline of one order: calls, state changes, captures and cancels, events and deliveries, as they came about."""

from typing import Any

import orjson

from drsim.domain.clock import format_time, parse_time
from drsim.domain.money import number
from drsim.domain.orders import Sale
from drsim.engine.simulator import Work

Entry = dict[str, Any]
Placed = tuple[float, Entry]
"""An entry and its place among what happened in the same instant, by the numbers of the documents."""

_MOST = 1_000


def timeline(work: Work, order_id: str, calls: list[Entry]) -> list[Entry]:
    """Every entry with `time`, `kind` (call, order, capture, cancel, event, delivery) and what belongs to it.

    A frozen clock puts much into one instant: there a call stands before what it has caused, a state change and an
    operation before the event that tells it, a delivery behind its event. Raises `Refused` for an order that does not
    exist.
    """
    sale = work.sale(order_id)
    rows = work.transaction.numbered(work.sandbox.number, "event", order_id, _MOST)
    events = [(row, orjson.loads(public)) for row, public in rows]
    placed = [_call(call) for call in reversed(calls)]
    placed += _states(sale, events) + _operations(sale, events)
    for row, event in events:
        placed.append((row, {"time": event["createdTime"], "kind": "event", "id": event["id"], "type": event["type"]}))
        placed += [(row + 0.5, entry) for entry in _deliveries(work, event["id"])]
    return [entry for _, entry in sorted(placed, key=lambda each: (parse_time(each[1]["time"]), each[0]))]


def _call(call: Entry) -> Placed:
    wanted = ("time", "method", "path", "status", "dropped", "fault", "id")
    return call["mark"] - 0.75, {"kind": "call", **{name: call[name] for name in wanted if name in call}}


def _states(sale: Sale, events: list[tuple[int, Entry]]) -> list[Placed]:
    told = {event["type"]: row for row, event in events}
    return [
        (told.get(f"order.{state}", 0) - 0.5, {"time": format_time(time), "kind": "order", "state": state})
        for state, time in sale.order.transitions.items()
    ]


def _operations(sale: Sale, events: list[tuple[int, Entry]]) -> list[Placed]:
    told = {
        operation["id"]: row
        for row, event in reversed(events)
        for operations in ("captures", "cancels")
        if event["type"].startswith("order.charge.")
        for operation in event["data"]["object"].get(operations, ())
    }
    placed: list[Placed] = []
    for charge in sale.charges:
        for kind in ("capture", "cancel"):
            for operation in charge.operations(kind):
                entry = {
                    "time": format_time(operation.created),
                    "kind": kind,
                    "id": operation.id,
                    "chargeId": charge.id,
                    "fulfillmentId": operation.fulfillment_id,
                    "amount": number(operation.amount, charge.currency),
                    "state": operation.state,
                }
                placed.append((told.get(operation.id, 0) - 0.5, entry))
    return placed


def _deliveries(work: Work, event_id: str) -> list[Entry]:
    entries = []
    for _, public in work.transaction.numbered(work.sandbox.number, "delivery", event_id, _MOST):
        delivery = orjson.loads(public)
        count = 0
        for attempt in delivery["attempts"]:
            count += not attempt.get("duplicate", False)
            outcome = {name: attempt[name] for name in ("status", "error", "fault", "duplicate") if name in attempt}
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
