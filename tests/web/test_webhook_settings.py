"""`/webhooks`: transport, user names and OAuth settings, where webhooks may go, and what of that fits together."""

import re
from typing import Any

import pytest

from drsim.domain.events import TYPES
from tests.harness import JSON, Client, Drsim
from tests.web.conftest import Connect
from tests.web.worlds import nothing_changes, refused

ADDRESS = "http://127.0.0.1:9/hook"
TOKENS = "http://127.0.0.1:9/token"
OAUTH: JSON = {"tokenEndPoint": TOKENS, "clientID": "c", "clientSecret": "s"}
WHOLE: JSON = {**OAUTH, "userName": "u", "password": "p", "grantType": "client_credentials", "audience": "a"}
BASIC: JSON = {"username": "ann", "password": "b"}


def body(**more: Any) -> JSON:
    return {"types": ["order.created"], "address": ADDRESS, **more}


def test_every_event_type_can_be_named_and_each_counts_once(client: Client) -> None:
    names = sorted(TYPES)
    made = client.webhook(ADDRESS, *names, *names)
    assert made["types"] == names


def test_oauth_settings_are_returned_as_sent_with_the_usual_grant(client: Client) -> None:
    for sent in (OAUTH, WHOLE):
        made = client.webhook(ADDRESS, "order.created", transportType="OAUTH", oauth=sent)
        assert made["transportType"] == "OAUTH"
        assert made["oauth"] == {"grantType": "password", **sent}
        assert "authentication" not in made
        assert client.ok(client.get(f"/webhooks/{made['id']}")) == made


@pytest.mark.parametrize(
    ("more", "code", "parameter"),
    [
        ({"transportType": "OAUTH"}, "missing_parameter", "oauth"),
        ({"transportType": "OAUTH", "oauth": None}, "missing_parameter", "oauth"),
        ({"transportType": "OAUTH", "oauth": {}}, "missing_parameter", "oauth.tokenEndPoint"),
        *(
            ({"transportType": "OAUTH", "oauth": {**OAUTH, name: none}}, "missing_parameter", f"oauth.{name}")
            for name in OAUTH
            for none in (None, "")
        ),
        (
            {"transportType": "OAUTH", "oauth": {**OAUTH, "tokenEndpoint": TOKENS}},
            "unknown_parameter",
            "oauth.tokenEndpoint",
        ),
        (
            {"transportType": "OAUTH", "oauth": {**OAUTH, "clientSecret": {"a": 1}}},
            "invalid_parameter",
            "oauth.clientSecret",
        ),
        ({"transportType": "OAUTH", "oauth": "sesame"}, "invalid_parameter", "oauth"),
        ({"transportType": "OAUTH", "oauth": [OAUTH]}, "invalid_parameter", "oauth"),
        (
            {"transportType": "OAUTH", "oauth": {**OAUTH, "grantType": "implicit"}},
            "invalid_parameter",
            "oauth.grantType",
        ),
        (
            {"transportType": "OAUTH", "oauth": {**OAUTH, "tokenEndPoint": "tokens"}},
            "invalid_parameter",
            "oauth.tokenEndPoint",
        ),
        (
            {"transportType": "OAUTH", "oauth": {**OAUTH, "tokenEndPoint": "http://169.254.169.254/"}},
            "invalid_parameter",
            "oauth.tokenEndPoint",
        ),
        ({"transportType": "OAUTH", "oauth": OAUTH, "authentication": BASIC}, "invalid_parameter", "authentication"),
        ({"oauth": OAUTH}, "invalid_parameter", "oauth"),
        ({"transportType": "HTTP", "oauth": OAUTH}, "invalid_parameter", "oauth"),
        ({"transportType": "oauth", "oauth": OAUTH}, "invalid_parameter", "transportType"),
        ({"transportType": ""}, "invalid_parameter", "transportType"),
        ({"authentication": {"password": "b"}}, "missing_parameter", "authentication.username"),
        ({"authentication": {"username": "", "password": "b"}}, "missing_parameter", "authentication.username"),
        ({"authentication": {"username": "a:b", "password": "b"}}, "invalid_parameter", "authentication.username"),
        ({"authentication": {"userName": "a:b", "password": "b"}}, "invalid_parameter", "authentication.userName"),
        ({"authentication": "sesame"}, "invalid_parameter", "authentication"),
    ],
)
def test_settings_that_do_not_fit_are_refused(client: Client, more: JSON, code: str, parameter: str) -> None:
    with nothing_changes(client):
        response = client.post("/webhooks", json=body(**more))
        refused(response, 400, code, parameter)
        assert "sesame" not in response.text


