"""What may stand under `faults` in a scenario file: when a call or a delivery goes wrong, and how."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from drsim.domain.faults import OF_THE_CONNECTION, can_be_sent
from drsim.format.fields import LONGEST_TEXT, Duration, EventType, Flag, Text, fitting, read_flag, read_text, too_deep
from drsim.format.mistakes import Mistake, refuse, wrong
from drsim.format.numbers import Quantity, is_carried, plain, whole_number
from drsim.format.part import Part
from drsim.format.problems import shown
from drsim.format.written import NULL, Schema, Written, either, given, ref

_CALLS = ("status", "body", "headers", "delay", "drop")
_DELIVERIES = ("delay", "drop", "duplicate", "reorder", "corruptSignature", "truncate")
_BESIDE_DROP = ("drop", "delay", "reorder")
_NOTHING: tuple[Any, ...] = (None, False, "false", 0, {})
_WITHOUT_BODY = (204, 205, 304)
_MOST_COPIES = 100

_CALL = r"\*|(GET|POST|PUT|PATCH|DELETE|HEAD|\*) (?!/_sim(/|$))[/*][^\s?#]*"
_A_CALL = "METHOD /path of an API call such as POST /fulfillments, with * for anything"


class FaultWhenModel(Part):
    """`when` of a fault: a call, or a delivery (`to` only one webhook)."""

    together: ClassVar[Schema] = {
        "oneOf": [given("call"), given("delivery")],
        "if": given("call"),
        "then": {"properties": {"to": NULL}},
    }

    call: Annotated[str, fitting(_CALL, _A_CALL)] | None = None
    delivery: EventType | None = None
    to: Text | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "FaultWhenModel":
        mistakes: list[Mistake] = []
        if (self.call is None) == (self.delivery is None):
            found = "neither 'call' nor 'delivery'" if self.call is None else "'call' and 'delivery'"
            mistakes.append(((), found, "one of the two"))
        elif self.to is not None and self.delivery is None:
            mistakes.append((("to",), "'to' with 'call'", "it only with 'delivery'"))
        refuse(mistakes)
        return self


def _read_drop(value: Any) -> bool | str:
    if value == "answer":
        return "answer"
    if isinstance(value, bool) or value in ("true", "false"):
        return read_flag(value)
    raise wrong(shown(value), "true, or answer")


def _read_body(value: Any) -> Any:
    if not isinstance(value, str | dict | list):
        raise wrong(shown(value), "text, a mapping or a list")
    if too_deep(value):
        raise wrong("more than 40 levels", "fewer")
    if odd := next((each for each in _leaves(value) if not _is_plain(each)), None):
        raise wrong(shown(odd), "values that JSON can carry")
    return plain(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str) or is_carried(value)


def _read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise wrong(shown(value), "a mapping")
    mistakes: list[Mistake] = []
    for name, text in value.items():
        written = isinstance(text, str | int) and not isinstance(text, bool)
        if not written or not can_be_sent(name, str(text)):
            found = shown(f"{name}: {text}") if written else shown(text)
            mistakes.append(((name,), found, "a header that an answer can have, and its text"))
    refuse(mistakes)
    return {name: read_text(text) for name, text in value.items()}


def _any_case(word: str) -> str:
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in word)


_BODY = {"type": ["string", "object", "array", "null"], "items": ref("Json"), "additionalProperties": ref("Json")}
_OTHER_NAMES = f"(?!(?:{'|'.join(map(_any_case, OF_THE_CONNECTION))})$)"
_HEADERS = {
    "type": "object",
    "propertyNames": {"pattern": rf"^{_OTHER_NAMES}[!#$%&'*+.^_`|~0-9A-Za-z-]{{1,100}}$"},
    "additionalProperties": {
        "type": ["string", "integer"],
        "pattern": r"^(?=.*\S)[\t\x20-\x7e\x80-\xff]*$",
        "maxLength": LONGEST_TEXT,
    },
}
_DROP = {"enum": [True, False, "true", "false", "answer"]}
_OFF = either({"enum": [False, "false"]}, NULL, ref("Placeholder"))
_NO_HEADERS: Schema = {"enum": [None, {}]}


class FaultThenModel(Part):
    """`then` of a fault: what goes wrong. Which of it fits a call and which a delivery is for `FaultModel` to say."""

    together: ClassVar[Schema] = {
        "anyOf": [
            {"required": [key], "properties": {key: {"not": {"enum": [None] if key == "body" else _NOTHING}}}}
            for key in dict.fromkeys((*_CALLS, *_DELIVERIES))
        ],
        "allOf": [
            {
                "if": {"required": ["drop"], "properties": {"drop": {"enum": [True, "true", "answer"]}}},
                "then": {
                    "properties": {
                        **dict.fromkeys(("status", "body", "duplicate"), NULL),
                        **dict.fromkeys(("corruptSignature", "truncate"), _OFF),
                        "headers": _NO_HEADERS,
                    }
                },
            },
            {
                "if": given("body"),
                "then": {
                    "required": ["status"],
                    "properties": {"status": {"not": {"enum": [None, *_WITHOUT_BODY, *map(str, _WITHOUT_BODY)]}}},
                },
            },
        ],
    }

    status: Annotated[int, whole_number(200, 599)] | None = None
    body: Annotated[Any, Written(lambda value: None if value is None else _read_body(value), _BODY)] = None
    headers: Annotated[dict[str, str], Written(_read_headers, _HEADERS, replaced=False)] | None = None
    delay: Duration | None = None
    drop: Annotated[bool | Literal["answer"], Written(_read_drop, _DROP)] | None = None
    duplicate: Annotated[int, whole_number(1, _MOST_COPIES)] | None = None
    reorder: Flag | None = None
    corrupt_signature: Flag | None = None
    truncate: Flag | None = None

    def effects(self) -> dict[str, Any]:
        """What it does, under the keys of the file; what is off, zero or empty does nothing."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        return {key: each for key, each in given.items() if each not in (False, 0, {}) or key == "body"}


