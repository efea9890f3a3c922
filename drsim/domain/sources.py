"""Payment sources: where an order's money comes from, and the state in which they begin.

Source: resources page, 2.6 and 4.6; surroundings page, section 4.
"""

from collections.abc import Mapping
from typing import Any

from drsim.domain.account import Account
from drsim.domain.clock import Time
from drsim.domain.methods import CARD_TYPES, EXPIRES_AFTER, METHODS, Trouble
from drsim.domain.values import value


@value
class Source:
    """A payment source. `amount` is in minor units of `currency`; `details` is the object named after its type.

    Of a card only brand, expiry and last four digits are ever kept; what its number would bring about is in `troubles`.
    """

    id: str
    created: Time
    type: str
    state: str
    owner: Mapping[str, Any]
    client_secret: str
    details: Mapping[str, Any]
    currency: str | None = None
    amount: int | None = None
    """What it was made for; store credit is worth this much. Of what an order takes see `Contribution`."""
    session_id: str | None = None
    order_id: str | None = None
    """The order that used it up; a reusable one has none."""
    troubles: tuple[Trouble, ...] = ()
    reusable: bool = False
    customer_id: str | None = None
    upstream_id: str | None = None
    future_use: bool = False
    usage: str | None = None
    mandate: Mapping[str, Any] | None = None
    challenge: Mapping[str, Any] | None = None
    """Where the shopper passes the bank's challenge of a card, in the form of `redirect`."""
    expires: Time | None = None
    """When it is given up if the shopper has not paid by then; nothing if never."""
    updated: Time | None = None
    creation_ip: str | None = None

    @property
    def awaits_shopper(self) -> bool:
        """Whether the shopper still has to pay."""
        return self.state in ("pending_redirect", "pending_funds")

    @property
    def is_open(self) -> bool:
        """Whether it depends on the shopper what becomes of it: on paying, or on passing the bank's challenge."""
        return self.awaits_shopper or self.state == "requires_action"

    @property
    def redirect(self) -> Mapping[str, Any]:
        """`redirectUrl`, where the shopper is sent, and from there on to `returnUrl` or `cancelUrl`; empty without."""
        return self.challenge or {name: self.details[name] for name in REDIRECT if name in self.details}

    @property
    def secondary(self) -> bool:
        """Whether this is store credit, which pays beside a primary source."""
        return self.type == "customerCredit"

    @property
    def last_four(self) -> str | None:
        """The last four digits of a card's number."""
        return self.details.get("lastFourDigits") if self.type in CARD_TYPES else None


REDIRECT = ("redirectUrl", "returnUrl", "cancelUrl")
"""What sources of redirect methods show of the way that the shopper takes."""


@value
class Contribution:
    """What a source pays of one checkout or order, in minor units; store credit is `secondary` and pays first."""

    source_id: str
    amount: int
    reusable: bool = False
    secondary: bool = False


def first_state(type: str, troubles: tuple[Trouble, ...], *, challenged: bool) -> str:
    """The state in which a source begins that a shopper makes."""
    if Trouble("source", "fails") in troubles:
        return "failed"
    return "requires_action" if challenged else METHODS[type].unpaid_state


def expiry(type: str, now: Time, account: Account) -> Time | None:
    """When a source made now is given up if the shopper does not pay, if ever."""
    span = account.payment_expiry.get(type, EXPIRES_AFTER[METHODS[type].flow])
    return None if span is None else now + span
