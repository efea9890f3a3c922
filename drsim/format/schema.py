"""The JSON Schema of the format's models, for editors: what each key may hold as it is written in a file."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from drsim.format.written import NULL, Schema, Written, either, listed, ref

PLACEHOLDER: Schema = {
    "description": "A text with ${NAME}, ${NAME:-default} or ${alias.id} in it.",
    "type": "string",
    "pattern": r"\$\{[^{}]*\}",
}


def schema_of(model: type[BaseModel], title: str) -> Schema:
    """The whole schema of a file that holds `model`."""
    described = _Described()
    top = described.model(model)
    definitions = dict(sorted(described.definitions.items()))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **top, "$defs": definitions}


class _Described:
    """Walks from a model through the types of its fields; keeps a definition of each model and each named type."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {"Placeholder": PLACEHOLDER}
        self.models: dict[str, type[BaseModel]] = {}

    def model(self, model: type[BaseModel]) -> Schema:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        schema: Schema = {
            "description": _first_paragraph(model),
            "type": "object",
            "properties": {key: self._field(field) for key, field in fields.items()},
            "required": [key for key, field in fields.items() if field.is_required()],
            **getattr(model, "together", {}),
        }
        if model.model_config.get("extra") == "forbid":
            schema["additionalProperties"] = False
        return {key: value for key, value in schema.items() if value != []}

    def _field(self, field: FieldInfo) -> Schema:
        schema = self._type(field.annotation, field.metadata)
        # Other defaults are not as they would be written.
        return {**schema, "default": field.default} if isinstance(field.default, str | bool) else schema

    def _type(self, annotation: Any, metadata: Any = ()) -> Schema:
        if get_origin(annotation) is Annotated:
            inner, *own = get_args(annotation)
            return self._type(inner, (*own, *metadata))
        readers = [each for each in metadata if isinstance(each, Written | BeforeValidator)]
        if not readers:
            return self._plain(annotation)
        reader = readers[-1]
        assert isinstance(reader, Written), f"{reader} does not say what may be written"
        if isinstance(reader.schema, dict):
            return self._leaf(reader, reader.schema)
        return self._leaf(reader, reader.schema(self._type(annotation, readers[:-1])))

    def _leaf(self, reader: Written, schema: Schema) -> Schema:
        schema = either(schema, ref("Placeholder")) if reader.replaced else schema
        return self._defined(reader.name, schema) if reader.name else schema

    def _plain(self, annotation: Any) -> Schema:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin in (Union, UnionType):
            return either(*(self._type(each) for each in inner))
        if origin is tuple:
            return listed(self._type(inner[0]))
        if origin is dict:
            return {
                "type": "object",
                "propertyNames": self._key(inner[0]),
                "additionalProperties": self._type(inner[1]),
            }
        if origin is Literal:
            return either({"enum": list(inner)}, ref("Placeholder"))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self._model_by_name(annotation)
        return {NoneType: NULL, str: {"type": "string"}}[annotation]

    def _key(self, annotation: Any) -> Schema:
        """Keys are never replaced, so no placeholder may stand for one."""
        readers = [each for each in get_args(annotation)[1:] if isinstance(each, Written)]
        return dict(readers[-1].schema) if readers and isinstance(readers[-1].schema, dict) else {"type": "string"}

    def _model_by_name(self, model: type[BaseModel]) -> Schema:
        name = model.__name__
        assert self.models.setdefault(name, model) is model, f"two kinds of {name}"
        if name not in self.definitions:
            self.definitions[name] = {}  # for models that hold themselves
            self.definitions[name] = self.model(model)
        return ref(name)

    def _defined(self, name: str, schema: Schema) -> Schema:
        assert self.definitions.setdefault(name, schema) == schema, f"two kinds of {name}"
        return ref(name)


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())
