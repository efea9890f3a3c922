"""`/customers` and `/tax-identifiers`: what they keep, what they refuse, what they tell."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.worlds import error, events_since, refused, scenario

SHIPPING: JSON = {
    "name": "Sam Doe",
    "phone": "952-111-1111",
    "email": "ship@example.com",
    "organization": "Acme",
    "address": {"line1": "1 Main St", "city": "Minnetonka", "postalCode": "55129", "state": "MN", "country": "US"},
    "additionalAddressInfo": {"neighborhood": "Centro"},
}
CERTIFICATE = {
    "companyName": "Acme",
    "taxAuthority": "MN",
    "startDate": "2022-01-01T00:00:00Z",
    "endDate": "2032-01-01T00:00:00Z",
    "fileId": "f-1",
}
WHOLE: JSON = {
    "id": "sam-1",
    "email": "sam@example.com",
    "shipping": SHIPPING,
    "organization": {"name": "Acme"},
    "taxCertificate": CERTIFICATE,
    "metadata": {"coupon": "iOS", "visits": 3, "vip": True},
    "locale": "en_US",
    "type": "individual",
    "enabled": True,
}


def made(client: Client, **body: Any) -> JSON:
    """A new customer."""
    customer: JSON = client.ok(client.post("/customers", json=body), 201)
    return customer


def identifier(client: Client, type: str = "de", value: str = "DE123456789") -> JSON:
    """A new tax identifier."""
    found: JSON = client.ok(client.post("/tax-identifiers", json={"type": type, "value": value}), 201)
    return found


def ids(client: Client, path: str = "/customers", **params: Any) -> list[str]:
    """The ids of a page."""
    return [each["id"] for each in client.ok(client.get(path, params=params))["data"]]


def attach(client: Client, customer: str, tax_id: str) -> JSON:
    """A tax identifier that is now a customer's."""
    attached: JSON = client.ok(client.post(f"/customers/{customer}/tax-identifiers/{tax_id}"))
    return attached


# Making.


def test_a_customer_is_kept_with_everything_that_was_sent(client: Client) -> None:
    customer = made(client, **WHOLE)
    assert customer == {
        **{name: value for name, value in WHOLE.items() if name != "taxCertificate"},
        "createdTime": "2024-01-01T00:00:00Z",
        "updatedTime": "2024-01-01T00:00:00Z",
        "taxCertificates": [CERTIFICATE],
        "requestToBeForgotten": False,
        "liveMode": False,
    }
    assert client.ok(client.get("/customers/sam-1")) == customer
    assert client.ok(client.get("/customers"))["data"] == [customer]
    (event,) = client.events()
    assert (event["type"], event["data"]) == ("customer.created", {"object": customer})


@pytest.mark.parametrize("body", [{}, {"id": None, "email": None, "metadata": None, "shipping": None}, {"email": ""}])
def test_a_customer_needs_nothing_and_gets_an_id(client: Client, body: JSON) -> None:
    customer = made(client, **body)
    assert re.fullmatch(r"[0-9]{8}0336", customer["id"])
    assert list(customer) == ["id", "createdTime", "enabled", "requestToBeForgotten", "updatedTime", "liveMode"]
    assert made(client, **body)["id"] != customer["id"]


def test_a_body_may_be_missing_altogether(client: Client) -> None:
    assert client.ok(client.post("/customers"), 201)["enabled"] is True


def test_a_number_may_be_an_id(client: Client) -> None:
    assert made(client, id=531718920336)["id"] == "531718920336"
    assert client.ok(client.get("/customers/531718920336"))["enabled"] is True


def test_an_id_that_is_generated_is_never_one_that_a_client_has_taken(client: Client) -> None:
    following = made(client)["id"]
    client.post("/_sim/reset")
    made(client, id=following)
    assert made(client)["id"] != following
    assert len(ids(client)) == 2


