"""Payment sources over HTTP: as browsers and servers make them, and what shoppers do on pages and by controls."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from drsim.domain.methods import METHODS
from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.conftest import Connect
from tests.web.test_checkouts import BODY as CHECKOUT
from tests.web.worlds import SECONDS, UUID, behave, error, everything, nothing_changes, order_now, refused, scenario

NUMBER = "4444222233331111"
OWNER = {
    "firstName": "Ada",
    "lastName": "Shopper",
    "email": "ada@example.com",
    "address": {"line1": "1 Any Street", "city": "Minneapolis", "postalCode": "55401", "state": "MN", "country": "US"},
}
CARD = {"number": NUMBER, "expirationMonth": 12, "expirationYear": 2040, "cvv": "123"}
RETURNS = {"returnUrl": "https://shop.example.com/back?cart=7&x=%20", "cancelUrl": "https://shop.example.com/cart"}
REDIRECTS = sorted(type for type, method in METHODS.items() if method.flow == "redirect")
RECEIVERS = sorted(type for type, method in METHODS.items() if method.flow == "receiver")


@pytest.fixture
def browser(client: Client, another: Connect) -> Client:
    """The shopper's browser, with the public key of the same sandbox."""
    return another(key=client.http.headers["authorization"].split()[1].replace("sk_", "pk_"))


@pytest.fixture
def person(client: Client) -> Iterator[httpx.Client]:
    """A browser without any key, which follows no redirect by itself."""
    with httpx.Client(base_url=client.http.base_url, trust_env=False, verify=False) as person:
        yield person


def ask(browser: Client, type: str = "creditCard", **more: Any) -> httpx.Response:
    method = METHODS[type]
    body: JSON = {"type": type, "owner": OWNER, **more}
    if type == "creditCard":
        body.setdefault("creditCard", CARD)
    elif method.flow == "redirect":
        body.setdefault(type, RETURNS)
    if method.flow != "standard" and "sessionId" not in more:
        body = {"amount": "10.00", "currency": "USD", **body}
    return browser.post("/payments/sources", json={name: each for name, each in body.items() if each is not None})


def made(browser: Client, type: str = "creditCard", **more: Any) -> JSON:
    found: JSON = browser.ok(ask(browser, type, **more), 201)
    return found


def challenged(browser: Client, **more: Any) -> JSON:
    return made(browser, creditCard={**CARD, "number": "5454 5454 5454 5454", **more})


def source_now(client: Client, source: JSON) -> JSON:
    found: JSON = client.ok(client.get(f"/sources/{source['id']}"))
    return found


def secret(source: JSON) -> str:
    return str(source["clientSecret"]).partition("_")[2]


def checkout(client: Client, **more: Any) -> JSON:
    found: JSON = client.ok(client.post("/checkouts", json={**CHECKOUT, **more}), 201)
    return found


def attach(client: Client, to: JSON, source: JSON) -> httpx.Response:
    return client.post(f"/checkouts/{to['id']}/sources/{source['id']}")


def ordered(client: Client, browser: Client, type: str, **more: Any) -> tuple[JSON, JSON]:
    """A source that was attached as it is, and the order of its checkout."""
    start = checkout(client)
    source = made(browser, type, sessionId=start["payment"]["session"]["id"], **more)
    client.ok(attach(client, start, source))
    return source, client.ok(client.post("/orders", json={"checkoutId": start["id"]}), 201)


def control(client: Client, source: JSON, act: str, **body: Any) -> httpx.Response:
    return client.post(f"/_sim/sources/{source['id']}/{act}", json=body)


# What a browser makes and sees


def test_a_browser_sees_what_the_vendor_shows_browsers(browser: Client) -> None:
    source = made(browser)
    assert source == {
        "clientId": source["clientId"],
        "channelId": "drsim",
        "liveMode": False,
        "id": source["id"],
        "clientSecret": source["clientSecret"],
        "type": "creditCard",
        "flow": "standard",
        "reusable": False,
        "state": "chargeable",
        "owner": OWNER,
        "createdTime": source["createdTime"],
        "updatedTime": source["createdTime"],
        "creationIp": "127.0.0.1",
        "creditCard": {"brand": "Visa", "expirationMonth": 12, "expirationYear": 2040, "lastFourDigits": "1111"},
    }
    assert re.fullmatch(f"{source['id']}_{UUID}", source["clientSecret"])
    assert isinstance(source["createdTime"], int)


def test_a_secret_key_sees_the_same_source_as_the_api_shows_it(client: Client, browser: Client) -> None:
    source = made(browser, "payPal", amount=10, upstreamId="cart-7")
    seen = source_now(client, source)
    assert seen == {
        "id": source["id"],
        "createdTime": seen["createdTime"],
        "type": "payPal",
        "currency": "USD",
        "amount": 10.0,
        "reusable": False,
        "state": "pending_redirect",
        "upstreamId": "cart-7",
        "owner": OWNER,
        "clientSecret": source["clientSecret"],
        "payPal": source["redirect"],
        "liveMode": False,
    }
    assert re.fullmatch(SECONDS, seen["createdTime"])
    assert client.ok(client.get(f"/payments/sources/{source['id']}")) == seen


