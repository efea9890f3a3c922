"""Bodies of `/files` and `/file-links`."""

import logging
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import orjson
from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from drsim.domain.files import LARGEST
from drsim.web.bodies import json_of, malformed, text_of
from drsim.web.bodies.fields import INSTANT_ONLY, Body, Id, Instant, Metadata, Needed, Text

_MOST_FIELDS = 10
_LONGEST_FIELD = 16 << 10
_ROOM = 64 << 10
"""What a body may have beside the file."""


class FileBody(Body):
    """`POST /files`, whose `file` may also be sent as Base64."""

    file: str | None = None
    purpose: Annotated[Needed, Field(max_length=64)]
    fileName: Annotated[Text, Field(max_length=255)] | None = None
    title: Text | None = None
    linkExpiresTime: Instant | None = None


class FileLinkBody(Body):
    """`POST /file-links`."""

    fileId: Id
    expiresTime: Annotated[Needed, INSTANT_ONLY]
    metadata: Metadata | None = None


class FileLinkChange(Body):
    """`POST /file-links/{id}`."""

    expiresTime: Instant | None = None
    metadata: Metadata | None = None


async def uploaded(request: Request) -> tuple[dict[str, Any], bytes | None]:
    """The fields of an upload, and the file where it came as a part, whose name is `fileName` unless that is given.

    Raises `Refused` for what is neither a form nor JSON, and for more than a file may have.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        sent = await json_of(request, LARGEST * 4 // 3 + _ROOM)
        _note(request, sent)
        return sent, None
    body = await text_of(request, LARGEST + _ROOM)
    request.scope["drsim.body"] = orjson.dumps({"info": f"{len(body)} bytes of {kind}"})
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # a form that is wrong is the caller's matter
    parser = MultiPartParser(
        request.headers, _once(body), max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise malformed() from error
    fields: dict[str, Any] = dict(form.multi_items())
    content: bytes | None = None
    for name, part in fields.items():
        if isinstance(part, UploadFile):
            content = await part.read()
            fields[name] = f"{len(content)} bytes"  # another name than `file` is refused like any unknown field
            if part.filename:
                fields = {"fileName": part.filename.replace("\\", "/").rpartition("/")[2], **fields}
            break
    await form.close()
    _note(request, fields)
    return fields, content


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _note(request: Request, fields: dict[str, Any]) -> None:
    """Has the call log keep the fields without the file."""
    file = fields.get("file")
    if isinstance(file, str) and len(file) > 100:
        fields = {**fields, "file": f"{len(file)} characters"}
    request.scope["drsim.body"] = orjson.dumps(fields)
