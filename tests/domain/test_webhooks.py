import base64
import re
from dataclasses import replace
from typing import Any

import pytest

from drsim.domain.account import LIVE_RETRIES, TEST_RETRIES, Account, Disabling
from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND
from drsim.domain.secrets import Secret
from drsim.domain.states import IllegalStep
from drsim.domain.webhooks import (
    JITTER,
    Attempt,
    Delivery,
    Failing,
    Seal,
    Webhook,
    attempted,
    basic_authorization,
    changed,
    given_up,
    observed,
    parts,
    seal,
    signature,
    verified,
)
from tests.domain.builders import START

BODY = b'{"id": "1"}'


def an_attempt(status: int | None = 200, error: str | None = None, at: int = START) -> Attempt:
    return Attempt(at, status, error, 1000, {})


def a_delivery() -> Delivery:
    return Delivery("d", START, "e", "w", "order.accepted", "o", "pending", START)


def test_a_webhook_wants_its_types_while_it_is_enabled() -> None:
    webhook = Webhook("w", START, START, ("order.accepted",), "http://localhost", (Secret("s", START),))
    assert webhook.wants("order.accepted")
    assert not webhook.wants("order.cancelled")
    assert not replace(webhook, enabled=False).wants("order.accepted")


@pytest.mark.parametrize(
    ("status", "error", "success"),
    [
        (200, None, True),
        (202, None, True),
        (299, None, True),
        (301, None, False),
        (404, None, False),
        (500, None, False),
        (199, None, False),
        (None, "timeout", False),
        (200, "timeout", False),
    ],
)
def test_any_2xx_in_time_is_success(status: int | None, error: str | None, success: bool) -> None:
    assert an_attempt(status, error).succeeded == success


def test_a_successful_attempt_delivers() -> None:
    delivered = attempted(a_delivery(), an_attempt(), Account())
    assert (delivered.state, delivered.due, len(delivered.attempts)) == ("delivered", None, 1)
    with pytest.raises(IllegalStep):
        attempted(delivered, an_attempt(), Account())


def test_failed_attempts_are_retried_as_the_account_says_and_then_given_up() -> None:
    delivery, at, dues = a_delivery(), START, []
    for _ in range(4):
        delivery = attempted(delivery, an_attempt(500, at=at), Account())
        dues.append(None if delivery.due is None else delivery.due - at)
        at = delivery.due or at
    assert dues == [5 * MINUTE, 30 * MINUTE, 2 * HOUR, None]
    assert (delivery.state, len(delivery.attempts)) == ("failed", 4)


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert attempted(a_delivery(), an_attempt(500), Account(webhook_retries=())).state == "failed"


def test_the_live_schedule_grows_and_ends_within_72_hours() -> None:
    assert list(LIVE_RETRIES) == sorted(LIVE_RETRIES)
    assert 60 * HOUR < sum(LIVE_RETRIES) * (1 + JITTER) < 72 * HOUR
    assert Account().webhook_retries == TEST_RETRIES


@pytest.mark.parametrize(("chance", "share"), [(0, 0.9), (0.25, 0.95), (0.5, 1), (1, 1.1)])
def test_chance_brings_a_retry_forward_or_puts_it_off(chance: float, share: float) -> None:
    delivery = attempted(a_delivery(), an_attempt(500), Account(webhook_retries=(HOUR,)), chance=chance)
    assert delivery.due == START + round(share * HOUR)


def test_an_attempt_that_was_under_way_when_its_delivery_was_given_up_decides_nothing() -> None:
    late = attempted(given_up(a_delivery()), an_attempt(), Account())
    assert (late.state, late.due, len(late.attempts)) == ("undelivered", None, 1)


def a_webhook(**fields: Any) -> Webhook:
    return Webhook("w", START, START, ("order.accepted",), "http://localhost", (Secret("s", START),), **fields)


ACCOUNT = Account(webhook_disabling=Disabling(3 * DAY, 2))


def test_a_webhook_is_disabled_after_long_enough_and_enough_failed_events_without_a_success() -> None:
    webhook = observed(a_webhook(), an_attempt(500), ACCOUNT, failed=True)
    assert (webhook.enabled, webhook.failing) == (True, Failing(START, 1))
    early = observed(webhook, an_attempt(500, at=START + 3 * DAY - 1), ACCOUNT, failed=True)
    assert (early.enabled, early.failing) == (True, Failing(START, 2))
    at = START + 3 * DAY
    too_few = observed(webhook, an_attempt(500, at=at), ACCOUNT, failed=False)
    assert too_few == webhook
    disabled = observed(webhook, an_attempt(500, at=at), ACCOUNT, failed=True)
    assert (disabled.enabled, disabled.disabled, disabled.updated) == (False, at, at)
    assert observed(early, an_attempt(500, at=at), ACCOUNT, failed=False).enabled is False
    assert observed(disabled, an_attempt(500, at=at), ACCOUNT, failed=True) is disabled
    never = Account(webhook_disabling=None)
    assert observed(webhook, an_attempt(500, at=START + 99 * DAY), never, failed=True).enabled


