"""Sending events again: one of them, those that a webhook never got, or all since a time. drsim's own."""

from typing import NamedTuple

import orjson

from drsim.domain.clock import Time
from drsim.domain.refusal import Refused, not_found
from drsim.domain.webhooks import Webhook
from drsim.engine.work import Work
from drsim.store import Equal

MOST = 1_000
"""No more events than this are sent again in one go."""

_LOST = Equal("state", ("failed", "undelivered"))
_THERE_OR_ON_ITS_WAY = Equal("state", ("delivered", "pending"))


class Resent(NamedTuple):
    """How many events are sent again, and whether there are `more` than could be."""

    events: int
    more: bool


def resend_event(work: Work, event_id: str, webhook_id: str | None) -> list[bytes]:
    """Sends an event again, to one webhook or all that want it; returns the new deliveries. Raises `Refused`."""
    type = _type(work, event_id)
    if webhook_id is None:
        wanting = [webhook for webhook in work.webhooks() if webhook.wants(type)]
        if not wanting:
            raise Refused("conflict", "no_webhook", f"No enabled webhook wants {type}.")
    else:
        wanting = [_enabled(work, webhook_id, "webhookId")]
        if not wanting[0].wants(type):
            message = f"Webhook '{webhook_id}' does not want {type}."
            raise Refused("bad_request", "invalid_parameter", message, "webhookId")
    return [_again(work, webhook, event_id, type) for webhook in wanting]


def resend_lost(work: Work, webhook_id: str) -> Resent:
    """Sends a webhook, oldest first, the events whose deliveries failed or were given up, if none went well since.

    Raises `Refused`.
    """
    webhook = _enabled(work, webhook_id)
    number = work.sandbox.number
    found = work.transaction.parents(number, "delivery", webhook.id, _LOST, _THERE_OR_ON_ITS_WAY, MOST + 1)
    return _all_again(work, webhook, found[:MOST], len(found) > MOST)


def resend_since(work: Work, webhook_id: str, since: Time) -> Resent:
    """Sends a webhook the events since then that it wants: the newest `MOST`, oldest first. Raises `Refused`."""
    webhook = _enabled(work, webhook_id)
    types = Equal("type", webhook.types)
    found = work.transaction.newest(work.sandbox.number, "event", types, since, MOST + 1)
    return _all_again(work, webhook, found[:MOST][::-1], len(found) > MOST)


def _all_again(work: Work, webhook: Webhook, event_ids: list[str], more: bool) -> Resent:
    for event_id in event_ids:
        _again(work, webhook, event_id, _type(work, event_id))
    return Resent(len(event_ids), more)


def _again(work: Work, webhook: Webhook, event_id: str, type: str) -> bytes:
    order_id = work.transaction.parent(work.sandbox.number, "event", event_id) or ""
    return work.deliver(webhook, event_id, type, order_id, created=work.now, due=work.now, resent=True)


def _type(work: Work, event_id: str) -> str:
    public = work.transaction.public(work.sandbox.number, "event", event_id)
    if public is None:
        raise not_found("Event", event_id)
    return str(orjson.loads(public)["type"])


def _enabled(work: Work, webhook_id: str, parameter: str = "id") -> Webhook:
    webhook: Webhook | None = work.get("webhook", webhook_id)
    if webhook is None:
        raise not_found("Webhook", webhook_id, parameter)
    if not webhook.enabled:
        raise Refused("conflict", "webhook_disabled", f"Webhook '{webhook_id}' is disabled.", parameter)
    return webhook
