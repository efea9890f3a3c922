"""Webhooks, the deliveries of events to them, how they are signed and when they are tried again.

Source: platform page, section 8.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from drsim.domain.account import Account
from drsim.domain.clock import SECOND, Span, Time
from drsim.domain.faults import OVERTAKEN_FOR, Mishap
from drsim.domain.secrets import Secret, live
from drsim.domain.states import DELIVERY, step
from drsim.domain.values import replace, value

ANSWER_WITHIN: Span = 3_000_000
"""How long a receiver may take to answer, in real time."""

_TIMESTAMP = re.compile(r"0|[1-9][0-9]{0,17}")
JITTER = 0.1
"""Retries come so much of their span earlier or later where time runs by itself (platform page, U-14)."""


@value
class Failing:
    """That a webhook keeps failing: `since` its first attempt that no success followed, so many `events` have failed.

    An event has failed when its last attempt has.
    """

    since: Time
    events: int


@value
class Webhook:
    """A subscription: which events go where. The newest of `secrets` is the first.

    `authentication` (of the transport `HTTP`) and `oauth` (of `OAUTH`) are kept as sent; `oauth` with its `grantType`.
    """

    id: str
    created: Time
    updated: Time
    types: tuple[str, ...]
    address: str
    secrets: tuple[Secret, ...]
    api_version: str = "default"
    enabled: bool = True
    authentication: Mapping[str, str] | None = None
    expand: tuple[str, ...] = ()
    """The event types it gets expanded; a setting of the dashboard, which the API does not show."""
    transport: str = "HTTP"
    oauth: Mapping[str, str] | None = None
    failing: Failing | None = None
    disabled: Time | None = None
    """When drsim has disabled it because it kept failing, if that is why it is disabled."""

    def wants(self, type: str) -> bool:
        """Whether an event of this type goes to it."""
        return self.enabled and type in self.types


@value
class Attempt:
    """One POST to the receiver: when (simulated), what came of it, and how long that took in real microseconds.

    `headers` were sent, with credentials hidden. `fault` is the id of the one that struck it, `sent` the body where
    that was not just the whole event. A `duplicate` is a copy that a fault has sent after the attempt proper.
    `answer_headers` and `answer` came back, the beginning of the body only.
    """

    at: Time
    status: int | None
    error: str | None
    duration: Span
    headers: Mapping[str, str]
    fault: str | None = None
    duplicate: bool = False
    sent: str | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""

    @property
    def succeeded(self) -> bool:
        """Any 2xx in time is success; redirects, other answers and none at all are not."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


@value
class Delivery:
    """One event on its way to one webhook; `due` is when it is tried next."""

    id: str
    created: Time
    event_id: str
    webhook_id: str
    type: str
    order_id: str
    state: str
    due: Time | None
    number: int = 0
    """Counts the deliveries of a sandbox."""
    api_version: str = "latest"
    expanded: bool = False
    """In which version and form the event goes out: as the webhook was set when it happened, so that every attempt
    has the same body (platform page, section 8.3)."""
    attempts: tuple[Attempt, ...] = ()
    fault: Mishap | None = None
    """What a fault has in store for the next attempt; no other fault strikes that one."""
    resent: bool = False
    """Whether somebody asked for it; the others came with their events."""

    @property
    def tries(self) -> int:
        """How many attempts were made, copies left out."""
        return sum(not each.duplicate for each in self.attempts)


def attempted(
    delivery: Delivery,
    attempt: Attempt,
    account: Account,
    copies: tuple[Attempt, ...] = (),
    *,
    chance: float = 0.5,
) -> Delivery:
    """The delivery after an attempt: delivered, due again, or failed when no retry is left.

    `copies` are what a fault has sent beside it; they are on record, but decide nothing. Retries are counted from the
    attempt's own time, so that a late process changes nothing; `chance` (0 to 1) brings them forward or puts them off.
    An attempt that was under way when its delivery was given up is on record, but decides nothing any more.
    """
    tries = delivery.tries
    delivery = replace(delivery, attempts=(*delivery.attempts, attempt, *copies), fault=None)
    if delivery.state == "undelivered":
        return delivery
    if attempt.succeeded:
        return replace(delivery, state=step(DELIVERY, delivery.state, "delivered"), due=None)
    spans = account.webhook_retries
    if tries >= len(spans):
        return replace(delivery, state=step(DELIVERY, delivery.state, "failed"), due=None)
    return replace(delivery, due=attempt.at + swayed(spans[tries], chance))


def swayed(span: Span, chance: float) -> Span:
    """A span brought forward or put off by up to `JITTER` of it; a `chance` (0 to 1) in the middle leaves it alone."""
    return span + round(span * JITTER * (2 * chance - 1))