def test_amounts_are_text_for_browsers_with_the_decimals_of_the_currency(browser: Client) -> None:
    for amount, currency, shown in (
        (7, "USD", "7.00"),
        ("7.5", "EUR", "7.50"),
        (700, "JPY", "700.0"),
        (1, "KWD", "1.000"),
    ):
        assert made(browser, "payPal", amount=amount, currency=currency)["amount"] == shown


@pytest.mark.parametrize("type", REDIRECTS)
def test_every_redirect_method_waits_for_the_shopper_on_a_page_of_this_server(browser: Client, type: str) -> None:
    source = made(browser, type)
    assert (source["flow"], source["state"]) == ("redirect", "pending_redirect")
    sandbox = browser.http.headers["authorization"].split("pk_test_")[1]
    url = f"{str(browser.http.base_url).rstrip('/')}/payments/redirects/{source['id']}?apiKey=pk_test_{sandbox}"
    assert source["redirect"] == {"redirectUrl": url, **RETURNS} == source[type]


@pytest.mark.parametrize("type", RECEIVERS)
def test_every_receiver_method_waits_for_funds(browser: Client, type: str) -> None:
    source = made(browser, type)
    assert (source["flow"], source["state"]) == ("receiver", "pending_funds")
    assert source["expirationTime"] - source["createdTime"] == 30 * 24 * 3600 * 1000


def test_wire_transfers_and_konbini_say_where_to_pay(browser: Client) -> None:
    wire, konbini = made(browser, "wireTransfer")["wireTransfer"], made(browser, "konbini")["konbini"]
    assert {"accountHolder", "bankName", "city", "country", "referenceId", "accountNumber", "swiftCode"} == set(wire)
    assert {"storeId", "storeName", "receiptNumber"} == set(konbini)


@pytest.mark.parametrize("type", ["googlePay", "applePay"])
def test_wallets_need_to_say_nothing_of_their_card(browser: Client, type: str) -> None:
    assert made(browser, type)[type]["lastFourDigits"] == "1111"
    told = made(browser, type, **{type: {"brand": "MasterCard", "lastFourDigits": "0008", "token": "opaque"}})
    assert (told[type]["brand"], told[type]["lastFourDigits"]) == ("MasterCard", "0008")
    assert "token" not in told[type]


def test_what_the_shopper_has_agreed_to_is_kept(browser: Client) -> None:
    source = made(browser, futureUse=True, usage="subscription", mandate={"terms": "I agree."})
    assert (source["futureUse"], source["usage"], source["mandate"]) == (True, "subscription", {"terms": "I agree."})


def test_a_source_of_a_session_takes_its_amount_currency_and_owner(client: Client, browser: Client) -> None:
    start = checkout(client, billTo={"name": "Grace Hopper", "address": OWNER["address"]})
    source = made(browser, owner=None, sessionId=start["payment"]["session"]["id"])
    assert (source["amount"], source["currency"]) == (f"{start['totalAmount']:.2f}", "USD")
    assert source["sessionId"] == start["payment"]["session"]["id"]
    assert source["owner"]["firstName"] == "Grace"
    assert source_now(client, source)["paymentSessionId"] == source["sessionId"]


def test_the_shopper_is_where_the_right_most_proxy_says(browser: Client) -> None:
    browser.http.headers["forwarded"] = "for=10.0.0.1, for=203.0.113.7"
    assert made(browser)["creationIp"] == "203.0.113.7"


def test_a_source_tells_that_it_was_made_and_can_be_charged(
    client: Client, browser: Client, receiver: Receiver
) -> None:
    client.webhook(receiver.url, "source.created", "source.chargeable")
    card, paypal = made(browser), made(browser, "payPal")
    client.settle("now")
    told = [(event["type"], event["data"]["object"]["id"]) for event in client.events()]
    assert told == [
        ("source.created", card["id"]),
        ("source.chargeable", card["id"]),
        ("source.created", paypal["id"]),
    ]
    assert client.events()[0]["data"]["object"] == source_now(client, card)
    assert len(receiver.received) == 3


@pytest.mark.parametrize(
    ("type", "more"),
    [
        ("creditCard", {"creditCard": {**CARD, "number": "4000000000003295"}}),
        ("googlePay", {"owner": {**OWNER, "lastName": "SourceFail"}}),
        ("payPal", {"owner": {**OWNER, "lastName": "SourceCreationFail"}}),
        ("directDebit", {"owner": {**OWNER, "lastName": "SourceFail"}}),
        ("wireTransfer", {"owner": {**OWNER, "lastName": "SourceCreationFail"}}),
        ("alipay", {"owner": {**OWNER, "lastName": "authFail"}}),
    ],
)
def test_a_source_that_fails_is_answered_with_its_state_and_told_by_nobody(
    client: Client, browser: Client, type: str, more: JSON
) -> None:
    source = made(browser, type, **more)
    assert source["state"] == source_now(client, source)["state"] == "failed"
    assert client.events() == []
    start = checkout(client)
    refused(attach(client, start, source), 409, "source_status_invalid_for_session")


