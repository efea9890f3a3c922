"""The payloads' peculiarities that integrations have come to rely on: one test each."""

import json
import re
from typing import Any

import pytest

from tests.harness import JSON, Client
from tests.web.worlds import SECONDS, UUID, behave, charge_now, charge_of_type, line, order_now, scenario

CAPTURE_FAILS = {"number": "4000 0000 0000 4103"}
STUCK = {"number": "4024 0071 2057 9635"}


def told(client: Client, type: str) -> JSON:
    """The object of the only event of this type."""
    (event,) = client.events(type=type)
    object: JSON = event["data"]["object"]
    return object


def in_this_order(keys: list[str], wanted: str) -> bool:
    """Whether keys stand in the order of `wanted`, and none is missing from it."""
    names = wanted.split()
    return set(keys) <= set(names) and sorted(keys, key=names.index) == keys


# Charges and their operations.


def test_captured_is_true_even_when_the_only_capture_failed(client: Client) -> None:
    order = client.order(source=CAPTURE_FAILS)
    client.ok(client.fulfill(order), 201)
    client.settle()
    for charge in (
        charge_now(client, order),
        order_now(client, order)["payment"]["charges"][0],
        told(client, "order.charge.capture.failed"),
    ):
        assert charge["captured"] is True
        assert charge["captures"][0]["state"] == "failed"
        assert charge["state"] == "capturable"


def test_captured_is_false_until_the_first_capture_and_true_while_it_is_pending(client: Client) -> None:
    order = client.order()
    assert charge_now(client, order)["captured"] is False
    client.ok(client.fulfill(order, line(order, 1)), 201)
    assert charge_now(client, order)["captured"] is True
    assert charge_now(client, order)["captures"][0]["state"] == "pending"


def test_a_failed_capture_has_its_message_on_the_charge_but_not_in_the_event(client: Client) -> None:
    order = client.order(source=CAPTURE_FAILS)
    client.ok(client.fulfill(order), 201)
    client.settle()
    (shown,) = charge_now(client, order)["captures"]
    (sent,) = told(client, "order.charge.capture.failed")["captures"]
    assert shown.pop("failureMessage") == "Failed to operate on charge"
    assert shown == sent
    assert sent["failureCode"] == "failed-request"


def test_a_failed_cancel_has_its_message_on_the_charge_but_not_in_the_event(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4442"})
    client.ok(client.fulfill(order, line(order, cancel=3)), 201)
    client.settle()
    (shown,) = charge_now(client, order)["cancels"]
    (sent,) = told(client, "order.charge.cancel.failed")["cancels"]
    assert shown.pop("failureMessage") == "Failed to operate on charge"
    assert shown == sent
    assert sent["failureCode"] == "failed-request"


def test_captures_name_their_fulfillment_and_cancels_do_not(client: Client) -> None:
    order = client.order()
    fulfillment = client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    charges = [charge_now(client, order), told(client, "order.charge.capture.complete")]
    assert [charge["captures"][0]["fulfillmentId"] for charge in charges] == [fulfillment["id"]] * 2
    for charge in (charge_now(client, order), told(client, "order.charge.cancel.complete")):
        assert list(charge["cancels"][0]) == ["id", "createdTime", "amount", "state"]


def test_captures_and_cancels_are_absent_until_there_is_one(client: Client) -> None:
    order = client.order()
    assert not {"captures", "cancels", "refunds"} & set(charge_now(client, order))
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    client.settle()
    charge = told(client, "order.charge.cancel.complete")
    assert "captures" not in charge
    assert charge["captured"] is False
    assert charge["refunded"] is False


def test_a_charge_inside_an_order_is_poorer_than_the_charge(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    (embedded,) = order_now(client, order)["payment"]["charges"]
    charge = charge_now(client, order)
    assert not {"orderId", "paymentSessionId", "liveMode"} & set(embedded)
    assert "fulfillmentId" not in embedded["captures"][0]
    for name in ("orderId", "paymentSessionId", "liveMode"):
        del charge[name]
    del charge["captures"][0]["fulfillmentId"]
    assert embedded == charge


def test_a_charge_that_is_captured_in_part_goes_on_being_capturable(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 2)), 201)
    assert told(client, "order.charge.capture.pending")["state"] == "capturable"
    client.settle()
    assert told(client, "order.charge.capture.complete")["state"] == "capturable"


