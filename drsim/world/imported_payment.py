"""The sources and charges of an order that was copied from a log; a made-up card where the copy has no payment."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drsim.domain.charges import Charge, Operation, OperationKind, completed, standing
from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.methods import CARD_TYPES, METHODS, trouble_by_name
from drsim.domain.money import decimal, minor
from drsim.domain.orders import Item
from drsim.domain.outcome import Failure
from drsim.domain.sources import Contribution, Source
from drsim.format.copied import ChargeResource, OperationResource, PaymentResource, SourceResource
from drsim.format.resources import OrderResource

_CARD_KEPT = ("brand", "expirationMonth", "expirationYear", "lastFourDigits", "fundingSource")
"""All that is kept of a card, whatever else was copied."""

_MADE_UP_CARD = {"brand": "Visa", "expirationMonth": 12, "expirationYear": 2030, "lastFourDigits": "1111"}


def sources_of(
    resource: OrderResource, order_id: str, session_id: str, context: Context
) -> tuple[tuple[Source, ...], tuple[Contribution, ...]]:
    """The sources and what each pays: as they were copied, those that charges name besides, or one card for all."""
    payment = resource.payment or PaymentResource()
    copied = list(payment.sources)
    known = {source.id for source in copied}
    for charge in payment.charges or ():
        if charge.source_id and charge.source_id not in known:
            known.add(charge.source_id)
            copied.append(SourceResource.model_construct(id=charge.source_id, details=_MADE_UP_CARD))
    if not copied:
        copied.append(SourceResource.model_construct(details=_MADE_UP_CARD))
    sources = tuple(_source(each, resource, order_id, session_id, context) for each in copied)
    amounts = (_amount_of(each, resource) for each in copied)
    paid = zip(sources, amounts, strict=True)
    return sources, tuple(Contribution(source.id, amount, secondary=source.secondary) for source, amount in paid)


def _source(
    copied: SourceResource, resource: OrderResource, order_id: str, session_id: str, context: Context
) -> Source:
    id = copied.id or context.new_id("source")
    owner = copied.owner or _owner(resource)
    trouble = trouble_by_name(copied.type, str(owner.get("lastName", "")))
    credit = copied.type == "customerCredit"
    return Source(
        id=id,
        created=resource.created_time or context.now,
        type=copied.type,
        currency=resource.currency if credit else None,
        amount=_amount_of(copied, resource) if credit else None,
        state=METHODS[copied.type].unpaid_state if resource.state == "pending_payment" else "consumed",
        owner=owner,
        order_id=order_id,
        session_id=session_id,
        client_secret=f"{id}_{context.new_id('secret')}",
        details=_details(copied),
        troubles=(trouble,) if trouble else (),
        customer_id=resource.customer_id,
        upstream_id=copied.upstream_id,
    )


def _amount_of(copied: SourceResource, resource: OrderResource) -> int:
    """What a source pays: as it says, or as its charge says, or the whole order."""
    if copied.amount is not None:
        return minor(copied.amount, resource.currency)
    charges = (resource.payment and resource.payment.charges) or ()
    charged = [charge.amount for charge in charges if charge.source_id == copied.id and copied.id]
    return minor(charged[0] if charged else resource.lines_total - resource.shared_discount, resource.currency)


def _details(copied: SourceResource) -> Mapping[str, Any]:
    if copied.type not in CARD_TYPES:
        return copied.details
    kept = {key: copied.details[key] for key in _CARD_KEPT if key in copied.details}
    if "lastFourDigits" in kept:
        kept["lastFourDigits"] = str(kept["lastFourDigits"])[-4:].rjust(4, "0")
    return kept


def _owner(resource: OrderResource) -> Mapping[str, Any]:
    party = resource.bill_to or resource.ship_to or {}
    first, _, last = str(party.get("name", "")).partition(" ")
    owner = {
        "firstName": first,
        "lastName": last,
        "email": party.get("email") or resource.email,
        "address": party.get("address"),
    }
    return {key: value for key, value in owner.items() if value}


def charges_of(
    resource: OrderResource,
    order_id: str,
    session_id: str,
    items: tuple[Item, ...],
    sources: tuple[Source, ...],
    context: Context,
) -> tuple[Charge, ...]:
    """The charges as they were copied; without any payment, one on the made-up card that fits the order's figures."""
    copied = resource.payment.charges if resource.payment else None
    if copied is None:
        copied = () if resource.payment or resource.state == "pending_payment" else (_whole_charge(resource, items),)
    return tuple(_charge(each, resource, order_id, session_id, sources, context) for each in copied)


