"""Making problems with places and plain words of what pydantic found wrong."""

import re
from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from drsim.format.problems import MOST, Path, Problem, nearest, shown
from drsim.format.source import Document

_EXPECTED = {
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "dataclass_type": "something else",
}
"""Errors of pydantic that say nothing more than what should have been there."""


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """The problems that `model` has with the document, the first `MOST` of them, in the order in which they stand."""
    details = error.errors(include_url=False)
    misspelt = _misspelt(details, model, document.values)
    fitting = [detail for detail in details if detail["type"] != "missing" or _path(detail) not in misspelt]
    fitting.sort(key=lambda detail: document.place(_path(detail)))
    return [_problem(detail, document, model) for detail in fitting[:MOST]]


def _misspelt(details: Collection[Any], model: type[BaseModel], values: Any) -> set[Path]:
    """The required keys that are missing only because they are there with another spelling."""
    missing = {_path(detail) for detail in details if detail["type"] == "missing"}
    unknown = [_path(detail) for detail in details if detail["type"] == "extra_forbidden"] if missing else []
    return {(*path[:-1], meant) for path in unknown[:MOST] if (meant := said_key(path, model, values)[2])}


def said(detail: Any, model: type[BaseModel], values: Any = None) -> tuple[str, str, str | None]:
    """One error of pydantic as what was found, what was expected, and what was probably meant.

    `values` are what `model` was made of: where it may be of several kinds, they say which.
    """
    kind, path, context = detail["type"], _path(detail), detail.get("ctx", {})
    if kind == "drsim":
        options = context.get("options", ())
        written = context.get("written") or detail["input"]
        return context["found"], context["expected"], nearest(written, options) if isinstance(written, str) else None
    if kind == "extra_forbidden":
        return said_key(path, model, values)
    if kind == "missing":
        return f"no '{path[-1]}'", "one, since it is required", None
    return shown(detail["input"]), _EXPECTED.get(kind) or _without_jargon(detail["msg"]), None


def _problem(detail: Any, document: Document, model: type[BaseModel]) -> Problem:
    found, expected, meant = said(detail, model, document.values)
    at_key = detail["type"] == "extra_forbidden"
    return document.problem(_path(detail), found, expected, meant, at_key=at_key)


def _path(detail: Any) -> Path:
    return tuple(detail["loc"])


def said_key(path: Path, model: type[BaseModel], values: Any = None) -> tuple[str, str, str | None]:
    """A key that `model` does not have at this place, in the same words."""
    key, known = str(path[-1]), _keys(model, path[:-1], values)
    return f"the unknown key {shown(key)}", f"one of {', '.join(known)}", nearest(key, known)


def _keys(model: type[BaseModel], path: Path, values: Any) -> list[str]:
    """The keys that the mapping at `path` may have."""
    inside: list[type[BaseModel]] = [model]
    for key in path:
        values = _at(values, key)
        if isinstance(key, str) and inside:
            fields = {field.alias or name: field for name, field in inside[0].model_fields.items()}
            inside = list(_models_in(fields[key].annotation)) if key in fields else []
        elif isinstance(values, dict):
            # Of several kinds of a step, the one whose key stands there.
            inside.sort(key=lambda each: getattr(each, "kind", None) not in values)
    return [field.alias or name for name, field in inside[0].model_fields.items()] if inside else []


def _at(values: Any, key: str | int) -> Any:
    try:
        return values[key]
    except (LookupError, TypeError):
        return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type holds, through optional, list, union and annotated types."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _without_jargon(message: str) -> str:
    return re.sub(r"^(Input should be|Value should have) ", "", message)
