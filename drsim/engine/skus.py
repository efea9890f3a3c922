"""What happens to SKUs: each action saves what it changes and tells it."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from drsim import render
from drsim.domain import skus
from drsim.domain.decision import Context
from drsim.domain.previous import previous_attributes
from drsim.domain.refusal import Refused, not_found
from drsim.domain.skus import Sku
from drsim.engine import inventory, records
from drsim.engine.work import Work

Change = Callable[[Sku, Mapping[str, Any], Context], Sku]


def create(work: Work, id: str | None, sent: Mapping[str, Any]) -> bytes:
    """A new SKU; returns its public form. Raises `Refused`, also for an id that is taken."""
    sku = skus.make(id, sent, work.context())
    if work.get("sku", sku.id) is not None:
        raise Refused("conflict", "already_exists", f"SKU '{id}' already exists.", "id")
    public = _save(work, sku)
    work.happen("sku.created", sku)
    return public


def put(work: Work, id: str, sent: Mapping[str, Any]) -> tuple[bytes, bool]:
    """The SKU of this id as it was sent, new or in place of the present one.

    Returns its public form, and whether it is new. Raises `Refused`.
    """
    skus.check_id(id)
    if work.get("sku", id) is None:
        return create(work, id, sent), True
    return _change(work, id, sent, skus.remake), False


def amend(work: Work, id: str, sent: Mapping[str, Any]) -> bytes:
    """Changes a SKU; returns its public form. Raises `Refused`."""
    return _change(work, id, sent, skus.amend)


def delete(work: Work, id: str) -> None:
    """Removes a SKU. Raises `Refused`."""
    sku = find(work, id)
    work.delete("sku", id)
    work.happen("sku.deleted", None, render.sku(sku))


def find(work: Work, id: str) -> Sku:
    """A SKU. Raises `Refused` when there is none."""
    sku: Sku | None = work.get("sku", id)
    if sku is None:
        raise not_found("SKU", id)
    return sku


def _change(work: Work, id: str, sent: Mapping[str, Any], change: Change) -> bytes:
    """Changes a SKU, and tells it if anything is different then."""
    before = find(work, id)
    after = change(before, sent, work.context())
    previous = previous_attributes(render.sku(before), render.sku(after))
    if not previous:
        return orjson.dumps(render.sku(before))
    public = _save(work, after)
    work.happen("sku.updated", after, previous)
    return public


def _save(work: Work, sku: Sku) -> bytes:
    record = records.sku_record(sku)
    work.put(record)
    if sku.managed_fulfillment is not None:
        inventory.pair_managed(work, sku)
    return record.public or b"{}"