def test_an_id_that_is_taken_is_a_conflict_and_changes_nothing(client: Client) -> None:
    customer = made(client, id="sam", email="a@example.com")
    response = client.post("/customers", json={"id": "sam", "email": "b@example.com"})
    assert response.status_code == 409
    assert response.json() == error("conflict", "already_exists", "Customer 'sam' already exists.", "id")
    assert client.ok(client.get("/customers/sam")) == customer
    assert len(client.events()) == 1


@pytest.mark.parametrize("id", ["a" * 40, "sam@example.com", "Sam Doe", "ä", "a,b", "a?b#c"])
def test_an_id_has_up_to_40_characters(client: Client, id: str) -> None:
    assert made(client, id=id)["id"] == id
    assert client.ok(client.get(f"/customers/{quote(id, safe='')}"))["id"] == id


@pytest.mark.parametrize("id", ["a" * 41, "a/b", " a", "a ", "a\x00b", "a\nb", True])
def test_other_ids_are_refused(client: Client, id: Any) -> None:
    refused(client.post("/customers", json={"id": id}), 400, "invalid_parameter", "id")
    assert ids(client) == []


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({"email": "no address"}, "email_invalid", "email"),
        ({"email": 5}, "email_invalid", "email"),
        ({"email": ["a@example.com"]}, "invalid_parameter", "email"),
        ({"type": "company"}, "invalid_parameter", "type"),
        ({"locale": "english"}, "invalid_parameter", "locale"),
        ({"enabled": "perhaps"}, "invalid_boolean", "enabled"),
        ({"metadata": []}, "invalid_parameter", "metadata"),
        ({"metadata": {"a" * 41: "b"}}, "invalid_metadata_key", None),
        ({"metadata": {str(number): "b" for number in range(21)}}, "too_many_metadata_pairs", "metadata"),
        ({"shipping": "home"}, "invalid_parameter", "shipping"),
        ({"shipping": {"address": {"line1": {}}}}, "invalid_parameter", "shipping.address.line1"),
        ({"organization": 5}, "invalid_parameter", "organization"),
        ({"taxCertificate": {}}, "missing_parameter", "taxCertificate.companyName"),
        ({"taxCertificate": {**CERTIFICATE, "fileId": None}}, "missing_parameter", "taxCertificate.fileId"),
        ({"taxCertificate": {**CERTIFICATE, "endDate": "soon"}}, "invalid_parameter", "taxCertificate.endDate"),
    ],
)
def test_what_does_not_fit_is_refused_and_makes_nothing(
    client: Client, body: JSON, code: str, parameter: str | None
) -> None:
    refused(client.post("/customers", json=body), 400, code, parameter)
    assert (ids(client), client.events()) == ([], [])
    customer = made(client, id="sam")
    refused(client.post("/customers/sam", json=body), 400, code, parameter)
    assert client.ok(client.get("/customers/sam")) == customer
    assert client.event_types() == ["customer.created"]


def test_what_a_customer_does_not_have_is_ignored(client: Client) -> None:
    """Clients send back what they have read, and fields of older versions."""
    customer = made(client, mail="a@example.com", taxIdentifiers=[{"type": "de"}], shipping={"adress": {}, "name": "A"})
    assert "requestToBeForgotten" in customer
    assert customer["shipping"] == {"name": "A"}
    assert not {"mail", "taxIdentifiers"} & customer.keys()
    assert client.ok(client.post(f"/customers/{customer['id']}", json=customer)) == customer
    assert made(client, requestToBeForgotten=True)["requestToBeForgotten"] is False
    assert client.event_types() == ["customer.created"] * 2


# Changing.


