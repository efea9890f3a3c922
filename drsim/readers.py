"""The values of options, read from what was written on the command line or in the environment.

All raise `argparse.ArgumentTypeError`, which says what was found and what was expected.
"""

import argparse
import re


def variable(text: str) -> tuple[str, str]:
    """`NAME=VALUE` of a variable."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def address(text: str) -> str:
    """An http or https address."""
    if not re.fullmatch(r"https?://[^\s/]\S*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not an address such as http://localhost:3000/hooks")
    return text


def version(text: str) -> str:
    """A version of the API."""
    from drsim.domain.account import VERSIONS

    if text not in VERSIONS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a version: {', '.join(VERSIONS)}")
    return text


def host(text: str) -> str:
    """A host, or a pattern of hosts."""
    from drsim.domain.addresses import read_pattern

    try:
        return read_pattern(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a host: example.com, *.example.com or *") from error


def server(text: str, here: str) -> str | None:
    """A server's address; DRSIM_REGISTER may also say just yes or no."""
    if text.lower() in ("", "0", "false", "no"):
        return None
    return here if text.lower() in ("1", "true", "yes") else address(text)


def types(text: str) -> tuple[str, ...]:
    """Event types, named or by group, joined by commas."""
    from drsim.domain.events import TYPES, matching_types

    types: list[str] = []
    for pattern in filter(None, (each.strip() for each in text.split(","))):
        found = [type for type in matching_types(pattern) if type in TYPES]
        if not found:
            raise argparse.ArgumentTypeError(f"'{pattern}' is no event type")
        types += found
    return tuple(dict.fromkeys(types))


def status(text: str) -> int:
    """An HTTP status from 200 on."""
    if not text.isdecimal() or not 200 <= int(text) <= 599:
        raise argparse.ArgumentTypeError(f"'{text}' is not a status: 200 to 599")
    return int(text)


def jobs(text: str) -> int:
    """How many at a time."""
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 64")
    return int(text)


def port(text: str) -> int:
    """A port, 0 for any that is free."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: 0 to 65535")
    return int(text)


def seed(text: str) -> int:
    """A seed."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from error


def rate(text: str) -> float:
    """How fast time runs."""
    from drsim.domain.clock import parse_rate

    try:
        return parse_rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def text(text: str) -> str:
    """A text that can be printed."""
    if not text.isprintable():
        raise argparse.ArgumentTypeError("it holds characters that cannot be printed")
    return text


def seconds(text: str) -> float:
    """A duration such as `30s`, in seconds."""
    from drsim.domain.clock import SECOND

    return span(text) / SECOND


def span(text: str) -> int:
    """A duration such as `30s`, in microseconds."""
    from drsim.domain.clock import parse_span

    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
