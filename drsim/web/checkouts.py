"""`/checkouts`: make, retrieve, list, change, delete, and attach what pays. Source: surroundings page, section 3."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from drsim.domain.account import LATEST_VERSION
from drsim.domain.checkouts import ShippingChoice, check_item_change
from drsim.domain.money import CURRENCIES, LIMIT, exponent, half_up
from drsim.domain.pricing import Off
from drsim.domain.refusal import Refused, invalid, missing
from drsim.engine import checkouts
from drsim.engine.checkouts import Asked, AskedItem, Changes
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import Listing, page

if TYPE_CHECKING:
    from drsim.web.bodies.checkouts import (
        CheckoutBody,
        CheckoutChangeBody,
        CheckoutFields,
        CheckoutItemBody,
        DiscountBody,
        PartyBody,
        ProductBody,
        ShippingChoiceBody,
    )

LISTING = Listing(
    "checkout",
    {
        "updatedTime": "time",
        "upstreamIds": "texts",
        "customerId": "text",
        "applicationId": "text",
        "email": "text",
        "currency": "text",
        "totalAmount": "amount",
        "locale": "text",
        "chargeType": "text",
        "customerType": "text",
        "subscriptionId": "text",
        "browserIp": "text",
    },
    {"upstreamIds": "upstreamId"},
)

_UNACTIVATED = frozenset("CUP IRR KPW PAB SYP".split())
"""Currencies that exist and that no account can sell in."""

MOST_UNITS = 1_000_000
"""No line has more units than this."""

_LAST_CREDIT_AMOUNT = "2021-02-23"
"""The last version in which store credit was an amount of the checkout."""


async def create(request: Request) -> Answer:
    """`POST /checkouts`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.checkouts import CheckoutBody

    body = await read(request, CheckoutBody)
    asked = _asked(body, _currency(body.currency), desk.version_of(request))
    made = await desk.perform(request, lambda work: checkouts.create(work, asked))
    return Answer(desk.in_version(request, "checkout", made), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /checkouts/{id}`."""
    return Answer(desk.in_version(request, "checkout", await desk.public(request, "checkout", "Checkout")))


async def listed(request: Request) -> Answer:
    """`GET /checkouts`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /checkouts/{id}`: everything but currency, prices and discount."""
    from drsim.web.bodies import fitted, json_of
    from drsim.web.bodies.checkouts import CheckoutChangeBody

    sent = await json_of(request)
    items = sent.get("items")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            check_item_change(index, item)
    body = fitted(CheckoutChangeBody, sent)
    id, version = request.path_params["id"], desk.version_of(request)
    changed = await desk.perform(
        request, lambda work: checkouts.update(work, id, lambda currency: _changes(body, currency, version))
    )
    return Answer(desk.in_version(request, "checkout", changed))


async def delete(request: Request) -> Answer:
    """`DELETE /checkouts/{id}`."""
    await desk.perform(request, lambda work: checkouts.delete(work, request.path_params["id"]))
    return Answer(b"", 204)


async def attach(request: Request) -> Answer:
    """`POST /checkouts/{id}/sources/{sourceId}`: 200 with the source; the body is of no interest."""
    id, source_id = request.path_params["id"], request.path_params["sourceId"]
    return Answer(await desk.perform(request, lambda work: checkouts.attach_source(work, id, source_id)))


async def detach(request: Request) -> Answer:
    """`DELETE /checkouts/{id}/sources/{sourceId}`."""
    id, source_id = request.path_params["id"], request.path_params["sourceId"]
    await desk.perform(request, lambda work: checkouts.detach_source(work, id, source_id))
    return Answer(b"", 204)


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise invalid("currency", code[:100])
    if code in _UNACTIVATED:
        raise Refused("conflict", "currency_unactivated", f"Currency '{code}' is not activated.", "currency")
    return code


def _asked(body: "CheckoutBody", currency: str, version: str) -> Asked:
    fields = _fields(body, currency)
    fields |= {"currency": currency, "tax_inclusive": body.taxInclusive, "off": _off(body.discount, currency)}
    if body.discount is not None:
        fields["extra"]["discount"] = _shown_discount(body.discount)
    return Asked(
        fields=fields,
        items=tuple(_item(item, index, currency) for index, item in enumerate(body.items)),
        metadata=body.metadata or {},
        source_id=body.sourceId,
        store_credit=_store_credit(body, currency, version),
        inherits=version < LATEST_VERSION,
    )


def _changes(body: "CheckoutChangeBody", currency: str, version: str) -> Changes:
    items = {
        item.id: {
            **({} if item.metadata is None else {"metadata": item.metadata}),
            "extra": _item_extra(item.shipFrom, item.subscriptionInfo),
        }
        for item in body.items
    }
    return Changes(
        _fields(body, currency), items, body.metadata or {}, body.sourceId, _store_credit(body, currency, version)
    )


def _store_credit(body: "CheckoutFields", currency: str, version: str) -> int | None:
    if body.creditAmount is None or version > _LAST_CREDIT_AMOUNT:
        return None
    return _units(body.creditAmount, currency)


def _fields(body: "CheckoutFields", currency: str) -> dict[str, Any]:
    """What was sent, as fields of a checkout."""
    found = {
        "customer_id": body.customerId,
        "email": body.email,
        "locale": body.locale,
        "customer_type": body.customerType,
        "charge_type": body.chargeType,
        "ship_from": _party(body.shipFrom),
        "ship_to": _party(body.shipTo),
        "bill_to": _party(body.billTo),
        "shipping": _shipping(body.shippingChoice, currency),
        "shipping_off": _off(body.shippingDiscount, currency),
        "upstream_id": body.upstreamId,
        "application_id": body.applicationId,
        "browser_ip": body.browserIp,
    }
    extra = {
        "shippingDiscount": body.shippingDiscount and _shown_discount(body.shippingDiscount),
        "taxIdentifiers": body.taxIdentifiers and [{"id": each.id} for each in body.taxIdentifiers],
        "organization": body.organization,
        "invoiceAttributeId": body.invoiceAttributeId,
        "purchaseLocation": body.purchaseLocation,
        "disclosures": body.disclosures,
        "billingOptimization": body.billingOptimization,
    }
    fields: dict[str, Any] = {name: each for name, each in found.items() if each is not None}
    return fields | {"extra": {name: each for name, each in extra.items() if each}}


def _party(body: "PartyBody | None") -> Mapping[str, Any] | None:
    return None if body is None else body.model_dump(exclude_none=True) or None


def _shipping(body: "ShippingChoiceBody | None", currency: str) -> ShippingChoice | None:
    if body is None:
        return None
    if body.amount is None:
        raise Refused("bad_request", "internal_error", "Client must provide shipping Cost")
    shown = body.model_dump(exclude_none=True, exclude={"amount"})
    return ShippingChoice(_units(body.amount, currency), shown)


def _off(body: "DiscountBody | None", currency: str) -> Off | None:
    if body is None or (body.amountOff is None and body.percentOff is None):
        return None
    if body.percentOff is not None:
        if not Decimal("0.01") <= body.percentOff <= 100:
            message = "The value must be an integer between 0.01 and 100.00 inclusive."
            raise Refused("bad_request", "invalid_discount_percent", message, "discount")
        return Off(percent=f"{body.percentOff:f}", quantity=body.quantity or None)
    assert body.amountOff is not None
    if body.amountOff <= 0:
        message = f"The value {float(body.amountOff)} is not permitted."
        raise Refused("bad_request", "invalid_discount_amount", message, "discount")
    return Off(amount=_units(body.amountOff, currency), quantity=body.quantity or None)


def _shown_discount(body: "DiscountBody") -> Mapping[str, Any]:
    if body.percentOff is not None:
        return {"percentOff": float(body.percentOff)}
    return {"amountOff": float(body.amountOff or 0)}


def _item(body: "CheckoutItemBody", index: int, currency: str) -> AskedItem:
    place, quantity = f"items[{index}]", 1 if body.quantity is None else body.quantity
    if not 0 < quantity <= MOST_UNITS:
        raise invalid(f"{place}.quantity", quantity, "quantity")
    if body.price is None and body.aggregatePrice is None:
        raise missing(f"{place}.price")
    if body.skuId is None and body.productDetails is None:
        raise missing(f"{place}.skuId")
    each = body.aggregatePrice if body.price is None else body.price * quantity
    assert each is not None
    off, extra = _off(body.discount, currency), _item_extra(body.shipFrom, body.subscriptionInfo)
    if body.discount is not None and off is not None:
        extra["discount"] = {**_shown_discount(body.discount), "quantity": min(quantity, off.quantity or quantity)}
    product = _product(body.productDetails) if body.productDetails else None
    return AskedItem(body.skuId, product, _units(each, currency), quantity, off, body.metadata, extra)


def _item_extra(ship_from: "PartyBody | None", subscription: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {"shipFrom": _party(ship_from), "subscriptionInfo": subscription}
    return {name: each for name, each in found.items() if each is not None}


def _product(body: "ProductBody") -> Mapping[str, Any]:
    """A described product. Raises `Refused` for what one of that kind needs (surroundings page, 3.7 and 5)."""
    if body.skuGroupId is None:
        message = "An item of type sku is missing a skuGroupId parameter."
        raise Refused("bad_request", "missing_parameter", message, "skuGroupId")
    if body.countryOfOrigin is None:
        raise Refused("bad_request", "missing_parameter", "must not be null", "countryOfOrigin")
    if body.name is None:
        raise missing("name")
    shown = body.model_dump(exclude_none=True)
    if body.weight is not None:
        shown["weight"] = float(body.weight)
    return shown


def _units(amount: Decimal, currency: str) -> int:
    """Minor units, halves up: prices may be finer than what can be paid. Raises `Refused` for too many."""
    units = half_up(amount.scaleb(exponent(currency)))
    if units >= LIMIT:
        raise Refused("bad_request", "amount_too_large", "The amount is larger than drsim can hold.", "items")
    return units
