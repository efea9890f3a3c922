"""In which version, and how much of it, each webhook gets an event: over HTTP, with real receivers."""

import json

import pytest

from tests.harness import JSON, Client, Drsim, Receiver, eventually
from tests.web.worlds import error, refused, scenario

VERSIONS = ("2020-01-07", "2020-09-30", "2020-12-17", "2021-02-23", "2021-03-23", "2021-12-13")
EXPANDABLE = ("order.accepted", "order.cancelled", "order.refunded", "fulfillment.created")
WIDGET = {"name": "Widget", "price": 10.0, "quantity": 2, "physical": False}


def got(receiver: Receiver, path: str, type: str | None = None) -> list[JSON]:
    """The events that came to one path of the receiver."""
    bodies = [json.loads(each.body) for each in receiver.received if each.path == path]
    return [body for body in bodies if type in (None, body["type"])]


def deliveries(client: Client) -> dict[str, JSON]:
    """The deliveries of one event each, by webhook."""
    return {each["webhookId"]: each for each in client.ok(client.get("/_sim/deliveries"))["data"]}


# Versions


def test_one_event_goes_out_in_the_version_that_each_webhook_asks_for(client: Client, receiver: Receiver) -> None:
    webhooks = {
        version: client.webhook(f"{receiver.url}/{version}", "order.created", apiVersion=version)
        for version in ("default", "latest", *VERSIONS)
    }
    client.order(storeCredit=10.0)
    client.settle("now")
    (event,) = client.events(type="order.created")
    bodies = {version: got(receiver, f"/{version}")[0] for version in webhooks}
    assert {body["id"] for body in bodies.values()} == {event["id"]}
    for version, body in bodies.items():
        dated = "2021-12-13" if version in ("default", "latest") else version
        assert body["digitalriverVersion"] == dated
        assert deliveries(client)[webhooks[version]["id"]]["apiVersion"] == dated
        object, latest = body["data"]["object"], event["data"]["object"]
        if dated >= "2021-03-23":
            assert object == latest
        else:
            assert object["charges"] == latest["payment"]["charges"]
            assert object["sources"] == latest["payment"]["sources"]
            assert object["paymentSessionId"] == latest["payment"]["session"]["id"]
            assert object["creditAmount"] == 10.0
            assert "payment" not in object
    for each in receiver.received:
        assert each.signed_with(client.secret(webhooks[each.path[1:]]))


def test_a_webhook_without_a_version_has_that_of_the_account(client: Client, receiver: Receiver) -> None:
    scenario(client, account={"apiVersion": "2021-02-23"})
    for version in ("default", "latest", "2021-03-23"):
        client.webhook(f"{receiver.url}/{version}", "order.created", apiVersion=version)
    client.order()
    client.settle("now")
    assert {version: got(receiver, f"/{version}")[0]["digitalriverVersion"] for version in ("default", "latest")} == {
        "default": "2021-02-23",
        "latest": "2021-12-13",
    }
    assert "payment" in got(receiver, "/2021-03-23")[0]["data"]["object"]
    assert "payment" not in got(receiver, "/default")[0]["data"]["object"]


