from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.account import Account
from drsim.domain.clock import MINUTE, SECOND
from drsim.domain.faults import (
    CallEffect,
    DeliveryEffect,
    Fault,
    Incoming,
    Mishap,
    Occasion,
    Outgoing,
    can_be_sent,
    strike,
)
from drsim.domain.values import replace
from drsim.domain.webhooks import Delivery, Seal, attempted, forged, put_off, signature, verified
from tests.domain.builders import START
from tests.domain.test_webhooks import a_delivery, an_attempt

CALL, DELIVERY = Incoming("POST", "/fulfillments"), Outgoing("order.created", "hook")


def on_calls(
    pattern: str = "*", *, every: int = 1, left: int | None = None, id: str = "fault", status: int = 503
) -> Fault:
    return Fault(id, pattern, on_call=CallEffect(status=status), every=every, left=left)


def on_deliveries(pattern: str = "*", to: str | None = None) -> Fault:
    return Fault("fault", pattern, on_delivery=DeliveryEffect(drop=True), to=to)


def strikes(faults: tuple[Fault, ...], occasions: Iterable[Occasion]) -> list[str | None]:
    """The ids of those that strike on one occasion after the other."""
    struck: list[str | None] = []
    for occasion in occasions:
        fault, faults = strike(faults, occasion)
        struck.append(fault.id if fault else None)
    return struck


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("*", True),
        ("POST /fulfillments", True),
        ("* /fulfillments", True),
        ("POST *", True),
        ("POST /ful*", True),
        ("GET /fulfillments", False),
        ("POST /fulfillment", False),
        ("POST /fulfillments/*", False),
        ("POST /fulfil?ents", False),
        ("POST /[f]ulfillments", False),
    ],
)
def test_a_fault_is_about_calls_of_its_method_and_path(pattern: str, fitting: bool) -> None:
    assert strikes((on_calls(pattern),), [CALL]) == ["fault" if fitting else None]


@pytest.mark.parametrize(
    ("pattern", "to", "fitting"),
    [
        ("*", None, True),
        ("order.*", None, True),
        ("order.created", "hook", True),
        ("order.created", "other", False),
        ("order.charge.*", None, False),
        ("fulfillment.*", None, False),
    ],
)
def test_a_fault_is_about_deliveries_of_its_types_to_its_webhook(pattern: str, to: str | None, fitting: bool) -> None:
    assert strikes((on_deliveries(pattern, to),), [DELIVERY]) == ["fault" if fitting else None]


def test_a_fault_about_calls_never_strikes_deliveries_nor_the_other_way_round() -> None:
    assert strikes((on_calls(),), [DELIVERY]) == strikes((on_deliveries(),), [CALL]) == [None]


def test_the_first_fault_that_fits_strikes_and_no_other_is_counted() -> None:
    faults = (on_calls("GET *", left=1), on_calls(left=2, id="first"), on_calls(left=1, id="second"))
    assert strikes(faults, [CALL] * 4) == ["first", "first", "second", None]


def test_every_third_occasion_is_the_third_the_sixth_and_so_on_and_the_others_are_for_the_next_fault() -> None:
    faults = (on_calls(every=3, id="third"), on_calls("POST *", left=3, id="next"))
    assert strikes(faults, [CALL] * 7) == ["next", "next", "third", "next", None, "third", None]


def test_times_counts_strikes_and_not_what_every_passes_over() -> None:
    assert strikes((on_calls(every=2, left=2),), [CALL] * 6) == [None, "fault", None, "fault", None, None]


def test_an_occasion_that_changes_no_fault_gives_back_the_very_same_ones() -> None:
    for faults in ((), (on_calls(),), (on_calls("GET *", left=1),), (on_calls(left=0),), (on_calls(left=0, every=2),)):
        assert strike(faults, CALL)[1] is faults


faults = st.builds(
    Fault,
    st.uuids().map(str),
    st.sampled_from(["*", "POST *", "GET /orders", "* /orders*"]),
    on_call=st.just(CallEffect(status=500)),
    every=st.integers(1, 5),
    left=st.none() | st.integers(0, 4),
)
calls = st.builds(Incoming, st.sampled_from(["GET", "POST"]), st.sampled_from(["/orders", "/orders/1", "/events"]))


