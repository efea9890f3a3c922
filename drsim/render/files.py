"""Files, links to them, and documents as orders and events show them."""

from collections.abc import Sequence

from drsim.domain.clock import Time, format_millis, format_time, parse_time
from drsim.domain.documents import CREDIT_MEMO, INVOICE, Document, Purpose, shown_documents
from drsim.domain.files import File, FileLink
from drsim.domain.orders import Order
from drsim.render.parts import Json, put


def content_url(file_id: str, base: str) -> str:
    """Where the content of a file is read with the secret key, on the server at `base`."""
    return f"{base}/files/{file_id}/content"


def document(it: Document, order: Order, base: str) -> Json:
    """A document as the events about it show it."""
    shown: Json = {"id": it.id, "fileId": it.id, "orderId": order.id}
    put(shown, customerId=order.customer_id)
    return shown | {"purpose": it.purpose, "invoiceURL": content_url(it.id, base)}


def documents(order: Order, base: str) -> Json:
    """The documents of an order, each sort under its key once there are any."""
    sorts: tuple[tuple[str, Purpose], ...] = (("invoicePDFs", INVOICE), ("creditMemoPDFs", CREDIT_MEMO))
    return {
        key: [{"id": each.id, "url": content_url(each.id, base), "liveMode": False} for each in made]
        for key, purpose in sorts
        if (made := shown_documents(order.documents, purpose))
    }


def file(it: File) -> Json:
    """A file, with an address that lacks the server: `answered_file` makes it what a caller gets."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "fileName": it.name, "purpose": it.purpose}
    put(shown, title=it.title, size=it.size)
    return shown | {"type": it.type, "url": content_url(it.id, ""), "liveMode": False}


def answered_file(shown: Json, base: str, links: Sequence[Json] = (), size: int | None = None) -> Json:
    """A rendered file as a caller gets it who has reached the server at `base`, with its answered links if any.

    `size` is that of a document, where it is known.
    """
    inner = [{key: value for key, value in link.items() if key != "fileId"} for link in links]
    answered: Json = {}
    for key, value in shown.items():
        if key == "purpose" and inner:
            answered["links"] = inner
        if key == "type" and size is not None:
            answered["size"] = size
        answered[key] = base + value if key == "url" else value
    return answered


def file_link(it: FileLink) -> Json:
    """A link to a file, in the same way unfinished: see `answered_link`."""
    shown: Json = {
        "id": it.id,
        "createdTime": format_millis(it.created),
        "expired": False,
        "expiresTime": format_millis(it.expires),
        "fileId": it.file_id,
    }
    put(shown, metadata=it.metadata)
    return shown | {"url": f"/links/{it.id}", "liveMode": False}


def answered_link(shown: Json, base: str, now: Time) -> Json:
    """A rendered link as a caller gets it `now` who has reached the server at `base`."""
    return {**shown, "expired": parse_time(shown["expiresTime"]) <= now, "url": base + shown["url"]}
