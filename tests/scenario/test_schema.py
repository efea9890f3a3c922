"""What `drsim schema` says may be written is what the loader accepts."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel

from drsim.cli import main
from drsim.format.load import load
from drsim.format.numbers import plain
from drsim.format.problems import Path as Place
from drsim.format.problems import Problem, Unfit
from drsim.format.resources import OrderResource, read_resource
from drsim.format.source import parse
from drsim.scenario.files import Scenario
from drsim.scenario.schema import scenario_schema
from drsim.scenario.steps import KINDS
from tests.scenario.rich import COPIED, RICH

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").rglob("*.y*ml"))

NAMES = "what a name stands for"
BEYOND_A_SCHEMA = {
    NAMES: r"the unknown name",
    "a group of events that holds none": r"\*.*expected an event type",
    "what the currency allows": r"expected (at most \d decimals, as|an amount below|no more decimals)",
    "whether a copied order adds up": r"to which the lines add up|captured and cancelled|expected a different id",
    "a number too fine": r"expected at most \d decimals$|of at most 4 decimals",
    "a number out of bounds that is written as a text": r"found '[0-9.]+', expected (a|an amount|a whole|a fraction)",
    "1.0, which is no whole number here": r"found -?[0-9]+\.0, expected",
    "a repeated alias": r"the alias .* again",
}
"""Why the loader may refuse what the schema lets pass, and how it says so."""


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(scenario_schema()), format_checker=FormatChecker(["regex"]))


def problems(values: Any) -> list[Problem]:
    """What the loader says of these values, written as JSON."""

    def read_file(name: str) -> str:
        if not name:
            raise IsADirectoryError(21, "Is a directory")
        return COPIED

    try:
        load(Scenario, json.dumps(values), "s", {"WORD": "order", "TWO": "2"}, read_file)
    except Unfit as unfit:
        return unfit.problems
    return []


def reason(problem: Problem, values: Any) -> str | None:
    """Why a schema cannot know of this problem, if it cannot."""
    # What is wrong inside a pattern is told of the whole pattern, what is wrong inside an event of the order in it.
    whole = problem.expected in ("a number", "one that can be matched")
    written = values
    for key in problem.path:
        try:
            written = written[key]
        except (LookupError, TypeError):
            whole = True
    if (whole or isinstance(written, str)) and "${" in json.dumps(written):
        return NAMES
    return next((kind for kind, pattern in BEYOND_A_SCHEMA.items() if re.search(pattern, str(problem))), None)


def agree(values: Any) -> list[str | None]:
    """Asserts that both say the same; returns the reasons for which only the loader refuses."""
    told, error = problems(values), next(validator().iter_errors(values), None)
    if error:
        assert told, f"only the schema refuses: {error.message[:300]} at {error.json_path}\n{values}"
        return []
    reasons = {str(problem): reason(problem, values) for problem in told}
    assert all(reasons.values()), f"only the loader refuses: {reasons}\n{values}"
    return list(reasons.values())


def test_it_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(json.loads(scenario_schema()))


def test_every_reference_leads_to_a_definition_and_every_definition_is_used() -> None:
    text = scenario_schema().decode()
    named = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', text))
    assert named == set(json.loads(text)["$defs"])


def test_it_is_printed_and_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert len(json.dumps(json.loads(capsys.readouterr().out))) < 70_000


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.name))
def test_every_scenario_in_the_repository_fits(path: Path) -> None:
    validator().validate(plain(parse(path.read_text(), path.name).values))


def test_a_file_may_name_its_schema_for_the_editor() -> None:
    assert load(Scenario, "# yaml-language-server: $schema=scenario.schema.json\nscenario: x\n").model.name == "x"


@pytest.mark.parametrize("values", RICH, ids=lambda values: str(values["scenario"]))
def test_the_rich_scenarios_fit(values: Any) -> None:
    assert problems(values) == []
    validator().validate(values)


def test_the_rich_scenarios_name_every_key_of_every_model() -> None:
    named = {key for values in RICH for key in keys_in(Scenario, values)}
    missing = {f"{model.__name__}.{key}" for model in models_in(Scenario) for key in fields_of(model)} - named
    assert missing == set()


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def held(annotation: Any) -> list[type[BaseModel]]:
    """The models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in held(part)]


