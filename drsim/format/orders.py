"""The specification of an order, as `given.orders[]` holds it: what is bought, how it is paid, where it starts.

All amounts are in major units of the order's currency and checked to be no finer than its minor unit.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field, ModelWrapValidatorHandler, ValidationInfo, field_validator, model_validator

from drsim.domain.clock import DAY, Span
from drsim.domain.history import STATES
from drsim.domain.orders import FulfillmentModel
from drsim.format.buyer import PartyModel, SourceModel
from drsim.format.fields import (
    Alias,
    Currency,
    Duration,
    Email,
    Flag,
    Locale,
    Metadata,
    Text,
    nothing_as,
    one_of,
)
from drsim.format.mistakes import refuse, wrong
from drsim.format.numbers import Amount, Percent, Quantity, Rate, amounts_in
from drsim.format.part import Part
from drsim.format.resources import OrderResource, copied_schema, read_resource
from drsim.format.written import Schema, Written, either, given, ref

_SETTLED = ("cancelled", "complete", "dispute", "returned", "blocked")
"""States that an order is brought to by things which take time."""


_Model = Annotated[FulfillmentModel, one_of(get_args(FulfillmentModel), name="FulfillmentModel")]


class ItemModel(Part):
    """`items[]`: one line; `price` is per unit, other amounts are for the whole line."""

    alias: Alias | None = Field(None, alias="as")
    id: Text | None = None
    sku_id: Text | None = None
    name: Text | None = None
    price: Amount
    quantity: Quantity = 1
    tax_rate: Rate | None = None
    duties: Amount = Decimal(0)
    importer_tax: Amount = Decimal(0)
    fees: Amount = Decimal(0)
    physical: Flag = True
    fulfillment_model: _Model | None = None
    metadata: Metadata | None = None


class ShippingModel(Part):
    """`shipping`: its price before tax (or only that, as a number), and how it is called."""

    amount: Amount
    tax_rate: Rate | None = None
    description: Text = "Standard shipping"
    service_level: Text = "standard"


def _as_mapping(value: Any) -> Any:
    return value if isinstance(value, dict) else {"amount": value}


def _or_amount(mapping: Schema) -> Schema:
    return either(mapping, ref("Amount"))


class DiscountModel(Part):
    """`discount`: off the whole order, as an amount or in percent."""

    together: ClassVar[Schema] = {"oneOf": [given("amountOff"), given("percentOff")]}

    amount_off: Amount | None = None
    percent_off: Percent | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "DiscountModel":
        if (self.amount_off is None) == (self.percent_off is None):
            found = "neither" if self.amount_off is None else "both"
            raise wrong(f"{found} of 'amountOff' and 'percentOff'", "one of them")
        return self


def _file_unread(value: Any) -> Any:
    raise wrong("'from'", "'resource': only the command line reads files")


_FILE = {
    "description": "The name of a file beside this one that holds a copied order.",
    "type": "string",
    "minLength": 1,
}


class OrderModel(Part):
    """`given.orders[]`: an order to be made. Everything but `items` (or `resource`) is made up if left out."""

    together: ClassVar[Schema] = {
        "if": {"anyOf": [{"required": ["from"]}, given("resource")]},
        "then": {"propertyNames": {"enum": ["as", "resource", "from"]}, "not": {"required": ["resource", "from"]}},
        "else": {"required": ["items"], "properties": {"items": {"minItems": 1}}},
    }

    alias: Alias | None = Field(None, alias="as")
    source_file: Annotated[str | None, Written(_file_unread, _FILE)] = Field(None, alias="from")
    resource: Annotated[OrderResource, Written(read_resource, copied_schema, replaced=False)] | None = None
    state: Annotated[str, one_of(STATES)] = "accepted"
    created_ago: Duration | None = None
    id: Text | None = None
    upstream_id: Text | None = None
    currency: Currency = "USD"
    locale: Locale | None = None
    email: Email | None = None
    customer_id: Text | None = None
    ship_to: PartyModel | None = None
    bill_to: PartyModel | None = None
    source: Annotated[SourceModel, nothing_as(dict)] = Field(default_factory=lambda: SourceModel.model_validate({}))
    store_credit: Amount = Decimal(0)
    shipping: Annotated[ShippingModel, Written(_as_mapping, _or_amount, replaced=False)] | None = None
    tax_rate: Rate = Decimal(0)
    discount: DiscountModel | None = None
    metadata: Metadata | None = None
    fulfillment_model: _Model = "third-party"
    items: Annotated[tuple[ItemModel, ...], Field(validate_default=True)] = ()

    @property
    def age(self) -> Span:
        """How long ago it was made: `createdAgo`, or long enough for the state it shall be in."""
        if self.created_ago is not None:
            return self.created_ago
        return DAY if self.state in _SETTLED else 0

    @model_validator(mode="wrap")
    @classmethod
    def _in_its_currency(cls, value: Any, handler: ModelWrapValidatorHandler["OrderModel"]) -> "OrderModel":
        with amounts_in(value.get("currency") if isinstance(value, dict) else None):
            return handler(value)

    @field_validator("items", mode="before")
    @classmethod
    def _has_items(cls, value: Any, info: ValidationInfo) -> Any:
        unknown = object()
        placed_whole = (
            info.data.get("resource", unknown) is not None or info.data.get("source_file", unknown) is not None
        )
        if value in (None, (), []) and not placed_whole:
            raise wrong("an empty list" if value == [] else "no 'items'", "at least one item")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "OrderModel":
        if self.resource:
            names = type(self).model_fields
            keys = [names[name].alias or name for name in self.model_fields_set]
            refuse(
                ((key,), f"'{key}' beside 'resource'", "nothing but 'as'")
                for key in sorted(keys)
                if key not in ("as", "resource")
            )
        return self
