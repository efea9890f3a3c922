"""Odd input everywhere: never a server error, always the error format, and a no changes nothing.

Bodies are valid ones with something odd put in one place, or no bodies at all; the oddities are drawn without chance,
so every run asks the same.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.conftest import Connect
from tests.web.worlds import everything

STATUS_OF_TYPE = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "conflict": 409,
    "too_many_requests": 429,
}
BEYOND = "<1e400>"
"""Becomes a number that no float can hold."""

TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "null",
    "\x00",
    "\ud800",
    "\U0001f9fe",
    "a" * 300,
    "'; DROP TABLE documents; --",
    "${x}",
]
NUMBERS = [0, -1, 1, 1.5, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, BEYOND, "-" + BEYOND]
WORDS = [None, True, False, float("nan"), float("inf")]
SHAPES: list[Any] = [[], {}, [[]], [None], {"": 1}, {"a": None}, {"$gte": 1}, {"\x00": "\x00"}, [0] * 300]
odd = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.sampled_from(SHAPES),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
)
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def written(value: Any) -> bytes:
    """JSON, with the marks made the numbers that they stand for."""
    text = json.dumps(value)
    text = text.replace(f'"{BEYOND}"', "1e400").replace(f'"-{BEYOND}"', "-1e400")
    return text.encode()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body, the body itself included."""
    found = [path]
    if isinstance(value, dict):
        for key, each in value.items():
            found += places(each, (*path, key))
    if isinstance(value, list):
        for index, each in enumerate(value):
            found += places(each, (*path, index))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The body with something else in one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


def oddly(body: Any) -> st.SearchStrategy[bytes]:
    """Bodies like this one with something odd in one place, or one odd key more."""
    replaced = st.builds(lambda path, new: put(body, path, new), st.sampled_from(places(body)), odd)
    added = st.builds(lambda key, new: {**body, key: new}, st.sampled_from([*TEXTS, "constructor", "__class__"]), odd)
    return st.one_of(replaced, replaced, replaced, added).map(written)


@pytest.fixture(scope="module")
def server() -> Iterator[Drsim]:
    """A server of its own: what is thrown at it stays away from the other tests."""
    with Drsim("--clock", "manual", "--seed", "1") as server:
        yield server


@pytest.fixture
def fuzzed(server: Drsim, another: Connect, request: pytest.FixtureRequest) -> Client:
    """A client with a sandbox of its own on that server."""
    client = another(f"{zlib.crc32(request.node.name.encode()):08x}", server=server)

    def forget(request: httpx.Request) -> None:
        if request.method != "GET":
            unchanged.pop(client, None)

    client.http.event_hooks["request"].append(forget)
    return client


unchanged: WeakKeyDictionary[Client, list[str]] = WeakKeyDictionary()
"""What `everything` has shown of a sandbox that was only read since then."""


def check(response: httpx.Response, sent: Any) -> bool:
    """Whether it was a yes; a no must be in the error format and not the server's fault."""
    assert response.status_code < 500, (sent[:300], response.text)
    if response.status_code < 400:
        return True
    body = response.json()
    assert list(body) == ["type", "errors"], (sent[:300], response.text)
    assert STATUS_OF_TYPE[body["type"]] == response.status_code
    error, *others = body["errors"]
    assert not others or response.request.url.path == "/_sim/scenario", "only a scenario's problems come all at once"
    for each in (error, *others):
        assert set(each) <= {"code", "parameter", "message", "description"}
        assert all(isinstance(text, str) for text in each.values())
        assert each["message"]
    assert len(response.content) < 100_000, "a refusal does not repeat whatever it was sent"
    return False


def post(client: Client, path: str, body: bytes, method: str = "POST") -> httpx.Response:
    """Sends a body that says it is JSON."""
    return client.http.request(method, path, content=body, headers={"content-type": "application/json"})


def asked(client: Client, path: str, body: bytes, method: str = "POST") -> bool:
    """Whether it was a yes; after a no everything is as before."""
    before = unchanged.get(client) or everything(client)
    if check(post(client, path, body, method), body):
        return True
    assert everything(client) == before, body[:300]
    unchanged[client] = before
    return False


