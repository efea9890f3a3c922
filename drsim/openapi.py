"""`drsim openapi`: prints the description of the API, or writes it to a file."""

import sys
from pathlib import Path

from drsim.domain.account import LATEST_VERSION
from drsim.web.openapi import description

DONE, BROKEN = 0, 3
"""Exit codes: there it is, it cannot be written."""


def openapi(version: str | None, url: str, output: str | None) -> int:
    """Prints the description as of a version, of an API at a URL; returns the exit code."""
    text = description(version or LATEST_VERSION, url).decode()
    if output is None:
        print(text)
        return DONE
    try:
        Path(output).write_text(f"{text}\n")
    except OSError as error:
        print(f"drsim: cannot write {output}: {error.strerror}", file=sys.stderr)
        return BROKEN
    return DONE
