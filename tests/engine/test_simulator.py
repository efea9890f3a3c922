"""Actions of a sandbox: everything due by then happens first, a refusal changes nothing, a bug leaves nothing behind.

Over HTTP where a client can see it; on a real store with a clock of the test's own where it cannot.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from drsim.domain.clock import MINUTE, SECOND, Clock, Time, parse_time
from drsim.domain.faults import CallEffect, Fault, Incoming
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.place import place
from drsim.domain.refusal import Refused, invalid
from drsim.engine import records
from drsim.engine.simulator import Simulator
from drsim.engine.work import Work
from drsim.store import Query, Store, Transaction
from tests.domain.builders import START, an_order_of_3781
from tests.engine.test_deliveries import deliveries
from tests.harness import JSON, Client, Receiver

# Refusals, over HTTP

REFUSED_SCENARIO = """
scenario: refused
account: {delays: {capture: 1h}, riskTolerance: averse, webhookRetries: [1s], signatureClock: simulated}
given:
  webhooks: [{address: "http://127.0.0.1:9", types: [order.created], token: whsec_refused}]
  orders:
    - {id: "1", items: [{price: 1.0, quantity: 1}]}
    - {id: "1", items: [{price: 1.0, quantity: 1}]}
behavior:
  - when: {operation: capture}
    then: {state: failed}
"""


def life(client: Client) -> list[JSON]:
    """What an order's life comes to, in all that can be read of it."""
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.advance("1h")
    paths = (
        "/_sim/clock",
        "/_sim/behavior",
        "/webhooks",
        "/orders",
        "/charges",
        "/sources",
        "/events",
        "/fulfillments",
    )
    return [client.get(path).json() for path in paths]


def test_refused_calls_change_nothing_not_even_the_ids_that_come_after_them(client: Client) -> None:
    expected = life(client)
    client.ok(client.post("/_sim/reset"))
    for clock in ("", "clock: 2030-01-01T00:00:00Z\nseed: 9\n"):
        refused = client.post("/_sim/scenario", content=REFUSED_SCENARIO + clock)
        assert refused.status_code == 409
        assert "already exists" in refused.text
    assert client.post("/_sim/orders", json={"items": [{"price": -1, "quantity": 1}]}).status_code == 400
    assert (
        client.post("/fulfillments", json={"orderId": "1", "items": [{"itemId": "1", "quantity": 1}]}).status_code
        == 404
    )
    assert client.post("/webhooks", json={"address": "nowhere", "types": ["order.created"]}).status_code == 400
    assert client.patch("/webhooks/none", json={"enabled": False}).status_code == 404
    assert life(client) == expected


def test_the_events_of_a_refusal_are_told_once_and_life_goes_on(client: Client, receiver: Receiver) -> None:
    """A risk-averse account refuses to capture on a lapsed authorization, and says so in an event."""
    client.ok(client.post("/_sim/scenario", content="scenario: averse\naccount: {riskTolerance: averse}\n"))
    client.webhook(receiver.url, "order.charge.reauth.failed")
    old = client.order(createdAgo="8d")
    for count in (1, 2):
        assert client.fulfill(old).status_code == 409
        client.settle("now")
        assert client.event_types(type="order.charge.reauth.failed") == ["order.charge.reauth.failed"] * count
        assert len(receiver.received) == count
    new = client.order()
    client.ok(client.fulfill(new), 201)
    client.settle()
    ids = [event["id"] for event in client.events()]
    assert len(set(ids)) == len(ids)
    assert client.ok(client.get(f"/orders/{new['id']}"))["state"] == "complete"
    assert [each["state"] for each in deliveries(client)] == ["delivered"] * 2


# Actions, on a real store


class Wall:
    """Real time, as these tests want it."""

    def __init__(self) -> None:
        self.now: Time = START

    def __call__(self) -> Time:
        return self.now


@asynccontextmanager
async def simulator(path: Path, wall: Wall) -> AsyncIterator[Simulator]:
    store = await Store.open(path, durable=True, types=records.TYPES)
    try:
        yield Simulator(store, wall, lambda name: sum(name.encode()), lambda: Clock(wall(), wall(), 1.0))
    finally:
        await store.close()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def running(tmp_path: Path, wall: Wall) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path / "state.db", wall) as running:
        yield running