def fulfillment_of(order: JSON) -> JSON:
    """A body in which every field is used."""
    item = order["items"][0]["id"]
    tracking = {"trackingCompany": "UPS", "trackingNumber": "1Z", "trackingUrl": "https://example.com/1Z"}
    kept = {"shipmentItemId": "1", "subfulfillerId": "s", "distributorCost": 1.5, "shippingCost": "2.50", **tracking}
    return {
        "orderId": order["id"],
        "items": [{"itemId": item, "quantity": 1, "cancelQuantity": 1, **kept}],
        "shipmentId": "1",
        "currency": "USD",
        "metadata": {"a": "1", "b": 2, "c": True, "d": [1], "e": {"f": None}},
        **tracking,
    }


def test_fulfilling_survives_odd_bodies(fuzzed: Client) -> None:
    order = fuzzed.order()

    @FUZZ
    @given(oddly(fulfillment_of(order)))
    def run(body: bytes) -> None:
        if asked(fuzzed, "/fulfillments", body):
            now = fuzzed.ok(fuzzed.get(f"/orders/{order['id']}"))
            assert now["capturedAmount"] + now["cancelledAmount"] <= now["totalAmount"] + 0.001
            fuzzed.ok(fuzzed.post("/_sim/reset"))
            assert fuzzed.order()["id"] == order["id"]

    run()


def test_changing_a_fulfillment_survives_odd_bodies(fuzzed: Client) -> None:
    order = fuzzed.order()
    fulfillment = fuzzed.ok(fuzzed.fulfill(order), 201)
    body = fulfillment_of(order)
    fields = ("trackingCompany", "trackingNumber", "trackingUrl")
    change: JSON = {name: body[name] for name in (*fields, "metadata")}
    change["items"] = [{name: body["items"][0][name] for name in ("itemId", *fields)}]

    @FUZZ
    @given(oddly(change))
    def run(body: bytes) -> None:
        asked(fuzzed, f"/fulfillments/{fulfillment['id']}", body)
        assert fuzzed.get(f"/fulfillments/{fulfillment['id']}").status_code == 200

    run()


def test_changing_an_order_survives_odd_bodies(fuzzed: Client) -> None:
    order = fuzzed.order()
    change = {"upstreamId": "shop-1", "requestToBeForgotten": True, "metadata": {"a": "1", "b": [1, {"c": None}]}}

    @FUZZ
    @given(oddly(change))
    def run(body: bytes) -> None:
        asked(fuzzed, f"/orders/{order['id']}", body)
        assert fuzzed.get(f"/orders/{order['id']}").status_code == 200

    run()


def test_announcing_and_accepting_returns_survives_odd_bodies(fuzzed: Client) -> None:
    order = fuzzed.order(state="complete", items=[{"skuId": "a", "price": 1, "quantity": 1000}])
    units = {"itemId": order["items"][0]["id"], "skuId": "a", "quantity": 1}
    kept = {"reason": "late", "location": {"address": {"country": "US"}}, "metadata": {"a": [1, {"c": None}]}}
    announcement = {"orderId": order["id"], "items": [units], **kept}
    made = fuzzed.ok(fuzzed.post("/returns", json={**announcement, "items": [{**units, "quantity": 100}]}), 201)
    acceptance = {"items": [{**units, "state": "accepted"}], "metadata": {"a": "1"}}

    @FUZZ
    @given(oddly(announcement), oddly(acceptance))
    def run(announcement: bytes, acceptance: bytes) -> None:
        asked(fuzzed, "/returns", announcement)
        asked(fuzzed, f"/returns/{made['id']}", acceptance)
        assert fuzzed.get("/returns").status_code == 200

    run()


def test_disputes_and_reviews_survive_odd_bodies(fuzzed: Client) -> None:
    order, held = fuzzed.order(state="complete"), fuzzed.order(state="in_review")

    @FUZZ
    @given(oddly({}), oddly({"outcome": "lost", "amount": 0.01}), oddly({"decision": "hold"}))
    def run(dispute: bytes, resolution: bytes, review: bytes) -> None:
        asked(fuzzed, f"/_sim/orders/{order['id']}/dispute", dispute)
        asked(fuzzed, f"/_sim/orders/{order['id']}/dispute/resolve", resolution)
        assert not asked(fuzzed, f"/_sim/orders/{held['id']}/review", review)
        assert fuzzed.ok(fuzzed.get(f"/orders/{order['id']}"))["availableToRefundAmount"] >= 0

    run()


