"""Making and changing checkouts, and letting sources pay for them."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import orjson

from drsim import render
from drsim.domain.amend import merged_metadata
from drsim.domain.checkouts import (
    Change,
    Checkout,
    CheckoutItem,
    Purchase,
    attach,
    changed,
    check_destination,
    detach,
    let_go,
    new_session,
    opened,
)
from drsim.domain.customers import Customer
from drsim.domain.postal import check_address
from drsim.domain.previous import previous_attributes
from drsim.domain.pricing import Line, Off
from drsim.domain.refusal import Refused, not_found
from drsim.domain.skus import Sku, group_is_physical
from drsim.domain.sources import Source
from drsim.domain.values import replace, value
from drsim.engine import records
from drsim.engine.work import Work
from drsim.store import Equal

_MOST_CHECKOUTS = 100
"""No more checkouts than this are looked at for one source."""


@value
class AskedItem:
    """One line that is asked for: `amount` minor units for all units of a SKU or of a `product` that is described."""

    sku_id: str | None
    product: Mapping[str, Any] | None
    amount: int
    quantity: int
    off: Off | None = None
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] | None = None


@value
class Asked:
    """A checkout that is asked for: `fields` of `Checkout`, its lines, and what pays for it at once.

    `store_credit` is an amount in minor units. With `inherits` the customer gives what is left out.
    """

    fields: Mapping[str, Any]
    items: tuple[AskedItem, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source_id: str | None = None
    store_credit: int | None = None
    inherits: bool = False


@value
class Changes:
    """What is asked to be changed: fields of the checkout, and of its lines by their id."""

    fields: Mapping[str, Any]
    items: Mapping[str, Mapping[str, Any]]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source_id: str | None = None
    store_credit: int | None = None


def create(work: Work, asked: Asked) -> bytes:
    """A new checkout; returns its public form. Raises `Refused`."""
    context = work.context()
    fields, source_id = dict(asked.fields), asked.source_id
    customer = _customer(work, fields.get("customer_id")) if asked.inherits else None
    if customer is not None:
        fields, source_id = _inherited(customer, fields), source_id or customer.default_source_id
    checkout = Checkout(
        id=context.new_id("checkout"),
        created=work.now,
        updated=work.now,
        items=tuple(_item(item, work) for item in asked.items),
        session=new_session(context),
        tax_rates=work.sandbox.account.tax_rates,
        metadata=merged_metadata(None, asked.metadata),
        **fields,
    )
    _check(work, checkout)
    checkout = _paid(work, opened(checkout), source_id, asked.store_credit)
    shown = save(work, checkout)
    work.happen("checkout.created", purchase(work, checkout))
    return shown


def update(work: Work, id: str, changes: Callable[[str], Changes]) -> bytes:
    """Changes a checkout as `changes`, given its currency, asks for; returns its public form. Raises `Refused`."""
    before = _open(work, id)
    was = render.checkout(purchase(work, before))
    asked = changes(before.currency)
    fields = dict(asked.fields)
    fields["extra"] = {**before.extra, **fields.get("extra", {})}
    fields["metadata"] = merged_metadata(before.metadata, asked.metadata)
    known = {item.id: item for item in before.items}
    items = {id: _item_change(known[id], each) if id in known else {} for id, each in asked.items.items()}
    checkout = changed(before, Change(fields, items), work.now)
    _check(work, checkout)
    checkout = _paid(work, checkout, asked.source_id, asked.store_credit)
    shown = save(work, checkout)
    work.happen("checkout.updated", purchase(work, checkout), previous_attributes(was, orjson.loads(shown)))
    return shown


def delete(work: Work, id: str) -> None:
    """Deletes a checkout; single-use sources that were attached to it are cancelled. Raises `Refused`."""
    checkout = _open(work, id)
    was = render.checkout(purchase(work, checkout))
    for contribution in checkout.contributions:
        _let_go(work, contribution.source_id)
    work.delete("checkout", id)
    work.happen("checkout.deleted", None, was)


def attach_source(work: Work, id: str, source_id: str) -> bytes:
    """Attaches a source to a checkout; returns the source in public form. Raises `Refused`."""
    checkout = _open(work, id)
    source = source_of(work, source_id)
    after = _attached(work, checkout, source)
    if after is not checkout:
        save(work, replace(after, updated=work.now))
    return orjson.dumps(render.source(source))


def detach_source(work: Work, id: str, source_id: str) -> None:
    """Detaches a source from a checkout; a single-use one is cancelled. Raises `Refused`."""
    checkout = _open(work, id)
    if all(each.source_id != source_id for each in checkout.contributions):
        raise not_found("Source", source_id, "sourceId")
    _let_go(work, source_id)
    save(work, replace(detach(checkout, source_id), updated=work.now))


def source_of(work: Work, id: str, parameter: str = "sourceId") -> Source:
    """A source. Raises `Refused` (404), naming `parameter`."""
    source: Source | None = work.get("source", id)
    if source is None:
        raise not_found("Source", id, parameter)
    return source


def by_session(work: Work, session_id: str) -> Checkout | None:
    """The checkout with this payment session."""
    found = work.transaction.newest(work.sandbox.number, "checkout", Equal("sessionId", (session_id,)), 0, 1)
    return work.get("checkout", found[0]) if found else None


def paid_by(work: Work, source_id: str) -> list[Checkout]:
    """The newest checkouts that a source pays for."""
    having, number = Equal("sourceId", (source_id,)), work.sandbox.number
    return [work.get("checkout", id) for id in work.transaction.newest(number, "checkout", having, 0, _MOST_CHECKOUTS)]


def save(work: Work, checkout: Checkout) -> bytes:
    """Saves a checkout; returns its public form."""
    record = records.checkout_record(purchase(work, checkout))
    work.put(record)
    return record.public or b"{}"


def purchase(work: Work, checkout: Checkout) -> Purchase:
    """A checkout with its sources."""
    return Purchase(checkout, tuple(work.get("source", each.source_id) for each in checkout.contributions))


def _open(work: Work, id: str) -> Checkout:
    checkout: Checkout | None = work.get("checkout", id)
    if checkout is None:
        raise not_found("Checkout", id)
    if checkout.state != "open":
        message = f"Checkout '{id}' can no longer be changed."
        raise Refused("conflict", "restricted_update", message, "id")
    return checkout


def _check(work: Work, checkout: Checkout) -> None:
    """Raises `Refused` for tax identifiers that there are not, and for addresses that cannot be."""
    for each in checkout.extra.get("taxIdentifiers", ()):
        if work.get("tax identifier", each["id"]) is None:
            raise Refused("conflict", "not_found", f"Tax identifier '{each['id']}' not found.", "id")
    if not work.sandbox.account.check_addresses:
        return
    for party in (checkout.ship_from, checkout.ship_to, checkout.bill_to):
        check_address(party)
    check_destination(checkout)


def _item(asked: AskedItem, work: Work) -> CheckoutItem:
    sku_id = asked.sku_id or (asked.product or {}).get("id")
    shown, physical, metadata = _product(asked, work)
    return CheckoutItem(
        id=work.sandbox.new_id("checkout item"),
        sku_id=sku_id,
        product=shown,
        product_more={"physical": physical, **({"metadata": metadata} if metadata else {})},
        line=Line(asked.amount, asked.quantity, physical, off=asked.off),
        metadata=merged_metadata(None, asked.metadata or {}),
        extra=asked.extra or {},
    )


def _product(asked: AskedItem, work: Work) -> tuple[Mapping[str, Any], bool, Mapping[str, Any] | None]:
    """What is shown of a product, whether it is shipped, and its metadata; an unknown SKU is one of that name (U20)."""
    if asked.product is not None:
        physical = group_is_physical(asked.product["skuGroupId"])
        if physical and asked.product.get("weight") is None:
            raise Refused("bad_request", "missing_parameter", "The weight is missing.", "weight")
        return asked.product, physical, None
    sku: Sku | None = work.get("sku", asked.sku_id or "")
    if sku is None:
        return {"id": asked.sku_id, "name": asked.sku_id}, True, None
    names = {"id": sku.id, "skuGroupId": sku.sku_group_id, "name": sku.name, "description": sku.description}
    more = {"url": sku.url, "image": sku.image, "countryOfOrigin": sku.country_of_origin, "partNumber": sku.part_number}
    shown = {name: each for name, each in {**names, **more}.items() if each is not None}
    return shown, sku.physical, sku.metadata


def _customer(work: Work, id: str | None) -> Customer | None:
    found: Customer | None = work.get("customer", id) if id else None
    return found


def _inherited(customer: Customer, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the customer gives where nothing was sent: until 2021-12-13 e-mail and address (surroundings page, 3.2)."""
    given = {"email": customer.email, "ship_to": customer.shipping, "locale": customer.locale}
    return {name: each for name, each in given.items() if each is not None} | dict(fields)


