"""What an update has changed, as events tell it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.previous import previous_attributes

JSON = st.recursive(
    st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@pytest.mark.parametrize(
    ("before", "after", "previous"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 1}),
        ({"a": 1}, {"a": True}, {"a": 1}),
        ({}, {"a": 1}, {"a": None}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": None}}),
        ({"a": {"b": 1}}, {}, {"a": {"b": 1}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
        ({"a": 1, "updatedTime": "1"}, {"a": 1, "updatedTime": "2"}, {}),
    ],
)
def test_only_what_is_different_is_told_with_its_old_value(before: Any, after: Any, previous: Any) -> None:
    assert previous_attributes(before, after) == previous


@given(MAPPINGS, MAPPINGS)
def test_the_old_values_put_back_make_what_was(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert back(after, previous_attributes(before, after)) == before


def back(after: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    """What was there before."""
    was = dict(after)
    for key, old in previous.items():
        if old is None:
            was.pop(key, None)
        elif isinstance(old, dict) and isinstance(was.get(key), dict):
            was[key] = back(was[key], old)
        else:
            was[key] = old
    return was