def test_null_takes_a_user_name_away_and_is_nothing_where_there_is_none(client: Client) -> None:
    made = client.webhook(ADDRESS, "order.created", authentication=BASIC, oauth=None)
    path = f"/webhooks/{made['id']}"
    changed = client.ok(client.patch(path, json={"address": None, "types": None, "enabled": None}))
    assert {**changed, "updatedTime": made["updatedTime"]} == made
    changed = client.ok(client.patch(path, json={"authentication": None}))
    assert "authentication" not in changed
    assert client.ok(client.get(path)) == changed
    assert client.patch(path, json={"authentication": None}).status_code == 200


def test_a_transport_is_changed_with_all_that_belongs_to_it(client: Client) -> None:
    made = client.webhook(ADDRESS, "order.created", authentication=BASIC)
    path = f"/webhooks/{made['id']}"
    with nothing_changes(client):
        refused(client.patch(path, json={"transportType": "OAUTH"}), 400, "invalid_parameter", "authentication")
        refused(client.patch(path, json={"oauth": OAUTH}), 400, "invalid_parameter", "oauth")
        changes = {"transportType": "OAUTH", "authentication": None}
        refused(client.patch(path, json=changes), 400, "missing_parameter", "oauth")
    changed = client.ok(client.patch(path, json={**changes, "oauth": OAUTH}))
    assert (changed["transportType"], "authentication" in changed) == ("OAUTH", False)
    with nothing_changes(client):
        refused(client.patch(path, json={"oauth": None}), 400, "missing_parameter", "oauth")
        refused(
            client.patch(path, json={"oauth": {"clientSecret": "n"}}), 400, "missing_parameter", "oauth.tokenEndPoint"
        )
        refused(client.patch(path, json={"transportType": "HTTP"}), 400, "invalid_parameter", "oauth")
        refused(client.patch(path, json={"authentication": BASIC}), 400, "invalid_parameter", "authentication")
    back = client.ok(client.patch(path, json={"transportType": "HTTP", "oauth": None, "authentication": BASIC}))
    assert (back["transportType"], back["authentication"], "oauth" in back) == ("HTTP", BASIC, False)


# Addresses

STRANGE = [
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://0177.0.0.1/",
    "http://127.0.0.256/",
    "http://1.2.3.4.5/",
    "http://shop.0x1/",
    "http://127%2e0.0.1/",
    "http://[::1%25eth0]/",
    "http://[::g]/",
    "http://[127.0.0.1]/",
    "http://localhost:0/",
    "http://localhost:65536/",
    "http://localhost/#part",
    "http://localhost/#",
    "http://localhost\\@example.com/",
    "http://localhost/\\",
    "http://@localhost/",
    "http://a..b/",
    "http://.shop/",
    "http://-shop/",
    "http://*.shop/",
    "http://" + "a" * 64 + "/",
    "http://\u2024/",
    "http://shop\x7f/",
    "ws://localhost/",
]
OUTSIDE = [
    "http://8.8.8.8/",
    "http://169.254.169.254/latest/meta-data",
    "http://0.0.0.0:3000/",
    "http://255.255.255.255/",
    "http://100.64.0.1/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[::]/",
    "http://[2001:4860:4860::8888]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:8.8.8.8]/",
    "http://\uff18.8.8.8/",
    "http://\u2468.8.8.8/",
]
OPEN = [
    "http://localhost:3000/hooks?a=b",
    "http://shop:3000",
    "http://my_shop.internal./x",
    "http://10.1.2.3/",
    "http://172.31.255.254/",
    "https://192.168.0.1/",
    "http://127.255.0.1:1/",
    "http://[::1]:65535/",
    "http://[fd12:3456::1]/",
    "http://[::ffff:127.0.0.1]:9/",
    "http://\uff11\uff12\uff17.0.0.1:9/",
    "https://b\u00fccher.example/\u00fc?\u00fc",
    "http://xn--bcher-kva.example/",
]


@pytest.mark.parametrize("address", STRANGE)
def test_strange_addresses_are_no_addresses(client: Client, address: str) -> None:
    with nothing_changes(client):
        response = client.post("/webhooks", json=body(address=address))
        refused(response, 400, "invalid_parameter", "address")
        assert response.json()["errors"][0]["message"].endswith("is not a valid URL.")


@pytest.mark.parametrize("address", OUTSIDE)
def test_numbers_outside_of_local_networks_are_refused(client: Client, address: str) -> None:
    with nothing_changes(client):
        response = client.post("/webhooks", json=body(address=address))
        refused(response, 400, "invalid_parameter", "address")
        assert "--webhook-host" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("address", OPEN)
def test_local_numbers_and_all_names_are_taken_as_they_are_written(client: Client, address: str) -> None:
    made = client.webhook(address, "order.created")
    assert made["address"] == address
    refused(client.patch(f"/webhooks/{made['id']}", json={"address": OUTSIDE[0]}), 400, "invalid_parameter", "address")
    client.ok(client.patch(f"/webhooks/{made['id']}", json={"address": address, "enabled": False}))