def test_every_attempt_has_the_body_of_the_first(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, "order.accepted", apiVersion="2021-02-23")
    receiver.answer = lambda received: 500
    client.order()
    client.settle("now")
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"apiVersion": "latest"}))
    client.ok(client.patch(f"/_sim/webhooks/{webhook['id']}", json={"expand": ["order.accepted"]}))
    client.advance("1d")
    assert len(receiver.received) == 4
    assert len({each.body for each in receiver.received}) == 1
    client.order()
    client.settle("now")
    newest = json.loads(receiver.received[-1].body)
    assert newest["digitalriverVersion"] == "2021-12-13"
    assert "physical" in newest["data"]["object"]["items"][0]["productDetails"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_answers_in_the_version_of_the_header(client: Client, version: str) -> None:
    order = client.order(items=[{**WIDGET, "importerTax": 2.5}])
    client.ok(client.fulfill(order), 201)
    header = {"DigitalRiver-Version": version}
    one = client.ok(client.get(f"/orders/{order['id']}", headers=header))
    (listed,) = client.ok(client.get("/orders", headers=header))["data"]
    expanded = client.ok(client.get(f"/orders/{order['id']}", params={"expand": "true"}, headers=header))
    changed = client.ok(client.post(f"/orders/{order['id']}", json={"upstreamId": "u"}, headers=header))
    for shown in (one, listed, expanded, changed):
        assert ("payment" in shown) == (version >= "2021-03-23")
        assert ("charges" in shown) == (version < "2021-03-23")
        assert ("totalImporterTax" in shown) == (version >= "2020-12-17")
    assert one == listed
    assert "physical" in expanded["items"][0]["productDetails"]
    (fulfillment,) = client.ok(client.get("/fulfillments", headers=header))["data"]
    found = client.ok(client.get(f"/fulfillments/{fulfillment['id']}", headers=header))
    assert ("totalImporterTax" in found["orderDetails"]) == (version >= "2020-12-17")
    for event in client.ok(client.get("/events", headers=header))["data"]:
        assert event["digitalriverVersion"] == version
        assert event == client.ok(client.get(f"/events/{event['id']}", headers=header))
        object = event["data"]["object"]
        assert ("payment" in object) == (version >= "2021-03-23" and object["id"] == order["id"])


def test_calls_without_the_header_are_answered_in_the_version_of_the_account(client: Client) -> None:
    order = client.order()
    latest = client.ok(client.get(f"/orders/{order['id']}"))
    scenario(client, account={"apiVersion": "2020-09-30"})
    older = client.ok(client.get(f"/orders/{order['id']}"))
    assert older["charges"] == latest["payment"]["charges"]
    header = {"DigitalRiver-Version": "2021-12-13"}
    assert client.ok(client.get(f"/orders/{order['id']}", headers=header)) == latest
    newest, older_call, _ = client.ok(client.get("/_sim/requests"))["data"]
    assert (newest["apiVersion"], older_call["apiVersion"]) == ("2021-12-13", "2020-09-30")


def test_the_control_plane_speaks_the_latest_version_whatever_the_account_has(client: Client) -> None:
    scenario(client, account={"apiVersion": "2020-09-30"})
    order = client.order()
    assert "payment" in order
    for event in client.ok(client.get("/_sim/events"))["data"]:
        assert event["digitalriverVersion"] == "2021-12-13"


@pytest.mark.parametrize("version", ["2021-12-14", "latest", "default", 20211213])
def test_an_account_has_a_version_that_was_published(client: Client, version: str | int) -> None:
    response = client.post("/_sim/scenario", json={"scenario": "x", "account": {"apiVersion": version}})
    assert "one of 2020-01-07, " in refused(response, 400, "invalid_parameter", "account.apiVersion")["message"]


def test_webhooks_of_a_scenario_can_have_a_version(client: Client, receiver: Receiver) -> None:
    webhook = {"address": receiver.url, "types": ["order.created"], "apiVersion": "2020-12-17"}
    scenario(client, given={"webhooks": [webhook]})
    assert client.ok(client.get("/webhooks"))[0]["apiVersion"] == "2020-12-17"
    client.order()
    client.settle("now")
    assert got(receiver, "/")[0]["digitalriverVersion"] == "2020-12-17"


# Expanded events


def test_an_expanded_event_has_more_of_the_products_and_a_plain_one_has_not(client: Client, receiver: Receiver) -> None:
    scenario(
        client,
        given={
            "webhooks": [
                {"as": "plain", "address": f"{receiver.url}/plain"},
                {"as": "all", "address": f"{receiver.url}/all", "expand": True},
                {"as": "one", "address": f"{receiver.url}/one", "expand": ["order.accepted"]},
            ]
        },
    )
    shipped = client.order(items=[WIDGET, {"name": "Gadget", "price": 5.0}])
    client.ok(client.fulfill(shipped), 201)
    other = client.order(items=[WIDGET])
    client.ok(client.fulfill(other, {"itemId": other["items"][0]["id"], "cancelQuantity": 2}), 201)
    client.settle()

    def products(path: str, type: str) -> list[list[JSON]]:
        objects = [event["data"]["object"] for event in got(receiver, path, type)]
        return [[line["productDetails"] for line in object.get("orderDetails", object)["items"]] for object in objects]

    for type in ("order.accepted", "order.cancelled", "fulfillment.created"):
        plain = products("/plain", type)
        assert plain
        assert not any("physical" in product for order in plain for product in order)
        more = [[{**product, "physical": product["name"] == "Gadget"} for product in order] for order in plain]
        assert products("/all", type) == more
        assert products("/one", type) == (more if type == "order.accepted" else plain)
    for type in ("order.created", "order.fulfilled"):
        assert products("/all", type) == products("/plain", type)
    for event in got(receiver, "/plain"):
        assert event == client.ok(client.get(f"/events/{event['id']}"))  # which has no expanded form


def test_what_is_not_the_event_as_it_stands_is_on_record_as_it_was_sent(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, "order.accepted", "order.created", apiVersion="2021-02-23")
    client.ok(client.patch(f"/_sim/webhooks/{webhook['id']}", json={"expand": ["order.accepted"]}))
    client.order()
    client.settle("now")
    bodies = {json.loads(each.body)["type"]: each.body.decode() for each in receiver.received}
    for delivery in client.ok(client.get("/_sim/deliveries"))["data"]:
        assert delivery.get("expanded") == (True if delivery["type"] == "order.accepted" else None)
        assert delivery["attempts"][0]["requestBody"] == bodies[delivery["type"]]
    assert '"digitalriverVersion":"2021-02-23"' in bodies["order.accepted"]


def test_product_metadata_of_a_copied_order_comes_with_its_expanded_event(client: Client, receiver: Receiver) -> None:
    details = {"id": "sku-1", "name": "Widget", "physical": True, "metadata": {"colour": "red"}}
    item = {"id": "1", "productDetails": details, "amount": 10.0, "quantity": 1}
    scenario(
        client,
        given={
            "webhooks": [
                {"address": receiver.url, "types": ["fulfillment.created"], "expand": ["fulfillment.created"]}
            ],
            "orders": [{"resource": {"id": "7", "currency": "USD", "items": [item]}}],
        },
    )
    client.ok(client.post("/fulfillments", json={"orderId": "7", "items": [{"itemId": "1", "quantity": 1}]}), 201)
    client.settle("now")
    (event,) = got(receiver, "/")
    assert event["data"]["object"]["orderDetails"]["items"][0]["productDetails"] == details


def test_expanding_is_a_setting_of_the_control_plane_only(client: Client) -> None:
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    path = f"/_sim/webhooks/{webhook['id']}"
    assert client.ok(client.get(path)) == {**webhook, "expand": []}
    shown = client.ok(client.patch(path, json={"expand": ["order.refunded", "order.accepted", "order.refunded"]}))
    assert shown["expand"] == ["order.refunded", "order.accepted"]
    assert client.ok(client.patch(path, json={})) == shown == client.ok(client.get(path))
    assert "expand" not in client.ok(client.get(f"/webhooks/{webhook['id']}"))
    refused(client.post("/webhooks", json={"expand": []}), 400, "unknown_parameter", "expand")
    refused(client.patch(f"/webhooks/{webhook['id']}", json={"expand": []}), 400, "unknown_parameter", "expand")
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": False}))
    assert client.ok(client.get(path))["expand"] == shown["expand"]
    assert client.ok(client.patch(path, json={"expand": []}))["expand"] == []


def test_only_four_types_can_be_expanded(client: Client) -> None:
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    path = f"/_sim/webhooks/{webhook['id']}"
    response = client.patch(path, json={"expand": ["order.accepted", "order.created"]})
    message = (
        "Events of type 'order.created' cannot be expanded, only order.accepted, order.cancelled, order.refunded,"
        " fulfillment.created."
    )
    assert (response.status_code, response.json()) == (
        400,
        error("bad_request", "invalid_parameter", message, "expand[1]"),
    )
    refused(client.patch(path, json={"expand": True}), 400, "invalid_parameter", "expand")
    refused(client.patch(path, json={"expanded": []}), 400, "unknown_parameter", "expanded")
    refused(client.patch("/_sim/webhooks/none", json={"expand": []}), 404, "not_found", "id")
    refused(client.patch("/_sim/webhooks/none", json={}), 404, "not_found", "id")
    refused(client.get("/_sim/webhooks/none"), 404, "not_found", "id")
    assert client.ok(client.get(path))["expand"] == []
    body = {"scenario": "x", "given": {"webhooks": [{"address": "http://x/", "expand": ["order.created"]}]}}
    found = refused(client.post("/_sim/scenario", json=body), 400, "invalid_parameter", "given.webhooks[0].expand[0]")
    assert "expected one of order.accepted, order.cancelled, order.refunded, fulfillment.created" in found["message"]


@pytest.mark.parametrize(("written", "types"), [(True, list(EXPANDABLE)), (False, []), (None, []), ([], [])])
def test_a_scenario_can_expand_all_or_nothing(client: Client, written: bool | None, types: list[str]) -> None:
    scenario(client, given={"webhooks": [{"address": "http://127.0.0.1:9/", "expand": written}]})
    (webhook,) = client.ok(client.get("/webhooks"))
    assert client.ok(client.get(f"/_sim/webhooks/{webhook['id']}"))["expand"] == types


def test_version_and_expansion_survive_the_process(tmp_path: object, receiver: Receiver) -> None:
    options = ("--clock", "manual", "--seed", "1", "--db", f"{tmp_path}/state.db")
    receiver.answer = lambda received: 503
    with Drsim(*options) as server:
        client = server.client("kept")
        scenario(
            client,
            account={"apiVersion": "2021-02-23"},
            given={"webhooks": [{"address": receiver.url, "types": ["order.accepted"], "expand": True}]},
        )
        client.order()
        client.settle("now")
        server.kill()
    receiver.answer = lambda received: 200
    with Drsim(*options) as server:
        client = server.client("kept")
        client.advance("10m")
        eventually(lambda: len(receiver.received) == 2)
        assert receiver.received[0].body == receiver.received[1].body
        client.order()
        client.settle("now")
    event = json.loads(receiver.received[-1].body)
    assert event["digitalriverVersion"] == "2021-02-23"
    assert "physical" in event["data"]["object"]["items"][0]["productDetails"]
