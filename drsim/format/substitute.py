"""Putting values in place of `${…}`: variables when a file is read, aliases when what they stand for has been made.

`${NAME}` and `${NAME:-default}` are variables. `${order.id}` and `${order.items[0].id}` reach into what the alias
`order` stands for. Where a whole text is one `${…}`, the value keeps its type.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from drsim.format.problems import MOST, Path, masked, nearest

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_REFERENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)((?:\.[A-Za-z_$][A-Za-z0-9_-]*|\[[0-9]{1,6}\])*)")
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A placeholder that stands for nothing: where it is, its text, what would have been right."""

    path: Path
    found: str
    expected: str
    nearest: str | None = None


class Unresolved(ValueError):
    """A reference that leads nowhere; its text says where it stopped."""


def substituted(
    values: Any,
    variables: Mapping[str, Any],
    aliases: Collection[str],
    is_made: Callable[[str, Path], bool],
) -> tuple[Any, list[Unknown]]:
    """The values with every variable in its place, and the first `MOST` placeholders that could not be replaced.

    References to `aliases` stay as they are, for `resolve`; what one refers to at a place has to be made before it.
    """
    unknown: list[Unknown] = []

    def replaced(expression: str, path: Path) -> Any:
        reference = _REFERENCE.fullmatch(expression)
        if reference and reference[1] in aliases:
            if len(unknown) < MOST and not is_made(reference[1], path):
                unknown.append(Unknown(path, f"'${{{expression}}}'", "something that is made before it"))
            return None
        return _variable(expression, path)

    def _variable(expression: str, path: Path) -> Any:
        variable = _VARIABLE.fullmatch(expression)
        if variable and variable[1] in variables:
            return variables[variable[1]]
        if variable and variable[2] is not None:
            return variable[2]
        if len(unknown) < MOST:
            name = re.split(r"[.\[]", expression, maxsplit=1)[0]
            found = f"the unknown name '${{{masked(expression)}}}'"
            unknown.append(Unknown(path, found, "a variable or an alias", nearest(name, [*variables, *aliases])))
        return None

    return _walk(values, (), replaced), unknown


def resolve(values: Any, made: Mapping[str, Any]) -> Any:
    """Plain values, or a model, with every `${alias.path}` replaced by what `made` holds there.

    Texts of a model stay texts. Raises `Unresolved`.
    """
    if isinstance(values, BaseModel):
        return _resolved_model(values, made)

    def replaced(expression: str, path: Path) -> Any:
        return look_up(expression, made)

    return _walk(values, (), replaced)


def with_ids(pattern: Any, aliases: Mapping[str, str]) -> Any:
    """The pattern with ids in place of aliases, however deep they stand."""
    if isinstance(pattern, dict):
        return {key: with_ids(each, aliases) for key, each in pattern.items()}
    if isinstance(pattern, list):
        return [with_ids(each, aliases) for each in pattern]
    return aliases.get(pattern, pattern) if isinstance(pattern, str) else pattern


def look_up(expression: str, made: Mapping[str, Any]) -> Any:
    """What `alias.key[0].key` leads to. Raises `Unresolved`."""
    reference = _REFERENCE.fullmatch(expression)
    if not reference or reference[1] not in made:
        raise Unresolved(f"'${{{masked(expression)}}}' is not known here")
    value, place = made[reference[1]], reference[1]
    for key, index in _STEP.findall(reference[2]):
        place += f".{key}" if key else f"[{index}]"
        try:
            value = value[int(index)] if index and isinstance(value, list) else value[key]
        except (LookupError, TypeError):
            raise Unresolved(f"'${{{masked(expression)}}}' leads nowhere: there is no {masked(place)}") from None
    return value


def _walk(value: Any, path: Path, replaced: Callable[[str, Path], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _walk(each, (*path, key), replaced) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_walk(each, (*path, index), replaced) for index, each in enumerate(value))
    return _replace(value, path, replaced) if isinstance(value, str) and "${" in value else value


def _replace(text: str, path: Path, replaced: Callable[[str, Path], Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole:
        value = replaced(whole[1], path)
        return text if value is None else value

    def part(placeholder: re.Match[str]) -> str:
        value = replaced(placeholder[1], path)
        return placeholder[0] if value is None else _as_text(value)

    return _PLACEHOLDER.sub(part, text)


def _as_text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise Unresolved("a mapping or a list cannot be a part of a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resolved_model(model: BaseModel, made: Mapping[str, Any]) -> BaseModel:
    changes: dict[str, Any] = {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        if isinstance(value, str) and "${" in value:
            changes[name] = _as_text(resolve(value, made))
        elif isinstance(value, dict | list | BaseModel):
            changes[name] = resolve(value, made)
        elif isinstance(value, tuple):
            changes[name] = tuple(resolve(each, made) for each in value)
    return model.model_copy(update=changes)
