"""Reading a scenario file into what it describes, or refusing it with all its problems at once."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from drsim.format.models import World
from drsim.format.numbers import plain
from drsim.format.problems import MOST, Path, Problem, Unfit, shown
from drsim.format.source import Document, Room, parse
from drsim.format.substitute import substituted
from drsim.format.translate import problems_of

W = TypeVar("W", bound=World)

ReadFile = Callable[[str], str]
"""Gives the text of a file named in a scenario. Raises `OSError`."""


class Loaded(NamedTuple, Generic[W]):
    """A file that fits: the model it makes, its values with variables and files in their places, and where they stand.

    References to aliases and saved values are still in both.
    """

    model: W
    values: dict[str, Any]
    document: Document

    def world(self) -> dict[str, Any]:
        """The world as JSON values for another process: everything but the steps."""
        return {key: plain(value) for key, value in self.values.items() if key != "steps"}


def read(
    text: str, name: str = "scenario", variables: Mapping[str, Any] | None = None, read_file: ReadFile | None = None
) -> World:
    """The world that a scenario (YAML or JSON) describes, whatever its steps are; see `load`. Raises `Unfit`."""
    return load(World, text, name, variables, read_file).model


def load(
    model: type[W],
    text: str,
    name: str = "scenario",
    variables: Mapping[str, Any] | None = None,
    read_file: ReadFile | None = None,
) -> Loaded[W]:
    """A scenario (YAML or JSON) as `model`; `name` is the file's name in problems.

    `${NAME}` is taken from `variables`; references to aliases and to what steps save stay for `substitute.resolve`.
    Only with `read_file` may an order come `from` a file. Raises `Unfit`.
    """
    room = Room()
    document = parse(text, name, room)
    aliases = _aliases(document.values)
    problems = _repeated(aliases, document)
    left = () if "steps" in model.replaced else ("steps",)
    replaceable = {key: value for key, value in document.values.items() if key not in left}
    names = {alias for alias, _ in aliases} | {saved for saved, _ in _saved(document.values)}
    is_made = _made_before(aliases, _saved(document.values))
    values, unknown = substituted(replaceable, variables or {}, names, is_made)
    problems += [document.problem(each.path, each.found, each.expected, each.nearest) for each in unknown]
    if read_file:
        problems += _read_files(values, document, read_file, room)
    values |= {key: document.values[key] for key in left if key in document.values}
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        # What is wrong with a file was told when it was read, an unknown name when it was looked for.
        known = {problem.path for problem in problems} | _file_places(values, read_file)
        problems += [each for each in problems_of(error, document, model) if each.path not in known]
    if problems:
        raise Unfit(problems)
    return Loaded(made, values, document)


_BEFORE_ORDERS = ("webhooks", "customers", "skus")
"""What is given besides orders, which may refer to all of it."""


def _orders(values: Any) -> list[tuple[Path, dict[str, Any]]]:
    """Every order that is given or created by a step, with its place, in the order in which they are made."""
    orders: list[tuple[Path, dict[str, Any]]] = [
        (("given", "orders", index), each) for index, each in _mappings(values.get("given"), "orders")
    ]
    orders += [
        (("steps", index, "with"), step["with"])
        for index, step in _mappings(values, "steps")
        if "create" in step and isinstance(step.get("with"), dict)
    ]
    return orders


def _mappings(values: Any, section: str) -> list[tuple[int, dict[str, Any]]]:
    """The mappings in a list of `values`, as far as that is what stands there."""
    listed = values.get(section) if isinstance(values, dict) else None
    return [
        (index, each) for index, each in enumerate(listed if isinstance(listed, list) else ()) if type(each) is dict
    ]


def _aliases(values: dict[str, Any]) -> list[tuple[str, Path]]:
    """Every alias and where it is given, in the order in which what they stand for is made."""
    named: list[tuple[Path, dict[str, Any]]] = [
        (("given", section, index), each)
        for section in _BEFORE_ORDERS
        for index, each in _mappings(values.get("given"), section)
    ]
    for path, order in _orders(values):
        named.append((path, order))
        named += [((*path, "items", index), item) for index, item in _mappings(order, "items")]
    return [(each["as"], (*path, "as")) for path, each in named if isinstance(each.get("as"), str)]


def _saved(values: dict[str, Any]) -> list[tuple[str, int]]:
    """Every name that a step saves a value under, and the number of the step, from 0."""
    return [
        (name, index)
        for index, step in _mappings(values, "steps")
        if isinstance(step.get("save"), dict)
        for name in step["save"]
    ]


def _repeated(aliases: list[tuple[str, Path]], document: Document) -> list[Problem]:
    first: dict[str, Path] = {}
    problems = []
    for alias, path in aliases:
        if alias in first:
            line = document.place(first[alias])[0]
            problems.append(
                document.problem(path, f"the alias {shown(alias)} again", f"another (first in line {line})")
            )
        first.setdefault(alias, path)
    return problems


def _made_before(aliases: list[tuple[str, Path]], saved: list[tuple[str, int]]) -> Callable[[str, Path], bool]:
    """Whether something may be referred to at a place: whether it is made or saved before it."""
    others = {alias for alias, path in aliases if path[1] in _BEFORE_ORDERS}
    orders: dict[str, Any] = {alias: path[2] for alias, path in aliases if path[1] == "orders"}
    steps: dict[str, Any] = {}
    for alias, step in [(alias, path[1]) for alias, path in aliases if path[0] == "steps"] + saved:
        steps.setdefault(alias, step)

    def is_made(name: str, path: Path) -> bool:
        given = name in others or name in orders
        if path[0] == "steps":
            return given or (name in steps and steps[name] < path[1])
        if path[0] in ("behavior", "faults"):
            return given
        return path[:2] == ("given", "orders") and given and (name in others or orders[name] < path[2])

    return is_made


def _file_places(values: dict[str, Any], read_file: ReadFile | None) -> set[Path]:
    return {(*path, "from") for path, _ in _orders(values)} if read_file else set()


def _read_files(values: dict[str, Any], document: Document, read_file: ReadFile, room: Room) -> list[Problem]:
    """Puts each file that an order comes `from` in its place, as `resource`."""
    problems: list[Problem] = []
    for path, order in _orders(values):
        file, at = order.get("from"), (*path, "from")
        if len(problems) >= MOST or room.nodes < 0:
            break
        if not isinstance(file, str):
            if "from" in order:
                problems.append(document.problem(at, shown(file), "the name of a file"))
            continue
        if "resource" in order:
            problems.append(document.problem(at, "'from' beside 'resource'", "only one of them"))
            continue
        try:
            order["resource"] = parse(read_file(file), file, room).values
            del order["from"]
            document.places[(*path, "resource")] = document.place(at)
        except OSError as error:
            problems.append(document.problem(at, f"{shown(file)} ({error.strerror})", "a file that can be read"))
        except Unfit as unfit:
            problems += unfit.problems
    return problems
