"""`/skus` and `/sku-groups`: what they keep, what they refuse, what they tell."""

import json
from typing import Any

import httpx
import pytest

from drsim.domain.skus import GROUPS, is_physical
from tests.harness import JSON, Client, Receiver
from tests.web.worlds import error, events_since, refused, scenario

PLAIN: JSON = {"name": "Widget", "eccn": "EAR99", "taxCode": "4323.310_A", "countryOfOrigin": "US"}
GROUPED: JSON = {"name": "Widget", "skuGroupId": "computers"}
WHOLE: JSON = {
    "id": "sku_demo-1.7",
    **PLAIN,
    "countryOfOrigin": "DE",
    "partNumber": "DEMOPARTNUMBER2",
    "manufacturerId": "20013",
    "metadata": {"application": "iOS"},
    "description": "A widget",
    "image": "https://example.com/w.png",
    "url": "https://example.com/w",
    "itemBreadcrumb": "Things > Widgets",
    "weight": 8.88,
    "weightUnit": "g",
    "hsCode": "1006.20.4025",
    "managedFulfillment": "DRGlobalFulfillment",
    "skuGroupId": "computers",
}


def made(client: Client, **body: Any) -> JSON:
    """A new SKU."""
    sku: JSON = client.ok(client.post("/skus", json=body), 201)
    return sku


def put(client: Client, path: str, /, **body: Any) -> httpx.Response:
    """A SKU as it is sent."""
    return client.http.put(f"/skus/{path}", json=body)


def ids(client: Client, **params: Any) -> list[str]:
    """The ids of a page."""
    return [each["id"] for each in client.ok(client.get("/skus", params=params))["data"]]


# Making.


def test_a_sku_is_kept_with_everything_that_was_sent(client: Client) -> None:
    sku = made(client, **WHOLE)
    assert sku == {
        **WHOLE,
        "createdTime": "2024-01-01T00:00:00Z",
        "updatedTime": "2024-01-01T00:00:00Z",
        "fulfill": False,
        "liveMode": False,
        "physical": True,
    }
    assert client.ok(client.get("/skus/sku_demo-1.7")) == sku
    assert client.ok(client.get("/skus"))["data"] == [sku]
    (event,) = client.events()
    assert (event["type"], event["data"]) == ("sku.created", {"object": sku})


@pytest.mark.parametrize("body", [PLAIN, GROUPED, {**PLAIN, "id": None, "hsCode": None, "description": ""}])
def test_a_sku_that_has_what_it_needs_gets_an_id(client: Client, body: JSON) -> None:
    sku = made(client, **body)
    assert client.ok(client.get(f"/skus/{sku['id']}")) == sku
    assert not {"hsCode", "description", "weight", "weightUnit", "metadata"} & sku.keys()


