"""How a webhook is reached: `HTTP` with or without a user name, or `OAUTH`; and what of that fits together.

Source: platform page, sections 8.1 and 8.3.
"""

from collections.abc import Mapping
from typing import Any

from drsim.domain.addresses import Hosts, checked_address
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.webhooks import Webhook

TRANSPORTS = ("HTTP", "OAUTH")
GRANTS = ("password", "client_credentials")
"""The ways to ask for a token, the usual one first."""


def check(webhook: Webhook, hosts: Hosts) -> None:
    """Refuses a webhook whose settings do not fit together, or that leads where nothing may be sent.

    Raises `Refused`.
    """
    if webhook.transport not in TRANSPORTS:
        raise invalid("transportType", webhook.transport[:100], "transportType")
    address = checked_address(webhook.address, hosts, "address")
    if webhook.transport == "HTTP":
        if webhook.oauth is not None:
            raise _misplaced("oauth", "OAUTH")
        _check_authentication(webhook.authentication)
        return
    if webhook.authentication is not None:
        raise _misplaced("authentication", "HTTP")
    if webhook.oauth is None:
        raise missing("oauth")
    grant = webhook.oauth["grantType"]
    if grant not in GRANTS:
        raise invalid("oauth.grantType", grant[:100], "grantType")
    end = checked_address(webhook.oauth["tokenEndPoint"], hosts, "oauth.tokenEndPoint")
    for name, each in (("address", address), ("oauth.tokenEndPoint", end)):
        if each.scheme == "http" and each.is_outside:
            message = f"With OAUTH, {name} has to be https outside of local networks."
            raise Refused("bad_request", "invalid_parameter", message, name)


def user_name(authentication: Mapping[str, Any]) -> str:
    """The name in a webhook's `authentication`, in either spelling."""
    return str(authentication.get("username") or authentication.get("userName") or "")


def _check_authentication(authentication: Mapping[str, Any] | None) -> None:
    if authentication is None:
        return
    name = user_name(authentication)
    if not name:
        raise missing("authentication.username")
    if ":" in name:
        spelling = "username" if authentication.get("username") else "userName"
        message = "A user name cannot contain a colon."
        raise Refused("bad_request", "invalid_parameter", message, f"authentication.{spelling}")


def _misplaced(name: str, transport: str) -> Refused:
    message = f"'{name}' is only for transportType {transport}; null takes it away."
    return Refused("bad_request", "invalid_parameter", message, name)
