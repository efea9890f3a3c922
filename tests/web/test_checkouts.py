"""`/checkouts` and `POST /orders`: from what is to be bought to an order, with every sum and every no."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.connectors.shopper import Browser
from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.worlds import behave, error, refused, scenario

MINNEAPOLIS = {"line1": "1 Any Street", "city": "Minneapolis", "postalCode": "55401", "state": "MN", "country": "US"}
BERLIN = {"line1": "Weg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"}
BODY: JSON = {
    "currency": "USD",
    "email": "chase@example.com",
    "shipFrom": {"address": {"country": "US"}},
    "shipTo": {"name": "Chase Marshall", "address": MINNEAPOLIS},
    "shippingChoice": {"amount": 5, "description": "Ground", "serviceLevel": "SG"},
    "items": [{"skuId": "sku_widget", "quantity": 2, "price": 10}],
}
RATE = {"taxRates": {"US-MN": 0.07525}}


def ask(client: Client, **more: Any) -> httpx.Response:
    return client.post("/checkouts", json={**BODY, **more})


def checkout(client: Client, **more: Any) -> JSON:
    made: JSON = client.ok(ask(client, **more), 201)
    return made


def source(client: Client, made: JSON, **more: Any) -> JSON:
    """What a shopper's browser makes of a card."""
    return Browser(client).source(made["payment"]["session"]["id"], **more)


def paid(client: Client, **more: Any) -> JSON:
    """A checkout that a card pays for."""
    made = checkout(client, **more)
    client.ok(client.post(f"/checkouts/{made['id']}/sources/{source(client, made)['id']}"))
    return made


def checkout_now(client: Client, made: JSON) -> JSON:
    found: JSON = client.ok(client.get(f"/checkouts/{made['id']}"))
    return found


def order(client: Client, made: JSON) -> httpx.Response:
    return client.post("/orders", json={"checkoutId": made["id"]})


TOTALS = ("totalAmount", "subtotal", "totalTax", "totalDiscount", "totalShipping", "totalDuty", "totalImporterTax")


def sums(made: JSON) -> list[float]:
    return [made[name] for name in TOTALS]


# The vendor's worked examples.


def test_the_checkout_of_the_first_page(client: Client) -> None:
    made = checkout(client)
    assert sums(made) == [27.01, 25.0, 2.01, 0.0, 5.0, 0.0, 0.0]
    line = made["items"][0]
    assert (line["amount"], line["quantity"], line["tax"]) == (20.0, 2, {"rate": 0.08025, "amount": 1.61})
    assert made["shippingChoice"]["taxAmount"] == 0.4
    assert made["sellingEntity"]["id"] == "C5_INC-ENTITY"
    assert checkout_now(client, made) == made


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"items": [{"skuId": "a", "price": 40}] * 2, "discount": {"percentOff": 20}}, [68.82, 64.0, 4.82, 16.0, 0.0]),
        ({"items": [{"skuId": "a", "price": 40}] * 2, "discount": {"amountOff": 10}}, [75.26, 70.0, 5.26, 10.0, 0.0]),
        (
            {"items": [{"skuId": "a", "price": 10, "quantity": 3, "discount": {"percentOff": 10, "quantity": 1}}]},
            [31.18, 29.0, 2.18, 1.0, 0.0],
        ),
        (
            {
                "items": [{"skuId": "a", "price": 30}],
                "shippingChoice": {"amount": 8},
                "shippingDiscount": {"percentOff": 25},
            },
            [38.71, 36.0, 2.71, 2.0, 8.0],
        ),
        ({"items": [{"skuId": "a", "price": 20}], "taxInclusive": True}, [20.0, 18.6, 1.4, 0.0, 0.0]),
    ],
)
def test_the_worked_examples(client: Client, more: JSON, expected: list[float]) -> None:
    scenario(client, account=RATE)
    made = checkout(client, **{"shippingChoice": {"amount": 0}, **more})
    assert sums(made)[:5] == expected