@given(st.lists(faults, max_size=4, unique_by=lambda fault: fault.id).map(tuple), st.lists(calls, max_size=40))
def test_no_fault_strikes_more_often_than_it_may_and_the_first_that_may_always_does(
    all_of_them: tuple[Fault, ...], occasions: list[Incoming]
) -> None:
    struck = {fault.id: 0 for fault in all_of_them}
    offered = dict(struck)
    now = all_of_them
    for occasion in occasions:
        expected = None
        for fault in all_of_them:  # a second, simple-minded account of the same
            used_up = fault.left is not None and struck[fault.id] >= fault.left
            if used_up or not occasion.fits(fault):
                continue
            offered[fault.id] += 1
            if offered[fault.id] % fault.every == 0:
                struck[fault.id] += 1
                expected = fault.id
                break
        found, now = strike(now, occasion)
        assert (found and found.id) == expected
    for before, after in zip(all_of_them, now, strict=True):
        assert 0 <= after.met < after.every
        assert struck[before.id] <= offered[before.id] / before.every
        if before.left is not None and after.left is not None:
            assert before.left - after.left == struck[before.id]


@pytest.mark.parametrize(
    ("name", "text", "fine"),
    [
        ("Retry-After", "1", True),
        ("X-Odd", "é \t", True),
        ("Content-Length", "1", False),
        ("transfer-ENCODING", "chunked", False),
        ("X A", "1", False),
        ("X:", "1", False),
        ("", "1", False),
        ("X", "a\r\nSet-Cookie: b", False),
        ("X", "\x00", False),
        ("X", "\U0001f9fe", False),
    ],
)
def test_only_what_can_be_a_header_is_one(name: str, text: str, fine: bool) -> None:
    assert can_be_sent(name, text) == fine


# What faults do to a delivery


def struck(**effect: int) -> Delivery:
    return replace(a_delivery(), fault=Mishap("fault", DeliveryEffect(**effect)))  # type: ignore[arg-type]


def test_a_delay_puts_a_delivery_off_once() -> None:
    late = put_off(struck(delay=SECOND, duplicate=1), can_wait=True)
    assert late.due == START + SECOND
    assert late.fault == Mishap("fault", DeliveryEffect(duplicate=1))
    assert put_off(late, can_wait=True) == late


def test_one_to_be_overtaken_waits_a_minute_at_most_and_only_if_it_is_not_overtaking() -> None:
    assert put_off(struck(reorder=True), can_wait=True).due == START + MINUTE
    going = put_off(struck(reorder=True), can_wait=False)
    assert (going.due, going.fault) == (START, Mishap("fault", DeliveryEffect()))


def test_a_late_one_can_then_be_overtaken() -> None:
    late = put_off(struck(delay=SECOND, reorder=True), can_wait=True)
    assert put_off(late, can_wait=True).due == START + SECOND + MINUTE


def test_other_effects_put_nothing_off() -> None:
    delivery = struck(duplicate=2, truncate=True)
    assert put_off(delivery, can_wait=True) == delivery
    assert put_off(a_delivery(), can_wait=True) == a_delivery()


def test_copies_are_on_record_and_count_for_nothing() -> None:
    account, delivery = Account(), struck(duplicate=2)
    copy = replace(an_attempt(), duplicate=True)
    for retry in account.webhook_retries:
        delivery = attempted(delivery, an_attempt(500), account, (copy, copy))
        assert (delivery.state, delivery.due, delivery.fault) == ("pending", START + retry, None)
    delivery = attempted(delivery, an_attempt(500), account, (copy,))
    assert (delivery.state, len(delivery.attempts)) == ("failed", 11)
    copies = (replace(copy, status=500),)
    assert attempted(a_delivery(), an_attempt(), account, copies).state == "delivered"


def test_a_forged_signature_looks_like_one_and_is_wrong() -> None:
    secrets = ("new", "old")
    header = signature(forged(Seal(5, secrets)).secrets, 5, b"{}")
    assert header.count(", ") == 2
    assert len(header) == len(signature(secrets, 5, b"{}"))
    assert not verified(header, "new", b"{}")
    assert not verified(header, "old", b"{}")