SOURCE: JSON = {
    "amount": "10.00",
    "currency": "USD",
    "owner": {
        "firstName": "Ada",
        "lastName": "Shopper",
        "email": "ada@example.com",
        "phoneNumber": "1",
        "organization": "o",
        "address": {"line1": "1", "line2": "2", "city": "c", "postalCode": "p", "state": "s", "country": "US"},
        "additionalAddressInfo": {"neighborhood": "n"},
    },
    "upstreamId": "u",
    "futureUse": True,
    "usage": "subscription",
    "mandate": {"terms": "t"},
}
RETURNS = {"returnUrl": "https://shop.example.com/back", "cancelUrl": "https://shop.example.com/cart"}
CARD = {"number": "4444222233331111", "expirationMonth": 12, "expirationYear": 2040, "cvv": "123", **RETURNS}
WALLET = {"brand": "Visa", "lastFourDigits": "1111", "expirationMonth": 1, "expirationYear": 2040, **RETURNS}


@pytest.mark.parametrize(
    "example",
    [
        {**SOURCE, "type": "creditCard", "creditCard": CARD},
        {**SOURCE, "type": "googlePay", "googlePay": WALLET},
        {**SOURCE, "type": "payPal", "payPal": RETURNS},
        {**SOURCE, "type": "wireTransfer", "wireTransfer": {}},
        {**SOURCE, "type": "customerCredit", "customerCredit": {}},
    ],
)
def test_making_and_changing_sources_survives_odd_bodies(fuzzed: Client, example: JSON) -> None:
    made = fuzzed.ok(fuzzed.post("/payments/sources", json=example), 201)

    @FUZZ
    @given(
        oddly(example), oddly({"owner": SOURCE["owner"], "billingAddress": {}, "payPal": RETURNS, "creditCard": CARD})
    )
    def run(body: bytes, change: bytes) -> None:
        asked(fuzzed, "/payments/sources", body)
        asked(fuzzed, f"/payments/sources/{made['id']}", change)
        assert fuzzed.get("/sources", params={"limit": 100}).status_code == 200

    run()


def test_what_shoppers_do_survives_odd_bodies(fuzzed: Client) -> None:
    order = fuzzed.order(state="pending_payment", source={"type": "payPal"})
    source = order["payment"]["sources"][0]["id"]

    @settings(FUZZ, max_examples=60)
    @given(oddly({"state": "sold"}), st.binary(max_size=60), st.sampled_from(["decline", "expire", "pay"]))
    def run(body: bytes, form: bytes, act: str) -> None:
        assert not check(fuzzed.post(f"/payments/redirects/{source}", content=form), form)
        if act == "pay":
            asked(fuzzed, f"/_sim/sources/{source}/pay", body)
        check(fuzzed.post(f"/_sim/sources/{source}/{act}"), act)

    run()


WEBHOOK: JSON = {
    "types": ["order.created"],
    "address": "http://127.0.0.1:9/",
    "apiVersion": "default",
    "enabled": True,
    "transportType": "HTTP",
    "authentication": {"username": "a", "password": "b"},
}


def test_making_and_changing_webhooks_survives_odd_bodies(fuzzed: Client) -> None:
    webhook = fuzzed.ok(fuzzed.post("/webhooks", json=WEBHOOK), 201)

    @FUZZ
    @given(oddly(WEBHOOK))
    def run(body: bytes) -> None:
        before = everything(fuzzed)
        made = post(fuzzed, "/webhooks", body)
        if check(made, body):
            assert fuzzed.delete(f"/webhooks/{made.json()['id']}").status_code == 204
        assert everything(fuzzed) == before
        asked(fuzzed, f"/webhooks/{webhook['id']}", body, "PATCH")

    run()


CUSTOMER: JSON = {
    "email": "a@example.com",
    "shipping": {
        "name": "a",
        "phone": "1",
        "email": "b",
        "organization": "c",
        "address": {"line1": "1", "line2": "2", "city": "3", "postalCode": "4", "state": "5", "country": "US"},
        "additionalAddressInfo": {"neighborhood": "6"},
    },
    "organization": {"name": "a"},
    "defaultSourceId": None,
    "taxCertificate": {
        "companyName": "a",
        "taxAuthority": "MN",
        "startDate": "2022-01-01T00:00:00Z",
        "endDate": "2032-01-01T00:00:00Z",
        "fileId": "f",
    },
    "metadata": {"a": "1", "b": 2, "c": [True], "d": {"e": None}},
    "locale": "en_US",
    "type": "business",
    "enabled": True,
}
SKU: JSON = {
    "name": "a",
    "eccn": "EAR99",
    "taxCode": "4323.310_A",
    "countryOfOrigin": "US",
    "skuGroupId": "computers",
    "partNumber": "p",
    "manufacturerId": "20013",
    "managedFulfillment": "DRGlobalFulfillment",
    "hsCode": "1006.20.4025",
    "description": "a",
    "image": "b",
    "url": "c",
    "itemBreadcrumb": "d > e",
    "weight": 1.5,
    "weightUnit": "oz",
    "metadata": {"a": "1", "b": 2, "c": [True], "d": {"e": None}},
    "allowOversell": True,
}
TAX_IDENTIFIER: JSON = {"type": "de", "value": "DE123456789"}


