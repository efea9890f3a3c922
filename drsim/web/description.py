"""`/_sim/openapi.json`: the API described by itself."""

import asyncio

from starlette.requests import Request

from drsim.domain.account import LATEST_VERSION, VERSIONS
from drsim.domain.refusal import invalid
from drsim.web.answers import Answer


async def retrieve(request: Request) -> Answer:
    """`GET /_sim/openapi.json`: OpenAPI 3.1 of every route, of the API as it is in a `version`."""
    version = request.query_params.get("version") or LATEST_VERSION
    if version not in VERSIONS:
        raise invalid("version", version[:100])
    return Answer(await asyncio.to_thread(_described, version))


def _described(version: str) -> bytes:
    from drsim.web.openapi import description

    return description(version)