# What is refused


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"type": None}, "type"),
        ({"creditCard": {}}, "creditCard.number"),
        ({"creditCard": {**CARD, "expirationMonth": None}}, "creditCard.expirationMonth"),
        ({"owner": None}, "owner"),
        ({"amount": 10}, "currency"),
        ({"type": "payPal", "payPal": {}, "amount": 1, "currency": "USD"}, "payPal.returnUrl"),
        (
            {"type": "payPal", "payPal": {"returnUrl": "https://x.example"}, "amount": 1, "currency": "USD"},
            "payPal.cancelUrl",
        ),
        ({"type": "payPal", "payPal": RETURNS}, "amount"),
        ({"type": "wireTransfer"}, "amount"),
    ],
)
def test_what_is_missing_is_named(browser: Client, body: JSON, parameter: str) -> None:
    sent = {"type": "creditCard", "owner": OWNER, "creditCard": CARD, **body}
    response = browser.post("/payments/sources", json={name: each for name, each in sent.items() if each is not None})
    assert response.json() == error("bad_request", "missing_parameter", "A parameter is missing.", parameter)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"type": "cash"}, "type"),
        ({"type": 7}, "type"),
        ({"type": ["creditCard"]}, "type"),
        ({"type": "customerCredit", "amount": 1, "currency": "USD"}, "type"),
        ({"creditCard": "card"}, "creditCard"),
        ({"creditCard": {**CARD, "expirationYear": 2023}}, "creditCard.expirationYear"),
        ({"creditCard": {**CARD, "expirationMonth": 13}}, "creditCard.expirationMonth"),
        ({"creditCard": {**CARD, "cvv": "12"}}, None),
        ({"creditCard": {**CARD, "cvv": "12a"}}, "creditCard.cvv"),
        ({"creditCard": {**CARD, "cvv": True}}, "creditCard.cvv"),
        ({"creditCard": {**CARD, "number": True}}, "creditCard.number"),
        ({"creditCard": {**CARD, "number": [NUMBER]}}, "creditCard.number"),
        ({"creditCard": {**CARD, "returnUrl": "javascript:alert(1)"}}, "creditCard.returnUrl"),
        ({"amount": -1, "currency": "USD"}, "amount"),
        ({"amount": "0.001", "currency": "USD"}, "amount"),
        ({"amount": 1e30, "currency": "USD"}, "amount"),
        ({"amount": "many", "currency": "USD"}, "amount"),
        ({"owner": "Ada"}, "owner"),
        ({"owner": {**OWNER, "address": "here"}}, "owner.address"),
        ({"sessionId": "nobody's"}, "sessionId"),
        ({"paymentSessionId": "nobody's"}, "paymentSessionId"),
        ({"usage": "sometimes"}, "usage"),
        ({"mandate": "yes"}, "mandate"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    client: Client, browser: Client, body: JSON, parameter: str | None
) -> None:
    response = browser.post(
        "/payments/sources", json={"type": "creditCard", "owner": OWNER, "creditCard": CARD, **body}
    )
    if parameter is None:  # a code of two digits is one of three that begins with 0
        assert response.status_code == 201
        return
    assert refused(response, 400)["parameter"] == parameter
    assert client.ok(client.get("/sources"))["data"] == []


def test_an_empty_name_is_refused_in_the_vendors_words(browser: Client) -> None:
    response = ask(browser, owner={**OWNER, "firstName": ""})
    message = "'' is not a valid owner.firstname."
    assert response.json() == error("bad_request", "invalid_parameter", message, "owner.firstName")


def test_a_currency_that_does_not_exist_is_refused_in_the_vendors_words(browser: Client) -> None:
    response = ask(browser, amount=1, currency="xyz")
    message = "currency 'XYZ' is not supported."
    assert response.json() == error("bad_request", "currency_unsupported", message, "currency")


def test_a_currency_that_is_not_the_checkouts_is_refused(client: Client, browser: Client) -> None:
    session = checkout(client)["payment"]["session"]["id"]
    refused(ask(browser, sessionId=session, currency="EUR"), 400, "invalid_parameter", "currency")


def test_no_source_is_made_for_a_checkout_that_is_an_order_already(client: Client, browser: Client) -> None:
    source, _ = ordered(client, browser, "creditCard")
    response = ask(browser, sessionId=source["sessionId"])
    refused(response, 409, "session_update_not_allowed")


WRONG_NUMBERS = [
    "4444.2222.3333.1111",
    "4444 2222 3333 111x",
    "44442222333311114444222",
    4444222233331111.0,
    {"pan": NUMBER},
    [NUMBER],
    9999222233331111,
]


def test_no_card_number_is_ever_repeated_or_kept(client: Client, browser: Client, tmp_path: Path) -> None:
    """Neither in answers, nor in the log of calls, nor in the file with the state."""
    digits = re.compile(r"4444\D{0,3}2222\D{0,3}3333|9999\D{0,3}2222")
    with Drsim("--clock", "manual", "--seed", "1", "--db", str(tmp_path / "state.db")) as server:
        browser, client = server.client(key="pk_test_cards"), server.client("cards")
        answers = [made(browser, creditCard={**CARD, "cvv": "987"})]
        for wrong in WRONG_NUMBERS:
            answers.append(refused(ask(browser, creditCard={**CARD, "number": wrong, "cvv": "987"}), 400))
            answers.append(refused(ask(browser, creditCard=wrong), 400))
            changed = browser.post("/payments/sources/x", params={"secret": "s"}, json={"creditCard": wrong})
            answers.append(refused(changed, 404 if isinstance(wrong, dict) else 400))
        for field in ("type", "usage", "owner", "amount", "currency", "sessionId"):
            answers.append(
                refused(
                    browser.post(
                        "/payments/sources",
                        json={"type": "creditCard", "owner": OWNER, "creditCard": CARD, field: NUMBER},
                    ),
                    400,
                )
            )
        client.post("/checkouts", json={"creditCard": CARD, "currency": "USD", "items": []})
        browser.post(
            "/payments/sources",
            content=f'{{"creditCard": {{"number": "{NUMBER}"',
            headers={"Content-Type": "application/json"},
        )
        browser.get("/payments/sources/x", params={"secret": NUMBER})
        log = client.ok(client.get("/_sim/requests", params={"limit": 100}))
        assert len(log["data"]) > 3 * len(WRONG_NUMBERS)
        for shown in (*answers, log, client.get("/_sim/timeline").text, server.errors()):
            assert not digits.search(str(shown)), digits.search(str(shown))
            assert "'987'" not in str(shown)
        server.stop()
    state = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"1111" in state
    assert not digits.search(state.replace(b"-", b"x").decode("latin-1")), "a card number is in the file"