def test_landed_cost_is_duties_and_importer_tax_in_the_subtotal(client: Client) -> None:
    goods = {"items": [{"skuId": "a", "price": 200}], "shippingChoice": {"amount": 0}}
    made = checkout(client, currency="EUR", shipTo={"name": "A", "address": BERLIN}, **goods)
    assert (made["importerOfRecordTax"], made["items"][0]["tax"]) == (True, {"rate": 0.19, "amount": 0.0})
    assert sums(made) == [249.9, 249.9, 0.0, 0.0, 0.0, 10.0, 39.9]
    cheap = checkout(client, **{**goods, "items": [{"skuId": "a", "price": 100}], "currency": "EUR",
                                "shipTo": {"name": "A", "address": BERLIN}})  # fmt: skip
    assert (cheap["totalTax"], cheap["importerOfRecordTax"]) == (19.0, False)
    assert "sellerTaxIdentifier" in cheap["items"][0]


def test_yen_have_no_cents_and_dinars_have_mils(client: Client) -> None:
    for currency, price, total in (("JPY", 999, 999.0), ("KWD", "1.2345", 1.235)):
        made = checkout(client, currency=currency, items=[{"skuId": "a", "price": price}], shipTo=None,
                        shippingChoice=None)  # fmt: skip
        assert made["totalAmount"] == total


# What connectors send.


def test_empty_texts_and_nulls_are_absent(client: Client) -> None:
    made = checkout(
        client,
        sourceId="",
        upstreamId=None,
        customerId=None,
        browserIp="",
        taxIdentifiers=[],
        metadata=None,
        unknown="field",
        items=[{"skuId": "a", "quantity": "2.0", "aggregatePrice": "20.00", "subscriptionInfo": None, "metadata": {}}],
    )
    assert made["totalAmount"] == 27.01
    assert not {"upstreamId", "customerId", "browserIp", "taxIdentifiers", "metadata", "unknown"} & made.keys()


def test_lists_find_checkouts(client: Client) -> None:
    made = [checkout(client, upstreamId=f"u{number}", email=f"{number}@example.com") for number in range(3)]
    page = client.ok(client.get("/checkouts", params={"upstreamIds": "u0,u2"}))
    assert [each["id"] for each in page["data"]] == [made[2]["id"], made[0]["id"]]
    page = client.ok(client.get("/checkouts", params={"email": "1@example.com", "totalAmount[gte]": "27"}))
    assert [each["id"] for each in page["data"]] == [made[1]["id"]]


def test_the_older_shape_has_the_session_at_the_top(client: Client) -> None:
    older = {"digitalriver-version": "2021-02-23"}
    made = client.ok(client.post("/checkouts", json={**BODY, "creditAmount": 7.01}, headers=older), 201)
    assert "payment" not in made
    assert (made["creditAmount"], made["sources"][0]["type"]) == (7.01, "customerCredit")
    now = checkout_now(client, made)
    assert now["payment"]["session"]["id"] == made["paymentSessionId"]
    assert now["payment"]["session"]["amountRemainingToBeContributed"] == 20.0
    again = client.post(f"/checkouts/{made['id']}", json={"creditAmount": 1}, headers=older)
    refused(again, 409, "creditAmount_already_updated")


# Changing.


def test_a_change_is_priced_anew_and_told_with_what_was_before(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "checkout.created", "checkout.updated", "checkout.deleted")
    made = checkout(client, metadata={"a": 1, "b": 2})
    item = made["items"][0]["id"]
    change = {
        "shippingChoice": {"amount": 8},
        "metadata": {"b": "", "c": 3},
        "items": [{"id": item, "metadata": {"x": 1}}],
    }
    changed = client.ok(client.post(f"/checkouts/{made['id']}", json=change))
    assert (changed["totalAmount"], changed["metadata"]) == (30.25, {"a": 1, "c": 3})
    assert changed["items"][0]["metadata"] == {"x": 1}
    assert client.delete(f"/checkouts/{made['id']}").status_code == 204
    refused(client.get(f"/checkouts/{made['id']}"), 404, "not_found", "id")
    client.settle()
    events = [json.loads(each.body) for each in receiver.received]
    assert [each["type"] for each in events] == ["checkout.created", "checkout.updated", "checkout.deleted"]
    assert events[0]["data"]["object"] == made
    assert events[1]["data"]["previousAttributes"]["totalAmount"] == 27.01
    assert events[1]["data"]["object"] == changed
    assert events[2]["data"] == {"object": {}, "previousAttributes": changed}