def test_a_success_wipes_failures_out() -> None:
    failing = a_webhook(failing=Failing(START, 99))
    assert observed(failing, an_attempt(), ACCOUNT, failed=False) == a_webhook()
    assert observed(a_webhook(), an_attempt(), ACCOUNT, failed=False) == a_webhook()


def test_enabling_a_webhook_again_starts_afresh_and_no_other_change_does() -> None:
    failed = {"failing": Failing(START, 9), "disabled": START}
    off = a_webhook(enabled=False, **failed)
    assert changed(off, START + 1, {"enabled": True}) == replace(a_webhook(), updated=START + 1)
    assert changed(off, START, {"address": "http://x"}).failing == Failing(START, 9)
    on = a_webhook(failing=Failing(START, 9))
    assert changed(on, START, {"enabled": True, "address": "http://x"}).failing == Failing(START, 9)


def test_a_delivery_without_its_webhook_is_given_up() -> None:
    assert (given_up(a_delivery()).state, given_up(a_delivery()).due) == ("undelivered", None)


def test_a_signature_is_the_hmac_of_timestamp_and_raw_body() -> None:
    """Computed with openssl: `printf '1656698158.{"id": "1"}' | openssl dgst -sha256 -hmac whk_1 -binary | base64`."""
    assert signature(("whk_1",), 1656698158, BODY) == "1656698158, ztSJ5oB4YF3BngFMhwotkYtuQ6NCZBwH69xX89rdZxs="


def test_every_secret_signs_in_the_order_given() -> None:
    both = signature(("new", "old"), 7, BODY).split(", ")
    assert both == ["7", signature(("new",), 7, BODY).split(", ")[1], signature(("old",), 7, BODY).split(", ")[1]]


def test_each_live_secret_verifies_and_no_other() -> None:
    header = signature(("new", "old"), 7, BODY)
    assert verified(header, "new", BODY)
    assert verified(header, "old", BODY)
    assert not verified(header, "other", BODY)
    assert not verified(header, "new", BODY + b" ")
    assert not verified("8" + header[1:], "new", BODY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "7",
        "7, ",
        "x, y",
        "7, AAAA",
        "-7, AAAA",
        "7, \u00e9",
        "7, \udcff",
        "9" * 5_000 + ", A",
        "\u0667, AAAA",
        "7.0, A",
    ],
)
def test_what_is_no_signature_does_not_verify(header: str) -> None:
    assert not verified(header, "new", BODY)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "its first part, '', is no timestamp"),
        ("t=7, AAAA", "its first part, 't=7', is no timestamp"),
        ("07, AAAA", "its first part, '07', is no timestamp"),
        ("9" * 19 + ", AAAA", "is no timestamp"),
        ("7", "no signature follows its timestamp"),
        ("7, ", "no signature follows its timestamp"),
    ],
)
def test_the_wrong_part_of_a_header_is_named(header: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parts(header)


def test_a_header_is_taken_apart_with_and_without_blanks() -> None:
    assert parts("7, a, b") == parts(" 7,a,b ") == (7, ("a", "b"))


WALL = START + 3 * DAY + 456_789
WEBHOOK = Webhook(
    "w",
    START,
    START,
    (),
    "http://localhost",
    (Secret("new", START), Secret("older", START, START + HOUR), Secret("oldest", START, START + MINUTE)),
)


@pytest.mark.parametrize(
    ("settings", "sealed"),
    [
        ({}, Seal(WALL // SECOND, ("new", "older"))),
        ({"signature_order": "oldest-first"}, Seal(WALL // SECOND, ("older", "new"))),
        ({"signature_unit": "milliseconds"}, Seal(WALL // 1_000, ("new", "older"))),
        ({"signature_clock": "simulated"}, Seal(START // SECOND + 60, ("new", "older"))),
        (
            {"signature_clock": "simulated", "signature_unit": "milliseconds"},
            Seal(START // 1_000 + 60_000, ("new", "older")),
        ),
    ],
)
def test_a_seal_has_what_is_live_in_the_layout_of_the_account(settings: dict[str, Any], sealed: Seal) -> None:
    assert seal(WEBHOOK, Account(**settings), START + MINUTE, WALL) == sealed


@pytest.mark.parametrize("order", [("new", "old"), ("old", "new")])
@pytest.mark.parametrize("timestamp", [WALL // SECOND, WALL // 1_000])
def test_any_layout_and_unit_verifies(order: tuple[str, str], timestamp: int) -> None:
    header = signature(order, timestamp, BODY)
    assert verified(header, "new", BODY)
    assert verified(header, "old", BODY)
    assert not verified(header, "other", BODY)


@pytest.mark.parametrize("name", ["username", "userName"])
def test_basic_authorization_takes_either_spelling(name: str) -> None:
    header = basic_authorization({name: "u", "password": "p:\u00e9"})
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "u:p:\u00e9"
