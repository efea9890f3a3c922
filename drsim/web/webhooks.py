"""`/webhooks`: make, retrieve, list, change, delete. Source: platform page, section 8.1."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from drsim.domain import transport
from drsim.domain.account import VERSIONS
from drsim.domain.events import TYPES, matching_types
from drsim.domain.refusal import invalid, missing, not_found
from drsim.domain.webhooks import Webhook, changed
from drsim.engine.subscriptions import give_up_deliveries, give_up_some, save_webhook, subscribe
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer
from drsim.web.lists import several

if TYPE_CHECKING:
    from drsim.web.bodies.webhooks import WebhookBody

_REMOVABLE = ("authentication", "oauth")
"""What null takes away; elsewhere it is as if nothing was sent."""
_CHECKED = {"address", "transport", *_REMOVABLE}


async def create(request: Request) -> Answer:
    """`POST /webhooks`."""
    from drsim.web.bodies.webhooks import NewWebhookBody

    changes = await _changes(request, NewWebhookBody)
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
    """`PATCH /webhooks/{id}`: any part of it; null takes `authentication` or `oauth` away."""
    from drsim.web.bodies.webhooks import WebhookBody

    changes = await _changes(request, WebhookBody)
    id = request.path_params["id"]
    answer, enabled = await desk.perform(request, lambda work: _update(work, id, changes))
    if not enabled:
        await _give_up(request, id)
    return Answer(answer)


async def delete(request: Request) -> Answer:
    """`DELETE /webhooks/{id}`: 204; what was still to go to it is not delivered."""
    id = request.path_params["id"]
    await desk.perform(request, lambda work: _update(work, id, {"enabled": False}))
    await _give_up(request, id)
    await desk.perform(request, lambda work: _delete(work, id))
    return Answer(b"", 204)


async def _changes(request: Request, model: "type[WebhookBody]") -> dict[str, Any]:
    """The fields that were sent, each checked by itself, under the names of the domain. Raises `Refused`."""
    from drsim.web.bodies import fitted, json_of

    sent = await json_of(request)
    body = fitted(model, sent)
    changes: dict[str, Any] = {name: None for name in _REMOVABLE if name in sent}
    if body.types is not None:
        changes["types"] = _checked_types(body.types)
    if body.address is not None:
        changes["address"] = body.address
    if body.apiVersion is not None:
        if body.apiVersion not in ("default", "latest", *VERSIONS):
            raise invalid("apiVersion", body.apiVersion, "version")
        changes["api_version"] = body.apiVersion
    if body.enabled is not None:
        changes["enabled"] = body.enabled
    if body.transportType is not None:
        changes["transport"] = body.transportType
    for name in _REMOVABLE:
        if (part := getattr(body, name)) is not None:
            changes[name] = part.model_dump(exclude_none=True)
    return changes


def _checked_types(types: list[str]) -> tuple[str, ...]:
    if not types:
        raise missing("types")
    for index, name in enumerate(types):
        if name not in TYPES:
            raise invalid(f"types[{index}]", name[:100], "event type")
    return tuple(dict.fromkeys(types))


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


def _update(work: Work, id: str, changes: dict[str, Any]) -> tuple[bytes, bool]:
    """Changes a webhook: its public form, and whether it is enabled."""
    before = _find(work, id)
    webhook = changed(before, work.now, changes)
    if _CHECKED & changes.keys():
        transport.check(webhook, work.hosts)
    if webhook.enabled and not before.enabled:
        _give_up_rest(work, id)
    return save_webhook(work, webhook), webhook.enabled


async def _give_up(request: Request, id: str) -> None:
    await give_up_deliveries(desk.simulator_of(request), desk.sandbox_of(request).name, id)


def _give_up_rest(work: Work, id: str) -> None:
    """What whoever disabled the webhook has not yet given up, or never will since the server was killed."""
    while give_up_some(work, id):
        pass


def _delete(work: Work, id: str) -> None:
    _find(work, id)
    _give_up_rest(work, id)
    work.delete("webhook", id)
