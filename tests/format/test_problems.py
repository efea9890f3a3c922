"""Golden messages: exactly these words for a file that does not fit."""

from typing import Any

import pytest

from drsim.format.load import read
from drsim.format.problems import Unfit, masked, nearest, shown


def told(text: str) -> list[str]:
    with pytest.raises(Unfit) as raised:
        read(text, "bad.yaml")
    return str(raised.value).splitlines()


WORLD = """\
scenaro: misspelt
tags: nope
clock: 2022-13-02T17:38:00Z
seed: -1
account: {riskTolerance: avers, authorizationTtl: 7x, rateLimit: 25, delays: {captur: 2s}, captureRetries: [1h, no]}
colours: []
given:
  webhooks:
    - {as: a, address: ftp://x, types: [fulfilment.created], tokn: 4}
    - {as: a, types: []}
  orders: 5
behavior:
  - when: {operation: capture, amount: {$gt: [1]}, order: {$near: 3}}
    then: {state: complete, failureCode: x, next: {state: failed}}
    times: 0
  - when: {order: 3}
    then: fail
"""


def test_a_world_that_does_not_fit_has_all_its_problems_told() -> None:
    top = "scenario, description, tags, clock, seed, account, given, behavior, faults, steps"
    operators = "$eq $ne $gt $gte $lt $lte $in $regex $exists $type $length $contains $all $not"
    assert told(WORLD) == [
        f"bad.yaml:1:1: found the unknown key 'scenaro', expected one of {top}; did you mean 'scenario'?",
        "bad.yaml:2:7: found 'nope', expected a list",
        "bad.yaml:3:8: found '2022-13-02T17:38:00Z', expected a time such as 2022-07-01T17:55:58Z",
        "bad.yaml:4:7: found -1, expected a whole number from 0 to 9223372036854775807",
        "bad.yaml:5:26: found 'avers', expected one of tolerant, averse; did you mean 'averse'?",
        "bad.yaml:5:51: found '7x', expected a duration such as 30s, 2h or 7d",
        "bad.yaml:5:66: found 25, expected calls per time such as 25/s or 100/m, or none",
        "bad.yaml:5:79: found the unknown key 'captur', expected one of authorize, capture, cancel, refund, complete,"
        " invoice, creditMemo, fulfillmentCancellation, fulfillmentReturn; did you mean 'capture'?",
        "bad.yaml:5:113: found 'no', expected a duration such as 30s, 2h or 7d",
        f"bad.yaml:6:1: found the unknown key 'colours', expected one of {top}",
        "bad.yaml:9:24: found 'ftp://x', expected an address such as http://localhost:8080/hook",
        "bad.yaml:9:41: found 'fulfilment.created', expected an event type such as fulfillment.created, or a group"
        " such as order.*; did you mean 'fulfillment.created'?",
        "bad.yaml:9:62: found the unknown key 'tokn', expected one of as, address, types, token, enabled,"
        " apiVersion, expand, transportType, authentication, oauth; did you mean 'token'?",
        "bad.yaml:10:12: found the alias 'a' again, expected another (first in line 9)",
        "bad.yaml:10:22: found an empty list, expected at least one event type",
        "bad.yaml:11:11: found 5, expected a list",
        "bad.yaml:13:40: found an unusable pattern ($gt takes a number or a string), expected one that can be matched",
        f"bad.yaml:13:59: found an unusable pattern ('$near' is not one of {operators}), expected one that can be"
        " matched",
        "bad.yaml:14:42: found 'failureCode' with 'complete', expected it only with 'failed'",
        "bad.yaml:14:51: found 'next' after 'complete', expected it only after 'pending'",
        "bad.yaml:15:12: found 0, expected a whole number from 1 to 1000000",
        "bad.yaml:16:11: found no 'operation', expected one, since it is required",
        "bad.yaml:17:11: found 'fail', expected a mapping",
    ]


ORDERS = """\
scenario: orders
given:
  orders:
    - as: 9x
      source: {number: "4000 0000 0000 410"}
      quantitty: 3
      state: completed
      taxRate: 8.025
      shipping: five
      storeCredit: -1
      email: nobody
      fulfillmentModel: distribute
      discount: {amountOff: 1, percentOff: 5}
      items:
        - {price: 10.005, quantitty: 3}
        - {quantity: 0, price: .nan}
        - {price: 1e20, quantity: 1.5, taxRate: true}
        - {name: no price}
        - 7
    - {currency: JPY, items: [{price: 10.5}]}
    - {currency: JPX, items: []}
    - {upstreamId: without items}
    - {from: order.json}
    - {source: "4000 0000 0000 4103", items: [{price: 1, metadata: {a: [1], b: .inf}}]}
    - {source: {type: payPal, number: 4000000000004103}, items: [{price: 1}]}
    - {resource: {currency: USD, items: []}}
    - {state: complete, resource: {currency: USD, items: [{id: 1, amount: 1, quantity: 1}]}}
    - just text
"""


