"""What may stand under `faults` in a scenario file: when a call or a delivery goes wrong, and how."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from drsim.domain.faults import can_be_sent
from drsim.format.fields import Duration, EventType, Flag, Text, fitting, read_flag, read_text, too_deep
from drsim.format.mistakes import Mistake, refuse, wrong
from drsim.format.numbers import Quantity, is_carried, plain, whole_number
from drsim.format.part import Part
from drsim.format.problems import shown

_CALLS = ("status", "body", "headers", "delay", "drop")
_DELIVERIES = ("delay", "drop", "duplicate", "reorder", "corruptSignature", "truncate")
_BESIDE_DROP = ("drop", "delay", "reorder")
_WITHOUT_BODY = (204, 205, 304)
_MOST_COPIES = 100

_CALL = r"\*|(GET|POST|PUT|PATCH|DELETE|HEAD|\*) (?!/_sim(/|$))[/*][^\s?#]*"
_A_CALL = "METHOD /path of an API call such as POST /fulfillments, with * for anything"


class FaultWhenModel(Part):
    """`when` of a fault: a call, or a delivery (`to` only one webhook)."""

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


class FaultThenModel(Part):
    """`then` of a fault: what goes wrong. Which of it fits a call and which a delivery is for `FaultModel` to say."""

    status: Annotated[int, whole_number(200, 599)] | None = None
    body: Annotated[Any, BeforeValidator(lambda value: None if value is None else _read_body(value))] = None
    headers: Annotated[dict[str, str], BeforeValidator(_read_headers)] | None = None
    delay: Duration | None = None
    drop: Annotated[bool | Literal["answer"], BeforeValidator(_read_drop)] | None = None
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
