"""Checkouts: what a customer is about to buy, priced anew with every change, and the payment session that pays for it.

All amounts are minor units of the checkout's currency. Source: surroundings page, section 3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Literal

from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.orders import FulfillmentModel, PaymentSession
from drsim.domain.pricing import Freight, Line, Off, Pricing, price
from drsim.domain.refusal import Refused, missing, unknown
from drsim.domain.sources import Contribution, Source
from drsim.domain.states import SESSION, SOURCE, step
from drsim.domain.taxes import EUROPEAN_UNION, is_landed, is_minor, rate_at
from drsim.domain.values import replace, value

Party = Mapping[str, Any]


@value
class CheckoutItem:
    """One line: what is bought and how it is priced. `extra` is shown as it was sent.

    `order_item_id` is the id that the line gets in the order, where that is wanted; it has another one here.
    """

    id: str
    sku_id: str | None
    product: Mapping[str, Any]
    product_more: Mapping[str, Any]
    line: Line
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    order_item_id: str | None = None
    model: FulfillmentModel = "third-party"


@value
class ShippingChoice:
    """The shipping that was chosen: `amount` before its discount, and what is shown beside it."""

    amount: int
    shown: Mapping[str, Any]


@value
class Checkout:
    """A checkout. `extra` holds what is only stored and shown; `tax_rates` are those of the account.

    A `converted` one has become an order, a `burnt` one was declined: neither can be ordered (resources page, 8).
    """

    id: str
    created: Time
    updated: Time
    currency: str
    items: tuple[CheckoutItem, ...]
    session: PaymentSession
    email: str | None = None
    locale: str = "en_US"
    customer_id: str | None = None
    customer_type: str = "individual"
    charge_type: str = "customer_initiated"
    tax_inclusive: bool = False
    ship_from: Party | None = None
    ship_to: Party | None = None
    bill_to: Party | None = None
    shipping: ShippingChoice | None = None
    off: Off | None = None
    shipping_off: Off | None = None
    upstream_id: str | None = None
    application_id: str | None = None
    browser_ip: str | None = None
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    tax_rates: Mapping[str, str] = field(default_factory=dict)
    rates_given: bool = False
    """Whether every line came with its rate, whatever its address."""
    freight_rate: str | None = None
    """The tax rate of shipping where it was given."""
    contributions: tuple[Contribution, ...] = ()
    state: Literal["open", "converted", "burnt"] = "open"

    @property
    def physical(self) -> bool:
        """Whether anything has to be shipped."""
        return any(item.line.physical for item in self.items)

    @property
    def primary(self) -> Contribution | None:
        """What pays whatever store credit leaves."""
        return next((each for each in self.contributions if not each.secondary), None)


@value
class Purchase:
    """A checkout with the sources that pay for it, in the order of its contributions: what is shown of it."""

    checkout: Checkout
    sources: tuple[Source, ...] = ()


@value
class Change:
    """What is to be changed on a checkout: its own fields, and those of lines by their id."""

    fields: Mapping[str, Any]
    items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def new_session(context: Context) -> PaymentSession:
    """A payment session that nothing pays for yet."""
    id = context.new_id("session")
    return PaymentSession(id, f"{id}_{context.new_id('secret')}", "requires_source", 0, 0)


def opened(checkout: Checkout) -> Checkout:
    """A new checkout with its rates looked up and its session asking for all of its total. Raises `Refused`."""
    return _funded(_rated(checkout))


def changed(checkout: Checkout, change: Change, now: Time) -> Checkout:
    """The checkout after a change, priced anew; the primary source follows the total.

    Raises `Refused` for items that it does not have, and where store credit would exceed the total.
    """
    by_id = {item.id: item for item in checkout.items}
    for index, id in enumerate(change.items):
        if id not in by_id:
            raise Refused("bad_request", "invalid_parameter", f"'{id}' is not a valid id.", f"items[{index}].id")
        by_id[id] = replace(by_id[id], **change.items[id])
    items = tuple(by_id.values())
    return _funded(_rated(replace(checkout, **change.fields, items=items, updated=now)))


def pricing(checkout: Checkout) -> Pricing:
    """What the checkout costs. Raises `Refused` for discounts larger than what they are off."""
    freight = None
    if checkout.shipping is not None:
        freight = Freight(checkout.shipping.amount, _freight_rate(checkout), checkout.shipping_off)
    lines = [item.line for item in checkout.items]
    return price(lines, freight, checkout.off, inclusive=checkout.tax_inclusive)


def attach(checkout: Checkout, source: Source) -> Checkout:
    """Lets a source pay: store credit its own amount, any other one what that leaves, in place of the one before.

    The same source again changes nothing (U30). Raises `Refused`.
    """
    if any(each.source_id == source.id for each in checkout.contributions):
        return checkout
    if source.order_id is not None or source.state not in ("chargeable", "pending_redirect", "pending_funds"):
        message = "The source status is invalid for this session."
        raise Refused("conflict", "source_status_invalid_for_session", message)
    if source.customer_id is not None and source.customer_id != checkout.customer_id:
        raise in_use(source)
    if source.secondary:
        return _with_credit(checkout, source)
    kept = tuple(each for each in checkout.contributions if each.secondary)
    return _funded(replace(checkout, contributions=(Contribution(source.id, 0, source.reusable), *kept)))


def in_use(source: Source) -> Refused:
    """The source is saved by somebody else."""
    message = f"Source '{source.id}' is attached to a different customer."
    return Refused("conflict", "source_in_use", message, "sourceId")


def detach(checkout: Checkout, source_id: str) -> Checkout:
    """The checkout without a source that paid."""
    return _funded(
        replace(checkout, contributions=tuple(each for each in checkout.contributions if each.source_id != source_id))
    )


def reusing(checkout: Checkout, source_id: str) -> Checkout:
    """The checkout, knowing that a source it is paid by can be used again."""
    paid = (replace(each, reusable=True) if each.source_id == source_id else each for each in checkout.contributions)
    return replace(checkout, contributions=tuple(paid))


def let_go(source: Source) -> Source:
    """A source that was detached: a single-use one is cancelled, unless an order has taken it (resources page, 4.6)."""
    if source.reusable or source.order_id is not None or not SOURCE[source.state]:
        return source
    return replace(source, state=step(SOURCE, source.state, "cancelled"))


def check_orderable(checkout: Checkout) -> None:
    """Raises `Refused` for what still has to be mended before this can be ordered (surroundings page, 3.8)."""
    if checkout.physical:
        if not (checkout.ship_from or {}).get("address"):
            raise missing("shipFrom.address")
        if not (checkout.ship_to or {}).get("name"):
            raise missing("shipping.name")
        if checkout.shipping is None:
            message = "Could not get Shipping Options for order"
            raise Refused("bad_request", "invalid_shipping_choice", message, "shippingChoice")
    if not checkout.email:
        message = (
            "The order could not be created because a required checkout parameter is missing. "
            "Update the checkout information provided before trying again."
        )
        raise Refused("bad_request", "order_create_failed", message, "email")
    if checkout.session.remaining or not checkout.contributions:
        raise Refused("bad_request", "order_submit_failed", "Payment session status is invalid.")


def check_destination(checkout: Checkout) -> None:
    """Raises `Refused` for physical goods without what a parcel needs (surroundings page, 3.7)."""
    address = (checkout.ship_to or {}).get("address")
    if not checkout.physical or address is None:
        return
    needed: tuple[str, ...] = ("country", "line1", "city", "postalCode")
    if address.get("country") in ("US", "CA"):
        needed = (*needed, "state")
    for name in needed:
        if not address.get(name):
            raise missing("address.line1" if name == "line1" else f"shipTo.address.{name}")


def check_item_change(index: int, sent: Iterable[str]) -> None:
    """Raises `Refused` for fields of a line that can only be given when the checkout is made."""
    for name in sent:
        if name not in ("id", "subscriptionInfo", "shipFrom", "metadata"):
            raise unknown(name, name)


def selling_entity(checkout: Checkout) -> dict[str, str]:
    """Who sells, once the addresses say it; nothing before."""
    country = {name: _country(getattr(checkout, name)) for name in ("ship_from", "ship_to", "bill_to")}
    if checkout.physical and country["ship_from"] is None and country["ship_to"] is None:
        return {}
    if not checkout.physical and country["bill_to"] is None:
        return {}
    bill_to = country["bill_to"] or country["ship_to"] or country["ship_from"] or "US"
    return entity_of(country["ship_from"], country["ship_to"], bill_to)


def entity_of(ship_from: str | None, ship_to: str | None, bill_to: str) -> dict[str, str]:
    """Who sells, by the countries involved (surroundings page, 3.5 and U19)."""
    countries = {ship_from or bill_to, ship_to or bill_to}
    if countries == {"US"}:
        return {"id": "C5_INC-ENTITY", "name": "DR globalTech Inc."}
    if (ship_to or bill_to) in EUROPEAN_UNION:
        return {"id": "DR_IRELAND-ENTITY", "name": "Digital River Ireland Ltd."}
    if (ship_to or bill_to) == "TW":
        return {"id": "DR_TAIWAN-ENTITY", "name": "Digital River Taiwan"}
    return {"id": "DR_INC-ENTITY", "name": "Digital River, Inc."}


def seller_tax_id(checkout: Checkout) -> str | None:
    """The seller's tax number that goes with parcels of small value into the European Union."""
    amount = sum(item.line.amount for item in checkout.items)
    if not checkout.physical or not is_minor(checkout.ship_from, checkout.ship_to, checkout.currency, amount):
        return None
    return "IM3720000224"


