"""How a specified order is paid: the source with its details, and the trouble that its card or owner asks for.

Source of the details: resources page, section 2.6.
"""

from collections.abc import Mapping
from typing import Any

from drsim.domain.clock import Time, format_time
from drsim.domain.methods import CARD_TYPES, METHODS, trouble_by_name
from drsim.domain.place import SourceSpec
from drsim.engine.makeup import MakeUp
from drsim.format.buyer import SourceModel


def source_spec(source: SourceModel, owner: Mapping[str, Any], makeup: MakeUp, now: Time) -> SourceSpec:
    """The source of an order made at `now`. Without a card number it is a Visa ending in 1111, which succeeds."""
    by_name = trouble_by_name(source.type, str(owner.get("lastName", "")))
    troubles = (source.card.trouble if source.card else None, by_name)
    return SourceSpec(
        type=source.type,
        owner=owner,
        details=_details(source, owner, makeup, now),
        troubles=tuple(trouble for trouble in troubles if trouble),
        id=source.id,
    )


def _details(source: SourceModel, owner: Mapping[str, Any], makeup: MakeUp, now: Time) -> Mapping[str, Any]:
    """What the object named after the source's type shows."""
    if source.type in CARD_TYPES:
        return _card(source, makeup, now)
    if source.type == "wireTransfer":
        return _wire_transfer(owner, makeup)
    if source.type == "konbini":
        store = {"storeId": makeup.digits("store", 5), "storeName": "Sandbox Mart"}
        return {**store, "receiptNumber": makeup.digits("receipt", 11)}
    if METHODS[source.type].flow == "redirect":
        reference = makeup.digits("redirect", 16)
        return {
            "redirectUrl": f"https://pay.example.com/{source.type}/{reference}",
            "returnUrl": "https://shop.example.com/return",
            "cancelUrl": "https://shop.example.com/cancel",
        }
    return {}


def _card(source: SourceModel, makeup: MakeUp, now: Time) -> Mapping[str, Any]:
    year = int(format_time(now)[:4]) + makeup.number("expiry year", 2, 4)
    return {
        "brand": source.card.brand if source.card else source.brand or "Visa",
        "expirationMonth": source.expiration_month or makeup.number("expiry month", 1, 12),
        "expirationYear": source.expiration_year or year,
        "lastFourDigits": source.card.last_four if source.card else source.last_four_digits or "1111",
    }


def _wire_transfer(owner: Mapping[str, Any], makeup: MakeUp) -> Mapping[str, Any]:
    country = owner["address"]["country"]
    return {
        "accountHolder": "Sandbox Collections",
        "bankName": "Sandbox Bank",
        "city": makeup.address(country, "bank")["city"],
        "country": country,
        "referenceId": f"SB{makeup.digits('reference', 10)}",
        "accountNumber": makeup.digits("account", 10),
        "swiftCode": f"SAND{country}2X",
    }