def make(work: Work) -> str:
    decision = place(an_order_of_3781(), work.context())
    work.save(decision)
    return decision.sale.order.id


def ship(work: Work, order_id: str) -> None:
    sale = work.sale(order_id)
    lines = [Line(item.id, item.quantity, 0, {}) for item in sale.order.items]
    work.save(fulfill(sale, lines, {}, None, work.context()), sale)


async def shipped(running: Simulator, name: str = "one") -> str:
    id = await running.perform(name, make)
    await running.perform(name, lambda work: ship(work, id))
    return id


async def told(running: Simulator, name: str = "one") -> list[tuple[str, Time]]:
    """Types and times of all events, oldest first."""
    sandbox = await running.sandbox(name)
    page, _ = running.store.reader.page(sandbox.number, Query("event", 1_000))
    events = [orjson.loads(each) for each in page[::-1]]
    return [(event["type"], parse_time(event["createdTime"]) - START) for event in events]


LATER = [
    ("order.charge.capture.complete", 2 * SECOND),
    ("order.charge.complete", 2 * SECOND),
    ("order.complete", 3 * SECOND),
    ("order.invoice.created", 3 * SECOND),
]


async def test_what_is_due_happens_at_its_own_time_before_an_action_however_late_that_comes(
    running: Simulator, wall: Wall
) -> None:
    id = await shipped(running)
    wall.now += 40 * MINUTE
    state = await running.perform("one", lambda work: (work.get("order", id).state, work.now))
    assert state == ("complete", START + 40 * MINUTE)
    assert (await told(running))[-4:] == LATER


class Mishap(Exception):
    """A bug in an action."""


@pytest.mark.parametrize("error", [Mishap(), invalid("id", "x")])
async def test_an_action_that_fails_leaves_nothing_behind_and_what_was_due_happens_once(
    running: Simulator, wall: Wall, error: Exception
) -> None:
    id = await shipped(running)
    before = await told(running)
    wall.now += MINUTE

    def fail(work: Work) -> None:
        assert work.get("order", id).state == "complete"
        make(work)
        work.sandbox.account = records.TYPES["order"]  # type: ignore[assignment]
        raise error

    account = (await running.sandbox("one")).account
    for _ in range(2):
        with pytest.raises(type(error)):
            await running.perform("one", fail)
    other = await running.perform("one", make)
    assert (await told(running))[: len(before) + 4] == before + LATER
    assert len(await told(running)) == len(before) + 4 + 3
    assert (await running.sandbox("one")).account == account
    state = await running.perform("one", lambda work: [work.get("order", each).state for each in (id, other)])
    assert state == ["complete", "accepted"]


@pytest.mark.parametrize("error", [Mishap(), invalid("id", "x")])
async def test_a_sandbox_whose_first_action_fails_can_be_used_all_the_same(
    running: Simulator, error: Exception
) -> None:
    def fail(work: Work) -> None:
        make(work)
        raise error

    # In one commit with each other, and with the first action of another sandbox.
    failing = [asyncio.create_task(running.perform("one", fail)) for _ in range(2)]
    two = asyncio.create_task(running.perform("two", make))
    one = asyncio.create_task(running.perform("one", make))
    results = await asyncio.gather(*failing, return_exceptions=True)
    assert [type(each) for each in results] == [type(error)] * 2
    assert await running.perform("one", lambda work: work.get("order", two.result())) is None
    assert await running.perform("two", lambda work: work.get("order", two.result()).id) == await two
    assert await running.perform("one", lambda work: work.get("order", one.result()).id) == await one
    assert sorted(running.store.reader.sandboxes()) == ["one", "two"]


async def test_after_a_failed_commit_every_sandbox_is_as_it_is_in_the_file(running: Simulator, wall: Wall) -> None:
    id = await shipped(running)
    before = await told(running)

    def unsaveable() -> bytes:
        raise Mishap

    def spoil(transaction: Transaction) -> None:
        transaction.save_sandbox(99, unsaveable)

    lost = asyncio.create_task(running.perform("one", make))
    await asyncio.sleep(0)
    spoilt = running.store.run(spoil)
    results = await asyncio.gather(lost, spoilt, return_exceptions=True)
    assert [type(each) for each in results] == [Mishap, Mishap]
    assert await told(running) == before
    wall.now += MINUTE
    await running.perform("one", make)
    assert (await told(running))[len(before) : len(before) + 4] == LATER
    assert await running.perform("one", lambda work: work.get("order", id).state) == "complete"


