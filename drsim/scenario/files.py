"""Scenario files: finding them, reading them with their steps, choosing among them."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

from drsim.format.fields import nothing_as
from drsim.format.file import text_of
from drsim.format.load import Loaded, load
from drsim.format.models import World
from drsim.format.problems import MOST, Problem, Unfit, nearest, shown
from drsim.format.problems import Path as Where
from drsim.scenario.results import Place
from drsim.scenario.steps import AnyStep

_SUFFIXES = (".yaml", ".yml")
_NOT_A_LETTER = re.compile(r"[^A-Za-z0-9]+")


class Scenario(World):
    """A whole scenario file: the world and the steps."""

    replaced: ClassVar[tuple[str, ...]] = ("steps",)

    steps: Annotated[tuple[AnyStep, ...], nothing_as(tuple)] = ()  # type: ignore[assignment]


class File:
    """A scenario file that fits."""

    def __init__(self, path: str, loaded: Loaded[Scenario]) -> None:
        self.path = path
        self.scenario = loaded.model
        self.loaded = loaded

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return Place(self.path, self.loaded.document.place(("scenario",))[0])

    def step_place(self, index: int) -> Place:
        """Where a step stands."""
        return Place(self.path, self.loaded.document.place(("steps", index))[0])

    def step_source(self, index: int) -> list[tuple[int, str]]:
        """The lines of a step with their numbers, as written."""
        line, column = self.loaded.document.place(("steps", index))
        lines = self.loaded.document.text.splitlines()
        end = line
        while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) >= column - 1):
            end += 1
        while end > line and not lines[end - 1].strip():
            end -= 1
        return list(enumerate(lines[line - 1 : end], line))


def sandbox_of(path: str) -> str:
    """The sandbox that a file is played in: readable, and its own."""
    stem = _NOT_A_LETTER.sub("-", Path(path).stem).strip("-")[:40]
    return f"{stem}-{blake2b(path.encode(), digest_size=4).hexdigest()}"


def found(paths: Sequence[str]) -> list[str]:
    """The scenario files at these paths, each once; folders are searched. Raises `OSError` for one that cannot be."""
    files: dict[str, None] = {}
    for path in paths:
        files |= dict.fromkeys(_below(path) if Path(path).is_dir() else [path])
    return list(files)


def _below(folder: str) -> list[str]:
    paths = [Path(parent, name) for parent, _, names in os.walk(folder, onerror=_fail) for name in names]
    return [str(path) for path in sorted(paths) if path.suffix in _SUFFIXES and path.is_file()]


def _fail(error: OSError) -> None:
    raise error


def read(path: str, variables: Mapping[str, Any]) -> File:
    """A scenario file with its variables in their places. Raises `Unfit`, also for one that cannot be read."""
    folder = Path(path).parent
    try:
        text = text_of(Path(path))
    except OSError as error:
        raise Unfit(
            [Problem(path, (), 1, 1, f"a file that cannot be read ({error.strerror})", "a scenario")]
        ) from error
    loaded = load(Scenario, text, path, variables, lambda name: text_of(folder / name))
    if problems := _unknown_webhooks(loaded):
        raise Unfit(problems)
    return File(path, loaded)


def read_all(paths: Iterable[str], variables: Callable[[str], Mapping[str, Any]]) -> list[File]:
    """All of these files. Raises `Unfit` with the problems of all of them, and for names that are there twice."""
    files: list[File] = []
    problems: list[Problem] = []
    first: dict[str, Place] = {}
    for path in paths:
        try:
            file = read(path, variables(path))
        except Unfit as unfit:
            problems += unfit.problems
            continue
        files.append(file)
        name = file.scenario.name
        if name in first:
            found = f"the name {shown(name)} again"
            problems.append(file.loaded.document.problem(("scenario",), found, f"another (first at {first[name]})"))
        first.setdefault(name, file.place)
    if problems:
        raise Unfit(problems)
    return files


def _unknown_webhooks(loaded: Loaded[Scenario]) -> list[Problem]:
    """Where `to` names a webhook that is neither given nor saved by an earlier step."""
    since = {webhook.alias: -1 for webhook in loaded.model.webhooks if webhook.alias}
    for index, step in enumerate(loaded.model.steps):
        for name in getattr(step, "save", ()):
            since.setdefault(name, index)
    unknown = (
        (path, name, at)
        for path, name in _named_webhooks(loaded.values)
        for at in [int(path[1]) if path[0] == "steps" else 0]
        if isinstance(name, str) and "${" not in name and since.get(name, at) >= at
    )
    problems = []
    for path, name, at in islice(unknown, MOST):
        meant = nearest(name, [each for each, index in since.items() if index < at])
        problems.append(loaded.document.problem(path, shown(name), "a webhook, given or saved before", meant))
    return problems


def _named_webhooks(values: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    for index, fault in enumerate(values.get("faults") or ()):
        yield ("faults", index, "when", "to"), fault["when"].get("to")
    for index, step in enumerate(values.get("steps") or ()):
        yield ("steps", index, "to"), step.get("to")
        if "receiver" in step:
            yield ("steps", index, "receiver", "to"), step["receiver"].get("to")
        for number, fault in enumerate(step.get("fault", ())):
            yield ("steps", index, "fault", number, "when", "to"), fault["when"].get("to")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
