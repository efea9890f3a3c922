"""How one route is described, and a chapter: the routes and schemas of one resource."""

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from drsim.domain.values import value
from drsim.web.lists import Listing
from drsim.web.openapi.parts import TEXT, Schema

if TYPE_CHECKING:
    from pydantic import BaseModel

JSON = "application/json"


@value
class Parameter:
    """A parameter of the query string. `many` may be repeated, or joined by commas."""

    name: str
    about: str
    schema: Schema = field(default_factory=lambda: TEXT)
    many: bool = False
    required: bool = False


@value
class Operation:
    """What a route takes and answers; what it does in words is its function's docstring.

    `id` is what generated clients call it. `answer` is the schema of its body with this `status`, and with `also`;
    none where there is nothing to be read. `media` are the types it may have. `refused` are statuses beside those that
    every route may answer, and 404 where the path names something.
    """

    id: str
    summary: str
    answer: Schema | None
    status: int = 200
    also: int | None = None
    media: tuple[str, ...] = (JSON,)
    body: "type[BaseModel] | None" = None
    """The model that reads the request."""
    nulls: tuple[str, ...] = ()
    """Fields of it in which null does not mean absent."""
    parts: "Mapping[str, type[BaseModel]]" = field(default_factory=dict)
    """Fields beside those of the model, which are read by models of their own."""
    forms: Mapping[str, Schema] = field(default_factory=dict)
    """Other types that a request may have, and what it then holds."""
    listing: Listing | None = None
    parameters: tuple[Parameter, ...] = ()
    refused: tuple[int, ...] = ()
    keyless: bool = False
    """Whether no key is needed."""


@value
class Chapter:
    """One resource: its name as the tag of its operations, its schemas by name, its operations by `VERB /path`."""

    name: str
    about: str
    schemas: Mapping[str, Schema]
    operations: Mapping[str, Operation]
