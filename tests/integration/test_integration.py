"""`drsim run` against the example shop: what is well passes, and each mistake is found where it should be."""

from pathlib import Path

import pytest

from tests.integration.processes import Shop, free_port, run

SUITE = Path(__file__).with_name("scenarios")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.parametrize("options", [(), ("--pause", "0.2")], ids=["at once", "slowly"])
def test_the_suite_passes_however_quickly_the_shop_works(port: int, options: tuple[str, ...]) -> None:
    with Shop(port, *options) as shop:
        ran = run(SUITE, shop.hooks, port)
        shipments = shop.shipments().values()
    assert ran.code == 0, ran.out + ran.errors
    assert "7 passed in" in ran.out
    reasons = {each["reason"] for each in shipments if each["state"] == "cancelled"}
    assert reasons == {"The card was closed.", "Failed to operate on charge"}
    assert sum(each["state"] == "shipped" for each in shipments) == 4


def test_the_suite_passes_again_and_again_against_the_same_shop(port: int) -> None:
    with Shop(port) as shop:
        assert [run(SUITE, shop.hooks, port).code for _ in range(2)] == [0, 0]


def test_a_shop_that_ignores_failed_captures_is_found_out(port: int) -> None:
    with Shop(port, "--broken", "ignores-failed-capture") as shop:
        ran = run(SUITE, shop.hooks, port)
    assert (ran.code, ran.failed) == (1, {"cancels-the-rest.yaml", "cancels-what-is-not-paid.yaml"})
    told = ran.about("cancels-what-is-not-paid.yaml").splitlines()
    assert told[0].endswith("cancels-what-is-not-paid.yaml:17: step 4 of 7")
    assert told[1] == "     17 |   - name: The shop asks why"
    assert told[-2].startswith("  The system under test made no call GET /charges/")
    assert told[-2].endswith(" that fits, within 3s.")
    assert told[-1] == "    It made no such call; it made: POST /fulfillments"
    assert ran.timeline("cancels-what-is-not-paid.yaml")[-1] == "delivery  order.charge.capture.failed -> 202"
    assert ran.about("cancels-the-rest.yaml").splitlines()[-1] == "    It made no such call; it made: none at all"


def test_a_shop_that_ships_before_the_order_is_accepted_is_found_out(port: int) -> None:
    with Shop(port, "--broken", "fulfils-before-accepted") as shop:
        ran = run(SUITE, shop.hooks, port)
    assert (ran.code, ran.failed) == (1, {"ships-nothing-in-review.yaml", "waits-for-acceptance.yaml"})
    told = ran.about("waits-for-acceptance.yaml").splitlines()
    assert told[0].endswith("waits-for-acceptance.yaml:15: step 3 of 6")
    assert told[1:4] == [
        "     15 |   - name: It must not ship yet",
        "     16 |     no_call: POST /fulfillments",
        "     17 |     within: 500ms",
    ]
    assert told[5] == "  The system under test made a call that was not to come:"
    assert told[6].startswith("    POST /fulfillments -> 409 at ")
    assert told[7].startswith('      it sent {"orderId":"')
    called = "call      POST /fulfillments -> 409 (by the system under test)"
    assert ran.timeline("waits-for-acceptance.yaml")[-1] == called


def test_a_shop_that_handles_duplicates_twice_is_found_out(port: int) -> None:
    with Shop(port, "--broken", "handles-duplicates-twice") as shop:
        ran = run(SUITE, shop.hooks, port)
    assert (ran.code, ran.failed) == (1, {"handles-a-duplicate-once.yaml"})
    told = ran.about("handles-a-duplicate-once.yaml").splitlines()
    assert told[0].endswith("handles-a-duplicate-once.yaml:14: step 3 of 3")
    assert told[1] == "     14 |   - name: and does not try again"
    assert told[6].startswith("    POST /fulfillments -> 409 at ")


def test_a_shop_that_is_not_there_received_nothing(port: int) -> None:
    hooks = f"http://127.0.0.1:{free_port()}/hooks"
    ran = run(SUITE, hooks, port, "-k", "accepted")
    assert (ran.code, ran.failed) == (1, {"ships-what-is-accepted.yaml", "waits-for-acceptance.yaml"})
    refused = f"cannot connect to {hooks[7:-6]}: Connection refused"
    nearest = f"    The nearest of 1: order.accepted: pending, {refused} after 3 attempts"
    assert nearest in ran.about("ships-what-is-accepted.yaml")
    timeline = ran.timeline("ships-what-is-accepted.yaml")
    assert f"delivery  order.accepted -> {refused}" in timeline
    assert not [line for line in timeline if line.startswith("call")]


def test_a_shop_with_another_secret_answers_400(port: int) -> None:
    with Shop(port, "--secret", "whk_another") as shop:
        ran = run(SUITE, shop.hooks, port, "-k", "accepted")
        assert shop.shipments() == {}
    assert (ran.code, ran.failed) == (1, {"ships-what-is-accepted.yaml", "waits-for-acceptance.yaml"})
    nearest = "    The nearest of 1: order.accepted: pending, 400 after 3 attempts"
    assert nearest in ran.about("ships-what-is-accepted.yaml")
    assert "delivery  order.accepted -> 400" in ran.timeline("ships-what-is-accepted.yaml")
