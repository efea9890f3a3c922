"""Reading a scenario file into the world that it describes, or refusing it with all its problems at once."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import ValidationError

from drsim.format.models import World
from drsim.format.numbers import plain
from drsim.format.problems import Path, Problem, Unfit, shown
from drsim.format.source import Document, parse
from drsim.format.substitute import substituted
from drsim.format.translate import problems_of

ReadFile = Callable[[str], str]
"""Gives the text of a file named in a scenario. Raises `OSError`."""

_NOT_REPLACED = ("steps",)
"""Sections whose placeholders are replaced when they are reached, not before."""


def read(
    text: str,
    name: str = "scenario",
    variables: Mapping[str, Any] | None = None,
    read_file: ReadFile | None = None,
) -> World:
    """The world that a scenario (YAML or JSON) describes; `name` is the file's name in problems.

    `${NAME}` is taken from `variables`; references to aliases stay for `substitute.resolve`. Only with `read_file` may
    an order come `from` a file. Raises `Unfit`.
    """
    return _read(text, name, variables or {}, read_file)[1]


def prepare(
    text: str, name: str = "scenario", variables: Mapping[str, Any] | None = None, read_file: ReadFile | None = None
) -> dict[str, Any]:
    """The same scenario as JSON values for another process: checked, variables and files in their places, no steps.

    Raises `Unfit`.
    """
    values = _read(text, name, variables or {}, read_file)[0]
    return {key: plain(value) for key, value in values.items() if key not in _NOT_REPLACED}


def _read(
    text: str, name: str, variables: Mapping[str, Any], read_file: ReadFile | None
) -> tuple[dict[str, Any], World]:
    document = parse(text, name)
    aliases = _aliases(document.values)
    problems = _repeated(aliases, document)
    world = {key: value for key, value in document.values.items() if key not in _NOT_REPLACED}
    values, unknown = substituted(world, variables, {alias for alias, _ in aliases}, _made_before(aliases))
    problems += [document.problem(each.path, each.found, each.expected, each.nearest) for each in unknown]
    if read_file:
        problems += _read_files(values, document, read_file)
    values |= {key: document.values[key] for key in _NOT_REPLACED if key in document.values}
    try:
        model = World.model_validate(values)
    except ValidationError as error:
        # What is wrong with a file was told when it was read.
        known = {problem.path for problem in problems} | _file_places(values, read_file)
        problems += [each for each in problems_of(error, document, World) if each.path not in known]
    if problems:
        raise Unfit(problems)
    return values, model


def _given(values: Any, section: str) -> list[tuple[Path, dict[str, Any]]]:
    """The mappings of `given.webhooks` or `given.orders`, as far as that is what stands there."""
    given = values.get("given")
    entries = given.get(section) if isinstance(given, dict) else None
    listed = entries if isinstance(entries, list) else []
    return [(("given", section, index), each) for index, each in enumerate(listed) if isinstance(each, dict)]


def _aliases(values: dict[str, Any]) -> list[tuple[str, Path]]:
    """Every alias and where it is given, in the order in which what they stand for is made."""
    named = _given(values, "webhooks")
    for path, order in _given(values, "orders"):
        named.append((path, order))
        items = order.get("items")
        lines = items if isinstance(items, list) else []
        named += [((*path, "items", index), each) for index, each in enumerate(lines) if isinstance(each, dict)]
    return [(each["as"], (*path, "as")) for path, each in named if isinstance(each.get("as"), str)]


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


def _made_before(aliases: list[tuple[str, Path]]) -> Callable[[Path], Collection[str]]:
    """What may be referred to at a place: everything that is made before it."""
    webhooks = {alias for alias, path in aliases if path[1] == "webhooks"}
    everything = {alias for alias, _ in aliases}

    def made_before(path: Path) -> Collection[str]:
        if path[0] in ("behavior", "faults"):
            return everything
        if path[:2] != ("given", "orders"):
            return ()
        return webhooks | {alias for alias, other in aliases if other[1] == "orders" and other[2] < path[2]}  # type: ignore[operator]

    return made_before


def _file_places(values: dict[str, Any], read_file: ReadFile | None) -> set[Path]:
    return {(*path, "from") for path, _ in _given(values, "orders")} if read_file else set()


def _read_files(values: dict[str, Any], document: Document, read_file: ReadFile) -> list[Problem]:
    """Puts each file that an order comes `from` in its place, as `resource`."""
    problems: list[Problem] = []
    for path, order in _given(values, "orders"):
        file, at = order.get("from"), (*path, "from")
        if not isinstance(file, str):
            if "from" in order:
                problems.append(document.problem(at, shown(file), "the name of a file"))
            continue
        try:
            order["resource"] = parse(read_file(file), file).values
            del order["from"]
            document.places[(*path, "resource")] = document.place(at)
        except OSError as error:
            problems.append(document.problem(at, f"{shown(file)} ({error.strerror})", "a file that can be read"))
        except Unfit as unfit:
            problems += unfit.problems
    return problems
