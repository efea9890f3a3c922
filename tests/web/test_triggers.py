"""What the payment provider does: test cards, test last names, and the behavior rules that come before them."""

import re
from typing import Any

import pytest

from tests.harness import JSON, Client
from tests.web.worlds import (
    UUID,
    amounts,
    behave,
    charge_now,
    charge_of_type,
    error,
    line,
    order_now,
    refused,
    scenario,
)

CHARGE_REFUSED = error("conflict", "failed-request", "Failed to charge source.")


def ordered(client: Client, source: JSON, **more: Any) -> Any:
    """The answer to making an order that is paid like this."""
    items = [{"price": 10.0, "quantity": 3}]
    return client.post("/_sim/orders", json={"items": items, "source": source, **more})


def ended(client: Client, order: JSON, kind: str = "captures") -> list[str]:
    """How the captures or cancels of the order stand."""
    return [operation["state"] for operation in charge_now(client, order).get(kind, [])]


# Cards.


@pytest.mark.parametrize(
    ("number", "brand", "last"),
    [
        ("4444 2222 3333 1111", "Visa", "1111"),
        ("5466 1600 0000 0008", "MasterCard", "0008"),
        ("5454-5454-5454-5454", "MasterCard", "5454"),
        ("4917610000000000", "Visa", "0000"),
        ("3434 567890 12341", "American Express", "2341"),
        ("3034 567890 1235", "Diners Club", "1235"),
        ("6011 9876 9876 9876", "Discover", "9876"),
        ("3528 9876 9876 9879", "JCB", "9879"),
        ("6226 2200 0000 0009", "UnionPay", "0009"),
        ("4000 0000 0000 4111", "Visa", "4111"),
        ("4556 6025 6424 0839", "Visa", "0839"),
    ],
)
def test_a_good_card_captures_and_cancels(client: Client, number: str, brand: str, last: str) -> None:
    order = client.order(source={"number": number})
    card = order["payment"]["sources"][0]["creditCard"]
    assert (card["brand"], card["lastFourDigits"]) == (brand, last)
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    assert (ended(client, order), ended(client, order, "cancels")) == (["complete"], ["complete"])


def test_a_card_that_cannot_be_a_source_makes_no_order(client: Client) -> None:
    response = ordered(client, {"number": "4000 0000 0000 3295"})
    found = refused(response, 409, "source_not_chargeable", "sourceId")
    assert re.fullmatch(f"Source '{UUID}' is not chargeable.", found["message"])
    assert client.ok(client.get("/orders"))["data"] == client.events() == []


def test_a_card_that_cannot_be_charged_makes_no_order(client: Client) -> None:
    response = ordered(client, {"number": "4000 0000 0000 3600"})
    assert (response.status_code, response.json()) == (409, CHARGE_REFUSED)
    assert client.ok(client.get("/orders"))["data"] == client.events() == []


def test_a_capture_that_fails_leaves_the_order_fulfilled_for_good(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"})
    client.ok(client.fulfill(order), 201)
    client.settle()
    client.advance("60d")
    assert ended(client, order) == ["failed"]
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], charge_now(client, order)["state"]) == (
        "fulfilled",
        "fulfilled",
        "capturable",
    )


def test_a_capture_that_fails_tells_its_events_in_order(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"})
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert client.event_types()[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
        "order.charge.capture.failed",
    ]


def test_a_cancel_that_fails_leaves_the_item_cancelled_and_the_order_accepted(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4442"})
    client.ok(client.fulfill(order, line(order, cancel=3)), 201)
    client.settle()
    client.advance("10d")
    assert ended(client, order, "cancels") == ["failed"]
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], charge_now(client, order)["state"]) == (
        "accepted",
        "cancelled",
        "capturable",
    )


