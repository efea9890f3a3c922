"""A client that a public generator makes of the description lives through an order: list, ship, look, refund."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.described import document
from tests.harness import Client, Drsim


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a generated package that can be imported meanwhile."""
    folder: Path = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(orjson.dumps(document()))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    options = ["--path", str(folder / "openapi.json"), "--output-path", str(folder / "generated_client")]
    (folder / "config.yaml").write_text("post_hooks: []\n")  # or it would format what nobody reads
    done = subprocess.run(
        [*command, *options, "--config", str(folder / "config.yaml")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield "generated_client"
    sys.path.remove(str(folder))


def test_a_generated_client_ships_and_refunds_an_order(package: str, drsim: Drsim, client: Client) -> None:
    made = client.order(upstreamId="for-the-client")
    client.order(upstreamId="another")
    models = importlib.import_module(f"{package}.models")
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    api = importlib.import_module(f"{package}.client").AuthenticatedClient(
        base_url=drsim.url, token=key, raise_on_unexpected_status=True, httpx_args={"trust_env": False}
    )

    def call(name: str, *given: Any, **named: Any) -> Any:
        return importlib.import_module(f"{package}.api.{name}").sync(*given, client=api, **named)

    with api:
        (listed,) = call(
            "orders.list_orders", upstream_ids=["for-the-client"], created_timegte="2022-07-01T00:00:00Z"
        ).data
        order = call("orders.get_order", listed.id)
        assert (order.id, order.state, order.total_amount) == (made["id"], "accepted", 37.81)
        item = models.FulfillmentItemBody(item_id=order.items[0].id, quantity=2, cancel_quantity=1)
        fulfillment = call(
            "fulfillments.create_fulfillment", body=models.FulfillmentBody(order_id=order.id, items=[item])
        )
        assert [(line.quantity, line.cancel_quantity) for line in fulfillment.items] == [(2, 1)]
        clock = call("control.settle", body=models.SettleBody(until=models.SettleBodyUntil.IDLE))
        assert clock.mode == "manual"
        charge = call("charges.get_charge", order.payment.charges[0].id)
        assert [(each.amount, each.state) for each in charge.captures] == [(25.21, "complete")]
        assert [(each.amount, each.state) for each in charge.cancels] == [(12.6, "complete")]
        asked = models.RefundBody(order_id=order.id, currency="USD", amount=25.21)
        refund = call("refunds.create_refund", body=asked)
        call("control.settle", body=models.SettleBody(until=models.SettleBodyUntil.IDLE))
        refund = call("refunds.get_refund", refund.id)
        assert (refund.state, refund.refunded_amount) == ("succeeded", 25.21)
        again = call("refunds.create_refund", body=asked)
        assert isinstance(again, models.BadRequest)
        assert (again.errors[0].code, again.errors[0].parameter) == ("invalid_parameter", "amountRequested")
        lost = call("orders.get_order", "nowhere")
        assert isinstance(lost, models.NotFound)
        events = call("events.list_events", order_id=order.id, type_="order.*", limit=100).data
        told = {event.type_ for event in events}
        assert {"order.accepted", "order.complete", "order.refunded"} <= told
