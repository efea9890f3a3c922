"""A plain blocking HTTP client for what is not measured: preparing orders, settling, asking the receiver."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from tests.bench.bodies import HEADERS


class CallFailed(Exception):
    """A call that had to succeed did not."""


def call(url: str, method: str, path: str, body: Any = None, timeout: float = 60.0) -> Any:
    """The JSON answer of one call. Raises `CallFailed` for any status of 400 and more, `OSError` without an answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        content = None if body is None else json.dumps(body)
        headers = HEADERS if body is None else {**HEADERS, "Content-Type": "application/json"}
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise CallFailed(f"{method} {path} answered {answer.status}: {text[:600].decode(errors='replace')}")
    return json.loads(text) if text else None


def answers(url: str, path: str) -> bool:
    """Whether this server answers 200 at this path, right now."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2.0)
    try:
        connection.request("GET", path, headers=HEADERS)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
