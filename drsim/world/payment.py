"""How a specified order is paid: the source with its details, and the trouble that its card or owner asks for.

Source of the details: resources page, section 2.6.
"""

from collections.abc import Mapping
from typing import Any

from drsim.domain.clock import Time, format_time
from drsim.domain.methods import CARD_TYPES, METHODS, trouble_by_name
from drsim.domain.place import SourceSpec
from drsim.engine.instructions import receiver_details
from drsim.engine.makeup import MakeUp
from drsim.format.buyer import SourceModel

_RETURNS = {"returnUrl": "https://shop.example.com/return", "cancelUrl": "https://shop.example.com/cancel"}
"""Where shoppers go from the page of a redirect method when no shop has said where."""


def source_spec(
    source: SourceModel, owner: Mapping[str, Any], makeup: MakeUp, now: Time, pays_at: str | None = None
) -> SourceSpec:
    """The source of an order made at `now`. Without a card number it is a Visa ending in 1111, which succeeds.

    `pays_at` is the page of redirect methods, with `{id}` for the id of the source.
    """
    by_name = trouble_by_name(source.type, str(owner.get("lastName", "")))
    troubles = (source.card.trouble if source.card else None, by_name)
    redirects = METHODS[source.type].flow == "redirect"
    return SourceSpec(
        type=source.type,
        owner=owner,
        details=_details(source, owner, makeup, now),
        troubles=tuple(trouble for trouble in troubles if trouble),
        id=source.id,
        pays_at=pays_at if redirects else None,
    )


def _details(source: SourceModel, owner: Mapping[str, Any], makeup: MakeUp, now: Time) -> Mapping[str, Any]:
    """What the object named after the source's type shows."""
    if source.type in CARD_TYPES:
        return _card(source, makeup, now)
    if METHODS[source.type].flow == "redirect":
        return _RETURNS
    return receiver_details(source.type, owner, makeup)


def _card(source: SourceModel, makeup: MakeUp, now: Time) -> Mapping[str, Any]:
    year = int(format_time(now)[:4]) + makeup.number("expiry year", 2, 4)
    return {
        "brand": source.card.brand if source.card else source.brand or "Visa",
        "expirationMonth": source.expiration_month or makeup.number("expiry month", 1, 12),
        "expirationYear": source.expiration_year or year,
        "lastFourDigits": source.card.last_four if source.card else source.last_four_digits or "1111",
    }
