"""Reading YAML (and JSON, which is YAML) as plain values, each with its line and column, and nothing that surprises.

Only mappings with text keys, lists, texts, numbers, true, false and null are read. Tags, anchors, aliases, merge keys,
repeated keys and directives are refused, so nothing is ever expanded or executed. Words are read as YAML 1.2 does: only
`true` and `false` are truth values, a date stays the text it is, and a number with leading zeros is a text, since
`01234` is a postal code. Whole numbers become `int`, all others `Decimal`, exactly as they were written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from drsim.format.problems import MOST, Path, Problem, Unfit, masked, shown

LONGEST = 1024 * 1024
"""Characters a file may have."""

DEEPEST = 40
"""Mappings and lists that may stand in one another."""

MOST_NODES = 20_000
"""Values a file may have: a bound on time and memory whatever is in it, and wrong with it."""

Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was read from a file: its text and its values, and where values and keys stand in it."""

    name: str
    text: str
    values: dict[str, Any]
    places: dict[Path, Place]
    key_places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where the value at `path` stands, or what it should have stood in."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def problem(
        self, path: Path, found: str, expected: str, nearest: str | None = None, *, at_key: bool = False
    ) -> Problem:
        """A problem with the value at `path`, or with its key."""
        line, column = self.key_places.get(path) or self.place(path) if at_key else self.place(path)
        return Problem(self.name, path, line, column, found, expected, nearest)


@dataclass(slots=True)
class Room:
    """How much may still be read: what several files that belong together share."""

    characters: int = LONGEST
    nodes: int = MOST_NODES


def parse(text: str, name: str, room: Room | None = None) -> Document:
    """Reads the one mapping that `text` holds; `name` is the file's name in problems. Raises `Unfit`."""
    room = room or Room()
    if len(text) > room.characters:
        raise Unfit([Problem(name, (), 1, 1, f"more than {LONGEST} characters in all", "fewer")])
    room.characters -= len(text)
    if directive := re.search(r"^%", text, re.MULTILINE):
        line, column = _place_of(text, directive.start())
        raise Unfit([Problem(name, (), line, column, "a line that starts with %", "no directives")])
    reader = _Reader(name, room)
    try:
        reader.read(_events(_joined_surrogates(text)))
    except yaml.YAMLError as error:
        reader.problems.append(_syntax_problem(error, text, name))
    except UnicodeEncodeError as error:
        line, column = _place_of(text, error.start)
        reader.problems.append(Problem(name, (), line, column, "half a character", "whole characters"))
    except _TooMuch:
        pass
    if reader.problems:
        raise Unfit(reader.problems)
    return Document(name, text, reader.top, reader.places, reader.key_places)


class _TooMuch(Exception):
    """Reading on would be pointless; the reason is among the problems already."""