def is_duty_paid(checkout: Checkout) -> bool:
    """Whether duties and importer tax are part of the price."""
    return any(item.line.landed for item in checkout.items)


def _country(party: Party | None) -> str | None:
    country: str | None = (party or {}).get("address", {}).get("country")
    return country


def _rated(checkout: Checkout) -> Checkout:
    """The checkout with the tax rate of each line, by the address that it goes to."""
    if checkout.rates_given:
        return checkout
    return replace(checkout, items=tuple(_rated_item(item, checkout) for item in checkout.items))


def _rated_item(item: CheckoutItem, checkout: Checkout) -> CheckoutItem:
    line = item.line
    party = checkout.ship_to if line.physical else checkout.bill_to or checkout.ship_to
    rate = rate_at(party, checkout.tax_rates)
    ship_from = item.extra.get("shipFrom") or checkout.ship_from
    terms = checkout.shipping.shown.get("shippingTerms", "DDP") if checkout.shipping else "DDP"
    worth = sum(each.line.amount for each in checkout.items)
    landed = line.physical and not checkout.tax_inclusive and terms == "DDP"
    landed = landed and is_landed(ship_from, checkout.ship_to, checkout.currency, worth, rate)
    return replace(item, line=replace(line, tax_rate=rate, landed=landed))


