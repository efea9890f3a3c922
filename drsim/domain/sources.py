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
    currency: str
    amount: int
    state: str
    owner: Mapping[str, Any]
    order_id: str
    session_id: str
    client_secret: str
    details: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    reusable: bool = False
    customer_id: str | None = None
    upstream_id: str | None = None

    @property
    def secondary(self) -> bool:
        """Whether this is store credit, which pays beside a primary source."""
        return self.type == "customerCredit"

    @property
    def last_four(self) -> str | None:
        """The last four digits of a card's number."""
        return self.details.get("lastFourDigits") if self.type in CARD_TYPES else None