def _whole_charge(resource: OrderResource, items: tuple[Item, ...]) -> ChargeResource:
    total = resource.lines_total - resource.shared_discount
    captured, cancelled = resource.captured_amount, resource.cancelled_amount
    if not captured and not cancelled:
        captured = total if resource.state in ("fulfilled", "complete", "returned") else None
        cancelled = total if resource.state in ("cancelled", "blocked") else None
    lines = [decimal(item.total, resource.currency) for item in items]
    return ChargeResource.model_construct(
        amount=total,
        captures=_whole_operations(captured, total, lines),
        cancels=_whole_operations(cancelled, total, lines),
    )


def _whole_operations(amount: Decimal | None, total: Decimal, lines: list[Decimal]) -> tuple[OperationResource, ...]:
    """Operations that come to this amount: one per line if it is all the lines are worth."""
    parts = lines if amount == total else [min(amount, total)] if amount else []
    return tuple(OperationResource.model_construct(amount=part) for part in parts if part)


def _charge(
    copied: ChargeResource,
    resource: OrderResource,
    order_id: str,
    session_id: str,
    sources: tuple[Source, ...],
    context: Context,
) -> Charge:
    created = copied.created_time or resource.created_time or context.now
    source = next((each for each in sources if each.id == copied.source_id), sources[0])
    amount = minor(copied.amount, resource.currency)
    captures = tuple(_operation("capture", each, resource, created, context) for each in copied.captures)
    cancels = tuple(_operation("cancel", each, resource, created, context) for each in copied.cancels)
    state = copied.state or _state(amount, captures, cancels)
    failed = copied.state == "failed"
    return Charge(
        id=copied.id or context.new_id("charge"),
        created=created,
        order_id=order_id,
        source_id=source.id,
        session_id=session_id,
        currency=resource.currency,
        amount=amount,
        state=state,
        type=copied.type or resource.charge_type,
        secondary=source.secondary,
        expires=created + context.account.authorization_ttl,
        captures=captures,
        cancels=cancels,
        # A card needs nobody to authorize it; other methods wait for the shopper.
        due=context.now + context.account.delays.authorize
        if state == "pending" and METHODS[source.type].flow == "standard"
        else None,
        failure=_failure(copied.failure_code, copied.failure_message) if failed else None,
    )


def _state(amount: int, captures: tuple[Operation, ...], cancels: tuple[Operation, ...]) -> str:
    if standing(captures) + standing(cancels) < amount:
        return "capturable"
    if any(each.state == "pending" for each in (*captures, *cancels)):
        return "processing"
    return "complete" if completed(captures) else "cancelled"


def _operation(
    kind: OperationKind, copied: OperationResource, resource: OrderResource, created: Time, context: Context
) -> Operation:
    delay = context.account.delays.capture if kind == "capture" else context.account.delays.cancel
    failed = copied.state == "failed"
    return Operation(
        id=copied.id or context.new_id(kind),
        created=copied.created_time or created,
        amount=minor(copied.amount, resource.currency),
        state=copied.state,
        due=context.now + delay if copied.state == "pending" else None,
        failure=_failure(copied.failure_code, copied.failure_message) if failed else None,
        fulfillment_id=copied.fulfillment_id,
        item_id="",
        units=0,
    )


def _failure(code: str | None, message: str | None) -> Failure:
    usual = Failure()
    return Failure(code or usual.code, message or usual.message)
