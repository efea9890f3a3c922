"""Request bodies: reading them, and turning what does not fit into refusals.

Order of the checks: the text is JSON, then unknown fields, then missing ones, then wrong ones; the first that is found
is answered (platform page, 3.3 and U-27). An explicit null counts as absent (real clients send them).
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from drsim.domain import refusal
from drsim.domain.refusal import Refused

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST = 1 << 20
"""No request body may have more bytes than this."""

DEEPEST = 64
"""No request body may be nested deeper than this."""

M = TypeVar("M", bound=BaseModel)

_CARD_NUMBER = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_SECRET = {"authentication", "oauth"}
"""Parts of a body that are never shown again, not even wrong ones: they hold passwords."""
_FIGURE = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(?:\.0*)?")


class Body(BaseModel):
    """What all request bodies have in common: no unknown fields, null is absent, ids may be numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, defer_build=True)


async def text_of(request: Request) -> bytes:
    """The whole body. Raises `Refused` for one that is too long; it is then not read to its end."""
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > LONGEST:
            raise Refused("bad_request", "invalid_format", f"The request body is larger than {LONGEST} bytes.")
        chunks.append(chunk)
    body = b"".join(chunks)
    request.scope["drsim.body"] = body
    return body


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; no body at all is an empty one.

    Raises `Refused` for what is not JSON, not an object, or not said to be JSON.
    """
    body = await text_of(request)
    if not body.strip():
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise malformed()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed() from error
    if not isinstance(value, dict):
        raise malformed()
    return value


async def read(request: Request, model: type[M]) -> M:
    """The body as `model`. Raises `Refused` for everything that does not fit."""
    return fitted(model, await json_of(request))


def fitted(model: type[M], value: Mapping[str, Any], *, nulls: bool = False) -> M:
    """A JSON object as `model`, which can deal with `nulls` by itself or gets none. Raises `Refused`."""
    slim = _without_nulls(value, DEEPEST)  # also refuses what is nested too deep
    try:
        return model.model_validate(value if nulls else slim)
    except ValidationError as error:
        raise explained(error) from error


def malformed() -> Refused:
    """The body is not a JSON object."""
    return Refused("bad_request", "invalid_format", "The format of your request is invalid.")


def explained(error: ValidationError) -> Refused:
    """The first problem of a body, unknown fields before missing ones before wrong values."""
    problems = error.errors(include_url=False)
    return _refusal(min(enumerate(problems), key=lambda numbered: (_rank(numbered[1]), numbered[0]))[1])


def _rank(problem: "ErrorDetails") -> int:
    return {"extra_forbidden": 0, "missing": 1, "missing_parameter": 1}.get(problem["type"], 2)


def _refusal(problem: "ErrorDetails") -> Refused:
    path, kind = dotted(problem["loc"]), problem["type"]
    if kind == "extra_forbidden":
        return refusal.unknown(path, str(problem["loc"][-1]))
    if kind in ("missing", "missing_parameter"):
        return refusal.missing(path)
    name = next((str(part) for part in reversed(problem["loc"]) if isinstance(part, str)), "body")
    value = "…" if _SECRET & set(problem["loc"]) else _short(problem["input"])
    if kind.startswith("int_"):
        return Refused("bad_request", "invalid_integer", f"'{value}' is not a valid integer.", path)
    if kind.startswith("bool_"):
        return Refused("bad_request", "invalid_boolean", f"'{value}' is not a valid boolean.", path)
    if kind.startswith("invalid_"):
        return Refused("bad_request", kind, problem["msg"], path)
    if kind == "drsim":
        return Refused("bad_request", "invalid_parameter", problem["msg"], path)
    return refusal.invalid(path, value, name)


def dotted(location: tuple[int | str, ...]) -> str:
    """A place in a body as the API writes it: `items[0].quantity`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _short(value: Any) -> str:
    if isinstance(value, str | int):
        text = str(value).lower() if isinstance(value, bool) else str(value)
    else:
        text = orjson.dumps(value, default=str).decode()
    text = _CARD_NUMBER.sub("****", text)  # a card number is never shown again, not even a wrong one
    return text if len(text) <= 100 else text[:97] + "..."


def _without_nulls(value: Any, levels: int) -> Any:
    if not levels:
        raise malformed()
    if isinstance(value, dict):
        return {key: _without_nulls(each, levels - 1) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each, levels - 1) for each in value]
    return value


