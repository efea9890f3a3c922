"""One delivery attempt against everything a receiver can be: slow, endless, broken, under TLS, or where nobody may go.

Real receivers; names that only a name server could make are made by a resolver of the test's own.
"""

import asyncio
import gzip
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import AF_INET, AddressFamily, socket
from typing import Any

import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from drsim.domain.addresses import Hosts
from drsim.engine.delivery import Sender
from drsim.engine.transport import Answered, Network, Transport
from tests.engine.receivers import RawReceiver, answer, read_request
from tests.engine.test_deliveries import CREATED, deliveries, only, ship
from tests.harness import Client, Drsim, Receiver
from tests.scenario.playing import drsim, written

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HEADERS = {"DigitalRiver-Signature": "1, x"}

Play = Callable[[socket], None]


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender()
    yield sender
    await sender.close()


def says(*parts: bytes) -> Play:
    """Answers with this and closes the connection."""

    def play(connection: socket) -> None:
        read_request(connection)
        for part in parts:
            connection.sendall(part)

    return play


def goes_on(first: bytes, piece: bytes, pause: float = 0) -> Play:
    """Answers with `first`, and then with `piece` for longer than anybody waits."""

    def play(connection: socket) -> None:
        read_request(connection)
        connection.sendall(first)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            connection.sendall(piece)
            time.sleep(pause)

    return play


def answers_unheard(connection: socket) -> None:
    connection.sendall(answer(b"ok"))
    time.sleep(5)


GARBLED = "the answer is not HTTP, or its headers are too long"
BROKEN_OFF = "the answer breaks off or is garbled"
SILENT = "no answer within 3000 ms"
ENDLESS = "no end of the answer within 3000 ms"

