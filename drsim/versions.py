"""Older versions of the API: pure functions from a resource or an event in the latest version to the same in another.

A version exists only for a breaking change, additions land in all of them (platform page, section 2). So an older form
is the latest one with every later change undone, the newest first; `_CHANGES` lists those that drsim shows anything of.
The others are about requests, or about resources that it does not have.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from drsim.domain.account import LATEST_VERSION

Json = dict[str, Any]
Undo = Callable[[Json], Json]


def in_version(kind: str, public: bytes, version: str) -> bytes:
    """A resource of this kind, or an `event`, as JSON in this version; what is the same there is not even parsed.

    `version` is a dated one, or `default` or `latest`, both of which mean the latest here.
    """
    return orjson.dumps(shown_in(kind, orjson.loads(public), version)) if _differs(kind, version) else public


def shown_in(kind: str, shown: Mapping[str, Any], version: str) -> Json:
    """The same for a mapping, which stays as it is."""
    if kind == "event":
        return _event(shown, version)
    older = dict(shown)
    for undo in _undoings(kind, version):
        older = undo(older)
    return older


def expanded(event: bytes, products: Iterable[Mapping[str, Any]]) -> bytes:
    """An event with this much more in the product details of each line of its order (platform page, section 7.1)."""
    shown: Json = orjson.loads(event)
    it = shown["data"]["object"]
    lines = it.get("orderDetails", it)["items"]
    for line, more in zip(lines, products, strict=True):
        line["productDetails"] |= more
    return orjson.dumps(shown)


def _differs(kind: str, version: str) -> bool:
    if version in ("default", "latest", LATEST_VERSION):
        return False
    return kind == "event" or any(True for _ in _undoings(kind, version))


def _undoings(kind: str, version: str) -> Iterable[Undo]:
    """How to get from the latest form of a kind to that of a version, step by step."""
    return (undo[kind] for since, undo in _CHANGES if version < since and kind in undo)


def _event(shown: Mapping[str, Any], version: str) -> Json:
    it = shown["data"]["object"]
    # What an event is about does not follow from its type: most of those about charges hold a charge, one an order.
    if "items" in it:
        it = shown_in(shown["type"].partition(".")[0], it, version)
    stamp = {"digitalriverVersion": version} if "digitalriverVersion" in shown else {}
    return {**shown, "data": {**shown["data"], "object": it}, **stamp}


def _payment_at_the_top(order: Json) -> Json:
    """Before 2021-03-23 there was no `payment`: what is in it stood in the order or checkout itself.

    `sourceId` is the main source, `creditAmount` what store credit pays, where there is any.
    """
    if "payment" not in order:
        return order  # as part of a fulfillment
    payment: Json = order["payment"]
    charges, sources = payment.get("charges", []), payment.get("sources", [])
    credits = [source for source in sources if source["type"] == "customerCredit"]
    top: Json = {"charges": charges, "chargeIds": [charge["id"] for charge in charges]} if charges else {}
    if sources:
        main = next((source for source in sources if source["type"] != "customerCredit"), sources[0])
        top |= {"sourceId": main["id"], "sources": sources}
    top["paymentSessionId"] = payment["session"]["id"]
    if credits:
        top["creditAmount"] = _sum(source["amount"] for source in credits)
    return _replaced(order, "payment", top)


def _importer_tax_as_tax(order: Json) -> Json:
    """Before 2020-12-17 importer tax was part of `totalTax`, and `importerOfRecordTax` said so.

    The subtotal is without it then, since it is the total less all tax. The lines show it by itself in every version.
    """
    importer_tax = order["totalImporterTax"]
    landed = {"importerOfRecordTax": True} if importer_tax or order["totalDuty"] else {}
    older = _replaced(order, "totalImporterTax", landed)
    return older | {
        "subtotal": _sum((order["subtotal"], -importer_tax)),
        "totalTax": _sum((order["totalTax"], importer_tax)),
    }


def _within(key: str, undo: Undo) -> Undo:
    """The same for what stands under a key, if it is there."""
    return lambda shown: {**shown, key: undo(shown[key])} if key in shown else shown


_CHANGES: tuple[tuple[str, Mapping[str, Undo]], ...] = (
    ("2021-03-23", {"order": _payment_at_the_top, "checkout": _payment_at_the_top}),
    (
        "2020-12-17",
        {
            "order": _importer_tax_as_tax,
            "checkout": _importer_tax_as_tax,
            "fulfillment": _within("orderDetails", _importer_tax_as_tax),
        },
    ),
)
"""From which version on something is as it is, and for each kind of resource how it was before; the newest first."""


def _replaced(shown: Json, key: str, by: Json) -> Json:
    """A mapping with others in the place of one of its keys."""
    return {name: each for old in shown for name, each in (by if old == key else {old: shown[old]}).items()}


def _sum(amounts: Iterable[float]) -> float:
    """What amounts in major units add up to, to the cent."""
    return float(sum((Decimal(str(amount)) for amount in amounts), Decimal()))
