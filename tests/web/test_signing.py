"""Signing secrets under `/_sim/webhooks/{id}`, and what real deliveries are signed with while they change."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually
from tests.web.worlds import refused, scenario

CREATED = "order.created"
HEADER = "digitalriver-signature"


@pytest.fixture
def webhook(client: Client, receiver: Receiver) -> JSON:
    """A webhook at the receiver."""
    return client.webhook(receiver.url, CREATED)


def secrets(client: Client, webhook: JSON) -> JSON:
    shown: JSON = client.ok(client.get(f"/_sim/webhooks/{webhook['id']}/secrets"))
    return shown


def rotate(client: Client, webhook: JSON, **body: Any) -> JSON:
    """Rotates; the answer is what the secrets then are."""
    shown: JSON = client.ok(client.post(f"/_sim/webhooks/{webhook['id']}/rotate", json=body))
    assert shown == secrets(client, webhook)
    return shown


def sent(client: Client, receiver: Receiver) -> Received:
    """The delivery of a new event."""
    count = len(receiver.received)
    client.order()
    client.settle("now")
    assert len(receiver.received) == count + 1
    return receiver.received[-1]


def signers(received: Received, *texts: str) -> list[str]:
    """By which of these secrets a delivery is signed, in the order of its header."""
    _, *signatures = received.headers[HEADER].split(", ")
    by_signature: dict[str, str] = {}
    for text in texts:
        single = [
            each
            for each in signatures
            if Received("", {HEADER: f"{stamp(received)}, {each}"}, received.body, 0).signed_with(text)
        ]
        by_signature.update(dict.fromkeys(single, text))
    assert len(by_signature) == len(signatures), "a signature of some other secret"
    return [by_signature[each] for each in signatures]


def stamp(received: Received) -> int:
    return int(received.headers[HEADER].split(", ")[0])


# Rotation.


def test_a_new_webhook_has_one_secret_that_does_not_expire(client: Client, webhook: JSON) -> None:
    shown = secrets(client, webhook)
    (secret,) = shown["secrets"]
    assert secret.startswith("whk_")
    assert shown["details"] == [{"secret": secret, "createdTime": webhook["createdTime"]}]


def test_a_rotation_says_when_the_former_secret_expires(client: Client, webhook: JSON) -> None:
    (former,) = secrets(client, webhook)["secrets"]
    shown = rotate(client, webhook, expireOldIn="6h", secret="whk_mine")
    assert shown == {
        "secrets": ["whk_mine", former],
        "details": [
            {"secret": "whk_mine", "createdTime": "2024-01-01T00:00:00Z"},
            {"secret": former, "createdTime": "2024-01-01T00:00:00Z", "expiresTime": "2024-01-01T06:00:00Z"},
        ],
    }


def test_without_a_body_a_secret_is_made_up_and_the_former_one_has_twelve_hours(client: Client, webhook: JSON) -> None:
    shown = client.ok(client.post(f"/_sim/webhooks/{webhook['id']}/rotate"))
    new, former = shown["secrets"]
    assert new.startswith("whk_")
    assert new != former
    assert shown["details"][1]["expiresTime"] == "2024-01-01T12:00:00Z"


def test_both_secrets_sign_until_the_former_one_expires_in_simulated_time(
    client: Client, webhook: JSON, receiver: Receiver
) -> None:
    (old,) = secrets(client, webhook)["secrets"]
    assert signers(sent(client, receiver), old) == [old]
    new = rotate(client, webhook, expireOldIn="1h")["secrets"][0]
    assert signers(sent(client, receiver), old, new) == [new, old]
    client.advance("59m59s")
    assert signers(sent(client, receiver), old, new) == [new, old]
    client.advance("1s")
    assert signers(sent(client, receiver), old, new) == [new]
    assert secrets(client, webhook)["secrets"] == [new]


def test_what_is_sent_after_a_rotation_at_once_is_signed_with_the_new_secret_only(
    client: Client, webhook: JSON, receiver: Receiver
) -> None:
    (old,) = secrets(client, webhook)["secrets"]
    assert rotate(client, webhook, expireOldIn="0s", secret="new")["secrets"] == ["new"]
    assert signers(sent(client, receiver), old, "new") == ["new"]


def test_a_retry_is_signed_with_what_is_live_then(client: Client, webhook: JSON, receiver: Receiver) -> None:
    """Attempts at 0 min, 5 min, 35 min and 2 h 35 min; the former secret expires after half an hour."""
    (old,) = secrets(client, webhook)["secrets"]
    receiver.answer = lambda received: 500
    sent(client, receiver)
    rotate(client, webhook, expireOldIn="30m", secret="new")
    client.settle()
    assert [signers(each, old, "new") for each in receiver.received] == [[old], ["new", old], ["new"], ["new"]]
    assert len({each.body for each in receiver.received}) == 1


def test_a_secret_expires_while_the_server_is_down_too(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Receiver() as receiver:
        with Drsim(*options) as server:
            client = server.client("mine")
            webhook = client.webhook(receiver.url, CREATED)
            (old,) = secrets(client, webhook)["secrets"]
            before = rotate(client, webhook, expireOldIn="1h", secret="new")
            server.kill()
        with Drsim(*options) as server:
            client = server.client("mine")
            assert secrets(client, webhook) == before
            assert signers(sent(client, receiver), old, "new") == ["new", old]
            client.advance("1h")
            server.kill()
        with Drsim(*options) as server:
            client = server.client("mine")
            assert signers(sent(client, receiver), old, "new") == ["new"]
            assert secrets(client, webhook)["secrets"] == ["new"]


def test_a_sixth_live_secret_is_refused_and_nothing_changes(client: Client, webhook: JSON) -> None:
    for _ in range(4):
        rotate(client, webhook, expireOldIn="24h")
    before = secrets(client, webhook)
    assert len(before["secrets"]) == 5
    code = refused(client.post(f"/_sim/webhooks/{webhook['id']}/rotate", json={}), 409)["code"]
    assert (code, secrets(client, webhook)) == ("too_many_secrets", before)
    client.advance("24h")
    assert len(rotate(client, webhook)["secrets"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "parameter"),
    [
        ({"expireOldIn": "25h"}, 400, "invalid_parameter", "expireOldIn"),
        ({"expireOldIn": "soon"}, 400, "invalid_parameter", "expireOldIn"),
        ({"expireOldIn": "-1h"}, 400, "invalid_parameter", "expireOldIn"),
        ({"overlap": "1h"}, 400, "unknown_parameter", "overlap"),
        ({"secret": "whk_first"}, 409, "secret_in_use", "secret"),
    ],
)
def test_a_rotation_that_does_not_fit_is_refused(
    client: Client, webhook: JSON, body: JSON, status: int, code: str, parameter: str
) -> None:
    rotate(client, webhook, secret="whk_first", expireOldIn="0s")
    problem = refused(client.post(f"/_sim/webhooks/{webhook['id']}/rotate", json=body), status)
    assert (problem["code"], problem["parameter"]) == (code, parameter)
    assert secrets(client, webhook)["secrets"] == ["whk_first"]


def test_secrets_of_a_webhook_that_is_not_there_are_not_found(client: Client) -> None:
    for response in (
        client.get("/_sim/webhooks/nothing/secrets"),
        client.post("/_sim/webhooks/nothing/rotate", json={}),
        client.post("/_sim/webhooks/nothing/revoke", json={"secret": "x"}),
    ):
        assert refused(response, 404)["code"] == "not_found"


def test_a_rotation_does_not_show_on_the_webhook(client: Client, webhook: JSON) -> None:
    client.advance("1h")
    rotate(client, webhook)
    assert client.ok(client.get(f"/webhooks/{webhook['id']}")) == webhook


# Revocation.


def revoke(client: Client, webhook: JSON, secret: str) -> Any:
    return client.post(f"/_sim/webhooks/{webhook['id']}/revoke", json={"secret": secret})


def test_a_revoked_secret_signs_no_more(client: Client, webhook: JSON, receiver: Receiver) -> None:
    (old,) = secrets(client, webhook)["secrets"]
    rotate(client, webhook, secret="new")
    assert client.ok(revoke(client, webhook, old))["secrets"] == ["new"]
    assert signers(sent(client, receiver), old, "new") == ["new"]


def test_revoking_the_new_secret_takes_a_rotation_back(client: Client, webhook: JSON) -> None:
    before = secrets(client, webhook)
    rotate(client, webhook, secret="new")
    assert client.ok(revoke(client, webhook, "new")) == before
    client.advance("30d")
    assert secrets(client, webhook) == before


def test_the_last_secret_cannot_be_revoked_and_an_unknown_one_is_not_found(client: Client, webhook: JSON) -> None:
    (only,) = secrets(client, webhook)["secrets"]
    assert refused(revoke(client, webhook, only), 409)["code"] == "last_secret"
    assert refused(revoke(client, webhook, "other"), 404)["code"] == "not_found"
    assert refused(revoke(client, webhook, ""), 400)["code"] == "missing_parameter"
    assert secrets(client, webhook)["secrets"] == [only]


# Layouts.


@pytest.mark.parametrize("order", ["newest-first", "oldest-first"])
@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_the_account_decides_on_order_and_unit(client: Client, receiver: Receiver, order: str, unit: str) -> None:
    scenario(client, account={"signatureOrder": order, "signatureUnit": unit})
    webhook = client.webhook(receiver.url, CREATED)
    (old,) = secrets(client, webhook)["secrets"]
    rotate(client, webhook, secret="new")
    received = sent(client, receiver)
    assert signers(received, old, "new") == (["new", old] if order == "newest-first" else [old, "new"])
    assert abs(stamp(received) / (1_000 if unit == "milliseconds" else 1) - time.time()) < 30


def test_simulated_timestamps_count_milliseconds_too(client: Client, receiver: Receiver) -> None:
    scenario(client, account={"signatureClock": "simulated", "signatureUnit": "milliseconds"})
    client.webhook(receiver.url, CREATED)
    client.advance("1500ms")
    assert stamp(sent(client, receiver)) == 1_704_067_201_500


# Attempts.


def test_each_attempt_has_a_signature_of_its_own_for_the_same_event_and_body(
    client: Client, webhook: JSON, receiver: Receiver
) -> None:
    """Stamped by the wall's clock, as usual, which goes on by a little between the attempts."""
    scenario(client, account={"signatureUnit": "milliseconds"})
    (secret,) = secrets(client, webhook)["secrets"]
    receiver.answer = lambda received: 503 if len(receiver.received) < 3 else 200
    sent(client, receiver)
    for wait in ("5m", "30m"):
        eventually(lambda: time.time() * 1_000 >= stamp(receiver.received[-1]) + 1)
        client.advance(wait)
    assert len(receiver.received) == 3
    stamps = [stamp(each) for each in receiver.received]
    assert stamps == sorted(set(stamps))
    assert abs(stamps[-1] / 1_000 - time.time()) < 30, "the wall's time, not the simulated one"
    assert len({each.headers[HEADER] for each in receiver.received}) == 3
    assert all(each.signed_with(secret) for each in receiver.received)
    assert len({each.body for each in receiver.received}) == 1
    assert len({json.loads(each.body)["id"] for each in receiver.received}) == 1
