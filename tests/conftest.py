"""Fixtures of all tests that talk to a running drsim."""

from collections.abc import Iterator

import pytest

from tests.harness import Client, Drsim, Receiver


@pytest.fixture(scope="session")
def drsim() -> Iterator[Drsim]:
    """One server for the whole run, with manual time: tests keep apart by their keys."""
    with Drsim("--clock", "manual", "--seed", "1") as server:
        yield server


@pytest.fixture
def client(drsim: Drsim, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client with a sandbox of its own."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.nodeid)[-60:]
    client = drsim.client(name)
    yield client
    client.http.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook endpoint."""
    with Receiver() as receiver:
        yield receiver
