"""Payment sources: where an order's money comes from."""

from collections.abc import Mapping
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.methods import CARD_TYPES, Trouble
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

    @property
    def awaits_shopper(self) -> bool:
        """Whether the shopper still has to pay."""
        return self.state in ("pending_redirect", "pending_funds")

    @property
    def secondary(self) -> bool:
        """Whether this is store credit, which pays beside a primary source."""
        return self.type == "customerCredit"

    @property
    def last_four(self) -> str | None:
        """The last four digits of a card's number."""
        return self.details.get("lastFourDigits") if self.type in CARD_TYPES else None


@value
class Contribution:
    """What a source pays of one checkout or order, in minor units; store credit is `secondary` and pays first."""

    source_id: str
    amount: int
    reusable: bool = False
    secondary: bool = False
