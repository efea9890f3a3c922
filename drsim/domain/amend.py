"""Changing what may be changed about an order or a fulfillment after the fact: metadata, upstream id, tracking."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.orders import Sale
from drsim.domain.refusal import Refused, invalid
from drsim.domain.values import replace, value

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 20, 40, 500
"""The limits of metadata (platform page, section 5)."""

Metadata = Mapping[str, Any]


def merged_metadata(present: Metadata | None, sent: Metadata) -> Metadata | None:
    """Metadata after an update: sent keys replace or add, others stay, a key sent as `""` goes.

    Raises `Refused` for too many keys, or a key or value that is too long; a value that is no string is measured as
    its JSON text.
    """
    check_metadata(sent)
    merged = {key: value for key, value in {**(present or {}), **sent}.items() if value != ""}
    if len(merged) > MOST_KEYS:
        message = f"Metadata has at most {MOST_KEYS} keys."
        raise Refused("bad_request", "too_many_metadata_pairs", message, "metadata")
    return merged or None


def check_metadata(sent: Metadata) -> None:
    """Checks keys and values by themselves. Raises `Refused`."""
    for key, text in sent.items():
        if not 0 < len(key) <= LONGEST_KEY:
            message = f"A metadata key has 1 to {LONGEST_KEY} characters."
            raise Refused("bad_request", "invalid_metadata_key", message, f"metadata.{key[:LONGEST_KEY]}")
        if len(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)) > LONGEST_VALUE:
            message = f"A metadata value has at most {LONGEST_VALUE} characters."
            raise Refused("bad_request", "invalid_metadata_value", message, f"metadata.{key}")


@value
class OrderChange:
    """What `POST /orders/{id}` changes; `None` leaves as it is, an empty upstream id takes it away."""

    upstream_id: str | None = None
    to_be_forgotten: bool | None = None
    metadata: Metadata | None = None


def amend_order(sale: Sale, change: OrderChange, context: Context) -> Decision:
    """Applies the change and tells `order.updated` with the old values, if anything is different afterwards."""
    draft, order = Draft(sale, context), sale.order
    previous: dict[str, Any] = {}
    if change.upstream_id is not None and (change.upstream_id or None) != order.upstream_id:
        previous["upstreamId"] = order.upstream_id
        draft.amend(upstream_id=change.upstream_id or None)
    if change.to_be_forgotten is not None and change.to_be_forgotten != order.to_be_forgotten:
        previous["requestToBeForgotten"] = order.to_be_forgotten
        draft.amend(to_be_forgotten=change.to_be_forgotten)
    if change.metadata is not None:
        merged, before = amended_metadata(order.metadata, change.metadata)
        if before:
            previous |= before
            draft.amend(metadata=merged)
    if previous:
        draft.amend(updated=context.now)
        draft.tell("order.updated", previous=previous)
    return draft.decided()


def amended_metadata(present: Metadata | None, sent: Metadata) -> tuple[Metadata | None, dict[str, Any]]:
    """Metadata after an update, and its old values as `previousAttributes` show them: empty if nothing is different."""
    merged = merged_metadata(present, sent)
    if json.dumps(merged) == json.dumps(present):  # true is not 1 here
        return present, {}
    return merged, {"metadata": _changed_keys(present, merged or {}) if present else None}


def _changed_keys(before: Metadata, after: Metadata) -> dict[str, Any]:
    keys = [key for key in {**before, **after} if json.dumps(before.get(key)) != json.dumps(after.get(key))]
    return {key: before.get(key) for key in keys}


def amend_fulfillment(
    fulfillment: Fulfillment,
    extra: Mapping[str, Any],
    items: Sequence[tuple[str, Mapping[str, Any]]],
    metadata: Metadata | None,
) -> Fulfillment:
    """Adds tracking to a fulfillment, as a whole (`extra`) or per item id; `None` takes a value away.

    Raises `Refused` for an item that is not part of it. No event is told (platform page, U-9).
    """
    known = {item.item_id for item in fulfillment.items}
    changes: dict[str, dict[str, Any]] = {}
    for index, (item_id, change) in enumerate(items):
        if item_id not in known:
            raise invalid(f"items[{index}].itemId", item_id, "itemId")
        changes.setdefault(item_id, {}).update(change)
    return replace(
        fulfillment,
        extra=_overlaid(fulfillment.extra, extra),
        items=tuple(_with_tracking(item, changes.get(item.item_id, {})) for item in fulfillment.items),
        metadata=fulfillment.metadata if metadata is None else merged_metadata(fulfillment.metadata, metadata),
    )


def _with_tracking(item: FulfilledItem, extra: Mapping[str, Any]) -> FulfilledItem:
    return replace(item, extra=_overlaid(item.extra, extra))


def _overlaid(present: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**present, **sent}.items() if value is not None}