@pytest.mark.parametrize(
    ("body", "status", "parameter", "message"),
    [
        ({}, 400, "name", "A parameter is missing."),
        ({"name": "", "skuGroupId": "computers"}, 400, "name", "A parameter is missing."),
        ({"name": "x"}, 400, "eccn", "A parameter is missing."),
        ({"name": "x", "eccn": "EAR99"}, 400, "taxCode", "A parameter is missing."),
        ({**PLAIN, "countryOfOrigin": None}, 400, "countryOfOrigin", "must not be null"),
        ({**GROUPED, "id": "89&56"}, 400, "id", "'89&56' is not a valid SKU ID."),
        ({**GROUPED, "id": "a b"}, 400, "id", "'a b' is not a valid SKU ID."),
        ({**GROUPED, "hsCode": "1234.56.YW"}, 400, "hsCode", "'1234.56.YW' is not a valid HS code."),
        ({**GROUPED, "hsCode": "123456"}, 400, "hsCode", "'123456' is not a valid HS code."),
        ({**PLAIN, "countryOfOrigin": "KP"}, 400, "countryOfOrigin", "'KP' is not a valid Country of Origin."),
        ({**PLAIN, "countryOfOrigin": "XX"}, 400, "countryOfOrigin", "'XX' is not a valid Country of Origin."),
        ({**PLAIN, "taxCode": "software"}, 400, "taxCode", "'software' is not a valid parameter."),
        ({**GROUPED, "weightUnit": "oz"}, 400, "weight", "The weight is missing."),
        ({**GROUPED, "weight": 1, "weightUnit": "lbs"}, 400, "weightUnit", "'lbs' is not a valid item type."),
        ({**GROUPED, "weight": -1}, 400, "weight", "'-1' is not a valid weight."),
        ({**GROUPED, "weight": "heavy"}, 400, "weight", "'heavy' is not a valid weight."),
        ({**GROUPED, "managedFulfillment": "DR^&%"}, 400, "managedFulfillment", "'DR^&%' is not a valid item type."),
        (
            {**PLAIN, "taxCode": "4512.100", "managedFulfillment": "DRGlobalFulfillment", "partNumber": "p"},
            400,
            "taxCode",
            "'4512.100' is not a valid parameter.",
        ),
        (
            {**PLAIN, "managedFulfillment": "DRGlobalFulfillment"},
            400,
            "partNumber",
            "'null' is not a valid parameter.",
        ),
        (
            {**PLAIN, "managedFulfillment": "DRGlobalFulfillment", "partNumber": "p", "manufacturerId": "acme"},
            409,
            "manufacturerId",
            "Invalid manufacturer ID. The manufacturer ID and manufacturer part # combination could not be found.",
        ),
        ({**PLAIN, "name": ["x"]}, 400, "name", "'[\"x\"]' is not a valid name."),
    ],
)
def test_what_does_not_fit_is_refused_and_makes_nothing(
    client: Client, body: JSON, status: int, parameter: str, message: str
) -> None:
    assert refused(client.post("/skus", json=body), status, None, parameter)["message"] == message
    if parameter != "id":
        assert refused(put(client, "x", **body), status, None, parameter)["message"] == message
    assert (ids(client), client.events()) == ([], [])


def test_an_id_that_is_taken_is_a_conflict(client: Client) -> None:
    made(client, id="w", **PLAIN)
    response = client.post("/skus", json={"id": "w", **GROUPED})
    assert response.status_code == 409
    assert response.json() == error("conflict", "already_exists", "SKU 'w' already exists.", "id")


def test_weights_are_in_ounces_unless_it_is_said(client: Client) -> None:
    sku = made(client, **PLAIN, weight="8.88")
    assert (sku["weight"], sku["weightUnit"]) == (8.88, "oz")


def test_what_a_sku_does_not_have_is_ignored(client: Client) -> None:
    """Clients send back what they have read, and fields of older versions."""
    sku = made(client, **PLAIN, allowOversell=True, price=10)
    assert not {"allowOversell", "price"} & sku.keys()
    assert client.ok(put(client, sku["id"], **sku)) == sku
    assert client.event_types() == ["sku.created"]


# Physical or not.


@pytest.mark.parametrize(
    ("tax_code", "physical"),
    [
        ("4323.310_A", True),
        ("4323.320_A", False),
        ("4512", True),
        ("4512.100", False),
        ("55111502.120", False),
        ("55101510", True),
        ("601410", True),
        ("70.60", False),
        ("81112106", False),
        ("95.100", False),
        ("53121603", True),
    ],
)
def test_a_tax_code_says_whether_something_is_shipped(client: Client, tax_code: str, physical: bool) -> None:
    assert made(client, **{**PLAIN, "taxCode": tax_code})["physical"] is physical


def test_a_group_says_it_before_the_tax_code_of_the_sku_does(client: Client) -> None:
    assert made(client, **PLAIN, skuGroupId="e-books")["physical"] is False
    assert made(client, **PLAIN, skuGroupId="a-group-of-ones-own")["physical"] is True
    sku = made(client, **GROUPED)
    assert sku["physical"] is True
    changed = client.ok(client.post(f"/skus/{sku['id']}", json={"skuGroupId": "consulting"}))
    assert changed["physical"] is False
    assert client.events()[-1]["data"]["previousAttributes"] == {"physical": True, "skuGroupId": "computers"}


# Putting.


