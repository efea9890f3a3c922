"""`drsim listen` and `drsim trigger` as people use them: processes of their own, beside a server."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest

from drsim import cli
from drsim.domain.events import EMITTED, TYPES
from drsim.domain.webhooks import signature
from drsim.listen import LARGEST
from tests.harness import JSON, Drsim, Receiver, eventually

TOKEN = "whk_mine"


class Listen:
    """`drsim listen` as a subprocess, on a free port unless told otherwise. Use as a context manager."""

    def __init__(self, *options: str, port: str = "0", env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "drsim.cli", "listen", "--port", port, *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.url = eventually(lambda: next(iter(re.findall(r"listens for events on (\S+)", self.told)), ""))
        if "--register" in options:
            eventually(lambda: "registered at" in self.told)

    @property
    def told(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            self.lines.extend(line.rstrip("\n") for line in stdout)

    def about(self, what: str) -> str:
        """The one line about something, as soon as it is there."""
        found: str = eventually(lambda: next((line for line in self.lines if what in line), ""))
        return found

    def post(self, body: bytes, secret: str | None = TOKEN, **headers: str) -> httpx.Response:
        """Posts a body, signed with this secret."""
        signed = {} if secret is None else {"DigitalRiver-Signature": signature((secret,), 1_700_000_000, body)}
        return httpx.post(f"{self.url}/hooks", content=body, headers={**signed, **headers}, trust_env=False, timeout=30)

    def stop(self, *signals: int) -> int:
        """Tells it to stop; returns the exit code."""
        for number in signals or (signal.SIGTERM,):
            self.process.send_signal(number)
            time.sleep(0.02)
        code = self.process.wait(timeout=10)
        assert "Traceback" not in self.told
        return code

    def __enter__(self) -> "Listen":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def event(id: str = "e1", type: str = "order.accepted", **thing: Any) -> bytes:
    """An event as a webhook gets it."""
    return orjson.dumps({"id": id, "type": type, "data": {"object": {"id": "178", "state": "accepted", **thing}}})


def command(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What became of a command that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "drsim.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **(env or {})},
    )
    assert "Traceback" not in done.stderr
    return done


def test_beside_a_server_that_signs_with_the_same_token_every_event_is_verified() -> None:
    with Listen("--token", TOKEN) as listen:
        options = ("--webhook", listen.url, "--webhook-token", TOKEN)
        with Drsim("--clock", "manual", "--seed", "1", *options) as server:
            client = server.client()
            order = client.order()
            client.ok(
                client.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": 2, "cancelQuantity": 1}), 201
            )
            client.settle()
            told = [event["id"] for event in client.events() if "webhookIds" in event or "versionIds" in event]
            eventually(lambda: len(listen.lines) == 1 + len(told))
        lines = listen.lines[1:]
        assert all(line.endswith("  signature verified  -> 200") for line in lines)
        charge = order["payment"]["charges"][0]["id"]
        wanted = [
            f"order.accepted  {order['id']}  accepted 37.81 USD  ",
            "  2 shipped, 1 cancelled  ",
            f"order.charge.capture.complete  {charge}  25.21 complete  ",
            f"order.charge.cancel.complete  {charge}  12.6 complete  ",
            f"order.complete  {order['id']}  complete 37.81 USD  ",
        ]
        for each in wanted:
            assert any(each in line for line in lines), (each, lines)
        assert all(re.match(r"\d\d:\d\d:\d\d  [a-z_.]+  \S+  ", line) for line in lines)
        assert listen.stop() == 0


def test_a_wrong_signature_is_shouted_and_without_a_token_nothing_is_checked() -> None:
    with Listen("--token", "whk_old", "--token", TOKEN) as listen:
        assert listen.post(event("a")).status_code == 200
        listen.post(event("b", "order.blocked"), "whk_other")
        listen.post(event("c", "order.fulfilled"), None)
        assert "  signature verified  " in listen.about("order.accepted")
        assert "  SIGNATURE WRONG  " in listen.about("order.blocked")
        assert "  SIGNATURE WRONG  " in listen.about("order.fulfilled")
    with Listen() as listen:
        listen.post(event("a"))
        assert "  not checked (no --token)  -> 200" in listen.about("order.accepted")


def test_an_event_that_comes_again_is_marked() -> None:
    with Listen() as listen:
        for _ in range(3):
            listen.post(event("again"))
        listen.post(event("another", "order.complete"))
        eventually(lambda: len(listen.lines) == 5)
        assert [re.findall(r"duplicate \((\d) times\)", line) for line in listen.lines[1:]] == [[], ["2"], ["3"], []]


def test_it_answers_what_it_was_told_when_it_was_told_and_prints_bodies() -> None:
    with Listen("--status", "503", "--delay", "300ms", "--body") as listen:
        started = time.monotonic()
        assert listen.post(event(note="ünï\u001b[31m")).status_code == 503
        assert time.monotonic() - started >= 0.3
        assert listen.about("order.accepted").endswith("-> 503")
        listen.about('      "state": "accepted",')
        assert "ünï" in listen.told
        assert "\033" not in listen.told


def raw(url: str, request: bytes) -> bytes:
    """What is answered to these bytes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(100)


