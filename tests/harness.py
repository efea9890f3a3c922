"""A real drsim in a process of its own, a real receiver, and a client: what the tests talk to."""

import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from drsim.domain.webhooks import verified
from tests.described import hold

JSON = dict[str, Any]


class Drsim:
    """`drsim serve` as a subprocess, on a free port unless told otherwise. Use as a context manager."""

    def __init__(self, *options: str, env: dict[str, str] | None = None, port: str | None = "0") -> None:
        ports = [] if port is None else ["--port", port]
        command = [sys.executable, "-m", "drsim.cli", "serve", *ports, *options]
        # A pipe that nobody reads would fill up and stop the server.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=env, start_new_session=True
        )
        assert self.process.stdout is not None
        self.output: list[str] = []
        self.clients: list[Client] = []
        self.url = ""
        for line in self.process.stdout:
            self.output.append(line)
            if match := re.search(r"http://[^\s/]+:\d+", line):
                self.url = match[0]
                break
        else:
            raise AssertionError(f"drsim did not start: {self.output} {self.errors()}")

    def client(self, name: str = "drsim", *, key: str | None = None, **options: Any) -> "Client":
        """A client of the sandbox `name`."""
        client = Client(self.url, key or f"sk_test_{name}", **options)
        self.clients.append(client)
        return client

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, str, str]:
        """SIGTERM; returns the exit code, the rest of the output, and the errors."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        return self.process.wait(timeout=10), out, self.errors()

    def errors(self) -> str:
        """What it has written to its error output so far."""
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def __enter__(self) -> "Drsim":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        for client in self.clients:
            client.http.close()
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()


class Client:
    """A small client: every method returns the response, `ok` checks the status and returns the body."""

    def __init__(self, url: str, key: str, **options: Any) -> None:
        # Loading certificates, which nothing here needs, would take a hundred times as long as all the rest.
        usual: JSON = {"timeout": 30, "trust_env": False, "verify": False, "event_hooks": {"response": [hold]}}
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, **(usual | options))
        self.get = self.http.get
        self.post = self.http.post
        self.patch = self.http.patch
        self.delete = self.http.delete

    def ok(self, response: httpx.Response, status: int = 200) -> Any:
        """The body of a response that must have this status."""
        assert response.status_code == status, f"{response.status_code}: {response.text}"
        return response.json()

    def order(self, **spec: Any) -> JSON:
        """A new order; by default three widgets of 10.00 with 8.025 % tax and 5.00 shipping: 37.81."""
        usual: JSON = {"shipping": 5.0, "taxRate": 0.08025, "items": [{"name": "Widget", "price": 10.0, "quantity": 3}]}
        body: JSON = self.ok(self.post("/_sim/orders", json={**usual, **spec}), 201)
        return body

    def fulfill(self, order: JSON, *lines: JSON, **more: Any) -> httpx.Response:
        """`POST /fulfillments`; without lines everything of the first item."""
        first = {"itemId": order["items"][0]["id"], "quantity": order["items"][0]["quantity"]}
        return self.post("/fulfillments", json={"orderId": order["id"], "items": list(lines) or [first], **more})

    def advance(self, by: str) -> JSON:
        """Moves the clock."""
        body: JSON = self.ok(self.post("/_sim/clock/advance", json={"by": by}))
        return body

    def settle(self, until: str = "idle") -> JSON:
        """Lets everything happen that is pending."""
        body: JSON = self.ok(self.post("/_sim/settle", json={"until": until}))
        return body

    def events(self, **params: Any) -> list[JSON]:
        """All events that fit, oldest first."""
        found: list[JSON] = []
        while True:
            cursor = {"startingAfter": found[-1]["id"]} if found else {}
            page = self.ok(self.get("/events", params={"limit": 100, **params, **cursor}))
            found += page["data"]
            if not page["hasMore"]:
                return found[::-1]

    def event_types(self, **params: Any) -> list[str]:
        """The types of all events that fit, oldest first."""
        return [event["type"] for event in self.events(**params)]

    def webhook(self, address: str, *types: str, **more: Any) -> JSON:
        """A new webhook."""
        body: JSON = self.ok(self.post("/webhooks", json={"address": address, "types": list(types), **more}), 201)
        return body

    def secret(self, webhook: JSON) -> str:
        """The newest signing secret of a webhook."""
        secrets: list[str] = self.ok(self.get(f"/_sim/webhooks/{webhook['id']}/secrets"))["secrets"]
        return secrets[0]


@dataclass(frozen=True)
class Received:
    """One request that came to the receiver."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    def signed_with(self, secret: str) -> bool:
        """Whether its signature is right."""
        return verified(self.headers.get("digitalriver-signature", ""), secret, self.body)


@dataclass
class Receiver:
    """A webhook endpoint on a free port that keeps what it gets and answers as told (`answer` returns a status)."""

    answer: Callable[[Received], int] = lambda received: 200
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(self.path, headers, body, time.monotonic())
                receiver.received.append(request)
                status = receiver.answer(request)
                try:
                    self.send_response(status)
                    if 300 <= status < 400:
                        self.send_header("location", f"{receiver.url}/elsewhere")
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender did not wait for the answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def eventually(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Waits until `condition` is true, in real time; for what happens in another process by itself."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return value