@pytest.mark.parametrize("field", ["price", "quantity", "skuId", "discount"])
def test_what_is_bought_cannot_be_changed(client: Client, field: str) -> None:
    made = checkout(client)
    body = {"items": [{"id": made["items"][0]["id"], field: 1}]}
    refused(client.post(f"/checkouts/{made['id']}", json=body), 400, "unknown_parameter", field)
    assert checkout_now(client, made) == made


# Paying and ordering.


def test_from_a_checkout_to_a_fulfilled_order(client: Client) -> None:
    made = paid(client, upstreamId="u1", metadata={"cart": 7})
    ready = checkout_now(client, made)
    session = ready["payment"]["session"]
    assert (session["state"], session["amountContributed"]) == ("requires_confirmation", 27.01)
    bought = client.ok(order(client, made), 201)
    assert (bought["state"], bought["totalAmount"], bought["checkoutId"]) == ("accepted", 27.01, made["id"])
    assert (bought["upstreamId"], bought["metadata"]) == ("u1", {"cart": 7})
    assert bought["payment"]["session"]["id"] == session["id"]
    assert bought["payment"]["session"]["state"] == "complete"
    assert bought["items"][0]["id"] != made["items"][0]["id"]
    assert client.ok(client.post(f"/orders/{bought['id']}/refresh")) == bought
    client.ok(client.fulfill(bought), 201)
    client.settle()
    assert client.ok(client.get(f"/orders/{bought['id']}"))["capturedAmount"] == 27.01
    used = client.ok(client.get(f"/sources/{bought['payment']['sources'][0]['id']}"))
    assert used["state"] == "consumed"


def test_store_credit_pays_first_and_the_card_the_rest(client: Client) -> None:
    made = checkout(client)
    credit = {"type": "customerCredit", "paymentSessionId": made["payment"]["session"]["id"], "amount": 7.01,
              "customerCredit": {}}  # fmt: skip
    given = client.ok(client.post("/sources", json=credit), 201)
    card = source(client, made)
    for each in (given, card, card):
        client.ok(client.post(f"/checkouts/{made['id']}/sources/{each['id']}"))
    shown = checkout_now(client, made)["payment"]
    assert [(each["type"], each["amount"]) for each in shown["sources"]] == [
        ("creditCard", 20.0),
        ("customerCredit", 7.01),
    ]
    bought = client.ok(order(client, made), 201)
    assert [each["amount"] for each in bought["payment"]["charges"]] == [20.0, 7.01]


def test_a_detached_source_is_cancelled(client: Client) -> None:
    made = checkout(client)
    card = source(client, made)
    path = f"/checkouts/{made['id']}/sources/{card['id']}"
    client.ok(client.post(path))
    assert client.delete(path).status_code == 204
    assert client.ok(client.get(f"/sources/{card['id']}"))["state"] == "cancelled"
    assert checkout_now(client, made)["payment"]["session"]["state"] == "requires_source"
    refused(client.post(path), 409, "source_status_invalid_for_session")
    refused(client.delete(path), 404, "not_found")


def test_an_order_is_made_of_a_checkout_once(client: Client) -> None:
    made = paid(client)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: order(client, made), range(8)))
    assert sorted(each.status_code for each in answers) == [201, *[404] * 7]
    again = error("not_found", "not_found", f"Order {made['id']} not found", "orderId")
    assert next(each for each in answers if each.status_code == 404).json() == again
    assert len(client.ok(client.get("/orders"))["data"]) == 1
    refused(client.post(f"/checkouts/{made['id']}", json={"upstreamId": "late"}), 409, "restricted_update")


def test_a_declined_checkout_is_burnt(client: Client) -> None:
    behave(client, "authorize", {"state": "failed"}, times=1)
    made = paid(client)
    assert order(client, made).json() == error("conflict", "failed-request", "Failed to charge source.")
    refused(order(client, made), 404, "not_found", "orderId")
    assert client.ok(client.get("/orders"))["data"] == []
    assert order(client, paid(client)).status_code == 201