def test_what_is_sent_is_changed_and_told_with_what_it_was(client: Client) -> None:
    customer = made(client, **WHOLE)
    client.advance("90s")
    body = {
        "shipping": {**SHIPPING, "address": {**SHIPPING["address"], "line1": "2 Main St"}},
        "metadata": {"visits": "", "vip": 1, "new": "x"},
        "requestToBeForgotten": True,
        "enabled": False,
        "locale": "",
        "email": None,
    }
    changed = client.ok(client.post("/customers/sam-1", json=body))
    expected = {
        **customer,
        "shipping": body["shipping"],
        "metadata": {"coupon": "iOS", "vip": 1, "new": "x"},
        "requestToBeForgotten": True,
        "enabled": False,
        "updatedTime": "2024-01-01T00:01:30Z",
    }
    del expected["locale"]
    assert changed == expected
    assert client.ok(client.get("/customers/sam-1")) == changed
    (event,) = events_since(client, 1)
    assert event["type"] == "customer.updated"
    assert event["data"] == {
        "object": changed,
        "previousAttributes": {
            "shipping": {"address": {"line1": "1 Main St"}},
            "metadata": {"visits": 3, "vip": True, "new": None},
            "requestToBeForgotten": False,
            "enabled": True,
            "locale": "en_US",
        },
    }


@pytest.mark.parametrize(
    "body", [{}, {"email": "sam@example.com"}, {"id": "sam-1"}, {"email": None, "type": None}, {"metadata": {}}, WHOLE]
)
def test_an_update_that_changes_nothing_tells_nothing(client: Client, body: JSON) -> None:
    customer = made(client, **WHOLE)
    client.advance("1m")
    assert client.ok(client.post("/customers/sam-1", json=body)) == customer
    assert client.event_types() == ["customer.created"]


def test_an_id_in_an_update_has_to_be_that_of_the_path(client: Client) -> None:
    made(client, id="sam")
    refused(client.post("/customers/sam", json={"id": "tom"}), 400, "invalid_parameter", "id")


def test_a_certificate_takes_the_place_of_an_older_one_of_the_same_authority(client: Client) -> None:
    made(client, **WHOLE)
    other, newer = {**CERTIFICATE, "taxAuthority": "WI"}, {**CERTIFICATE, "fileId": "f-2"}
    client.ok(client.post("/customers/sam-1", json={"taxCertificate": other}))
    changed = client.ok(client.post("/customers/sam-1", json={"taxCertificate": newer}))
    assert changed["taxCertificates"] == [other, newer]


def test_a_default_source_has_to_be_one_of_the_customers(client: Client) -> None:
    made(client, id="sam")
    source = client.order()["payment"]["sources"][0]["id"]
    for id in (source, "nobody's"):
        response = client.post("/customers/sam", json={"defaultSourceId": id})
        assert refused(response, 404, "not_found", "defaultSourceId")["message"] == f"Source '{id}' not found."


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_customer_who_does_not_exist_is_not_found_without_a_period(client: Client, method: str) -> None:
    response = client.http.request(method, "/customers/nobody")
    assert response.status_code == 404
    assert response.json() == error("not_found", "not_found", "Customer 'nobody' not found", "id")


# Deleting.


def test_a_deleted_customer_is_gone_and_was_all_that_is_told(client: Client) -> None:
    customer = made(client, **WHOLE)
    response = client.delete("/customers/sam-1")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/customers/sam-1").status_code == 404
    assert ids(client) == ids(client, email="sam@example.com") == []
    (event,) = events_since(client, 1)
    assert event["type"] == "customer.deleted"
    assert event["data"] == {"object": {}, "previousAttributes": customer}
    shown = client.ok(client.get("/_sim/timeline"))["data"]
    assert [each["objectId"] for each in shown if each["kind"] == "event"] == ["sam-1", "sam-1"]


def test_a_deleted_customer_can_be_made_again(client: Client) -> None:
    made(client, **WHOLE)
    client.delete("/customers/sam-1")
    client.advance("1m")
    again = made(client, id="sam-1")
    assert (again["createdTime"], "email" in again) == ("2024-01-01T00:01:00Z", False)
    assert ids(client) == ["sam-1"]


