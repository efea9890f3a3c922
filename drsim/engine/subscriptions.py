"""Making, saving and silencing webhooks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from drsim.domain import transport
from drsim.domain.clock import Time, format_precise, format_span
from drsim.domain.secrets import Secret
from drsim.domain.webhooks import Webhook, given_up
from drsim.engine import records
from drsim.engine.simulator import Simulator
from drsim.engine.work import Work
from drsim.store import Record

_AT_ONCE = 8
"""So many deliveries are given up in one go: a call of the API may be waiting behind them."""


def subscribe(work: Work, fields: Mapping[str, Any], secret: str | None = None) -> bytes:
    """A new webhook with these fields of `Webhook` and, unless given, a generated secret; returns its public form.

    Raises `Refused` for settings that do not fit together.
    """
    webhook = Webhook(
        id=work.sandbox.new_id("webhook"),
        created=work.now,
        updated=work.now,
        secrets=(Secret(secret or new_secret(work), work.now),),
        **fields,
    )
    transport.check(webhook, work.hosts)
    return save_webhook(work, webhook)


def new_secret(work: Work) -> str:
    """A generated signing secret."""
    return f"whk_{work.sandbox.new_id('webhook secret')}"


def save_webhook(work: Work, webhook: Webhook) -> bytes:
    """Saves a webhook and returns its public form."""
    record = records.webhook_record(webhook)
    work.put(record)
    return record.public or b"{}"


def give_up_some(work: Work, webhook_id: str) -> bool:
    """Marks some of what is still to go to a webhook that is not enabled as not delivered; whether more may be left."""
    webhook: Webhook | None = work.get("webhook", webhook_id)
    if webhook is not None and webhook.enabled:
        return False
    ids = work.transaction.due(work.sandbox.number, webhook_id, None, _AT_ONCE)
    for id in ids:
        work.put(records.delivery_record(given_up(work.get("delivery", id))))
    return len(ids) == _AT_ONCE


async def give_up_deliveries(simulator: Simulator, sandbox: str, webhook_id: str) -> None:
    """Gives up everything for a webhook that is not enabled, little by little: others have the database in between."""
    action = partial(give_up_some, webhook_id=webhook_id)
    while await simulator.perform(sandbox, action):
        pass


def disable_failing(work: Work, webhook: Webhook, at: Time) -> None:
    """What follows when a webhook that kept failing was disabled: that is on record."""
    save_webhook(work, webhook)
    reason = why_disabled(webhook) or ""
    shown = {"time": format_precise(at), "webhookId": webhook.id, "reason": reason}
    work.add(Record("disabling", work.sandbox.new_id("disabling"), at, None, orjson.dumps(shown)))
    work.note_disabling(webhook.id, at, reason)


def why_disabled(webhook: Webhook) -> str | None:
    """Why drsim has disabled a webhook, in words; nothing when it has not."""
    failing = webhook.failing
    if webhook.disabled is None or failing is None:
        return None
    since, span = format_precise(failing.since), format_span(webhook.disabled - failing.since)
    return f"no success in {span}, since {since}, while {failing.events} events failed"