def test_a_card_whose_cancels_fail_captures_well_and_the_other_way_round(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4442"})
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert order_now(client, order)["state"] == "complete"
    other = client.order(source={"number": "4000 0000 0000 4103"})
    client.ok(client.fulfill(other, line(other, cancel=3)), 201)
    client.settle()
    assert order_now(client, other)["state"] == "cancelled"


def test_a_capture_that_fails_later_is_pending_first(client: Client) -> None:
    order = client.order(source={"number": "4485 9517 8852 1565"})
    client.ok(client.fulfill(order), 201)
    client.advance("30s")
    assert ended(client, order) == ["pending"]
    client.settle()
    assert ended(client, order) == ["failed"]
    assert order_now(client, order)["state"] == "fulfilled"


@pytest.mark.parametrize("number", ["4024 0071 2057 9635", "4000 0000 0000 0028"])
def test_a_capture_can_be_pending_for_ever(client: Client, number: str) -> None:
    order = client.order(source={"number": number})
    client.ok(client.fulfill(order), 201)
    client.settle()
    client.advance("365d")
    assert ended(client, order) == ["pending"]
    assert (order_now(client, order)["state"], charge_now(client, order)["state"]) == ("fulfilled", "processing")


def test_every_partial_capture_of_a_failing_card_fails(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"})
    for _ in range(3):
        client.ok(client.fulfill(order, line(order, 1)), 201)
        client.settle()
    assert ended(client, order) == ["failed"] * 3
    assert order_now(client, order)["capturedAmount"] == 0.0


def test_store_credit_is_captured_well_beside_a_failing_card(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"}, storeCredit=11.0)
    client.ok(client.fulfill(order), 201)
    client.settle()
    credit, card = (charge_of_type(client, order, kind) for kind in ("customerCredit", "creditCard"))
    assert (credit["state"], credit["captures"][0]["state"]) == ("complete", "complete")
    assert (card["state"], card["captures"][0]["state"]) == ("capturable", "failed")
    now = order_now(client, order)
    assert (now["state"], now["capturedAmount"], now["availableToRefundAmount"]) == ("fulfilled", 11.0, 11.0)


@pytest.mark.parametrize("number", ["1234", "4444 2222 3333 111x", "0000 0000 0000 0000", "", 7, [], "9" * 30])
def test_what_is_no_card_number_is_refused_without_being_repeated(client: Client, number: Any) -> None:
    response = ordered(client, {"number": number})
    assert response.status_code == 400
    assert not re.search(r"\d{4}", response.text.replace("4096", ""))


# Last names.

NAMED: list[tuple[str, str, str]] = [
    ("googlePay", "SourceFail", "source"),
    ("googlePay", "ChargeFail", "charge"),
    ("googlePay", "SCATestFail", "charge"),
    ("payPal", "SourceCreationFail", "source"),
    ("payPal", "ChargeCreationFail", "charge"),
    ("payPalBilling", "SourceCreationFail", "source"),
    ("payPalBilling", "ChargeCreationFail", "charge"),
    ("payPalCredit", "SourceCreationFail", "source"),
    ("payPalCredit", "ChargeCreationFail", "charge"),
    ("klarnaCredit", "SourceCreationFail", "source"),
    ("klarnaCredit", "ChargeCreationFail", "charge"),
    ("directDebit", "SourceFail", "source"),
    ("directDebit", "SourceFailAfterRedirect", "source"),
    ("directDebit", "ChargeFail", "charge"),
    ("alipay", "authFail", "source"),
    ("wireTransfer", "SourceCreationFail", "source"),
    ("konbini", "SourceCreationFail", "source"),
]


@pytest.mark.parametrize(("type", "name", "refusal"), NAMED)
def test_a_last_name_makes_the_source_or_the_charge_fail(client: Client, type: str, name: str, refusal: str) -> None:
    response = ordered(client, {"type": type, "owner": {"lastName": name}})
    if refusal == "source":
        refused(response, 409, "source_not_chargeable", "sourceId")
    else:
        assert (response.status_code, response.json()) == (409, CHARGE_REFUSED)
    assert client.ok(client.get("/orders"))["data"] == []


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("googlePay", "SCATest"),
        ("googlePay", "RefundFail"),
        ("googlePay", "chargefail"),
        ("payPal", "RefundFail"),
        ("payPal", "ChargeFail"),
        ("klarnaCredit", "RefundFail"),
        ("directDebit", "RefundFail"),
        ("directDebit", "RefundFailedAfterPending"),
        ("alipay", "refundFail"),
        ("creditCard", "ChargeFail"),
        ("applePay", "CaptureFail"),
        ("wireTransfer", "RefundFailWhileCreation"),
        ("konbini", "RefundFailAfterPaymentInfo"),
    ],
)
def test_names_that_are_no_trigger_here_pay_well(client: Client, type: str, name: str) -> None:
    order = client.order(source={"type": type, "owner": {"lastName": name}})
    assert order["state"] == "accepted"
    client.ok(client.fulfill(order, line(order, 1, 2)), 201)
    client.settle()
    assert order_now(client, order)["state"] == "complete"


def test_google_pay_fails_captures_and_cancels_by_name(client: Client) -> None:
    capture = client.order(source={"type": "googlePay", "owner": {"lastName": "CaptureFail"}})
    client.ok(client.fulfill(capture, line(capture, 1, 1)), 201)
    cancel = client.order(source={"type": "googlePay", "owner": {"lastName": "CancelFail"}})
    client.ok(client.fulfill(cancel, line(cancel, 1, 1)), 201)
    client.settle()
    assert (ended(client, capture), ended(client, capture, "cancels")) == (["failed"], ["complete"])
    assert (ended(client, cancel), ended(client, cancel, "cancels")) == (["complete"], ["failed"])


@pytest.mark.parametrize(
    ("type", "name"), [("directDebit", "ChargeFailedAfterPending"), ("alipay", "authFailAfterRedirect")]
)
def test_a_charge_that_fails_after_pending_cancels_the_order(client: Client, type: str, name: str) -> None:
    order = client.ok(ordered(client, {"type": type, "owner": {"lastName": name}}), 201)
    assert order["state"] == "pending_payment"
    assert order["payment"]["charges"][0]["state"] == "pending"
    assert client.event_types() == ["order.created", "order.charge.pending", "order.pending_payment"]
    client.settle()
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], now["cancelledAmount"]) == ("cancelled", "cancelled", 0.0)
    charge = charge_now(client, order)
    assert (charge["state"], charge["failureCode"]) == ("failed", "failed-request")
    assert client.event_types()[3:] == ["order.charge.failed", "order.cancelled"]
    (event,) = client.events(type="order.charge.failed")
    assert event["data"]["object"]["payment"]["charges"][0]["state"] == "failed"
    assert now["payment"]["session"]["state"] == "failed"