@pytest.mark.parametrize(
    ("path", "example"),
    [("/customers", {"id": "a", **CUSTOMER}), ("/skus", {"id": "a", **SKU}), ("/tax-identifiers", TAX_IDENTIFIER)],
)
def test_making_what_is_no_order_survives_odd_bodies(fuzzed: Client, path: str, example: JSON) -> None:
    @FUZZ
    @given(oddly(example))
    def run(body: bytes) -> None:
        if asked(fuzzed, path, body):
            (made,) = fuzzed.ok(fuzzed.get(path))["data"]
            assert fuzzed.delete(f"{path}/{quote(made['id'], safe='')}").status_code == 204

    run()


@pytest.mark.parametrize(
    ("path", "example", "method"),
    [
        ("/customers", {**CUSTOMER, "requestToBeForgotten": True}, "POST"),
        ("/skus", SKU, "POST"),
        ("/skus", SKU, "PUT"),
    ],
)
def test_changing_what_is_no_order_survives_odd_bodies(fuzzed: Client, path: str, example: JSON, method: str) -> None:
    body = {name: value for name, value in example.items() if name != "requestToBeForgotten"}
    made = f"{path}/{fuzzed.ok(fuzzed.post(path, json=body), 201)['id']}"

    @FUZZ
    @given(oddly(example))
    def run(body: bytes) -> None:
        asked(fuzzed, made, body, method)
        assert fuzzed.get(made).status_code == 200

    run()


HANDOVER: JSON = {
    "currency": "USD",
    "upstreamOrderTime": "2024-01-01T00:00:00Z",
    "shipTo": {"name": "a", "phone": "1", "address": {"line1": "1", "city": "3", "country": "US"}},
    "shippingChoice": {"id": "SG", "shippingInstructions": "a", "dutiesPaid": True, "signatureRequiredType": "adult"},
    "upstreamId": "1",
    "reservationId": "1",
    "locale": "en_US",
    "name": "a",
    "email": "b",
    "phone": "c",
    "metadata": {"a": "1", "b": [{"c": None}]},
    "items": [
        {
            "inventoryItemId": "w",
            "quantity": 1,
            "upstreamId": "1",
            "tax": {"amount": 1.5, "items": [{"authorityType": "state", "amount": "1.5"}]},
            "subtotal": 1,
            "total": 2.5,
            "name": "a",
            "giftMessage": "b",
            "giftWrap": True,
        }
    ],
}
NOTICE: JSON = {"items": [{"id": "{item}", "quantity": 1}, {"upstreamId": "1", "quantity": 1}]}
REQUEST: JSON = {
    "fulfillmentOrderId": "{order}",
    "items": [{"fulfillmentOrderItemId": "{item}", "quantity": 1, "fulfillmentOrderItemUpstreamId": "1"}],
    "upstreamId": "1",
    "reason": "a",
}
GOODS: JSON = {
    "partNumber": "p",
    "manufacturerId": "m",
    "eccn": "e",
    "hsCode": "h",
    "countryOfOrigin": "US",
    "allowOversell": True,
}
RESERVATION: JSON = {
    "id": "r",
    "items": [{"inventoryItemId": "w", "quantity": 1, "allowOversell": False}],
    "shipTo": HANDOVER["shipTo"],
    "shippingChoice": {"currency": "USD", "amount": 5.95, "serviceLevel": "SG"},
    "expiresInSeconds": 300,
}
QUOTE: JSON = {
    "currency": "USD",
    "items": [{"inventoryItemId": "w", "quantity": 1, "price": 5.5}],
    "shipTo": {"country": "US", "state": "MN", "postalCode": "1", "address": {"country": "US"}},
    "deliveryType": "standard",
}


