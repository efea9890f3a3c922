"""The signing secrets of a webhook: looking at those that are live, rotating and revoking them."""

from drsim.domain.clock import Span
from drsim.domain.refusal import not_found
from drsim.domain.secrets import Secret, live, revoked, rotated
from drsim.domain.values import replace
from drsim.domain.webhooks import Webhook
from drsim.engine.subscriptions import new_secret, save_webhook
from drsim.engine.work import Work


def live_secrets(work: Work, id: str) -> tuple[Secret, ...]:
    """What signs the events to a webhook now, the newest first. Raises `Refused`."""
    return live(_webhook(work, id).secrets, work.now)


def rotate_secret(work: Work, id: str, secret: str | None, overlap: Span) -> tuple[Secret, ...]:
    """Gives a webhook a new secret, generated unless given; the former one signs on for `overlap`. Raises `Refused`."""
    webhook = _webhook(work, id)
    return _keep(work, webhook, rotated(webhook.secrets, secret or new_secret(work), overlap, work.now))


def revoke_secret(work: Work, id: str, secret: str) -> tuple[Secret, ...]:
    """Lets a secret of a webhook sign no more. Raises `Refused`."""
    webhook = _webhook(work, id)
    return _keep(work, webhook, revoked(webhook.secrets, secret, work.now))


def _keep(work: Work, webhook: Webhook, secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    # Secrets are no part of what the API shows: the webhook counts as unchanged.
    save_webhook(work, replace(webhook, secrets=secrets))
    return secrets


def _webhook(work: Work, id: str) -> Webhook:
    webhook: Webhook | None = work.get("webhook", id)
    if webhook is None:
        raise not_found("Webhook", id)
    return webhook