def observed(webhook: Webhook, attempt: Attempt, account: Account, *, failed: bool) -> Webhook:
    """The webhook after an attempt: disabled when that was one failure too many (`failed`: the last of its event).

    A success wipes all former failures out.
    """
    if not webhook.enabled:
        return webhook
    if attempt.succeeded:
        return webhook if webhook.failing is None else replace(webhook, failing=None)
    before = webhook.failing or Failing(attempt.at, 0)
    failing, limit = replace(before, events=before.events + failed), account.webhook_disabling
    webhook = webhook if failing == webhook.failing else replace(webhook, failing=failing)
    if limit is None or attempt.at - failing.since < limit.after or failing.events < limit.failures:
        return webhook
    return replace(webhook, enabled=False, updated=attempt.at, disabled=attempt.at)


def changed(webhook: Webhook, now: Time, changes: Mapping[str, Any]) -> Webhook:
    """The webhook with these fields changed; one that is enabled again starts afresh."""
    after = replace(webhook, updated=now, **changes)
    return replace(after, failing=None, disabled=None) if after.enabled and not webhook.enabled else after


def put_off(delivery: Delivery, *, can_wait: bool) -> Delivery:
    """A delivery whose turn it is, as its fault leaves it: due later, or still due when it can go out now.

    A delay comes first. Then one that is to be overtaken waits for the next delivery, if it `can_wait`: one that is
    itself about to overtake another cannot.
    """
    mishap, due = delivery.fault, delivery.due
    if mishap is None or due is None:
        return delivery
    effect = mishap.effect
    if effect.delay:
        due, effect = due + effect.delay, replace(effect, delay=0)
    elif effect.reorder:
        due, effect = due + OVERTAKEN_FOR if can_wait else due, replace(effect, reorder=False)
    return replace(delivery, due=due, fault=replace(mishap, effect=effect))


def given_up(delivery: Delivery) -> Delivery:
    """A delivery whose webhook was disabled or deleted before it went out."""
    return replace(delivery, state=step(DELIVERY, delivery.state, "undelivered"), due=None, fault=None)


@value
class Seal:
    """What one attempt is signed with: the timestamp, and the texts of the secrets in the order in which they sign."""

    timestamp: int
    secrets: tuple[str, ...]


def seal(webhook: Webhook, account: Account, now: Time, wall: Time) -> Seal:
    """What signs an attempt that is made now: the secrets that are live, in the order and the unit of the account."""
    time = now if account.signature_clock == "simulated" else wall
    texts = [secret.text for secret in live(webhook.secrets, now)]
    if account.signature_order == "oldest-first":
        texts.reverse()
    return Seal(time // (SECOND if account.signature_unit == "seconds" else SECOND // 1_000), tuple(texts))


def signature(secrets: tuple[str, ...], timestamp: int, body: bytes) -> str:
    """The `DigitalRiver-Signature` header: `<timestamp>, <signature>`, one signature per secret, in their order.

    A signature is the Base64 of the HMAC-SHA256 of `<timestamp>.<raw body>` under the whole secret as UTF-8.
    """
    message = f"{timestamp}.".encode() + body
    signed = (hmac.digest(secret.encode(), message, "sha256") for secret in secrets)
    return ", ".join([str(timestamp), *(base64.b64encode(each).decode() for each in signed)])


def forged(seal: Seal) -> Seal:
    """The same seal with as many secrets, none of them right: what it signs looks genuine and is not."""
    return replace(seal, secrets=tuple(f"not {secret}" for secret in seal.secrets))


def parts(header: str) -> tuple[int, tuple[str, ...]]:
    """The timestamp of a signature header, in whatever unit it counts, and the signatures that follow it.

    Raises `ValueError` for a header that cannot be one, saying which part is wrong.
    """
    timestamp, *signatures = (part.strip() for part in header.split(","))
    if not _TIMESTAMP.fullmatch(timestamp):
        raise ValueError(f"its first part, '{timestamp[:40]}', is no timestamp")
    if not any(signatures):
        raise ValueError("no signature follows its timestamp")
    return int(timestamp), tuple(signatures)


def verified(header: str, secret: str, body: bytes) -> bool:
    """Whether one of the signatures in a header was made with `secret` for this raw body."""
    try:
        timestamp, signatures = parts(header)
    except ValueError:
        return False
    wanted = signature((secret,), timestamp, body).partition(", ")[2]
    return any(hmac.compare_digest(wanted.encode(), each.encode("utf-8", "replace")) for each in signatures)


def basic_authorization(authentication: Mapping[str, Any]) -> str:
    """The `Authorization` header for a webhook with a user name and password (either spelling of the name)."""
    name = authentication.get("username") or authentication.get("userName") or ""
    return "Basic " + base64.b64encode(f"{name}:{authentication.get('password', '')}".encode()).decode()