def test_a_charge_can_be_pending_for_ever(client: Client) -> None:
    order = client.ok(ordered(client, {"type": "directDebit", "owner": {"lastName": "ChargeRemainPending"}}), 201)
    client.advance("300d")
    now = order_now(client, order)
    assert (now["state"], now["payment"]["charges"][0]["state"]) == ("pending_payment", "pending")


@pytest.mark.parametrize("type", ["wireTransfer", "konbini"])
def test_funds_that_never_come_cancel_the_order_after_thirty_seconds(client: Client, type: str) -> None:
    order = client.ok(ordered(client, {"type": type, "owner": {"lastName": "SourceFailWithDelay"}}), 201)
    assert (order["state"], order["payment"]["session"]["state"]) == ("pending_payment", "pending_funds")
    assert "charges" not in order["payment"]
    assert not {"fraudState", "fraudStateTransitions"} & set(order)
    client.advance("29s")
    assert order_now(client, order)["state"] == "pending_payment"
    client.advance("1s")
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], now["cancelledAmount"]) == ("cancelled", "cancelled", 0.0)
    assert now["payment"]["session"]["state"] == "failed"
    assert "charges" not in now["payment"]
    assert client.event_types() == ["order.created", "order.pending_payment", "order.cancelled"]


# Behavior rules.


def test_a_rule_comes_before_the_card(client: Client) -> None:
    behave(client, "capture", {"state": "complete"})
    order = client.order(source={"number": "4000 0000 0000 4103"})
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert ended(client, order) == ["complete"]


def test_the_first_fitting_rule_decides(client: Client) -> None:
    behave(client, "cancel", {"state": "failed"})
    behave(client, "capture", {"state": "failed", "failureCode": "declined"})
    behave(client, "capture", {"state": "complete"})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert charge_now(client, order)["captures"][0]["failureCode"] == "declined"


def test_times_uses_a_rule_up(client: Client) -> None:
    behave(client, "capture", {"state": "failed"}, times=2)
    order = client.order()
    for _ in range(3):
        client.ok(client.fulfill(order, line(order, 1)), 201)
        client.settle()
    assert ended(client, order) == ["failed", "failed", "complete"]


def test_a_refused_request_does_not_use_a_rule_up(client: Client) -> None:
    behave(client, "capture", {"state": "failed"}, times=1)
    order = client.order()
    assert client.fulfill(order, line(order, 9)).status_code == 409
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert ended(client, order) == ["failed"]


def test_after_says_how_long_an_operation_stays_pending(client: Client) -> None:
    behave(client, "capture", {"state": "failed", "after": "30s"})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.advance("29999ms")
    assert ended(client, order) == ["pending"]
    client.advance("1ms")
    assert ended(client, order) == ["failed"]
    assert client.events()[-1]["createdTime"] == "2024-01-01T00:00:30Z"