@dataclass(slots=True)
class _Reader:
    """Builds the values from the parser's events, and writes down where each stands."""

    name: str
    room: Room
    top: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    key_places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, (), "a second document", "one document")
            elif isinstance(event, yaml.MappingStartEvent):
                self.top = self._value(event, events, ())
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, events, ())
                self._stop(event, (), shown(value), "a mapping")
        if not documents:
            self.problems.append(Problem(self.name, (), 1, 1, "nothing", "a mapping"))

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self.places[path] = _place(event)
        self._check(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return _plain(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, path)
        return None

    def _check(self, event: Any, path: Path) -> None:
        self.room.nodes -= path[-1:] != ("?",)  # keys are as many as their values
        if self.room.nodes < 0:
            self._stop(event, path, f"more than {MOST_NODES} values in all", "fewer")
        if len(path) >= DEEPEST and not isinstance(event, yaml.ScalarEvent):
            self._stop(event, path, f"more than {DEEPEST} levels", "fewer")
        if isinstance(event, yaml.AliasEvent):
            self._add(event, path, f"the alias '*{masked(str(event.anchor))}'", "the value itself")
        elif event.anchor:
            self._add(event, path, f"the anchor '&{masked(str(event.anchor))}'", "no anchors")
        if getattr(event, "tag", None):
            self._add(event, path, f"the tag '{masked(event.tag)}'", "no tags")

    def _list(self, events: Iterator[Any], path: Path) -> list[Any]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, events, (*path, len(values))))
        return values

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, path, values)
            # A key that cannot be used still has a value to read past; it is kept where nobody looks.
            value = self._value(next(events), events, (*path, "?" if key is None else key))
            if key is not None:
                values[key] = value
        return values

    def _key(self, event: Any, events: Iterator[Any], path: Path, values: dict[str, Any]) -> str | None:
        key = self._value(event, events, (*path, "?"))
        if not isinstance(event, yaml.ScalarEvent) or not isinstance(key, str):
            quoted = (
                f", as '{masked(event.value)}' in quotes" if isinstance(event, yaml.ScalarEvent) and event.value else ""
            )
            self._add(event, path, f"the key {shown(key)}", f"text{quoted}")
            return None
        if key == "<<" and event.implicit[0]:
            self._add(event, path, "the merge key '<<'", "no merge keys")
            return None
        if key in values:
            first = self.key_places[(*path, key)][0]
            self._add(event, path, f"the key {shown(key)} again", f"it once (first in line {first})")
            return None
        self.key_places[(*path, key)] = _place(event)
        return key

    def _add(self, event: Any, path: Path, found: str, expected: str) -> None:
        self.problems.append(Problem(self.name, path, *_place(event), found, expected))
        if len(self.problems) >= MOST:
            raise _TooMuch

    def _stop(self, event: Any, path: Path, found: str, expected: str) -> None:
        self._add(event, path, found, expected)
        raise _TooMuch


def _events(text: str) -> Iterator[Any]:
    # libyaml is twenty times as fast as the parser in Python, but not everywhere at hand.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _place_of(text: str, offset: int) -> Place:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _syntax_problem(error: yaml.YAMLError, text: str, name: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        place = _place_of(text, len(text.encode()[: error.position].decode(errors="ignore")))
        return Problem(name, (), *place, "a control character", "text")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(filter(None, [getattr(error, "problem", None), getattr(error, "context", None)]))
    found = f"text that is not YAML ({said})" if said else "text that is not YAML"
    return Problem(name, (), *place, found, f"YAML{_usual_reason(said, text.splitlines()[place[0] - 1 : place[0]])}")


def _usual_reason(said: str, line: list[str]) -> str:
    """What is usually wrong there: a text that has to stand in quotes."""
    if any(part.count('"') % 2 == 0 for part in _before_placeholders("".join(line))):
        return ", with quotes around a text with ${…} inside of { } or [ ]"
    return ", with quotes around a text that begins with * or &" if said.endswith(("an alias", "an anchor")) else ""


def _before_placeholders(line: str) -> Iterator[str]:
    return (line[: found.start()] for found in re.finditer(r"\$\{", line))


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})")
_BROKEN = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]{0,39})?\.[0-9]{0,40}|(?:0|[1-9][0-9]{0,39}))(?:[eE][-+]?[0-9]{1,3})?")
_BEYOND = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def _plain(word: str) -> Any:
    """What an unquoted word stands for."""
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word):
        return int(word)
    if _BROKEN.fullmatch(word) and re.search(r"[0-9]", word):
        return Decimal(word)
    if beyond := _BEYOND.fullmatch(word):
        return Decimal("NaN") if beyond[1] is None else Decimal(f"{beyond[1]}Infinity")
    return word


_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def _joined_surrogates(text: str) -> str:
    """JSON writes a character beyond U+FFFF as two escapes where YAML wants one; the two are made one."""
    if not text.lstrip().startswith("{"):
        return text

    def join(pair: re.Match[str]) -> str:
        code = 0x10000 + ((int(pair[2], 16) - 0xD800) << 10) + (int(pair[3], 16) - 0xDC00)
        return f"{pair[1]}\\U{code:08X}"

    return _PAIR.sub(join, text)
