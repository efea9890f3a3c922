"""What may stand in a scenario file, as far as it is about the world: account, what is given, rules and faults."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from drsim.domain.account import (
    LIVE_RETRIES,
    TEST_RETRIES,
    VERSIONS,
    Answering,
    Disabling,
    RiskTolerance,
    ServerSources,
    ShipmentIds,
    SignatureClock,
    SignatureOrder,
    SignatureUnit,
)
from drsim.domain.clock import format_span
from drsim.domain.events import EXPANDABLE, TYPES, matching_types
from drsim.domain.methods import METHODS
from drsim.domain.outcome import OPERATIONS, Operation
from drsim.domain.transport import GRANTS, TRANSPORTS
from drsim.format.buyer import SourceModel
from drsim.format.catalog import CustomerModel, SkuModel
from drsim.format.faults import FaultModel
from drsim.format.fields import (
    Alias,
    Duration,
    EventType,
    Flag,
    Instant,
    Limit,
    Prose,
    Text,
    fitting,
    not_empty,
    nothing_as,
    one_of,
    read_flag,
)
from drsim.format.mistakes import Mistake, refuse, wrong
from drsim.format.numbers import Quantity, Rate, Seed
from drsim.format.orders import ItemModel, OrderModel
from drsim.format.part import Part
from drsim.format.patterns import NumberPattern, TextPattern
from drsim.format.problems import shown
from drsim.format.written import NULL, Schema, Written, either, given, ref

__all__ = [
    "AccountModel",
    "CustomerModel",
    "DelaysModel",
    "FaultModel",
    "GivenModel",
    "ItemModel",
    "OrderModel",
    "RuleModel",
    "SkuModel",
    "SourceModel",
    "ThenModel",
    "WebhookModel",
    "WhenModel",
    "World",
]


_URL = fitting(r"https?://[^\s/]\S*", "an address such as http://localhost:8080/hook")


class DelaysModel(Part):
    """`account.delays`: how long each thing takes; what is left out stays as it is."""

    authorize: Duration | None = None
    capture: Duration | None = None
    cancel: Duration | None = None
    refund: Duration | None = None
    complete: Duration | None = None
    invoice: Duration | None = None
    credit_memo: Duration | None = None
    fulfillment_cancellation: Duration | None = None
    fulfillment_return: Duration | None = None


class DisablingModel(Part):
    """`account.webhookDisabling`: when a webhook that keeps failing is disabled."""

    after: Duration = Disabling().after
    failures: Quantity = Disabling().failures


class FulfillerModel(Part):
    """`account.fulfiller`: an automatic one ships a parcel every `shipAfter`."""

    ship_after: Duration
    parcels_of: Quantity | None = None
    backorder: Duration | None = None


_SCHEDULES = {"test": TEST_RETRIES, "live": LIVE_RETRIES}


def _read_schedule(value: Any) -> Any:
    if isinstance(value, str) and value in _SCHEDULES:
        return [format_span(span) for span in _SCHEDULES[value]]
    if value is not None and not isinstance(value, list | tuple):
        raise wrong(shown(value), "test, live, or a list of durations", _SCHEDULES)
    return value


def _read_disabling(value: Any) -> Any:
    if value == "never":
        return None
    if not isinstance(value, dict | DisablingModel):
        raise wrong(shown(value), "never, or a mapping with after and failures", ("never",))
    return value


def _read_fulfiller(value: Any) -> Any:
    if value == "manual":
        return None
    if not isinstance(value, dict | FulfillerModel):
        raise wrong(shown(value), "manual, or a mapping with shipAfter", ("manual",))
    return value


_SCHEDULE = Written(_read_schedule, lambda inner: either({"enum": list(_SCHEDULES)}, inner), replaced=False)
_FULFILLER = Written(_read_fulfiller, lambda inner: either({"const": "manual"}, ref("FulfillerModel")), replaced=False)
_DISABLING = Written(_read_disabling, lambda inner: either({"const": "never"}, ref("DisablingModel")), replaced=False)


def _read_patience(value: Any) -> Any:
    if value is None:
        raise wrong(shown(value), "never, or a duration such as 3d", ("never",))
    return None if value == "never" else value


PaymentType = Annotated[str, one_of(METHODS)]
Patience = Annotated[
    Duration | None, Written(_read_patience, lambda inner: either({"const": "never"}, ref("Duration")), replaced=False)
]
Place = Annotated[
    str, fitting(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", "a country such as DE, or a country and a state such as US-MN")
]


class AccountModel(Part):
    """`account`: how the simulated merchant account is set up; what is left out stays as it is."""

    api_version: Annotated[str, one_of(VERSIONS)] | None = None
    risk_tolerance: Annotated[RiskTolerance, one_of(get_args(RiskTolerance))] | None = None
    authorization_ttl: Duration | None = None
    delays: Annotated[DelaysModel, nothing_as(dict)] = Field(default_factory=lambda: DelaysModel.model_validate({}))
    rate_limit: Limit = None
    capture_retries: tuple[Duration, ...] | None = None
    signature_clock: Annotated[SignatureClock, one_of(get_args(SignatureClock))] | None = None
    signature_order: Annotated[SignatureOrder, one_of(get_args(SignatureOrder))] | None = None
    signature_unit: Annotated[SignatureUnit, one_of(get_args(SignatureUnit))] | None = None
    webhook_retries: Annotated[tuple[Duration, ...] | None, _SCHEDULE] = None
    webhook_disabling: Annotated[DisablingModel | None, _DISABLING] = None
    fulfiller: Annotated[FulfillerModel | None, _FULFILLER] = None
    shipment_ids: Annotated[ShipmentIds, one_of(get_args(ShipmentIds))] | None = None
    fulfillment_cancellations: Annotated[Answering, one_of(get_args(Answering))] | None = None
    fulfillment_returns: Annotated[Answering, one_of(get_args(Answering))] | None = None
    payment_expiry: dict[PaymentType, Patience] | None = None
    server_sources: Annotated[ServerSources, one_of(get_args(ServerSources))] | None = None
    tax_rates: dict[Place, Rate] | None = None
    check_addresses: Flag | None = None


def _read_types(value: Any) -> Any:
    if value is None or isinstance(value, list | tuple):
        return value or ()
    return EXPANDABLE if read_flag(value) else ()


ExpandedTypes = Annotated[
    tuple[Annotated[str, one_of(EXPANDABLE)], ...],
    Written(_read_types, lambda inner: either(inner, ref("Flag"), NULL)),
]
"""Event types that can be expanded; `true` is all of them."""


class AuthenticationModel(Part):
    """`authentication` of a webhook: a user name, in either spelling, and a password."""

    together: ClassVar[Schema] = {"anyOf": [given("userName"), given("username")]}

    user_name: Text | None = None
    username: Text | None = None
    password: Prose

    @model_validator(mode="after")
    def _has_name(self) -> "AuthenticationModel":
        if self.user_name is None and self.username is None:
            refuse([((), "no user name", "'username' or 'userName'")])
        return self


class OAuthModel(Part):
    """`oauth` of a webhook: where and how it asks for its access token."""

    token_end_point: Annotated[str, _URL]
    client_id: Text = Field(alias="clientID")
    client_secret: Text
    user_name: Text | None = None
    password: Prose | None = None
    grant_type: Annotated[str, one_of(GRANTS)] = GRANTS[0]
    audience: Text | None = None


class WebhookModel(Part):
    """`given.webhooks[]`. Without `types` it gets all events, without `token` its signing secret is made up."""

    together: ClassVar[Schema] = {
        "if": {"required": ["transportType"], "properties": {"transportType": {"enum": ["OAUTH"]}}},
        "then": {**given("oauth"), "properties": {"oauth": {"not": NULL}, "authentication": NULL}},
        "else": {"properties": {"oauth": NULL}},
    }

    alias: Alias | None = Field(None, alias="as")
    address: Annotated[str, _URL] | None = None
    types: Annotated[tuple[EventType, ...], not_empty("event type")] | None = None
    token: Text | None = None
    enabled: Flag = True
    api_version: Annotated[str, one_of(("default", "latest", *VERSIONS))] = "default"
    expand: ExpandedTypes = ()
    transport_type: Annotated[str, one_of(TRANSPORTS)] = TRANSPORTS[0]
    authentication: AuthenticationModel | None = None
    oauth: OAuthModel | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "WebhookModel":
        mistakes: list[Mistake] = []
        if self.transport_type == "HTTP" and self.oauth is not None:
            mistakes.append((("oauth",), "'oauth' with 'HTTP'", "it only with 'transportType: OAUTH'"))
        if self.transport_type == "OAUTH" and self.authentication is not None:
            mistakes.append((("authentication",), "'authentication' with 'OAUTH'", "it only with 'HTTP'"))
        if self.transport_type == "OAUTH" and self.oauth is None:
            mistakes.append((("transportType",), "'OAUTH' without 'oauth'", "them together"))
        refuse(mistakes)
        return self

    @property
    def event_types(self) -> list[str]:
        """The event types it gets by name, in order of name, with groups such as `order.*` spelled out."""
        names = sorted(TYPES) if self.types is None else self.types
        return sorted({each for name in names for each in matching_types(name)})


class GivenModel(Part):
    """`given`: what is there when the scenario starts."""

    webhooks: Annotated[tuple[WebhookModel, ...], nothing_as(tuple)] = ()
    customers: Annotated[tuple[CustomerModel, ...], nothing_as(tuple)] = ()
    skus: Annotated[tuple[SkuModel, ...], nothing_as(tuple)] = ()
    orders: Annotated[tuple[OrderModel, ...], nothing_as(tuple)] = ()


class WhenSourceModel(Part):
    """`when.source` of a behavior rule."""

    type: TextPattern = None
    last_four_digits: TextPattern = None


class WhenModel(Part):
    """`when` of a behavior rule: the operation, and patterns for whatever else must fit."""

    operation: Annotated[Operation, one_of(OPERATIONS)]
    order: TextPattern = None
    charge: TextPattern = None
    source: WhenSourceModel | None = None
    amount: NumberPattern = None
    attempt: NumberPattern = None
    upstream_id: TextPattern = None


class ThenModel(Part):
    """`then` of a behavior rule: pending for `after`, then `state`; a pending one may have a `next`."""

    together: ClassVar[Schema] = {
        "allOf": [
            {
                "if": {"properties": {"state": {"enum": ["complete", "pending"]}}},
                "then": {"properties": {"failureCode": NULL, "failureMessage": NULL}},
            },
            {"if": {"properties": {"state": {"enum": ["complete", "failed"]}}}, "then": {"properties": {"next": NULL}}},
        ]
    }

    state: Annotated[Literal["complete", "failed", "pending"], one_of(("complete", "failed", "pending"))]
    failure_code: Text | None = None
    failure_message: Text | None = None
    after: Duration | None = None
    next: "ThenModel | None" = None

    @model_validator(mode="after")
    def _fits_together(self) -> "ThenModel":
        mistakes: list[Mistake] = []
        if self.next is not None and self.state != "pending":
            mistakes.append((("next",), f"'next' after '{self.state}'", "it only after 'pending'"))
        if self.state != "failed":
            given = {"failureCode": self.failure_code, "failureMessage": self.failure_message}
            mistakes += [
                ((key,), f"'{key}' with '{self.state}'", "it only with 'failed'") for key in given if given[key]
            ]
        refuse(mistakes)
        return self


class RuleModel(Part):
    """One behavior rule; `times` uses it up."""

    when: WhenModel
    then: ThenModel
    times: Quantity | None = None


def _not_kept(value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return []
    raise wrong(shown(value), "a list")


class World(Part):
    """A scenario file as far as it describes the world; its `steps` may be anything and are not kept."""

    replaced: ClassVar[tuple[str, ...]] = ()
    """Sections beyond the world whose variables are put in their places when the file is read."""

    name: Text = Field(alias="scenario")
    description: Prose | None = None
    tags: Annotated[tuple[Text, ...], nothing_as(tuple)] = ()
    clock: Instant | None = None
    seed: Seed | None = None
    account: Annotated[AccountModel, nothing_as(dict)] = Field(default_factory=lambda: AccountModel.model_validate({}))
    given: Annotated[GivenModel, nothing_as(dict)] = Field(default_factory=lambda: GivenModel.model_validate({}))
    behavior: Annotated[tuple[RuleModel, ...], nothing_as(tuple)] = ()
    faults: Annotated[tuple[FaultModel, ...], nothing_as(tuple)] = ()
    steps: Annotated[list[Any], Written(_not_kept, {"type": ["array", "null"], "items": {}}, replaced=False)] = Field(
        default_factory=list
    )

    @property
    def webhooks(self) -> tuple[WebhookModel, ...]:
        """The webhooks that are given."""
        return self.given.webhooks

    @property
    def orders(self) -> tuple[OrderModel, ...]:
        """The orders that are given, in the order in which they are made."""
        return self.given.orders
