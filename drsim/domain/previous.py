"""What an update has changed: the attributes as they were, for `data.previousAttributes` of its event."""

import json
from collections.abc import Mapping
from typing import Any

_BESIDE = ("updatedTime",)
"""What changes with every update and is no news by itself."""


def previous_attributes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Of two public forms of one resource, the old values of what is different; empty when nothing is.

    Nested mappings hold their changed keys only; null stands for what was not there (platform page, section 7.1).
    """
    changed: dict[str, Any] = {}
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if key in _BESIDE or _written(old) == _written(new):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changed[key] = previous_attributes(old, new)
        else:
            changed[key] = old
    return changed


def _written(value: Any) -> str:
    """A value as JSON: there true is not 1."""
    return json.dumps(value, sort_keys=True)