def _item_change(item: CheckoutItem, asked: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {"extra": {**item.extra, **asked.get("extra", {})}}
    if "metadata" in asked:
        changes["metadata"] = merged_metadata(item.metadata, asked["metadata"])
    return changes


def _paid(work: Work, checkout: Checkout, source_id: str | None, store_credit: int | None) -> Checkout:
    """The checkout with what shall pay for it attached."""
    if store_credit is not None:
        if any(each.secondary for each in checkout.contributions):
            message = "Credit amount has already been updated."
            raise Refused("conflict", "creditAmount_already_updated", message)
        if store_credit:
            checkout = _attached(work, checkout, _credit(work, checkout, store_credit))
    return checkout if source_id is None else _attached(work, checkout, source_of(work, source_id))


def _credit(work: Work, checkout: Checkout, amount: int) -> Source:
    """Store credit made with the checkout itself, as versions up to 2021-02-23 do it."""
    id = work.sandbox.new_id("source")
    source = Source(
        id=id,
        created=work.now,
        type="customerCredit",
        state="chargeable",
        owner={"email": checkout.email} if checkout.email else {},
        client_secret=f"{id}_{work.sandbox.new_id('secret')}",
        details={},
        currency=checkout.currency,
        amount=amount,
        session_id=checkout.session.id,
        customer_id=None,
    )
    work.put(records.source_record(source))
    return source


def _attached(work: Work, checkout: Checkout, source: Source) -> Checkout:
    """The checkout with a source attached; a single-use one that it replaces is cancelled."""
    before, after = checkout.primary, attach(checkout, source)
    if before is not None and after.primary is not None and before.source_id != after.primary.source_id:
        _let_go(work, before.source_id)
    return after


def _let_go(work: Work, source_id: str) -> None:
    source = source_of(work, source_id)
    after = let_go(source)
    if after is not source:
        work.put(records.source_record(after))
