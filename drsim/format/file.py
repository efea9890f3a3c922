"""The text of a file: of a regular one only, in UTF-8, and of no more than can be a scenario."""

import errno
import os
from pathlib import Path
from stat import S_ISREG

from drsim.format.problems import Problem, Unfit
from drsim.format.source import LONGEST

_MOST_BYTES = 4 * LONGEST


def text_of(path: Path) -> str:
    """What is written in the file. Raises `OSError` for one that cannot be read, `Unfit` for what is no text."""
    content = _content(path)
    if len(content) > _MOST_BYTES:
        raise Unfit([Problem(str(path), (), 1, 1, f"more than {_MOST_BYTES} bytes", "fewer")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = Problem(str(path), (), line, column, "bytes that are not UTF-8", "text in UTF-8")
        raise Unfit([problem]) from error


def _content(path: Path) -> bytes:
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no name of a file", str(path))
    with open(path, "rb", opener=_open_at_once) as file:  # no Path has an opener
        # Pipes and devices may never end.
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read(_MOST_BYTES + 1)


def _open_at_once(path: str, flags: int) -> int:
    """Opens without waiting for somebody to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
