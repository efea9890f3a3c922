"""Older versions of the API: what they show is the latest form said differently, and nothing is lost on the way."""

import json
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from drsim import render, versions
from drsim.domain.account import LATEST_VERSION, VERSIONS, Account
from drsim.domain.orders import Sale
from drsim.engine.records import event_in_version, event_record
from drsim.engine.work import _Shown
from tests.domain.builders import (
    Story,
    a_line,
    a_source,
    an_order,
    an_order_of_2689,
    an_order_of_2701,
    some_shipping,
)
from tests.domain.test_money_properties import Plot, moments, play, plots

JSON = dict[str, Any]

NEWER = ("2021-03-23", "2021-12-13")
OLDER = ("2020-01-07", "2020-09-30", "2020-12-17", "2021-02-23")
BEFORE_IMPORTER_TAX = ("2020-01-07", "2020-09-30")


def an_import() -> Story:
    """20.00 from abroad, 3.80 of importer tax, 1.20 of duties, 5.00 shipping."""
    return Story(an_order(a_line(1000, 2, "0", importer_tax=380, duties=120), shipping=some_shipping(500, "0")))


def events_of(story: Story) -> list[bytes]:
    """All events of a story, as they are kept."""
    return [public for event in story.events if (public := event_record(event, _Shown().object(event), []).public)]


@pytest.mark.parametrize("version", NEWER)
def test_an_order_since_march_2021_is_the_latest_one_byte_by_byte(version: str) -> None:
    public = orjson.dumps(render.order(Story(an_order_of_2701()).sale))
    assert versions.in_version("order", public, version) is public


@pytest.mark.parametrize("version", OLDER)
def test_an_older_order_has_its_payment_at_the_top(version: str) -> None:
    story = Story(an_order_of_2701())
    story.fulfil(1)
    latest = render.order(story.sale)
    older = versions.shown_in("order", latest, version)
    (charge,), (source,) = latest["payment"]["charges"], latest["payment"]["sources"]
    assert "payment" not in older
    assert {name: older[name] for name in older if name not in latest} == {
        "charges": [charge],
        "chargeIds": [charge["id"]],
        "sourceId": source["id"],
        "sources": [source],
        "paymentSessionId": latest["payment"]["session"]["id"],
    }
    names = list(older)
    assert names.index("charges") == names.index("liveMode") + 1  # where the payment was
    assert names.index("paymentSessionId") == names.index("state") - 1


def test_before_march_2021_store_credit_is_an_amount_of_the_order() -> None:
    latest = render.order(Story(an_order_of_2689()).sale)
    older = versions.shown_in("order", latest, "2021-02-23")
    types = {source["id"]: source["type"] for source in older["sources"]}
    assert older["creditAmount"] == 11.0
    assert types[older["sourceId"]] == "creditCard"
    assert sorted(types.values()) == ["creditCard", "customerCredit"]
    assert len(older["charges"]) == len(older["chargeIds"]) == 2


def test_an_order_that_only_store_credit_pays_has_that_as_its_source() -> None:
    older = versions.shown_in("order", render.order(Story(an_order(store_credit=2161)).sale), "2020-09-30")
    assert [older["sourceId"]] == [source["id"] for source in older["sources"]]
    assert older["creditAmount"] == older["totalAmount"] == 21.61


def test_an_older_order_without_a_charge_shows_none() -> None:
    story = Story(an_order(source=a_source("wireTransfer"), begins="pending_payment"))
    older = versions.shown_in("order", render.order(story.sale), "2020-09-30")
    assert not {"charges", "chargeIds", "creditAmount"} & older.keys()
    assert older["sourceId"] == older["sources"][0]["id"]


@pytest.mark.parametrize("version", VERSIONS)
def test_importer_tax_is_part_of_the_tax_before_december_2020(version: str) -> None:
    latest = render.order(an_import().sale)
    assert (latest["subtotal"], latest["totalTax"], latest["totalImporterTax"], latest["totalDuty"]) == (
        30,
        0,
        3.8,
        1.2,
    )
    shown = versions.shown_in("order", latest, version)
    names = list(shown)
    if version in BEFORE_IMPORTER_TAX:
        assert (shown["subtotal"], shown["totalTax"], shown["totalDuty"]) == (26.2, 3.8, 1.2)
        assert "totalImporterTax" not in shown
        assert shown["importerOfRecordTax"] is True
        assert names.index("importerOfRecordTax") == names.index("totalTax") + 1
    else:
        assert {name: shown[name] for name in ("subtotal", "totalTax", "totalImporterTax")} == {
            name: latest[name] for name in ("subtotal", "totalTax", "totalImporterTax")
        }
        assert "importerOfRecordTax" not in shown
    assert shown["totalAmount"] == latest["totalAmount"]
    assert shown["items"] == latest["items"]