# Lists.


def test_customers_are_found_by_email_ids_forgetting_and_times(client: Client) -> None:
    for number, email in enumerate(["a@example.com", "a@example.com", "b@example.com"], 1):
        made(client, id=f"c{number}", email=email)
        client.advance("1m")
    client.ok(client.post("/customers/c1", json={"requestToBeForgotten": True}))
    assert ids(client) == ["c3", "c2", "c1"]
    assert ids(client, email="a@example.com") == ["c2", "c1"]
    assert ids(client, ids="c1,c3,nobody") == ["c3", "c1"]
    assert ids(client, ids=["c1", "c3"], email="a@example.com") == ["c1"]
    assert ids(client, requestToBeForgotten="true") == ids(client, requestToBeForgotten="True") == ["c1"]
    assert ids(client, requestToBeForgotten="false") == ["c3", "c2"]
    assert ids(client, **{"createdTime[gte]": "2024-01-01T00:01:00Z"}) == ["c3", "c2"]
    assert ids(client, **{"updatedTime[gt]": "2024-01-01T00:02:00Z"}) == ["c1"]
    assert ids(client, limit=1, startingAfter="c3") == ["c2"]
    assert ids(client, limit=1, endingBefore="c1") == ["c2"]
    assert client.ok(client.get("/customers", params={"limit": 2}))["hasMore"] is True


def test_odd_filters_are_refused(client: Client) -> None:
    refused(client.get("/customers?requestToBeForgotten=yes"), 400, "invalid_boolean", "requestToBeForgotten")
    refused(client.get("/customers?updatedTime=yesterday"), 400, "invalid_parameter", "updatedTime")
    refused(client.get("/customers?startingAfter=nobody"), 400, "invalid_parameter", "startingAfter")


def test_an_email_that_was_changed_is_found_no_more(client: Client) -> None:
    made(client, id="sam", email="a@example.com")
    client.ok(client.post("/customers/sam", json={"email": "b@example.com"}))
    assert (ids(client, email="a@example.com"), ids(client, email="b@example.com")) == ([], ["sam"])


# Tax identifiers.


def test_a_tax_identifier_is_verified_at_once(client: Client) -> None:
    made_now = identifier(client)
    assert made_now == {
        "id": made_now["id"],
        "createdTime": "2024-01-01T00:00:00Z",
        "updatedTime": "2024-01-01T00:00:00Z",
        "type": "de",
        "value": "DE123456789",
        "state": "verified",
        "stateTransitions": {"pending": "2024-01-01T00:00:00Z", "verified": "2024-01-01T00:00:00Z"},
        "liveMode": False,
    }
    assert client.ok(client.get(f"/tax-identifiers/{made_now['id']}")) == made_now
    (event,) = client.events()
    assert (event["type"], event["data"]) == ("tax_identifier.verified", {"object": made_now})


@pytest.mark.parametrize(
    ("body", "code", "parameter", "message"),
    [
        ({}, "missing_parameter", "type", "A parameter is missing."),
        ({"type": "de"}, "missing_parameter", "value", "A parameter is missing."),
        ({"type": "de", "value": ""}, "missing_parameter", "value", "A parameter is missing."),
        ({"type": "Germany", "value": "1"}, "invalid_parameter", "type", "'Germany' is not a valid type."),
        (
            {"type": "it", "value": "IT00121239990xxxx"},
            "invalid_parameter",
            "value",
            "Tax identifier 'IT00121239990xxxx' invalid.",
        ),
        ({"type": "us", "value": "none"}, "invalid_parameter", "value", "Tax identifier 'none' invalid."),
    ],
)
def test_a_tax_identifier_needs_a_type_and_a_value_that_fits_it(
    client: Client, body: JSON, code: str, parameter: str, message: str
) -> None:
    told = refused(client.post("/tax-identifiers", json=body), 400, code, parameter)
    assert told["message"] == message
    assert ids(client, "/tax-identifiers") == []


