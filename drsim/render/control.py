"""Behavior rules and faults, as scenario files write them."""

from drsim.domain.clock import format_span
from drsim.domain.faults import CallEffect, DeliveryEffect, Fault
from drsim.domain.outcome import Rule, Then
from drsim.render.parts import Json, put


def rule(it: Rule) -> Json:
    """A behavior rule as scenario files write it, with its id and how many `times` it is left."""
    shown: Json = {"id": it.id, "when": {"operation": it.operation, **it.when}, "then": _then(it.then)}
    put(shown, times=it.left)
    return shown


def _then(it: Then) -> Json:
    shown: Json = {"state": it.state}
    if it.state == "failed":
        shown |= {"failureCode": it.failure.code, "failureMessage": it.failure.message}
    if it.after is not None:
        shown["after"] = format_span(it.after)
    if it.next is not None:
        shown["next"] = _then(it.next)
    return shown


def fault(it: Fault) -> Json:
    """A fault as scenario files write it, with its id and how many `times` it is left."""
    when: Json = {"call": it.pattern} if it.on_call is not None else {"delivery": it.pattern}
    put(when, to=it.to)
    then = _call_effect(it.on_call) if it.on_call is not None else _delivery_effect(it.on_delivery)
    shown: Json = {"id": it.id, "when": when, "then": then}
    put(shown, times=it.left, every=it.every if it.every > 1 else None)
    return shown


def _call_effect(it: CallEffect) -> Json:
    shown: Json = {}
    put(shown, status=it.status, body=it.body, headers=it.headers or None)
    put(shown, delay=format_span(it.delay) if it.delay else None, drop=True if it.drop == "call" else it.drop)
    return shown


def _delivery_effect(it: DeliveryEffect | None) -> Json:
    it = it or DeliveryEffect()
    shown: Json = {}
    put(shown, delay=format_span(it.delay) if it.delay else None, drop=it.drop or None)
    put(shown, duplicate=it.duplicate or None, reorder=it.reorder or None)
    put(shown, corruptSignature=it.corrupt_signature or None, truncate=it.truncate or None)
    return shown
