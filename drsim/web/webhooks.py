"""`/webhooks`: make, retrieve, list, change, delete. Source: platform page, section 8.1."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request

from drsim.domain.account import VERSIONS
from drsim.domain.events import TYPES, matching_types
from drsim.domain.refusal import invalid, missing, not_found
from drsim.domain.values import replace
from drsim.domain.webhooks import Webhook
from drsim.engine.simulator import Work
from drsim.engine.subscriptions import give_up_deliveries, save_webhook, subscribe
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import several

if TYPE_CHECKING:
    from drsim.web.bodies import WebhookBody

_LONGEST_ADDRESS = 2_048


async def create(request: Request) -> Answer:
    """`POST /webhooks`."""
    from drsim.web.bodies import WebhookBody, read

    changes = _changes(await read(request, WebhookBody))
    for name in ("types", "address"):
        if name not in changes:
            raise missing(name)
    return Answer(await desk.perform(request, lambda work: subscribe(work, changes)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /webhooks/{id}`."""
    return Answer(await desk.public(request, "webhook", "Webhook"))


async def listed(request: Request) -> Answer:
    """`GET /webhooks`: a bare array, oldest first; `type` may hold `*`, `types` are exact names."""
    wanted = set(several(request, "types"))
    if pattern := request.query_params.get("type"):
        wanted.update(matching_types(pattern))
        if not wanted:
            return Answer(b"[]")
    return Answer(await desk.perform(request, lambda work: _list(work, wanted)))


async def update(request: Request) -> Answer:
    """`PATCH /webhooks/{id}`: any part of it."""
    from drsim.web.bodies import WebhookBody, read

    changes = _changes(await read(request, WebhookBody))
    return Answer(await desk.perform(request, lambda work: _update(work, request.path_params["id"], changes)))


async def delete(request: Request) -> Answer:
    """`DELETE /webhooks/{id}`: 204; what was still to go to it is not delivered."""
    await desk.perform(request, lambda work: _delete(work, request.path_params["id"]))
    return Answer(b"", 204)


def _changes(body: "WebhookBody") -> dict[str, Any]:
    """The fields that were sent, checked, under the names of the domain. Raises `Refused`."""
    changes: dict[str, Any] = {}
    if body.types is not None:
        changes["types"] = _checked_types(body.types)
    if body.address is not None:
        changes["address"] = checked_address(body.address)
    if body.apiVersion is not None:
        if body.apiVersion not in ("default", "latest", *VERSIONS):
            raise invalid("apiVersion", body.apiVersion, "version")
        changes["api_version"] = body.apiVersion
    if body.enabled is not None:
        changes["enabled"] = body.enabled
    if body.transportType not in (None, "HTTP"):
        raise invalid("transportType", body.transportType, "transportType")
    if body.authentication is not None:
        changes["authentication"] = body.authentication.model_dump(exclude_none=True)
    return changes


def _checked_types(types: list[str]) -> tuple[str, ...]:
    if not types:
        raise missing("types")
    for index, name in enumerate(types):
        if name not in TYPES:
            raise invalid(f"types[{index}]", name[:100], "event type")
    return tuple(dict.fromkeys(types))


def checked_address(address: str) -> str:
    """A webhook's address: an absolute http or https URL without user name. Raises `Refused`."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise invalid("address", address[:100], "URL") from error
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if not usable or len(address) > _LONGEST_ADDRESS or any(character <= " " for character in address):
        raise invalid("address", address[:100], "URL")
    return address


def _list(work: Work, wanted: set[str]) -> bytes:
    shown = [
        work.transaction.public(work.sandbox.number, "webhook", webhook.id) or b""
        for webhook in work.webhooks()
        if not wanted or wanted & set(webhook.types)
    ]
    return b"[" + b",".join(shown) + b"]"


def _find(work: Work, id: str) -> Webhook:
    webhook: Webhook | None = work.get("webhook", id)
    if webhook is None:
        raise not_found("Webhook", id)
    return webhook


def _update(work: Work, id: str, changes: dict[str, Any]) -> bytes:
    webhook = replace(_find(work, id), updated=work.now, **changes)
    if not webhook.enabled:
        give_up_deliveries(work, id)
    return save_webhook(work, webhook)


def _delete(work: Work, id: str) -> None:
    _find(work, id)
    give_up_deliveries(work, id)
    work.delete("webhook", id)