# What servers make


def test_store_credit_is_made_by_servers_at_both_addresses(client: Client) -> None:
    for path in ("/sources", "/payments/sources"):
        body = {
            "type": "customerCredit",
            "amount": 5.5,
            "currency": "EUR",
            "upstreamId": "gift-1",
            "customerCredit": {},
        }
        source = client.ok(client.post(path, json=body), 201)
        assert source == {
            "id": source["id"],
            "createdTime": source["createdTime"],
            "type": "customerCredit",
            "currency": "EUR",
            "amount": 5.5,
            "reusable": False,
            "state": "chargeable",
            "upstreamId": "gift-1",
            "owner": {},
            "clientSecret": source["clientSecret"],
            "customerCredit": {},
            "liveMode": False,
        }


def test_store_credit_of_a_session_takes_currency_and_owner_of_the_checkout(client: Client) -> None:
    start = checkout(client)
    session = start["payment"]["session"]["id"]
    body = {"type": "customerCredit", "paymentSessionId": session, "amount": "11.00", "customerCredit": {}}
    source = client.ok(client.post("/sources", json=body), 201)
    assert (source["currency"], source["amount"], source["paymentSessionId"]) == ("USD", 11.0, session)
    assert source["owner"]["lastName"] == "Marshall"
    client.ok(attach(client, start, source))
    now = client.ok(client.get(f"/checkouts/{start['id']}"))
    assert now["payment"]["session"]["amountContributed"] == 11.0


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({"type": "creditCard"}, "invalid_parameter", "type"),
        ({"type": "payPal"}, "invalid_parameter", "type"),
        ({}, "missing_parameter", "type"),
        ({"type": "customerCredit", "currency": "USD"}, "missing_parameter", "amount"),
        ({"type": "customerCredit", "amount": 1}, "missing_parameter", "currency"),
        ({"type": "customerCredit", "amount": 0, "currency": "USD"}, "invalid_parameter", "amount"),
    ],
)
def test_what_servers_cannot_make_is_refused(client: Client, body: JSON, code: str, parameter: str) -> None:
    refused(client.post("/sources", json=body), 400, code, parameter)


def test_an_account_may_let_servers_make_everything(client: Client) -> None:
    scenario(client, account={"serverSources": "all"})
    source = client.ok(client.post("/sources", json={"type": "creditCard", "owner": OWNER, "creditCard": CARD}), 201)
    assert (source["state"], source["creditCard"]["lastFourDigits"]) == ("chargeable", "1111")


# Reading and changing


def test_a_browser_reads_its_source_with_the_secret_and_nobody_elses(browser: Client) -> None:
    source, other = made(browser), made(browser)
    path = f"/payments/sources/{source['id']}"
    assert browser.ok(browser.get(path, params={"secret": secret(source)})) == source
    refused(browser.get(path), 400, "missing_parameter", "secret")
    for wrong in (secret(other), "x", source["clientSecret"]):
        message = f"Source '{source['id']}' not found."
        assert browser.get(path, params={"secret": wrong}).json() == error("not_found", "not_found", message, "id")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_browser_changes_the_owner_and_the_way_back(client: Client, browser: Client, slash: str) -> None:
    start = checkout(client)
    source = made(browser, "payPal", sessionId=start["payment"]["session"]["id"])
    client.ok(attach(client, start, source))
    client.advance("5s")
    body = {
        "owner": {"lastName": "Lovelace"},
        "billingAddress": {"email": "lovelace@example.com"},
        "payPal": {"returnUrl": "https://shop.example.com/elsewhere"},
    }
    changed = browser.ok(browser.post(f"/payments/sources/{source['id']}{slash}?secret={secret(source)}", json=body))
    assert changed["owner"] == {**OWNER, "lastName": "Lovelace", "email": "lovelace@example.com"}
    assert changed["redirect"] == {**source["redirect"], "returnUrl": "https://shop.example.com/elsewhere"}
    assert changed["updatedTime"] - changed["createdTime"] == 5_000
    (shown,) = client.ok(client.get(f"/checkouts/{start['id']}"))["payment"]["sources"]
    assert (shown["owner"], shown["payPal"]) == (changed["owner"], changed["redirect"])


def test_what_an_order_has_taken_can_no_longer_be_changed(client: Client, browser: Client) -> None:
    source, _ = ordered(client, browser, "klarnaCredit")
    path = f"/payments/sources/{source['id']}"
    with nothing_changes(client):
        refused(
            browser.post(path, params={"secret": secret(source)}, json={"owner": {"lastName": "X"}}),
            409,
            "restricted_update",
        )