def test_orders_that_do_not_fit_have_all_their_problems_told() -> None:
    order = (
        "as, from, resource, state, createdAgo, id, upstreamId, currency, locale, email, customerId, shipTo, billTo,"
        " source, storeCredit, shipping, taxRate, discount, metadata, fulfillmentModel, items"
    )
    item = (
        "as, id, skuId, name, price, quantity, taxRate, duties, importerTax, fees, physical, fulfillmentModel, metadata"
    )
    assert told(ORDERS) == [
        "bad.yaml:4:11: found '9x', expected a name of letters, digits, _ and -",
        f"bad.yaml:6:7: found the unknown key 'quantitty', expected one of {order}",
        "bad.yaml:7:14: found 'completed', expected one of accepted, pending_payment, in_review, blocked, fulfilled,"
        " cancelled, complete, dispute, returned; did you mean 'complete'?",
        "bad.yaml:8:16: found 8.025, expected a fraction from 0 to 1, such as 0.08025 for 8.025 %",
        "bad.yaml:9:17: found 'five', expected an amount such as 10.00",
        "bad.yaml:10:20: found -1, expected an amount of 0 or more",
        "bad.yaml:11:14: found 'nobody', expected an email address",
        "bad.yaml:12:25: found 'distribute', expected one of third-party, distributed, orchestrated; did you mean"
        " 'distributed'?",
        "bad.yaml:13:17: found both of 'amountOff' and 'percentOff', expected one of them",
        "bad.yaml:15:19: found 10.005, expected at most 2 decimals, as USD has",
        f"bad.yaml:15:27: found the unknown key 'quantitty', expected one of {item}; did you mean 'quantity'?",
        "bad.yaml:16:22: found 0, expected a whole number from 1 to 1000000",
        "bad.yaml:16:32: found NaN, expected an amount such as 10.00",
        "bad.yaml:17:19: found 1E+20, expected an amount below 1000000000000.00",
        "bad.yaml:17:35: found 1.5, expected a whole number from 1 to 1000000",
        "bad.yaml:17:49: found true, expected a fraction such as 0.08025",
        "bad.yaml:18:11: found no 'price', expected one, since it is required",
        "bad.yaml:19:11: found 7, expected a mapping",
        "bad.yaml:20:39: found 10.5, expected whole JPY",
        "bad.yaml:21:18: found 'JPX', expected a currency code such as USD; did you mean 'JPY'?",
        "bad.yaml:21:30: found an empty list, expected at least one item",
        "bad.yaml:22:7: found no 'items', expected at least one item",
        "bad.yaml:23:14: found 'from', expected 'resource': only the command line reads files",
        "bad.yaml:24:16: found '(card number)', expected a mapping",
        "bad.yaml:24:72: found a list, expected text, a number, true or false",
        "bad.yaml:24:80: found Infinity, expected text, a number, true or false",
        "bad.yaml:25:39: found 'number' with payPal, expected it only with creditCard, googlePay, applePay",
        "bad.yaml:26:41: found an empty list, expected at least one item",
        "bad.yaml:27:15: found 'state' beside 'resource', expected nothing but 'as'",
        "bad.yaml:28:7: found 'just text', expected a mapping",
    ]


def test_a_misread_card_number_is_told_without_the_number() -> None:
    text = 'scenario: x\ngiven: {orders: [{source: {number: "4000 0000 0000 410x"}, items: [{price: 1}]}]}'
    assert told(text) == [
        "bad.yaml:2:36: found what is no card number, expected 12 to 19 digits of a known brand, blanks and dashes"
        " allowed"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "source: '4000000000004103'",
        "source: {number: [4000000000004103]}",
        "source: {numbr: '4000 0000 0000 4103'}",
        "email: 4000-0000-0000-4103",
        "state: 4000000000004103",
        "items: 4000000000004103",
        "4000000000004103: x",
        "'4000 0000 0000 4103': x",
    ],
)
def test_no_problem_ever_shows_a_card_number(text: str) -> None:
    message = "\n".join(told(f"scenario: x\ngiven: {{orders: [{{{text}}}]}}"))
    assert "4103" not in message.replace(" ", "").replace("-", "")


