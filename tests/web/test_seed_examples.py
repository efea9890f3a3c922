"""The published examples: the same orders, asked the same things, come to the same amounts."""

from tests.harness import JSON, Client
from tests.web.worlds import amounts, charge_now, charge_of_type, line, order_now

VISA: JSON = {"number": "4444 2222 3333 1111"}


def last_event(client: Client, type: str) -> JSON:
    """The newest event of this type."""
    event: JSON = client.events(type=type)[-1]
    return event


def test_two_of_three_widgets_capture_25_21_of_37_81_and_the_charge_stays_capturable(client: Client) -> None:
    order = client.order(source=VISA)
    assert order["totalAmount"] == 37.81
    fulfillment = client.ok(client.fulfill(order, line(order, "2")), 201)
    client.settle()
    event = last_event(client, "order.charge.capture.complete")
    charge = event["data"]["object"]
    (capture,) = charge["captures"]
    assert charge == {
        "id": order["payment"]["charges"][0]["id"],
        "createdTime": order["payment"]["charges"][0]["createdTime"],
        "currency": "USD",
        "amount": 37.81,
        "state": "capturable",
        "orderId": order["id"],
        "captured": True,
        "captures": [
            {
                "id": capture["id"],
                "createdTime": capture["createdTime"],
                "amount": 25.21,
                "state": "complete",
                "fulfillmentId": fulfillment["id"],
            }
        ],
        "refunded": False,
        "sourceId": order["payment"]["sources"][0]["id"],
        "paymentSessionId": order["payment"]["session"]["id"],
        "type": "customer_initiated",
        "liveMode": False,
    }
    assert (event["liveMode"], event["digitalriverVersion"]) == (False, "2021-12-13")


def test_a_line_of_20_00_beside_one_of_10_00_captures_25_21_of_37_81_too(client: Client) -> None:
    order = client.order(items=[{"price": 10.0, "quantity": 2}, {"price": 10.0, "quantity": 1}])
    assert order["totalAmount"] == 37.81
    client.ok(client.fulfill(order, line(order, 2)), 201)
    assert amounts(charge_now(client, order)["captures"]) == [25.21]


def test_the_source_of_the_capture_shows_brand_and_last_four_digits(client: Client) -> None:
    order = client.order(source={**VISA, "expirationMonth": 7, "expirationYear": 2027})
    source = client.ok(client.get(f"/sources/{charge_now(client, order)['sourceId']}"))
    assert (source["type"], source["reusable"], source["state"], source["liveMode"]) == (
        "creditCard",
        False,
        "consumed",
        False,
    )
    assert source["creditCard"] == {
        "brand": "Visa",
        "expirationMonth": 7,
        "expirationYear": 2027,
        "lastFourDigits": "1111",
    }


