"""How shoppers are told to pay: the page for redirect methods, and the made-up accounts of receiver methods.

Source of the fields: resources page, 2.6; surroundings page, 4.3.
"""

from collections.abc import Mapping
from typing import Any

from drsim.engine.makeup import HOME, MakeUp


def redirect_url(base: str, sandbox: str) -> str:
    """The page where a shopper approves, on the server at `base`; `{id}` stands for the id of the source."""
    return f"{base}/payments/redirects/{{id}}?apiKey=pk_test_{sandbox}"


def receiver_details(type: str, owner: Mapping[str, Any], makeup: MakeUp) -> Mapping[str, Any]:
    """Where the shopper pays with a receiver method, as the object named after it shows it."""
    if type == "wireTransfer":
        return _wire_transfer((owner.get("address") or {}).get("country") or HOME, makeup)
    if type == "konbini":
        store = {"storeId": makeup.digits("store", 5), "storeName": "Sandbox Mart"}
        return {**store, "receiptNumber": makeup.digits("receipt", 11)}
    return {}


def _wire_transfer(country: str, makeup: MakeUp) -> Mapping[str, Any]:
    return {
        "accountHolder": "Sandbox Collections",
        "bankName": "Sandbox Bank",
        "city": makeup.address(country, "bank")["city"],
        "country": country,
        "referenceId": f"SB{makeup.digits('reference', 10)}",
        "accountNumber": makeup.digits("account", 10),
        "swiftCode": f"SAND{country}2X",
    }
