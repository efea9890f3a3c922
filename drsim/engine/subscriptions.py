"""Making, saving and silencing webhooks."""

from collections.abc import Mapping
from typing import Any

from drsim.domain.secrets import Secret
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
        secrets=(Secret(secret or new_secret(work), work.now),),
        **fields,
    )
    return save_webhook(work, webhook)


def new_secret(work: Work) -> str:
    """A generated signing secret."""
    return f"whk_{work.sandbox.new_id('webhook secret')}"


def save_webhook(work: Work, webhook: Webhook) -> bytes:
    """Saves a webhook and returns its public form."""
    record = records.webhook_record(webhook)
    work.put(record)
    return record.public or b"{}"


def give_up_deliveries(work: Work, webhook_id: str) -> None:
    """Marks everything that is still to go to a webhook as not delivered: it was disabled or deleted."""
    while ids := work.transaction.due(work.sandbox.number, webhook_id, None, _AT_ONCE):
        for id in ids:
            work.put(records.delivery_record(given_up(work.get("delivery", id))))
