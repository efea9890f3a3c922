"""Timelines: calls, events and deliveries as they came about, those of one order with its states and operations."""

from collections.abc import Collection
from typing import Any

import orjson

from drsim.domain.charges import Charge, ChargeRefund, Operation
from drsim.domain.clock import format_time, parse_time
from drsim.domain.money import number
from drsim.domain.orders import Sale
from drsim.engine.work import Work

Entry = dict[str, Any]
Placed = tuple[float, Entry]
"""An entry and its place among what happened in the same instant, by the numbers of the documents."""

_MOST = 1_000


def order_timeline(work: Work, order_id: str, calls: list[Entry]) -> list[Entry]:
    """What happened to one order: entries with `time`, `kind` and what belongs to it, as `in_order` says.

    Kinds are call, order, capture, cancel, refund, event, delivery and webhook: one that had lost something of this
    order when drsim disabled it. Raises `Refused` for an order that does not exist.
    """
    sale = work.sale(order_id)
    rows = work.transaction.numbered(work.sandbox.number, "event", _MOST, order_id)
    events = [(row, orjson.loads(public)) for row, public in rows]
    number = work.sandbox.number
    deliveries = [
        public for _, event in events for _, public in work.transaction.numbered(number, "delivery", _MOST, event["id"])
    ]
    disablings = _disablings(work, {each["webhookId"] for each in map(orjson.loads, deliveries) if _is_lost(each)})
    told = _told(events, deliveries, calls) + _states(sale, events) + _operations(sale, events)
    return _in_order(told + disablings)


def sandbox_timeline(work: Work, calls: list[Entry]) -> list[Entry]:
    """What happened in a sandbox of late: the last thousand each of calls, events and deliveries."""
    number = work.sandbox.number
    events = [(row, orjson.loads(public)) for row, public in work.transaction.numbered(number, "event", _MOST)]
    told = _told(events, [public for _, public in work.transaction.numbered(number, "delivery", _MOST)], calls)
    return _in_order(told + _disablings(work))


def _in_order(placed: list[Placed]) -> list[Entry]:
    """Entries as they came about.

    A frozen clock puts much into one instant: there a call stands before what it has caused, a state change and an
    operation before the event that tells it, a delivery behind its event.
    """
    return [entry for _, entry in sorted(placed, key=lambda each: (parse_time(each[1]["time"]), each[0]))]


def _told(events: list[tuple[int, Entry]], deliveries: list[bytes], calls: list[Entry]) -> list[Placed]:
    """Calls, events, and the deliveries of these events."""
    placed = [_call(call) for call in reversed(calls)]
    rows = {event["id"]: row for row, event in events}
    for row, event in events:
        shown = {"time": event["createdTime"], "kind": "event", "id": event["id"], "type": event["type"]}
        # What was deleted is no object any more.
        thing = event["data"]["object"] or event["data"]["previousAttributes"]
        placed.append((row, {**shown, "objectId": thing["id"]}))
    for public in deliveries:
        delivery = orjson.loads(public)
        if delivery["eventId"] in rows:
            placed += [(rows[delivery["eventId"]] + 0.5, entry) for entry in _attempts(delivery)]
    return placed


def _call(call: Entry) -> Placed:
    wanted = ("time", "method", "path", "status", "dropped", "keyLabel", "fault", "id")
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
        for operations in ("captures", "cancels", "refunds")
        if event["type"].startswith("order.charge.")
        for operation in event["data"]["object"].get(operations, ())
    }
    placed: list[Placed] = []
    for charge in sale.charges:
        for each in charge.captures:
            placed.append(_operation("capture", charge, each, told, fulfillmentId=each.fulfillment_id))
        for each in charge.cancels:
            placed.append(_operation("cancel", charge, each, told, fulfillmentId=each.fulfillment_id))
        for refund in charge.refunds:
            placed.append(_operation("refund", charge, refund, told, refundId=refund.refund_id))
    return placed


def _operation(
    kind: str, charge: Charge, it: Operation | ChargeRefund, told: dict[str, int], **cause: str | None
) -> Placed:
    entry = {
        "time": format_time(it.created),
        "kind": kind,
        "id": it.id,
        "chargeId": charge.id,
        **cause,
        "amount": number(it.amount, charge.currency),
        "state": it.state,
    }
    return told.get(it.id, 0) - 0.5, entry


def _disablings(work: Work, webhook_ids: Collection[str] | None = None) -> list[Placed]:
    """When drsim has disabled webhooks, all of them or these."""
    rows = work.transaction.numbered(work.sandbox.number, "disabling", _MOST)
    told = [(row, orjson.loads(public)) for row, public in rows]
    return [
        (
            row,
            {
                "time": each["time"],
                "kind": "webhook",
                "id": each["webhookId"],
                "state": "disabled",
                "reason": each["reason"],
            },
        )
        for row, each in told
        if webhook_ids is None or each["webhookId"] in webhook_ids
    ]


def _is_lost(delivery: Entry) -> bool:
    return delivery["state"] in ("failed", "undelivered")


def _attempts(delivery: Entry) -> list[Entry]:
    entries = []
    count = 0
    for attempt in delivery["attempts"]:
        count += not attempt.get("duplicate", False)
        outcome = {name: attempt[name] for name in ("status", "error", "fault", "duplicate") if name in attempt}
        entries.append(
            {
                "time": attempt["time"],
                "kind": "delivery",
                "id": delivery["id"],
                "eventId": delivery["eventId"],
                "type": delivery["type"],
                "webhookId": delivery["webhookId"],
                "attempt": count,
                **outcome,
            }
        )
    return entries