def test_a_failed_capture_of_37_81_leaves_the_charge_capturable_and_captured(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"})
    fulfillment = client.ok(client.fulfill(order), 201)
    client.settle()
    charge = last_event(client, "order.charge.capture.failed")["data"]["object"]
    (capture,) = charge["captures"]
    assert (charge["amount"], charge["state"], charge["captured"], charge["refunded"]) == (
        37.81,
        "capturable",
        True,
        False,
    )
    assert capture == {
        "id": capture["id"],
        "createdTime": capture["createdTime"],
        "amount": 37.81,
        "state": "failed",
        "failureCode": "failed-request",
        "fulfillmentId": fulfillment["id"],
    }
    found = next(each for each in charge_now(client, order)["captures"] if each["id"] == capture["id"])
    assert found["failureMessage"] == "Failed to operate on charge"


def test_one_of_five_units_cancels_10_82_of_54_10(client: Client) -> None:
    order = client.order(items=[{"price": 10.82, "quantity": 5}], taxRate=0, shipping=0.0)
    assert order["totalAmount"] == 54.1
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    client.settle()
    charge = last_event(client, "order.charge.cancel.complete")["data"]["object"]
    (cancel,) = charge["cancels"]
    assert (charge["amount"], charge["state"], charge["captured"], charge["refunded"]) == (
        54.1,
        "capturable",
        False,
        False,
    )
    assert cancel == {"id": cancel["id"], "createdTime": cancel["createdTime"], "amount": 10.82, "state": "complete"}
    assert "captures" not in charge


def test_two_widgets_sent_as_text_capture_27_01_and_the_fulfillment_shows_a_complete_order(client: Client) -> None:
    order = client.order(items=[{"name": "Widget", "price": 10.0, "quantity": 2}])
    created = client.ok(client.fulfill(order, line(order, "2")), 201)
    assert created == {
        "id": created["id"],
        "createdTime": created["createdTime"],
        "items": [
            {
                "quantity": 2,
                "cancelQuantity": 0,
                "skuId": order["items"][0]["skuId"],
                "itemId": order["items"][0]["id"],
            }
        ],
        "orderId": order["id"],
        "liveMode": False,
    }
    client.settle()
    shown = client.ok(client.get(f"/fulfillments/{created['id']}"))
    (capture,) = charge_now(client, order)["captures"]
    assert shown["chargeOperationIds"] == [capture["id"]]
    details = shown["orderDetails"]
    totals = "totalAmount subtotal totalFees totalTax totalImporterTax totalDuty totalDiscount totalShipping".split()
    assert [details[name] for name in totals] == [27.01, 25.0, 0.0, 2.01, 0.0, 0.0, 0.0, 5.0]
    assert (details["capturedAmount"], details["cancelledAmount"], details["availableToRefundAmount"]) == (
        27.01,
        0.0,
        27.01,
    )
    (item,) = details["items"]
    assert (item["amount"], item["quantity"], item["state"]) == (20.0, 2, "fulfilled")
    assert item["tax"] == {"rate": 0.08025, "amount": 1.61}
    assert details["shippingChoice"]["taxAmount"] == 0.4
    assert (details["state"], details["requestToBeForgotten"]) == ("complete", False)
    assert set(details["stateTransitions"]) == {"accepted", "fulfilled", "complete"}
    assert list(details["fraudStateTransitions"]) == ["passed"]
    assert "fraudState" not in details


def test_a_request_on_a_fulfilled_order_answers_the_published_conflict(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    response = client.fulfill(order)
    assert response.status_code == 409
    assert response.json() == {
        "type": "conflict",
        "errors": [
            {"code": "order_fulfilled", "parameter": "orderId", "message": f"Resource '{order['id']}' is fulfilled."}
        ],
    }


def test_tracking_of_a_fulfillment_is_part_of_its_event(client: Client) -> None:
    order = client.order()
    tracking = {
        "shipmentId": "100002369153",
        "trackingCompany": "Fedex",
        "trackingNumber": "Z10100002632653",
        "trackingUrl": "http://www.fedex.com/Tracking?tracknumbers=Z10100002632653",
    }
    client.ok(client.fulfill(order, **tracking), 201)
    object = last_event(client, "fulfillment.created")["data"]["object"]
    assert {name: object[name] for name in tracking} == tracking


def test_store_credit_of_11_00_gives_up_first_and_the_card_adds_2_45(client: Client) -> None:
    order = client.order(items=[{"price": 10.0, "quantity": 2}], taxRate=0.0755, storeCredit=11.0)
    assert order["totalAmount"] == 26.89
    client.ok(client.fulfill(order, line(order, 1)), 201)
    assert amounts(charge_of_type(client, order, "customerCredit")["captures"]) == [11.0]
    card = charge_of_type(client, order, "creditCard")
    assert (card["amount"], amounts(card["captures"])) == (15.89, [2.45])
    assert order_now(client, order)["capturedAmount"] == 13.45


def test_a_cancel_of_10_00_touches_the_card_and_not_the_store_credit(client: Client) -> None:
    order = client.order(items=[{"price": 10.0, "quantity": 2}], taxRate=0, shipping=0.0, storeCredit=5.0)
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    assert amounts(charge_of_type(client, order, "creditCard")["cancels"]) == [10.0]
    assert "cancels" not in charge_of_type(client, order, "customerCredit")


def test_two_lines_of_10_00_in_two_requests_capture_10_00_each(client: Client) -> None:
    order = client.order(items=[{"price": 10.0}, {"price": 10.0}], taxRate=0, shipping=0.0)
    for place in (0, 1):
        client.ok(client.fulfill(order, line(order, 1, item=place)), 201)
    client.settle()
    charge = charge_now(client, order)
    assert (amounts(charge["captures"]), charge["state"]) == ([10.0, 10.0], "complete")


def test_shipping_of_5_00_is_halved_between_two_equal_lines(client: Client) -> None:
    order = client.order(items=[{"price": 10.0}, {"price": 10.0}])
    assert [item["shipping"] for item in order["items"]] == [{"amount": 2.5, "taxAmount": 0.2}] * 2
