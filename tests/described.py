"""Holds what a server answers, and what it has taken, against the description of the API.

The clients of the harness do this with every answer that any test gets. Answers that a fault may have made up are let
pass: a sandbox that was given one is not looked at any more.
"""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import orjson

from drsim.domain.account import LATEST_VERSION, VERSIONS

JSON = dict[str, Any]

JSON_TYPE = "application/json"

_faulty: set[tuple[str, str]] = set()


def hold(response: httpx.Response) -> None:
    """Raises `AssertionError` when a call or its answer is not as described."""
    request = response.request
    sandbox = (str(request.url.netloc), request.headers.get("authorization", "").partition(".")[0])
    if request.url.path in ("/_sim/faults", "/_sim/scenario") and b"fault" in request.url.raw_path + _sent(request):
        _faulty.add(sandbox)
    if sandbox in _faulty:
        return
    response.read()
    versions = _versions(request)
    problem = _problem(response, versions[0])
    # The first one is nearly always it: to describe and compile the others costs more than the test itself.
    assert problem is None or any(_problem(response, each) is None for each in versions[1:]), problem


def _versions(request: httpx.Request) -> tuple[str, ...]:
    """The versions that the answer may be in: that of the header, or else of the account, which can be any."""
    asked = request.headers.get("digitalriver-version", "")
    if request.url.path.startswith("/_sim") or asked in VERSIONS:
        return (asked if asked in VERSIONS and not request.url.path.startswith("/_sim") else LATEST_VERSION,)
    return (LATEST_VERSION, *VERSIONS[:-1])


def _problem(response: httpx.Response, version: str) -> str | None:
    """What of a call or its answer is not as described, in one line."""
    request, status = response.request, str(response.status_code)
    route = route_of(request.method, request.url.raw_path.partition(b"?")[0].decode())
    if route is None:
        return _misfit(response, {"$ref": "#/components/schemas/NotFound"}, version) if status == "404" else None
    operation = operation_of(route, version)
    if status not in operation["responses"]:
        return f"{route} answers {status}, which is not described: {response.text[:300]}"
    described = resolved(operation["responses"][status], version)
    for name, header in described.get("headers", {}).items():
        if resolved(header, version)["required"] and name not in response.headers:
            return f"{route} answers {status} without {name}"
    content = described.get("content", {})
    media = response.headers.get("content-type", "").partition(";")[0]
    if request.method == "HEAD" or not content:
        return None if not response.content else f"{route} answers {status} with a body"
    if media not in content:
        return f"{route} answers {status} as {media}"
    if media != JSON_TYPE:
        return None
    misfit = _misfit(response, content[JSON_TYPE]["schema"], version)
    if misfit is not None:
        return f"{route} answers {status} {misfit}"
    sent = request.headers.get("content-type", "").partition(";")[0]
    taken = operation.get("requestBody", {}).get("content", {})
    if not response.is_success or JSON_TYPE not in taken or sent in taken.keys() - {JSON_TYPE}:
        return None
    return taken_as_described(route, _sent(request), version)


def taken_as_described(route: str, sent: bytes, version: str = LATEST_VERSION) -> str | None:
    """What of a body that was taken is not as described, read with the patience that clients are told of."""
    if route == "POST /_sim/scenario":
        return None  # may be YAML, and have placeholders in it
    schema = operation_of(route, version)["requestBody"]["content"]["application/json"]["schema"]
    body = _without_nothing(json.loads(sent or b"{}"))
    error = first_error(validator(orjson.dumps(schema), version, patient=True), body)
    return error and f"{route} takes {error.instance_path}: {error.message[:300]}"


def _misfit(response: httpx.Response, schema: JSON, version: str) -> str | None:
    value = orjson.loads(response.content)
    error = first_error(validator(orjson.dumps(schema), version), value)
    return error and f"with {error.instance_path}: {error.message[-300:]}"


def first_error(validator: Any, value: Any) -> Any:
    """What is wrong first, if anything; to say what takes a hundred times as long as to see that nothing is."""
    return None if validator.is_valid(value) else next(validator.iter_errors(value))


@cache
def document(version: str = LATEST_VERSION) -> JSON:
    """The description of the API in a version."""
    from drsim.web.openapi import description

    found: JSON = orjson.loads(description(version))
    return found


@cache
def validator(schema: bytes, version: str = LATEST_VERSION, *, patient: bool = False) -> Any:
    """What checks values against a schema; a `patient` one takes texts for numbers and the other way round."""
    whole = orjson.loads(schema.replace(b'"#/components/', b'"urn:description#/components/'))
    return jsonschema_rs.Draft202012Validator(
        _patient(whole) if patient else whole,
        validate_formats=not patient,
        registry=_registry(version, patient=patient),
    )


@cache
def _registry(version: str, *, patient: bool) -> Any:
    """The schemas that others point to."""
    schemas = {"components": {"schemas": document(version)["components"]["schemas"]}}
    return jsonschema_rs.Registry([("urn:description", _patient(schemas) if patient else schemas)])


def operation_of(route: str, version: str = LATEST_VERSION) -> JSON:
    """What is said of `VERB /path`."""
    verb, _, path = route.partition(" ")
    found: JSON = document(version)["paths"][path][verb.lower()]
    return found


def resolved(part: JSON, version: str = LATEST_VERSION) -> JSON:
    """A part of the document, or what it points to."""
    if "$ref" not in part:
        return part
    found: JSON = document(version)
    for key in part["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


@cache
def route_of(method: str, path: str) -> str | None:
    """The described route that a call goes to."""
    verb = "GET" if method == "HEAD" else method
    return next((f"{verb} {template}" for template, form in _forms(verb) if form.fullmatch(path)), None)


@cache
def _forms(verb: str) -> list[tuple[str, re.Pattern[str]]]:
    return [
        (template, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))))
        for template, operations in document()["paths"].items()
        if verb.lower() in operations
    ]


def _sent(request: httpx.Request) -> bytes:
    try:
        return request.content
    except httpx.RequestNotRead:
        return b""


_WIDER = {
    "string": ["string", "number", "boolean"],
    "integer": ["integer", "string"],
    "number": ["number", "string"],
    "boolean": ["boolean", "string", "integer"],
}


def _patient(part: Any) -> Any:
    if isinstance(part, list):
        return [_patient(each) for each in part]
    if not isinstance(part, dict):
        return part
    wider = {key: _patient(each) for key, each in part.items() if key not in ("minimum", "minLength", "pattern")}
    if isinstance(kind := part.get("type"), str):
        wider["type"] = _WIDER.get(kind, kind)
    return wider


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each not in (None, "")}
    return [_without_nothing(each) for each in value] if isinstance(value, list) else value
