"""The store on real files: nothing is half written, lists page as a plain filter would, and values come back equal."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiosqlite
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drsim.domain import faults
from drsim.domain.account import Account
from drsim.domain.checkouts import Checkout, CheckoutItem, Purchase, ShippingChoice
from drsim.domain.checkouts import opened as opened_checkout
from drsim.domain.clock import DAY, MINUTE
from drsim.domain.customers import Customer, Profile
from drsim.domain.events import Expansion
from drsim.domain.faults import CallEffect, DeliveryEffect, Fault
from drsim.domain.files import File, FileLink
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation, RequestItem
from drsim.domain.fulfillment_orders import FulfillmentOrder, FulfillmentOrderItem
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.inventory import InventoryItem, Reservation, ReservedItem
from drsim.domain.matching import fits
from drsim.domain.orders import PaymentSession, Sale
from drsim.domain.outcome import Failure, Rule, Then
from drsim.domain.pricing import Line, Off
from drsim.domain.refund import AskedItem, Portion
from drsim.domain.returns import Return, ReturnedItem
from drsim.domain.secrets import Secret
from drsim.domain.shipments import Shipment, ShipmentItem
from drsim.domain.skus import Sku
from drsim.domain.sources import Contribution
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.domain.webhooks import Attempt, Delivery, Webhook
from drsim.engine import records
from drsim.store import Between, Equal, Facets, Query, Record, Store, StoreError, Transaction, Value
from tests.domain.builders import START, Story, a_line, a_rule, a_source, an_order, some_shipping

FIXED = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The same examples in every run, on slow machines too."""

ONE = 1
"""The number of the sandbox that most tests use; the store does not ask whether it exists."""


@dataclass(frozen=True, slots=True)
class Note:
    """A document of these tests."""

    text: str


def a_note(id: str = "n1", text: str = "first", **more: Any) -> Record:
    return Record(**{"kind": "note", "id": id, "at": 1, "value": Note(text), "public": text.encode(), **more})


@asynccontextmanager
async def opened(path: Path, types: Mapping[str, type] | None = None) -> AsyncIterator[Store]:
    store = await Store.open(path, durable=True, types=types or {"note": Note})
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "state.db") as store:
        yield store


async def save(store: Store, *new: Record, sandbox: int = ONE) -> None:
    def action(tx: Transaction) -> None:
        for record in new:
            tx.put(sandbox, record)

    await store.run(action)


async def load(store: Store, id: str = "n1") -> Any:
    return await store.run(lambda tx: tx.get(ONE, "note", id))