def test_an_order_within_its_country_says_nothing_of_an_importer() -> None:
    shown = versions.shown_in("order", render.order(Story(an_order_of_2701()).sale), "2020-01-07")
    assert "importerOfRecordTax" not in shown
    assert (shown["subtotal"], shown["totalTax"]) == (25.0, 2.01)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_order_in_a_fulfillment_is_of_the_same_version(version: str) -> None:
    story = an_import()
    story.fulfil(2)
    (public,) = [each for each in events_of(story) if b'"fulfillment.created"' in each]
    latest, shown = orjson.loads(public), orjson.loads(event_in_version(public, version))
    details = shown["data"]["object"]["orderDetails"]
    assert ("totalImporterTax" in details) == (version not in BEFORE_IMPORTER_TAX)
    assert not {"payment", "charges", "sources", "sourceId"} & details.keys()
    if version not in BEFORE_IMPORTER_TAX:
        assert shown == {**latest, "digitalriverVersion": version}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_event_says_in_which_version_it_is(version: str) -> None:
    story = Story(an_order_of_2689())
    story.fulfil(2)
    story.settle()
    for public in events_of(story):
        latest, shown = orjson.loads(public), orjson.loads(event_in_version(public, version))
        named = latest["type"] != "order.invoice.created"  # whose envelope is another
        assert latest.get("digitalriverVersion") == (LATEST_VERSION if named else None)
        assert shown.get("digitalriverVersion") == (version if named else None)
        assert list(shown) == list(latest)
        object, kept = shown["data"]["object"], latest["data"]["object"]
        if "items" in kept and latest["type"].startswith("order."):
            assert object == versions.shown_in("order", kept, version)
        elif "orderDetails" not in kept:
            assert object == kept  # charges are the same in all versions


def test_the_event_of_a_failed_charge_holds_an_order_of_the_version() -> None:
    story = Story(an_order(source=a_source("directDebit", last_name="ChargeFailedAfterPending")))
    story.settle()
    (public,) = [each for each in events_of(story) if b'"order.charge.failed"' in each]
    object = orjson.loads(event_in_version(public, "2021-02-23"))["data"]["object"]
    assert "payment" not in object
    assert object["sourceId"] == object["sources"][0]["id"]


@pytest.mark.parametrize("version", ["default", "latest", LATEST_VERSION])
def test_an_event_in_the_latest_version_is_not_touched(version: str) -> None:
    public = events_of(Story())[0]
    assert event_in_version(public, version) is public


def test_an_expanded_event_is_of_its_version_too() -> None:
    story = an_import()
    (public,) = [each for each in events_of(story) if b'"order.accepted"' in each]
    more = versions.expanded(public, [{"physical": True, "metadata": {"a": 1}}])
    latest = orjson.loads(public)["data"]["object"]
    object = orjson.loads(event_in_version(more, "2020-09-30"))["data"]["object"]
    assert object["items"][0]["productDetails"] == {
        **latest["items"][0]["productDetails"],
        "physical": True,
        "metadata": {"a": 1},
    }
    assert "totalImporterTax" not in object


@pytest.mark.parametrize(
    ("asked", "gets"), [("default", "2020-12-17"), ("latest", LATEST_VERSION), ("2021-03-23", "2021-03-23")]
)
def test_a_webhook_without_a_version_of_its_own_has_that_of_the_keys(asked: str, gets: str) -> None:
    assert Account(api_version="2020-12-17").version(asked) == gets


# Whatever happens to an order


def facts(order: JSON) -> dict[str, Any]:
    """What an order says about money, wherever its version says it. All amounts are sums over 1/1000."""
    payment = order.get("payment", order)
    session = payment["session"]["id"] if "session" in payment else payment["paymentSessionId"]
    tax = round(1000 * order["totalTax"]) + round(1000 * order.get("totalImporterTax", 0))
    return {
        "charges": payment.get("charges", []),
        "sources": payment["sources"],
        "session": session,
        "tax": tax,
        "before tax": round(1000 * order["totalAmount"]) - tax,
    }


@settings(max_examples=60)
@given(plots())
def test_every_version_of_an_order_holds_the_same_facts_and_the_latest_stays_as_it_is(plot: Plot) -> None:
    story = play(plot)
    for sale in distinct(list(moments(story))):
        latest = render.order(sale)
        untouched = deepcopy(latest)
        public = orjson.dumps(latest)
        for version in VERSIONS:
            shown = versions.shown_in("order", latest, version)
            assert facts(shown) == facts(latest)
            moved = {"payment", "charges", "chargeIds", "sources", "sourceId", "paymentSessionId", "creditAmount"}
            moved |= {"subtotal", "totalTax", "totalImporterTax", "importerOfRecordTax"}
            assert {k: v for k, v in shown.items() if k not in moved} == {
                k: v for k, v in latest.items() if k not in moved
            }
            assert round(1000 * (shown["subtotal"] + shown["totalTax"])) == round(1000 * shown["totalAmount"])
            assert json.loads(versions.in_version("order", public, version)) == shown
        assert latest == untouched
    for event in events_of(story):
        for version in OLDER:
            shown = orjson.loads(event_in_version(event, version))
            kept = orjson.loads(event)
            latest_stamp = {"digitalriverVersion": LATEST_VERSION} if "versionIds" not in kept else {}
            assert {**shown, "data": None, **latest_stamp} == {**kept, "data": None}


def distinct(sales: list[Sale]) -> list[Sale]:
    """Each sale once, the first of any run."""
    return [sale for place, sale in enumerate(sales) if place == 0 or sale != sales[place - 1]]