def test_no_more_than_a_hundred_problems_are_told() -> None:
    assert len(told("scenario: x\ntags: [" + "{}," * 5_000 + "]")) == 100


def test_values_are_shown_short_and_on_one_line() -> None:
    assert shown("a\nb" * 100) == f"'{('a b' * 20)[:60]}…'"
    values: list[Any] = [None, True, "", {}, [], [1], 7]
    assert [shown(each) for each in values] == [
        "nothing",
        "true",
        "an empty text",
        "a mapping",
        "an empty list",
        "a list",
        "7",
    ]


def test_card_numbers_are_blacked_out_and_order_ids_are_not() -> None:
    assert masked("pay with 4000 0000 0000 4103 now") == "pay with (card number) now"
    assert masked("231388420336") == "231388420336"


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("Quantitty", ["quantity", "price"]) == "quantity"
    assert nearest("colour", ["quantity", "price"]) is None


FAULTS = """\
scenario: a
faults:
  - when: {call: POST fulfillments}
    then: {status: 99}
  - when: {call: GET /_sim/clock}
    then: {status: 600, headers: {Content-Length: 1, A b: c, X-A: "a\\nb", X-B: [1]}}
  - when: {call: "*", delivery: "order.*"}
    then: {drop: maybe, body: 5}
  - when: {}
    then: {delay: soon}
  - when: {call: GET /orders, to: hooks}
    then: {duplicate: 0, truncate: 1}
  - when: {delivery: "no.*"}
    then: {duplicate: 101}
  - when: {call: GET /orders}
    then: {reorder: true, drop: true, status: 500}
  - when: {delivery: "*"}
    then: {status: 500, drop: answer, truncate: true}
  - when: {call: "*"}
    then: {body: text}
  - when: {call: "*"}
    then: {status: 500}
    times: 0
    every: 0
  - when: {call: "* *"}
    then: {status: 204, body: {}}
  - when: {delivery: "*"}
    then: {reorder: false, delay: 0}
"""


def test_faults_that_do_not_fit_have_all_their_problems_told() -> None:
    call = "METHOD /path of an API call such as POST /fulfillments, with * for anything"
    header = "a header that an answer can have, and its text"
    assert told(FAULTS) == [
        f"bad.yaml:3:18: found 'POST fulfillments', expected {call}",
        "bad.yaml:4:20: found 99, expected a whole number from 200 to 599",
        f"bad.yaml:5:18: found 'GET /_sim/clock', expected {call}",
        "bad.yaml:6:20: found 600, expected a whole number from 200 to 599",
        f"bad.yaml:6:51: found 'Content-Length: 1', expected {header}",
        f"bad.yaml:6:59: found 'A b: c', expected {header}",
        f"bad.yaml:6:67: found 'X-A: a b', expected {header}",
        f"bad.yaml:6:80: found a list, expected {header}",
        "bad.yaml:7:11: found 'call' and 'delivery', expected one of the two",
        "bad.yaml:8:18: found 'maybe', expected true, or answer",
        "bad.yaml:8:31: found 5, expected text, a mapping or a list",
        "bad.yaml:9:11: found neither 'call' nor 'delivery', expected one of the two",
        "bad.yaml:10:19: found 'soon', expected a duration such as 30s, 2h or 7d",
        "bad.yaml:11:35: found 'to' with 'call', expected it only with 'delivery'",
        "bad.yaml:12:23: found 0, expected a whole number from 1 to 100",
        "bad.yaml:12:36: found 1, expected true or false",
        "bad.yaml:13:22: found 'no.*', expected an event type such as fulfillment.created, or a group such as order.*",
        "bad.yaml:14:23: found 101, expected a whole number from 1 to 100",
        "bad.yaml:16:21: found 'reorder' for a call, expected it only for a delivery",
        "bad.yaml:16:47: found 'status' with 'drop', expected only one of them",
        "bad.yaml:18:20: found 'status' for a delivery, expected it only for a call",
        "bad.yaml:18:31: found 'answer' for a delivery, expected true",
        "bad.yaml:18:49: found 'truncate' with 'drop', expected only one of them",
        "bad.yaml:20:18: found 'body' without 'status', expected both",
        "bad.yaml:23:12: found 0, expected a whole number from 1 to 1000000",
        "bad.yaml:24:12: found 0, expected a whole number from 1 to 1000000",
        "bad.yaml:26:31: found 'body' with 204, expected an answer that can have one",
        "bad.yaml:28:11: found nothing that goes wrong, expected at least one of delay, drop, duplicate, reorder,"
        " corruptSignature, truncate",
    ]
