"""How one simulated merchant account is set up: the `account` section of a scenario, with its defaults."""

from typing import Literal

from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND, Span
from drsim.domain.values import value

RiskTolerance = Literal["tolerant", "averse"]
SignatureClock = Literal["wall", "simulated"]


@value
class RateLimit:
    """At most `count` calls in any `per` of simulated time."""

    count: int
    per: Span


@value
class Delays:
    """How long each thing takes in simulated time when no rule or test card says otherwise.

    `complete` is the time from the last settled charge to the order's own completion. Source of the figures:
    resources page, section 10, row 31.
    """

    authorize: Span = 0
    capture: Span = 2 * SECOND
    cancel: Span = 1 * SECOND
    refund: Span = 3 * SECOND
    complete: Span = 1 * SECOND


TEST_RETRIES: tuple[Span, ...] = (5 * MINUTE, 30 * MINUTE, 2 * HOUR)
"""After how long each retry of a failed delivery follows the attempt before it, in test mode (platform page, U-14)."""

LIVE_RETRIES: tuple[Span, ...] = (
    *(minutes * MINUTE for minutes in (1, 5, 15, 30)),
    *(hours * HOUR for hours in (1, 2, 4, 8)),
    *(12 * HOUR,) * 4,
)
"""The same in live mode: longer and longer, then every twelve hours, as long as that is within 72 hours."""


@value
class Disabling:
    """When a webhook that keeps failing is disabled: `after` so long without a success, once `failures` events failed.

    Source: platform page, U-15.
    """

    after: Span = 3 * DAY
    failures: int = 10


@value
class Account:
    """The settings of one sandbox."""

    risk_tolerance: RiskTolerance = "tolerant"
    authorization_ttl: Span = 7 * DAY
    delays: Delays = Delays()
    rate_limit: RateLimit | None = None
    capture_retries: tuple[Span, ...] = ()
    """After how long each retry of a failed capture follows the failure before it; none unless asked for."""
    signature_clock: SignatureClock = "wall"
    """Which clock stamps signatures: receivers compare them with their own, so it is the wall's unless asked."""
    webhook_retries: tuple[Span, ...] = TEST_RETRIES
    """After how long each retry of a failed delivery follows the attempt before it."""
    webhook_disabling: Disabling | None = Disabling()
    """When webhooks that keep failing are disabled, if ever."""