@pytest.mark.parametrize(
    ("more", "status", "code", "parameter"),
    [
        ({"email": None}, 400, "order_create_failed", "email"),
        ({"shippingChoice": None}, 400, "invalid_shipping_choice", "shippingChoice"),
        ({"shipFrom": None}, 400, "missing_parameter", "shipFrom.address"),
        ({"shipTo": {"address": MINNEAPOLIS}}, 400, "missing_parameter", "shipping.name"),
    ],
)
def test_what_can_be_mended_leaves_the_checkout_as_it_is(
    client: Client, more: JSON, status: int, code: str, parameter: str
) -> None:
    made = paid(client, **more)
    refused(order(client, made), status, code, parameter)
    mended = {name: BODY[name] for name in more}
    client.ok(client.post(f"/checkouts/{made['id']}", json=mended))
    client.ok(order(client, made), 201)


def test_nothing_pays_yet(client: Client) -> None:
    expected = error("bad_request", "order_submit_failed", "Payment session status is invalid.")
    assert order(client, checkout(client)).json() == expected


# Every no of making one.


@pytest.mark.parametrize(
    ("more", "status", "code", "parameter", "message"),
    [
        ({"currency": "YEM"}, 400, "invalid_parameter", "currency", "'YEM' is not a valid currency."),
        ({"currency": "PAB"}, 409, "currency_unactivated", "currency", "Currency 'PAB' is not activated."),
        ({"currency": ""}, 400, "missing_parameter", "currency", None),
        ({"items": []}, 400, "invalid_parameter", "items", None),
        ({"items": [{}]}, 400, "missing_parameter", "items[0].price", None),
        ({"items": [{"price": 1}]}, 400, "missing_parameter", "items[0].skuId", None),
        ({"items": [{"skuId": "a", "price": -1}]}, 400, "invalid_parameter", "items[0].price", None),
        ({"items": [{"skuId": "a", "price": 1, "quantity": 0}]}, 400, "invalid_parameter", "items[0].quantity", None),
        ({"items": [{"skuId": "a", "price": 1, "color": "red"}]}, 400, "unknown_parameter", "items[0].color", None),
        ({"items": [{"skuId": "a", "price": 10**12}]}, 400, "invalid_parameter", "items[0].price", None),
        (
            {"shippingChoice": {"serviceLevel": "SG"}},
            400,
            "internal_error",
            None,
            "Client must provide shipping Cost",
        ),
        (
            {"discount": {"percentOff": 0}},
            400,
            "invalid_discount_percent",
            "discount",
            "The value must be an integer between 0.01 and 100.00 inclusive.",
        ),
        ({"discount": {"amountOff": 0}}, 400, "invalid_discount_amount", "discount", "The value 0.0 is not permitted."),
        ({"discount": {"amountOff": 21}}, 400, "invalid_parameter", "discount", None),
        ({"shipTo": {"address": {**MINNEAPOLIS, "state": ""}}}, 400, "missing_parameter", "shipTo.address.state", None),
        ({"shipTo": {"address": {"country": "DE"}}}, 400, "missing_parameter", "address.line1", None),
        (
            {"shipTo": {"address": {**MINNEAPOLIS, "postalCode": "x"}}},
            400,
            "invalid_parameter",
            "address.postalCode",
            "A required address parameter, postal code, is invalid.",
        ),
        (
            {"shipTo": {"address": {**MINNEAPOLIS, "state": "ZZ"}}},
            400,
            "invalid_parameter",
            "address.state",
            "A required address parameter, state/province, is invalid.",
        ),
        (
            {"billTo": {"address": {"country": "KP"}}},
            409,
            "country_unsupported",
            "country",
            "Country 'KP' is not supported.",
        ),
        ({"sourceId": "nobody"}, 404, "not_found", "sourceId", None),
        (
            {"items": [{"price": 1, "productDetails": {"name": "A", "countryOfOrigin": "US"}}]},
            400,
            "missing_parameter",
            "skuGroupId",
            "An item of type sku is missing a skuGroupId parameter.",
        ),
        (
            {"items": [{"price": 1, "productDetails": {"name": "A", "skuGroupId": "g"}}]},
            400,
            "missing_parameter",
            "countryOfOrigin",
            "must not be null",
        ),
        ({"metadata": {str(number): 1 for number in range(21)}}, 400, "too_many_metadata_pairs", "metadata", None),
    ],
)
def test_every_no(
    client: Client, more: JSON, status: int, code: str, parameter: str | None, message: str | None
) -> None:
    told = refused(ask(client, **more), status, code, parameter)
    assert message is None or told["message"] == message
    assert client.ok(client.get("/checkouts"))["data"] == []
    assert client.events() == []


