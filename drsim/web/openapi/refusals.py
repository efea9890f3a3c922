"""Errors: every code there is and what it means, and from that the schema and the response of each status.

Source: platform page, section 3.
"""

from collections.abc import Mapping

from drsim.domain.refusal import Kind
from drsim.web.answers import STATUS
from drsim.web.openapi.parts import TEXT, Schema, listed, one_of, record, ref

CODES: Mapping[Kind, Mapping[str, str]] = {
    "bad_request": {
        "missing_parameter": "a field that has to be there is not",
        "unknown_parameter": "there is no such field",
        "invalid_parameter": "a field, filter or header has a value that it cannot have",
        "invalid_integer": "no whole number, or a negative one",
        "invalid_boolean": "neither true nor false",
        "invalid_format": "the body is no JSON object, is not said to be one, or is too large",
        "invalid_metadata_key": "a key of metadata is empty or too long",
        "invalid_metadata_value": "a value in metadata is too long",
        "too_many_metadata_pairs": "metadata would have too many keys",
        "amount_too_large": "the order comes to more than drsim can hold",
        "invalid_discount_amount": "a discount is not positive, or larger than what it is off",
        "invalid_discount_percent": "a discount is not within 0.01 and 100 percent",
        "invalid_shipping_choice": "physical goods need a shipping choice",
        "internal_error": "a shipping choice needs its amount",
        "order_create_failed": "the checkout lacks the email that an order needs",
        "order_submit_failed": "nothing, or not enough, pays for the checkout",
        "email_invalid": "no email address",
        "currency_unsupported": "no currency",
        "invalid_empty": "the file is empty",
    },
    "unauthorized": {},
    "forbidden": {"forbidden": "the control plane is not for this caller"},
    "not_found": {"not_found": "`parameter` says where the id stands that leads nowhere"},
    "not_acceptable": {"not_acceptable": "`Accept` leaves out JSON"},
    "conflict": {
        "order_not_submitted": "the order is not accepted yet, blocked or in dispute",
        "order_fulfilled": "the order is fulfilled",
        "order_complete": "the order is complete",
        "order_cancelled": "the order is cancelled",
        "item_fulfilled": "the line is fulfilled",
        "item_cancelled": "the line is cancelled",
        "quantity_too_large": "more units than the line has open",
        "payment_authorization_failed": "the authorization has expired and cannot be renewed",
        "source_not_chargeable": "the source cannot be charged",
        "session_source_amount_too_large": "store credit comes to more than the order",
        "source_in_use": "the source is kept for another customer",
        "source_status_invalid_for_session": "the source is not, or no longer, there to be used",
        "session_update_not_allowed": "the checkout has become an order",
        "nonreusable_source": "the source cannot be kept for a customer",
        "customer_not_updateable": "the tax identifier is another customer's",
        "restricted_update": "the field, or the object as it is now, cannot be changed",
        "creditAmount_already_updated": "store credit pays already",
        "currency_unactivated": "the account does not sell in this currency",
        "country_unsupported": "nothing is sold to this country",
        "create-order-failed": "the customer is disabled",
        "order-fraud-failure": "fraud screening has turned the order down",
        "out_of_inventory": "there are not so many",
        "already_answered": "the fulfiller has answered this",
        "invalid_parameter": "a field does not go with the object as it is",
        "not_found": "a tax identifier of the checkout does not exist",
        "failed-request": "the payment provider refuses; a behavior rule may give another code",
        "invalid_state": "the object is not in the state that this needs",
        "already_exists": "the id is taken",
        "event_out_of_reach": "the order can no longer lead to the event",
        "clock_in_motion": "the clock is being moved by another call",
        "sandbox_reset": "the sandbox was reset meanwhile",
        "sandbox_not_empty": "clock and seed can only be set in an empty sandbox",
        "no_webhook": "no enabled webhook wants the event",
        "webhook_disabled": "the webhook is disabled",
        "secret_in_use": "the secret is live already",
        "too_many_secrets": "five secrets are live",
        "last_secret": "the last live secret cannot be revoked",
    },
    "too_many_requests": {"too_many_requests": "`Retry-After` says how many seconds to wait"},
}
"""The codes of each kind of refusal that a route can answer."""

_OPEN: tuple[Kind, ...] = ("conflict",)
"""Where behavior rules give codes of their own."""

_ABOUT: Mapping[Kind, str] = {
    "bad_request": "The request is wrong. Nothing has changed.",
    "unauthorized": "There is no key, or one that is not taken.",
    "forbidden": "The key is a public one; on the control plane: the caller is another site's page, or a stranger.",
    "not_found": "What the request names does not exist.",
    "not_acceptable": "Only JSON can be answered.",
    "conflict": "The request is right, but not in this state of things. Nothing has changed.",
    "too_many_requests": "The account has a rate limit, and it is used up.",
}

NAMES: Mapping[int, str] = {STATUS[kind]: "".join(map(str.capitalize, kind.split("_"))) for kind in CODES}
"""The name of each status's schema, and of its response."""

EVERYWHERE = (400, 401, 403)
"""What every route may answer; those of the API also 406 and 429."""


def schemas() -> dict[str, Schema]:
    """The schema of the errors of each status."""
    return {NAMES[STATUS[kind]]: _errors(kind, codes) for kind, codes in CODES.items()}


def responses(examples: Mapping[str, Schema]) -> dict[str, Schema]:
    """The response of each status that says no; `examples` by status."""
    return {
        name: {
            "description": _ABOUT[kind],
            **({"headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}} if status == 429 else {}),
            "content": {"application/json": {"schema": ref(name), **_example(examples.get(str(status)))}},
        }
        for kind, (status, name) in zip(CODES, NAMES.items(), strict=True)
    }


def _example(example: Schema | None) -> Schema:
    return {} if example is None else {"example": example["response"]}


def _errors(kind: Kind, codes: Mapping[str, str]) -> Schema:
    """`{"type", "errors": [{"code"?, "parameter"?, "message"}]}`, as each refusal of this kind is told."""
    known = "; ".join(f"`{code}`: {meaning}" for code, meaning in codes.items())
    code = TEXT if kind in _OPEN else one_of(codes)
    fields = {"code?": {**code, "description": f"{known[0].upper()}{known[1:]}."}} if codes else {}
    error = record(
        "What is wrong, and where.",
        fields
        | {
            "parameter?": {**TEXT, "description": "The field or parameter, such as `items[0].quantity`."},
            "message": TEXT,
            "description?": TEXT,
        },
    )
    return record(_ABOUT[kind], {"type": one_of((kind,)), "errors": {**listed(error), "minItems": 1}})
