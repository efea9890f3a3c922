"""The document as a whole, put together from the chapters."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from inspect import getclosurevars
from typing import Any

import orjson

from drsim import __version__
from drsim.domain.account import LATEST_VERSION
from drsim.web.app import routes
from drsim.web.front import HEALTH
from drsim.web.gate import PUBLIC_KEY_MAY
from drsim.web.openapi import charges, control, events, fulfillments, orders, refunds, refusals, sources, webhooks
from drsim.web.openapi.bodies import body_schemas, with_nulls
from drsim.web.openapi.lists import parameters_of
from drsim.web.openapi.older import schemas_in
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import TEXT, Schema, listed, ref

CHAPTERS: tuple[Chapter, ...] = (
    orders.CHAPTER,
    fulfillments.CHAPTER,
    charges.CHAPTER,
    refunds.CHAPTER,
    sources.CHAPTER,
    events.CHAPTER,
    webhooks.CHAPTER,
    control.CHAPTER,
)

_CONTROL = "/_sim/"
_ABOUT = """\
A local sandbox that behaves like the Digital River fulfillment and charge backend. Paths under `/_sim` are drsim's own.

A key leads to a sandbox of its own: `sk_test_NAME`, as a bearer token or as the user name of basic authentication.
Amounts are in major units. Times are in UTC. Lists are pages, newest first: go on with the last id as `startingAfter`
while `hasMore` is true. A field that is null in a request counts as absent. Reading paths also answer `HEAD`, all of
them `OPTIONS`; a verb that a path does not have is 405. A fault in force may answer anything.
"""
_SECURITY: list[Any] = [{"secretKey": []}, {"secretKeyBasic": []}]
_PUBLIC: list[Any] = [{"publicKey": []}]

OPERATIONS: Mapping[str, Operation] = {
    route: operation for chapter in CHAPTERS for route, operation in chapter.operations.items()
}
"""Every operation that is described, by `VERB /path`."""


def served() -> dict[str, str]:
    """What each route does, by `VERB /path`, as its function's docstring says behind the route itself."""
    return {
        f"{verb} {route.path}": _words(endpoint.__doc__ or "")
        for route in routes()
        for verb, endpoint in getclosurevars(route.endpoint).nonlocals["verbs"].items()
    }


@cache
def description(version: str = LATEST_VERSION, url: str = "/") -> bytes:
    """The document, as JSON: the API in a version, as it is served at a URL."""
    return orjson.dumps(document(version, url), option=orjson.OPT_INDENT_2)


def document(version: str, url: str) -> dict[str, Any]:
    """The document."""
    examples = orjson.loads((files(__package__) / "examples.json").read_bytes()) if version == LATEST_VERSION else {}
    chapters = {route: chapter for chapter in CHAPTERS for route in chapter.operations}
    paths: dict[str, dict[str, Any]] = {}
    for route, words in served().items():
        verb, _, path = route.partition(" ")
        shown = _operation(route, OPERATIONS[route], chapters[route], words, examples.get(route, {}))
        paths.setdefault(path, {})[verb.lower()] = shown
    return {
        "openapi": "3.1.0",
        "info": {"title": f"drsim {__version__}", "version": version, "description": _ABOUT},
        "servers": [{"url": url}],
        "security": _SECURITY,
        "tags": [{"name": each.name, "description": each.about} for each in CHAPTERS],
        "paths": paths,
        "webhooks": {"event": {"post": _webhook()}},
        "components": _components(version, examples),
    }


def _words(docstring: str) -> str:
    """What a docstring says behind the route it starts with."""
    first, *more = re.sub(r"^`[^`]*`[.:;]?\s*", "", docstring.strip()).split("\n\n")
    paragraphs = [" ".join(each.split()) for each in (first, *more)]
    return "\n\n".join(f"{each[0].upper()}{each[1:]}" for each in paragraphs if each)


def _operation(route: str, it: Operation, chapter: Chapter, words: str, example: Mapping[str, Any]) -> dict[str, Any]:
    verb, _, path = route.partition(" ")
    shown: dict[str, Any] = {"operationId": it.id, "tags": [chapter.name], "summary": it.summary}
    if words:
        shown["description"] = words
    if path.startswith(_CONTROL):
        shown["security"] = [{}, *_SECURITY]
    elif PUBLIC_KEY_MAY.fullmatch(route.replace("{id}", "id")):
        shown["security"] = [*_SECURITY, *_PUBLIC]
    shown["parameters"] = _parameters(path, it)
    if it.body is not None:
        shown["requestBody"] = _request(verb, path, it, example)
    shown["responses"] = {str(it.status): _answer(it, path, example), **_refusals(path, it)}
    return shown


