"""How a value may be written: the reader that pydantic runs, and beside it the same in the words of JSON Schema.

What a schema cannot know is left to the reader: what names stand for, what fits together, what a currency allows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}


@dataclass(frozen=True, eq=False)
class Written:
    """Reads a value before anything else sees it; `schema` is what may be written, a name makes it a definition.

    A function makes the schema of the one that the type behind the reader has. Where `replaced`, a text with a
    placeholder may stand instead, since the reader sees what it stands for.
    """

    read: Callable[[Any], Any]
    schema: Schema | Callable[[Schema], Schema]
    name: str | None = None
    replaced: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))


def either(*schemas: Schema) -> Schema:
    """What fits any of these."""
    flat = [each for schema in schemas for each in (schema["anyOf"] if set(schema) == {"anyOf"} else [schema])]
    return {"anyOf": [each for index, each in enumerate(flat) if each not in flat[:index]]}


def ref(name: str) -> Schema:
    """What is defined under this name."""
    return {"$ref": f"#/$defs/{name}"}


def listed(schema: Schema) -> Schema:
    """A list of such."""
    return {"type": "array", "items": schema}


def text(pattern: str, description: str) -> Schema:
    """A text that fits a regular expression as a whole."""
    return {"description": description, "type": "string", "pattern": f"^(?:{pattern})$"}


def given(key: str) -> Schema:
    """A mapping in which something stands under this key."""
    return {"required": [key], "properties": {key: {"not": NULL}}}
