"""The base of everything that stands in a scenario file: a mapping with known keys."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from drsim.format.mistakes import wrong
from drsim.format.problems import shown
from drsim.format.written import Schema


class Part(BaseModel):
    """A mapping of a scenario file. Keys are in camel case, unknown ones are refused, values never change."""

    together: ClassVar[Schema] = {}
    """What JSON Schema can say of how the keys fit together; the model's validators say all of it."""

    # Building the validators is put off to their first use: a server that reads no scenario never pays for them.
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, defer_build=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: Any) -> Any:
        if isinstance(value, dict | cls):
            return value
        raise wrong(shown(value), "a mapping")