# The pages


def page_of(source: JSON) -> str:
    url = urlsplit(source["redirect"]["redirectUrl"])
    return f"{url.path}?{url.query}"


def test_the_page_needs_no_key_but_its_own_and_shows_no_secret(browser: Client, person: httpx.Client) -> None:
    source = made(browser, "payPal", owner={**OWNER, "lastName": "<script>"})
    page = person.get(page_of(source), headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html;charset=UTF-8")
    assert "10.00 USD" in page.text
    assert 'value="approve"' in page.text
    assert 'value="decline"' in page.text
    for hidden in ("<script", "src=", "href=", source["clientSecret"], "sk_test", "ada@"):
        assert hidden not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


def test_approving_leads_to_where_the_shop_said_and_declining_to_the_other(
    client: Client, browser: Client, person: httpx.Client
) -> None:
    source = made(browser, "payPal")
    declined = person.post(page_of(source), data={"action": "decline"})
    assert (declined.status_code, declined.headers["location"]) == (302, RETURNS["cancelUrl"])
    assert source_now(client, source)["state"] == "pending_redirect"
    approved = person.post(page_of(source), data={"action": "approve"})
    assert (approved.status_code, approved.headers["location"]) == (302, RETURNS["returnUrl"])
    assert source_now(client, source)["state"] == "chargeable"
    assert client.event_types() == ["source.created", "source.chargeable"]


def test_approving_twice_is_as_good_as_once(client: Client, browser: Client, person: httpx.Client) -> None:
    source, _ = ordered(client, browser, "klarnaCredit")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: person.post(page_of(source), data={"action": "approve"}), range(4)))
    assert [(each.status_code, each.headers["location"]) for each in answers] == [(302, RETURNS["returnUrl"])] * 4
    late = person.post(page_of(source), data={"action": "decline"})
    assert late.headers["location"] == RETURNS["returnUrl"]
    assert client.event_types().count("order.accepted") == 1
    assert "Back to the shop" in person.get(page_of(source)).text


def test_letters_that_no_header_can_hold_are_written_as_addresses_write_them(
    browser: Client, person: httpx.Client
) -> None:
    source = made(browser, "payPal", payPal={**RETURNS, "returnUrl": "https://shop.example.com/zurück?ä=€&b=%7E#ende"})
    location = person.post(page_of(source), data={"action": "approve"}).headers["location"]
    assert location == "https://shop.example.com/zur%C3%BCck?%C3%A4=%E2%82%AC&b=%7E#ende"


@pytest.mark.parametrize("url", ["https://x.example/\r\nSet-Cookie: a=b", "ftp://x.example", "//x.example", "https://"])
def test_a_way_back_that_is_no_web_address_is_refused(browser: Client, url: str) -> None:
    refused(ask(browser, "payPal", payPal={**RETURNS, "returnUrl": url}), 400, "invalid_parameter", "payPal.returnUrl")


def test_without_the_public_key_of_the_sandbox_there_is_no_page(browser: Client, person: httpx.Client) -> None:
    source = made(browser, "payPal")
    path = page_of(source).partition("?")[0]
    for query in ("", "?apiKey=", "?apiKey=sk_test_drsim", "?apiKey=pk_live"):
        assert person.get(path + query).status_code == 401
    assert person.get(f"{path}?apiKey=pk_test_somebody_else").status_code == 404
    assert person.get(f"/payments/sources/{source['id']}?apiKey=pk_test_drsim").status_code == 401


def test_pages_want_to_know_what_was_decided(browser: Client, person: httpx.Client) -> None:
    source = made(browser, "payPal")
    refused(person.post(page_of(source)), 400, "missing_parameter", "action")
    refused(person.post(page_of(source), data={"action": "laugh"}), 400, "invalid_parameter", "action")
    refused(person.post(page_of(source), content=b"\xff\xfe=1&action"), 400)


def test_what_redirects_nobody_has_no_page(browser: Client) -> None:
    source = made(browser, "wireTransfer")
    refused(browser.get(f"/payments/redirects/{source['id']}"), 404)
    refused(browser.post(f"/payments/redirects/{source['id']}", data={"action": "approve"}), 404)


def test_a_server_with_keys_of_its_own_opens_the_pages_of_their_sandboxes_only() -> None:
    with Drsim("--clock", "manual", "--api-key", "sk_test_mine") as server:
        client = server.client("mine")
        order = client.order(state="pending_payment", source={"type": "payPal"})
        url = order["payment"]["session"]["nextAction"]["data"]["redirectUrl"]
        assert url.startswith(server.url)
        assert httpx.get(url, trust_env=False).status_code == 200
        assert httpx.get(url.replace("pk_test_mine", "pk_test_other"), trust_env=False).status_code == 401


def test_the_bank_asks_for_a_password(client: Client, browser: Client, person: httpx.Client) -> None:
    source = challenged(browser, returnUrl="https://shop.example.com/back", cancelUrl="https://shop.example.com/cart")
    assert (source["state"], source["flow"]) == ("requires_action", "standard")
    assert set(source["creditCard"]) == {"brand", "expirationMonth", "expirationYear", "lastFourDigits"}
    refused(attach(client, checkout(client), source), 409, "source_status_invalid_for_session")
    assert 'type="password"' in person.get(page_of(source)).text
    answer = person.post(page_of(source), data={"action": "approve", "password": "password"})
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example.com/back")
    assert source_now(client, source)["state"] == "chargeable"
    assert client.event_types()[-1] == "source.chargeable"


