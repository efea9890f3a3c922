"""What all steps have in common, and how the values in them are read."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from drsim.domain.matching import check
from drsim.format.fields import LONGEST_TEXT, Alias, Text, fitting, read_text, too_deep
from drsim.format.mistakes import wrong
from drsim.format.numbers import CARRIED, is_carried, plain
from drsim.format.part import Part
from drsim.format.patterns import pattern_schema
from drsim.format.problems import shown
from drsim.format.substitute import Unresolved, look_up
from drsim.format.written import Written, ref, text
from drsim.scenario.failure import Failed
from drsim.scenario.play import Play


class Step(Part):
    """One step. `kind` is the key that makes it one of its kind; `name` is for people."""

    kind: ClassVar[str]

    name: Text | None = None

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Does it and says in a few words what was seen; `written` are its values as JSON. Raises `Failed`."""
        raise NotImplementedError


def _read_json(value: Any) -> Any:
    if too_deep(value):
        raise wrong("more than 40 levels", "fewer")
    _refuse_odd_numbers(value)
    return plain(value)


def _refuse_odd_numbers(value: Any) -> None:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_odd_numbers(each)
    if not isinstance(value, dict | list | str | None) and not is_carried(value):
        raise wrong(shown(value), "a number below 10^15")


def _read_pattern(value: Any) -> Any:
    pattern = _read_json(value)
    if said := check(pattern):
        raise wrong(f"an unusable pattern ({said})", "one that can be matched")
    return pattern


def _read_header(value: Any) -> str:
    header = value if value == "" else read_text(value)
    if not header.isprintable():
        raise wrong("a control character", "text")
    return str(header)


_PATH = r"\.|\.?[A-Za-z_$][A-Za-z0-9_$-]*((\.[A-Za-z_$][A-Za-z0-9_$-]*)|\[[0-9]{1,6}\])*"


def _read_path(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(_PATH, value):
        return value
    raise wrong(shown(value), "a path such as id, items[0].id, or . for the whole")


_JSON = {"description": "Any value.", **CARRIED, "items": ref("Json"), "additionalProperties": ref("Json")}
_HEADER = {"type": ["string", "integer"], "pattern": r"^$|^(?=.*\S)[^\x00-\x1f\x7f]*$", "maxLength": LONGEST_TEXT}
_SAVED = text(_PATH, "A path such as id, items[0].id, or . for the whole.")

Json = Annotated[Any, Written(_read_json, _JSON, "Json", replaced=False)]
Pattern = Annotated[Any, Written(_read_pattern, pattern_schema("Pattern"), "Pattern", replaced=False)]
HeaderText = Annotated[str, Written(_read_header, _HEADER, replaced=False)]
Save = Annotated[dict[Alias, Annotated[str, Written(_read_path, _SAVED, "SavedPath")]], Field(default_factory=dict)]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
CallName = Annotated[str, fitting(rf"(?:{'|'.join(METHODS)}) /\S*", "a call such as GET /orders")]
CallPattern = Annotated[
    str, fitting(rf"(?:{'|'.join(METHODS)}|\*) [/*]\S*", "a call such as POST /fulfillments, * matching anything")
]


def save(play: Play, wanted: Mapping[str, str], value: Any) -> None:
    """Keeps what a step saves. Raises `Failed` when a path leads nowhere."""
    for name, path in wanted.items():
        try:
            kept = value if path == "." else look_up(f"value.{path.removeprefix('.')}", {"value": value})
        except Unresolved:
            raise Failed(f"There is no '{path}' to save as '{name}'.") from None
        play.learn(name, kept)
