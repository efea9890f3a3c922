"""The base of everything that stands in a scenario file: a mapping with known keys."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from drsim.format.mistakes import wrong
from drsim.format.problems import shown


class Part(BaseModel):
    """A mapping of a scenario file. Keys are in camel case, unknown ones are refused, values never change."""

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
