"""The tables of stories and errands are complete: what can be told, what `EMITTED` lists and what can be triggered
agree."""

import ast
import re
from pathlib import Path

import pytest

import drsim
from drsim.domain.events import EMITTED, TYPES
from drsim.world.errands import ERRANDS
from drsim.world.plans import PLANS
from drsim.world.stories import STORIES

PACKAGE = Path(drsim.__file__).parent
CALLS = [
    (path.relative_to(PACKAGE).as_posix(), node)
    for path in sorted(PACKAGE.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call)
]


def called(node: ast.Call) -> str:
    """The last name of what a call calls."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def pattern(argument: ast.expr) -> str:
    """The event types that an expression can stand for, as a regular expression."""
    if isinstance(argument, ast.Constant):
        return re.escape(str(argument.value))
    assert isinstance(argument, ast.JoinedStr), f"line {argument.lineno}: neither a text nor an f-string"
    parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+" for part in argument.values)
    return "".join(parts)


def test_every_event_that_is_emitted_has_a_story_or_an_errand_and_each_of_them_leads_to_one() -> None:
    assert set(PLANS) == EMITTED
    assert not STORIES.keys() & ERRANDS.keys()


def test_what_is_emitted_is_among_what_a_webhook_may_name() -> None:
    assert EMITTED <= TYPES


def test_what_is_told_is_exactly_what_is_listed_as_emitted() -> None:
    """Every `tell` of a decision and every `happen` of an action names its type on the spot: each must be listed, and
    nothing listed is never told."""
    told = [
        (place, pattern(node.args[0]))
        for place, node in CALLS
        if (place.startswith("domain/") and called(node) == "tell") or called(node) == "happen"
    ]
    assert len(told) > 20
    fitting = {(place, each): {type for type in EMITTED if re.fullmatch(each, type)} for place, each in told}
    assert [which for which, types in fitting.items() if not types] == []
    assert set().union(*fitting.values()) == EMITTED


def test_stories_are_about_orders_and_errands_about_all_else() -> None:
    told = {pattern(node.args[0]) for place, node in CALLS if place.startswith("domain/") and called(node) == "tell"}
    assert {type for type in EMITTED if any(re.fullmatch(each, type) for each in told)} == set(STORIES)


@pytest.mark.parametrize(("kind", "place"), [("Event", "domain/decision.py"), ("ResourceEvent", "engine/work.py")])
def test_events_are_made_in_one_place_which_refuses_what_is_not_listed(kind: str, place: str) -> None:
    made = {
        where
        for where, node in CALLS
        if called(node) == kind and isinstance(node.func, ast.Name) and not where.startswith("scenario/")
    }
    assert made == {place}
