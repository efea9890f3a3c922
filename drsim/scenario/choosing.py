"""Choosing scenarios: `-k` with words joined by `and`, `or`, `not` and parentheses, and `--tag`."""

import re
from collections.abc import Callable, Iterable, Sequence

from drsim.scenario.files import File

Choice = Callable[[File], bool]

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+)")


def chosen(files: Iterable[File], expression: str | None, tags: Sequence[str]) -> list[File]:
    """The files that fit `-k` (its words are looked for in name and path) and have one of the tags.

    A tag after `!` is one they must not have. Raises `ValueError` for an expression that is none.
    """
    fits = parsed(expression) if expression else lambda text: True
    wanted = {tag for tag in tags if not tag.startswith("!")}
    unwanted = {tag[1:] for tag in tags if tag.startswith("!")}
    return [
        file
        for file in files
        if fits(f"{file.scenario.name} {file.path}".lower())
        and (not wanted or wanted & set(file.scenario.tags))
        and not unwanted & set(file.scenario.tags)
    ]


def parsed(expression: str) -> Callable[[str], bool]:
    """A `-k` expression as a question to a text in lower case. Raises `ValueError`."""
    tokens = _TOKEN.findall(expression)
    question, rest = _any(tokens)
    if rest:
        raise ValueError(f"'{expression}' cannot be understood from '{rest[0]}' on: words, and, or, not, parentheses")
    return question


Parsed = tuple[Callable[[str], bool], list[str]]


def _any(tokens: list[str]) -> Parsed:
    left, rest = _all(tokens)
    while rest and rest[0] == "or":
        right, rest = _all(rest[1:])
        left = _either(left, right)
    return left, rest


def _all(tokens: list[str]) -> Parsed:
    left, rest = _one(tokens)
    while rest and rest[0] == "and":
        right, rest = _one(rest[1:])
        left = _both(left, right)
    return left, rest


def _one(tokens: list[str]) -> Parsed:
    if not tokens or tokens[0] in (")", "and", "or"):
        raise ValueError(f"a word is missing {f'before {tokens[0]!r}' if tokens else 'at the end'}")
    if tokens[0] == "not":
        inner, rest = _one(tokens[1:])
        return (lambda text: not inner(text)), rest
    if tokens[0] == "(":
        inner, rest = _any(tokens[1:])
        if not rest or rest[0] != ")":
            raise ValueError("a parenthesis is not closed")
        return inner, rest[1:]
    word = tokens[0].lower()
    return (lambda text: word in text), tokens[1:]


def _either(left: Callable[[str], bool], right: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: left(text) or right(text)


def _both(left: Callable[[str], bool], right: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: left(text) and right(text)
