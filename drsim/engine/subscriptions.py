"""Making, saving and silencing webhooks, and the secrets they are signed with."""

from collections.abc import Mapping
from typing import Any

from drsim.domain.clock import Span
from drsim.domain.refusal import not_found
from drsim.domain.secrets import Secret, live, revoked, rotated
from drsim.domain.values import replace
from drsim.domain.webhooks import Webhook, given_up
from drsim.engine import records
from drsim.engine.simulator import Work

_AT_ONCE = 200


def subscribe(work: Work, fields: Mapping[str, Any], secret: str | None = None) -> bytes:
    """A new webhook with these fields of `Webhook` and, unless given, a generated secret; returns its public form."""
    webhook = Webhook(
        id=work.sandbox.new_id("webhook"),
        created=work.now,
        updated=work.now,
        secrets=(Secret(secret or _new_secret(work), work.now),),
        **fields,
    )
    return save_webhook(work, webhook)


def save_webhook(work: Work, webhook: Webhook) -> bytes:
    """Saves a webhook and returns its public form."""
    record = records.webhook_record(webhook)
    work.put(record)
    return record.public or b"{}"


def webhook_of(work: Work, id: str) -> Webhook:
    """The webhook with this id. Raises `Refused`."""
    webhook: Webhook | None = work.get("webhook", id)
    if webhook is None:
        raise not_found("Webhook", id)
    return webhook


def live_secrets(work: Work, id: str) -> tuple[Secret, ...]:
    """What signs the events to a webhook now, the newest first. Raises `Refused`."""
    return live(webhook_of(work, id).secrets, work.now)


def rotate_secret(work: Work, id: str, secret: str | None, overlap: Span) -> tuple[Secret, ...]:
    """Gives a webhook a new secret, generated unless given; the former one signs on for `overlap`. Raises `Refused`."""
    webhook = webhook_of(work, id)
    return _keep_secrets(work, webhook, rotated(webhook.secrets, secret or _new_secret(work), overlap, work.now))


def revoke_secret(work: Work, id: str, secret: str) -> tuple[Secret, ...]:
    """Lets a secret of a webhook sign no more. Raises `Refused`."""
    webhook = webhook_of(work, id)
    return _keep_secrets(work, webhook, revoked(webhook.secrets, secret, work.now))


def _keep_secrets(work: Work, webhook: Webhook, secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    save_webhook(work, replace(webhook, secrets=secrets))
    return secrets


def _new_secret(work: Work) -> str:
    return f"whk_{work.sandbox.new_id('webhook secret')}"


def give_up_deliveries(work: Work, webhook_id: str) -> None:
    """Marks everything that is still to go to a webhook as not delivered: it was disabled or deleted."""
    while ids := work.transaction.due(work.sandbox.number, webhook_id, None, _AT_ONCE):
        for id in ids:
            work.put(records.delivery_record(given_up(work.get("delivery", id))))