MISCHIEF: dict[str, tuple[Play, int | None, str | None]] = {
    "says nothing": (goes_on(b"", b"", 0.1), None, SILENT),
    "drips headers": (goes_on(OK, b"A: b\r\n", 0.2), None, SILENT),
    "drips a body": (goes_on(OK + b"Content-Length: 100\r\n\r\n", b"x", 0.2), 200, ENDLESS),
    "has endless headers": (goes_on(OK, b"A: b\r\n" * 1_000), None, GARBLED),
    "has an endless header": (goes_on(OK + b"A: ", b"b" * 65_536), None, GARBLED),
    "has an endless status": (goes_on(b"HTTP/1.1 200 ", b"b" * 65_536), None, GARBLED),
    "has an endless body": (goes_on(OK + b"\r\n", b"x" * 65_536), 200, None),
    "has endless chunks": (goes_on(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"), 200, None),
    "has endless tiny chunks": (goes_on(CHUNKED, b"1\r\nx\r\n" * 5_000), 200, ENDLESS),
    "has an endless chunk extension": (goes_on(CHUNKED + b"5;", b"a" * 65_536), 200, ENDLESS),
    "has endless trailers": (goes_on(CHUNKED + b"0\r\n", b"A: b\r\n" * 1_000), None, GARBLED),
    "has endless blank lines": (goes_on(b"", b"\r\n" * 30_000), None, SILENT),
    "has 100 MB": (goes_on(OK + b"Content-Length: 104857600\r\n\r\n", b"x" * 65_536), 200, None),
    "goes on with early hints": (goes_on(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000), None, SILENT),
    "goes on with slow hints": (goes_on(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.1), None, SILENT),
    "zips 50 MB": (says(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"0" * 50_000_000)), 200, None),
    "closes in the body": (says(OK + b"Content-Length: 50\r\n\r\nabc"), 200, BROKEN_OFF),
    "closes in a chunk": (says(CHUNKED + b"5\r\nab"), 200, BROKEN_OFF),
    "has chunks of nonsense": (says(CHUNKED, b"zz\r\nx"), None, None),
    "has two lengths": (says(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nx"), None, GARBLED),
    "has a negative length": (says(OK + b"Content-Length: -5\r\n\r\n"), None, GARBLED),
    "speaks HTTP/2": (says(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d"), None, GARBLED),
    "speaks HTTP/0.9": (says(b"hello"), None, GARBLED),
    "closes at once": (lambda connection: None, None, None),
    "switches protocols": (says(b"HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"), 101, None),
    "does not read": (answers_unheard, 200, None),
}
VARYING = {"has chunks of nonsense", "has endless trailers"}
"""What is told depends on how much comes at once."""


def memory() -> float:
    """The memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


async def test_whatever_a_receiver_does_an_attempt_is_over_in_time_takes_little_memory_and_stops_nobody(
    sender: Sender,
) -> None:
    with ExitStack() as stack:
        receivers = {name: stack.enter_context(RawReceiver(play)) for name, (play, _, _) in MISCHIEF.items()}
        with RawReceiver(says(answer())) as usual:
            await sender.post(usual.url, HEADERS, b"{}")  # loads the client
        before, longest = memory(), 0.0
        posts = {
            name: asyncio.create_task(sender.post(receiver.url, HEADERS, b"x" * 5_000))
            for name, receiver in receivers.items()
        }
        while not all(post.done() for post in posts.values()):
            started = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - started)
        grown = memory() - before
        found = {name: post.result() for name, post in posts.items()}
    told = {name: (each.status, each.error) for name, each in found.items() if name not in VARYING}
    expected = {name: (status, error) for name, (_, status, error) in MISCHIEF.items() if name not in VARYING}
    expected["closes at once"] = (None, found["closes at once"].error)
    assert told == expected
    assert found["closes at once"].error
    assert [name for name in VARYING if not found[name].error] == []
    assert {name: each.duration for name, each in found.items() if each.duration > 3_500_000} == {}
    assert {name: len(each.body) for name, each in found.items() if len(each.body) > 4_096} == {}
    assert grown < 40
    assert longest < 1


async def test_a_connection_whose_answer_was_too_long_is_closed_and_others_are_kept(sender: Sender) -> None:
    def play(connection: socket) -> None:
        while request := read_request(connection):
            length = 1_000_000 if b"/long" in request else 16_384
            connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % length + b"x" * length)

    for path, connections in (("/short", 1), ("/long", 3)):
        with RawReceiver(play) as receiver:
            for _ in range(3):
                answered = await sender.post(receiver.url + path, HEADERS, b"{}")
                assert (answered.status, answered.error) == (200, None)
            assert receiver.connections == connections


async def test_what_is_answered_is_told(sender: Sender) -> None:
    body = b"0123456789" * 1_000
    head = b"HTTP/1.1 422 No\r\nX-One: a\r\nX-One: b\r\nX-Odd: \xff\r\nX-Long: " + b"l" * 5_000 + b"\r\n"
    with RawReceiver(says(head + b"Content-Length: 10000\r\n\r\n" + body)) as receiver:
        answered = await sender.post(receiver.url, HEADERS, b"{}")
    assert (answered.status, answered.error, answered.body) == (422, None, body[:4_096])
    assert {name: answered.headers[name] for name in ("X-One", "X-Odd")} == {"X-One": "a, b", "X-Odd": "\ufffd"}
    assert answered.headers["X-Long"] == "l" * 1_024
    assert 0 < answered.duration < 3_000_000


async def test_a_receiver_that_repeats_what_it_was_told_does_not_bring_credentials_on_record(sender: Sender) -> None:
    def echo(connection: socket) -> None:
        request = read_request(connection)
        connection.sendall(OK + b"X-Heard: Bearer sesame-1234\r\nContent-Length: %d\r\n\r\n" % len(request) + request)

    with RawReceiver(echo) as receiver:
        answered = await sender.post(receiver.url, {"Authorization": "Bearer sesame-1234"}, b"{}")
    assert "Authorization: Bearer …" in answered.body.decode()
    assert "sesame" not in f"{answered!r}{answered.body.decode()}"


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificates(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the certificate of the test's authority."""
    path = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[RawReceiver]:
    """A receiver under TLS whose certificate is only good for those who trust the test's authority."""
    with RawReceiver(says(answer(b"thanks")), tls(authority)) as receiver:
        yield receiver


async def post(network: Network, address: str, resolver: AbstractResolver | None = None) -> Answered:
    sender = Sender(network, resolver)
    try:
        return await sender.post(address, HEADERS, b"{}")
    finally:
        await sender.close()


async def test_https_trusts_the_system_what_is_given_or_everybody(secure: RawReceiver, certificates: str) -> None:
    refused = await post(Network(), secure.url)
    assert refused.status is None
    assert refused.error == (
        f"the certificate of 127.0.0.1:{secure.port} is not trusted: unable to get local issuer certificate"
    )
    for network in (Network(ca=certificates), Network(insecure=True)):
        answered = await post(network, secure.url)
        assert (answered.status, answered.error, answered.body) == (200, None, b"thanks")


async def test_a_certificate_has_to_be_for_the_host(authority: trustme.CA, certificates: str) -> None:
    with RawReceiver(says(answer()), tls(authority, "shop.example.com")) as receiver:
        refused = await post(Network(ca=certificates), receiver.url)
        assert refused.status is None
        assert (refused.error or "").startswith(f"the certificate of 127.0.0.1:{receiver.port} is not trusted: IP addr")
        assert (await post(Network(insecure=True), receiver.url)).status == 200


async def test_https_to_a_receiver_without_tls_says_so(receiver: Receiver) -> None:
    refused = await post(Network(), receiver.url.replace("http:", "https:"))
    assert refused.status is None
    assert (refused.error or "").startswith("no TLS with 127.0.0.1:")
    assert "Operation not permitted" not in (refused.error or "")


async def test_an_endless_answer_under_tls_is_not_read_to_its_end(authority: trustme.CA, certificates: str) -> None:
    before = memory()
    with RawReceiver(goes_on(OK + b"\r\n", b"x" * 65_536), tls(authority)) as receiver:
        answered = await post(Network(ca=certificates), receiver.url)
    assert (answered.status, answered.error, len(answered.body)) == (200, None, 4_096)
    assert memory() - before < 40


def test_the_options_of_serve_decide_whom_deliveries_trust(secure: RawReceiver, certificates: str) -> None:
    for options, outcome in (([], None), (["--webhook-ca", certificates], 200), (["--webhook-insecure"], 200)):
        with Drsim("--clock", "manual", *options) as server:
            client = server.client()
            client.webhook(secure.url, CREATED)
            ship(client)
            client.settle("now")
            attempt = only(client)["attempts"][0]
            assert attempt.get("status") == outcome
            assert ("error" in attempt) == (outcome is None)


def test_a_run_reaches_a_system_under_test_by_https(secure: RawReceiver, certificates: str, tmp_path: Path) -> None:
    text = """given:
  orders: [{as: order, items: [{as: item, price: 10}]}]
steps:
  - call: POST /fulfillments
    body: {orderId: "${order.id}", items: [{itemId: "${item.id}", quantity: 1}]}
  - {delivery: fulfillment.created, expect: {status: 200, attempts: 1}}
"""
    arguments = ("run", str(written(tmp_path, secure=text)), "--webhook", secure.url, "--port", "0")
    assert drsim(*arguments, "--webhook-ca", certificates).code == 0
    assert drsim(*arguments, "--webhook-insecure").code == 0
    ran = drsim(*arguments)
    assert (ran.code, "is not trusted" in ran.out) == (1, True)


# Where deliveries go


class Names(AbstractResolver):
    """A resolver with names of its own; each look-up takes the next of their answers, the last one stays."""

    def __init__(self, **names: list[str]) -> None:
        self._names = {name.replace("_", "."): [each.split() for each in found] for name, found in names.items()}

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        answers = self._names[host]
        numbers = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(hostname=host, host=number, port=port, family=AF_INET, proto=0, flags=0) for number in numbers
        ]

    async def close(self) -> None:
        pass


def not_open(host: str) -> str:
    return f"{host} is not on a local network: start drsim with --webhook-host {host} to send there"


@pytest.mark.parametrize(
    "number",
    [
        "93.184.216.34",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "172.32.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
async def test_no_name_leads_out_of_the_local_networks(number: str) -> None:
    answered = await post(Network(), "http://shop.test:9/", Names(shop_test=[number]))
    assert (answered.status, answered.error) == (None, not_open("shop.test"))
    assert answered.duration < 500_000
    assert (await post(Network(), f"http://{number}:9/")).error == not_open(number)


@pytest.mark.parametrize("address", ["http://[fe80::1]:9/", "http://[2001:db8::1]:9/", "http://[::ffff:8.8.8.8]:9/"])
async def test_numbers_of_the_new_kind_are_looked_at_too(address: str) -> None:
    assert "is not on a local network" in ((await post(Network(), address)).error or "")


async def test_a_name_that_leads_to_a_local_network_is_open_as_in_a_network_of_containers(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    assert (await post(Network(), f"http://shop:{port}/", Names(shop=["127.0.0.1"]))).status == 200
    assert (await post(Network(), f"http://localhost:{port}/")).status == 200
    ten = await post(Network(), "http://shop:9/", Names(shop=["10.255.255.1"]))
    assert ten.error != not_open("shop")


async def test_a_name_that_leads_elsewhere_the_second_time_is_looked_at_again() -> None:
    """What was found out about a name earlier never opens it."""

    def once(connection: socket) -> None:
        read_request(connection)
        connection.sendall(answer())

    with RawReceiver(once) as receiver:
        sender = Sender(Network(), Names(shop_test=["127.0.0.1", "93.184.216.34"]))
        # The client itself keeps names for some seconds.
        here = sender._transport
        assert isinstance(here, Transport)
        session = here._session(by_name=False)
        session.connector._use_dns_cache = False  # type: ignore[union-attr]
        first = await sender.post(f"http://shop.test:{receiver.port}/", HEADERS, b"{}")
        second = await sender.post(f"http://shop.test:{receiver.port}/", HEADERS, b"{}")
        await sender.close()
    assert (first.status, second.error) == (200, not_open("shop.test"))


async def test_of_several_numbers_only_the_open_ones_are_tried(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    names = Names(shop_test=["169.254.169.254 127.0.0.1"])
    assert (await post(Network(), f"http://shop.test:{port}/", names)).status == 200


@pytest.mark.parametrize("named", ["shop.example.com", "*.example.com", "*"])
async def test_a_host_that_is_named_may_be_anywhere_but_at_a_link_local_address(named: str) -> None:
    network, host = Network(Hosts((named,))), "shop.example.com"
    elsewhere = await post(network, f"http://{host}:9/", Names(**{"shop_example_com": ["192.0.2.1"]}))
    assert "local network" not in (elsewhere.error or "")
    metadata = await post(network, f"http://{host}/", Names(**{"shop_example_com": ["169.254.169.254"]}))
    assert metadata.error == f"{host} is at an address that webhooks never go to"


async def test_a_link_local_address_is_open_when_it_is_named_itself() -> None:
    answered = await post(Network(Hosts(("169.254.1.2",))), "http://169.254.1.2:9/")
    assert "local network" not in (answered.error or "")
    assert "never go" not in (answered.error or "")


def test_a_host_that_is_not_named_any_more_gets_nothing_any_more(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))
    errors = []
    for more in (("--webhook-host", "192.0.2.1"), ()):
        with Drsim(*options, *more) as server:
            client = server.client()
            if more:
                client.webhook("http://192.0.2.1:9/", CREATED)
            ship(client)
            client.settle("now")
            errors.append(deliveries(client)[-1]["attempts"][0]["error"])
            server.stop()
    assert "local network" not in errors[0]
    assert errors[1] == not_open("192.0.2.1")


def test_a_redirect_leads_nowhere(client: Client) -> None:
    with Receiver(lambda received: 307) as receiver:
        client.webhook(receiver.url, CREATED)
        ship(client)
        client.settle("now")
        assert only(client)["attempts"][0]["status"] == 307
        assert len(receiver.received) == 1


def test_the_attempt_on_record_does_not_show_the_password(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED, authentication={"username": "ann", "password": "sesame"})
    ship(client)
    client.settle("now")
    assert receiver.received[0].headers["authorization"] == "Basic YW5uOnNlc2FtZQ=="
    shown: dict[str, Any] = only(client)["attempts"][0]["requestHeaders"]
    assert shown["Authorization"] == "Basic …"
    assert "YW5uOnNlc2FtZQ" not in client.get("/_sim/deliveries").text
