from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.matching import ABSENT, Difference, check, differences, fits


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": "c"}}, {"a": {"b": "c", "d": 1}}),
        ([1, {"a": 2}], [1, {"a": 2, "b": 3}]),
        ([], []),
        (1, 1.0),
        (100, Decimal("100.00")),
        (0.1, Decimal("0.1")),
        ("x", "x"),
        (None, None),
        (True, True),
        ({"$eq": {"a": 1}}, {"a": 1, "b": 2}),
        ({"$eq": 5}, Decimal(5)),
        ({"$ne": 5}, 6),
        ({"$ne": 5}, "5"),
        ({"$gt": 5}, 5.01),
        ({"$gte": 5}, 5),
        ({"$lt": 5}, Decimal("4.99")),
        ({"$lte": 5}, 5),
        ({"$gt": "2022"}, "2023"),
        ({"$gte": 1, "$lt": 3}, 2),
        ({"$in": [1, {"a": 2}]}, {"a": 2}),
        ({"$in": [1, 2]}, 2.0),
        ({"$regex": "^ful_"}, "ful_1"),
        ({"$exists": True}, None),
        ({"a": {"$exists": True}}, {"a": None}),
        ({"a": {"$exists": False}}, {"b": 1}),
        ({"a": {"$ne": 1}}, {"b": 1}),
        ({"a": {"$not": {"$eq": 1}}}, {}),
        ({"$type": "string"}, "x"),
        ({"$type": "number"}, 1),
        ({"$type": "number"}, Decimal(1)),
        ({"$type": "boolean"}, False),
        ({"$type": "array"}, []),
        ({"$type": "object"}, {}),
        ({"$type": "null"}, None),
        ({"$length": 2}, [1, 2]),
        ({"$length": 3}, "abc"),
        ({"$length": 1}, {"a": 1}),
        ({"$length": {"$gte": 1}}, [1, 2]),
        ({"$contains": {"a": 1}}, [{"b": 1}, {"a": 1, "c": 2}]),
        ({"$contains": "b"}, "abc"),
        ({"$all": [1, 3]}, [3, 2, 1]),
        ({"$all": ["a", "c"]}, "abc"),
        ({"$all": []}, []),
        ({"$not": {"$gte": 5}}, 4),
        ({"$not": 5}, 6),
    ],
)
def test_a_fitting_value_fits(pattern: Any, value: Any) -> None:
    assert check(pattern) is None
    assert fits(pattern, value)
    assert differences(pattern, value) == []


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, [1]),
        ({"a": None}, {}),
        ({"a": {}}, {}),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ([], {}),
        (1, "1"),
        (1, True),
        (0, False),
        (True, 1),
        ("x", None),
        (None, 0),
        ("", None),
        (0.1, 0.30000000000000004),
        ({"$eq": 5}, 6),
        ({"$ne": 5}, 5),
        ({"$gt": 5}, 5),
        ({"$gt": 5}, "6"),
        ({"$gt": 5}, True),
        ({"$gt": "a"}, 1),
        ({"$gte": 5}, 4.99),
        ({"$lt": 5}, 5),
        ({"$lte": 5}, 5.01),
        ({"$gte": 1, "$lt": 3}, 3),
        ({"$in": [1, 2]}, 3),
        ({"$in": []}, None),
        ({"$regex": "^ful_"}, "a ful_1"),
        ({"$regex": "1"}, 1),
        ({"a": {"$exists": True}}, {}),
        ({"a": {"$exists": False}}, {"a": None}),
        ({"a": {"$gt": 1}}, {}),
        ({"a": {"$type": "null"}}, {}),
        ({"a": {"$regex": ""}}, {}),
        ({"a": {"$length": 0}}, {}),
        ({"a": {"$contains": 1}}, {}),
        ({"a": {"$in": [None]}}, {}),
        ({"$type": "number"}, True),
        ({"$type": "number"}, "1"),
        ({"$type": "object"}, []),
        ({"$length": 2}, [1]),
        ({"$length": 1}, 1),
        ({"$contains": 1}, [2]),
        ({"$contains": 1}, "1"),
        ({"$contains": 1}, {"a": 1}),
        ({"$all": [1, 4]}, [3, 2, 1]),
        ({"$not": {"$exists": True}}, 1),
    ],
)
def test_an_unfitting_value_does_not_fit(pattern: Any, value: Any) -> None:
    assert check(pattern) is None
    assert not fits(pattern, value)
    assert differences(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ({"$gte": 1, "a": 2}, "'a'"),
        ({"$between": [1, 2]}, "$between"),
        ({"a": [{"b": {"$near": 1}}]}, "$near"),
        ({"$in": 5}, "list"),
        ({"$all": "ab"}, "list"),
        ({"$exists": "yes"}, "true or false"),
        ({"$type": "integer"}, "string number"),
        ({"$type": 1}, "$type"),
        ({"$regex": "("}, "regular expression"),
        ({"$regex": 5}, "regular expression"),
        ({"$gt": None}, "number or a string"),
        ({"$lte": True}, "number or a string"),
        ({"$not": {"$foo": 1}}, "$foo"),
        ({"$length": {"$foo": 1}}, "$foo"),
        ({"$in": [{"$foo": 1}]}, "$foo"),
    ],
)
def test_a_wrong_pattern_is_explained(pattern: Any, word: str) -> None:
    wrong = check(pattern)
    assert wrong is not None
    assert word in wrong


def test_a_pattern_with_no_number_in_a_comparison_is_wrong_before_it_is_used() -> None:
    """`.nan` is a number to YAML; a comparison with it has no answer."""
    assert check({"amount": {"$gt": float("nan")}}) is not None


def test_differences_tell_only_what_differs_and_where() -> None:
    seen = {"id": 1, "data": {"object": {"captures": [{"state": "pending", "amount": 12.6}], "state": "x"}}}
    pattern = {
        "id": {"$type": "number", "$gt": 5},
        "data": {"object": {"captures": [{"state": "failed", "amount": 12.60}], "state": "x", "failureCode": "y"}},
    }
    assert differences(pattern, seen) == [
        Difference("id", {"$gt": 5}, 1),
        Difference("data.object.captures[0].state", "failed", "pending"),
        Difference("data.object.failureCode", "y", ABSENT),
    ]
    assert differences({"a": [1, 2]}, {"a": [1]}) == [Difference("a", [1, 2], [1])]
    assert differences(5, {"a": 1}) == [Difference("", 5, {"a": 1})]
    assert differences({"a": {"$eq": {"b": 1}}}, {"a": {"b": 2, "c": 3}}) == [Difference("a.b", 1, 2)]


_leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ab"])
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
_patterns = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        | st.fixed_dictionaries({}, optional={"$eq": inner, "$ne": inner, "$not": inner, "$exists": st.booleans()})
        | st.fixed_dictionaries({}, optional={"$contains": inner, "$in": st.lists(inner, max_size=2)})
    ),
)


@given(_patterns, _values)
def test_there_are_differences_exactly_where_a_value_does_not_fit(pattern: Any, value: Any) -> None:
    assert check(pattern) is None
    assert bool(differences(pattern, value)) != fits(pattern, value)