def _count(value: Any) -> int:
    """A count of units: a whole number of at least 0, also as text (`"2"`, `2.0`)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(Decimal(value.strip()))
    if value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        shown = _short(value).replace("{", "(").replace("}", ")")
        raise PydanticCustomError("invalid_integer", "'{shown}' is not a valid integer.", {"shown": shown})
    return value


def _given(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("missing_parameter", "A parameter is missing.")
    if isinstance(value, bool):
        raise PydanticCustomError("drsim", "'{shown}' is not a valid identifier.", {"shown": str(value).lower()})
    return value


def _not_empty(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("missing_parameter", "A parameter is missing.")
    return value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("drsim", "'{shown}' is not a valid string.", {"shown": str(value).lower()})
    return value


def _figure(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not _FIGURE.fullmatch(value.strip())):
        raise ValueError("not a number")
    return value


Count = Annotated[int, BeforeValidator(_count)]
"""A quantity: 0 and absent are the same."""
Id = Annotated[str, BeforeValidator(_given), Field(max_length=255)]
"""The id of something; numbers are taken as ids too, an empty text is none."""
Text = Annotated[str, BeforeValidator(_text), Field(max_length=4_096)]
"""Free text."""
Needed = Annotated[Text, BeforeValidator(_not_empty)]
"""Free text that has to be there: an empty one is none."""
Amount = Annotated[Decimal, BeforeValidator(_figure), Field(gt=0)]
"""Money in major units, as a number or as text."""
Percent = Annotated[Decimal, BeforeValidator(_figure), Field(ge=Decimal("0.01"), le=100)]
"""A percentage."""
Metadata = dict[str, Any]


def sent(model: BaseModel, *names: str) -> dict[str, Any]:
    """The fields among `names` that were sent, under their own names."""
    return {name: value for name in names if (value := getattr(model, name)) is not None}


class FulfillmentItemBody(Body):
    """One line of `POST /fulfillments`."""

    itemId: Id
    quantity: Count = 0
    cancelQuantity: Count = 0
    shipmentItemId: Text | None = None
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    subfulfillerId: Text | None = None
    distributorCost: float | None = Field(None, ge=0, allow_inf_nan=False)
    shippingCost: float | None = Field(None, ge=0, allow_inf_nan=False)


class FulfillmentBody(Body):
    """`POST /fulfillments`."""

    orderId: Id
    items: list[FulfillmentItemBody]
    shipmentId: Text | None = None
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    currency: Text | None = None
    partnerId: Text | None = None
    metadata: Metadata | None = None


class FulfillmentItemChange(Body):
    """One line of `POST /fulfillments/{id}`."""

    itemId: Id
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None


class FulfillmentChange(Body):
    """`POST /fulfillments/{id}`: tracking and metadata only."""

    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    metadata: Metadata | None = None
    items: list[FulfillmentItemChange] = []


class OrderChangeBody(Body):
    """`POST /orders/{id}`."""

    requestToBeForgotten: bool | None = None
    upstreamId: Text | None = None
    metadata: Metadata | None = None


class RefundItemBody(Body):
    """One line of `POST /refunds`."""

    itemId: Id
    skuId: Text | None = None
    quantity: Count | None = None
    percent: Percent | None = None
    amount: Amount | None = None
    type: Literal["shipping", "fees", "duty"] | None = None


class RefundBody(Body):
    """`POST /refunds`."""

    orderId: Id
    currency: Needed
    percent: Percent | None = None
    amount: Amount | None = None
    items: list[RefundItemBody] = []
    type: Literal["shipping", "tax", "duty", "importer_tax"] | None = None
    reason: Annotated[Text, Field(max_length=64)] | None = None
    metadata: Metadata | None = None


class RefundChange(Body):
    """`POST /refunds/{id}`: metadata only."""

    metadata: Metadata | None = None


class WebhookSettingsBody(Body):
    """`PATCH /_sim/webhooks/{id}`: what the API has no field for."""

    expand: list[Text] | None = None


class AuthenticationBody(Body):
    """Basic authentication of a webhook, in either spelling of the name."""

    username: Text | None = None
    userName: Text | None = None
    password: Text


class OAuthBody(Body):
    """How a webhook asks for its access token."""

    tokenEndPoint: Needed
    clientID: Needed
    clientSecret: Needed
    userName: Text | None = None
    password: Text | None = None
    grantType: Text = "password"
    audience: Text | None = None


class WebhookBody(Body):
    """`POST /webhooks`; `PATCH` takes any part of it."""

    types: list[Text] | None = None
    address: Text | None = None
    apiVersion: Text | None = None
    enabled: bool | None = None
    transportType: Text | None = None
    authentication: AuthenticationBody | None = None
    oauth: OAuthBody | None = None


class RotateBody(Body):
    """`POST /_sim/webhooks/{id}/rotate`."""

    expireOldIn: Text | None = None
    secret: Text | None = None


class RevokeBody(Body):
    """`POST /_sim/webhooks/{id}/revoke`."""

    secret: Text


class AdvanceBody(Body):
    """`POST /_sim/clock/advance`: by a span or to a time."""

    by: Text | None = None
    to: Text | None = None


class ResendBody(Body):
    """`POST /_sim/events/{id}/resend`."""

    webhookId: Id | None = None


class ResendToBody(Body):
    """`POST /_sim/webhooks/{id}/resend`: what it never got, or all since a time."""

    state: Text | None = None
    since: Text | None = None


class TriggerBody(Body):
    """`POST /_sim/trigger`."""

    type: Text
    orderId: Id | None = None


class SettleBody(Body):
    """`POST /_sim/settle`."""

    until: Text = "now"
    limit: Text = "30d"
