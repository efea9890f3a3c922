"""Deliveries with OAUTH: a token is asked for when it is needed, kept while it is good, and never shown.

Real token endpoints and receivers.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from socket import socket
from typing import Any

import pytest

from drsim.domain.webhooks import Attempt, Seal, Webhook
from drsim.engine.delivery import Sender
from drsim.engine.tokens import Tokens
from tests.engine.receivers import RawReceiver, TokenEndpoint, answer, read_request
from tests.engine.test_deliveries import CREATED, only, ship
from tests.engine.test_transport import goes_on
from tests.harness import JSON, Client, Drsim, Receiver

SEAL = Seal(0, ("s",))
SECRET, PASSWORD = "client-sesame", "user-sesame"


def settings(endpoint: str, **more: Any) -> JSON:
    usual = {"tokenEndPoint": endpoint, "clientID": "the client", "clientSecret": SECRET}
    return {**usual, "userName": "ann", "password": PASSWORD, **more}


def oauth_webhook(client: Client, address: str, endpoint: str, **more: Any) -> JSON:
    return client.webhook(address, CREATED, transportType="OAUTH", oauth=settings(endpoint, **more))


def tokens_sent(receiver: Receiver) -> list[str]:
    return [each.headers["authorization"] for each in receiver.received]


def test_a_token_is_asked_for_once_and_sent_with_every_event_beside_the_signature(
    client: Client, receiver: Receiver
) -> None:
    with TokenEndpoint() as endpoint:
        webhook = oauth_webhook(client, receiver.url, endpoint.url)
        for _ in range(3):
            ship(client)
        client.settle("now")
    assert endpoint.forms == [
        {
            "grant_type": "password",
            "username": "ann",
            "password": PASSWORD,
            "client_id": "the client",
            "client_secret": SECRET,
        }
    ]
    head = endpoint.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"post /oauth/token http/1.1")
    assert b"content-type: application/x-www-form-urlencoded" in head
    assert b"authorization" not in head
    assert tokens_sent(receiver) == ["Bearer token-1"] * 3
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)


def test_the_client_itself_can_be_who_asks_and_name_an_audience(client: Client, receiver: Receiver) -> None:
    with TokenEndpoint() as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url, grantType="client_credentials", audience="https://shop/ü&=")
        ship(client)
        client.settle("now")
    (form,) = endpoint.forms
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "the client",
        "client_secret": SECRET,
        "audience": "https://shop/ü&=",
    }


def test_each_webhook_has_a_token_of_its_own_and_a_sandbox_that_is_reset_starts_anew(
    client: Client, receiver: Receiver
) -> None:
    with TokenEndpoint() as endpoint:
        for turn in (0, 1):
            for path in ("a", "b"):
                oauth_webhook(client, f"{receiver.url}/{turn}{path}", endpoint.url)
            ship(client)
            client.settle("now")
            client.ok(client.post("/_sim/reset"))
    found = {each.path: each.headers["authorization"] for each in receiver.received}
    assert {found["/0a"], found["/0b"]} == {"Bearer token-1", "Bearer token-2"}
    assert {found["/1a"], found["/1b"]} == {"Bearer token-3", "Bearer token-4"}


def test_changed_settings_ask_for_a_new_token_and_other_changes_do_not(client: Client, receiver: Receiver) -> None:
    with TokenEndpoint() as endpoint:
        webhook = oauth_webhook(client, receiver.url, endpoint.url)
        for change in ({}, {"types": [CREATED, "order.complete"]}, {"oauth": settings(endpoint.url, userName="eve")}):
            client.ok(client.patch(f"/webhooks/{webhook['id']}", json=change))
            ship(client)
            client.settle("now")
    assert tokens_sent(receiver) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert [form["username"] for form in endpoint.forms] == ["ann", "eve"]


@pytest.mark.parametrize(
    ("more", "forms"),
    [
        ({"expires_in": 0}, 3),
        ({"expires_in": -1}, 3),
        ({"expires_in": 20}, 1),
        ({"expires_in": "3600"}, 1),
        ({"expires_in": None}, 1),
        ({"expires_in": "soon"}, 1),
        ({"expires_in": 1e30}, 1),
        ({"token_type": "bearer"}, 1),
    ],
)
def test_a_token_serves_as_long_as_it_says(client: Client, receiver: Receiver, more: JSON, forms: int) -> None:
    with TokenEndpoint(**more) as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        for _ in range(3):
            ship(client)
        client.settle("now")
    assert len(endpoint.forms) == forms
    assert len(receiver.received) == 3


def test_a_token_that_has_expired_is_renewed(client: Client, receiver: Receiver) -> None:
    with TokenEndpoint(expires_in=1) as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.settle("now")
        time.sleep(1)
        ship(client)
        client.settle("now")
    assert tokens_sent(receiver) == ["Bearer token-1", "Bearer token-2"]


def test_a_token_without_a_kind_is_one_to_be_sent(client: Client, receiver: Receiver) -> None:
    with TokenEndpoint() as endpoint:
        endpoint.give = lambda count: {"access_token": "plain"}
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.settle("now")
    assert tokens_sent(receiver) == ["Bearer plain"]


def test_simulated_time_does_not_end_a_token(client: Client, receiver: Receiver) -> None:
    with TokenEndpoint() as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.advance("30d")
        ship(client)
        client.settle("now")
    assert tokens_sent(receiver) == ["Bearer token-1"] * 2


# A receiver that does not take the token


def test_a_token_that_is_refused_is_renewed_once_within_the_attempt(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 200 if received.headers["authorization"] == "Bearer token-2" else 401
    with TokenEndpoint() as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.settle("now")
        delivery = only(client)
    assert tokens_sent(receiver) == ["Bearer token-1", "Bearer token-2"]
    assert len({each.headers["digitalriver-signature"] for each in receiver.received}) == 1
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("delivered", [200])


def test_a_receiver_that_takes_no_token_fails_the_attempt_and_gets_a_new_one_each_time(
    client: Client, receiver: Receiver
) -> None:
    receiver.answer = lambda received: 401
    with TokenEndpoint() as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.advance("5m")
        delivery = only(client)
    assert tokens_sent(receiver) == [f"Bearer token-{number}" for number in (1, 2, 3, 4)]
    assert [each["status"] for each in delivery["attempts"]] == [401, 401]


def test_other_refusals_keep_the_token(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 403
    with TokenEndpoint() as endpoint:
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.advance("5m")
    assert tokens_sent(receiver) == ["Bearer token-1"] * 2


def test_basic_authentication_that_is_refused_is_not_tried_again(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 401
    client.webhook(receiver.url, CREATED, authentication={"username": "a", "password": "b"})
    ship(client)
    client.settle("now")
    assert len(receiver.received) == 1


# A token endpoint that does not give one

HTML = b"<h1>sign in</h1>"
LEAK = {"error": "it was client-sesame", "error_description": SECRET}

REFUSALS: dict[str, tuple[JSON | bytes, str]] = {
    "500": (answer(status="500 No"), "it answers 500"),
    "an error of the protocol": (
        answer(json.dumps({"error": "invalid_client"}).encode(), "401 No"),
        "it answers 401 invalid_client",
    ),
    "an error that tells secrets": (answer(json.dumps(LEAK).encode(), "400 No"), "it answers 400"),
    "a redirect": (answer(status="302 Found"), "it answers 302"),
    "a page": (answer(HTML), "its answer is not a JSON object"),
    "a list": (answer(b"[1]"), "its answer is not a JSON object"),
    "nothing": (answer(), "its answer is not a JSON object"),
    "too much": (answer(b'{"a": "' + b"x" * 1_000_000 + b'"}'), "its answer is not a JSON object"),
    "no token": ({"token_type": "Bearer"}, "its answer has no access_token that can be sent"),
    "an empty token": ({"access_token": ""}, "its answer has no access_token that can be sent"),
    "a number": ({"access_token": 7}, "its answer has no access_token that can be sent"),
    "a header": ({"access_token": "a\r\nX-Evil: 1"}, "its answer has no access_token that can be sent"),
    "another kind": ({"access_token": "a", "token_type": "mac"}, "its token_type is not bearer"),
    "no kind": ({"access_token": "a", "token_type": 1}, "its token_type is not bearer"),
    "garbage": (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP, or its headers are too long"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_without_a_token_nothing_is_sent_and_the_attempt_has_failed(
    client: Client, receiver: Receiver, name: str
) -> None:
    given, reason = REFUSALS[name]
    with TokenEndpoint() as endpoint:
        endpoint.give = lambda count: given
        oauth_webhook(client, receiver.url, f"{endpoint.url}?key=sesame")
        ship(client)
        client.settle("now")
        (attempt,) = only(client)["attempts"]
        assert attempt["error"] == f"no token from {endpoint.url}: {reason}"
        assert "status" not in attempt
        assert "Authorization" not in attempt["requestHeaders"]
        assert receiver.received == []
        endpoint.give = lambda count: {"access_token": "better"}
        client.advance("5m")
        assert (only(client)["state"], len(receiver.received)) == ("delivered", 1)


def test_a_token_endpoint_that_is_silent_or_absent_fails_the_attempt(client: Client, receiver: Receiver) -> None:
    with RawReceiver(goes_on(b"", b"", 0.1)) as silent:
        oauth_webhook(client, receiver.url, silent.url)
        ship(client)
        client.settle("now")
        (attempt,) = only(client)["attempts"]
    assert attempt["error"] == f"no token from {silent.url}: no answer within 3000 ms"
    assert 2_900 < attempt["durationMs"] < 4_000


def test_when_the_second_token_cannot_be_had_both_reasons_are_on_record(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 401
    with TokenEndpoint() as endpoint:
        endpoint.give = lambda count: {"access_token": "first"} if count == 1 else answer(status="503 No")
        oauth_webhook(client, receiver.url, endpoint.url)
        ship(client)
        client.settle("now")
        (attempt,) = only(client)["attempts"]
    assert (attempt["status"], attempt["error"]) == (401, f"no token from {endpoint.url}: it answers 503")


# What is on record


def test_neither_tokens_nor_secrets_are_on_record(receiver: Receiver) -> None:
    receiver.answer = lambda received: 500
    with TokenEndpoint() as endpoint, Drsim("--clock", "manual") as server:
        client = server.client()
        webhook = oauth_webhook(client, receiver.url, endpoint.url)
        client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"oauth": settings(endpoint.url, audience="x")}))
        client.patch(f"/webhooks/{webhook['id']}", json={"oauth": {"clientsecret": SECRET, "password": [PASSWORD]}})
        client.patch(f"/webhooks/{webhook['id']}", json={"oauth": PASSWORD, "authentication": f"ann:{PASSWORD}"})
        client.patch(f"/webhooks/{webhook['id']}", content=b'{"password": "%s"' % PASSWORD.encode())
        client.patch(f"/webhooks/{webhook['id']}", json={"address": f"http://ann:{PASSWORD}@127.0.0.1/"})
        client.get("/webhooks")
        ship(client)
        client.advance("1d")
        assert only(client)["attempts"][0]["requestHeaders"]["Authorization"] == "Bearer …"
        for path in ("/_sim/deliveries", "/_sim/requests", "/_sim/timeline", "/_sim/events"):
            shown = client.ok(client.get(path))
            for word in ("token-1", "sesame"):
                assert word not in json.dumps(shown), path
        posted = client.ok(client.get("/_sim/requests"))["data"][-2]
        assert posted["requestBody"]["oauth"]["clientSecret"] == "…"
        assert posted["requestBody"]["oauth"]["clientID"] == "the client"
        code, told, errors = server.stop()
    assert (code, errors) == (0, "")
    assert "sesame" not in told


# Many at a time


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender()
    yield sender
    await sender.close()


def webhook(address: str, oauth: JSON) -> Webhook:
    usual: JSON = {"created": 0, "updated": 0, "types": ("order.created",), "secrets": ("s",)}
    return Webhook(id="1", address=address, transport="OAUTH", oauth={"grantType": "password", **oauth}, **usual)


Attempts = Callable[[str, str, int, Tokens], Awaitable[list[Attempt]]]


@pytest.fixture
def attempts(sender: Sender) -> Attempts:
    """Makes so many attempts at the same time."""

    async def make(address: str, endpoint: str, count: int, tokens: Tokens) -> list[Attempt]:
        made = [
            sender.attempt(webhook(address, settings(endpoint)), b"{}", 0, SEAL, tokens=tokens) for _ in range(count)
        ]
        return list(await asyncio.gather(*made))

    return make


def judges(connection: socket) -> None:
    """Takes every token but the first."""
    taken = b"Authorization: Bearer token-1\r\n" not in read_request(connection)
    connection.sendall(answer(status="200 OK" if taken else "401 No"))


async def test_many_deliveries_at_once_ask_for_one_token(attempts: Attempts) -> None:
    with TokenEndpoint() as endpoint, RawReceiver(judges) as receiver:
        endpoint.give = lambda count: {"access_token": "sesame"}
        made = await attempts(receiver.url, endpoint.url, 50, Tokens())
    assert [each.status for each in made] == [200] * 50
    assert len(endpoint.forms) == 1


async def test_many_deliveries_whose_token_is_refused_renew_it_once(attempts: Attempts) -> None:
    with TokenEndpoint() as endpoint, RawReceiver(judges) as receiver:
        made = await attempts(receiver.url, endpoint.url, 20, Tokens())
    assert [each.status for each in made] == [200] * 20
    assert len(endpoint.forms) == 2


async def test_many_deliveries_without_a_token_fail_together(attempts: Attempts, receiver: Receiver) -> None:
    with RawReceiver(goes_on(b"", b"", 0.1)) as silent:
        made = await attempts(receiver.url, silent.url, 20, Tokens())
        assert silent.connections == 1
    assert {each.duration < 4_000_000 for each in made} == {True}


async def test_one_that_is_called_off_does_not_call_off_the_token_of_the_others(
    sender: Sender, receiver: Receiver
) -> None:
    with TokenEndpoint() as endpoint:
        tokens = Tokens()
        it = webhook(receiver.url, settings(endpoint.url))
        first, second = (asyncio.create_task(sender.attempt(it, b"{}", 0, SEAL, tokens=tokens)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        made = await second
    assert made.status == 200
    assert len(endpoint.forms) == 1


async def test_a_token_is_asked_for_outside_of_local_networks_by_https_only() -> None:
    from drsim.domain.addresses import Hosts
    from drsim.engine.transport import Network
    from tests.engine.test_transport import Names

    sender = Sender(Network(Hosts(("*",))), Names(shop_test=["192.0.2.1"]))
    made = await sender.attempt(webhook("https://shop.test/", settings("http://shop.test:9/")), b"{}", 0, SEAL)
    await sender.close()
    reason = "shop.test is not on a local network: with OAUTH its address has to be https"
    assert made.error == f"no token from http://shop.test:9/: {reason}"
