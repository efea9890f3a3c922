"""The signing secrets of a webhook: several live at once, rotated and revoked.

They stand newest first. The newest signs until it is replaced; each older one has a time at which it stops. Source:
platform page, 8.2.
"""

from drsim.domain.clock import DAY, HOUR, Span, Time
from drsim.domain.refusal import Refused, not_found
from drsim.domain.values import replace, value

MOST_LIVE = 5
"""So many secrets of a webhook sign at once, and no more."""

USUAL_OVERLAP: Span = 12 * HOUR
LONGEST_OVERLAP: Span = DAY


@value
class Secret:
    """One signing secret; from `expires` on it signs no more."""

    text: str
    created: Time
    expires: Time | None = None


def live(secrets: tuple[Secret, ...], now: Time) -> tuple[Secret, ...]:
    """Those that sign now."""
    return tuple(each for each in secrets if each.expires is None or now < each.expires)


def rotated(secrets: tuple[Secret, ...], text: str, overlap: Span, now: Time) -> tuple[Secret, ...]:
    """The live secrets after a new one has taken the place of the newest, which signs beside it for `overlap`.

    Older ones keep the time at which they stop. Raises `Refused` when the new one is live already, and when there
    would be too many.
    """
    newest, *older = live(secrets, now)
    if text in (newest.text, *(each.text for each in older)):
        raise Refused("conflict", "secret_in_use", "This secret is live already.", "secret")
    kept = live((replace(newest, expires=now + overlap), *older), now)
    if len(kept) >= MOST_LIVE:
        message = f"No more than {MOST_LIVE} secrets are live at once. Revoke one, or wait until one expires."
        raise Refused("conflict", "too_many_secrets", message)
    return (Secret(text, now), *kept)


def revoked(secrets: tuple[Secret, ...], text: str, now: Time) -> tuple[Secret, ...]:
    """The live secrets without this one. Without the newest, the next newest takes its place and no longer expires.

    Raises `Refused` when it is not live, and when it is the last one.
    """
    before = live(secrets, now)
    left = tuple(each for each in before if each.text != text)
    if len(left) == len(before):
        raise not_found("Secret", text[:100], "secret")
    if not left:
        raise Refused("conflict", "last_secret", "The last live secret cannot be revoked. Rotate it.", "secret")
    return (replace(left[0], expires=None), *left[1:])
