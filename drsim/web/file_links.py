"""`/file-links`: addresses of files that need no key. Source: surroundings page, section 6."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.amend import merged_metadata
from drsim.domain.clock import Time
from drsim.domain.files import FileLink
from drsim.domain.refusal import Refused, not_found
from drsim.domain.values import replace
from drsim.engine import records
from drsim.engine.work import Work
from drsim.store import Between
from drsim.web import desk
from drsim.web.answers import Answer, answer
from drsim.web.lists import Listing, enveloped, query
from drsim.web.times import read_time

if TYPE_CHECKING:
    from drsim.web.bodies.files import FileLinkBody, FileLinkChange

LISTING = Listing("file_link", {"fileId": "text"}, parent="fileId")

_EVER = 1 << 62
_MILLI = 1_000


async def create(request: Request) -> Answer:
    """`POST /file-links`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.files import FileLinkBody

    body = await read(request, FileLinkBody)
    expires = read_expiry("expiresTime", body.expiresTime)
    made = await desk.perform(request, lambda work: _create(work, body, expires))
    return answer((await _answering(request))(made), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /file-links/{id}`."""
    found = await desk.public(request, "file_link", "FileLink")
    return answer((await _answering(request))(found))


async def listed(request: Request) -> Answer:
    """`GET /file-links`; `expired` is true or false."""
    simulator, sandbox = await desk.present(request)
    now = sandbox.clock.now(simulator.wall())
    expired = request.query_params.get("expired")
    bounds = {None: (), "": (), "true": (Between("expires", 0, now),), "false": (Between("expires", now + 1, _EVER),)}
    if expired not in bounds:
        message = f"'{str(expired)[:100]}' is not a valid boolean."
        raise Refused("bad_request", "invalid_boolean", message, "expired")
    asked = query(request, LISTING, simulator, sandbox, bounds[expired])
    rows, more = simulator.store.reader.page(sandbox.number, asked)
    answered = await _answering(request)
    return enveloped([orjson.dumps(answered(row)) for row in rows], more)


async def update(request: Request) -> Answer:
    """`POST /file-links/{id}`: when it expires, and metadata; only before it has."""
    from drsim.web.bodies import read
    from drsim.web.bodies.files import FileLinkChange

    body = await read(request, FileLinkChange)
    expires = read_expiry("expiresTime", body.expiresTime) if body.expiresTime else None
    id = request.path_params["id"]
    updated = await desk.perform(request, lambda work: _update(work, id, body, expires))
    return answer((await _answering(request))(updated))


async def delete(request: Request) -> Answer:
    """`DELETE /file-links/{id}`: 204."""

    def action(work: Work) -> None:
        _find(work, request.path_params["id"])
        work.delete("file_link", request.path_params["id"])

    await desk.perform(request, action)
    return Answer(b"", 204)


def link_to(work: Work, file_id: str, expires: Time, parameter: str) -> FileLink:
    """Makes a link to a file. Raises `Refused`, naming `parameter`, for one that would have expired already."""
    _check_future(work, expires, parameter)
    link = FileLink(work.sandbox.new_id("file_link"), work.now, file_id, expires)
    work.add(records.file_link_record(link))
    return link


async def links_to(request: Request, file_id: str) -> list[render.Json]:
    """The links to a file as this caller gets them, the newest first."""
    simulator, sandbox = await desk.present(request)
    reader = simulator.store.reader
    answered = await _answering(request)
    ids = reader.children(sandbox.number, "file_link", file_id)
    return [answered(row) for id in ids if (row := reader.public(sandbox.number, "file_link", id))]


def read_expiry(parameter: str, text: str) -> Time:
    """When a link shall expire, to the millisecond. Raises `Refused`."""
    time = read_time(parameter, text)
    return time - time % _MILLI


async def _answering(request: Request) -> Callable[[bytes], render.Json]:
    """What makes of a stored link what this caller gets."""
    simulator, sandbox = await desk.present(request)
    now, base = sandbox.clock.now(simulator.wall()), desk.base(request)
    return lambda public: render.answered_link(orjson.loads(public), base, now)


def _create(work: Work, body: "FileLinkBody", expires: Time) -> bytes:
    metadata = None if body.metadata is None else merged_metadata(None, body.metadata)
    if work.get("file", body.fileId) is None:
        raise not_found("File", body.fileId, "fileId")
    link = link_to(work, body.fileId, expires, "expiresTime")
    return _saved(work, replace(link, metadata=metadata))


def _update(work: Work, id: str, body: "FileLinkChange", expires: Time | None) -> bytes:
    link = _find(work, id)
    if link.has_expired(work.now):
        raise Refused("conflict", "restricted_update", f"FileLink '{id}' has expired.", "id")
    if expires is not None:
        _check_future(work, expires, "expiresTime")
        link = replace(link, expires=expires)
    if body.metadata is not None:
        link = replace(link, metadata=merged_metadata(link.metadata, body.metadata))
    return _saved(work, link)


def _find(work: Work, id: str) -> FileLink:
    link: FileLink | None = work.get("file_link", id)
    if link is None:
        raise not_found("FileLink", id)
    return link


def _check_future(work: Work, expires: Time, parameter: str) -> None:
    if expires <= work.now:
        raise Refused("bad_request", "invalid_parameter", f"{parameter} is not in the future.", parameter)


def _saved(work: Work, link: FileLink) -> bytes:
    record = records.file_link_record(link)
    work.put(record)
    return record.public or b"{}"