def test_an_address_never_shows_the_password_it_should_not_have(client: Client) -> None:
    response = client.post("/webhooks", json=body(address="http://ann:sesame@localhost/"))
    refused(response, 400, "invalid_parameter", "address")
    assert "sesame" not in response.text
    assert "sesame" not in client.get("/_sim/requests").text


def test_hosts_that_are_named_when_the_server_starts_are_open(another: Connect) -> None:
    options = ["--webhook-host", "8.8.8.8", "--webhook-host", "*.example.com", "--webhook", "http://9.9.9.9/hooks"]
    with Drsim("--clock", "manual", *options, "--webhook-host", "[2001:DB8::1]") as server:
        client = another(server=server)
        for address in ("https://8.8.8.8/", "http://9.9.9.9/", "http://[2001:db8:0::1]/", "http://a.example.com/"):
            assert client.webhook(address, "order.created")["address"] == address
        for address in OUTSIDE[1:-2]:
            refused(client.post("/webhooks", json=body(address=address)), 400, "invalid_parameter", "address")
        plain = body(address="http://8.8.8.8/", transportType="OAUTH", oauth=OAUTH)
        refused(client.post("/webhooks", json=plain), 400, "invalid_parameter", "address")
        plain = body(transportType="OAUTH", oauth={**OAUTH, "tokenEndPoint": "http://8.8.8.8/"})
        refused(client.post("/webhooks", json=plain), 400, "invalid_parameter", "oauth.tokenEndPoint")
        secure = body(transportType="OAUTH", oauth={**OAUTH, "tokenEndPoint": "https://8.8.8.8/"})
        assert client.post("/webhooks", json=secure).status_code == 201


def test_a_star_opens_all_but_link_local_addresses(another: Connect) -> None:
    with Drsim("--clock", "manual", "--webhook-host", "*") as server:
        client = another(server=server)
        assert client.webhook("http://8.8.8.8/", "order.created")
        refused(client.post("/webhooks", json=body(address=OUTSIDE[1])), 400, "invalid_parameter", "address")


# Scenario files


def world(*webhooks: str) -> str:
    return "scenario: settings\ngiven:\n  webhooks:\n" + "".join(f"    - {webhook}\n" for webhook in webhooks)


def test_a_scenario_gives_webhooks_all_their_settings(client: Client) -> None:
    oauth = "{tokenEndPoint: 'http://127.0.0.1:9/token', clientID: c, clientSecret: s, audience: a}"
    for text, expected in (
        (
            f"{{as: it, address: '{ADDRESS}', transportType: OAUTH, oauth: {oauth}}}",
            {"transportType": "OAUTH", "oauth": {**OAUTH, "grantType": "password", "audience": "a"}},
        ),
        (f"{{as: it, address: '{ADDRESS}', authentication: {{username: a, password: ''}}}}", {"transportType": "HTTP"}),
        (
            f"{{as: it, address: '{ADDRESS}', authentication: {{userName: a, password: b}}}}",
            {"authentication": {"userName": "a", "password": "b"}},
        ),
    ):
        made = client.ok(client.post("/_sim/scenario", content=world(text)))["it"]
        assert {name: made[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{transportType: OAUTH}", "'OAUTH' without 'oauth'"),
        ("{transportType: FTP}", "'FTP'"),
        ("{oauth: {tokenEndPoint: 'http://x', clientID: c, clientSecret: s}}", "'oauth' with 'HTTP'"),
        (
            "{transportType: OAUTH, authentication: {username: a, password: b}, oauth: {tokenEndPoint: 'http://x',"
            " clientID: c, clientSecret: s}}",
            "'authentication' with 'OAUTH'",
        ),
        ("{transportType: OAUTH, oauth: {clientID: c, clientSecret: s}}", "no 'tokenEndPoint'"),
        (
            "{transportType: OAUTH, oauth: {tokenEndPoint: 'http://x', clientID: c, clientSecret: s, grantType: x}}",
            "'x'",
        ),
        ("{authentication: {password: b}}", "no user name"),
        ("{authentication: {username: b}}", "no 'password'"),
    ],
)
def test_settings_that_do_not_fit_have_their_place_in_the_file(client: Client, text: str, found: str) -> None:
    response = client.post("/_sim/scenario", content=world(text))
    assert response.status_code == 400
    assert re.search(rf"4:\d+: found (the )?{re.escape(found)}", response.text), response.text


def test_a_scenario_sends_nothing_out_of_local_networks_either_and_says_which_webhook_would(client: Client) -> None:
    response = client.post("/_sim/scenario", content=world(f"{{address: '{ADDRESS}'}}", "{address: 'http://8.8.8.8/'}"))
    refused(response, 400, "invalid_parameter", "given.webhooks[1].address")
