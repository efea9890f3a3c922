"""What every call passes before a resource: key, rate, version, route, verb, body; and the control plane's door."""

import base64
import gzip
import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.harness import JSON, Client, Drsim
from tests.web.conftest import Connect
from tests.web.worlds import UUID, error, line, order_now, refused, scenario

UNAUTHORIZED = {"type": "unauthorized", "errors": [{"message": "An authorization error has occurred."}]}
FORBIDDEN = {"type": "forbidden", "errors": [{"message": "An authorization error has occurred."}]}
MALFORMED = error("bad_request", "invalid_format", "The format of your request is invalid.")
JSON_TYPE = {"content-type": "application/json"}


def sandbox_of(client: Client) -> str:
    """The name of the client's sandbox."""
    return client.http.headers["authorization"].removeprefix("Bearer sk_test_")


@pytest.fixture
def bare(drsim: Drsim) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=drsim.url, trust_env=False, timeout=30, verify=False) as http:
        yield http


def raw(url: str, request: bytes) -> bytes:
    """Sends bytes as they are and returns whatever comes back until the other side closes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


# Keys.


@pytest.mark.parametrize("path", ["/orders", "/orders/1", "/webhooks", "/nothing", "/fulfillments/1", "/"])
def test_without_a_key_everything_is_unauthorized_and_says_no_more(bare: httpx.Client, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        response = bare.request(method, path)
        assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Basic {c}", "basic {n}", "BASIC {c}"])
def test_a_key_is_taken_as_bearer_or_as_basic_user_with_or_without_colon(
    client: Client, bare: httpx.Client, form: str
) -> None:
    order = client.order()
    key = f"sk_test_{sandbox_of(client)}"
    header = form.format(key, c=encoded(f"{key}:"), n=encoded(key))
    response = bare.get(f"/orders/{order['id']}", headers={"authorization": header})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "sk_test_drsim",
        "Token sk_test_drsim",
        "Bearer drsim",
        "Bearer sk_test_",
        "Bearer sk_test_with blank",
        "Bearer sk_test_ümlaut".encode("latin-1"),
        "Bearer sk_test_" + "x" * 65,
        "Bearer sk_test_../../etc",
        "Bearer sk_test_a\x00b",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + encoded(":sk_test_drsim"),
        "Bearer sk_live_0123456789abcdef0123456789abcdef",
        "Bearer sk_0123456789abcdef0123456789abcdef",
        "Bearer rk_0123456789abcdef0123456789abcdef",
        "Bearer pk_0123456789abcdef0123456789abcdef",
        "Bearer SK_TEST_drsim",
        "Bearer whk_test_drsim",
    ],
)
def test_wrong_and_live_keys_are_unauthorized(drsim: Drsim, header: str | bytes) -> None:
    value = header if isinstance(header, bytes) else header.encode("latin-1")
    answer = raw(
        drsim.url, b"GET /orders HTTP/1.1\r\nhost: x\r\nauthorization: " + value + b"\r\nconnection: close\r\n\r\n"
    )
    assert answer.split(b" ")[1] in (b"401", b"400"), answer
    if b" 401 " in answer:
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == UNAUTHORIZED


def test_a_public_key_may_do_what_shoppers_do_and_nothing_else(client: Client, another: Connect) -> None:
    order = client.order()
    public = another(key=f"pk_test_{sandbox_of(client)}")
    assert public.get("/payments/payment-methods").status_code == 200
    assert public.post("/payments/sources", json={}).status_code == 400
    for method, path in (
        ("GET", f"/sources/{order['payment']['sources'][0]['id']}"),
        ("POST", "/sources"),
        ("GET", "/payments"),
        ("GET", "/orders"),
        ("GET", f"/orders/{order['id']}"),
        ("GET", "/sources"),
        ("GET", "/events"),
        ("POST", "/fulfillments"),
        ("POST", "/webhooks"),
        ("DELETE", "/webhooks/1"),
        ("GET", "/nothing"),
    ):
        response = public.http.request(method, path)
        assert (response.status_code, response.json()) == (403, FORBIDDEN), path


def test_a_public_key_does_not_move_the_control_plane(client: Client, another: Connect) -> None:
    client.order()
    public = another(key=f"pk_test_{sandbox_of(client)}")
    assert public.post("/_sim/reset").status_code in (401, 403)
    assert len(client.ok(client.get("/orders"))["data"]) == 1


def test_restricted_keys_lead_to_the_sandbox_of_their_name_label_or_not(client: Client, another: Connect) -> None:
    order = client.order()
    for key in (f"rk_test_{sandbox_of(client)}", f"rk_test_{sandbox_of(client)}.reporting"):
        assert another(key=key).get(f"/orders/{order['id']}").status_code == 200


def test_sandboxes_do_not_see_each_other(client: Client, another: Connect) -> None:
    order = client.order()
    client.webhook("http://127.0.0.1:9/", "order.created")
    fulfillment = client.ok(client.fulfill(order, line(order, 1)), 201)
    stranger = another("a_stranger")
    before = order_now(client, order)
    event = client.events()[0]
    webhook = client.ok(client.get("/webhooks"))[0]
    paths = [
        f"/orders/{order['id']}",
        f"/charges/{order['payment']['charges'][0]['id']}",
        f"/sources/{order['payment']['sources'][0]['id']}",
        f"/fulfillments/{fulfillment['id']}",
        f"/events/{event['id']}",
        f"/webhooks/{webhook['id']}",
        f"/_sim/orders/{order['id']}/timeline",
        f"/_sim/webhooks/{webhook['id']}/secrets",
    ]
    for path in paths:
        assert client.get(path).status_code == 200, path
        assert stranger.get(path).status_code == 404, path
    assert stranger.fulfill(order, line(order, 1)).status_code == 404
    assert stranger.post(f"/orders/{order['id']}", json={"upstreamId": "x"}).status_code == 404
    assert stranger.post(f"/fulfillments/{fulfillment['id']}", json={}).status_code == 404
    assert stranger.delete(f"/webhooks/{webhook['id']}").status_code == 404
    assert stranger.ok(stranger.get("/orders", params={"ids": order["id"]}))["data"] == []
    assert stranger.ok(stranger.get("/events", params={"orderId": order["id"]}))["data"] == []
    assert all(call["status"] == 404 or call["responseBody"]["data"] == [] for call in calls_of(stranger))
    stranger.advance("30d")
    assert order_now(client, order) == before


def calls_of(client: Client) -> list[JSON]:
    """The logged calls of a sandbox."""
    data: list[JSON] = client.ok(client.get("/_sim/requests", params={"limit": 100}))["data"]
    return data


# Versions and headers.


@pytest.mark.parametrize(
    "version", ["2020-01-07", "2020-09-30", "2020-12-17", "2021-02-23", "2021-03-23", "2021-12-13", ""]
)
def test_published_versions_are_taken(client: Client, version: str) -> None:
    assert client.get("/orders", headers={"DigitalRiver-Version": version}).status_code == 200


@pytest.mark.parametrize("version", ["2022-01-01", "latest", "v1", "x" * 5_000])
def test_other_versions_are_refused(client: Client, version: str) -> None:
    response = client.get("/orders", headers={"digitalriver-version": version})
    found = refused(response, 400, "invalid_parameter", "DigitalRiver-Version")
    if len(version) < 100:
        assert found["message"] == f"'{version}' is not a valid version."


def test_answers_carry_the_vendors_headers(client: Client) -> None:
    headers = client.get("/orders").headers
    expected = {
        "content-type": "application/json;charset=UTF-8",
        "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
        "pragma": "no-cache",
        "expires": "0",
        "x-content-type-options": "nosniff",
        "x-xss-protection": "1; mode=block",
        "x-frame-options": "DENY",
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH",
        "access-control-allow-headers": "content-type, accept",
    }
    assert {name: headers.get(name) for name in expected} == expected


def test_every_answer_has_a_request_id_of_its_own_that_the_log_knows(client: Client) -> None:
    responses = [
        client.get("/orders"),
        client.get("/orders/nothing"),
        client.get("/nothing"),
        client.delete("/orders"),
        client.post("/fulfillments", json={}),
        client.post("/fulfillments", content=b"{", headers=JSON_TYPE),
        client.get("/orders", headers={"digitalriver-version": "x"}),
        client.get("/orders", headers={"accept": "text/html"}),
        client.delete(f"/webhooks/{client.webhook('http://127.0.0.1:9/', 'order.created')['id']}"),
    ]
    ids = [response.headers["x-dr-requestid"] for response in responses]
    assert len(set(ids)) == len(ids)
    for id in ids:
        assert re.fullmatch(UUID, id)
    logged = client.ok(client.get("/_sim/requests", params={"limit": 100}))["data"]
    assert set(ids) <= {call["id"] for call in logged}


def test_an_answer_to_a_wrong_key_has_a_request_id_too(bare: httpx.Client) -> None:
    assert "x-dr-requestid" in bare.get("/orders").headers


def test_tracing_headers_change_nothing(client: Client) -> None:
    headers = {
        "upstream-id": "1",
        "upstream-application-id": "SFB2bLightning/2.1",
        "upstream-session-id": "s",
        "forwarded": "for=203.0.113.7",
        "version": "new",
        "customer-token": "t",
        "x-debug-drjs-application": "x",
    }
    order = client.order()
    assert client.get(f"/orders/{order['id']}", headers=headers).text == client.get(f"/orders/{order['id']}").text


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("APPLICATION/JSON", 200),
        ("application/json; charset=utf-8", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/html,*/*;q=0.1", 200),
        ("text/html", 406),
        ("application/xml", 406),
        ("image/*, text/*", 406),
        ("application/json;q=0", 406),
    ],
)
def test_only_json_can_be_had(client: Client, accept: str, status: int) -> None:
    response = client.get("/orders", headers={"accept": accept})
    assert response.status_code == status
    if status == 406:
        assert response.json()["type"] == "not_acceptable"
        refused(response, 406)


def test_large_answers_are_compressed_when_that_is_asked_for(client: Client) -> None:
    order = client.order()
    path = f"/orders/{order['id']}"
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    zipped = client.get(path, headers={"accept-encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == plain.content
    client.http.event_hooks = {}  # whoever looks at the answer would read it
    with client.http.stream("GET", path, headers={"accept-encoding": "deflate, gzip;q=0.8"}) as response:
        body = b"".join(response.iter_raw())
    assert gzip.decompress(body) == plain.content
    assert int(response.headers["content-length"]) == len(body) < len(plain.content)


def test_an_encoding_with_quality_zero_is_not_used(client: Client) -> None:
    order = client.order()
    response = client.get(f"/orders/{order['id']}", headers={"accept-encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in response.headers


def test_head_answers_like_get_without_a_body(client: Client) -> None:
    order = client.order()
    for path in ("/orders", f"/orders/{order['id']}", "/orders/nothing", "/_sim/clock"):
        identity = {"accept-encoding": "identity"}
        head, get = client.http.head(path, headers=identity), client.get(path, headers=identity)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_browsers_preflight_needs_no_key(bare: httpx.Client) -> None:
    response = bare.options("/fulfillments", headers={"origin": "http://shop", "access-control-request-method": "POST"})
    assert response.status_code in (200, 204)
    assert response.headers["access-control-allow-origin"] == "*"


# Routes and verbs.


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/orders/",
        "/orders/1/nothing",
        "//orders",
        "/Orders",
        "/orders/1%2F2",
        "/_sims",
        "/%00",
        "/%ff",
    ],
)
def test_what_is_nowhere_is_not_found(client: Client, path: str) -> None:
    response = client.http.request("GET", path)
    refused(response, 404, "not_found")
    assert response.json()["type"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", "GET POST"),
        ("PUT", "/orders/1", "GET POST"),
        ("DELETE", "/orders/1", "GET POST"),
        ("PATCH", "/fulfillments/1", "GET POST"),
        ("DELETE", "/fulfillments", "GET POST"),
        ("POST", "/charges", "GET"),
        ("POST", "/charges/1", "GET"),
        ("POST", "/events", "GET"),
        ("PATCH", "/events/1", "GET"),
        ("PUT", "/webhooks/1", "GET PATCH DELETE"),
        ("PUT", "/customers/1", "GET POST DELETE"),
        ("PATCH", "/skus/1", "GET PUT POST DELETE"),
        ("POST", "/sku-groups", "GET"),
        ("POST", "/tax-identifiers/1", "GET DELETE"),
        ("GET", "/customers/1/tax-identifiers/1", "POST"),
        ("POST", "/webhooks/1", "GET PATCH DELETE"),
        ("GET", "/_sim/reset", "POST"),
        ("GET", "/_sim/clock/advance", "POST"),
        ("POST", "/_sim/clock", "GET"),
        ("TRACE", "/orders", "GET POST"),
    ],
)
def test_a_verb_that_is_not_supported_says_which_are(client: Client, method: str, path: str, allowed: str) -> None:
    response = client.http.request(method, path)
    refused(response, 405, "method_not_allowed")
    assert response.json()["type"] == "method_not_allowed"
    assert {verb.strip() for verb in response.headers["allow"].split(",")} - {"HEAD", "OPTIONS"} == set(allowed.split())


# Bodies.


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"}",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"true",
        b"{}{}",
        b"{'orderId': 1}",
        b'{"orderId": 1,}',
        b'{"orderId": NaN}',
        b'{"orderId": Infinity}',
        b'{"orderId": 01}',
        b'{"orderId": "\xff"}',
        b'{"orderId": "\\ud800"}',
        b'{"orderId": "a\x00b"}',
        b"\xef\xbb\xbf{}",
        '{"orderId": "1"}'.encode("utf-16"),
        b"orderId=1&items=2",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
def test_what_is_no_json_object_is_malformed(client: Client, body: bytes) -> None:
    for path in ("/fulfillments", "/webhooks", "/_sim/clock/advance"):
        response = client.post(path, content=body, headers=JSON_TYPE)
        assert (response.status_code, response.json()) == (400, MALFORMED), path


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data", "json", ";"],
)
def test_a_body_that_does_not_say_it_is_json_is_malformed(client: Client, kind: str | None) -> None:
    order = client.order()
    body = json.dumps({"orderId": order["id"], "items": [line(order, 1)]}).encode()
    response = client.post("/fulfillments", content=body, headers={} if kind is None else {"content-type": kind})
    assert (response.status_code, response.json()) == (400, MALFORMED)
    assert order_now(client, order) == order


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"],
)
def test_json_may_be_announced_in_any_spelling(client: Client, kind: str) -> None:
    order = client.order()
    body = json.dumps({"orderId": order["id"], "items": [line(order, 1)]}).encode()
    assert client.post("/fulfillments", content=body, headers={"content-type": kind}).status_code == 201


@pytest.mark.parametrize("body", [b"", b" \r\n\t "])
def test_no_body_at_all_is_an_empty_one(client: Client, body: bytes) -> None:
    missing = error("bad_request", "missing_parameter", "A parameter is missing.", "orderId")
    for headers in ({}, JSON_TYPE):
        response = client.post("/fulfillments", content=body, headers=headers)
        assert (response.status_code, response.json()) == (400, missing)


def test_a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_not(client: Client) -> None:
    order = client.order()
    body = json.dumps({"orderId": order["id"], "items": [line(order, 1)]}).encode()
    whole = body + b" " * ((1 << 20) - len(body))
    too_long = client.post("/fulfillments", content=whole + b" ", headers=JSON_TYPE)
    refused(too_long, 400, "invalid_format")
    assert order_now(client, order) == order
    assert client.post("/fulfillments", content=whole, headers=JSON_TYPE).status_code == 201


@pytest.mark.parametrize("path", ["/fulfillments", "/_sim/scenario", "/_sim/orders"])
def test_a_far_too_long_body_is_refused_on_every_path(client: Client, path: str) -> None:
    try:
        response = client.post(path, content=b"{" + b" " * (3 << 20) + b"}", headers=JSON_TYPE)
    except httpx.TransportError:
        return  # the server had enough before the client was done
    refused(response, 400, "invalid_format")
    assert client.get("/orders").status_code == 200


def test_a_body_in_chunks_is_counted_too(client: Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(33):
            yield b" " * 32_768

    refused(client.post("/fulfillments", content=chunks(), headers=JSON_TYPE), 400, "invalid_format")


# Rate, and the order of all checks.


def test_calls_beyond_the_rate_have_to_wait_and_the_control_plane_has_not(client: Client) -> None:
    scenario(client, account={"rateLimit": "2/s"})
    assert [client.get("/orders").status_code for _ in range(3)] == [200, 200, 429]
    response = client.get("/orders")
    assert response.json() == error("too_many_requests", "too_many_requests", "Too many requests.")
    assert response.headers["retry-after"] == "1"
    client.advance("500ms")
    assert client.get("/orders").status_code == 429  # calls before the wait is over are blocked as well
    client.advance("500ms")
    assert [client.get("/orders").status_code for _ in range(3)] == [200, 200, 429]


def test_a_rate_per_minute_names_its_wait_in_whole_seconds(client: Client) -> None:
    scenario(client, account={"rateLimit": "3/m"})
    statuses = [client.get("/orders").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert client.get("/orders").headers["retry-after"] == "20"


def test_one_sandboxes_rate_is_not_another_ones(client: Client, another: Connect) -> None:
    scenario(client, account={"rateLimit": "1/h"})
    assert [client.get("/orders").status_code for _ in range(2)] == [200, 429]
    assert another("an_unlimited_one").get("/orders").status_code == 200


def test_a_refused_call_leaves_everything_as_it_was(client: Client) -> None:
    order = client.order()
    scenario(client, account={"rateLimit": "1/h"})
    assert client.get("/orders").status_code == 200
    assert client.fulfill(order).status_code == 429
    client.advance("2h")
    assert order_now(client, order) == order


def test_a_reset_sandbox_has_its_full_rate_again(client: Client) -> None:
    scenario(client, account={"rateLimit": "1/h"})
    assert [client.get("/orders").status_code for _ in range(2)] == [200, 429]
    client.ok(client.post("/_sim/reset"))
    scenario(client, account={"rateLimit": "1/h"})
    assert client.get("/orders").status_code == 200


def test_each_check_comes_in_its_order(client: Client, another: Connect, bare: httpx.Client) -> None:
    order = client.order()
    bad_version = {"digitalriver-version": "1999-01-01"}
    wrong = {**bad_version, "authorization": "Bearer nonsense", **JSON_TYPE}
    assert bare.request("TRACE", "/nothing", headers=wrong, content=b"{").status_code == 401
    public = another(key=f"pk_test_{sandbox_of(client)}")
    assert public.get("/nothing", headers=bad_version).status_code == 403
    refused(client.get("/nothing", headers=bad_version), 400, "invalid_parameter", "DigitalRiver-Version")
    refused(
        client.http.request("TRACE", "/orders", headers=bad_version), 400, "invalid_parameter", "DigitalRiver-Version"
    )
    refused(client.post("/nothing", content=b"{", headers=JSON_TYPE), 404, "not_found")
    refused(client.http.request("PUT", "/fulfillments", content=b"{", headers=JSON_TYPE), 405, "method_not_allowed")
    refused(client.post("/fulfillments", content=b'{"colour":', headers=JSON_TYPE), 400, "invalid_format")
    refused(client.post("/fulfillments", json={"colour": 1}), 400, "unknown_parameter", "colour")
    refused(client.post("/fulfillments", json={"items": 1}), 400, "missing_parameter", "orderId")
    refused(client.post("/fulfillments", json={"orderId": "nothing", "items": 1}), 400, "invalid_parameter", "items")
    client.ok(client.fulfill(order), 201)
    unknown = {"orderId": "nothing", "items": [{"itemId": "x", "quantity": 1}]}
    refused(client.post("/fulfillments", json=unknown), 404, "not_found", "orderId")
    refused(client.fulfill(order, {"itemId": "x", "quantity": 1}), 400, "invalid_parameter", "items[0].itemId")
    refused(client.fulfill(order), 409, "order_fulfilled")
    scenario(client, account={"rateLimit": "1/h"})
    client.get("/orders")
    refused(client.get("/nothing", headers=bad_version), 429, "too_many_requests")
    assert bare.get("/orders", headers=wrong).status_code == 401


def test_wrong_values_are_told_before_what_does_not_exist(client: Client) -> None:
    metadata = {"key": "v" * 501}
    for path in ("/orders/nothing", "/fulfillments/nothing"):
        refused(client.post(path, json={"metadata": metadata}), 400, "invalid_metadata_value", "metadata.key")
        refused(client.post(path, json={"metadata": {}}), 404, "not_found", "id")
    refused(client.patch("/webhooks/nothing", json={"types": ["nonsense"]}), 400, "invalid_parameter", "types[0]")


# The control plane's door.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:80", "127.1.2.3:3774", "[::1]:3774"])
def test_the_control_plane_answers_to_names_of_this_machine(client: Client, host: str) -> None:
    assert client.get("/_sim/clock", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost.example.com", "127.0.0.1.example.com", "localhost.", "10.0.0.1", "0.0.0.0", "evil"],
)
def test_the_control_plane_answers_to_no_other_name(client: Client, host: str) -> None:
    order = client.order()
    for method, path in (("GET", "/_sim/clock"), ("POST", "/_sim/reset"), ("POST", "/_sim/orders"), ("GET", "/_sim/x")):
        response = client.http.request(method, path, headers={"host": host})
        refused(response, 403)
        assert response.json()["type"] == "forbidden"
    assert order_now(client, order) == order
    assert client.get("/orders", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://example.com", "https://127.0.0.1:1", "null", "file://", "http://localhost"])
def test_the_control_plane_answers_no_page_of_another_site(client: Client, origin: str) -> None:
    refused(client.post("/_sim/reset", headers={"origin": origin}), 403)
    refused(client.get("/_sim/clock", headers={"origin": origin}), 403)


def test_the_control_plane_answers_its_own_pages(client: Client, drsim: Drsim) -> None:
    assert client.get("/_sim/clock", headers={"origin": drsim.url}).status_code == 200


def test_the_control_plane_lets_no_other_site_read_its_answers(client: Client) -> None:
    for response in (client.get("/_sim/clock"), client.get("/_sim/nothing")):
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_the_control_plane_without_a_key_acts_on_the_default_sandbox(bare: httpx.Client, another: Connect) -> None:
    assert bare.get("/_sim/health").json()["status"] == "ok"
    default = another().get("/_sim/clock").json()
    assert bare.get("/_sim/clock").json() == default


def test_the_control_plane_refuses_a_key_that_is_none(bare: httpx.Client) -> None:
    response = bare.get("/_sim/clock", headers={"authorization": "Bearer nonsense"})
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def test_health_answers_whoever_asks(bare: httpx.Client) -> None:
    for headers in ({}, {"host": "example.com"}, {"origin": "http://example.com"}, {"authorization": "Bearer x"}):
        response = bare.get("/_sim/health", headers=headers)
        assert response.status_code == 200
        assert set(response.json()) == {"status", "version"}


def test_a_server_for_other_machines_keeps_its_control_plane_closed(another: Connect) -> None:
    with Drsim("--host", "0.0.0.0", "--clock", "manual") as server:
        client = another(server=server)
        assert client.get("/orders").status_code == 200
        assert client.get("/_sim/health").status_code == 200
        for token in (None, "", "None"):
            headers = {} if token is None else {"drsim-control-token": token}
            refused(client.get("/_sim/clock", headers=headers), 403)
            refused(client.post("/_sim/reset", headers=headers), 403)


def test_a_control_token_opens_the_control_plane_to_other_machines(another: Connect) -> None:
    with Drsim("--host", "0.0.0.0", "--clock", "manual", "--control-token", "open sesame") as server:
        client = another(server=server)
        token = {"drsim-control-token": "open sesame"}
        assert client.get("/_sim/clock", headers=token).status_code == 200
        assert client.get("/_sim/clock", headers={**token, "host": "drsim:3774"}).status_code == 200
        refused(client.get("/_sim/clock"), 403)
        for wrong in ("", "open", "open sesame!"):
            refused(client.get("/_sim/clock", headers={"drsim-control-token": wrong}), 403)
        refused(client.get("/_sim/clock", headers={**token, "origin": "http://example.com"}), 403)
        refused(client.get("/_sim/clock", headers={**token, "host": "example.com"}), 403)


def test_with_given_keys_no_other_key_is_taken(another: Connect) -> None:
    with Drsim("--clock", "manual", "--api-key", "sk_test_mine", "--api-key", "sk_custom-key") as server:

        def status(key: str, path: str = "/orders") -> int:
            return another(key=key, server=server).get(path).status_code

        assert [status(key) for key in ("sk_test_mine", "sk_custom-key")] == [200, 200]
        assert [status(key) for key in ("sk_test_drsim", "sk_test_min", "pk_test_mine", "sk_custom")] == [401] * 4
        assert status("sk_test_drsim", "/_sim/clock") == 401
        mine = another("mine", server=server)
        mine.advance("1d")
        with httpx.Client(base_url=server.url, trust_env=False, verify=False) as bare:
            assert bare.get("/_sim/clock").json() == mine.ok(mine.get("/_sim/clock"))


# Odd requests on the wire.


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /orders/\xff HTTP/1.1",
        b"GET /orders/\xc3\xa9 HTTP/1.1",
        b"GET /orders?email=\xff HTTP/1.1",
        b"GET /orders?%ff=%fe&upstreamIds=%ed%a0%80 HTTP/1.1",
        b"GET /orders/%ed%a0%80 HTTP/1.1",
        b"GET http://example.com/orders HTTP/1.1",
        b"GET /orders?" + b"a" * 30_000 + b" HTTP/1.1",
        b"GET /" + b"a/" * 10_000 + b" HTTP/1.1",
        b"GET * HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET /orders HTTP/1.0",
    ],
)
def test_odd_requests_are_answered_without_a_server_error(drsim: Drsim, request_line: bytes) -> None:
    answer = raw(
        drsim.url,
        request_line + b"\r\nhost: 127.0.0.1\r\nauthorization: Bearer sk_test_odd\r\nconnection: close\r\n\r\n",
    )
    status = answer.split(b" ")[1:2]
    assert status, "no answer at all"
    assert status[0] < b"500", answer
