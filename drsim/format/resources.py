"""Orders as they are copied from a log: the public resource, found in what was copied and checked to add up.

Source: resources page, section 2.1.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from drsim.domain.states import ORDER
from drsim.format.copied import (
    NONE,
    ZERO,
    Copied,
    CopiedAmount,
    ItemResource,
    Mapping,
    PartResource,
    PaymentResource,
    Transitions,
)
from drsim.format.fields import Currency, Flag, Instant, Text, not_empty, one_of, too_deep
from drsim.format.mistakes import Mistake, refuse, wrong
from drsim.format.numbers import amounts_in
from drsim.format.problems import Path
from drsim.format.written import Schema, listed, ref


class DocumentResource(Copied):
    """`invoicePDFs[]` and `creditMemoPDFs[]`."""

    id: Text


class OrderResource(Copied):
    """An order as the API shows it. Without `payment` (as in `orderDetails`) a card is made up that paid for it."""

    together: ClassVar[Schema] = {
        "if": {
            "required": ["charges"],
            "properties": {"charges": {"not": {"enum": [None, False, 0, "", [], {}]}}},
            "not": {"required": ["payment"]},
        },
        "then": {
            "properties": {"charges": listed(ref("ChargeResource")), "sources": listed(ref("SourceResource"))},
        },
    }

    id: Text | None = None
    created_time: Instant | None = None
    updated_time: Instant | None = None
    customer_id: Text | None = None
    currency: Currency
    email: Text | None = None
    ship_to: Mapping | None = None
    ship_from: Mapping | None = None
    bill_to: Mapping | None = None
    total_amount: CopiedAmount | None = None
    total_tax: CopiedAmount | None = None
    total_discount: CopiedAmount | None = None
    items: Annotated[tuple[ItemResource, ...], not_empty("item")]
    shipping_choice: Mapping | None = None
    discount: Mapping | None = None
    metadata: Mapping | None = None
    upstream_id: Text | None = None
    application_id: Text | None = None
    browser_ip: Text | None = None
    locale: Text = "en_US"
    customer_type: Text = "individual"
    selling_entity: Mapping | None = None
    charge_type: Text = "customer_initiated"
    payment: PaymentResource | None = None
    refunded_amount: CopiedAmount = ZERO
    captured_amount: CopiedAmount | None = None
    cancelled_amount: CopiedAmount | None = None
    state: Annotated[str, one_of(ORDER)] = "accepted"
    state_transitions: Transitions | None = None
    fraud_state: Text | None = None
    fraud_state_transitions: Transitions | None = None
    request_to_be_forgotten: Flag = False
    checkout_id: Text | None = None
    invoices: tuple[DocumentResource, ...] = Field((), alias="invoicePDFs")
    credit_memos: tuple[DocumentResource, ...] = Field((), alias="creditMemoPDFs")

    @property
    def shipping(self) -> PartResource:
        """What shipping costs by the order's own word, with tax; nothing if the lines say it themselves."""
        if self.shipping_choice is None or any(item.shipping for item in self.items):
            return NONE
        return self.shipping_paid

    @property
    def shipping_paid(self) -> PartResource:
        """The amount and tax of the shipping choice."""
        choice = self.shipping_choice or {}
        with amounts_in(self.currency):
            return PartResource.model_validate({key: choice[key] for key in ("amount", "taxAmount") if key in choice})

    @property
    def lines_total(self) -> Decimal:
        """What all lines add up to, before an order's discount."""
        return sum((item.total for item in self.items), ZERO) + self.shipping.total

    @property
    def shared_discount(self) -> Decimal:
        """What is off the whole order: by as much the lines come to more than its total."""
        return ZERO if self.total_amount is None else self.lines_total - self.total_amount

    @model_validator(mode="wrap")
    @classmethod
    def _in_its_currency(cls, value: Any, handler: ModelWrapValidatorHandler["OrderResource"]) -> "OrderResource":
        with amounts_in(value.get("currency") if isinstance(value, dict) else None):
            return handler(value)

    @model_validator(mode="after")
    def _adds_up(self) -> "OrderResource":
        refuse([*_total_mistakes(self), *_charge_mistakes(self), *_id_mistakes(self)])
        return self


def _total_mistakes(order: OrderResource) -> list[Mistake]:
    off = order.shared_discount
    if off == 0 or 0 < off <= (order.total_discount or ZERO):
        return []
    return [(("totalAmount",), str(order.total_amount), f"{order.lines_total}, to which the lines add up")]


def _charge_mistakes(order: OrderResource) -> list[Mistake]:
    charges = (order.payment and order.payment.charges) or ()
    return [
        (("payment", "charges", index), f"{charge.committed} captured and cancelled", f"at most its {charge.amount}")
        for index, charge in enumerate(charges)
        if charge.committed > charge.amount
    ]


def _id_mistakes(order: OrderResource) -> list[Mistake]:
    seen: set[str] = set()
    mistakes: list[Mistake] = []
    for index, item in enumerate(order.items):
        if item.id in seen:
            path: Path = ("items", index, "id")
            mistakes.append((path, f"'{item.id}' again", "a different id for each item"))
        seen.add(item.id)
    return mistakes


def read_resource(value: Any) -> Any:
    """Finds the order in what was copied: the order itself, an event about it, or a fulfillment's `orderDetails`."""
    if not isinstance(value, dict):
        return value
    if too_deep(value):
        raise wrong("more than 40 levels", "fewer")
    if isinstance(value.get("data"), dict) and isinstance(value["data"].get("object"), dict):
        value = value["data"]["object"]
    if isinstance(value.get("orderDetails"), dict):
        value = value["orderDetails"]
    if "items" not in value:
        raise wrong("no 'items'", "an order, or an event or fulfillment that holds one")
    # Before March 2021 charges and sources stood at the top of an order.
    if "payment" not in value and value.get("charges"):
        value = {**value, "payment": {key: value[key] for key in ("charges", "sources") if key in value}}
    return value


def _holding(key: str, **inside: Any) -> Schema:
    return {"type": "object", "required": [key], "properties": {key: {"type": "object", **inside}}}


def copied_schema(order: Schema) -> Schema:
    """What `read_resource` finds an order in."""
    itself = {"if": _holding("orderDetails"), "then": {"properties": {"orderDetails": order}}, "else": order}
    return {
        "if": _holding("data", **_holding("object")),
        "then": {"properties": {"data": {"properties": {"object": itself}}}},
        "else": itself,
    }
