"""Steps that make something happen through the API: `call` and `create`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, model_validator

from drsim.domain.matching import ABSENT, differences
from drsim.format.fields import Flag, Text
from drsim.format.mistakes import wrong
from drsim.format.orders import OrderModel
from drsim.format.part import Part
from drsim.format.written import Schema
from drsim.scenario.client import Answer
from drsim.scenario.failure import Failed, shown, shown_differences
from drsim.scenario.play import Play
from drsim.scenario.steps.base import CallName, HeaderText, Json, Pattern, Save, Step, save

_LONGEST_BODY = 2_000


class ExpectedAnswer(Part):
    """`expect` of a call; without `status` any 2xx. `dropped` expects the connection to be closed without an answer."""

    status: Pattern = None
    headers: dict[Text, Pattern] = Field(default_factory=dict)
    body: Pattern = None
    dropped: Flag = False

    def pattern(self) -> dict[str, Any]:
        """All of it as one pattern."""
        pattern = {} if self.status is None else {"status": self.status}
        if self.headers:
            pattern["headers"] = {name.lower(): each for name, each in self.headers.items()}
        if "body" in self.model_fields_set:
            pattern["body"] = self.body
        return pattern


class Call(Step):
    """`call`: sends a request as the integration would. `body` is sent as JSON, `raw` as the text it is."""

    together: ClassVar[Schema] = {"not": {"required": ["body", "raw"], "properties": {"raw": {"type": "string"}}}}

    kind: ClassVar[str] = "call"

    call: CallName
    query: dict[Text, Json] = Field(default_factory=dict)
    headers: dict[Text, HeaderText] = Field(default_factory=dict)
    body: Json = None
    raw: str | None = None
    expect: ExpectedAnswer = Field(default_factory=lambda: ExpectedAnswer.model_validate({}))
    save: Save

    @model_validator(mode="after")
    def _has_one_body(self) -> "Call":
        if self.raw is not None and "body" in self.model_fields_set:
            raise wrong("both 'body' and 'raw'", "one of them")
        return self

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Makes the call and compares the answer."""
        method, path = self.call.split(" ", 1)
        query = [(name, _as_text(each)) for name, given in self.query.items() for each in _each(given)]
        answer = await play.call(method, path, query, self.headers, self._sent())
        if answer is None or self.expect.dropped:
            return _dropped(answer, self.expect.dropped)
        seen = {
            "status": answer.status,
            "headers": {name.lower(): text for name, text in answer.headers.items()},
            "body": ABSENT if answer.body == "" else answer.body,
        }
        refused = answer.status >= 300 and self.expect.status is None
        differing = differences(self.expect.pattern(), seen)
        if refused or differing:
            details = shown_differences(differing)
            if answer.status >= 400:
                details.append(f"  the body was {shown(answer.body, _LONGEST_BODY)}")
            expected = "any 2xx was expected:" if refused else "not as expected:"
            raise Failed(f"{self.call} was answered {answer.status}, and {expected}", details)
        save(play, self.save, answer.body)
        return str(answer.status)

    def _sent(self) -> bytes | None:
        if self.raw is not None:
            return self.raw.encode()
        return orjson.dumps(self.body) if "body" in self.model_fields_set else None


class Create(Step):
    """`create: order`: makes an order now, so that its events go out now. `with` is as in `given.orders[]`."""

    kind: ClassVar[str] = "create"

    create: Literal["order"]
    with_: OrderModel = Field(alias="with")
    save: Save

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Makes the order and learns its aliases."""
        order = await play.control("POST", "/orders", written["with"])
        await play.settle()
        if self.with_.alias:
            play.learn(self.with_.alias, order)
        for model, item in zip(self.with_.items, order["items"], strict=False):
            if model.alias:
                play.learn(model.alias, item)
        save(play, self.save, order)
        return f"order {order['id']}, {order['state']}"


def _each(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _dropped(answer: Answer | None, expected: bool) -> str:
    if answer is None and expected:
        return "closed without an answer"
    if answer is None:
        raise Failed("The connection was closed without an answer.")
    raise Failed(f"The call was answered {answer.status}; a connection closed without an answer was expected.")
