"""Posting from a process of its own under load: nobody can tell, and nothing is lost when that process goes away."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from drsim import machine
from drsim.domain.addresses import Hosts
from drsim.domain.values import replace
from drsim.engine.relay import MUCH, Relay
from drsim.engine.transport import Network, Transport
from tests.engine.receivers import closed_address
from tests.engine.test_deliveries import deliveries
from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually

TYPES = ("fulfillment.created", "order.charge.capture.pending")
WEBHOOKS = 6
FULFILLMENTS = 100

in_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")


@asynccontextmanager
async def relaying(network: Network | None = None) -> AsyncIterator[tuple[Relay, Receiver]]:
    """A relay that posts from another process by now, and what it has posted to so far."""
    relay = Relay(Transport(network or Network()), machine.helper)
    try:
        with Receiver() as receiver:
            async with asyncio.timeout(10):
                while relay._there is None:
                    await relay.post(receiver.url, {}, b"{}")
            yield relay, receiver
    finally:
        await relay.close()


async def test_what_comes_of_a_post_is_the_same_wherever_it_is_made() -> None:
    here = Transport(Network(Hosts(("nowhere.test",))))
    try:
        async with relaying(here.network) as (relay, receiver):
            for address in (f"{receiver.url}/it?a=b", closed_address(), "http://8.8.8.8/", "http://nowhere.test/"):
                headers = {"Content-Type": "application/json", "DigitalRiver-Signature": "1, ü"}
                answers = [await poster.post(address, headers, b"[1]") for poster in (relay, here)]
                far, near = (replace(each, duration=0, headers=dict.fromkeys(each.headers, "")) for each in answers)
                assert far == near
            posts = [each for each in receiver.received if each.path == "/it?a=b"]
            assert [each.body for each in posts] == [b"[1]", b"[1]"]
            assert dict(posts[0].headers) == dict(posts[1].headers)
    finally:
        await here.close()


async def test_few_posts_start_no_process() -> None:
    relay = Relay(Transport(Network()), machine.helper)
    try:
        with Receiver() as receiver:
            for _ in range(MUCH - 1):
                assert (await relay.post(receiver.url, {}, b"{}")).status == 200
            assert relay._running is None
    finally:
        await relay.close()


async def test_a_process_without_anything_to_post_ends_and_another_one_is_started_when_there_is_much_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drsim.engine.relay.REST", 0.2)
    async with relaying() as (relay, receiver), asyncio.timeout(20):
        while relay._running is not None:
            await asyncio.sleep(0.05)
        assert relay._there is None
        while relay._there is None:
            assert (await relay.post(receiver.url, {}, b"{}")).status == 200


async def test_a_process_that_cannot_be_started_is_done_without() -> None:
    tried = []

    @contextmanager
    def none() -> Iterator[socket.socket]:
        tried.append(1)
        raise OSError("no more processes")
        yield

    relay = Relay(Transport(Network()), none)
    try:
        with Receiver() as receiver:
            for _ in range(2 * MUCH):
                assert (await relay.post(receiver.url, {}, b"{}")).status == 200
    finally:
        await relay.close()
    assert tried == [1]


@in_proc
async def test_what_a_process_had_in_hand_when_it_went_away_is_posted_all_the_same() -> None:
    def wait(received: Received) -> int:
        if received.path == "/late" and len([each for each in receiver.received if each.path == "/late"]) == 1:
            released.wait(5)
        return 200

    released = threading.Event()
    before = _children(os.getpid())  # the servers of other tests
    async with relaying() as (relay, _):
        with Receiver(wait) as receiver:
            late = asyncio.create_task(relay.post(f"{receiver.url}/late", {}, b"{}"))
            while not receiver.received:
                await asyncio.sleep(0.01)
            (child,) = set(_children(os.getpid())) - set(before)
            os.kill(child, signal.SIGKILL)
            try:
                assert (await asyncio.wait_for(late, 5)).status == 200
            finally:
                released.set()
            assert len(receiver.received) == 2
            assert relay._there is None


@in_proc
def test_under_load_the_process_that_posts_is_killed_and_every_webhook_gets_everything_in_order() -> None:
    with Receiver() as receiver, Drsim("--clock", "manual") as server:
        client, webhooks, events = _loaded(server, receiver)
        eventually(lambda: len(receiver.received) > MUCH + 50)
        (child,) = _children(server.process.pid)
        os.kill(child, signal.SIGKILL)
        eventually(lambda: len(receiver.received) >= len(events) * len(webhooks))
        client.settle()
        for number, webhook in enumerate(webhooks):
            got = [json.loads(each.body)["id"] for each in receiver.received if each.path == f"/{number}"]
            assert list(dict.fromkeys(got)) == events
            assert len(got) <= len(events) + 1  # what the process had in hand
            made = deliveries(client, webhookId=webhook["id"])
            assert {(each["state"], len(each["attempts"])) for each in made} == {("delivered", 1)}
        assert server.errors() == ""


@in_proc
def test_ctrl_c_ends_the_server_in_order_and_then_the_process_that_posts() -> None:
    with Receiver() as receiver, Drsim("--clock", "manual") as server:
        _loaded(server, receiver)
        (child,) = _children(server.process.pid)
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(10) == 0
        assert not Path(f"/proc/{child}").exists()
        assert server.errors() == ""


@in_proc
def test_with_a_killed_server_goes_the_process_that_posts() -> None:
    with Receiver() as receiver, Drsim("--clock", "manual") as server:
        _loaded(server, receiver)
        (child,) = _children(server.process.pid)
        eventually(lambda: len(receiver.received) > MUCH + 50)
        server.kill()
        eventually(lambda: not Path(f"/proc/{child}/exe").exists())


def _loaded(server: Drsim, receiver: Receiver) -> tuple[Client, list[JSON], list[str]]:
    """A server that has just started a process to post from, its webhooks, and the events that each of them gets."""
    client = server.client("load")
    order = client.order(items=[{"price": 1.0, "quantity": 500}])
    line = {"itemId": order["items"][0]["id"], "quantity": 1}
    for _ in range(FULFILLMENTS):
        client.ok(client.fulfill(order, line), 201)
    webhooks = [client.webhook(f"{receiver.url}/{number}", *TYPES) for number in range(WEBHOOKS)]
    events = [event["id"] for event in client.events() if event["type"] in TYPES]
    since = client.events()[0]["createdTime"]
    for webhook in webhooks:
        client.ok(client.post(f"/_sim/webhooks/{webhook['id']}/resend", json={"since": since}), 201)
    eventually(lambda: bool(_children(server.process.pid)))
    return client, webhooks, events


def _children(process: int) -> list[int]:
    """The processes that this one has started to post: tests have others, which they go on with."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in found if b"drsim.helper" in Path(f"/proc/{child}/cmdline").read_bytes()]
