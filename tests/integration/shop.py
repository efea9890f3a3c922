"""A small shop that ships what Digital River has accepted: an example of an integration, to be tested with `drsim run`.

It needs nothing but the standard library and talks nothing but HTTP: see `python shop.py --help`.
"""

import argparse
import base64
import hashlib
import hmac
import json
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

BROKEN = ("ignores-failed-capture", "fulfils-before-accepted", "handles-duplicates-twice")
OLDEST_SIGNATURE = 300
ATTEMPTS, PAUSE = 4, 0.05


class Api:
    """A client of the Digital River API. Repeats what failed on the server's side; what was refused stays refused."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def get(self, path: str) -> Json:
        """Reads a resource."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Json) -> Json:
        """Creates or changes a resource."""
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> Json:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, body, headers, method=method)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    read: Json = json.load(answer)
                    return read
            except urllib.error.HTTPError as error:
                with error:
                    if error.code < 500 or attempt == ATTEMPTS:
                        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from None
            time.sleep(PAUSE * attempt)
        raise AssertionError("unreachable")


class Shop:
    """What the shop does about events, one at a time; `shipments` is what it knows, by fulfillment."""

    def __init__(self, api: Api, broken: str | None, pause: float) -> None:
        self._api = api
        self._broken = broken
        self._pause = pause
        self._handlers = {
            "order.created" if broken == "fulfils-before-accepted" else "order.accepted": self._ship,
            "order.charge.capture.failed": self._stop_shipments,
        }
        if broken == "ignores-failed-capture":
            del self._handlers["order.charge.capture.failed"]
        self._events: queue.Queue[Json] = queue.Queue()
        self._known: set[str] = set()
        self.shipments: dict[str, Json] = {}

    def take(self, event: Json) -> None:
        """Takes an event in, to be worked on later, and only once however often it comes."""
        if event["id"] not in self._known or self._broken == "handles-duplicates-twice":
            self._known.add(event["id"])
            if event["type"] in self._handlers:
                self._events.put(event)

    def work(self) -> None:
        """Works on the events for ever."""
        while True:
            event = self._events.get()
            time.sleep(self._pause)
            try:
                self._handlers[event["type"]](event["data"]["object"])
            except Exception as error:  # one event that goes wrong must not keep the next ones waiting
                print(f"{event['type']} {event['id']}: {error}", file=sys.stderr, flush=True)

    def _ship(self, order: Json) -> None:
        """Ships all of an order."""
        items = [{"itemId": item["id"], "quantity": item["quantity"]} for item in order["items"]]
        tracking = {"trackingCompany": "Example Parcel", "trackingNumber": f"EP{order['id']}"}
        sent = {"orderId": order["id"], "items": items, "shipmentId": f"shipment-{order['id']}", **tracking}
        fulfillment = self._api.post("/fulfillments", sent)
        self.shipments[fulfillment["id"]] = {"orderId": order["id"], "state": "shipped", "items": fulfillment["items"]}

    def _stop_shipments(self, told: Json) -> None:
        """Cancels the shipments that will not be paid. Why that is stands on the charge, not in the event."""
        charge = self._api.get(f"/charges/{told['id']}")
        failed = [capture for capture in charge["captures"] if capture["state"] == "failed"]
        for capture in failed:
            fulfillment = self._api.get(f"/fulfillments/{capture['fulfillmentId']}")
            reason = capture.get("failureMessage", capture["failureCode"])
            stopped = {"orderId": charge["orderId"], "state": "cancelled", "items": fulfillment["items"]}
            self.shipments[fulfillment["id"]] = {**stopped, "reason": reason}
            noted = {"shipment": "cancelled", "reason": reason}
            self._api.post(f"/orders/{charge['orderId']}", {"metadata": noted})
        self._cancel_the_rest(charge["orderId"])

    def _cancel_the_rest(self, order_id: str) -> None:
        """Cancels the units of an order that no fulfillment has told of yet."""
        left = {item["id"]: int(item["quantity"]) for item in self._api.get(f"/orders/{order_id}")["items"]}
        for fulfillment in self._api.get(f"/fulfillments?orderId={order_id}&limit=100")["data"]:
            for item in fulfillment["items"]:
                left[item["itemId"]] -= item.get("quantity", 0) + item.get("cancelQuantity", 0)
        items = [{"itemId": id, "cancelQuantity": quantity} for id, quantity in left.items() if quantity]
        if items:
            self._api.post("/fulfillments", {"orderId": order_id, "items": items})


def is_genuine(header: str, secret: str, body: bytes) -> bool:
    """Whether a `DigitalRiver-Signature` was made with this secret for this raw body, and not long ago."""
    seconds, *signatures = header.split(", ")
    if not seconds.isdecimal() or abs(time.time() - int(seconds)) > OLDEST_SIGNATURE:
        return False
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).digest()
    return any(hmac.compare_digest(base64.b64encode(digest), each.encode()) for each in signatures)


def handler(shop: Shop, secret: str) -> type[BaseHTTPRequestHandler]:
    """The shop's own endpoints: `POST /hooks` for events, `GET /shipments` for people."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not is_genuine(self.headers.get("DigitalRiver-Signature", ""), secret, body):
                return self._answer(400, {"error": "wrong signature"})
            shop.take(json.loads(body))
            return self._answer(202, {})

        def do_GET(self) -> None:
            self._answer(200, {"shipments": dict(shop.shipments)})

        def _answer(self, status: int, body: Json) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--port", type=int, default=3000, help="where it listens, 0 for a free port")
    parser.add_argument("--api", default="http://127.0.0.1:3774", help="address of the API")
    parser.add_argument("--key", default="sk_test_drsim", help="secret key of the API")
    parser.add_argument("--secret", default="whk_drsim", help="what signs the events")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each event is worked on")
    parser.add_argument("--broken", choices=BROKEN, help="a mistake to make, for a test that has to find it")
    chosen = parser.parse_args()
    shop = Shop(Api(chosen.api, chosen.key), chosen.broken, chosen.pause)
    threading.Thread(target=shop.work, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), handler(shop, chosen.secret))
    print(f"the shop listens at http://127.0.0.1:{server.server_address[1]}/hooks", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
