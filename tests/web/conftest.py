"""Clients of the tests in this folder: cheap to make, each in a sandbox of its own, all closed in the end."""

import zlib
from collections.abc import Callable, Iterator

import pytest

from tests.harness import Client, Drsim

Connect = Callable[..., Client]


@pytest.fixture
def another(drsim: Drsim) -> Iterator[Connect]:
    """Makes one more client: of a sandbox by `name`, or by a `key`; of the common server, or of the `server` given."""
    made: list[Client] = []

    def connect(name: str = "drsim", *, key: str | None = None, server: Drsim = drsim) -> Client:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        # Loading certificates takes a hundred times as long as everything else about a client.
        client = Client(url, key or f"sk_test_{name}", verify=False)
        made.append(client)
        return client

    yield connect
    for client in made:
        client.http.close()


@pytest.fixture
def client(another: Connect, request: pytest.FixtureRequest) -> Client:
    """A client with a sandbox of its own."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in request.node.nodeid)
    return another(f"{zlib.crc32(request.node.nodeid.encode()):08x}_{words[-50:]}")