def test_nothing_that_strangers_send_ends_it_or_prints_a_traceback() -> None:
    with Listen("--token", TOKEN, "--body") as listen:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n\r\n"
        for body in (b"", b"\xff\xfe", b"[]", b"null", b"[" * 5_000, b'{"type": 1}', b'"\x1b[2J"'):
            assert listen.post(body).status_code == 200
        odd: list[JSON] = [
            {"type": "order.\u001b[2J\naccepted", "id": 5, "data": {"object": {"id": ["x"], "state": {}}}},
            {"type": "order.charge.capture.failed", "id": [], "data": {"object": {"captures": [1, {}, None]}}},
            {"type": "fulfillment.created", "data": {"object": {"items": {"quantity": "9"}}}},
            {"type": "fulfillment.created", "data": {"object": {"items": [{"quantity": "9"}, 3]}}},
            {"type": "order.accepted", "data": []},
        ]
        for each in odd:
            assert listen.post(orjson.dumps(each)).status_code == 200
        for header in (b"DigitalRiver-Signature: " + b"9" * 6_000 + b", x", b"DigitalRiver-Signature: 1, \xff\xfe"):
            assert raw(listen.url, head % (2, header) + b"{}").startswith(b"HTTP/1.1 200")
        assert b" 400 " in raw(listen.url, b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
        assert listen.post(b" " * (LARGEST + 1)).status_code == 413
        with socket.create_connection(listen.url.removeprefix("http://").split(":"), timeout=5) as connection:
            connection.sendall(head % (1_000, b"X: y") + b"half")
        assert httpx.get(listen.url, trust_env=False).status_code == 200
        assert listen.about("GET /").endswith("GET /: not an event, 0 bytes  SIGNATURE WRONG  -> 200")
        assert listen.post(event("last", "order.complete")).status_code == 200
        assert "signature verified" in listen.about("order.complete")
        assert f"a body of more than {LARGEST} bytes" in listen.told
        assert "\033" not in listen.told
        assert listen.stop(signal.SIGINT) == 0


def test_requests_are_forwarded_as_they_came_and_answered_with_what_the_other_end_answers() -> None:
    with Receiver(lambda received: 418) as receiver, Listen("--token", TOKEN, "--forward", receiver.url) as listen:
        body = b'{ "id": "e1",\n "type": "order.accepted",  "data": {"object": {"id": "1.0"}} }'
        more = {"X-Mine": "1", "Connection": "X-Hop, close", "X-Hop": "2", "Content-Type": "application/json; a=b"}
        answer = listen.post(body, **more)
        assert answer.status_code == 418
        (received,) = receiver.received
        assert (received.body, received.signed_with(TOKEN)) == (body, True)
        assert {name: received.headers.get(name) for name in ("x-mine", "x-hop", "content-type", "host")} == {
            "x-mine": "1",
            "x-hop": None,
            "content-type": "application/json; a=b",
            "host": receiver.url.removeprefix("http://"),
        }
        assert received.headers["user-agent"].startswith("python-httpx")
        assert listen.about("order.accepted").endswith("signature verified  -> 418")
        receiver.answer = lambda received: 302
        redirect = listen.post(body)
        assert (redirect.status_code, redirect.headers["location"]) == (302, f"{receiver.url}/elsewhere")


def test_what_cannot_be_forwarded_is_502() -> None:
    with Listen("--forward", "http://127.0.0.1:1/hooks") as listen:
        answer = listen.post(event())
        assert answer.status_code == 502
        assert "cannot forward" in answer.text
        assert listen.about("order.accepted").endswith("-> 502")


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)])
def test_a_webhook_is_registered_and_deleted_in_the_end(drsim: Drsim, signals: tuple[int, ...]) -> None:
    client = drsim.client(f"listening{len(signals)}{signals[0]}")
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    with Listen("--register", drsim.url, "--key", key, "--types", "order.accepted,order.charge.*") as listen:
        (webhook,) = client.ok(client.get("/webhooks"))
        assert webhook["address"] == listen.url
        wanted = {type for type in TYPES if type.startswith("order.charge.")} | {"order.accepted"}
        assert set(webhook["types"]) == wanted
        client.order()
        assert "signature verified" in listen.about("order.accepted")
        slow = {"when": {"call": "DELETE /webhooks/*"}, "then": {"delay": "300ms"}}
        client.ok(client.post("/_sim/faults", json=slow), 201)
        assert listen.stop(*signals) == 0
        assert client.ok(client.get("/webhooks")) == []
        assert listen.lines[-1] == f"webhook {webhook['id']} deleted"