@pytest.mark.parametrize(
    ("path", "example", "method"),
    [
        ("/fulfillment-orders", HANDOVER, "POST"),
        ("/_sim/fulfillment-orders/{order}/ship", {**NOTICE, "trackingCompany": "a", "trackingUrl": "b"}, "POST"),
        ("/_sim/fulfillment-orders/{order}/backorder", {**NOTICE, "availableTime": "2024-02-01T00:00:00Z"}, "POST"),
        ("/_sim/fulfillment-orders/{order}/backorder", {**NOTICE, "availableIn": "3d"}, "POST"),
        ("/_sim/fulfillment-orders/{order}/cancel", NOTICE, "POST"),
        ("/fulfillment-cancellations", REQUEST, "POST"),
        ("/fulfillment-returns", {**REQUEST, "items": [{**REQUEST["items"][0], "unitAttributes": [{"a": 1}]}]}, "POST"),
        ("/_sim/fulfillment-cancellations/{asked}/accept", {"items": REQUEST["items"]}, "POST"),
        ("/_sim/fulfillment-returns/{back}/accept", {"items": REQUEST["items"]}, "POST"),
        ("/inventory-items", {"id": "v", **GOODS}, "POST"),
        ("/inventory-items/w", GOODS, "POST"),
        ("/_sim/inventory-items/w", {"stock": 5}, "PATCH"),
        ("/reservations", RESERVATION, "POST"),
        ("/shipping-quotes", QUOTE, "POST"),
    ],
)
def test_the_vendors_fulfiller_survives_odd_bodies(fuzzed: Client, path: str, example: JSON, method: str) -> None:
    def world() -> JSON:
        fuzzed.ok(fuzzed.post("/_sim/reset"))
        fuzzed.ok(fuzzed.post("/inventory-items", json={"id": "w", "partNumber": "p"}), 201)
        items = [{**HANDOVER["items"][0], "quantity": 9}]
        handed = fuzzed.ok(fuzzed.post("/fulfillment-orders", json={**HANDOVER, "items": items}), 201)
        names = {"order": handed["id"], "item": handed["items"][0]["id"]}
        some = [{"id": names["item"], "quantity": 2}]
        fuzzed.ok(fuzzed.post(f"/_sim/fulfillment-orders/{names['order']}/ship", json={"items": some}), 201)
        request = json.loads(filled(REQUEST, names))
        names["asked"] = fuzzed.ok(fuzzed.post("/fulfillment-cancellations", json=request), 201)["id"]
        names["back"] = fuzzed.ok(fuzzed.post("/fulfillment-returns", json=request), 201)["id"]
        return names

    def filled(value: Any, names: JSON) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        for name, each in names.items():
            text = text.replace(f"{{{name}}}", each)
        return text

    def listed(path: str) -> list[JSON]:
        found: list[JSON] = fuzzed.ok(fuzzed.get(path, params={"limit": 100}))["data"]
        return found

    names = world()
    body = json.loads(filled(example, names))

    @FUZZ
    @given(oddly(body))
    def run(odd_body: bytes) -> None:
        yes = asked(fuzzed, filled(path, names), odd_body, method)
        (order,) = [each for each in listed("/fulfillment-orders") if each["id"] == names["order"]]
        for item in order["items"]:
            assert sum(item[name] for name in ("pending", "backordered", "shipped", "cancelled")) == 9
        if yes:
            fuzzed.settle()
            assert world() == names

    run()


def test_rotating_and_revoking_secrets_survives_odd_bodies(fuzzed: Client) -> None:
    webhook = fuzzed.ok(fuzzed.post("/webhooks", json=WEBHOOK), 201)

    @FUZZ
    @given(oddly({"expireOldIn": "1h", "secret": "whk_1"}), oddly({"secret": "whk_1"}))
    def run(rotation: bytes, revocation: bytes) -> None:
        check(post(fuzzed, f"/_sim/webhooks/{webhook['id']}/rotate", rotation), rotation)
        check(post(fuzzed, f"/_sim/webhooks/{webhook['id']}/revoke", revocation), revocation)
        shown = fuzzed.ok(fuzzed.get(f"/_sim/webhooks/{webhook['id']}/secrets"))
        assert 1 <= len(shown["secrets"]) == len(shown["details"]) <= 5

    run()


def test_moving_the_clock_survives_odd_bodies(fuzzed: Client) -> None:
    @FUZZ
    @given(oddly({"by": "1s", "to": "2024-01-02T00:00:00Z"}), oddly({"until": "idle", "limit": "1d"}))
    def run(movement: bytes, waiting: bytes) -> None:
        check(post(fuzzed, "/_sim/clock/advance", movement), movement)
        check(post(fuzzed, "/_sim/settle", waiting), waiting)
        assert fuzzed.get("/_sim/clock").status_code == 200

    run()