def test_after_zero_ends_an_operation_at_once(client: Client) -> None:
    behave(client, "capture", {"state": "complete", "after": "0s"})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle("now")
    assert ended(client, order) == ["complete"]
    assert client.events(type="order.charge.capture.complete")[0]["createdTime"] == "2024-01-01T00:00:00Z"


def test_a_pending_rule_without_a_next_is_pending_for_ever(client: Client) -> None:
    behave(client, "capture", {"state": "pending"})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    client.advance("90d")
    assert ended(client, order) == ["pending"]


def test_next_follows_a_pending_rule(client: Client) -> None:
    behave(client, "capture", {"state": "pending", "after": "10s", "next": {"state": "failed", "after": "5s"}})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.advance("14s")
    assert ended(client, order) == ["pending"]
    client.advance("1s")
    assert ended(client, order) == ["failed"]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"$gte": 25.21}, True),
        ({"$gt": 25.21}, False),
        ({"$gt": 25.2, "$lt": 25.22}, True),
        (25.21, True),
        ("25.21", True),
        (25.2, False),
        ({"$in": [1, 25.21]}, True),
        ({"$not": {"$lt": 30}}, False),
        ({"$ne": 25.21}, False),
    ],
)
def test_a_rule_can_look_at_the_amount(client: Client, pattern: Any, fits: bool) -> None:
    behave(client, "capture", {"state": "failed"}, amount=pattern)
    order = client.order()
    client.ok(client.fulfill(order, line(order, 2)), 201)
    client.settle()
    assert ended(client, order) == ["failed" if fits else "complete"]


def test_a_rule_can_look_at_the_attempt(client: Client) -> None:
    behave(client, "capture", {"state": "failed"}, attempt=2)
    order = client.order()
    for _ in range(3):
        client.ok(client.fulfill(order, line(order, 1)), 201)
        client.settle()
    assert ended(client, order) == ["complete", "failed", "complete"]


def test_a_rule_can_look_at_one_order_one_charge_or_one_upstream_id(client: Client) -> None:
    orders = [client.order(upstreamId=f"shop-{number}") for number in range(4)]
    behave(client, "capture", {"state": "failed"}, order=orders[0]["id"])
    behave(client, "capture", {"state": "failed"}, charge=orders[1]["payment"]["charges"][0]["id"])
    behave(client, "capture", {"state": "failed"}, upstreamId={"$regex": "2$"})
    for order in orders:
        client.ok(client.fulfill(order), 201)
    client.settle()
    assert [ended(client, order) for order in orders] == [["failed"], ["failed"], ["failed"], ["complete"]]


def test_a_rule_can_look_at_an_order_id_that_is_a_number(client: Client) -> None:
    order = client.order()
    behave(client, "capture", {"state": "failed"}, order=int(order["id"]))
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert ended(client, order) == ["failed"]


def test_a_rule_can_look_at_the_source(client: Client) -> None:
    behave(client, "capture", {"state": "failed"}, source={"type": "customerCredit"})
    behave(client, "cancel", {"state": "failed"}, source={"lastFourDigits": "1111"})
    order = client.order(source={"number": "4444 2222 3333 1111"}, storeCredit=5.0)
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    credit, card = (charge_of_type(client, order, kind) for kind in ("customerCredit", "creditCard"))
    assert [capture["state"] for capture in credit["captures"]] == ["failed"]
    assert [capture["state"] for capture in card["captures"]] == ["complete"]
    assert [cancel["state"] for cancel in card["cancels"]] == ["failed"]


def test_a_rule_for_authorizing_refuses_an_order_as_often_as_it_says(client: Client) -> None:
    behave(client, "authorize", {"state": "failed", "failureCode": "insufficient_funds"}, times=1)
    response = ordered(client, {})
    assert (response.status_code, response.json()) == (
        409,
        error("conflict", "insufficient_funds", "Failed to charge source."),
    )
    assert ordered(client, {}).status_code == 201


def test_a_rule_for_authorizing_later_makes_an_order_wait(client: Client) -> None:
    behave(client, "authorize", {"state": "complete", "after": "10m"})
    order = client.ok(ordered(client, {}), 201)
    assert (order["state"], order["payment"]["charges"][0]["state"]) == ("pending_payment", "pending")
    client.advance("10m")
    assert order_now(client, order)["state"] == "accepted"
    assert client.event_types() == [
        "order.created",
        "order.charge.pending",
        "order.pending_payment",
        "order.charge.capturable",
        "order.accepted",
    ]
    client.ok(client.fulfill(order), 201)