def test_without_types_everything_is_registered_and_a_secret_changed_meanwhile_is_read_again() -> None:
    with Drsim("--clock", "manual") as server, Listen("--register", server.url) as listen:
        client = server.client()
        (webhook,) = client.ok(client.get("/webhooks"))
        assert set(webhook["types"]) == TYPES
        rotated = client.post(f"/_sim/webhooks/{webhook['id']}/rotate", json={"expireOldIn": "0s"})
        assert rotated.is_success
        client.order()
        assert "signature verified" in listen.about("order.accepted")
        faulty = {"when": {"delivery": "order.updated"}, "then": {"corruptSignature": True}}
        client.ok(client.post("/_sim/faults", json=faulty), 201)
        client.ok(client.post("/_sim/trigger", json={"type": "order.updated"}))
        assert "SIGNATURE WRONG" in listen.about("order.updated")


def test_when_the_server_is_gone_it_says_so_and_ends_well() -> None:
    with Drsim("--clock", "manual") as server, Listen("--register", server.url) as listen:
        server.kill()
        assert listen.stop() == 0
        assert f"the server at {server.url} is gone" in listen.lines[-1]


def test_when_its_webhook_is_gone_it_says_so_and_ends_well(drsim: Drsim) -> None:
    client = drsim.client("gone")
    with Listen("--register", drsim.url, "--key", "sk_test_gone") as listen:
        (webhook,) = client.ok(client.get("/webhooks"))
        client.delete(f"/webhooks/{webhook['id']}")
        assert listen.stop() == 0
        assert listen.lines[-1] == f"webhook {webhook['id']} was already gone"


