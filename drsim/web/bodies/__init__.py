"""Request bodies: reading them, and turning what does not fit into refusals; their models stand beside this.

Order of the checks: the text is JSON, then unknown fields, then missing ones, then wrong ones; the first that is found
is answered (platform page, 3.3 and U-27). An explicit null counts as absent (real clients send them).
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from drsim.domain import refusal
from drsim.domain.refusal import Refused
from drsim.web.bodies.fields import short

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST = 1 << 20
"""No request body may have more bytes than this."""

DEEPEST = 64
"""No request body may be nested deeper than this."""

M = TypeVar("M", bound=BaseModel)

_SECRET = {"authentication", "oauth", "creditCard", "googlePay", "applePay"}
"""Parts of a body that are never shown again, not even wrong ones: they hold passwords and card numbers."""


async def text_of(request: Request, longest: int = LONGEST) -> bytes:
    """The whole body. Raises `Refused` for one that is too long; it is then not read to its end."""
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > longest:
            raise Refused("bad_request", "invalid_format", f"The request body is larger than {longest} bytes.")
        chunks.append(chunk)
    body = b"".join(chunks)
    request.scope["drsim.body"] = body
    return body


async def json_of(request: Request, longest: int = LONGEST) -> dict[str, Any]:
    """The body as a JSON object; no body at all is an empty one.

    Raises `Refused` for what is not JSON, not an object, or not said to be JSON.
    """
    body = await text_of(request, longest)
    if not body.strip():
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise malformed()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed() from error
    if not isinstance(value, dict):
        raise malformed()
    return value


async def read(request: Request, model: type[M]) -> M:
    """The body as `model`. Raises `Refused` for everything that does not fit."""
    return fitted(model, await json_of(request))


def fitted(model: type[M], value: Mapping[str, Any], *, nulls: bool = False, place: str | None = None) -> M:
    """A JSON object as `model`, which can deal with `nulls` by itself or gets none. Raises `Refused`.

    `place` is where in the body it stands, if it is not all of it.
    """
    slim = _without_nulls(value, DEEPEST)  # also refuses what is nested too deep
    try:
        return model.model_validate(value if nulls else slim)
    except ValidationError as error:
        # A card number that is wrong must not be among what a traceback shows.
        raise explained(error, place) from (error if place is None else None)


def malformed() -> Refused:
    """The body is not a JSON object."""
    return Refused("bad_request", "invalid_format", "The format of your request is invalid.")


def explained(error: ValidationError, place: str | None = None) -> Refused:
    """The first problem of a body, unknown fields before missing ones before wrong values."""
    problems = error.errors(include_url=False)
    if place is not None:
        problems = [{**problem, "loc": (place, *problem["loc"])} for problem in problems]
    return _refusal(min(enumerate(problems), key=lambda numbered: (_rank(numbered[1]), numbered[0]))[1])


def _rank(problem: "ErrorDetails") -> int:
    return {"extra_forbidden": 0, "missing": 1, "missing_parameter": 1}.get(problem["type"], 2)


def _refusal(problem: "ErrorDetails") -> Refused:
    path, kind = dotted(problem["loc"]), problem["type"]
    if kind == "extra_forbidden":
        return refusal.unknown(path, str(problem["loc"][-1]))
    if kind in ("missing", "missing_parameter"):
        return refusal.missing(path)
    name = next((str(part) for part in reversed(problem["loc"]) if isinstance(part, str)), "body")
    value = "…" if _SECRET & set(problem["loc"]) else short(problem["input"])
    if kind.startswith("int_"):
        return Refused("bad_request", "invalid_integer", f"'{value}' is not a valid integer.", path)
    if kind.startswith("bool_"):
        return Refused("bad_request", "invalid_boolean", f"'{value}' is not a valid boolean.", path)
    if kind.startswith("invalid_"):
        return Refused("bad_request", kind, problem["msg"], path)
    if kind == "drsim":
        return Refused("bad_request", "invalid_parameter", problem["msg"], path)
    return refusal.invalid(path, value, name)


def dotted(location: tuple[int | str, ...]) -> str:
    """A place in a body as the API writes it: `items[0].quantity`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _without_nulls(value: Any, levels: int) -> Any:
    if not levels:
        raise malformed()
    if isinstance(value, dict):
        return {key: _without_nulls(each, levels - 1) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each, levels - 1) for each in value]
    return value


def sent(model: BaseModel, *names: str) -> dict[str, Any]:
    """The fields among `names` that were sent, under their own names."""
    return {name: value for name in names if (value := getattr(model, name)) is not None}


def changes(model: BaseModel) -> dict[str, Any]:
    """The fields that were sent, under the names of the domain; parts of the body as they were sent."""
    return {
        _UPPER.sub(r"_\1", name).lower(): each.model_dump(exclude_none=True) if isinstance(each, BaseModel) else each
        for name, each in model
        if each is not None
    }


_UPPER = re.compile(r"([A-Z])")