ODD: list[Any] = [True, -1, 1.5, "x", [], [1], {}, {"a": 1}, [[]], "", 10**20]


MORE = (
    "taxInclusive",
    "discount",
    "shippingDiscount",
    "billTo",
    "metadata",
    "taxIdentifiers",
    "sourceId",
    "chargeType",
)


@pytest.mark.parametrize("field", [*BODY, *MORE, "customerType", "organization"])
def test_no_odd_value_breaks_anything(client: Client, field: str) -> None:
    for value in ODD:
        assert ask(client, **{field: value}).status_code in (201, 400, 404), (field, value)
    for value in ODD:
        item = {"skuId": "a", "price": 1, "quantity": 1, "discount": None, "productDetails": None, "metadata": None}
        for name in item:
            assert ask(client, items=[{**item, name: value}]).status_code in (201, 400), (name, value)
        break


def test_addresses_may_go_unchecked(client: Client) -> None:
    scenario(client, account={"checkAddresses": False})
    assert checkout(client, shipTo={"address": {"country": "US", "postalCode": "x"}})


def test_a_killed_server_has_the_checkout_and_the_order(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.db"))
    with Drsim(*options) as server:
        client = server.client()
        made = paid(client)
        bought = client.ok(order(client, made), 201)
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        assert client.ok(client.get(f"/orders/{bought['id']}")) == bought
        refused(order(client, made), 404, "not_found", "orderId")


# Fraud screening.


def test_screening_turns_an_order_down(client: Client) -> None:
    behave(client, "screen", {"state": "failed"}, times=1)
    made = paid(client)
    told = refused(order(client, made), 409, "order-fraud-failure")
    assert told["message"] == "The order did not pass fraud screening."
    refused(order(client, made), 404, "not_found", "orderId")
    assert client.ok(client.get("/orders"))["data"] == []
    assert client.ok(order(client, paid(client)), 201)["state"] == "accepted"


@pytest.mark.parametrize(("following", "state"), [("complete", "accepted"), ("failed", "blocked")])
def test_screening_holds_an_order_up_until_its_review_ends(client: Client, following: str, state: str) -> None:
    behave(client, "screen", {"state": "pending", "after": "1h", "next": {"state": following}}, amount={"$gte": 27})
    held = client.ok(order(client, paid(client)), 201)
    assert (held["state"], held["fraudState"]) == ("in_review", "review_opened")
    assert held["payment"]["charges"][0]["state"] == "capturable"
    client.advance("59m")
    assert client.ok(client.get(f"/orders/{held['id']}"))["state"] == "in_review"
    client.advance("1m")
    assert client.ok(client.get(f"/orders/{held['id']}"))["state"] == state
    told = [each for each in client.event_types() if each.startswith("order.") and "charge" not in each]
    assert told == ["order.created", "order.review_opened", "order.review_closed", f"order.{state}"]


def test_without_an_end_a_review_waits_for_somebody(client: Client) -> None:
    behave(client, "screen", {"state": "pending"})
    held = client.ok(order(client, paid(client)), 201)
    client.advance("3d")
    assert client.ok(client.get(f"/orders/{held['id']}"))["state"] == "in_review"
    passed = client.ok(client.post(f"/_sim/orders/{held['id']}/review", json={"decision": "pass"}))
    assert passed["state"] == "accepted"


def test_what_is_authorized_later_is_screened_then(client: Client) -> None:
    behave(client, "authorize", {"state": "complete", "after": "1m"})
    behave(client, "screen", {"state": "pending"})
    waiting = client.ok(order(client, paid(client)), 201)
    assert waiting["state"] == "pending_payment"
    client.advance("1m")
    assert client.ok(client.get(f"/orders/{waiting['id']}"))["state"] == "in_review"
    assert client.event_types().count("order.charge.capturable") == 1