@pytest.mark.parametrize(
    "form", [{"action": "approve", "password": "Password"}, {"action": "approve"}, {"action": "decline"}]
)
def test_without_the_password_the_card_has_failed(
    client: Client, browser: Client, person: httpx.Client, form: dict[str, str]
) -> None:
    source = challenged(browser)
    assert person.post(page_of(source), data=form).status_code == 200  # it has said no way back
    assert source_now(client, source)["state"] == "failed"
    assert "source.chargeable" not in client.event_types()


@pytest.mark.parametrize(("name", "status"), [("SCATest", 201), ("SCATestFail", 409)])
def test_wallets_are_challenged_by_name(client: Client, browser: Client, name: str, status: int) -> None:
    start = checkout(client)
    source = made(browser, "googlePay", owner={**OWNER, "lastName": name})
    assert source["state"] == "requires_action"
    client.ok(control(client, source, "pay"))
    client.ok(attach(client, start, source))
    assert client.post("/orders", json={"checkoutId": start["id"]}).status_code == status


# Orders that wait


@pytest.mark.parametrize(("type", "state"), [("klarnaCredit", "pending_redirect"), ("wireTransfer", "pending_funds")])
def test_an_order_waits_until_it_is_paid(client: Client, browser: Client, type: str, state: str) -> None:
    source, order = ordered(client, browser, type)
    session = order["payment"]["session"]
    assert (order["state"], session["state"], "charges" in order["payment"]) == ("pending_payment", state, False)
    assert "fraudState" not in order
    shown = {"redirectUrl": source.get("redirect", {}).get("redirectUrl")}
    if type == "wireTransfer":
        shown = {"sourceId": source["id"], "sourceClientSecret": source["clientSecret"]}
    assert session["nextAction"]["data"] == shown
    client.ok(control(client, source, "pay"))
    now = client.ok(client.post(f"/orders/{order['id']}/refresh"))
    assert (now["state"], now["fraudState"], now["payment"]["session"]["state"]) == ("accepted", "passed", "complete")
    assert "nextAction" not in now["payment"]["session"]
    assert [each["amount"] for each in now["payment"]["charges"]] == [order["totalAmount"]]
    assert client.event_types()[-3:] == ["source.chargeable", "order.charge.capturable", "order.accepted"]
    assert source_now(client, source)["state"] == "consumed"


def test_specified_orders_wait_on_the_same_pages(client: Client, person: httpx.Client) -> None:
    order = client.order(state="pending_payment", source={"type": "klarnaCredit"})
    url = order["payment"]["session"]["nextAction"]["data"]["redirectUrl"]
    assert url.startswith(str(client.http.base_url).rstrip("/"))
    person.post(url, data={"action": "approve"})
    assert order_now(client, order)["state"] == "accepted"
    timeline = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))["data"]
    assert "POST" in {entry.get("method") for entry in timeline}


def test_screening_may_hold_up_what_was_paid(client: Client) -> None:
    order = client.order(state="pending_payment", source={"type": "wireTransfer"})
    source = order["payment"]["sources"][0]
    client.ok(control(client, source, "pay", state="in_review"))
    assert order_now(client, order)["state"] == "in_review"
    client.ok(client.post(f"/_sim/orders/{order['id']}/review", json={"decision": "pass"}))
    assert order_now(client, order)["state"] == "accepted"


def test_a_slow_bank_keeps_the_order_waiting_after_the_approval(client: Client, browser: Client) -> None:
    behave(client, "authorize", {"state": "complete", "after": "3d"})
    source, order = ordered(client, browser, "klarnaCredit")
    client.ok(control(client, source, "pay"))
    waiting = order_now(client, order)
    assert (waiting["state"], waiting["payment"]["session"]["state"]) == ("pending_payment", "pending")
    assert client.event_types()[-2:] == ["source.chargeable", "order.charge.pending"]
    client.advance("3d")  # longer than the shopper would have had
    assert order_now(client, order)["state"] == "accepted"


def test_a_declined_charge_is_told_and_cancels_the_order(client: Client, browser: Client) -> None:
    source, order = ordered(client, browser, "klarnaCredit", owner={**OWNER, "lastName": "ChargeCreationFail"})
    client.ok(control(client, source, "pay"))
    assert client.event_types()[-3:] == ["source.chargeable", "order.charge.failed", "order.cancelled"]
    assert order_now(client, order)["payment"]["charges"][0]["state"] == "failed"


@pytest.mark.parametrize("act", ["decline", "expire"])
def test_a_transfer_that_never_comes_cancels_the_order(client: Client, browser: Client, act: str) -> None:
    source, order = ordered(client, browser, "wireTransfer")
    told = client.ok(control(client, source, act))
    assert told["state"] == {"decline": "failed", "expire": "cancelled"}[act]
    now = order_now(client, order)
    assert (now["state"], now["payment"]["session"]["state"]) == ("cancelled", "failed")
    assert [item["state"] for item in now["items"]] == ["cancelled"]
    assert client.event_types()[-1] == "order.cancelled"


