"""Webhooks, deliveries and their attempts."""

from drsim.domain.clock import format_millis, format_precise
from drsim.domain.webhooks import Attempt, Delivery, Webhook
from drsim.render.parts import Json, put


def webhook(it: Webhook) -> Json:
    """A webhook; its signing secrets are not part of it."""
    shown: Json = {
        "id": it.id,
        "types": list(it.types),
        "address": it.address,
        "apiVersion": it.api_version,
        "enabled": it.enabled,
        "transportType": it.transport,
    }
    put(shown, authentication=it.authentication, oauth=it.oauth)
    return shown | {
        "liveMode": False,
        "createdTime": format_millis(it.created),
        "updatedTime": format_millis(it.updated),
    }


def delivery(it: Delivery) -> Json:
    """A delivery with its attempts, as lists show it: without what came back and, unless that was changed, the body."""
    return _delivery(it, [_attempt(each) for each in it.attempts])


def whole_delivery(it: Delivery, event: bytes) -> Json:
    """A delivery with everything that was sent and came back; `event` is what is sent where nothing changes it."""
    return _delivery(it, [_whole_attempt(each, event) for each in it.attempts])


def _delivery(it: Delivery, attempts: list[Json]) -> Json:
    shown: Json = {
        "id": it.id,
        "eventId": it.event_id,
        "type": it.type,
        "webhookId": it.webhook_id,
        "apiVersion": it.api_version,
        "state": it.state,
        "createdTime": format_precise(it.created),
        "attempts": attempts,
    }
    put(shown, expanded=it.expanded or None, resent=it.resent or None)
    if it.due is not None:
        shown["nextAttemptTime"] = format_precise(it.due)
    if it.fault is not None:
        shown["fault"] = it.fault.fault
    return shown


def _attempt(it: Attempt) -> Json:
    shown: Json = {"time": format_precise(it.at)}
    put(shown, status=it.status, error=it.error)
    shown |= {"durationMs": it.duration // 1_000, "requestHeaders": it.headers}
    put(shown, requestBody=it.sent, fault=it.fault, duplicate=it.duplicate or None)
    return shown


def _whole_attempt(it: Attempt, event: bytes) -> Json:
    shown = _attempt(it)
    shown["requestBody"] = event.decode() if it.sent is None else it.sent
    if it.status is not None:
        shown |= {"responseHeaders": it.answer_headers, "responseBody": it.answer}
    return shown