def test_putting_makes_a_sku_and_then_replaces_it(client: Client) -> None:
    first = client.ok(put(client, "w-1", **PLAIN, weight=1, metadata={"a": 1}), 201)
    assert (first["id"], first["weight"]) == ("w-1", 1.0)
    client.advance("1m")
    second = client.ok(put(client, "w-1", id="w-1", **GROUPED, metadata={"b": 2}))
    assert second == {
        "id": "w-1",
        "createdTime": "2024-01-01T00:00:00Z",
        "updatedTime": "2024-01-01T00:01:00Z",
        **GROUPED,
        "metadata": {"b": 2},
        "fulfill": False,
        "liveMode": False,
        "physical": True,
    }
    (event,) = events_since(client, 1)
    assert event["type"] == "sku.updated"
    assert event["data"] == {
        "object": second,
        "previousAttributes": {
            "eccn": "EAR99",
            "taxCode": "4323.310_A",
            "countryOfOrigin": "US",
            "metadata": {"a": 1, "b": None},
            "weight": 1.0,
            "weightUnit": "oz",
            "skuGroupId": None,
        },
    }


def test_putting_the_same_again_is_no_news(client: Client) -> None:
    first = client.ok(put(client, "w", **PLAIN), 201)
    client.advance("1m")
    assert client.ok(put(client, "w", **PLAIN)) == first
    assert client.event_types() == ["sku.created"]


def test_putting_needs_a_path_that_can_be_an_id_and_no_other_id_in_the_body(client: Client) -> None:
    assert refused(put(client, "89%2656", **PLAIN), 400, "invalid_parameter", "id")["message"] == (
        "'89&56' is not a valid SKU ID."
    )
    refused(put(client, "w", id="v", **PLAIN), 400, "invalid_parameter", "id")
    assert ids(client) == []


# Changing and deleting.


def test_what_is_sent_is_changed_and_all_else_stays(client: Client) -> None:
    sku = made(client, **WHOLE)
    client.advance("1m")
    body = {"countryOfOrigin": "US", "description": "", "metadata": {"b": 1}, "weight": None, "name": None}
    changed = client.ok(client.post(f"/skus/{sku['id']}", json=body))
    expected = {**sku, "countryOfOrigin": "US", "metadata": {"application": "iOS", "b": 1}}
    del expected["description"]
    assert changed == {**expected, "updatedTime": "2024-01-01T00:01:00Z"}
    previous = {"countryOfOrigin": "DE", "description": "A widget", "metadata": {"b": None}}
    assert client.events()[-1]["data"] == {"object": changed, "previousAttributes": previous}


def test_null_takes_managed_fulfillment_away(client: Client) -> None:
    sku = made(client, **WHOLE)
    changed = client.ok(client.post(f"/skus/{sku['id']}", json={"managedFulfillment": None}))
    assert "managedFulfillment" not in changed
    assert client.events()[-1]["data"]["previousAttributes"] == {"managedFulfillment": "DRGlobalFulfillment"}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"name": ""}, "name"),
        ({"skuGroupId": ""}, "eccn"),
        ({"partNumber": ""}, "partNumber"),
        ({"hsCode": 1}, "hsCode"),
    ],
)
def test_a_change_that_would_leave_it_incomplete_is_refused(client: Client, body: JSON, parameter: str) -> None:
    managed = {"managedFulfillment": "DRGlobalFulfillment", "partNumber": "p"}
    sku = made(client, **GROUPED, **managed)
    refused(client.post(f"/skus/{sku['id']}", json=body), 400, None, parameter)
    assert client.ok(client.get(f"/skus/{sku['id']}")) == sku
    assert client.event_types() == ["sku.created"]


def test_a_deleted_sku_is_gone_and_was_all_that_is_told(client: Client) -> None:
    sku = made(client, **WHOLE)
    response = client.delete(f"/skus/{sku['id']}")
    assert (response.status_code, response.content) == (204, b"")
    (event,) = events_since(client, 1)
    assert (event["type"], event["data"]) == ("sku.deleted", {"object": {}, "previousAttributes": sku})
    assert ids(client) == []
    assert client.ok(put(client, sku["id"], **PLAIN), 201)["name"] == "Widget"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_sku_that_does_not_exist_is_not_found(client: Client, method: str) -> None:
    response = client.http.request(method, "/skus/none")
    assert response.json() == error("not_found", "not_found", "SKU 'none' not found.", "id")