def test_what_keeps_it_from_listening_is_told_in_words(drsim: Drsim, receiver: Receiver) -> None:
    port = drsim.url.rpartition(":")[2]
    done = command("listen", "--port", port)
    assert (done.returncode, done.stderr) == (
        3,
        f"drsim: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )
    done = command("listen", "--host", "256.1.1.1", "--port", "0")
    assert done.returncode == 3
    done = command("listen", "--port", "0", "--register", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert "drsim: no drsim answers at http://127.0.0.1:1: " in done.stderr
    done = command("listen", "--port", "0", "--register", receiver.url)
    assert done.returncode == 3
    assert "is not drsim" in done.stderr
    done = command("listen", "--port", "0", "--register", drsim.url, "--key", "sk_live_x")
    assert (done.returncode, done.stderr) == (3, "drsim: the server does not take this key\n")


def test_a_closed_control_plane_is_told_and_leaves_no_webhook_behind() -> None:
    with Drsim("--host", "0.0.0.0", "--control-token", "open sesame") as server:
        done = command("listen", "--port", "0", "--register", server.url)
        assert (done.returncode, "control token" in done.stderr) == (3, True)
        assert server.client().ok(server.client().get("/webhooks")) == []
        with Listen("--register", server.url, "--control-token", "open sesame") as listen:
            assert listen.stop() == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--types", "order.accepted"),
        ("--register", "--types", "order.no_such"),
        ("--forward", "http://x", "--status", "201"),
        ("--status", "99"),
        ("--delay", "soon"),
        ("--register", "localhost"),
        ("--port", "70000"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: tuple[str, ...]) -> None:
    assert command("listen", *options).returncode == 2


def test_it_does_not_forward_to_itself() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    done = command("listen", "--port", str(port), "--forward", f"http://localhost:{port}/hooks")
    assert (done.returncode, "leads back here" in done.stderr) == (2, True)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal."""
    ends = pty.openpty()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_has_colors_unless_they_are_unwanted(env: dict[str, str]) -> None:
    clean = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    with terminal() as (mine, its):
        command = [sys.executable, "-m", "drsim.cli", "listen", "--port", "0", "--token", TOKEN]
        process = subprocess.Popen(command, stdout=its, stderr=its, env={**clean, **env})
        try:
            told = b""
            while b"\n" not in told:
                told += os.read(mine, 10_000)
            url = re.findall(rb"http://\S+", told)[0].decode()
            httpx.post(url, content=event(), trust_env=False)
            while b"-> 200" not in told:
                told += os.read(mine, 10_000)
        finally:
            process.kill()
            process.wait()
    assert (b"\033[31mSIGNATURE WRONG\033[0m" in told) == (not env)
    assert (b"\033" in told) == (not env)


def test_a_reader_that_goes_away_does_not_keep_events_from_being_answered() -> None:
    command = [sys.executable, "-m", "drsim.cli", "listen", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        process.stdout.close()
        for number in range(3):
            assert httpx.post(url, content=event(str(number)), trust_env=False).status_code == 200
        process.terminate()
        assert process.stderr is not None
        with process.stderr as errors:
            assert (process.wait(timeout=10), errors.read()) == (0, "")
    finally:
        process.kill()
        process.wait()


def test_every_option_of_both_commands_can_be_set_by_its_environment_variable() -> None:
    values = {"LISTEN_PORT": "1", "LISTEN_HOST": "h", "TOKEN": "a,b", "FORWARD": "http://x", "STATUS": "201"}
    values |= {
        "DELAY": "2s",
        "BODY": "1",
        "REGISTER": "yes",
        "TYPES": "order.accepted",
        "KEY": "k",
        "CONTROL_TOKEN": "c",
    }
    values |= {"ORDER": "1", "URL": "http://y"}
    parser = cli.build_parser({f"DRSIM_{name}": text for name, text in values.items()})
    for name in ("listen", "trigger"):
        chosen, usual = vars(parser.parse_args([name])), vars(cli.build_parser({}).parse_args([name]))
        assert [each for each in usual if chosen[each] == usual[each]] == (
            ["command"] if name == "listen" else ["command", "type", "list"]
        )
    assert parser.parse_args(["listen"]).register == "http://y"


# drsim trigger.


def test_triggering_tells_what_was_done_for_the_event(drsim: Drsim) -> None:
    client = drsim.client("triggering")
    server = ("--url", drsim.url, "--key", "sk_test_triggering")
    done = command("trigger", "order.charge.capture.failed", *server)
    (order,) = client.ok(client.get("/orders"))["data"]
    (found,) = client.events(type="order.charge.capture.failed")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"  made order {order['id']}, accepted",
        f"  fulfilled order {order['id']}",
        "  advanced 2s",
        f"order.charge.capture.failed  {found['data']['object']['id']}  37.81 failed",
        f"  event {found['id']}, no webhook wants it",
    ]
    done = command("trigger", "order.updated", "--order", order["id"], *server)
    assert done.returncode == 0
    assert f"changed the metadata of order {order['id']}" in done.stdout


def test_what_cannot_be_triggered_is_told_with_an_exit_code_of_its_own(drsim: Drsim) -> None:
    server = ("--url", drsim.url, "--key", "sk_test_triggering")
    for arguments, code, told in (
        (("plan.created", *server), 2, "does not emit"),
        (("order.updated", "--order", "1", *server), 1, "not found"),
        (("order.updated", "--url", "http://127.0.0.1:1"), 3, "no drsim answers"),
        (("order.updated", "--url", drsim.url, "--key", "sk_live_x"), 3, "does not take this key"),
        ((), 2, "--list"),
    ):
        done = command("trigger", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert told in done.stderr


def test_what_can_be_triggered_is_listed_without_a_server() -> None:
    done = command("trigger", "--list")
    assert done.returncode == 0
    assert {line.split()[0] for line in done.stdout.splitlines()} == EMITTED


def test_a_listener_shows_what_a_trigger_has_brought_about(drsim: Drsim) -> None:
    key = "sk_test_both"
    with Listen("--register", drsim.url, "--key", key) as listen:
        done = command("trigger", "order.complete", "--url", drsim.url, "--key", key)
        assert "sent to 1 webhook\n" in done.stdout
        assert "signature verified" in listen.about("order.complete")