def test_a_tolerant_account_whose_authorization_is_not_renewed_fails_its_capture(client: Client) -> None:
    behave(client, "authorize", {"state": "failed"}, attempt=2)
    order = client.order(createdAgo="8d")
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert ended(client, order) == ["failed"]


def test_an_averse_account_captures_when_a_rule_renews_the_authorization(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    behave(client, "authorize", {"state": "complete"})
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert order_now(client, order)["state"] == "complete"


def test_a_failed_renewal_uses_its_rule_up_though_the_request_is_refused(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    behave(client, "authorize", {"state": "failed"}, times=1)
    behave(client, "authorize", {"state": "complete"})
    assert client.fulfill(order).status_code == 409
    client.ok(client.fulfill(order), 201)


def test_a_renewed_authorization_lasts_as_long_as_a_new_one(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    behave(client, "authorize", {"state": "complete"}, times=1)
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.advance("6d")
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.advance("2d")
    assert client.fulfill(order, line(order, 1)).status_code == 409


def test_delays_of_the_account_say_how_long_things_take(client: Client) -> None:
    scenario(client, account={"delays": {"capture": "1h", "cancel": "2h", "complete": "3h"}})
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1, 2)), 201)
    client.advance("1h")
    assert (ended(client, order), ended(client, order, "cancels")) == (["complete"], ["pending"])
    client.advance("1h")
    assert ended(client, order, "cancels") == ["complete"]
    assert order_now(client, order)["state"] == "fulfilled"
    client.advance("3h")
    assert order_now(client, order)["state"] == "complete"


def test_failed_captures_are_retried_when_the_account_says_so(client: Client) -> None:
    scenario(client, account={"captureRetries": ["1h", "2h"]})
    behave(client, "capture", {"state": "failed"}, times=2)
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert ended(client, order) == ["failed", "failed", "complete"]
    assert amounts(charge_now(client, order)["captures"]) == [37.81] * 3
    assert order_now(client, order)["state"] == "complete"


def test_a_retried_capture_never_takes_more_than_is_left(client: Client) -> None:
    scenario(client, account={"captureRetries": ["1h"]})
    behave(client, "capture", {"state": "failed"}, times=1)
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.advance("10s")
    client.ok(client.fulfill(order, line(order, 2)), 201)
    client.settle()
    failed, *others = charge_now(client, order)["captures"]
    assert (failed["state"], {capture["state"] for capture in others}) == ("failed", {"complete"})
    assert round(sum(amounts(others)), 2) == 37.81
    now = order_now(client, order)
    assert (now["state"], now["capturedAmount"]) == ("complete", 37.81)


def test_rules_are_listed_in_order_and_can_be_deleted(client: Client) -> None:
    first = behave(client, "capture", {"state": "failed"}, times=1)
    second = behave(client, "cancel", {"state": "failed"})
    listed = client.ok(client.get("/_sim/behavior"))
    rules = listed["data"] if isinstance(listed, dict) else listed
    assert [rule["id"] for rule in rules] == [first["id"], second["id"]]
    response = client.delete(f"/_sim/behavior/{first['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert client.delete(f"/_sim/behavior/{first['id']}").status_code == 404
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    assert (ended(client, order), ended(client, order, "cancels")) == (["complete"], ["failed"])


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"when": {}, "then": {"state": "failed"}},
        {"when": {"operation": "eat"}, "then": {"state": "failed"}},
        {"when": {"operation": "capture"}},
        {"when": {"operation": "capture"}, "then": {"state": "eaten"}},
        {"when": {"operation": "capture"}, "then": {"state": "failed", "after": "soon"}},
        {"when": {"operation": "capture"}, "then": {"state": "complete", "next": {"state": "failed"}}},
        {"when": {"operation": "capture", "amount": {"$like": 1}}, "then": {"state": "failed"}},
        {"when": {"operation": "capture", "upstreamId": {"$regex": "("}}, "then": {"state": "failed"}},
        {"when": {"operation": "capture", "colour": "red"}, "then": {"state": "failed"}},
        {"when": {"operation": "capture"}, "then": {"state": "failed"}, "times": 0},
        {"when": {"operation": "capture"}, "then": {"state": "failed"}, "times": -1},
        {"when": {"operation": "capture"}, "then": {"state": "failed"}, "times": "often"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(client: Client, rule: JSON) -> None:
    response = client.post("/_sim/behavior", json=rule)
    assert response.status_code == 400
    assert response.json()["type"] == "bad_request"
    listed = client.ok(client.get("/_sim/behavior"))
    assert (listed["data"] if isinstance(listed, dict) else listed) == []