ORDER: JSON = {
    "as": "order",
    "upstreamId": "shop-1",
    "createdAgo": "1d",
    "state": "accepted",
    "currency": "USD",
    "locale": "en_US",
    "email": "ann@example.com",
    "customerId": "517796760336",
    "source": {
        "type": "creditCard",
        "number": "4444222233331111",
        "owner": {"firstName": "Ann", "lastName": "Example", "address": {"country": "US", "postalCode": "55401"}},
    },
    "shipTo": {"name": "Ann", "address": {"line1": "1 Road", "city": "Minneapolis", "state": "MN", "country": "US"}},
    "billTo": {"name": "Ann", "email": "ann@example.com"},
    "storeCredit": 1.0,
    "shipping": {"amount": 5.0, "taxRate": 0.1, "description": "slow", "serviceLevel": "SG"},
    "taxRate": 0.08025,
    "discount": {"amountOff": 1.0},
    "metadata": {"a": 1},
    "items": [
        {
            "as": "widget",
            "skuId": "sku_1",
            "name": "Widget",
            "price": "10.00",
            "quantity": 3,
            "taxRate": 0.1,
            "duties": 1,
            "importerTax": 1,
            "fees": 1,
            "physical": True,
            "metadata": {"b": 2},
        }
    ],
}


def test_making_orders_survives_odd_specifications(fuzzed: Client) -> None:
    @settings(FUZZ, max_examples=120)
    @given(oddly(ORDER))
    def run(body: bytes) -> None:
        response = post(fuzzed, "/_sim/orders", body)
        if check(response, body):
            order = response.json()
            assert fuzzed.get(f"/orders/{order['id']}").text == response.text
            assert fuzzed.get("/orders").status_code == 200
            total = sum(charge["amount"] for charge in order["payment"].get("charges", []))
            assert abs(total - order["totalAmount"]) < 0.005 or not total

    run()


def test_a_refused_specification_makes_nothing(fuzzed: Client) -> None:
    @settings(FUZZ, max_examples=40)
    @given(oddly({name: ORDER[name] for name in ("items", "source", "currency", "state", "shipping", "discount")}))
    def run(body: bytes) -> None:
        asked(fuzzed, "/_sim/orders", body)

    run()


RULE: JSON = {
    "when": {
        "operation": "capture",
        "order": "1",
        "charge": {"$regex": "^a"},
        "source": {"type": "creditCard", "lastFourDigits": "1111"},
        "amount": {"$gte": 100, "$not": {"$in": [1, 2]}},
        "attempt": 1,
        "upstreamId": {"$exists": True},
    },
    "then": {"state": "pending", "after": "1s", "next": {"state": "failed", "failureCode": "c", "failureMessage": "m"}},
    "times": 2,
}


def test_rules_survive_odd_patterns_and_whatever_they_then_do(fuzzed: Client) -> None:
    @FUZZ
    @given(oddly(RULE))
    def run(body: bytes) -> None:
        response = post(fuzzed, "/_sim/behavior", body)
        if check(response, body):
            order = fuzzed.order()
            assert fuzzed.fulfill(order).status_code == 201
            assert fuzzed.post("/_sim/settle", json={"until": "idle"}).status_code == 200
            assert fuzzed.get("/_sim/behavior").status_code == 200
            assert fuzzed.delete(f"/_sim/behavior/{response.json()['id']}").status_code == 204

    run()


CALL_FAULT: JSON = {
    "when": {"call": "GET /orders*"},
    "then": {"status": 503, "body": {"a": [1, "b", None]}, "headers": {"Retry-After": "1", "X-Odd": "é"}},
    "times": 2,
    "every": 2,
}
DELIVERY_FAULT: JSON = {
    "when": {"delivery": "fulfillment.*"},
    "then": {"delay": "1s", "duplicate": 2, "reorder": True, "corruptSignature": True, "truncate": True},
    "times": 2,
    "every": 2,
}