@pytest.mark.parametrize("act", ["pay", "decline", "expire"])
def test_what_waits_for_nobody_cannot_be_paid_declined_or_expired(client: Client, browser: Client, act: str) -> None:
    card, (_, order) = made(browser), ordered(client, browser, "creditCard")
    for source in (card, order["payment"]["sources"][0]):
        with nothing_changes(client):
            refused(control(client, source, act), 409, "invalid_state", "state")
    refused(client.post(f"/_sim/sources/nobody/{act}"), 404, "not_found", "id")


def test_controls_know_what_they_are_told(client: Client, browser: Client) -> None:
    source = made(browser, "payPal")
    refused(control(client, source, "pay", state="complete"), 400, "invalid_parameter", "state")
    refused(control(client, source, "pay", sate="accepted"), 400, "unknown_parameter", "sate")


# Time


@pytest.mark.parametrize(
    ("type", "before", "after"), [("payPal", "23h", "1h"), ("konbini", "29d", "1d"), ("creditCard", "23h", "1h")]
)
def test_a_source_that_nobody_pays_expires(client: Client, browser: Client, type: str, before: str, after: str) -> None:
    source = challenged(browser) if type == "creditCard" else made(browser, type)
    client.advance(before)
    waiting = source_now(client, source)["state"]
    client.advance(after)
    assert (waiting != "cancelled", source_now(client, source)["state"]) == (True, "cancelled")
    assert client.event_types() == ["source.created"]


def test_an_order_expires_with_its_source_which_was_made_before_it(client: Client, browser: Client) -> None:
    start = checkout(client)
    source = made(browser, "klarnaCredit", sessionId=start["payment"]["session"]["id"])
    client.ok(attach(client, start, source))
    client.advance("20h")
    order = client.ok(client.post("/orders", json={"checkoutId": start["id"]}), 201)
    client.advance("3h")
    assert order_now(client, order)["state"] == "pending_payment"
    client.advance("1h")
    assert order_now(client, order)["state"] == "cancelled"


def test_an_account_says_how_long_shoppers_have(client: Client, browser: Client) -> None:
    scenario(client, account={"paymentExpiry": {"payPal": "10m", "wireTransfer": "never"}})
    paypal, wire, klarna = made(browser, "payPal"), made(browser, "wireTransfer"), made(browser, "klarnaCredit")
    assert "expirationTime" not in wire
    client.advance("10m")
    states = [source_now(client, each)["state"] for each in (paypal, wire, klarna)]
    assert states == ["cancelled", "pending_funds", "pending_redirect"]
    client.advance("400d")
    assert source_now(client, wire)["state"] == "pending_funds"


def test_a_source_that_expired_in_a_checkout_makes_no_order(client: Client, browser: Client) -> None:
    start = checkout(client)
    source = made(browser, "klarnaCredit", sessionId=start["payment"]["session"]["id"])
    client.ok(attach(client, start, source))
    client.advance("1d")
    refused(client.post("/orders", json={"checkoutId": start["id"]}), 409, "source_not_chargeable", "sourceId")


# One source, one order


def test_a_single_use_source_pays_one_order_only(client: Client, browser: Client) -> None:
    first, second = checkout(client), checkout(client)
    source = made(browser, "klarnaCredit", sessionId=first["payment"]["session"]["id"])
    client.ok(attach(client, first, source))
    client.ok(attach(client, second, source))
    client.ok(client.post("/orders", json={"checkoutId": first["id"]}), 201)
    refused(client.post("/orders", json={"checkoutId": second["id"]}), 409, "source_not_chargeable", "sourceId")
    assert client.delete(f"/checkouts/{second['id']}/sources/{source['id']}").status_code == 204
    assert source_now(client, source)["state"] == "pending_redirect"
    refused(attach(client, checkout(client), source), 409, "source_status_invalid_for_session")


# Customers


def test_a_saved_source_is_the_customers_and_orders_do_not_use_it_up(client: Client, browser: Client) -> None:
    customer = client.ok(client.post("/customers", json={"email": "ada@example.com"}), 201)
    first, second = made(browser), made(browser)
    path = f"/customers/{customer['id']}"
    saved = client.ok(client.post(f"{path}/sources/{first['id']}"))
    assert saved == {**source_now(client, first), "reusable": True, "customerId": customer["id"]}
    assert client.ok(client.post(f"{path}/sources/{first['id']}")) == saved
    client.ok(client.post(f"{path}/sources/{second['id']}"))
    now = client.ok(client.get(path))
    assert (now["defaultSourceId"], [each["id"] for each in now["sources"]]) == (
        first["id"],
        [first["id"], second["id"]],
    )
    assert client.event_types(type="customer.source.*") == ["customer.source.created"] * 2
    for _ in range(2):
        start = checkout(client, customerId=customer["id"], sourceId=first["id"])
        order = client.ok(client.post("/orders", json={"checkoutId": start["id"]}), 201)
        assert order["state"] == "accepted"
    assert source_now(client, first)["state"] == "chargeable"
    assert client.delete(f"{path}/sources/{first['id']}").status_code == 204
    assert source_now(client, first)["state"] == "cancelled"
    now = client.ok(client.get(path))
    assert (now["defaultSourceId"], [each["id"] for each in now["sources"]]) == (second["id"], [second["id"]])
    refused(client.delete(f"{path}/sources/{first['id']}"), 404, "not_found", "sourceId")
    assert client.ok(client.post(path, json={"defaultSourceId": second["id"]}))["defaultSourceId"] == second["id"]