def _parameters(path: str, it: Operation) -> list[Any]:
    asked = [*it.parameters, *(parameters_of(it.listing) if it.listing else ())]
    header = [] if path.startswith(_CONTROL) else [{"$ref": "#/components/parameters/Version"}]
    in_path = [{"name": "id", "in": "path", "required": True, "schema": TEXT}] if "{id}" in path else []
    return [*in_path, *map(_parameter, asked), *header]


def _parameter(it: Parameter) -> dict[str, Any]:
    shown = {"name": it.name, "in": "query", "description": it.about, "schema": it.schema}
    return {**shown, "schema": listed(it.schema), "style": "form", "explode": True} if it.many else shown


def _request(verb: str, path: str, it: Operation, example: Mapping[str, Any]) -> dict[str, Any]:
    assert it.body is not None
    schema = ref(it.body.__name__)
    if it.nulls:
        schema = with_nulls(body_schemas(it.body)[it.body.__name__], it.nulls)
    content = {"schema": schema, **_example(example, "request")}
    return {"required": bool(schema_required(it)), "content": {"application/json": content}}


def schema_required(it: Operation) -> list[str]:
    """The fields that a request must have."""
    assert it.body is not None
    return list(body_schemas(it.body)[it.body.__name__].get("required", ()))


def _answer(it: Operation, path: str, example: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": "Done." if it.answer is None else "The answer."}
    if not path.startswith(_CONTROL):
        shown["headers"] = {"x-dr-requestid": {"$ref": "#/components/headers/x-dr-requestid"}}
    if it.answer is not None:
        shown["content"] = {"application/json": {"schema": it.answer, **_example(example, "response")}}
    return shown


def _example(example: Mapping[str, Any], which: str) -> dict[str, Any]:
    return {"example": example[which]} if which in example else {}


def _refusals(path: str, it: Operation) -> dict[str, Any]:
    if path == HEALTH:
        return {}
    statuses = {*refusals.EVERYWHERE, *it.refused, *([404] if "{id}" in path else [])}
    if not path.startswith(_CONTROL):
        statuses |= {406, 429}
    return {str(each): {"$ref": f"#/components/responses/{refusals.NAMES[each]}"} for each in sorted(statuses)}


def _webhook() -> dict[str, Any]:
    signed = "The seconds since 1970, then one Base64 HMAC-SHA256 of `<seconds>.<raw body>` per live secret."
    return {
        "operationId": "receiveEvent",
        "tags": [events.CHAPTER.name],
        "summary": "What drsim sends to a webhook",
        "security": [{}],
        "parameters": [
            {
                "name": "DigitalRiver-Signature",
                "in": "header",
                "description": signed,
                "required": True,
                "schema": TEXT,
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Event")}}},
        "responses": {"200": {"description": "Any 2xx within three seconds; anything else is tried again later."}},
    }


def _components(version: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schemas": dict(sorted(_schemas(version).items())),
        "responses": refusals.responses(examples),
        "headers": {
            "x-dr-requestid": {"description": "The id of this call.", "required": True, "schema": TEXT},
            "Retry-After": {
                "description": "After how many seconds to try again.",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            },
        },
        "parameters": {
            "Version": {
                "name": "DigitalRiver-Version",
                "in": "header",
                "description": "The API version to answer in; without it, that of the account.",
                "schema": {"type": "string", "enum": [version]},
            }
        },
        "securitySchemes": {
            "secretKey": {"type": "http", "scheme": "bearer", "description": "A secret or restricted key."},
            "secretKeyBasic": {"type": "http", "scheme": "basic", "description": "The same as user name, no password."},
            "publicKey": {"type": "http", "scheme": "bearer", "description": "A public key: `pk_test_NAME`."},
        },
    }


def _schemas(version: str) -> dict[str, Schema]:
    """Every schema by its name. Two of one name that differ are a bug."""
    found: dict[str, Schema] = {}
    bodies = {it.body for it in OPERATIONS.values() if it.body is not None}
    shown = [schemas_in({name: each for it in CHAPTERS for name, each in it.schemas.items()}, version)]
    for schemas in (*shown, refusals.schemas(), *(body_schemas(each) for each in bodies)):
        for name, schema in schemas.items():
            assert found.setdefault(name, schema) == schema, f"two kinds of {name}"
    return found
