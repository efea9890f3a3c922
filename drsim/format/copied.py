"""The parts of a resource that was copied from a log: amounts, lines, charges, sources, read with patience.

Keys that drsim does not use are passed over. Amounts may carry the noise of binary fractions that some published
payloads have. Source: resources page, sections 2.2 to 2.4.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from drsim.domain.methods import METHODS
from drsim.domain.money import LIMIT, exponent
from drsim.domain.states import CHARGE, ITEM, OPERATION
from drsim.format.fields import Instant, Text, one_of
from drsim.format.mistakes import wrong
from drsim.format.numbers import Quantity, current_currency, number_or_text, plain, read_number
from drsim.format.problems import shown
from drsim.format.written import Schema, Written, either

_NOISE = Decimal("0.000001")


def _read_copied(value: Any) -> Decimal:
    amount = read_number(value, "an amount such as 10.00")
    if not 0 <= amount < LIMIT:
        raise wrong(shown(value), "an amount of 0 or more")
    whole = amount.quantize(Decimal(1).scaleb(-exponent(current_currency())))
    if abs(whole - amount) > _NOISE:
        raise wrong(shown(value), f"no more decimals than {current_currency()} has")
    return whole


def _read_fraction(value: Any) -> Decimal:
    rate = read_number(value, "a fraction such as 0.08025")
    if not 0 <= rate < LIMIT:
        raise wrong(shown(value), "a fraction of 0 or more")
    return rate


def _read_mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    raise wrong(shown(value), "a mapping")


def _read_operation_state(value: Any) -> Any:
    # drsim asks nobody for bank details: what waits for them is simply pending.
    return "pending" if value == "pending_information" else value


def _or_waiting(state: Schema) -> Schema:
    return either({"const": "pending_information"}, state)


_AMOUNT = number_or_text("An amount in major units, such as 10.00.", exclusiveMaximum=LIMIT)

CopiedAmount = Annotated[Decimal, Written(_read_copied, _AMOUNT, "CopiedAmount")]
Fraction = Annotated[
    Decimal, Written(_read_fraction, number_or_text("A fraction such as 0.08025.", exclusiveMaximum=LIMIT))
]
Mapping = Annotated[dict[str, Any], Written(_read_mapping, {"type": "object"}, replaced=False)]
Transitions = dict[str, Instant]
ZERO = Decimal(0)


class Copied(BaseModel):
    """A part of a resource that was copied from a log: unknown keys are passed over."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, defer_build=True, hide_input_in_errors=True
    )


class TaxResource(Copied):
    """`items[].tax`."""

    rate: Fraction = ZERO
    amount: CopiedAmount = ZERO


class PartResource(Copied):
    """An amount, perhaps with its tax: shipping, fees, duties, importer tax."""

    amount: CopiedAmount = ZERO
    tax_amount: CopiedAmount = ZERO

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.amount + self.tax_amount


NONE = PartResource()


class ItemResource(Copied):
    """`items[]` of an order."""

    id: Text
    sku_id: Text | None = None
    product_details: Mapping | None = None
    amount: CopiedAmount
    quantity: Quantity
    state: Annotated[str, one_of(ITEM)] = "created"
    state_transitions: Transitions | None = None
    tax: TaxResource | None = None
    importer_tax: PartResource | None = None
    duties: PartResource | None = None
    fees: PartResource | None = None
    shipping: PartResource | None = None
    metadata: Mapping | None = None

    @property
    def total(self) -> Decimal:
        """All that the line says it adds to the order, before its share of an order's discount."""
        tax = self.tax.amount if self.tax else ZERO
        parts = (self.importer_tax, self.duties, self.fees, self.shipping)
        return self.amount + tax + sum((part.total for part in parts if part), ZERO)


class OperationResource(Copied):
    """`captures[]` and `cancels[]` of a charge."""

    id: Text | None = None
    created_time: Instant | None = None
    amount: CopiedAmount
    state: Annotated[str, one_of(OPERATION), Written(_read_operation_state, _or_waiting)] = "complete"
    failure_code: Text | None = None
    failure_message: Text | None = None
    fulfillment_id: Text | None = None


class ChargeResource(Copied):
    """`payment.charges[]`."""

    id: Text | None = None
    created_time: Instant | None = None
    amount: CopiedAmount
    state: Annotated[str, one_of(CHARGE)] | None = None
    captures: tuple[OperationResource, ...] = ()
    cancels: tuple[OperationResource, ...] = ()
    source_id: Text | None = None
    type: Text | None = None
    failure_code: Text | None = None
    failure_message: Text | None = None

    @property
    def committed(self) -> Decimal:
        """What its captures and cancels that have not failed come to."""
        return sum((each.amount for each in (*self.captures, *self.cancels) if each.state != "failed"), ZERO)


class SourceResource(Copied):
    """`payment.sources[]`; `details` is the object named after its type."""

    id: Text | None = None
    type: Annotated[str, one_of(METHODS, name="SourceType")] = "creditCard"
    amount: CopiedAmount | None = None
    owner: Mapping | None = None
    upstream_id: Text | None = None
    details: Annotated[Mapping, Written(lambda found: found, {}, replaced=False)] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _find_details(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        details = value.get(str(value.get("type", "creditCard")))
        return {**value, "details": details if isinstance(details, dict) else {}}


class SessionResource(Copied):
    """`payment.session`."""

    id: Text | None = None
    state: Text | None = None
    client_secret: Text | None = None
    amount_contributed: CopiedAmount | None = None
    amount_remaining_to_be_contributed: CopiedAmount | None = None
    next_action: Mapping | None = None


class PaymentResource(Copied):
    """`payment` of an order."""

    charges: tuple[ChargeResource, ...] | None = None
    sources: tuple[SourceResource, ...] = ()
    session: SessionResource | None = None