def _freight_rate(checkout: Checkout) -> str:
    if checkout.freight_rate is not None:
        return checkout.freight_rate
    if is_duty_paid(checkout):
        return "0"
    return rate_at(checkout.ship_to or checkout.bill_to, checkout.tax_rates)


def _with_credit(checkout: Checkout, source: Source) -> Checkout:
    if checkout.primary is not None and not checkout.primary.reusable:
        message = "Updating source is not allowed for the current session state."
        raise Refused("conflict", "session_update_not_allowed", message)
    if source.currency is not None and source.currency != checkout.currency:
        message = f"Currency {source.currency} is not supported."
        raise Refused("bad_request", "invalid_parameter", message, "currency")
    credit = Contribution(source.id, source.amount or 0, reusable=False, secondary=True)
    return _funded(replace(checkout, contributions=(*checkout.contributions, credit)))


def _funded(checkout: Checkout) -> Checkout:
    """The checkout with its session and its primary source following its total."""
    total = pricing(checkout).totals.total
    credit = sum(each.amount for each in checkout.contributions if each.secondary)
    if credit > total:
        message = "Source amount(s) exceed session amount"
        raise Refused("conflict", "session_source_amount_too_large", message, "sourceId")
    contributions = tuple(
        each if each.secondary else replace(each, amount=total - credit) for each in checkout.contributions
    )
    paid = bool(contributions) and (checkout.primary is not None or credit == total)
    contributed = total if paid else credit
    state = "requires_confirmation" if paid else "requires_source"
    session = checkout.session
    if session.state != state:
        session = replace(session, state=step(SESSION, session.state, state))
    session = replace(session, contributed=contributed, remaining=total - contributed)
    return replace(checkout, contributions=contributions, session=session)