def test_a_charge_that_is_being_captured_in_full_is_processing(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    assert told(client, "order.charge.capture.pending")["state"] == "processing"
    types = client.event_types()
    assert types[types.index("order.charge.capture.pending") + 1] == "order.charge.processing"


def test_a_full_cancel_says_nothing_of_processing(client: Client) -> None:
    order = client.order()
    before = len(client.events())
    client.ok(client.fulfill(order, line(order, cancel=3)), 201)
    client.settle()
    assert client.event_types()[before:] == [
        "fulfillment.created",
        "order.charge.cancel.pending",
        "order.charge.cancel.complete",
        "order.charge.cancelled",
        "order.cancelled",
    ]


def test_a_full_fulfillment_tells_its_events_in_the_vendors_order(client: Client) -> None:
    order = client.order()
    assert client.event_types() == ["order.created", "order.charge.capturable", "order.accepted"]
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert client.event_types()[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
        "order.charge.capture.complete",
        "order.charge.complete",
        "order.complete",
        "order.invoice.created",
    ]


def test_some_fulfilled_and_the_rest_cancelled_makes_the_order_fulfilled_and_complete(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.settle()
    client.ok(client.fulfill(order, line(order, cancel=2)), 201)
    client.settle()
    types = client.event_types()
    assert types.count("order.fulfilled") == types.count("order.complete") == types.count("order.charge.complete") == 1
    assert not {"order.cancelled", "order.charge.cancelled"} & set(types)
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"]) == ("complete", "fulfilled")
    assert (now["capturedAmount"], now["cancelledAmount"]) == (12.61, 25.2)


# Amounts of the order.


def test_captured_amount_counts_a_capture_as_soon_as_it_exists(client: Client) -> None:
    order = client.order(source=STUCK)
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.advance("40d")
    now = order_now(client, order)
    assert now["payment"]["charges"][0]["captures"][0]["state"] == "pending"
    assert (now["capturedAmount"], now["availableToRefundAmount"]) == (12.61, 0.0)


def test_the_event_of_a_fulfilled_order_shows_a_pending_capture_as_captured(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    shown = told(client, "order.fulfilled")
    assert shown["state"] == shown["items"][0]["state"] == "fulfilled"
    (charge,) = shown["payment"]["charges"]
    assert (charge["state"], charge["captures"][0]["state"]) == ("processing", "pending")
    assert (shown["capturedAmount"], shown["availableToRefundAmount"]) == (37.81, 0.0)


def test_a_failed_capture_counts_no_longer(client: Client) -> None:
    order = client.order(source=CAPTURE_FAILS)
    client.ok(client.fulfill(order), 201)
    assert order_now(client, order)["capturedAmount"] == 37.81
    client.settle()
    now = order_now(client, order)
    assert (now["capturedAmount"], now["availableToRefundAmount"], now["state"]) == (0.0, 0.0, "fulfilled")


def test_cancelled_amount_counts_a_cancel_until_it_fails(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4442"})
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    assert order_now(client, order)["cancelledAmount"] == 12.61
    client.settle()
    assert order_now(client, order)["cancelledAmount"] == 0.0


def test_nothing_can_be_refunded_before_a_capture_is_complete(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    before = order_now(client, order)
    assert (before["availableToRefundAmount"], before["items"][0]["availableToRefundAmount"]) == (0.0, 0.0)
    client.settle()
    after = order_now(client, order)
    # Halves up of the line's share (12.603…), a cent below the capture, which is rounded up; the line without shipping.
    assert (after["availableToRefundAmount"], after["capturedAmount"]) == (12.6, 12.61)
    assert after["items"][0]["availableToRefundAmount"] == 10.8


def test_units_captured_on_two_charges_in_two_lines_of_one_request_all_count(client: Client) -> None:
    order = client.order(items=[{"price": 10.0, "quantity": 2}], shipping=0.0, taxRate=0, storeCredit=10.0)
    client.ok(client.fulfill(order, line(order, 1), line(order, 1)), 201)
    client.settle()
    now = order_now(client, order)
    assert (now["state"], now["capturedAmount"]) == ("complete", 20.0)
    assert (now["availableToRefundAmount"], now["items"][0]["availableToRefundAmount"]) == (20.0, 20.0)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("accepted", 0.0),
        ("in_review", 0.0),
        ("pending_payment", 0.0),
        ("complete", 32.41),
        ("fulfilled", None),
        ("cancelled", None),
        ("blocked", None),
        ("dispute", None),
    ],
)
def test_what_can_be_refunded_of_a_line_is_shown_in_some_states_only(
    client: Client, state: str, shown: float | None
) -> None:
    item = client.order(state=state)["items"][0]
    assert item.get("availableToRefundAmount") == shown


def test_money_that_a_blocked_order_gives_back_is_not_counted_as_cancelled(client: Client) -> None:
    order = client.order(state="blocked")
    client.settle()
    now = order_now(client, order)
    assert now["payment"]["charges"][0]["state"] == "cancelled"
    assert now["cancelledAmount"] == 0.0


# States.


def test_the_state_of_fraud_is_gone_when_the_order_is_complete_but_its_transitions_stay(client: Client) -> None:
    order = client.order()
    assert order["fraudState"] == "passed"
    client.ok(client.fulfill(order), 201)
    assert order_now(client, order)["fraudState"] == "passed"
    client.settle()
    now = order_now(client, order)
    assert now["state"] == "complete"
    assert "fraudState" not in now
    assert list(now["fraudStateTransitions"]) == ["passed"]


@pytest.mark.parametrize(
    ("state", "fraud"),
    [
        ("accepted", "passed"),
        ("in_review", "review_opened"),
        ("blocked", "blocked"),
        ("fulfilled", "passed"),
        ("cancelled", "passed"),
        ("dispute", "review_opened"),
        ("pending_payment", None),
        ("complete", None),
    ],
)
def test_each_state_of_an_order_has_its_state_of_fraud(client: Client, state: str, fraud: str | None) -> None:
    order = client.order(state=state)
    assert order.get("fraudState") == fraud
    assert ("fraudStateTransitions" in order) == (state != "pending_payment")


def test_only_visited_states_are_among_the_transitions(client: Client) -> None:
    order = client.order()
    assert list(order["stateTransitions"]) == ["accepted"]
    assert list(order["items"][0]["stateTransitions"]) == ["created"]
    client.ok(client.fulfill(order), 201)
    client.settle()
    now = order_now(client, order)
    assert set(now["stateTransitions"]) == {"accepted", "fulfilled", "complete"}
    assert set(now["items"][0]["stateTransitions"]) == {"created", "fulfilled"}


def test_a_partly_handled_line_stays_created(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], now["items"][0]["quantity"]) == ("accepted", "created", 3)


def test_a_line_is_fulfilled_when_the_request_is_made_not_when_its_money_comes(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    now = order_now(client, order)
    assert now["items"][0]["state"] == now["state"] == "fulfilled"
    assert now["payment"]["charges"][0]["captures"][0]["state"] == "pending"


def test_a_cancelled_order_waits_for_its_charge(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, cancel=3)), 201)
    assert (order_now(client, order)["state"], order_now(client, order)["items"][0]["state"]) == (
        "accepted",
        "cancelled",
    )
    client.settle()
    assert order_now(client, order)["state"] == "cancelled"


def test_updated_time_moves_with_the_state(client: Client) -> None:
    order = client.order()
    client.advance("1h")
    assert order_now(client, order)["updatedTime"] == order["createdTime"]
    client.ok(client.fulfill(order), 201)
    now = order_now(client, order)
    assert now["updatedTime"] == now["stateTransitions"]["fulfilled"] > order["createdTime"]
    client.settle()
    now = order_now(client, order)
    assert now["updatedTime"] == now["stateTransitions"]["complete"]


# Fulfillments.


def test_the_event_of_a_fulfillment_shows_the_order_as_it_was_before(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    details = told(client, "fulfillment.created")["orderDetails"]
    without_payment = {name: value for name, value in order.items() if name != "payment"}
    assert details == without_payment
    assert (details["state"], details["items"][0]["state"], details["capturedAmount"]) == ("accepted", "created", 0.0)


def test_order_details_have_no_payment_anywhere(client: Client) -> None:
    order = client.order()
    fulfillment = client.ok(client.fulfill(order), 201)
    assert "payment" not in told(client, "fulfillment.created")["orderDetails"]
    assert "payment" not in client.ok(client.get(f"/fulfillments/{fulfillment['id']}"))["orderDetails"]


def test_operations_of_a_fulfillment_are_named_only_where_it_is_retrieved(client: Client) -> None:
    order = client.order()
    fulfillment = client.ok(client.fulfill(order), 201)
    assert "chargeOperationIds" not in fulfillment
    assert "chargeOperationIds" not in told(client, "fulfillment.created")
    assert "chargeOperationIds" in client.ok(client.get(f"/fulfillments/{fulfillment['id']}"))


# How things are written.


def test_money_has_at_least_one_decimal_and_no_padding(client: Client) -> None:
    order = client.order(items=[{"price": 10.0, "quantity": 2}])
    text = client.get(f"/orders/{order['id']}").text
    for written in (
        '"totalAmount":27.01',
        '"subtotal":25.0',
        '"totalFees":0.0',
        '"totalTax":2.01',
        '"taxAmount":0.4',
        '"amount":20.0',
        '"rate":0.08025',
        '"quantity":2,',
        '"capturedAmount":0.0',
    ):
        assert written in text


def test_yen_and_won_are_written_with_a_zero_after_the_point(client: Client) -> None:
    yen = client.order(currency="JPY", items=[{"price": 33}], shipping=0, taxRate=0)
    won = client.order(currency="KRW", items=[{"price": 139000}], shipping=0, taxRate=0)
    assert '"totalAmount":33.0,' in client.get(f"/orders/{yen['id']}").text
    assert '"totalAmount":139000.0,' in client.get(f"/orders/{won['id']}").text


def test_large_amounts_are_never_written_with_an_exponent(client: Client) -> None:
    order = client.order(items=[{"price": 123456789012.34}], shipping=0, taxRate=0)
    assert '"totalAmount":123456789012.34,' in client.get(f"/orders/{order['id']}").text
    yen = client.order(currency="JPY", items=[{"price": 99999999999999}], shipping=0, taxRate=0)
    assert '"totalAmount":99999999999999.0,' in client.get(f"/orders/{yen['id']}").text


def test_money_never_shows_binary_noise(client: Client) -> None:
    order = client.order(items=[{"price": 0.1, "quantity": 3}, {"price": 17.92, "quantity": 3}], taxRate=0.07)
    client.ok(client.fulfill(order, line(order, 1), line(order, 1, item=1)), 201)
    client.settle()
    texts = [
        client.get(f"/orders/{order['id']}").text,
        client.get("/charges").text,
        client.get("/events?limit=100").text,
    ]
    for text in texts:
        assert not re.findall(r"\d\.\d{4,}", text.replace("0.08025", ""))


def test_resources_show_whole_seconds_and_events_up_to_six_decimals(client: Client) -> None:
    client.advance("936440us")
    order = client.order()
    assert order["createdTime"].endswith(":00Z")
    fulfillment = client.ok(client.fulfill(order), 201)
    assert {event["createdTime"] for event in client.events()} == {"2024-01-01T00:00:00.93644Z"}
    shown = [order_now(client, order), charge_now(client, order), fulfillment, *order["payment"]["charges"]]
    for resource in shown:
        assert re.fullmatch(SECONDS, resource["createdTime"])
    for time in order_now(client, order)["stateTransitions"].values():
        assert re.fullmatch(SECONDS, time)
    source = client.ok(client.get(f"/sources/{order['payment']['sources'][0]['id']}"))
    assert re.fullmatch(SECONDS, source["createdTime"])


def test_webhooks_show_milliseconds(client: Client) -> None:
    client.advance("936440us")
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    assert webhook["createdTime"] == "2024-01-01T00:00:00.936Z"


def test_ids_have_the_vendors_forms(client: Client) -> None:
    order = client.order()
    fulfillment = client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    charge = charge_now(client, order)
    assert re.fullmatch(r"\d{8,9}0336", order["id"])
    assert re.fullmatch(r"\d{7,8}0336", order["items"][0]["id"])
    assert re.fullmatch(f"ful_{UUID}", fulfillment["id"])
    source, session = order["payment"]["sources"][0], order["payment"]["session"]
    ids = [charge["id"], charge["captures"][0]["id"], charge["cancels"][0]["id"], source["id"], session["id"]]
    ids += [order["checkoutId"], *(event["id"] for event in client.events())]
    for id in ids:
        assert re.fullmatch(UUID, id)
    assert re.fullmatch(f"{session['id']}_{UUID}", session["clientSecret"])


def test_lines_of_one_order_have_ids_ten_thousand_apart(client: Client) -> None:
    order = client.order(items=[{"price": 1}, {"price": 2}, {"price": 3}])
    first, second, third = (int(item["id"]) for item in order["items"])
    assert (second - first, third - second) == (10_000, 10_000)


ORDER_KEYS = (
    "id createdTime customerId currency email shipTo shipFrom billTo totalAmount subtotal totalFees totalTax"
    " totalImporterTax importerOfRecordTax totalDuty totalDiscount totalShipping items shippingChoice discount metadata"
    " applicationId upstreamId updatedTime browserIp locale customerType sellingEntity liveMode payment refundedAmount"
    " state stateTransitions fraudState fraudStateTransitions requestToBeForgotten capturedAmount cancelledAmount"
    " availableToRefundAmount invoicePDFs creditMemoPDFs checkoutId"
)
ITEM_KEYS = (
    "id skuId productDetails amount quantity discount metadata state stateTransitions tax importerTax duties"
    " subscriptionInfo availableToRefundAmount shipFrom fees sellerTaxIdentifier shipping"
)
EMBEDDED_CHARGE_KEYS = (
    "id createdTime currency amount state captured captures failureCode refunded refunds cancels sourceId type"
)
CHARGE_KEYS = (
    "id createdTime currency amount state failureCode failureMessage orderId captured captures refunded refunds cancels"
    " sourceId paymentSessionId type liveMode"
)
SOURCE_KEYS = (
    "id createdTime type currency amount reusable state customerId upstreamId owner paymentSessionId clientSecret"
    " creditCard customerCredit liveMode"
)
FULL: JSON = {
    "upstreamId": "shop-1",
    "customerId": "517796760336",
    "metadata": {"channel": "web"},
    "storeCredit": 11.0,
    "discount": {"amountOff": 1.0},
    "items": [{"price": 10.0, "quantity": 3, "metadata": {"line": 1}}],
}


def test_keys_of_an_order_stand_in_the_published_order(client: Client) -> None:
    order = client.order(**FULL)
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    now = order_now(client, order)
    assert in_this_order(list(now), ORDER_KEYS)
    assert in_this_order(list(now["items"][0]), ITEM_KEYS)
    assert list(now["payment"]) == ["charges", "sources", "session"]
    session = ["id", "amountContributed", "amountRemainingToBeContributed", "state", "clientSecret"]
    assert list(now["payment"]["session"]) == session
    for charge in now["payment"]["charges"]:
        assert in_this_order(list(charge), EMBEDDED_CHARGE_KEYS)
    for source in now["payment"]["sources"]:
        assert list(source) == ["id", "type", "amount", "owner", source["type"]]


def test_an_order_always_has_the_fields_that_real_ones_always_have(client: Client) -> None:
    always = (
        "id createdTime currency email totalAmount subtotal totalFees totalTax totalImporterTax totalDuty totalDiscount"
        " totalShipping items updatedTime locale customerType sellingEntity liveMode payment state stateTransitions"
        " requestToBeForgotten capturedAmount cancelledAmount availableToRefundAmount checkoutId billTo"
    )
    order = client.order()
    assert set(always.split()) <= set(order)
    assert not {"refundedAmount", "customerId", "upstreamId", "metadata"} & set(order)
    every_item = "id productDetails amount quantity state stateTransitions tax importerTax duties fees shipping"
    assert set(every_item.split()) <= set(order["items"][0])
    assert (order["requestToBeForgotten"], order["liveMode"], order["customerType"]) == (False, False, "individual")


def test_keys_of_a_charge_stand_in_the_published_order(client: Client) -> None:
    order = client.order(source=CAPTURE_FAILS)
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    client.settle()
    charge = charge_now(client, order)
    assert in_this_order(list(charge), CHARGE_KEYS)
    capture = ["id", "createdTime", "amount", "state", "failureCode", "failureMessage", "fulfillmentId"]
    assert list(charge["captures"][0]) == capture
    shown = told(client, "order.charge.capture.failed")
    assert in_this_order(list(shown), CHARGE_KEYS)
    assert list(shown["captures"][0]) == [name for name in capture if name != "failureMessage"]


def test_keys_of_a_source_stand_in_the_published_order(client: Client) -> None:
    order = client.order(**FULL)
    for source in order["payment"]["sources"]:
        shown = client.ok(client.get(f"/sources/{source['id']}"))
        assert in_this_order(list(shown), SOURCE_KEYS)
        assert re.fullmatch(f"{source['id']}_{UUID}", shown["clientSecret"])


def test_a_card_source_shows_neither_amount_nor_session_nor_more_than_four_digits(client: Client) -> None:
    order = client.order(source={"number": "4444 2222 3333 1111"})
    source = client.ok(client.get(f"/sources/{order['payment']['sources'][0]['id']}"))
    assert not {"currency", "amount", "paymentSessionId"} & set(source)
    card = ["brand", "expirationMonth", "expirationYear", "lastFourDigits"]
    assert list(source["creditCard"]) == card
    assert (source["creditCard"]["brand"], source["creditCard"]["lastFourDigits"]) == ("Visa", "1111")
    for text in (client.get("/sources").text, client.get("/events?limit=100").text, client.get("/_sim/requests").text):
        assert "444422223333" not in text.replace(" ", "")


def test_a_charged_source_is_consumed(client: Client) -> None:
    order = client.order()
    source = client.ok(client.get(f"/sources/{order['payment']['sources'][0]['id']}"))
    assert (source["state"], source["reusable"]) == ("consumed", False)


def test_store_credit_is_an_empty_mapping_on_a_source_with_its_amount(client: Client) -> None:
    order = client.order(storeCredit=11.0)
    id = charge_of_type(client, order, "customerCredit")["sourceId"]
    source = client.ok(client.get(f"/sources/{id}"))
    assert (source["customerCredit"], source["amount"], source["currency"]) == ({}, 11.0, "USD")


def test_keys_of_an_event_stand_in_the_published_order(client: Client) -> None:
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    client.order()
    created, *others = client.events()
    keys = ["id", "type", "data", "liveMode", "createdTime", "webhookIds", "digitalriverVersion"]
    assert list(created) == keys
    assert created["webhookIds"] == [webhook["id"]]
    assert created["digitalriverVersion"] == "2021-12-13"
    for event in others:
        assert list(event) == [name for name in keys if name != "webhookIds"]
        assert list(event["data"]) == ["object"]


def test_an_update_tells_the_old_values_of_what_changed_and_nothing_else(client: Client) -> None:
    order = client.order(metadata={"a": "1", "b": "2"})
    client.advance("1s")
    changed = client.ok(client.post(f"/orders/{order['id']}", json={"upstreamId": "shop-1", "metadata": {"b": "3"}}))
    (event,) = client.events(type="order.updated")
    assert list(event["data"]) == ["object", "previousAttributes"]
    assert event["data"]["previousAttributes"] == {"upstreamId": None, "metadata": {"b": "2"}}
    assert event["data"]["object"] == changed
    assert (changed["metadata"], changed["upstreamId"]) == ({"a": "1", "b": "3"}, "shop-1")


def test_an_update_that_changes_nothing_tells_nothing(client: Client) -> None:
    order = client.order(metadata={"a": "1"})
    client.ok(client.post(f"/orders/{order['id']}", json={"metadata": {"a": "1"}, "requestToBeForgotten": False}))
    assert client.events(type="order.updated") == []


def test_expanding_an_order_adds_physical_and_metadata_to_its_products_only(client: Client) -> None:
    order = client.order()
    expanded = client.ok(client.get(f"/orders/{order['id']}", params={"expand": "true"}))
    product = expanded["items"][0]["productDetails"]
    assert product["physical"] is True
    extra = {"physical", "metadata"} & set(product)
    expanded["items"][0]["productDetails"] = {name: product[name] for name in product if name not in extra}
    assert expanded == order_now(client, order)


def test_an_order_without_a_charge_has_no_charges_at_all(client: Client) -> None:
    order = client.order(state="pending_payment", source={"type": "wireTransfer"})
    assert list(order["payment"]) == ["sources", "session"]
    assert order["payment"]["session"]["state"] == "pending_funds"


def test_a_unit_of_an_averse_account_is_refused_in_the_documented_words(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    refusal = client.fulfill(order).json()["errors"][0]
    assert refusal["description"] == refusal["message"]
    assert refusal["description"].endswith("the payment authorization has expired")


def test_failure_of_a_rule_is_shown_as_the_rule_says(client: Client) -> None:
    behave(client, "capture", {"state": "failed", "failureCode": "card_expired", "failureMessage": "Too old."})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    (capture,) = charge_now(client, order)["captures"]
    assert (capture["failureCode"], capture["failureMessage"]) == ("card_expired", "Too old.")


def test_the_same_text_is_shown_by_list_and_retrieve(client: Client) -> None:
    order = client.order(storeCredit=5.0)
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.settle()
    for kind in ("orders", "charges", "sources", "events"):
        listed: list[Any] = client.ok(client.get(f"/{kind}", params={"limit": 100}))["data"]
        assert listed
        for resource in listed:
            text = client.get(f"/{kind}/{resource['id']}").text
            assert json.dumps(json.loads(text)) == json.dumps(resource)
