"""Scenario files: finding them, reading them with their steps, choosing among them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from drsim.format.load import Loaded, load
from drsim.format.models import World
from drsim.format.problems import Path as Where
from drsim.format.problems import Problem, Unfit, nearest, shown
from drsim.format.source import LONGEST
from drsim.scenario.results import Place
from drsim.scenario.steps import AnyStep

_SUFFIXES = (".yaml", ".yml")
_NOT_A_LETTER = re.compile(r"[^A-Za-z0-9]+")


def _nothing(value: Any) -> Any:
    return () if value is None else value


class Scenario(World):
    """A whole scenario file: the world and the steps."""

    replaced: ClassVar[tuple[str, ...]] = ("steps",)

    steps: Annotated[tuple[AnyStep, ...], BeforeValidator(_nothing)] = ()  # type: ignore[assignment]


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
    """The scenario files at these paths, each once; folders are searched. Raises `OSError` for a path that is none."""
    files: dict[str, None] = {}
    for path in paths:
        if Path(path).is_dir():
            below = sorted(each for each in Path(path).rglob("*") if each.suffix in _SUFFIXES and each.is_file())
            files |= dict.fromkeys(str(each) for each in below)
        else:
            with Path(path).open("rb"):
                files[path] = None
    return list(files)


def read(path: str, variables: Mapping[str, Any]) -> File:
    """A scenario file with its variables in their places. Raises `Unfit`, also for one that cannot be read."""
    folder = Path(path).parent
    try:
        text = _text(Path(path))
    except OSError as error:
        raise Unfit(
            [Problem(path, (), 1, 1, f"a file that cannot be read ({error.strerror})", "a scenario")]
        ) from error
    loaded = load(Scenario, text, path, variables, lambda name: _text(folder / name))
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
    given = [webhook.alias for webhook in loaded.model.webhooks if webhook.alias]
    problems: list[Problem] = []
    for path, name in _named_webhooks(loaded.values):
        known = [*given, *_saved_before(path, loaded.model)]
        if isinstance(name, str) and name not in known and "${" not in name:
            expected = "a webhook, given or saved before"
            problems.append(loaded.document.problem(path, shown(name), expected, nearest(name, known)))
    return problems


def _saved_before(path: Where, scenario: Scenario) -> Iterator[str]:
    """The names under which steps have saved something before this place."""
    section, index, *_ = path
    for step in scenario.steps[:index] if section == "steps" and isinstance(index, int) else ():
        yield from getattr(step, "save", ())


def _named_webhooks(values: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    for index, fault in enumerate(values.get("faults") or ()):
        yield ("faults", index, "when", "to"), fault["when"].get("to")
    for index, step in enumerate(values.get("steps") or ()):
        yield ("steps", index, "to"), step.get("to")
        if "receiver" in step:
            yield ("steps", index, "receiver", "to"), step["receiver"].get("to")
        for number, fault in enumerate(step.get("fault", ())):
            yield ("steps", index, "fault", number, "when", "to"), fault["when"].get("to")


def _text(path: Path) -> str:
    # No more than the reader takes anyway: a file may be larger than memory.
    with path.open("rb") as file:
        return file.read(4 * LONGEST + 4).decode("utf-8", "replace")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
