"""Lists: newest first, cursors both ways, limits, and every filter."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import JSON, Client
from tests.web.conftest import Connect
from tests.web.worlds import error, line, nothing_changes, refused

OF_SALES = ("orders", "charges", "sources", "fulfillments", "events")
LISTS = (*OF_SALES, "customers", "tax-identifiers", "skus")


def listed(client: Client, path: str, **params: Any) -> list[str]:
    """The ids on a page."""
    return [each["id"] for each in client.ok(client.get(f"/{path}", params=params))["data"]]


def many(client: Client, count: int) -> list[str]:
    """Ids of new orders, newest first."""
    return [client.order(upstreamId=f"shop-{number}")["id"] for number in range(count)][::-1]


# The envelope, order and pages.


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_is_an_envelope_with_nothing_in_it(client: Client, path: str) -> None:
    assert client.get(f"/{path}").text == '{"hasMore":false,"data":[]}'


def test_webhooks_are_a_bare_array(client: Client) -> None:
    assert client.get("/webhooks").text == "[]"
    first = client.webhook("http://127.0.0.1:9/a", "order.created")
    second = client.webhook("http://127.0.0.1:9/b", "fulfillment.created", "order.complete")
    everyone = client.ok(client.get("/webhooks"))
    assert isinstance(everyone, list)
    assert sorted(each["id"] for each in everyone) == sorted([first["id"], second["id"]])


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"type": "order.created"}, "a"),
        ({"type": "order.*"}, "ab"),
        ({"type": "fulfillment.*"}, "b"),
        ({"type": "*"}, "ab"),
        ({"type": "refund.*"}, ""),
        ({"type": "nonsense"}, ""),
        ({"type": "nonsense.*"}, ""),
        ({"types": "order.complete"}, "b"),
        ({"types": "order.created,order.complete"}, "ab"),
        ({"types": ["order.created", "order.complete"]}, "ab"),
        ({"types": "refund.pending"}, ""),
    ],
)
def test_webhooks_are_found_by_the_types_they_name(client: Client, params: JSON, found: str) -> None:
    client.webhook("http://127.0.0.1:9/a", "order.created")
    client.webhook("http://127.0.0.1:9/b", "fulfillment.created", "order.complete")
    shown = client.ok(client.get("/webhooks", params=params))
    assert sorted(each["address"][-1] for each in shown) == list(found)


def test_ten_are_shown_unless_another_limit_is_given_newest_first(client: Client) -> None:
    ids = many(client, 12)
    page = client.ok(client.get("/orders"))
    assert list(page) == ["hasMore", "data"]
    assert ([each["id"] for each in page["data"]], page["hasMore"]) == (ids[:10], True)
    assert listed(client, "orders", limit=1) == ids[:1]
    full = client.ok(client.get("/orders", params={"limit": 12}))
    assert ([each["id"] for each in full["data"]], full["hasMore"]) == (ids, False)
    assert listed(client, "orders", limit=100) == ids


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "101", "ten", "1.5", "1e1", "99999999999999999999", " 5 "])
def test_a_limit_is_a_whole_number_from_1_to_100(client: Client, path: str, limit: str) -> None:
    refused(client.get(f"/{path}", params={"limit": limit}), 400, "invalid_parameter", "limit")


def test_cursors_walk_a_list_down_and_up_again(client: Client) -> None:
    ids = many(client, 7)
    cursor: dict[str, str] = {}
    down: list[list[str]] = []
    more = True
    while more:
        page = client.ok(client.get("/orders", params={"limit": 3, **cursor}))
        down.append([each["id"] for each in page["data"]])
        cursor, more = {"startingAfter": down[-1][-1]}, page["hasMore"]
    assert down == [ids[:3], ids[3:6], ids[6:]]
    cursor, more = {"endingBefore": ids[-1]}, True
    up: list[list[str]] = []
    while more:
        page = client.ok(client.get("/orders", params={"limit": 3, **cursor}))
        up.append([each["id"] for each in page["data"]])
        cursor, more = {"endingBefore": up[-1][0]}, page["hasMore"]
    assert up == [ids[3:6], ids[:3]]


def test_the_ends_of_a_list_have_nothing_beyond(client: Client) -> None:
    ids = many(client, 3)
    for params in ({"startingAfter": ids[-1]}, {"endingBefore": ids[0]}):
        assert client.ok(client.get("/orders", params=params)) == {"hasMore": False, "data": []}


def test_ending_before_wins_when_both_cursors_are_given(client: Client) -> None:
    ids = many(client, 4)
    assert listed(client, "orders", startingAfter=ids[0], endingBefore=ids[2]) == ids[:2]


def test_pages_meet_exactly_when_many_things_happen_in_the_same_instant(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    every = listed(client, "events", limit=100)
    assert len(every) == len(set(every)) == 11
    walked: list[str] = []
    while len(walked) < len(every):
        cursor = {"startingAfter": walked[-1]} if walked else {}
        page = listed(client, "events", limit=3, **cursor)
        assert page
        walked += page
    assert walked == every


def test_cursors_respect_filters(client: Client) -> None:
    orders = [client.order(currency=currency)["id"] for currency in ("USD", "EUR", "USD", "EUR", "USD")][::-1]
    dollars = orders[::2]
    first = client.ok(client.get("/orders", params={"currency": "USD", "limit": 2}))
    assert ([each["id"] for each in first["data"]], first["hasMore"]) == (dollars[:2], True)
    rest = client.ok(client.get("/orders", params={"currency": "USD", "limit": 2, "startingAfter": dollars[1]}))
    assert ([each["id"] for each in rest["data"]], rest["hasMore"]) == (dollars[2:], False)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", ["startingAfter", "endingBefore"])
def test_a_cursor_that_does_not_exist_is_refused(client: Client, path: str, cursor: str) -> None:
    client.order()
    response = client.get(f"/{path}", params={cursor: "nothing"})
    assert response.status_code == 400
    assert response.json() == error("bad_request", "invalid_parameter", f"'nothing' is not a valid {cursor}.", cursor)


def test_a_cursor_of_another_sandbox_does_not_exist(client: Client, another: Connect) -> None:
    stranger = another("stranger_with_orders")
    id = stranger.order()["id"]
    client.order()
    refused(client.get("/orders", params={"startingAfter": id}), 400, "invalid_parameter", "startingAfter")


@pytest.mark.parametrize("path", LISTS)
def test_unknown_parameters_and_empty_ones_are_ignored(client: Client, path: str) -> None:
    client.ok(client.fulfill(client.order()), 201)
    plain = client.get(f"/{path}").text
    for query in ("colour=red", "limit=", "startingAfter=", "ids=", "createdTime=", "a[b]=c", "&&&", "=", "%00=%00"):
        assert client.get(f"/{path}?{query}").text == plain, query


# Filters.


@pytest.mark.parametrize("path", OF_SALES)
def test_ids_may_be_repeated_or_joined_by_commas(client: Client, path: str) -> None:
    for _ in range(3):
        client.ok(
            client.fulfill(
                client.order(),
            ),
            201,
        )
    ids = listed(client, path, limit=100)
    wanted = [ids[0], ids[2]]
    assert listed(client, path, ids=ids[0]) == ids[:1]
    assert listed(client, path, ids=",".join(wanted)) == wanted
    assert listed(client, path, ids=[*wanted[::-1], "nothing"]) == wanted
    assert listed(client, path, ids="nothing") == []


def test_a_hundred_ids_can_be_asked_for_and_no_more(client: Client) -> None:
    id = client.order()["id"]
    assert listed(client, "orders", ids=",".join([id, *(f"{n}0336" for n in range(99))])) == [id]
    refused(client.get("/orders", params={"ids": ",".join(map(str, range(101)))}), 400, "invalid_parameter", "ids")


def test_orders_are_found_by_several_upstream_ids(client: Client) -> None:
    ids = many(client, 3)
    assert listed(client, "orders", upstreamIds="shop-1") == [ids[1]]
    assert listed(client, "orders", upstreamIds="shop-2,shop-0") == [ids[0], ids[2]]
    assert listed(client, "orders", upstreamIds=["shop-2", "shop-1"]) == ids[:2]
    assert listed(client, "orders", upstreamIds="shop-9") == []


def test_an_upstream_id_that_was_changed_is_found_under_its_new_name_only(client: Client) -> None:
    (id,) = many(client, 1)
    client.ok(client.post(f"/orders/{id}", json={"upstreamId": "new"}))
    assert (listed(client, "orders", upstreamIds="new"), listed(client, "orders", upstreamIds="shop-0")) == ([id], [])
    client.ok(client.post(f"/orders/{id}", json={"upstreamId": None}))
    assert listed(client, "orders", upstreamIds="new") == []


@pytest.mark.parametrize(
    ("name", "mine", "other"),
    [
        ("customerId", {"customerId": "517796760336"}, {"customerId": "5"}),
        ("email", {"email": "ann@example.com"}, {"email": "bob@example.com"}),
        ("currency", {"currency": "EUR"}, {"currency": "GBP"}),
        ("locale", {"locale": "de_DE"}, {"locale": "en_US"}),
        ("state", {"state": "fulfilled"}, {"state": "accepted"}),
        ("fraudState", {"state": "in_review"}, {"state": "accepted"}),
    ],
)
def test_orders_are_found_by_what_they_say(client: Client, name: str, mine: JSON, other: JSON) -> None:
    order = client.order(**mine)
    client.order(**other)
    assert listed(client, "orders", **{name: order[name]}) == [order["id"]]
    assert listed(client, "orders", **{name: "nothing"}) == []


def test_orders_are_found_by_sku(client: Client) -> None:
    items = [{"skuId": "sku_a", "price": 1}, {"skuId": "sku_b", "price": 2}]
    both, one = client.order(items=items)["id"], client.order(items=items[:1])["id"]
    assert listed(client, "orders", skuId="sku_a") == [one, both]
    assert listed(client, "orders", skuId="sku_b") == [both]
    assert listed(client, "orders", skuId="sku_c") == []


def test_orders_are_found_by_checkout_and_kind(client: Client) -> None:
    first, second = client.order(), client.order()
    assert listed(client, "orders", checkoutId=first["checkoutId"]) == [first["id"]]
    everyone = [second["id"], first["id"]]
    assert listed(client, "orders", chargeType="customer_initiated") == everyone
    assert listed(client, "orders", customerType="individual") == everyone
    for name, value in (("chargeType", "moto"), ("customerType", "business")):
        assert listed(client, "orders", **{name: value}) == []


@pytest.mark.parametrize("name", ["applicationId", "browserIp", "subscriptionId"])
def test_orders_without_a_value_are_not_found_by_it(client: Client, name: str) -> None:
    client.order()
    assert listed(client, "orders", **{name: "203.0.113.7"}) == []


def test_orders_that_were_never_refunded_are_not_found_by_a_refund(client: Client) -> None:
    client.order()
    assert listed(client, "orders", refundedAmount="5.00") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("totalAmount=37.81", [37.81]),
        ("totalAmount=37.810", [37.81]),
        ("totalAmount[eq]=37.81", [37.81]),
        ("totalAmount[gte]=37.81", [54.1, 37.81]),
        ("totalAmount[gt]=37.81", [54.1]),
        ("totalAmount[gt]=37.80", [54.1, 37.81]),
        ("totalAmount[lte]=37.81", [37.81, 10.0]),
        ("totalAmount[lt]=37.81", [10.0]),
        ("totalAmount[gte]=10&totalAmount[lt]=50", [37.81, 10.0]),
        ("totalAmount[gt]=10&totalAmount[gt]=50", [54.1]),
        ("totalAmount=10", [10.0]),
        ("totalAmount=1e1", [10.0]),
        ("totalAmount[gt]=37.8099", [54.1, 37.81]),
        ("totalAmount=37.8104", []),
    ],
)
def test_orders_are_found_by_ranges_of_their_amount(client: Client, query: str, found: list[float]) -> None:
    for price in (10.0, 37.81, 54.1):
        client.order(items=[{"price": price}], taxRate=0, shipping=0.0)
    page = client.ok(client.get(f"/orders?{query}"))
    assert sorted((each["totalAmount"] for each in page["data"]), reverse=True) == found


def test_amounts_mean_the_same_in_every_currency(client: Client) -> None:
    yen = client.order(currency="JPY", items=[{"price": 500}], taxRate=0, shipping=0)["id"]
    dinar = client.order(currency="KWD", items=[{"price": 1.234}], taxRate=0, shipping=0)["id"]
    dollars = client.order(items=[{"price": 20}], taxRate=0, shipping=0)["id"]
    assert listed(client, "orders", **{"totalAmount[gte]": "20"}) == [dollars, yen]
    assert listed(client, "orders", totalAmount="1.234") == [dinar]


@pytest.mark.parametrize("value", ["ten", "1,5", "NaN", "Infinity", "1e999999999", "--1", "0x10"])
@pytest.mark.parametrize("name", ["totalAmount", "totalAmount[gte]", "refundedAmount"])
def test_an_amount_that_is_no_number_is_refused(client: Client, name: str, value: str) -> None:
    refused(client.get("/orders", params={name: value}), 400, "invalid_parameter")


TIMES = (
    "createdTime updatedTime in_review pending_payment accepted blocked cancelled fulfilled complete returned"
    " fraudStateTransitions.blocked fraudStateTransitions.review_opened fraudStateTransitions.passed"
).split()


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", ["yesterday", "2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00+01:00", "0"])
def test_a_time_in_another_format_is_refused(client: Client, name: str, value: str) -> None:
    for key in (name, f"{name}[gte]"):
        response = client.get("/orders", params={key: value})
        assert response.status_code == 400
        assert response.json() == error("bad_request", "invalid_parameter", f"{value} is not a valid timestamp.", name)


@pytest.mark.parametrize("path", LISTS)
def test_an_operator_that_does_not_exist_is_refused(client: Client, path: str) -> None:
    response = client.get(f"/{path}", params={"createdTime[near]": "2024-01-01T00:00:00Z"})
    refused(response, 400, "invalid_parameter")


def at_times(client: Client, times: int) -> list[JSON]:
    """Orders made a minute apart, newest first."""
    orders = []
    for _ in range(times):
        orders.append(client.order())
        client.advance("1m")
    return orders[::-1]


@pytest.mark.parametrize("path", OF_SALES)
def test_everything_is_found_by_ranges_of_its_creation(client: Client, path: str) -> None:
    for order in at_times(client, 3):
        client.ok(client.fulfill(order), 201)
    client.settle()
    every = client.ok(client.get(f"/{path}", params={"limit": 100}))["data"]
    middle = sorted({each["createdTime"] for each in every})[-1]
    comparisons: dict[str, Callable[[str], bool]] = {
        "": lambda time: time == middle,
        "[eq]": lambda time: time == middle,
        "[gte]": lambda time: time >= middle,
        "[gt]": lambda time: time > middle,
        "[lte]": lambda time: time <= middle,
        "[lt]": lambda time: time < middle,
    }
    for operator, holds in comparisons.items():
        found = listed(client, path, limit=100, **{f"createdTime{operator}": middle})
        assert found == [each["id"] for each in every if holds(each["createdTime"])], operator


def test_two_bounds_are_a_range(client: Client) -> None:
    newest, middle, oldest = at_times(client, 3)
    low, high = oldest["createdTime"], middle["createdTime"]
    assert listed(client, "orders", **{"createdTime[gte]": low, "createdTime[lte]": high}) == [
        middle["id"],
        oldest["id"],
    ]
    assert listed(client, "orders", **{"createdTime[gt]": low, "createdTime[lt]": newest["createdTime"]}) == [
        middle["id"]
    ]


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("accepted", "accepted"),
        ("in_review", "in_review"),
        ("pending_payment", "pending_payment"),
        ("blocked", "blocked"),
        ("cancelled", "cancelled"),
        ("fulfilled", "fulfilled"),
        ("complete", "complete"),
        ("returned", "returned"),
        ("in_review", "fraudStateTransitions.review_opened"),
        ("blocked", "fraudStateTransitions.blocked"),
        ("accepted", "fraudStateTransitions.passed"),
    ],
)
def test_orders_are_found_by_when_they_reached_a_state(client: Client, state: str, name: str) -> None:
    order = client.order(state=state)
    holder, _, inner = name.rpartition(".")
    time = order[holder or "stateTransitions"][inner]
    for operator in ("", "[gte]", "[lte]", "[eq]"):
        assert listed(client, "orders", **{f"{name}{operator}": time}) == [order["id"]]
    for operator in ("[gt]", "[lt]"):
        assert listed(client, "orders", **{f"{name}{operator}": time}) == []
    untouched = client.order(state="pending_payment" if state != "pending_payment" else "in_review")
    assert untouched["id"] not in listed(client, "orders", **{f"{name}[lte]": "9000-01-01T00:00:00Z"})


def test_orders_are_found_by_their_last_change(client: Client) -> None:
    order = client.order()
    client.advance("1h")
    client.ok(client.fulfill(order), 201)
    assert listed(client, "orders", updatedTime="2024-01-01T01:00:00Z") == [order["id"]]
    assert listed(client, "orders", **{"updatedTime[lt]": "2024-01-01T01:00:00Z"}) == []


def test_several_filters_must_all_fit(client: Client) -> None:
    one = client.order(currency="EUR", email="ann@example.com")["id"]
    client.order(currency="EUR", email="bob@example.com")
    client.order(currency="USD", email="ann@example.com")
    assert listed(client, "orders", currency="EUR", email="ann@example.com") == [one]
    assert listed(client, "orders", currency="EUR", email="ann@example.com", ids="nothing") == []


def test_an_order_from_the_past_stands_where_its_creation_belongs(client: Client) -> None:
    middle = client.order(createdAgo="2d")["id"]
    newest = client.order()["id"]
    oldest = client.order(createdAgo="8d")["id"]
    assert listed(client, "orders") == [newest, middle, oldest]
    assert listed(client, "orders", startingAfter=newest) == [middle, oldest]
    assert listed(client, "orders", endingBefore=oldest) == [newest, middle]
    assert listed(client, "orders", limit=1, startingAfter=middle) == [oldest]


def test_an_order_moves_between_states_in_the_list_as_time_does(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    assert listed(client, "orders", state="fulfilled") == [order["id"]]
    client.settle()
    assert (listed(client, "orders", state="fulfilled"), listed(client, "orders", state="complete")) == (
        [],
        [order["id"]],
    )


def test_fulfillments_are_found_by_order_sku_and_tracking(client: Client) -> None:
    items = [{"skuId": "sku_a", "price": 1, "quantity": 2}, {"skuId": "sku_b", "price": 2, "quantity": 2}]
    first, second = client.order(items=items), client.order(items=items)
    one = client.ok(client.fulfill(first, line(first, 1), trackingCompany="UPS", trackingNumber="1Z"), 201)["id"]
    two = client.ok(
        client.fulfill(second, line(second, 1, trackingNumber="9Z", trackingCompany="DHL"), line(second, 1, item=1)),
        201,
    )["id"]
    three = client.ok(client.fulfill(first, line(first, cancel=1)), 201)["id"]
    assert listed(client, "fulfillments") == [three, two, one]
    assert listed(client, "fulfillments", orderId=first["id"]) == [three, one]
    assert listed(client, "fulfillments", skuId="sku_b") == [two]
    assert listed(client, "fulfillments", trackingCompany="UPS") == [one]
    assert listed(client, "fulfillments", trackingNumber="9Z", trackingCompany="DHL") == [two]
    assert listed(client, "fulfillments", orderId=second["id"], skuId="sku_a") == [two]
    for name in ("orderId", "skuId", "trackingCompany", "trackingNumber"):
        assert listed(client, "fulfillments", **{name: "nothing"}) == []


def test_charges_and_sources_are_found_by_order_and_state(client: Client) -> None:
    first, second = client.order(), client.order(storeCredit=5.0)
    client.ok(client.fulfill(first), 201)
    for kind in ("charges", "sources"):
        mine = [each["id"] for each in second["payment"][kind]]
        assert sorted(listed(client, kind, orderId=second["id"])) == sorted(mine)
        assert listed(client, kind, orderId="nothing") == []
    assert listed(client, "charges", state="processing") == [first["payment"]["charges"][0]["id"]]
    assert len(listed(client, "sources", state="consumed")) == 3
    assert listed(client, "charges", state="nothing") == []


def test_events_are_found_by_type_pattern_names_and_order(client: Client) -> None:
    first, second = client.order(), client.order()
    client.ok(client.fulfill(first), 201)
    client.settle()

    def types(**params: Any) -> list[str]:
        return client.event_types(**params)

    assert types(type="fulfillment.created") == ["fulfillment.created"]
    assert types(type="order.charge.capture.*") == ["order.charge.capture.pending", "order.charge.capture.complete"]
    assert types(types="order.complete,order.fulfilled") == ["order.fulfilled", "order.complete"]
    assert types(types=["order.complete", "order.fulfilled"]) == ["order.fulfilled", "order.complete"]
    assert types(orderId=second["id"]) == ["order.created", "order.charge.capturable", "order.accepted"]
    assert types(orderId=first["id"], type="order.created") == ["order.created"]
    assert len(types(type="*")) == len(types()) == 14
    assert types(type="nothing.*") == types(type="nothing") == types(types="nothing") == []


def test_events_take_either_type_or_at_most_twenty_types(client: Client) -> None:
    both = client.get("/events", params={"type": "order.*", "types": "order.created"})
    refused(both, 400, "invalid_parameter", "types")
    names = [f"order.{n}" for n in range(21)]
    refused(client.get("/events", params={"types": ",".join(names)}), 400, "invalid_parameter", "types")
    client.ok(client.get("/events", params={"types": ",".join(names[:20])}))


def test_events_are_shown_for_thirty_days(client: Client) -> None:
    client.order()
    id = client.events()[0]["id"]
    client.advance("29d")
    assert len(client.events()) == 3
    client.ok(client.get(f"/events/{id}"))
    client.advance("36h")
    assert client.events() == []
    response = client.get(f"/events/{id}")
    assert (response.status_code, response.json()) == (
        404,
        error("not_found", "not_found", f"Event '{id}' not found.", "id"),
    )


def test_plain_equality_on_events_compares_whole_seconds(client: Client) -> None:
    client.advance("936440us")
    client.order()
    assert len(listed(client, "events", createdTime="2024-01-01T00:00:00Z")) == 3
    assert len(listed(client, "events", createdTime="2024-01-01T00:00:00.5Z")) == 3
    assert listed(client, "events", createdTime="2024-01-01T00:00:01Z") == []


def test_resources_are_compared_by_the_seconds_they_show(client: Client) -> None:
    client.advance("936440us")
    id = client.order()["id"]
    assert listed(client, "orders", createdTime="2024-01-01T00:00:00Z") == [id]
    assert listed(client, "orders", **{"createdTime[gt]": "2024-01-01T00:00:00Z"}) == []
    assert listed(client, "orders", **{"createdTime[lte]": "2024-01-01T00:00:00Z"}) == [id]
    assert listed(client, "orders", accepted="2024-01-01T00:00:00Z") == [id]


@pytest.mark.parametrize(
    ("path", "name"),
    [("orders", "Order"), ("charges", "Charge"), ("sources", "Source"), ("events", "Event"), ("webhooks", "Webhook")],
)
def test_what_does_not_exist_is_not_found_by_its_kind_and_id(client: Client, path: str, name: str) -> None:
    response = client.get(f"/{path}/nothing")
    assert response.status_code == 404
    assert response.json() == error("not_found", "not_found", f"{name} 'nothing' not found.", "id")


def test_reading_changes_nothing(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    with nothing_changes(client):
        for path in LISTS:
            client.get(f"/{path}", params={"limit": 3})
            client.get(f"/{path}/{order['id']}")
