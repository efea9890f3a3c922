"""Receivers that break HTTP or speak it under TLS, which the harness's cannot be told to do; and token endpoints."""

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def read_request(connection: socket.socket) -> bytes:
    """One whole request, or what there is of it."""
    data = b""
    while part := connection.recv(65_536):
        data += part
        head, end, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            break
    return data


@dataclass
class RawReceiver:
    """Listens on a free port and lets `play` do with each connection what it likes; then closes it."""

    play: Callable[[socket.socket], None]
    tls: ssl.SSLContext | None = None
    connections: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed in the end
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self.tls is None:
                self.play(connection)
                return
            with self.tls.wrap_socket(connection, server_side=True) as wrapped:
                self.play(wrapped)

    def __enter__(self) -> "RawReceiver":
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()


def closed_address() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def answer(body: bytes = b"", status: str = "200 OK") -> bytes:
    """A whole answer, after which the connection is closed."""
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class TokenEndpoint:
    """A token endpoint: keeps the forms it gets and gives the tokens `token-1`, `token-2` … unless told otherwise.

    `give` makes the answer of each: a mapping is sent as JSON, bytes as they are.
    """

    def __init__(self, **more: Any) -> None:
        self.forms: list[dict[str, str]] = []
        self.requests: list[bytes] = []
        self.more = {"token_type": "Bearer", "expires_in": 3600, **more}
        self.give: Callable[[int], dict[str, Any] | bytes] = lambda count: {
            "access_token": f"token-{count}",
            **self.more,
        }
        self._receiver = RawReceiver(self._play)
        self.url = f"{self._receiver.url}/oauth/token"

    def _play(self, connection: socket.socket) -> None:
        request = read_request(connection)
        if not request:
            return
        self.requests.append(request)
        form = parse_qs(request.partition(b"\r\n\r\n")[2].decode(), keep_blank_values=True, strict_parsing=True)
        self.forms.append({name: text for name, (text,) in form.items()})
        given = self.give(len(self.forms))
        connection.sendall(given if isinstance(given, bytes) else answer(json.dumps(given).encode()))

    def __enter__(self) -> "TokenEndpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.__exit__()
