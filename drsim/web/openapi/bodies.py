"""Schemas of request bodies, made from the models that read them: what clients are to send.

A reader that forgives more than its schema says (numbers as texts, `"2"` as a count, null as absent) is described by
what it means: that is what the vendor takes, too.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from drsim.format.part import Part
from drsim.format.schema import schema_of
from drsim.web.openapi.operation import Operation
from drsim.web.openapi.parts import FLAG, Schema, either, ref

_REF = "#/components/schemas/{model}"


class _Described(GenerateJsonSchema):
    """pydantic's schemas without what says nothing: titles of fields, null as another word for absent."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") in (None, (), 0):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        bounds = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
        limits = {ours: float(schema[theirs]) for theirs, ours in bounds.items() if theirs in schema}  # type: ignore[literal-required]
        return {"type": "number", **limits}


def body_schemas(model: type[BaseModel]) -> dict[str, Schema]:
    """The schemas of a model and of all models in it, by name."""
    if issubclass(model, Part):
        return _of_format(model)
    schema = model.model_json_schema(ref_template=_REF, schema_generator=_Described)
    return {**schema.pop("$defs", {}), model.__name__: schema}


def body_of(it: Operation) -> dict[str, Schema]:
    """The schemas of what an operation reads: with the fields that are read by themselves, and its nulls."""
    assert it.body is not None
    found = body_schemas(it.body)
    schema = found[it.body.__name__]
    fields = dict(schema.get("properties", {}))
    for name, model in it.parts.items():
        found |= body_schemas(model)
        fields[name] = ref(model.__name__)
    fields |= {name: either(fields[name], {"type": "null"}) for name in it.nulls}
    return {**found, it.body.__name__: {**schema, "properties": fields}}


def _of_format(model: type[BaseModel]) -> dict[str, Schema]:
    """The same for models of scenario files, which describe themselves; nothing stands for a value in a body."""
    schema = schema_of(model, model.__name__)
    definitions = {**schema.pop("$defs"), model.__name__: schema}
    del definitions["Placeholder"]
    definitions["Flag"] = FLAG
    del schema["$schema"], schema["title"]
    return {name: _as_component(each) for name, each in definitions.items()}


def _as_component(part: Any) -> Any:
    if isinstance(part, list):
        return [_as_component(each) for each in part if each != {"$ref": "#/$defs/Placeholder"}]
    if not isinstance(part, dict):
        return part
    moved = {
        key: each.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _as_component(each)
        for key, each in part.items()
    }
    return moved["anyOf"][0] if set(moved) == {"anyOf"} and len(moved["anyOf"]) == 1 else moved
