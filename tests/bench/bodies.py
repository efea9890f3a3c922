"""What is sent: the order that is made, the fulfillments asked for, and the 3 KB document the references work on."""

from collections.abc import Sequence
from typing import Any

KEY = "sk_test_bench"
HEADERS = {"Authorization": f"Bearer {KEY}"}

_ADDRESS = {
    "line1": "10380 Bren Road West",
    "city": "Minnetonka",
    "postalCode": "55343",
    "state": "MN",
    "country": "US",
}
_NAMES = ("Widget", "Gadget", "Gizmo")


def order_specification() -> dict[str, Any]:
    """An accepted order of three lines of three units each, on one card that is always good."""
    return {
        "currency": "USD",
        "items": [
            {"name": name, "skuId": name.lower(), "price": 10.0 + index, "quantity": 3, "taxRate": 0.08025}
            for index, name in enumerate(_NAMES)
        ],
        "shipping": 5.0,
        "shipTo": {"address": _ADDRESS, "name": "Jane Doe", "phone": "952-111-1111"},
        "email": "jane@example.com",
        "source": {
            "type": "creditCard",
            "number": "4444222233331111",
            "owner": {"firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "address": _ADDRESS},
        },
    }


def fulfillment(order_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
    """A request to fulfil one unit of each of these lines."""
    return {"orderId": order_id, "items": [{"itemId": item_id, "quantity": 1} for item_id in item_ids]}


def reference_order(order_id: str) -> dict[str, Any]:
    """A document with the shape and size of an order resource, 3 KB as JSON: what the references store and answer."""
    moment = "2022-07-01T17:55:58Z"
    uuid = "0d5f4a2c-7a43-4f0b-9c3c-5d3c1d5f1e7a"
    contact = {"address": _ADDRESS, "name": "Jane Doe", "phone": "952-111-1111", "email": "jane@example.com"}
    owner = {"firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "address": _ADDRESS}
    zero = {"amount": 0.0}
    items = [
        {
            "id": f"14611{index}110336",
            "skuId": name.lower(),
            "productDetails": {"id": uuid, "name": name, "url": "https://example.com/", "countryOfOrigin": "US"},
            "amount": 30.0,
            "quantity": 3,
            "state": "created",
            "stateTransitions": {"created": moment},
            "tax": {"rate": 0.08025, "amount": 2.41},
            "importerTax": zero,
            "duties": zero,
            "availableToRefundAmount": 0.0,
            "fees": {"amount": 0.0, "taxAmount": 0.0},
            "shipping": {"amount": 1.67, "taxAmount": 0.13},
        }
        for index, name in enumerate(_NAMES)
    ]
    source = {"id": uuid, "type": "creditCard", "amount": 102.63, "owner": owner}
    card = {"brand": "Visa", "expirationMonth": 7, "expirationYear": 2027, "lastFourDigits": "1111"}
    charge = {
        "id": uuid,
        "createdTime": moment,
        "currency": "USD",
        "amount": 102.63,
        "state": "capturable",
        "captured": False,
        "refunded": False,
        "sourceId": uuid,
        "type": "customer_initiated",
    }
    session = {
        "id": uuid,
        "amountContributed": 102.63,
        "amountRemainingToBeContributed": 0.0,
        "state": "complete",
        "clientSecret": f"{uuid}_{uuid}",
    }
    return {
        "id": order_id,
        "createdTime": moment,
        "currency": "USD",
        "email": "jane@example.com",
        "shipTo": contact,
        "billTo": contact,
        "totalAmount": 102.63,
        "subtotal": 95.0,
        "totalFees": 0.0,
        "totalTax": 7.63,
        "totalImporterTax": 0.0,
        "totalDuty": 0.0,
        "totalDiscount": 0.0,
        "totalShipping": 5.0,
        "items": items,
        "updatedTime": moment,
        "locale": "en_US",
        "customerType": "individual",
        "sellingEntity": {"id": "C5_INC-ENTITY", "name": "DR globalTech Inc."},
        "liveMode": False,
        "payment": {"charges": [charge], "sources": [{**source, "creditCard": card}], "session": session},
        "state": "accepted",
        "stateTransitions": {"accepted": moment},
        "fraudState": "passed",
        "fraudStateTransitions": {"passed": moment},
        "requestToBeForgotten": False,
        "capturedAmount": 0.0,
        "cancelledAmount": 0.0,
        "availableToRefundAmount": 0.0,
        "checkoutId": uuid,
    }