@pytest.mark.parametrize(
    ("type", "value"), [("uk", "GB243609761"), ("nl", "NL002458380B62"), ("br_natural", "123.456.789-09"), ("us", 12)]
)
def test_tax_identifiers_of_many_countries_are_taken(client: Client, type: str, value: Any) -> None:
    assert identifier(client, type, value)["value"] == str(value)


def test_a_customer_shows_the_tax_identifiers_that_were_attached(client: Client) -> None:
    made(client, id="sam")
    first, second = identifier(client), identifier(client, "uk", "GB243609761")
    client.advance("1m")
    attached = attach(client, "sam", first["id"])
    assert attached == {**first, "customerId": "sam", "updatedTime": "2024-01-01T00:01:00Z"}
    attach(client, "sam", second["id"])
    customer = client.ok(client.get("/customers/sam"))
    assert customer["taxIdentifiers"][0] == attached
    assert [each["type"] for each in customer["taxIdentifiers"]] == ["de", "uk"]
    event = events_since(client, 3)[0]
    assert (event["type"], event["data"]) == ("customer.tax_identifier.created", {"object": attached})


def test_attaching_once_more_is_no_news(client: Client) -> None:
    made(client, id="sam")
    tax_id = identifier(client)["id"]
    attached = attach(client, "sam", tax_id)
    assert attach(client, "sam", tax_id) == attached
    assert client.event_types().count("customer.tax_identifier.created") == 1


def test_a_tax_identifier_belongs_to_one_customer_who_has_one_of_each_type(client: Client) -> None:
    made(client, id="sam")
    made(client, id="tom")
    tax_id = identifier(client)["id"]
    attach(client, "sam", tax_id)
    response = client.post(f"/customers/tom/tax-identifiers/{tax_id}")
    message = "You cannot replace a tax identifier's customer id."
    assert response.json() == error("conflict", "customer_not_updateable", message, "customerId")
    other = identifier(client, "de", "DE987654321")["id"]
    refused(client.post(f"/customers/sam/tax-identifiers/{other}"), 409, "already_exists", "type")
    assert len(client.ok(client.get("/customers/sam"))["taxIdentifiers"]) == 1


def test_attaching_needs_both(client: Client) -> None:
    made(client, id="sam")
    response = client.post("/customers/sam/tax-identifiers/none")
    assert response.json() == error("not_found", "not_found", "Tax identifier 'none' not found.", "id")
    response = client.post(f"/customers/nobody/tax-identifiers/{identifier(client)['id']}")
    assert refused(response, 404, "not_found", "id")["message"] == "Customer 'nobody' not found"


def test_a_deleted_tax_identifier_is_no_longer_the_customers(client: Client) -> None:
    made(client, id="sam")
    attached = attach(client, "sam", identifier(client)["id"])
    path = f"/tax-identifiers/{attached['id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == client.get(path).status_code == 404
    assert "taxIdentifiers" not in client.ok(client.get("/customers/sam"))
    event = client.events()[-1]
    assert event["type"] == "tax_identifier.deleted"
    assert event["data"] == {"object": {}, "previousAttributes": attached}
    attach(client, "sam", identifier(client)["id"])  # there is room for another of that type


def test_tax_identifiers_go_with_their_customer(client: Client) -> None:
    made(client, id="sam")
    attach(client, "sam", identifier(client)["id"])
    client.delete("/customers/sam")
    assert ids(client, "/tax-identifiers") == []
    assert client.event_types()[-2:] == ["tax_identifier.deleted", "customer.deleted"]


