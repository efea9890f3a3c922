"""`/files`: upload, retrieve, list, download, delete. Source: surroundings page, section 6."""

import asyncio
import base64
import binascii
import re
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.clock import Time
from drsim.domain.documents import Document
from drsim.domain.files import LARGEST, File
from drsim.domain.orders import Sale
from drsim.domain.refusal import Refused, invalid, missing, not_found
from drsim.domain.values import replace
from drsim.engine import records
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer, Download, answer
from drsim.web.file_links import link_to, links_to, read_expiry
from drsim.web.lists import Listing, enveloped, query

if TYPE_CHECKING:
    from drsim.web.bodies.files import FileBody

LISTING = Listing("file", {"purpose": "text", "fileName": "text", "title": "text", "size": "amount", "type": "text"})

TYPES = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "csv": "text/csv"}
_UNFIT = re.compile(r"[\x00-\x1f\x7f/\\]|\A\.{1,2}\Z")
_ENDING = re.compile(r".+\.([a-z0-9]{1,10})", re.DOTALL)

Content = bytes | tuple[Sale, Document]
"""The bytes of a file, or what they are made of."""


async def create(request: Request) -> Answer:
    """`POST /files`: a form with the file and what is said about it; with `linkExpiresTime` it is linked at once."""
    from drsim.web.bodies import fitted
    from drsim.web.bodies.files import FileBody, uploaded

    fields, content = await uploaded(request)
    body = fitted(FileBody, fields)
    content = _content(body) if content is None else content
    if len(content) > LARGEST:
        raise Refused("bad_request", "invalid_parameter", f"The file is larger than {LARGEST} bytes.", "file")
    if not content:
        raise Refused("bad_request", "invalid_empty", "The file is empty.", "file")
    if not body.fileName:
        raise missing("fileName")
    if _UNFIT.search(body.fileName):
        raise invalid("fileName", body.fileName[:100])
    expires = read_expiry("linkExpiresTime", body.linkExpiresTime) if body.linkExpiresTime else None
    id = await desk.perform(request, lambda work: _create(work, body, content, expires))
    return answer(await _shown(request, id), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /files/{id}`."""
    return answer(await _shown(request, request.path_params["id"]))


async def listed(request: Request) -> Answer:
    """`GET /files`."""
    simulator, sandbox = await desk.present(request)
    rows, more = simulator.store.reader.page(sandbox.number, query(request, LISTING, simulator, sandbox))
    base = desk.base(request)
    answered = [
        render.answered_file(file, base, await links_to(request, file["id"])) for file in map(orjson.loads, rows)
    ]
    return enveloped([orjson.dumps(file) for file in answered], more)


async def content(request: Request) -> Answer:
    """`GET /files/{id}/content`: with the secret key only."""
    return await download(request, request.path_params["id"])


async def delete(request: Request) -> Answer:
    """`DELETE /files/{id}`: 204; its links go with it, and an order shows its document no more."""
    await desk.perform(request, lambda work: _delete(work, request.path_params["id"]))
    return Answer(b"", 204)


async def follow(request: Request) -> Answer:
    """`GET /links/{id}`: the file, without any key, until the link expires."""

    def action(work: Work) -> str:
        id = request.path_params["id"]
        link = work.get("file_link", id)
        if link is None:
            raise not_found("FileLink", id)
        if link.has_expired(work.now):
            raise Refused("not_found", "not_found", f"FileLink '{id}' has expired.", "id")
        return str(link.file_id)

    return await download(request, await desk.perform(request, action))


async def download(request: Request, id: str) -> Answer:
    """The content of a file. Raises `Refused` (404)."""
    file, found = await desk.perform(request, lambda work: _find(work, id))
    if file.order_id is not None:
        desk.about_order(request, file.order_id)
    type = TYPES.get(file.type, "application/octet-stream")
    return Download(await _bytes(found), type, file.name, shown=file.order_id is not None)


def _content(body: "FileBody") -> bytes:
    """The file that was sent as text. Raises `Refused`."""
    if not body.file:
        raise missing("file")
    try:
        return base64.b64decode(body.file, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("file", body.file[:20], "file: a part of a form, or Base64") from error


def _create(work: Work, body: "FileBody", content: bytes, expires: Time | None) -> str:
    name = body.fileName or ""
    ending = _ENDING.fullmatch(name.lower())
    file = File(
        id=work.sandbox.new_id("file"),
        created=work.now,
        purpose=body.purpose,
        name=name,
        type=ending[1] if ending else "bin",
        title=body.title,
        size=len(content),
    )
    if expires is not None:
        link_to(work, file.id, expires, "linkExpiresTime")
    work.add(records.file_record(file))
    work.add(records.content_record(file, content))
    return file.id


async def _shown(request: Request, id: str) -> render.Json:
    """A file as this caller gets it; a document is made once to see how long it is. Raises `Refused` (404)."""
    file, found = await desk.perform(request, lambda work: _find(work, id))
    if file.order_id is not None:
        desk.about_order(request, file.order_id)
    size = None if file.size is not None else len(await _bytes(found))
    return render.answered_file(render.file(file), desk.base(request), await links_to(request, id), size)


def _find(work: Work, id: str) -> tuple[File, Content]:
    file: File | None = work.get("file", id)
    if file is None:
        raise not_found("File", id)
    if file.order_id is None:
        return file, work.transaction.public(work.sandbox.number, "content", id) or b""
    sale = work.sale(file.order_id)
    return file, (sale, next(each for each in sale.order.documents if each.id == id))


async def _bytes(content: Content) -> bytes:
    """The content of a file; a document is made in a thread, since that takes a while."""
    if isinstance(content, bytes):
        return content
    from drsim.render.pdf import pdf

    return await asyncio.to_thread(pdf, *content)


def _delete(work: Work, id: str) -> None:
    file, _ = _find(work, id)
    if file.order_id is not None:
        sale = work.sale(file.order_id)
        documents = tuple(replace(each, deleted=True) if each.id == id else each for each in sale.order.documents)
        work.keep(replace(sale, order=replace(sale.order, documents=documents)), sale)
    for link in work.transaction.all(work.sandbox.number, "file_link", id):
        work.delete("file_link", link.id)
    work.delete("content", id)
    work.delete("file", id)
