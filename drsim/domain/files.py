"""Files and the links to them: documents of sales, and what callers have uploaded.

Source: surroundings page, section 6.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.documents import CREDIT_MEMO, INVOICE, Document
from drsim.domain.orders import Order
from drsim.domain.values import value

LARGEST = 10 << 20
"""No uploaded file may have more bytes."""


@value
class File:
    """A file. A document of the sale `order_id` is made anew whenever somebody wants it, so nobody knows its `size`;
    what was uploaded has one, in bytes. `type` is what its name ends in.
    """

    id: str
    created: Time
    purpose: str
    name: str
    type: str
    title: str | None = None
    size: int | None = None
    order_id: str | None = None


@value
class FileLink:
    """An address of a file that anybody may read, until it `expires`."""

    id: str
    created: Time
    file_id: str
    expires: Time
    metadata: Mapping[str, Any] | None = None

    def has_expired(self, now: Time) -> bool:
        """Whether it leads nowhere any more."""
        return self.expires <= now


def made_files(order: Order, before: Order | None) -> Iterator[File]:
    """The files of the documents that were made since the order was as `before`."""
    if before is not None and order.documents is before.documents:
        return
    known = {each.id for each in before.documents if not each.planned} if before else set()
    for purpose in (INVOICE, CREDIT_MEMO):
        documents = [each for each in order.documents if each.purpose == purpose and not each.planned]
        for place, each in enumerate(documents, 1):
            if each.id not in known:
                yield _file(order, each, "" if place == 1 else f"-{place}")


def _file(order: Order, document: Document, mark: str) -> File:
    """The file of a document; `mark` tells several names of one order apart."""
    title = document.purpose.replace("_", " ")
    name = f"{title.removeprefix('customer ').replace(' ', '-')}-{order.id}{mark}.pdf"
    return File(document.id, document.at, document.purpose, name, "pdf", title, order_id=order.id)
