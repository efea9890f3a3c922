"""Webhooks, the deliveries of events to them, how they are signed and when they are tried again.

Source: platform page, section 8.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
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


@value
class Webhook:
    """A subscription: which events go where. The newest of `secrets` is the first; `authentication` is kept as sent."""

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

    def wants(self, type: str) -> bool:
        """Whether an event of this type goes to it."""
        return self.enabled and type in self.types


@value
class Attempt:
    """One POST to the receiver: when (simulated), what came of it, and how long that took in real microseconds.

    `fault` is the id of the one that struck it, `sent` the body where that was not just the whole event. A `duplicate`
    is a copy that a fault has sent after the attempt proper.
    """

    at: Time
    status: int | None
    error: str | None
    duration: Span
    headers: Mapping[str, str]
    fault: str | None = None
    duplicate: bool = False
    sent: str | None = None

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


def attempted(delivery: Delivery, attempt: Attempt, account: Account, copies: tuple[Attempt, ...] = ()) -> Delivery:
    """The delivery after an attempt: delivered, due again, or failed when no retry is left.

    `copies` are what a fault has sent beside it; they are on record, but decide nothing. Retries are counted from the
    attempt's own time, so that a late process changes nothing.
    """
    tries = sum(not each.duplicate for each in delivery.attempts)
    delivery = replace(delivery, attempts=(*delivery.attempts, attempt, *copies), fault=None)
    if attempt.succeeded:
        return replace(delivery, state=step(DELIVERY, delivery.state, "delivered"), due=None)
    spans = account.webhook_retries
    if tries >= len(spans):
        return replace(delivery, state=step(DELIVERY, delivery.state, "failed"), due=None)
    return replace(delivery, due=attempt.at + spans[tries])


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
    signed = (hmac.new(secret.encode(), message, hashlib.sha256).digest() for secret in secrets)
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