# Lists.


def test_skus_are_found_by_what_they_say(client: Client) -> None:
    made(client, id="a", **PLAIN, hsCode="1006.20", partNumber="p-1")
    client.advance("1m")
    made(client, id="b", **{**PLAIN, "eccn": "5D992", "taxCode": "70.60"})
    made(client, id="c", **GROUPED)
    assert ids(client) == ["c", "b", "a"]
    assert ids(client, eccn="EAR99") == ids(client, hsCode="1006.20") == ids(client, partNumber="p-1") == ["a"]
    assert ids(client, taxCode="70.60") == ["b"]
    assert ids(client, skuGroupId="computers") == ["c"]
    assert ids(client, ids="a,c") == ["c", "a"]
    assert ids(client, **{"createdTime[lt]": "2024-01-01T00:01:00Z"}) == ["a"]
    client.advance("1m")
    client.ok(client.post("/skus/a", json={"eccn": "5D992"}))
    assert ids(client, eccn="5D992", **{"updatedTime[gte]": "2024-01-01T00:02:00Z"}) == ["a"]
    assert ids(client, limit=1, startingAfter="c") == ["b"]


def test_groups_come_in_pages(client: Client) -> None:
    first = client.ok(client.get("/sku-groups"))
    assert (first["hasMore"], len(first["data"])) == (True, 10)
    second = client.ok(client.get("/sku-groups", params={"startingAfter": first["data"][-1]["id"]}))
    assert second["hasMore"] is False
    everything = [*first["data"], *second["data"]]
    assert everything == [{"id": group.id, "alias": group.alias} for group in GROUPS]
    before = {"endingBefore": second["data"][0]["id"], "limit": 4}
    assert client.ok(client.get("/sku-groups", params=before)) == {"hasMore": True, "data": everything[6:10]}
    assert client.ok(client.get("/sku-groups", params={"endingBefore": everything[2]["id"]}))["hasMore"] is False
    refused(client.get("/sku-groups?startingAfter=none"), 400, "invalid_parameter", "startingAfter")
    refused(client.get("/sku-groups?limit=0"), 400, "invalid_parameter", "limit")


def test_there_are_groups_of_both_kinds() -> None:
    assert {is_physical(group.tax_code) for group in GROUPS} == {True, False}


# Webhooks and worlds.


def test_webhooks_get_what_happens_to_skus(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, "sku.created", "sku.updated", "sku.deleted")
    put(client, "w", **PLAIN)
    put(client, "w", **GROUPED)
    client.delete("/skus/w")
    client.settle("now")
    assert [json.loads(each.body)["type"] for each in receiver.received] == [
        "sku.created",
        "sku.updated",
        "sku.deleted",
    ]
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)


def test_given_skus_are_there_and_their_events_are_not_pushed(client: Client, receiver: Receiver) -> None:
    aliases = scenario(
        client,
        given={
            "webhooks": [{"address": receiver.url}],
            "skus": [{"as": "widget", **WHOLE}, {"name": "Plain", "skuGroupId": "computers"}],
            "orders": [{"as": "order", "items": [{"skuId": "${widget.id}", "price": 10}]}],
        },
    )
    assert client.ok(client.get("/skus/sku_demo-1.7")) == aliases["widget"]
    assert aliases["order"]["items"][0]["skuId"] == "sku_demo-1.7"
    client.settle("now")
    assert client.event_types(type="sku.*") == ["sku.created", "sku.created"]
    assert receiver.received == []


def test_a_given_sku_that_cannot_be_is_named_by_its_place(client: Client) -> None:
    sku = {**PLAIN, "managedFulfillment": "DRGlobalFulfillment"}
    body = {"scenario": "x", "given": {"customers": [{"id": "sam"}], "skus": [PLAIN, sku]}}
    refused(client.post("/_sim/scenario", json=body), 400, "invalid_parameter", "given.skus[1].partNumber")
    assert client.ok(client.get("/customers"))["data"] == []