def rows(path: Path, sql: str) -> list[Any]:
    """What an onlooker sees in the file: committed rows only."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


class Mishap(Exception):
    """What goes wrong in these tests."""


@asynccontextmanager
async def writer_held_up(store: Store) -> AsyncIterator[None]:
    """Keeps the database thread busy, so that everything asked for meanwhile falls into the next group."""
    busy, done = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        busy.set()
        assert done.wait(10)

    first = store.run(hold, long=True)
    await asyncio.to_thread(busy.wait, 10)
    try:
        yield
        await asyncio.sleep(0)  # lets the tasks of the block ask
    finally:
        done.set()
        await first


# Transactions


async def test_what_an_action_saves_is_committed_when_run_returns(store: Store, tmp_path: Path) -> None:
    await save(store, a_note())
    assert rows(tmp_path / "state.db", "SELECT id, public FROM document") == [("n1", b"first")]
    assert store.reader.public(ONE, "note", "n1") == b"first"
    assert rows(tmp_path / "state.db", "SELECT value FROM document") == [(b'{"text":"first"}',)]
    assert await load(store) == Note("first")


async def test_an_action_that_raises_leaves_no_trace(store: Store, tmp_path: Path) -> None:
    await save(store, a_note(facets=frozenset({("colour", "red")})), a_note("n2", "second", due=5, lane="a"))
    path = tmp_path / "state.db"
    everything = "SELECT * FROM document", "SELECT * FROM facet", "SELECT * FROM sandbox"
    before = [rows(path, sql) for sql in everything]

    def action(tx: Transaction) -> None:
        tx.put(ONE, a_note(text="changed", facets=frozenset({("colour", "blue")})))
        tx.put(ONE, a_note("n3", "new"))
        tx.delete(ONE, "note", "n2")
        tx.add_sandbox("made", b"{}")
        assert tx.get(ONE, "note", "n1") == Note("changed")
        assert tx.get(ONE, "note", "n2") is None
        raise Mishap

    with pytest.raises(Mishap):
        await store.run(action)
    assert [rows(path, sql) for sql in everything] == before
    # Nor in what is kept in memory, and the next change starts from what was there before.
    assert [await load(store, id) for id in ("n1", "n2", "n3")] == [Note("first"), Note("second"), None]
    await save(store, a_note(text="again", facets=frozenset({("colour", "green")})))
    assert rows(path, "SELECT name, value FROM facet") == [("colour", "green")]


async def test_an_emptied_sandbox_is_whole_again_when_its_action_raises(store: Store) -> None:
    await save(store, a_note())
    assert await load(store) == Note("first")

    def action(tx: Transaction) -> None:
        tx.empty_sandbox(ONE)
        assert tx.get(ONE, "note", "n1") is None
        raise Mishap

    with pytest.raises(Mishap):
        await store.run(action)
    assert await load(store) == Note("first")


async def test_a_failing_part_is_undone_and_the_rest_of_its_action_stays(store: Store) -> None:
    await save(store, a_note())

    def part(tx: Transaction) -> None:
        tx.put(ONE, a_note(text="from the part"))
        tx.put(ONE, a_note("n2", "from the part"))
        raise Mishap

    def action(tx: Transaction) -> Any:
        tx.put(ONE, a_note(text="from the action"))
        with pytest.raises(Mishap):
            tx.atomic(lambda: part(tx))
        return tx.get(ONE, "note", "n1"), tx.get(ONE, "note", "n2")

    assert await store.run(action) == (Note("from the action"), None)
    assert await load(store) == Note("from the action")


async def test_a_part_that_worked_is_undone_with_its_action(store: Store) -> None:
    await save(store, a_note())

    def action(tx: Transaction) -> None:
        tx.atomic(lambda: tx.put(ONE, a_note(text="from the part")))
        raise Mishap

    with pytest.raises(Mishap):
        await store.run(action)
    assert await load(store) == Note("first")


@pytest.mark.parametrize("inside", [False, True])
async def test_adding_what_exists_already_fails_its_action_and_leaves_no_trace(store: Store, inside: bool) -> None:
    await save(store, a_note(), a_note("n2", "second"))

    def action(tx: Transaction) -> None:
        tx.put(ONE, a_note(text="changed"))
        tx.add(ONE, a_note("n2", "added again"))
        if inside:
            tx.atomic(lambda: tx.put(ONE, a_note("n3", "new")))

    with pytest.raises(sqlite3.IntegrityError):
        await store.run(action)
    assert [await load(store, id) for id in ("n1", "n2", "n3")] == [Note("first"), Note("second"), None]
    assert [store.reader.public(ONE, "note", id) for id in ("n1", "n2", "n3")] == [b"first", b"second", None]
    await save(store, a_note("n3"))


async def test_actions_asked_for_meanwhile_share_one_commit(store: Store, tmp_path: Path) -> None:
    path, seen = tmp_path / "state.db", []

    def action(tx: Transaction, id: str) -> None:
        inside = tx.get(ONE, "note", "n0") is not None
        seen.append((id, inside, rows(path, "SELECT count(*) FROM document")[0][0]))
        tx.put(ONE, a_note(id))

    async with writer_held_up(store):
        asked = [store.run(lambda tx, id=f"n{place}": action(tx, id)) for place in range(5)]  # type: ignore[misc]
    await asyncio.gather(*asked)
    # In the order of asking; each sees what came before it, nobody else sees anything yet.
    assert seen == [("n0", False, 0), ("n1", True, 0), ("n2", True, 0), ("n3", True, 0), ("n4", True, 0)]
    assert rows(path, "SELECT count(*) FROM document") == [(5,)]


async def test_a_failing_action_does_not_touch_the_others_of_its_group(store: Store) -> None:
    await save(store, a_note("count", "0"))

    def action(tx: Transaction, place: int) -> int:
        count = int(tx.get(ONE, "note", "count").text) + 1
        tx.put(ONE, a_note("count", str(count)))
        tx.put(ONE, a_note(f"n{place}", str(place)))
        if place % 2:
            raise Mishap(place)
        return count

    async with writer_held_up(store):
        asked = [store.run(lambda tx, place=place: action(tx, place)) for place in range(6)]  # type: ignore[misc]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert results[::2] == [1, 2, 3]
    assert [(type(each), str(each)) for each in results[1::2]] == [(Mishap, "1"), (Mishap, "3"), (Mishap, "5")]
    assert await load(store, "count") == Note("3")
    found = [await load(store, f"n{place}") for place in range(6)]
    assert found == [Note("0"), None, Note("2"), None, Note("4"), None]


@pytest.mark.parametrize("first", [True, False])
async def test_what_cannot_be_written_fails_alone(store: Store, first: bool) -> None:
    def unwritable(tx: Transaction) -> None:
        tx.put(ONE, a_note("n2", facets=frozenset({("count", 1 << 64)})))

    actions: list[Callable[[Transaction], None]] = [unwritable, lambda tx: tx.put(ONE, a_note())]
    asked = [store.run(action) for action in (actions if first else actions[::-1])]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["NoneType", "OverflowError"]
    assert [await load(store, id) for id in ("n1", "n2")] == [Note("first"), None]


async def test_when_a_commit_fails_all_its_actions_fail_and_the_store_goes_on(store: Store) -> None:
    lost: list[str] = []
    store.lost = lambda: lost.append("told")
    number = await store.run(lambda tx: tx.add_sandbox("one", b"{}"))
    await save(store, a_note())

    def unsaveable() -> bytes:
        raise Mishap("no body")

    async with writer_held_up(store):
        changed = store.run(lambda tx: tx.put(ONE, a_note(text="changed")))
        broken = store.run(lambda tx: tx.save_sandbox(number, unsaveable))
    results = await asyncio.gather(changed, broken, return_exceptions=True)
    assert [str(each) for each in results] == ["no body", "no body"]
    assert lost == ["told"]
    assert await load(store) == Note("first")
    await save(store, a_note(text="later"))
    assert store.reader.public(ONE, "note", "n1") == b"later"


async def test_the_body_of_a_sandbox_is_saved_as_it_is_at_the_commit(store: Store) -> None:
    number = await store.run(lambda tx: tx.add_sandbox("one", b"old"))
    body = [b"while the action ran"]

    def action(tx: Transaction) -> None:
        tx.save_sandbox(number, lambda: body[0])
        body[0] = b"at the commit"

    await store.run(action)
    assert await store.run(lambda tx: tx.sandbox("one")) == (number, b"at the commit")
    assert await store.run(lambda tx: tx.sandbox("two")) is None
    assert store.reader.sandboxes() == ["one"]


Step = tuple[str, str, int, bool]


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["put", "put", "delete", "part"]),
                st.sampled_from("abc"),
                st.integers(0, 9),
                st.booleans(),
            ),
            max_size=4,
        ),
        max_size=8,
    ),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
@settings(FIXED, max_examples=60)
def test_whatever_is_saved_undone_and_deleted_memory_file_and_facets_agree(
    actions: list[list[Step]], failing: list[bool]
) -> None:
    """Compared with a dictionary, over random actions of which some fail in whole or in part."""

    def note(id: str, number: int) -> Record:
        return a_note(id, str(number), facets=frozenset({("even", number % 2), ("text", str(number % 3))}))

    def apply(tx: Transaction, step: Step, model: dict[str, int]) -> None:
        kind, id, number, fails = step
        if kind == "delete":
            tx.delete(ONE, "note", id)
            model.pop(id, None)
        elif kind == "put":
            tx.put(ONE, note(id, number))
            model[id] = number
        else:
            inner = dict(model)
            try:
                tx.atomic(lambda: part(tx, id, number, fails, inner))
            except Mishap:
                return
            model.clear()
            model.update(inner)

    def part(tx: Transaction, id: str, number: int, fails: bool, model: dict[str, int]) -> None:
        apply(tx, ("put", id, number, False), model)
        apply(tx, ("delete", "a", 0, False), model)
        if fails:
            raise Mishap

    def action(tx: Transaction, steps: list[Step], fails: bool, model: dict[str, int]) -> dict[str, int]:
        after = dict(model)
        for step in steps:
            apply(tx, step, after)
        if fails:
            raise Mishap
        return after

    async def play(path: Path) -> dict[str, int]:
        model: dict[str, int] = {}
        async with opened(path) as store:
            for steps, fails in zip(actions, failing, strict=False):
                try:
                    model = await store.run(lambda tx: action(tx, steps, fails, model))  # noqa: B023
                except Mishap:
                    assert fails
                values = [await load(store, id) for id in "abc"]
                expected = [Note(str(model[id])) if id in model else None for id in "abc"]
                assert values == expected
        return model

    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        model = asyncio.run(play(path))
        assert dict(rows(path, "SELECT id, CAST(public AS TEXT) FROM document")) == {
            id: str(number) for id, number in model.items()
        }
        found = rows(path, "SELECT d.id, f.name, f.value FROM facet f LEFT JOIN document d ON d.number = f.number")
        wanted: list[tuple[str, str, Value]] = [(id, "even", number % 2) for id, number in model.items()]
        wanted += [(id, "text", str(number % 3)) for id, number in model.items()]
        assert sorted(found, key=repr) == sorted(wanted, key=repr)


# Documents


async def test_changing_a_document_changes_only_the_facets_that_differ(store: Store, tmp_path: Path) -> None:
    def facets() -> set[tuple[str, Value]]:
        return set(rows(tmp_path / "state.db", "SELECT name, value FROM facet"))

    first: Facets = frozenset({("state", "open"), ("sku", "a"), ("sku", "b"), ("amount", 5)})
    await save(store, a_note(facets=first))
    assert facets() == first
    second: Facets = frozenset({("state", "closed"), ("sku", "b"), ("amount", 5), ("amount", "5")})
    await save(store, a_note(facets=second))
    assert facets() == second
    await save(store, a_note(facets=frozenset()))
    assert facets() == set()


async def test_a_document_saved_twice_by_one_action_is_as_it_was_saved_last(store: Store) -> None:
    one, two = frozenset({("state", "open")}), frozenset({("state", "closed")})
    await save(
        store, a_note(text="first", facets=one, due=1, lane="a"), a_note(text="last", facets=two, due=2, lane="a")
    )
    assert store.reader.public(ONE, "note", "n1") == b"last"
    assert await load(store) == Note("last")
    assert store.reader.next_due(ONE, "a") == 2
    assert [store.reader.count(ONE, "note", Equal("state", (state,)), 9) for state in ("open", "closed")] == [0, 1]


async def test_a_document_saved_and_deleted_by_one_action_is_gone(store: Store, tmp_path: Path) -> None:
    def action(tx: Transaction) -> None:
        tx.put(ONE, a_note(facets=frozenset({("state", "open")})))
        tx.delete(ONE, "note", "n1")
        tx.put(ONE, a_note("n2"))
        tx.empty_sandbox(ONE)

    await store.run(action)
    assert [rows(tmp_path / "state.db", f"SELECT * FROM {table}") for table in ("document", "facet")] == [[], []]
    assert await load(store) is None


async def test_everything_read_in_an_action_is_as_the_action_has_left_it(store: Store) -> None:
    def action(tx: Transaction) -> Any:
        tx.put(ONE, a_note(parent="p", lane="a", due=7))
        return (
            tx.get(ONE, "note", "n1"),
            tx.public(ONE, "note", "n1"),
            tx.all(ONE, "note", "p"),
            [public for _, public in tx.numbered(ONE, "note", 9)][::-1],
            tx.next_due(ONE, "a"),
            tx.due(ONE, "a", 7, 9),
        )

    assert await store.run(action) == (Note("first"), b"first", [Note("first")], [b"first"], (7, "note", "n1"), ["n1"])


async def test_facets_of_a_document_from_a_former_life_are_replaced_too(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with opened(path) as store:
        await save(store, a_note(facets=frozenset({("state", "open"), ("sku", "a")})))
    async with opened(path) as store:
        await save(store, a_note(facets=frozenset({("state", "closed"), ("sku", "a")})))
    assert set(rows(path, "SELECT name, value FROM facet")) == {("state", "closed"), ("sku", "a")}


@given(st.lists(st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.frozensets(st.sampled_from("abc"))), max_size=12))
@settings(deadline=None, max_examples=60)
async def test_facets_changed_to_and_fro_by_one_action_end_as_they_were_last(
    changes: list[tuple[str, frozenset[str]]],
) -> None:
    first = [a_note("n1", facets=frozenset({("x", "a")})), a_note("n2")]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        async with opened(path) as store:
            await save(store, *first)
            await save(store, *(a_note(id, facets=frozenset(("x", each) for each in texts)) for id, texts in changes))
        found = rows(path, "SELECT d.id, f.value FROM facet f JOIN document d ON d.number = f.number")
    last = {"n1": frozenset("a"), **dict(changes)}
    assert sorted(found) == sorted((id, each) for id, texts in last.items() for each in texts)


@pytest.mark.parametrize("count", [0, 1, 17, 150])
async def test_what_a_former_process_has_saved_is_got_and_changed_like_anything_else(
    tmp_path: Path, count: int
) -> None:
    path, ids = tmp_path / "other.db", [f"n{place}" for place in range(count)]
    async with opened(path) as store:
        await save(store, *(a_note(id, facets=frozenset({("state", "open"), ("id", id)})) for id in ids))
    async with opened(path) as store:

        def action(tx: Transaction) -> list[Any]:
            got = [tx.get(ONE, "note", id) for id in ids]
            for id in ids:
                tx.put(ONE, a_note(id, "changed", facets=frozenset({("state", "closed"), ("id", id)})))
            return got

        assert await store.run(action) == [Note("first")] * count
        assert [await load(store, id) for id in ids] == [Note("changed")] * count
    facets = rows(path, "SELECT name, value FROM facet")
    assert sorted(facets) == sorted([("state", "closed")] * count + [("id", id) for id in ids])


async def test_what_is_in_no_hurry_leaves_the_commit_to_others_for_a_moment(store: Store, tmp_path: Path) -> None:
    def asked(id: str, *, hurry: bool) -> "asyncio.Future[None]":
        return store.run(lambda tx: tx.put(ONE, a_note(id)), hurry=hurry)

    def committed() -> list[Any]:
        return rows(tmp_path / "state.db", "SELECT id FROM document ORDER BY number")

    first = asked("n1", hurry=False)
    await asyncio.sleep(0)
    assert committed() == []
    assert not first.done()
    await asked("n2", hurry=True)
    assert first.done()
    assert committed() == [("n1",), ("n2",)]
    await asked("n3", hurry=False)  # nobody else comes
    assert committed()[2:] == [("n3",)]
    last = asked("n4", hurry=False)
    store.commit()
    assert last.done()
    assert committed()[3:] == [("n4",)]


async def test_what_takes_long_leaves_the_event_loop_alone_and_nothing_overtakes_it(store: Store) -> None:
    await save(store, a_note())
    async with writer_held_up(store):
        later = [store.run(lambda tx: tx.mark, long=place == 1) for place in range(3)]
        await asyncio.sleep(0.01)
        assert store.reader.public(ONE, "note", "n1") == b"first"
        assert not any(each.done() for each in later)
    assert await asyncio.gather(*later) == [2, 2, 2]


async def test_what_is_under_way_on_the_thread_is_not_committed_by_others(store: Store) -> None:
    commit, threads = store._transaction.commit, list[threading.Thread]()

    def noted() -> None:
        threads.append(threading.current_thread())
        commit()

    store._transaction.commit = noted  # type: ignore[method-assign]
    async with writer_held_up(store):
        store.commit()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


async def test_no_more_than_a_few_actions_are_committed_together(store: Store, tmp_path: Path) -> None:
    seen: list[int] = []

    def action(tx: Transaction, id: str) -> None:
        tx.put(ONE, a_note(id))
        seen.append(rows(tmp_path / "state.db", "SELECT count(*) FROM document")[0][0])

    await asyncio.gather(*(store.run(partial(action, id=f"n{place}")) for place in range(40)))
    assert seen == [0] * 16 + [16] * 16 + [32] * 8


async def test_the_log_of_a_store_that_is_written_to_all_the_time_begins_anew(tmp_path: Path) -> None:
    path, sizes = tmp_path / "state.db", []
    async with opened(path) as store:
        for round in range(12):
            for _ in range(20):
                await save(store, *(a_note(f"n{place}", str(round)) for place in range(250)))
            sizes.append(path.with_name("state.db-wal").stat().st_size)
        assert await load(store, "n249") == Note("11")
    # Without a checkpoint it would be more than twice as long by now.
    assert sizes[-1] < 1.5 * sizes[0]
    assert rows(path, "SELECT count(*), min(public), max(public) FROM document") == [(250, b"11", b"11")]


async def test_a_document_that_fell_out_of_memory_is_read_and_changed_like_any_other(store: Store) -> None:
    many = [a_note(f"n{place}", str(place), facets=frozenset({("place", place)})) for place in range(5_000)]
    await save(store, *many)
    assert await load(store, "n0") == Note("0")
    await save(store, a_note("n1", "changed", facets=frozenset({("place", -1)})))
    assert await load(store, "n1") == Note("changed")
    page, _ = store.reader.page(ONE, Query("note", 10, conditions=(Between("place", -5, 2),)))
    assert sorted(page) == [b"0", b"2", b"changed"]


async def test_sandboxes_do_not_see_each_other_and_are_emptied_alone(store: Store, tmp_path: Path) -> None:
    for sandbox in (1, 2):
        await save(
            store,
            a_note(text=f"of {sandbox}", parent="p", lane="", due=5, facets=frozenset({("x", 1)})),
            sandbox=sandbox,
        )
    assert store.reader.public(1, "note", "n1") == b"of 1"
    assert store.reader.public(2, "note", "n1") == b"of 2"
    assert store.reader.page(2, Query("note", 5, conditions=(Equal("x", (1,)),))) == ([b"of 2"], False)
    await store.run(lambda tx: tx.empty_sandbox(1))
    assert await load(store) is None
    assert store.reader.public(2, "note", "n1") == b"of 2"
    assert rows(tmp_path / "state.db", "SELECT sandbox FROM facet") == [(2,)]
    assert [store.reader.next_due(sandbox, "") for sandbox in (1, 2)] == [None, 5]
    await save(store, a_note(text="anew"))
    assert await load(store) == Note("anew")


async def test_kinds_do_not_see_each_other(store: Store) -> None:
    await save(store, a_note(), a_note(kind="event", value=None, text="told"))
    assert store.reader.public(ONE, "event", "n1") == b"told"
    assert await store.run(lambda tx: (tx.get(ONE, "event", "n1"), tx.public(ONE, "event", "n1"))) == (None, b"told")
    assert store.reader.page(ONE, Query("note", 5)) == ([b"first"], False)


async def test_small_lists_come_oldest_first_and_logs_newest_first(store: Store) -> None:
    await save(
        store,
        a_note("n3", "late", at=9, parent="p"),
        a_note("n1", "early", at=1, parent="p"),
        a_note("n2", "early too", at=1, parent="p"),
        a_note("n4", "elsewhere", at=0, parent="q"),
        a_note("c1", "call", kind="call", value=None, parent="p"),
    )

    def lists(tx: Transaction) -> Any:
        oldest = [[note.text for note in tx.all(ONE, "note", parent)] for parent in (None, "p")]
        newest = [public for _, public in tx.numbered(ONE, "note", 2)][::-1]
        return oldest, newest, [public for _, public in tx.numbered(ONE, "note", 9, "q")][::-1]

    assert await store.run(lists) == (
        [["elsewhere", "early", "early too", "late"], ["early", "early too", "late"]],
        [b"late", b"early too"],
        [b"elsewhere"],
    )


async def test_deleting_the_oldest_keeps_the_newest(store: Store) -> None:
    calls = [a_note(f"c{at}", str(at), kind="call", value=None, at=at) for at in (3, 1, 5, 2, 4)]
    await save(store, a_note(), *calls)
    await store.run(lambda tx: tx.delete_oldest(ONE, "call", 2))
    assert [public for _, public in await store.run(lambda tx: tx.numbered(ONE, "call", 9))] == [b"4", b"5"]
    assert await load(store) == Note("first")


# What wakes


async def test_each_lane_wakes_in_order_of_due_time_then_of_saving(store: Store) -> None:
    await save(
        store,
        a_note("late", lane="a", due=30),
        a_note("first", lane="a", due=10),
        a_note("second", lane="a", due=10),
        a_note("never", lane="a", due=None),
        a_note("other", lane="b", due=1),
        a_note("none", due=1),
    )

    def lanes(tx: Transaction) -> Any:
        due = [tx.due(ONE, "a", until, 9) for until in (9, 10, 29, 30, None)]
        return tx.next_due(ONE, "a"), due, tx.due(ONE, "a", None, 2), tx.next_due(ONE, "c")

    both, three = ["first", "second"], ["first", "second", "late"]
    assert await store.run(lanes) == ((10, "note", "first"), [[], both, both, three, three], both, None)
    assert [store.reader.next_due(ONE, lane) for lane in ("a", "b", "c", "")] == [10, 1, None, None]


async def test_what_was_put_off_or_done_leaves_its_place_in_the_lane(store: Store) -> None:
    await save(store, a_note("x", lane="a", due=10), a_note("y", lane="a", due=20))
    await save(store, a_note("x", lane="a", due=25))
    assert await store.run(lambda tx: tx.due(ONE, "a", None, 9)) == ["y", "x"]
    await save(store, a_note("y", lane="a", due=None))
    assert store.reader.next_due(ONE, "a") == 25
    await store.run(lambda tx: tx.delete(ONE, "note", "x"))
    assert store.reader.next_due(ONE, "a") is None


# Lists

TEXTS, NUMBERS = ("colour", "sku"), ("size", "weight")


@dataclass(frozen=True)
class Doc:
    """A document of a list, as the naive filter sees it."""

    id: str
    at: int
    number: int
    parent: str | None
    facets: Facets

    @property
    def place(self) -> tuple[int, int]:
        return self.at, self.number


def naive(docs: Iterable[Doc], query: Query) -> tuple[list[bytes], bool]:
    """One page as its documentation says it, without any index."""

    def meets(doc: Doc, condition: Equal | Between) -> bool:
        values = [value for name, value in doc.facets if name == condition.name]
        if isinstance(condition, Equal):
            return any(value in condition.values for value in values)
        return any(isinstance(value, int) and condition.low <= value <= condition.high for value in values)

    found = [
        doc
        for doc in docs
        if (query.ids is None or doc.id in query.ids)
        and (query.parents is None or doc.parent in query.parents)
        and (query.earliest is None or doc.at >= query.earliest)
        and (query.latest is None or doc.at <= query.latest)
        and all(meets(doc, condition) for condition in query.conditions)
    ]
    found.sort(key=lambda doc: doc.place, reverse=True)
    if query.before is not None:
        newer = [doc for doc in found if doc.place > query.before]
        return [doc.id.encode() for doc in newer[-query.limit :]], len(newer) > query.limit
    if query.after is not None:
        found = [doc for doc in found if doc.place < query.after]
    return [doc.id.encode() for doc in found[: query.limit]], len(found) > query.limit


def docs_of(raw: list[tuple[int, str | None, Facets]]) -> list[Doc]:
    return [Doc(f"d{place}", at, place, parent, facets) for place, (at, parent, facets) in enumerate(raw, 1)]


def as_record(doc: Doc) -> Record:
    return Record("doc", doc.id, doc.at, None, doc.id.encode(), doc.parent, facets=doc.facets)


texts = st.sets(st.tuples(st.sampled_from(TEXTS), st.sampled_from("abc")), max_size=3)
numbers = st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 6), max_size=2)
facets = st.builds(lambda named, counted: frozenset(named) | frozenset(counted.items()), texts, numbers)
documents = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, "p", "q"]), facets), max_size=14).map(docs_of)
conditions = st.lists(
    st.one_of(
        st.builds(Equal, st.sampled_from(TEXTS), st.lists(st.sampled_from("abcz"), max_size=3).map(tuple)),
        st.builds(Equal, st.sampled_from(NUMBERS), st.lists(st.integers(0, 7), max_size=3).map(tuple)),
        st.builds(Between, st.sampled_from(NUMBERS), st.integers(-1, 7), st.integers(-1, 7)),
    ),
    max_size=3,
).map(tuple)
maybe_time = st.one_of(st.none(), st.integers(-1, 6))
queries = st.builds(
    Query,
    kind=st.just("doc"),
    limit=st.integers(1, 6),
    ids=st.one_of(st.none(), st.lists(st.integers(1, 16).map("d{}".format), max_size=5).map(tuple)),
    parents=st.sampled_from([None, None, ("p",), ("q", "p"), ("none",), ()]),
    conditions=conditions,
    earliest=maybe_time,
    latest=maybe_time,
)


async def check_all_pages(store: Store, docs: list[Doc], query: Query) -> None:
    """Walks the list to its end and back, from the start and from every document, comparing every page."""
    reader = store.reader
    assert reader.page(ONE, query) == naive(docs, query)
    for doc in docs:
        for turned in (replace(query, after=doc.place), replace(query, before=doc.place)):
            assert reader.page(ONE, turned) == naive(docs, turned), turned


@given(documents, st.lists(queries, min_size=4, max_size=4))
@settings(FIXED, max_examples=60)
def test_every_page_of_every_filtered_list_is_what_a_plain_filter_gives(docs: list[Doc], asked: list[Query]) -> None:
    async def play(path: Path) -> None:
        async with opened(path) as store:
            await save(store, *map(as_record, docs))
            await save(store, *map(as_record, docs), sandbox=2)
            for doc in docs:
                assert store.reader.place(ONE, "doc", doc.id) == doc.place
            for query in asked:
                await check_all_pages(store, docs, query)

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "state.db"))


async def test_conditions_that_thousands_meet_give_the_same_pages(store: Store) -> None:
    """Where no condition is rare the list itself is walked; the page must not depend on that."""
    docs = docs_of(
        [
            (place // 3, "pq"[place % 2], frozenset({("colour", "ab"[place % 2]), ("sku", "c"), ("size", place % 7)}))
            for place in range(4_400)
        ]
    )
    await save(store, *map(as_record, docs))
    each: list[Equal | Between] = [
        Equal("colour", ("a",)),
        Equal("colour", ("a", "b")),
        Equal("sku", ("c",)),
        Between("size", 0, 5),
        Between("size", 6, 6),
        Between("size", 9, 12),
    ]
    for first in each:
        for second in [None, *each]:
            asked = Query("doc", 10, conditions=(first,) if second is None else (first, second))
            for query in (
                asked,
                replace(asked, parents=("q",)),
                replace(asked, after=docs[2_000].place, earliest=600),
                replace(asked, before=docs[2_000].place, latest=700),
            ):
                assert store.reader.page(ONE, query) == naive(docs, query), query


async def test_counting_stops_at_the_most_that_is_asked_for(store: Store) -> None:
    await save(store, *map(as_record, docs_of([(1, None, frozenset({("colour", "a")}))] * 12)))
    counted = [store.reader.count(ONE, "doc", Equal("colour", ("a", "b")), most) for most in (5, 12, 50)]
    assert counted == [5, 12, 12]
    assert store.reader.count(ONE, "doc", Between("colour", 0, 9), 50) == 0


# Values


def every_kind_of_value() -> dict[str, list[Record]]:
    """Documents of every kind, in the states that have the most to lose."""
    found: dict[str, list[Record]] = {}

    def keep(*new: Record) -> None:
        for record in new:
            found.setdefault(record.kind, []).append(record)

    def keep_sale(sale: Sale) -> None:
        keep(records.order_record(sale, b"{}"))
        keep(*(records.charge_record(charge) for charge in sale.charges))
        keep(*(records.source_record(source) for source in sale.sources))
        keep(*(records.refund_record(sale, refund) for refund in sale.refunds))

    repaid = Story(an_order(a_line(1000, 2), a_line(2550, 1, fees=99), source=a_source("wireTransfer")))
    repaid.fulfil(2, 1)
    repaid.settle()
    repaid.refund(percent=50, reason="Ü", metadata={"n": 1, "x": 0.1, "y": None})
    keep_sale(repaid.sale)
    repaid.refund(AskedItem(repaid.items[1].id, Portion(amount=Decimal("1.5")), 1))
    repaid.advance(MINUTE)
    keep_sale(repaid.sale)

    lines = (a_line(1000, 3), a_line(2550, 1, metadata={"note": "Ü", "n": 1, "x": 0.1, "y": None, "z": [True, {}]}))
    spec = an_order(
        *lines,
        shipping=some_shipping(),
        store_credit=1100,
        source=a_source(number="4485951788521565"),
        upstream_id="up",
        metadata={"deep": {"list": [1, 2.5, "3", None]}},
    )
    retrying = Account(capture_retries=(MINUTE, DAY))
    story = Story(spec, account=retrying, rules=(a_rule(then=Then("failed", MINUTE)),))
    keep_sale(story.sale)
    fulfillment = story.ask((0, 2, 1)).fulfillment
    assert fulfillment
    keep_sale(story.sale)
    story.advance(2 * MINUTE)
    keep_sale(story.sale)
    story.settle()
    keep_sale(story.sale)
    for type in ("konbini", "payPal", "directDebit"):
        keep_sale(Story(an_order(source=a_source(type))).sale)
    keep(records.fulfillment_record(fulfillment))
    extra = {"trackingNumber": "0123", "distributorCost": 12.34, "shippingCost": 0.1}
    item = FulfilledItem("i", None, 1, 0, extra)
    keep(records.fulfillment_record(Fulfillment("ful_x", START, "o", (item, item), extra, {"k": ["v", 1, 1.0]})))
    former = Secret("whk_1", START - DAY, START + 1)
    webhook = Webhook("w1", START, START, ("order.created",), "http://localhost", (Secret("whk_2", START), former))
    keep(records.webhook_record(webhook))
    keep(records.webhook_record(replace(webhook, id="w2", enabled=False, authentication={"userName": "ü"})))
    keep(records.webhook_record(replace(webhook, id="w3", api_version="2020-09-30", expand=("order.accepted",))))
    more = Expansion(({"physical": True, "metadata": {"n": 1, "x": 1.0}}, {}))
    keep(*(records.event_record(story.events[0], {}, [], each) for each in (None, more)))
    delivery = Delivery("d1", START, "e", "w1", "order.created", "o", "pending", START)
    attempts = (
        Attempt(START, None, "no answer", 3, {"A": "b"}),
        Attempt(START + 1, 200, None, 4, {}),
        Attempt(START + 2, 200, None, 4, {}, "f1", True, '{"id": "ü'),
    )
    mishap = faults.Mishap("f1", DeliveryEffect(MINUTE, False, 2, True, True, True))
    keep(records.delivery_record(delivery))
    keep(records.delivery_record(replace(delivery, id="d2", state="delivered", due=None, attempts=attempts)))
    keep(records.delivery_record(replace(delivery, id="d3", fault=mishap, api_version="2020-09-30", expanded=True)))
    call = CallEffect(5, 503, {"a": [1, 1.0, None, True]}, {"retry-after": "1"})
    for place, effect in enumerate([CallEffect(), call, CallEffect(body="ü"), CallEffect(drop="answer")]):
        keep(records.fault_record(Fault(f"f{place}", "GET /x", on_call=effect, every=3, met=2, left=place), START))
    keep(records.fault_record(Fault("f9", "order.*", on_delivery=mishap.effect, to="w1"), START))
    chain = Then("pending", MINUTE, Failure("a", "b"), Then("failed", None, Failure("c", "d")))
    plain: dict[str, Any] = {"amount": 10, "source": {"type": "creditCard", "lastFourDigits": {"$in": ["1111", 2]}}}
    for place, when in enumerate([{}, plain]):
        keep(records.rule_record(Rule(f"r{place}", "capture", when, chain, place or None), START))
    who = Customer(
        "c1", START, START, "a@b.c", {"name": "Ü"}, metadata={"n": 1}, source_ids=("s1",), default_source_id="s1"
    )
    identifier = TaxIdentifier("t1", START, START, "uk", "GB123456789", customer_id="c1")
    keep(records.customer_record(Profile(who)), records.tax_identifier_record(identifier))
    keep(records.sku_record(Sku("k1", START, START, "Widget", weight=1.5, weight_unit="oz", metadata={"x": 0.1})))
    line = Line(2000, 2, True, "0.08025", Off(percent="10", quantity=1))
    shown = {"shipFrom": {"address": {"country": "US"}}}
    checkout = opened_checkout(
        Checkout(
            id="k1",
            created=START,
            updated=START + 1,
            currency="USD",
            items=(CheckoutItem("i1", "sku", {"name": "Ü"}, {"physical": True}, line, {"n": 1}, shown),),
            session=PaymentSession("s1", "s1_x", "requires_source", 0, 0),
            shipping=ShippingChoice(500, {"serviceLevel": "SG"}),
            shipping_off=Off(amount=100),
            tax_rates={"US-MN": "0.07"},
            extra={"taxIdentifiers": [{"id": "t1"}]},
        )
    )
    sent_back = ReturnedItem("i1", "sku", 1081, 2)
    handed = FulfillmentOrderItem("1", "sku", 3, "i1", "part", {"tax": {"amount": 0.1}}, backordered=1, shipped=1)
    fulfilling = FulfillmentOrder("2", START, START, "USD", (handed,), "SG", "o1", "o1", {"n": 1}, due=START + DAY)
    packed = (ShipmentItem("4", "1", "i1", "sku", None, 1),)
    parcel = Shipment("3", START, "2", "o1", "o1", "SG", {"trackingNumber": "Ü"}, packed)
    asked = RequestItem("1", "i1", "sku", 2, 1, "accepted")
    keep(records.fulfillment_order_record(fulfilling), records.shipment_record(parcel))
    cancellation = FulfillmentCancellation("5", START, "2", (asked,), due=START + 1)
    keep(records.request_record("fulfillment_cancellation", cancellation))
    sent = FulfillmentReturn("6", START, "2", (asked,), unit_attributes={"1": [{"serialNumber": "7"}]})
    keep(records.request_record("fulfillment_return", sent))
    keep(records.inventory_item_record(InventoryItem("sku", START, START, "part", stock=5, reserved=2)))
    held = ReservedItem("sku", 2)
    keep(records.reservation_record(Reservation("8", START, (held,), {"country": "US"}, {"amount": 1.5}, START + DAY)))
    keep(records.return_record(Return("ret_1", START, "o1", "USD", (sent_back,), "created", metadata={"n": 1})))
    keep(records.file_record(File("f1", START, "customer_invoice", "Ü.pdf", "pdf", size=7, order_id="o1")))
    keep(records.file_link_record(FileLink("l1", START, "f1", START + DAY, {"x": 0.1})))
    keep(records.checkout_record(Purchase(checkout)))
    keep(records.checkout_record(Purchase(replace(checkout, id="k2", contributions=(Contribution("s", 1, True),)))))
    return found


@pytest.mark.parametrize("kind", sorted(records.TYPES))
async def test_values_come_back_equal_from_the_file(tmp_path: Path, kind: str) -> None:
    values = every_kind_of_value()
    assert set(values) == set(records.TYPES), "a kind of document is missing here"
    for new in values[kind]:
        async with opened(tmp_path / "state.db", records.TYPES) as store:
            await save(store, new)
            assert await store.run(lambda tx, id=new.id: tx.get(ONE, kind, id)) == new.value  # type: ignore[misc]
        async with opened(tmp_path / "state.db", records.TYPES) as store:
            found = await store.run(lambda tx, id=new.id: tx.get(ONE, kind, id))  # type: ignore[misc]
            assert found == new.value
            assert repr(found) == repr(new.value)  # 1 and 1.0 and True are equal, and not the same on the wire


@pytest.mark.parametrize("text", ["0.1", "0.30", "100.10", "37.81", "2", "1e2", "123456789012.345"])
async def test_an_exact_amount_in_a_pattern_fits_the_same_amounts_after_a_restart(tmp_path: Path, text: str) -> None:
    amount = Decimal(text)
    when = {"amount": {"$gte": amount, "$lte": amount, "$in": [1, amount]}, "attempt": amount}
    rule = Rule("r", "capture", when, Then("failed"))
    async with opened(tmp_path / "state.db", records.TYPES) as store:
        await save(store, records.rule_record(rule, START))
    async with opened(tmp_path / "state.db", records.TYPES) as store:
        found: Rule = await store.run(lambda tx: tx.get(ONE, "rule", "r"))
    step = Decimal(1).scaleb(int(amount.as_tuple().exponent))
    for near in (amount - step, amount, amount + step):
        facts = {"amount": near, "attempt": near}
        assert fits(found.when, facts) == fits(when, facts) == (near == amount)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=3), min_size=1, max_size=5))
@settings(FIXED, max_examples=40)
def test_any_metadata_comes_back_equal_from_the_file(all_metadata: list[dict[str, Any]]) -> None:
    made = [
        Fulfillment(f"ful_{place}", START, "o", (), metadata, metadata) for place, metadata in enumerate(all_metadata)
    ]

    async def play(path: Path) -> None:
        async with opened(path, records.TYPES) as store:
            await save(store, *(Record("fulfillment", it.id, it.created, it, b"{}") for it in made))
        async with opened(path, records.TYPES) as store:
            for it in made:
                found = await store.run(lambda tx, id=it.id: tx.get(ONE, "fulfillment", id))  # type: ignore[misc]
                assert repr(found) == repr(it)
                assert orjson.loads(orjson.dumps(found)) == orjson.loads(orjson.dumps(it))

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "state.db"))


# Files


async def refusal(path: Path) -> str:
    try:
        store = await Store.open(path, durable=True, types={})
    except StoreError as error:
        return str(error)
    await store.close()
    return "was opened"


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    async with opened(path) as store:
        await save(store, a_note())
    assert rows(path, "SELECT id FROM document") == [("n1",)]


async def test_a_database_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with opened(path) as store:
        await save(store, a_note())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    assert "version" in await refusal(path)
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    assert str(path) in await refusal(path)
    assert path.read_bytes() == before


async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    assert "not a database" in await refusal(path)
    assert path.read_text().startswith("Dear Sir")
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / "folder") in await refusal(tmp_path / "folder")
    assert str(tmp_path / "none") in await refusal(tmp_path / "none" / "state.db")


async def test_a_file_in_use_is_refused_by_whatever_name_and_free_again_afterwards(tmp_path: Path) -> None:
    path, link = tmp_path / "state.db", tmp_path / "link.db"
    async with opened(path):
        link.symlink_to(path)
        assert "in use" in await refusal(path)
        assert "in use" in await refusal(tmp_path / "." / "state.db")
        assert "in use" in await refusal(link)
    async with opened(path) as store:
        await save(store, a_note())


async def test_a_refused_file_is_not_locked(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    assert [await refusal(path) for _ in range(2)] == [await refusal(path)] * 2


async def test_closing_finishes_what_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await Store.open(path, durable=True, types={"note": Note})
    asked = [asyncio.create_task(save(store, a_note(f"n{place}"))) for place in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*asked)
    assert rows(path, "SELECT count(*) FROM document") == [(50,)]


# What the store relies on


async def test_aiosqlite_runs_a_whole_function_on_its_thread(tmp_path: Path) -> None:
    """The private call that the store uses; its version is pinned in pyproject.toml because of it."""
    connection = await aiosqlite.connect(tmp_path / "any.db", isolation_level=None)
    execute: Callable[[Callable[[], Any]], Any] = connection._execute
    try:
        raw = connection._conn
        assert isinstance(raw, sqlite3.Connection)

        def work() -> tuple[int, int]:
            raw.execute("CREATE TABLE t (x)")
            raw.execute("INSERT INTO t VALUES (7)")
            return threading.get_ident(), raw.execute("SELECT x FROM t").fetchone()[0]

        thread, value = await execute(work)
        assert value == 7
        assert thread != threading.get_ident()
        assert (await execute(lambda: threading.get_ident())) == thread

        def mishap() -> None:
            raise Mishap("as raised")

        with pytest.raises(Mishap, match="as raised"):
            await execute(mishap)
        order: list[int] = []
        await asyncio.gather(*(execute(partial(order.append, place)) for place in range(20)))
        assert order == list(range(20))
    finally:
        await connection.close()


def test_the_pinned_aiosqlite_is_the_one_installed() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f'"aiosqlite=={aiosqlite.__version__}"' in text
