"""How one simulated merchant account is set up: the `account` section of a scenario, with its defaults."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND, Span
from drsim.domain.values import value

RiskTolerance = Literal["tolerant", "averse"]
SignatureClock = Literal["wall", "simulated"]
SignatureOrder = Literal["newest-first", "oldest-first"]
SignatureUnit = Literal["seconds", "milliseconds"]
ShipmentIds = Literal["checked", "required", "ignored"]
Answering = Literal["accept", "reject", "wait"]
ServerSources = Literal["credit-only", "all"]

LATEST_VERSION = "2021-12-13"
VERSIONS = ("2020-01-07", "2020-09-30", "2020-12-17", "2021-02-23", "2021-03-23", LATEST_VERSION)
"""The API versions that were ever published (platform page, section 2)."""


@value
class RateLimit:
    """At most `count` calls in any `per` of simulated time."""

    count: int
    per: Span


@value
class Delays:
    """How long each thing takes in simulated time when no rule or test card says otherwise.

    `complete` is the time from the last settled charge to the order's own completion, `invoice` that from the first
    complete capture to the invoice, `credit_memo` that from a refund that succeeded to its credit memo. Source of the
    figures: resources page, section 10, row 31.
    """

    authorize: Span = 0
    capture: Span = 2 * SECOND
    cancel: Span = 1 * SECOND
    refund: Span = 3 * SECOND
    complete: Span = 1 * SECOND
    invoice: Span = 1 * SECOND
    credit_memo: Span = 1 * SECOND
    fulfillment_cancellation: Span = 2 * SECOND
    fulfillment_return: Span = 2 * SECOND


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
class Fulfiller:
    """How the automatic fulfiller ships: a parcel every `ship_after`, with at most `parcels_of` units.

    With `backorder` it says first that everything is on backorder, and ships its first parcel so much later.
    """

    ship_after: Span
    parcels_of: int | None = None
    backorder: Span | None = None


@value
class Account:
    """The settings of one sandbox."""

    api_version: str = LATEST_VERSION
    """The version of its keys: that of calls without a version header, and of webhooks that ask for the default."""
    risk_tolerance: RiskTolerance = "tolerant"
    authorization_ttl: Span = 7 * DAY
    delays: Delays = Delays()
    rate_limit: RateLimit | None = None
    capture_retries: tuple[Span, ...] = ()
    """After how long each retry of a failed capture follows the failure before it; none unless asked for."""
    signature_clock: SignatureClock = "wall"
    """Which clock stamps signatures: receivers compare them with their own, so it is the wall's unless asked."""
    signature_order: SignatureOrder = "newest-first"
    """How the signatures of several live secrets follow each other (platform page, U-13, as is the unit)."""
    signature_unit: SignatureUnit = "seconds"
    """What timestamps of signatures count."""
    webhook_retries: tuple[Span, ...] = TEST_RETRIES
    """After how long each retry of a failed delivery follows the attempt before it."""
    webhook_disabling: Disabling | None = Disabling()
    """When webhooks that keep failing are disabled, if ever."""
    payment_expiry: Mapping[str, Span | None] = field(default_factory=dict)
    """By source type, how long the shopper has time to pay (`None`: for ever), where that is not as usual."""
    server_sources: ServerSources = "credit-only"
    """Which sources secret keys may make (surroundings page, U25)."""
    check_addresses: bool = True
    """Whether addresses of checkouts have to be whole and their codes possible (surroundings page, U26)."""
    tax_rates: Mapping[str, str] = field(default_factory=dict)
    """Tax rates of this account before those of the table: by country, or country and state (`US-MN`), as text."""

    fulfiller: Fulfiller | None = None
    """Who ships fulfillment orders; without one, notices are given through the control plane."""
    shipment_ids: ShipmentIds = "checked"
    """When shipping units of a distributed line takes the ids of their shipment: `checked` where it belongs to a
    fulfillment order (surroundings page, U1), `required` also where it belongs to none, `ignored` never."""
    fulfillment_cancellations: Answering = "accept"
    """How the fulfiller answers them by itself; `wait` leaves it to the control plane."""
    fulfillment_returns: Answering = "accept"
    """The same for fulfillment returns."""

    def version(self, asked: str) -> str:
        """The dated version that a webhook gets when it asks for this one: the `default` is that of the keys."""
        return {"default": self.api_version, "latest": LATEST_VERSION}.get(asked, asked)