class FaultModel(Part):
    """One fault. `times` uses it up, with `every` it passes over all but each so manieth occasion."""

    together: ClassVar[Schema] = {
        "allOf": [
            {
                "if": {"properties": {"when": given("call")}},
                "then": {
                    "properties": {
                        "then": {
                            "properties": {
                                "duplicate": NULL,
                                **dict.fromkeys(("reorder", "corruptSignature", "truncate"), _OFF),
                            }
                        }
                    }
                },
            },
            {
                "if": {"properties": {"when": given("delivery")}},
                "then": {
                    "properties": {
                        "then": {
                            "properties": {
                                **dict.fromkeys(("status", "body"), NULL),
                                "headers": _NO_HEADERS,
                                "drop": {"not": {"const": "answer"}},
                            }
                        }
                    }
                },
            },
        ]
    }

    when: FaultWhenModel
    then: FaultThenModel
    times: Quantity | None = None
    every: Quantity | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "FaultModel":
        effects = self.then.effects()
        calls = self.when.call is not None
        usable = _CALLS if calls else _DELIVERIES
        mistakes = list(_quarrels({key: effects[key] for key in usable if key in effects}, calls))
        for key in effects:
            if key not in usable:
                found, fitting = ("call", "delivery") if calls else ("delivery", "call")
                mistakes.append((("then", key), f"'{key}' for a {found}", f"it only for a {fitting}"))
        if not effects:
            mistakes.append((("then",), "nothing that goes wrong", f"at least one of {', '.join(usable)}"))
        refuse(mistakes)
        return self


def _quarrels(effects: dict[str, Any], calls: bool) -> Iterator[Mistake]:
    """Effects that make no sense beside each other."""
    drop, status = effects.get("drop"), effects.get("status")
    if drop == "answer" and not calls:
        yield ("then", "drop"), "'answer' for a delivery", "true"
    for key in effects if drop else ():
        if key not in _BESIDE_DROP:
            yield ("then", key), f"'{key}' with 'drop'", "only one of them"
    if "body" in effects and status is None:
        yield ("then", "body"), "'body' without 'status'", "both"
    if "body" in effects and status in _WITHOUT_BODY:
        yield ("then", "body"), f"'body' with {status}", "an answer that can have one"