def models_in(top: type[BaseModel]) -> set[type[BaseModel]]:
    """The model and all that stand in it."""
    seen: set[type[BaseModel]] = set()
    left = [top]
    while left:
        model = left.pop()
        if model not in seen:
            seen.add(model)
            left += [each for annotation in fields_of(model).values() for each in held(annotation)]
    return seen


def keys_in(model: type[BaseModel], values: Any) -> Iterator[str]:
    """Every key that stands in `values`, as `Model.key`."""
    if model is OrderResource:
        values = read_resource(values)
    for key, annotation in fields_of(model).items():
        if key not in values:
            continue
        yield f"{model.__name__}.{key}"
        inside = held(annotation)
        for each in values[key] if isinstance(values[key], list) else [values[key]]:
            if inside and isinstance(each, dict):
                kind = next((KINDS[name] for name in each if name in KINDS), None) if len(inside) > 1 else None
                yield from keys_in(kind or inside[0], each)


ODD: tuple[Any, ...] = (None, True, -1, 1.5, "", "x", [], {}, "${UNKNOWN}", "${WORD}", "${TWO}")


def places(values: Any, place: Place = ()) -> Iterator[Place]:
    """Where in `values` something stands."""
    inner = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, each in inner:
        yield (*place, key)
        yield from places(each, (*place, key))


def changed(values: Any, place: Place, value: Any = None, *, as_key: str | None = None, drop: bool = False) -> Any:
    """A copy with something else at a place, or the same under another key, or nothing."""
    copy = deepcopy(values)
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    if as_key:
        holder[as_key] = holder.pop(place[-1])
    elif drop:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return copy


@pytest.mark.parametrize("values", RICH, ids=lambda values: str(values["scenario"]))
def test_schema_and_loader_agree_on_every_single_change(values: Any) -> None:
    for place in places(values):
        agree(changed(values, place, drop=True))
        if isinstance(place[-1], str):
            agree(changed(values, place, as_key=f"{place[-1]}x"))
        for odd in ODD:
            agree(changed(values, place, odd))


ONLY_THE_LOADER_REFUSES: dict[str, dict[str, Any]] = {
    NAMES: {"description": "${NOBODY}"},
    "a group of events that holds none": {"given": {"webhooks": [{"types": ["nothing.*"]}]}},
    "what the currency allows": {"given": {"orders": [{"items": [{"price": 1.005}]}]}},
    "whether a copied order adds up": {"given": {"orders": [{"resource": {**json.loads(COPIED), "totalAmount": 11}}]}},
    "a number too fine": {"given": {"orders": [{"taxRate": 0.1234567899, "items": [{"price": 1}]}]}},
    "a number out of bounds that is written as a text": {"seed": "9" * 20},
    "1.0, which is no whole number here": {"seed": 1.0},
    "a repeated alias": {"given": {"webhooks": [{"as": "a"}, {"as": "a"}]}},
}


def test_every_reason_why_only_the_loader_refuses_is_one() -> None:
    assert set(ONLY_THE_LOADER_REFUSES) == set(BEYOND_A_SCHEMA)
    for reason, values in ONLY_THE_LOADER_REFUSES.items():
        assert agree({"scenario": "x", **values}) == [reason]


def test_neither_takes_a_copied_order_from_two_places() -> None:
    values = {"scenario": "x", "given": {"orders": [{"from": "order.json", "resource": json.loads(COPIED)}]}}
    agree(values)
    assert "'from' beside 'resource'" in str(problems(values)[0])


NUMBERS = st.integers(-3, 10**6) | st.floats(-5, 200, allow_nan=False).map(lambda number: round(number, 2))
TEXTS = st.sampled_from(
    ["a", "order", "7d", "1.5", "2022-03-02T17:38:00Z", "capture", "order.created", "GET /x", "${A:-b}", "USD", "$gt"]
)
KEYS = TEXTS | st.sampled_from(sorted({key for model in models_in(Scenario) for key in fields_of(model)}))
SMALL = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.text("ab -.:${}", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_schema_and_loader_agree_on_anything_anywhere(data: st.DataObject) -> None:
    values = data.draw(st.sampled_from(RICH))
    place = data.draw(st.sampled_from(list(places(values))))
    if isinstance(place[-1], str) and data.draw(st.booleans()):
        place = (*place[:-1], data.draw(KEYS))
    agree(changed(values, place, data.draw(SMALL)))