def test_what_cannot_be_saved_is_refused_in_the_vendors_words(client: Client, browser: Client) -> None:
    customer = client.ok(client.post("/customers", json={"email": "ada@example.com"}), 201)
    other = client.ok(client.post("/customers", json={"email": "bob@example.com"}), 201)
    path = f"/customers/{customer['id']}/sources"
    credit = client.ok(client.post("/sources", json={"type": "customerCredit", "amount": 1, "currency": "USD"}), 201)
    for source in (credit, made(browser, "payPal"), made(browser, "wireTransfer")):
        message = "Only a reusable source may be attached to a customer."
        assert client.post(f"{path}/{source['id']}").json() == error("conflict", "nonreusable_source", message)
    pending, (_, order) = made(browser, "klarnaCredit"), ordered(client, browser, "creditCard")
    for source in (pending, order["payment"]["sources"][0]):
        message = f"Source '{source['id']}' is not chargeable."
        expected = error("conflict", "source_not_chargeable", message, "sourceId")
        assert client.post(f"{path}/{source['id']}").json() == expected
    card = made(browser)
    client.ok(client.post(f"/customers/{other['id']}/sources/{card['id']}"))
    refused(client.post(f"{path}/{card['id']}"), 409, "source_in_use", "sourceId")
    refused(client.post(f"{path}/nobody"), 404, "not_found", "sourceId")
    refused(client.post(f"/customers/nobody/sources/{card['id']}"), 404, "not_found", "id")


def test_a_card_that_is_saved_while_it_pays_for_a_checkout_lets_store_credit_beside_it(
    client: Client, browser: Client
) -> None:
    customer = client.ok(client.post("/customers", json={"email": "ada@example.com"}), 201)
    start = checkout(client, customerId=customer["id"])
    session = start["payment"]["session"]["id"]
    card = made(browser, sessionId=session)
    client.ok(attach(client, start, card))
    body = {"type": "customerCredit", "paymentSessionId": session, "amount": 5}
    credit = client.ok(client.post("/sources", json=body), 201)
    refused(attach(client, start, credit), 409, "session_update_not_allowed")
    client.ok(client.post(f"/customers/{customer['id']}/sources/{card['id']}"))
    client.ok(attach(client, start, credit))
    order = client.ok(client.post("/orders", json={"checkoutId": start["id"]}), 201)
    assert sorted(each["amount"] for each in order["payment"]["charges"]) == [5.0, order["totalAmount"] - 5]


def test_deleting_a_customer_cancels_what_was_saved(client: Client, browser: Client) -> None:
    customer, card = client.ok(client.post("/customers", json={"email": "ada@example.com"}), 201), made(browser)
    client.ok(client.post(f"/customers/{customer['id']}/sources/{card['id']}"))
    assert client.delete(f"/customers/{customer['id']}").status_code == 204
    assert source_now(client, card)["state"] == "cancelled"


# Browsers


def test_other_origins_may_call_with_the_public_key_and_nothing_else(client: Client) -> None:
    asked = {"Origin": "https://shop.example.com", "Access-Control-Request-Headers": "authorization,content-type"}
    for path, allowed in (("/payments/sources", True), ("/orders", False)):
        answer = httpx.options(f"{client.http.base_url}{path}", headers=asked, trust_env=False)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert ("authorization" in answer.headers["access-control-allow-headers"]) is allowed


def test_browsers_learn_how_shoppers_can_pay(browser: Client) -> None:
    methods = {each["type"]: each for each in browser.ok(browser.get("/payments/payment-methods"))["paymentMethods"]}
    assert set(methods) == set(METHODS) - {"customerCredit"}
    assert methods["creditCard"] == {"type": "creditCard", "flow": "standard", "supportsStorage": True}
    assert methods["konbini"] == {"type": "konbini", "flow": "receiver", "supportsStorage": False}


# Kills


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_approval_that_was_answered_survives_a_kill(tmp_path: Path, after: int) -> None:
    """Orders wait, some shoppers approve and some sources are made; then the process is gone at once."""
    options = ("--clock", "manual", "--seed", "1", "--db", str(tmp_path / "state.db"))
    with Drsim(*options) as server:
        client, browser = server.client("kept"), server.client(key="pk_test_kept")
        orders = [client.order(state="pending_payment", source={"type": "klarnaCredit"}) for _ in range(4)]
        urls = [order["payment"]["session"]["nextAction"]["data"]["redirectUrl"] for order in orders]
        paths = [url.partition(server.url)[2] for url in urls]
        for path in paths[:after]:
            assert httpx.post(server.url + path, data={"action": "approve"}, trust_env=False).status_code == 302
        source = made(browser, "payPal")
        before = everything(client)
        server.kill()
    with Drsim(*options) as server:
        client = server.client("kept")
        assert everything(client) == before
        states = [order_now(client, order)["state"] for order in orders]
        assert states == ["accepted"] * after + ["pending_payment"] * (4 - after)
        for path in paths:  # again, and the first time
            assert httpx.post(server.url + path, data={"action": "approve"}, trust_env=False).status_code == 302
        assert client.event_types().count("order.accepted") == 4
        client.advance("1d")
        assert source_now(client, source)["state"] == "cancelled"
        assert {order_now(client, order)["state"] for order in orders} == {"accepted"}
