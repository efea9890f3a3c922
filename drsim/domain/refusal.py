"""What drsim says no with: the data of an API error, raised where a rule breaks, made a response at the edge."""

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "request_timeout",
    "conflict",
    "too_many_requests",
    "internal_server_error",
    "bad_gateway",
    "service_unavailable",
    "gateway_timeout",
]


class Refused(Exception):
    """A request that is understood and turned down; nothing has changed.

    `kind` is the error type of the API and decides the HTTP status; `code`, `parameter` and `message` are the one
    element of `errors[]`, `extra` further keys of it. `events` are what is told all the same: an authorization that
    cannot be renewed refuses the fulfillment and is an event of its own. `rules` are the behavior rules that are left
    when the payment provider was asked on the way. `others` are further elements of `errors[]`: a scenario file is
    refused with all its problems at once, anything else with the first.
    """

    def __init__(
        self,
        kind: Kind,
        code: str | None,
        message: str,
        parameter: str | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        events: tuple[Any, ...] = (),
        rules: tuple[Any, ...] | None = None,
        others: tuple["Refused", ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.parameter = parameter
        self.extra = dict(extra or {})
        self.events = events
        self.rules = rules
        self.others = others


def missing(parameter: str) -> Refused:
    """A required field is absent."""
    return Refused("bad_request", "missing_parameter", "A parameter is missing.", parameter)


def unknown(parameter: str, name: str) -> Refused:
    """A field the operation does not know."""
    return Refused("bad_request", "unknown_parameter", f"'{name}' is an unknown parameter.", parameter)


def invalid(parameter: str, value: object, thing: str | None = None) -> Refused:
    """A value the field cannot have."""
    shown = "null" if value is None else value
    return Refused("bad_request", "invalid_parameter", f"'{shown}' is not a valid {thing or parameter}.", parameter)


def not_found(resource: str, id: str, parameter: str = "id") -> Refused:
    """No such resource in this sandbox. Of customers it is said without a period (platform page, 3.1)."""
    end = "" if resource == "Customer" else "."
    return Refused("not_found", "not_found", f"{resource} '{id}' not found{end}", parameter)
