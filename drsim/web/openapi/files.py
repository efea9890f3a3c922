"""`/files`, `/file-links` and `/links`."""

from drsim.web import file_links, files
from drsim.web.bodies.files import FileBody, FileLinkBody, FileLinkChange
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    ID,
    METADATA,
    TEST_MODE,
    TEXT,
    TIME,
    Schema,
    listed,
    page_of,
    record,
    ref,
)

_BYTES: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
_UPLOAD: Schema = {
    "type": "object",
    "properties": {
        "file": _BYTES,
        "purpose": {**TEXT, "minLength": 1, "maxLength": 64},
        **dict.fromkeys(("fileName", "title", "linkExpiresTime"), TEXT),
    },
    "required": ["file", "purpose"],
    "additionalProperties": False,
}
_MEDIA = ("application/octet-stream", *sorted(set(files.TYPES.values())))

_LINK = {
    "id": ID,
    "createdTime": TIME,
    "expired": FLAG,
    "expiresTime": TIME,
    "metadata?": METADATA,
    "url": TEXT,
    "liveMode": TEST_MODE,
}

_SCHEMAS = {
    "File": record(
        "A file. Its `url` needs the secret key, those of its links need none.",
        {
            "id": ID,
            "createdTime": TIME,
            "fileName": TEXT,
            "links?": listed(record("A link to it.", _LINK)),
            "purpose": TEXT,
            "title?": TEXT,
            "size?": COUNT,
            "type": TEXT,
            "url": TEXT,
            "liveMode": TEST_MODE,
        },
    ),
    "FileLink": record("An address of a file that needs no key.", {**_LINK, "fileId": ID}),
    "Document": record(
        "An invoice or a credit memo, as events tell it.",
        {"id": ID, "fileId": ID, "orderId": ID, "customerId?": ID, "purpose": TEXT, "invoiceURL": TEXT},
    ),
}

CHAPTER = Chapter(
    "Files",
    "Uploads, and the invoices and credit memos of orders.",
    _SCHEMAS,
    {
        "POST /files": Operation(
            "createFile",
            "Uploads a file",
            ref("File"),
            201,
            body=FileBody,
            forms={"multipart/form-data": _UPLOAD},
        ),
        "GET /files": Operation("listFiles", "Lists files", page_of("File"), listing=files.LISTING),
        "GET /files/{id}": Operation("getFile", "Shows a file", ref("File")),
        "GET /files/{id}/content": Operation("downloadFile", "Downloads a file", _BYTES, media=_MEDIA),
        "DELETE /files/{id}": Operation("deleteFile", "Deletes a file", None, 204),
        "POST /file-links": Operation(
            "createFileLink", "Makes a link to a file", ref("FileLink"), 201, body=FileLinkBody, refused=(404,)
        ),
        "GET /file-links": Operation(
            "listFileLinks",
            "Lists links to files",
            page_of("FileLink"),
            listing=file_links.LISTING,
            parameters=(Parameter("expired", "Only those that have expired, or have not.", FLAG),),
        ),
        "GET /file-links/{id}": Operation("getFileLink", "Shows a link to a file", ref("FileLink")),
        "POST /file-links/{id}": Operation(
            "updateFileLink", "Changes a link to a file", ref("FileLink"), body=FileLinkChange, refused=(409,)
        ),
        "DELETE /file-links/{id}": Operation("deleteFileLink", "Deletes a link to a file", None, 204),
        "GET /links/{id}": Operation("followLink", "Downloads a file by a link", _BYTES, media=_MEDIA, keyless=True),
    },
)
