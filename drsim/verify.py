"""`drsim verify`: whether the signature of a webhook is genuine; if it is not, why."""

import base64
import binascii
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from drsim import machine
from drsim.domain.clock import SECOND, Span, Time, format_span, format_time
from drsim.domain.webhooks import parts, verified

_NAME = re.compile(r"\s*digitalriver-signature\s*:", re.IGNORECASE)
_MILLISECONDS_FROM = 100_000_000_000
"""Seconds reach this number in the year 5138, milliseconds did so in 1973."""


class NotValid(Exception):
    """The signature is not genuine, and why."""


def verify(header: str, tokens: Sequence[str], file: str | None, tolerance: Span | None) -> int:
    """Says whether one of `tokens` has signed the body in `file` or on standard input. Returns the exit code.

    With a `tolerance`, the timestamp may be no further than that from the present.
    """
    try:
        body = sys.stdin.buffer.read() if file in (None, "-") else Path(str(file)).read_bytes()
    except OSError as error:
        print(f"drsim: {file}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        print("valid", *judged(header, tokens, body, tolerance, machine.wall()), sep="\n")
    except NotValid as reason:
        print(f"not valid: {reason}")
        return 1
    return 0


def judged(header: str, tokens: Sequence[str], body: bytes, tolerance: Span | None, wall: Time) -> tuple[str, str]:
    """Which token has signed and how old that is when the wall shows `wall`, in words. Raises `NotValid`."""
    header = _NAME.sub("", header, count=1)
    try:
        timestamp, signatures = parts(header)
    except ValueError as error:
        raise NotValid(f"malformed header: {error}; it reads <timestamp>, <signature>, …") from error
    token = _signer(header, tokens, body)
    if token is None:
        raise NotValid(_reason(header, signatures, tokens, body))
    unit, length = ("milliseconds", SECOND // 1_000) if timestamp >= _MILLISECONDS_FROM else ("seconds", SECOND)
    age = wall - timestamp * length
    if tolerance is not None and abs(age) > tolerance:
        raise NotValid(f"the signature is right, but its timestamp is {_age(age)}, {format_span(tolerance)} at most")
    return (
        f"  token      {token} ({1 + list(tokens).index(token)} of {len(tokens)})",
        f"  timestamp  {timestamp} {unit}, {format_time(timestamp * length)}: {_age(age)}",
    )


def _signer(header: str, tokens: Sequence[str], body: bytes) -> str | None:
    return next((token for token in tokens if verified(header, token, body)), None)


def _reason(header: str, signatures: Sequence[str], tokens: Sequence[str], body: bytes) -> str:
    """Why no token fits; a changed body can be told from a wrong secret only where the change can be undone."""
    for place, each in enumerate(signatures, 1):
        if not _is_digest(each):
            return f"malformed header: its signature {place}, '{each[:60]}', is not the Base64 of 32 bytes"
    for change, original in _originals(body):
        if _signer(header, tokens, original) is not None:
            return f"the body was changed: {change}. What is signed are the raw bytes as they came"
    if not _is_json(body):
        return "wrong secret, or the body was changed: it is no JSON, so it may have been cut"
    return (
        "wrong secret, or the body was changed. JSON that was read and written again is another body, "
        "even if it says the same: what is signed are the raw bytes as they came"
    )


def _originals(body: bytes) -> Iterator[tuple[str, bytes]]:
    """What the body may have been before one of the usual changes; drsim writes JSON in one line without blanks."""
    bare = body.removeprefix(b"\xef\xbb\xbf").strip()
    yield "there are blanks, line breaks or a byte order mark around it", bare
    if _is_json(bare):
        yield "its JSON was read and written again, with other blanks or escapes", orjson.dumps(orjson.loads(bare))


def _is_digest(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode("utf-8", "replace"), validate=True)) == 32
    except binascii.Error:
        return False


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _age(age: Span) -> str:
    """How old something is by this machine's clock, to the second."""
    told = format_span(abs(age) // SECOND * SECOND)
    return f"{told} old" if age >= 0 else f"{told} ahead"