@pytest.mark.parametrize("fault", [CALL_FAULT, DELIVERY_FAULT], ids=["call", "delivery"])
def test_faults_survive_odd_fields_and_whatever_they_then_do(fuzzed: Client, receiver: Receiver, fault: JSON) -> None:
    fuzzed.webhook(receiver.url, "fulfillment.created")
    order = fuzzed.order(items=[{"price": 1, "quantity": 100_000}])
    item = {"itemId": order["items"][0]["id"], "quantity": 1}

    @FUZZ
    @given(oddly(fault))
    def run(body: bytes) -> None:
        sent = json.loads(body)
        then = sent.get("then") if isinstance(sent, dict) else None
        if isinstance(then, dict) and ("drop" in then or (fault is CALL_FAULT and "delay" in then)):
            return  # would only cost time
        response = post(fuzzed, "/_sim/faults", body)
        if check(response, body):
            status = response.json()["then"].get("status", 200)
            assert {fuzzed.get("/orders").status_code for _ in range(2)} <= {200, status}
            assert fuzzed.fulfill(order, item).status_code in (201, status)
            assert fuzzed.post("/_sim/settle", json={"until": "idle"}).status_code == 200
            for path in ("/_sim/faults", "/_sim/deliveries", "/_sim/requests"):
                assert fuzzed.get(path).status_code == 200
            assert fuzzed.delete(f"/_sim/faults/{response.json()['id']}").status_code == 204

    run()


def test_scenarios_survive_odd_sections(fuzzed: Client) -> None:
    account = {
        "riskTolerance": "averse",
        "authorizationTtl": "7d",
        "delays": {"capture": "2s", "cancel": "1s", "authorize": "0s", "complete": "1s", "refund": "1s"},
        "rateLimit": "1000/s",
        "captureRetries": ["1h"],
        "webhookRetries": ["5m"],
        "webhookDisabling": {"after": "3d", "failures": 10},
        "signatureClock": "wall",
    }
    hook = {"as": "hook", "address": "http://127.0.0.1:9/", "types": ["order.*"], "token": "whsec", "enabled": True}
    world = {
        "scenario": "A test",
        "description": "d",
        "tags": ["t"],
        "clock": "2024-01-01T00:00:00Z",
        "seed": 7,
        "account": account,
        "given": {"webhooks": [hook], "orders": [{"items": [{"price": 1, "quantity": 2}]}]},
        "behavior": [RULE],
        "faults": [CALL_FAULT | {"when": {"call": "GET /nowhere"}}, DELIVERY_FAULT | {"when": {"delivery": "order.*"}}],
    }

    @settings(FUZZ, max_examples=120)
    @given(oddly(world))
    def run(body: bytes) -> None:
        if check(post(fuzzed, "/_sim/scenario", body), body):
            order = fuzzed.order()
            assert fuzzed.fulfill(order).status_code < 500
            assert fuzzed.post("/_sim/settle", json={"until": "now"}).status_code == 200
        for path in ("/orders", "/_sim/clock", "/_sim/behavior", "/_sim/deliveries"):
            assert fuzzed.get(path).status_code in (200, 429)
        fuzzed.ok(fuzzed.post("/_sim/reset"))

    run()


POSTS = [
    "/fulfillments",
    "/fulfillments/x",
    "/refunds",
    "/refunds/x",
    "/_sim/refunds/x/bank",
    "/orders/x",
    "/customers",
    "/customers/x",
    "/customers/x/tax-identifiers/x",
    "/tax-identifiers",
    "/skus",
    "/skus/x",
    "/webhooks",
    "/_sim/webhooks/x/rotate",
    "/_sim/webhooks/x/revoke",
    "/_sim/clock/advance",
    "/_sim/settle",
    "/_sim/orders",
    "/_sim/scenario",
    "/_sim/behavior",
    "/_sim/faults",
    "/_sim/reset",
]