async def test_ids_counters_clock_and_pending_work_go_on_in_the_next_life(tmp_path: Path, wall: Wall) -> None:
    path, ids = tmp_path / "state.db", []
    for _ in range(3):
        async with simulator(path, wall) as running:
            ids.append(await shipped(running))
            wall.now += MINUTE
    async with simulator(path, wall) as running:
        states = await running.perform("one", lambda work: [work.get("order", id).state for id in ids])
        assert states == ["complete"] * 3
        events = await told(running)
        assert [at for type, at in events if type == "order.complete"] == [
            life * MINUTE + 3 * SECOND for life in range(3)
        ]
    assert len(set(ids)) == 3
    # One life with three orders gives the same ids.
    async with simulator(tmp_path / "other.db", Wall()) as running:
        assert [await shipped(running) for _ in range(3)] == ids


async def test_time_never_runs_backwards_even_when_the_wall_does(running: Simulator, wall: Wall) -> None:
    first = await running.perform("one", lambda work: work.now)
    wall.now -= 10 * MINUTE
    assert await running.perform("one", lambda work: work.now) == first
    await shipped(running)
    assert {at for _, at in await told(running)} == {0}
    wall.now += 10 * MINUTE + 5 * SECOND
    await running.perform("one", lambda work: None)
    assert (await told(running))[-4:] == LATER


async def test_the_work_of_one_sandbox_is_not_done_by_an_action_of_another(running: Simulator, wall: Wall) -> None:
    await shipped(running)
    await running.perform("two", make)
    wall.now += MINUTE
    before = await told(running)
    await running.perform("two", lambda work: None)
    assert await told(running) == before
    await running.perform("one", lambda work: None)
    assert await told(running) == before + LATER


async def test_a_refusal_is_raised_as_it_was_refused(running: Simulator) -> None:
    def refuse(work: Work) -> Any:
        work.sale("none", "orderId")

    with pytest.raises(Refused) as caught:
        await running.perform("one", refuse)
    assert (caught.value.kind, caught.value.parameter) == ("not_found", "orderId")


# Faults


def put_fault(work: Work, fault: Fault) -> None:
    work.put(records.fault_record(fault, work.now))


async def test_only_an_occasion_that_changes_a_fault_goes_to_the_store(running: Simulator) -> None:
    sandbox = await running.sandbox("one")
    assert sandbox.faults == ()
    commits: list[object] = []
    running.stirred = lambda sandbox, dues: commits.append(sandbox)
    get, post = Incoming("GET", "/orders"), Incoming("POST", "/orders")
    assert await running.strike(sandbox, get) is None
    assert len(commits) == 0
    endless = Fault("endless", "GET *", on_call=CallEffect(status=500))
    once = Fault("once", "POST *", on_call=CallEffect(status=500), left=1)
    for fault in (endless, once):
        await running.perform("one", lambda work, made=fault: put_fault(work, made))  # type: ignore[misc]
    assert await running.strike(sandbox, Incoming("PUT", "/orders")) is None  # the list is looked up once
    assert len(commits) == 3
    assert await running.strike(sandbox, get) == endless
    assert len(commits) == 3
    assert await running.strike(sandbox, post) == once
    assert len(commits) == 4
    assert await running.strike(sandbox, post) is None
    assert len(commits) == 4


async def test_an_action_that_fails_leaves_the_faults_as_they_were(running: Simulator) -> None:
    sandbox = await running.sandbox("one")

    def action(work: Work) -> None:
        put_fault(work, Fault("never", "*", on_call=CallEffect(status=500)))
        assert work.strike(Incoming("GET", "/orders")) is not None
        raise invalid("a", "b")

    with pytest.raises(Refused):
        await running.perform("one", action)
    assert sandbox.faults == ()
    assert await running.perform("one", Work.faults) == ()
