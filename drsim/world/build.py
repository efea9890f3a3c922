"""From what stands in a scenario file to the values of the domain: orders, behavior rules, faults, the account."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from drsim.domain.account import Account, Delays, Disabling, Fulfiller
from drsim.domain.clock import Time
from drsim.domain.faults import CallEffect, DeliveryEffect, Fault
from drsim.domain.money import minor
from drsim.domain.outcome import Failure, Rule, Then
from drsim.domain.place import LineSpec, OrderSpec, ShippingSpec
from drsim.engine.makeup import MakeUp
from drsim.format.faults import FaultModel, FaultThenModel
from drsim.format.models import AccountModel, RuleModel, ThenModel
from drsim.format.numbers import plain
from drsim.format.orders import DiscountModel, ItemModel, OrderModel
from drsim.format.substitute import with_ids
from drsim.world.parties import parties
from drsim.world.payment import source_spec


def order_spec(model: OrderModel, makeup: MakeUp, now: Time, pays_at: str | None = None) -> OrderSpec:
    """The order to be placed at `now`, with everything that was left out made up; shoppers approve it at `pays_at`.

    Where it shall end is in `model.state`, how long before the present `now` is, in `model.age`. For a model with a
    `resource` see `imported`.
    """
    people = parties(model, makeup)
    return OrderSpec(
        currency=model.currency,
        locale=people.locale,
        email=people.email,
        source=source_spec(model.source, people.owner, makeup, now, pays_at),
        lines=tuple(_line(item, index, model, makeup) for index, item in enumerate(model.items)),
        ship_to=people.ship_to,
        ship_from=people.ship_from,
        bill_to=people.bill_to,
        store_credit=minor(model.store_credit, model.currency),
        shipping=_shipping(model),
        amount_off=_amount_off(model),
        percent_off=model.discount.percent_off if model.discount else None,
        discount=_shown_discount(model.discount) if model.discount else None,
        id=model.id,
        upstream_id=model.upstream_id,
        customer_id=model.customer_id,
        metadata=model.metadata or None,
    )


def rule(model: RuleModel, id: str, aliases: Mapping[str, str]) -> Rule:
    """The behavior rule with this id. `when.order` may name an alias: `aliases` says which order id it stands for.

    Patterns stay under the names of `Facts.value`; amounts are in major units.
    """
    patterns = model.when.model_dump(by_alias=True, exclude_none=True, exclude={"operation"})
    if "order" in patterns:
        patterns["order"] = with_ids(patterns["order"], aliases)
    return Rule(id, model.when.operation, patterns, _then(model.then), model.times)


def fault(model: FaultModel, id: str, to: str | None) -> Fault:
    """The fault with this id, about all webhooks or only the one with the id `to`."""
    pattern, every = model.when.call or model.when.delivery or "*", model.every or 1
    if model.when.call is not None:
        return Fault(id, pattern, on_call=_call_effect(model.then), every=every, left=model.times)
    return Fault(id, pattern, on_delivery=_delivery_effect(model.then), to=to, every=every, left=model.times)


def account(model: AccountModel, base: Account) -> Account:
    """The account with what the model gives in place of what it was; `rateLimit: none` takes a limit away."""
    delays = model.delays.model_dump(exclude_none=True)
    changes: dict[str, Any] = {
        name: value
        for name in model.model_fields_set - {"delays", "webhook_disabling", "fulfiller"}
        if (value := getattr(model, name)) is not None or name == "rate_limit"
    }
    if "webhook_disabling" in model.model_fields_set:
        disabling = model.webhook_disabling
        changes["webhook_disabling"] = disabling and Disabling(disabling.after, disabling.failures)
    if model.tax_rates is not None:
        changes["tax_rates"] = {place: f"{rate:f}" for place, rate in model.tax_rates.items()}
    if "fulfiller" in model.model_fields_set:
        changes["fulfiller"] = model.fulfiller and Fulfiller(**model.fulfiller.model_dump())
    return replace(base, **changes, delays=replace(base.delays or Delays(), **delays))


def _line(item: ItemModel, index: int, order: OrderModel, makeup: MakeUp) -> LineSpec:
    sku_id = item.sku_id or makeup.sku_id(index)
    name = item.name or makeup.product(index)
    rate = order.tax_rate if item.tax_rate is None else item.tax_rate
    return LineSpec(
        sku_id=sku_id,
        product={"id": sku_id, "name": name},
        product_more={"physical": item.physical},
        physical=item.physical,
        price=minor(item.price, order.currency),
        quantity=item.quantity,
        tax_rate=_written_plainly(rate),
        duties=minor(item.duties, order.currency),
        importer_tax=minor(item.importer_tax, order.currency),
        fees=minor(item.fees, order.currency),
        id=item.id,
        metadata=item.metadata or None,
        model=item.fulfillment_model or order.fulfillment_model,
    )


def _written_plainly(rate: Decimal) -> Decimal:
    """The same rate without an exponent: it is kept as text."""
    return Decimal(f"{rate:f}")


def _shipping(order: OrderModel) -> ShippingSpec | None:
    shipping = order.shipping
    if shipping is None:
        return None
    rate = order.tax_rate if shipping.tax_rate is None else shipping.tax_rate
    shown = {"description": shipping.description, "serviceLevel": shipping.service_level}
    return ShippingSpec(minor(shipping.amount, order.currency), rate, shown)


def _amount_off(order: OrderModel) -> int:
    off = order.discount.amount_off if order.discount else None
    return 0 if off is None else minor(off, order.currency)


def _shown_discount(discount: DiscountModel) -> Mapping[str, Any]:
    if discount.amount_off is not None:
        return {"amountOff": float(discount.amount_off)}
    return {"percentOff": plain(discount.percent_off)}


def _then(model: ThenModel) -> Then:
    usual = Failure()
    failure = Failure(model.failure_code or usual.code, model.failure_message or usual.message)
    following = _then(model.next) if model.next else None
    return Then(model.state, model.after, failure, following)


def _call_effect(model: FaultThenModel) -> CallEffect:
    headers = {name.lower(): text for name, text in (model.headers or {}).items()}
    drop = "call" if model.drop is True else model.drop or None
    return CallEffect(model.delay or 0, model.status, model.body, headers, drop)


def _delivery_effect(model: FaultThenModel) -> DeliveryEffect:
    return DeliveryEffect(
        delay=model.delay or 0,
        drop=model.drop is True,
        duplicate=model.duplicate or 0,
        reorder=model.reorder is True,
        corrupt_signature=model.corrupt_signature is True,
        truncate=model.truncate is True,
    )