@pytest.mark.parametrize("path", POSTS)
def test_bodies_that_are_anything_at_all_are_survived(fuzzed: Client, path: str) -> None:
    kinds = st.sampled_from(["application/json", "application/yaml", "text/plain", "multipart/form-data", ""])

    @settings(FUZZ, max_examples=25)
    @given(st.one_of(st.binary(max_size=200), odd.map(written)), kinds)
    def run(body: bytes, kind: str) -> None:
        check(fuzzed.http.request("POST", path, content=body, headers={"content-type": kind}), body)

    run()


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("depth", [100, 480, 600, 990, 1_100, 20_000])
def test_deep_nesting_is_survived(fuzzed: Client, path: str, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        nested = opening * depth + b"1" + closing * depth
        for body in (nested, b'{"metadata":{"a":' + nested + b"}}", b'{"items":' + nested + b"}"):
            check(post(fuzzed, path, body), body)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-400", "9" * 400, "0." + "1" * 400, "-0", "-0.0", "1E+2"])
def test_numbers_beyond_measure_are_survived_everywhere(fuzzed: Client, number: str) -> None:
    order, paid = fuzzed.order(), fuzzed.order(state="complete")
    item, bought = order["items"][0]["id"], paid["items"][0]["id"]
    for path, body in (
        ("/fulfillments", f'{{"orderId":{number},"items":[{{"itemId":"{item}","quantity":1}}]}}'),
        ("/fulfillments", f'{{"orderId":"{order["id"]}","items":[{{"itemId":"{item}","quantity":{number}}}]}}'),
        ("/fulfillments", f'{{"orderId":"{order["id"]}","items":[{{"itemId":{number},"quantity":1}}]}}'),
        ("/refunds", f'{{"orderId":"{paid["id"]}","currency":"USD","amount":{number}}}'),
        ("/refunds", f'{{"orderId":"{paid["id"]}","currency":"USD","percent":{number}}}'),
        (
            "/refunds",
            f'{{"orderId":"{paid["id"]}","currency":"USD","items":[{{"itemId":"{bought}","amount":{number}}}]}}',
        ),
        (f"/orders/{order['id']}", f'{{"metadata":{{"a":{number}}},"upstreamId":{number}}}'),
        ("/_sim/orders", f'{{"items":[{{"price":{number},"quantity":1}}]}}'),
        ("/_sim/orders", f'{{"items":[{{"price":1,"quantity":{number}}}]}}'),
        ("/_sim/orders", f'{{"items":[{{"price":1}}],"taxRate":{number},"storeCredit":{number}}}'),
        ("/_sim/behavior", f'{{"when":{{"operation":"capture","amount":{number}}},"then":{{"state":"failed"}}}}'),
    ):
        check(post(fuzzed, path, body.encode()), body)
        for shown in ("/orders", "/events", "/_sim/behavior"):
            assert fuzzed.get(shown).status_code == 200, body


QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            "limit startingAfter endingBefore ids createdTime createdTime[gte] createdTime[] totalAmount"
            " totalAmount[lt] state email skuId upstreamIds type types orderId accepted[eq]"
            " requestToBeForgotten updatedTime[gte] taxCode verified"
            " fraudStateTransitions.passed expand refundedAmount eventId webhookId trackingNumber".split()
        )
        | st.text(max_size=8),
        st.sampled_from(
            ["", "1", "*", "%", "_", "order.*", "[", "?", "2024-01-01T00:00:00Z", "\x00", "1e999", "a" * 3_000]
        )
        | st.text(max_size=12),
    ),
    max_size=4,
)
GETS = [
    "/orders",
    "/charges",
    "/sources",
    "/fulfillments",
    "/refunds",
    "/customers",
    "/tax-identifiers",
    "/skus",
    "/sku-groups",
    "/events",
    "/webhooks",
    "/_sim/deliveries",
    "/_sim/requests",
]


@pytest.mark.parametrize("path", GETS)
def test_odd_query_strings_are_survived(fuzzed: Client, path: str) -> None:
    fuzzed.order()

    @settings(FUZZ, max_examples=40)
    @given(QUERIES)
    def run(pairs: list[tuple[str, str]]) -> None:
        query = "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in pairs)
        check(fuzzed.get(f"{path}?{query}"), query)

    run()


@pytest.mark.parametrize(
    "path",
    [
        "/orders/{}",
        "/charges/{}",
        "/sources/{}",
        "/payments/sources/{}",
        "/payments/redirects/{}",
        "/events/{}",
        "/fulfillments/{}",
        "/customers/{}",
        "/tax-identifiers/{}",
        "/skus/{}",
        "/webhooks/{}",
        "/_sim/orders/{}/timeline",
        "/_sim/webhooks/{}/secrets",
        "/_sim/webhooks/{}",
        "/_sim/deliveries/{}",
        "/{}",
        "/_sim/{}",
    ],
)
def test_odd_paths_are_survived(fuzzed: Client, path: str) -> None:
    fuzzed.order()

    @settings(FUZZ, max_examples=25)
    @given(st.text(max_size=20) | st.sampled_from(["\x00", "..", ".", "%", "a" * 5_000, "'", '"', "\u202e", "*"]))
    def run(id: str) -> None:
        response = fuzzed.get(path.format(quote(id, safe="")))
        check(response, path)
        assert fuzzed.http.delete(path.format(quote(id, safe=""))).status_code < 500

    run()


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(
            ["accept", "digitalriver-version", "forwarded", "upstream-id", "content-type", "accept-encoding"]
        ),
        st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
        max_size=3,
    )
)
def test_odd_headers_are_survived(server: Drsim, headers: dict[str, str]) -> None:
    client = server.client("headers")
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    check(client.http.request("POST", "/fulfillments", content=b"{}", headers=raw), str(headers))
    client.http.close()
