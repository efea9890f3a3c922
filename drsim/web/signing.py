"""The signing secrets of webhooks under `/_sim/webhooks/{id}`: shown, rotated, revoked.

The vendor does this on its dashboard only; the paths are drsim's own.
"""

from starlette.requests import Request

from drsim.domain.clock import format_millis, format_span
from drsim.domain.refusal import Refused, missing
from drsim.domain.secrets import LONGEST_OVERLAP, USUAL_OVERLAP, Secret
from drsim.engine.secrets import live_secrets, revoke_secret, rotate_secret
from drsim.web import desk
from drsim.web.answers import Answer, answer
from drsim.web.times import read_span


async def secrets(request: Request) -> Answer:
    """`GET /_sim/webhooks/{id}/secrets`: the live signing secrets, the newest first."""
    id = request.path_params["id"]
    return _shown(await desk.perform(request, lambda work: live_secrets(work, id)))


async def rotate(request: Request) -> Answer:
    """`POST /_sim/webhooks/{id}/rotate`: a new secret; the former one signs on for `expireOldIn`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.webhooks import RotateBody

    id, body = request.path_params["id"], await read(request, RotateBody)
    overlap = read_span("expireOldIn", body.expireOldIn) if body.expireOldIn else USUAL_OVERLAP
    if overlap > LONGEST_OVERLAP:
        message = f"A secret expires within {format_span(LONGEST_OVERLAP)}."
        raise Refused("bad_request", "invalid_parameter", message, "expireOldIn")
    return _shown(await desk.perform(request, lambda work: rotate_secret(work, id, body.secret, overlap)))


async def revoke(request: Request) -> Answer:
    """`POST /_sim/webhooks/{id}/revoke`: this secret signs no more."""
    from drsim.web.bodies import read
    from drsim.web.bodies.webhooks import RevokeBody

    id, body = request.path_params["id"], await read(request, RevokeBody)
    if not body.secret:
        raise missing("secret")
    return _shown(await desk.perform(request, lambda work: revoke_secret(work, id, body.secret)))


def _shown(secrets: tuple[Secret, ...]) -> Answer:
    return answer({"secrets": [each.text for each in secrets], "details": [_detail(each) for each in secrets]})


def _detail(secret: Secret) -> dict[str, str]:
    shown = {"secret": secret.text, "createdTime": format_millis(secret.created)}
    return shown if secret.expires is None else {**shown, "expiresTime": format_millis(secret.expires)}
