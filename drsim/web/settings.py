"""What of webhooks is not in the vendor's API: which events they get expanded, and how they fare."""

from starlette.requests import Request

from drsim import render
from drsim.domain.clock import format_precise
from drsim.domain.events import EXPANDABLE
from drsim.domain.refusal import Refused, not_found
from drsim.domain.values import replace
from drsim.domain.webhooks import Webhook
from drsim.engine.subscriptions import save_webhook, why_disabled
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer, answer


async def retrieve(request: Request) -> Answer:
    """`GET /_sim/webhooks/{id}`: a webhook with these settings, since when it fails, and why drsim disabled it."""
    return answer(_shown(await desk.perform(request, lambda work: _find(work, request.path_params["id"]))))


async def update(request: Request) -> Answer:
    """`PATCH /_sim/webhooks/{id}`: any part of these settings."""
    from drsim.web.bodies import read
    from drsim.web.bodies.webhooks import WebhookSettingsBody

    expand = (await read(request, WebhookSettingsBody)).expand
    if expand is None:
        return await retrieve(request)
    types = _checked(expand)
    return answer(_shown(await desk.perform(request, lambda work: _expand(work, request.path_params["id"], types))))


def _shown(webhook: Webhook) -> render.Json:
    shown = {**render.webhook(webhook), "expand": list(webhook.expand)}
    if webhook.failing is not None:
        shown["failing"] = {"since": format_precise(webhook.failing.since), "events": webhook.failing.events}
    if webhook.disabled is not None:
        shown["disabled"] = {"time": format_precise(webhook.disabled), "reason": why_disabled(webhook)}
    return shown


def _checked(types: list[str]) -> tuple[str, ...]:
    for index, name in enumerate(types):
        if name not in EXPANDABLE:
            message = f"Events of type '{name[:100]}' cannot be expanded, only {', '.join(EXPANDABLE)}."
            raise Refused("bad_request", "invalid_parameter", message, f"expand[{index}]")
    return tuple(dict.fromkeys(types))


def _find(work: Work, id: str) -> Webhook:
    webhook: Webhook | None = work.get("webhook", id)
    if webhook is None:
        raise not_found("Webhook", id)
    return webhook


def _expand(work: Work, id: str, types: tuple[str, ...]) -> Webhook:
    webhook = replace(_find(work, id), updated=work.now, expand=types)
    save_webhook(work, webhook)
    return webhook