def test_tax_identifiers_are_found_by_what_they_say(client: Client) -> None:
    made(client, id="sam")
    first = identifier(client)["id"]
    client.advance("1m")
    second = identifier(client, "uk", "GB243609761")["id"]
    attach(client, "sam", second)
    path = "/tax-identifiers"
    assert ids(client, path) == [second, first]
    assert ids(client, path, customerId="sam") == ids(client, path, type="uk") == [second]
    assert ids(client, path, value="DE123456789") == ids(client, path, ids=first) == [first]
    assert ids(client, path, state="verified", limit=1) == [second]
    assert ids(client, path, state="pending") == []
    assert ids(client, path, **{"verified[lt]": "2024-01-01T00:01:00Z"}) == [first]


# Webhooks, sandboxes, worlds.


def test_webhooks_get_what_happens_to_customers(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, "customer.created", "customer.deleted", "customer.tax_identifier.created")
    made(client, id="sam")
    client.ok(client.post("/customers/sam", json={"email": "a@example.com"}))
    attach(client, "sam", identifier(client)["id"])
    client.delete("/customers/sam")
    client.settle("now")
    types = ["customer.created", "customer.tax_identifier.created", "customer.deleted"]
    sent = [json.loads(each.body) for each in receiver.received]
    assert [each["type"] for each in sent] == types
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)
    assert sent == [client.ok(client.get(f"/events/{each['id']}")) for each in sent]


def test_events_of_customers_are_the_same_in_every_version_but_for_its_name(client: Client) -> None:
    made(client, **WHOLE)
    (event,) = client.events()
    older = client.ok(client.get(f"/events/{event['id']}", headers={"DigitalRiver-Version": "2020-01-07"}))
    assert older == {**event, "digitalriverVersion": "2020-01-07"}


def test_given_customers_are_there_and_their_events_are_not_pushed(client: Client, receiver: Receiver) -> None:
    aliases = scenario(
        client,
        given={
            "webhooks": [{"address": receiver.url}],
            "customers": [{"as": "sam", **WHOLE, "organization": "Acme"}, {"as": "tom"}],
            "orders": [{"as": "order", "customerId": "${sam.id}", "items": [{"price": 10}]}],
        },
    )
    assert client.ok(client.get("/customers/sam-1")) == aliases["sam"]
    assert aliases["sam"]["taxCertificates"] == [CERTIFICATE]
    assert aliases["order"]["customerId"] == "sam-1"
    assert ids(client) == [aliases["tom"]["id"], "sam-1"]
    client.settle("now")
    assert client.event_types(type="customer.*") == ["customer.created", "customer.created"]
    assert receiver.received == []


def test_a_given_customer_whose_id_is_taken_is_named_by_its_place(client: Client) -> None:
    made(client, id="sam")
    body = {"scenario": "x", "given": {"customers": [{"id": "tom"}, {"id": "sam"}]}}
    refused(client.post("/_sim/scenario", json=body), 409, "already_exists", "given.customers[1].id")
    assert ids(client) == ["sam"]


def test_a_killed_server_has_customers_tax_identifiers_and_skus(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))
    sku = {"name": "Widget", "skuGroupId": "computers", "weight": 1.5, "metadata": {"a": 1}}
    with Drsim(*options) as server:
        client = server.client()
        made(client, **WHOLE)
        attached = attach(client, "sam-1", identifier(client)["id"])
        client.ok(client.http.put("/skus/w", json=sku), 201)
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        before = client.ok(client.get("/customers/sam-1"))
        assert before["taxIdentifiers"] == [attached]
        changed = client.ok(client.post("/customers/sam-1", json={"metadata": {"visits": 4}}))
        assert changed == {**before, "metadata": {**before["metadata"], "visits": 4}}
        assert client.events()[-1]["data"]["previousAttributes"] == {"metadata": {"visits": 3}}
        assert client.ok(client.http.put("/skus/w", json=sku))["weight"] == 1.5
        assert client.event_types(type="sku.*") == ["sku.created"]
        assert attach(client, "sam-1", attached["id"]) == attached
        assert client.delete("/customers/sam-1").status_code == 204
