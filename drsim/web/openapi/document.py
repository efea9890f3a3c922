"""The document as a whole, put together from the chapters."""

import re
from collections.abc import Mapping
from functools import cache
from inspect import getclosurevars
from pathlib import Path
from typing import Any

import orjson

from drsim import __version__
from drsim.domain.account import LATEST_VERSION
from drsim.web.app import routes
from drsim.web.front import HEALTH
from drsim.web.gate import PUBLIC_KEY_MAY
from drsim.web.openapi import (
    charges,
    checkouts,
    control,
    customers,
    events,
    files,
    fulfillments,
    inventory,
    logistics,
    orders,
    refunds,
    refusals,
    returns,
    skus,
    sources,
    webhooks,
)
from drsim.web.openapi.bodies import body_of
from drsim.web.openapi.lists import parameters_of
from drsim.web.openapi.older import schemas_in
from drsim.web.openapi.operation import JSON, Chapter, Operation, Parameter
from drsim.web.openapi.parts import TEXT, Schema, listed, ref

CHAPTERS: tuple[Chapter, ...] = (
    checkouts.CHAPTER,
    orders.CHAPTER,
    fulfillments.CHAPTER,
    charges.CHAPTER,
    refunds.CHAPTER,
    returns.CHAPTER,
    sources.CHAPTER,
    customers.CHAPTER,
    skus.CHAPTER,
    logistics.CHAPTER,
    inventory.CHAPTER,
    files.CHAPTER,
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
_ID_HEADER = {"x-dr-requestid": {"$ref": "#/components/headers/x-dr-requestid"}}
_NAME = re.compile(r"\{(\w+)\}")
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
    examples = orjson.loads(Path(__file__).with_name("examples.json").read_bytes()) if version == LATEST_VERSION else {}
    chapters = {route: chapter for chapter in CHAPTERS for route in chapter.operations}
    paths: dict[str, dict[str, Any]] = {}
    for route, words in served().items():
        if route not in OPERATIONS:
            continue  # a test says so; all other routes are described nevertheless
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
    path = route.partition(" ")[2]
    shown: dict[str, Any] = {"operationId": it.id, "tags": [chapter.name], "summary": it.summary}
    if words:
        shown["description"] = words
    shown |= _security(route, it)
    shown["parameters"] = _parameters(path, it)
    if it.body is not None or it.forms:
        shown["requestBody"] = _request(it, example)
    answer = _answer(it, path, example)
    more = {} if it.also is None else {str(it.also): _redirect(it) if it.also == 302 else answer}
    shown["responses"] = {str(it.status): answer, **more, **_refusals(path, it)}
    return shown


def _security(route: str, it: Operation) -> dict[str, Any]:
    """Who may call it, where that is not just who has a secret key."""
    if it.keyless:
        return {"security": [{}, *_SECURITY, *_PUBLIC]}
    if _CONTROL in route:
        return {"security": [{}, *_SECURITY]}
    return {"security": [*_SECURITY, *_PUBLIC]} if PUBLIC_KEY_MAY.fullmatch(_NAME.sub("1", route)) else {}


def _parameters(path: str, it: Operation) -> list[Any]:
    header = [] if path.startswith(_CONTROL) else [{"$ref": "#/components/parameters/Version"}]
    in_path = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in _NAME.findall(path)]
    shared = _shared()
    asked = [_ref_to(each) if each in shared else _parameter(each) for each in _asked(it)]
    return [*in_path, *asked, *header]


def _asked(it: Operation) -> list[Parameter]:
    return [*it.parameters, *(parameters_of(it.listing) if it.listing else ())]


@cache
def _shared() -> list[Parameter]:
    """The parameters that several routes have in common; those of one name that differ are not among them."""
    uses = [each for it in OPERATIONS.values() for each in _asked(it)]
    kinds: dict[str, list[Parameter]] = {}
    for each in uses:
        kinds.setdefault(each.name, []).append(each)
    return [each[0] for each in kinds.values() if len(each) > 1 and each.count(each[0]) == len(each)]


def _ref_to(it: Parameter) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{_key(it)}"}


def _key(it: Parameter) -> str:
    """A name that components can have."""
    return it.name.replace("[", ".").replace("]", "")


def _parameter(it: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": it.name, "in": "query", "description": it.about, "schema": it.schema}
    if it.required:
        shown["required"] = True
    return {**shown, "schema": listed(it.schema), "style": "form", "explode": True} if it.many else shown


def _request(it: Operation, example: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    required = bool(it.forms)
    if it.body is not None:
        required = bool(body_of(it)[it.body.__name__].get("required"))
        content[JSON] = {"schema": ref(it.body.__name__), **_example(example, "request")}
    content |= {media: {"schema": schema} for media, schema in it.forms.items()}
    return {"required": required, "content": content}


def _answer(it: Operation, path: str, example: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": "Done." if it.answer is None else "The answer."}
    if not path.startswith(_CONTROL):
        shown["headers"] = dict(_ID_HEADER)
    if it.answer is not None:
        shown["content"] = {media: {"schema": it.answer, **_example(example, "response")} for media in it.media}
    return shown


def _redirect(it: Operation) -> dict[str, Any]:
    location = {"Location": {"description": "Where to go on.", "required": True, "schema": TEXT}}
    return {"description": "It goes on elsewhere.", "headers": {**_ID_HEADER, **location}}


def _example(example: Mapping[str, Any], which: str) -> dict[str, Any]:
    return {"example": example[which]} if which in example else {}


def _refusals(path: str, it: Operation) -> dict[str, Any]:
    if path == HEALTH:
        return {}
    statuses = {*refusals.EVERYWHERE, *it.refused, *([404] if "{" in path else [])}
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
            **{_key(each): _parameter(each) for each in _shared()},
            "Version": {
                "name": "DigitalRiver-Version",
                "in": "header",
                "description": "The API version to answer in; without it, that of the account.",
                "schema": {"type": "string", "enum": [version]},
            },
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
    shown = [schemas_in({name: each for it in CHAPTERS for name, each in it.schemas.items()}, version)]
    read = [body_of(it) for it in OPERATIONS.values() if it.body is not None]
    for schemas in (*shown, refusals.schemas(), *read):
        for name, schema in schemas.items():
            assert found.setdefault(name, schema) == schema, f"two kinds of {name}"
    return found
