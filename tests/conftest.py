"""Fixtures of all tests that talk to a running drsim, and on how many cores the tests run."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Client, Drsim, Receiver

# Where compiled code is not kept, each of the hundreds of processes that tests start compiles all of drsim again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

FEW = 3
"""So many files are run where they are: to start workers would take longer than it saves."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker more than there are cores, since tests wait as well; none for a few files or tests, or a debugger."""
    files = {Path(each.partition("::")[0]) for each in config.args}
    few = len(files) <= FEW and not any(file.is_dir() for file in files)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(asked) if asked else 0 if few else cores + 1


@pytest.fixture(scope="session")
def drsim() -> Iterator[Drsim]:
    """One server for all tests of a worker, with manual time: tests keep apart by their keys."""
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
