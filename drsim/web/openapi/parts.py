"""What schemas are made of: JSON Schema values as plain mappings, with the few kinds of values that resources show."""

from collections.abc import Iterable, Mapping
from typing import Any

from drsim.web.bodies.fields import INSTANT

Schema = dict[str, Any]

ID: Schema = {"type": "string", "minLength": 1}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MONEY: Schema = {"type": "number", "minimum": 0, "description": "In major units of the currency."}
TIME: Schema = {"type": "string", "format": "date-time"}
FREE: Schema = {"type": "object", "additionalProperties": True}
METADATA: Schema = {**FREE, "description": "What the client has put there."}
TEST_MODE: Schema = {"type": "boolean", "const": False}


def instant() -> Schema:
    """A time that is asked for: nothing but UTC is taken, so a client must not make another form of it."""
    return {"type": "string", "pattern": INSTANT, "examples": ["2022-07-01T17:55:58Z"]}


def ref(name: str) -> Schema:
    """The schema of this name among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(about: str, fields: Mapping[str, Schema], *, more: Schema | None = None) -> Schema:
    """A mapping with exactly these keys, in the order in which they are shown; `?` marks those that may be absent.

    `more` is what other keys may hold, where somebody else than drsim decides what there is.
    """
    return {
        "type": "object",
        "description": about,
        "properties": {name.removesuffix("?"): schema for name, schema in fields.items()},
        "required": [name for name in fields if not name.endswith("?")],
        "additionalProperties": False if more is None else more,
    }


def listed(schema: Schema) -> Schema:
    """A list of such."""
    return {"type": "array", "items": schema}


def page_of(name: str) -> Schema:
    """One page of a list, in the list envelope."""
    return record("One page, newest first.", {"hasMore": FLAG, "data": listed(ref(name))})


def data_of(schema: Schema) -> Schema:
    """A whole list of the control plane."""
    return record("All of them.", {"data": listed(schema)})


def one_of(words: Iterable[str]) -> Schema:
    """One of these words; the states of a lifecycle are the keys of its table."""
    return {"type": "string", "enum": list(words)}


def times_of(words: Iterable[str]) -> Schema:
    """When each state was reached."""
    return {
        "type": "object",
        "description": "When each state was reached.",
        "propertyNames": one_of(words),
        "additionalProperties": TIME,
    }


def either(*schemas: Schema) -> Schema:
    """What fits any of these."""
    return {"anyOf": list(schemas)}
