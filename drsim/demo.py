"""`drsim demo`: the whole story in one terminal screen, on a real server and a real receiver.

Everything it says was read from the API or arrived at the receiver; what differs from what it expects makes it fail.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from drsim import bootstrap, machine
from drsim.domain.webhooks import verified
from drsim.web.front import Front

_EVENTS = (
    "order.accepted",
    "fulfillment.created",
    "order.charge.capture.complete",
    "order.charge.capture.failed",
    "order.charge.cancel.complete",
    "order.fulfilled",
    "order.complete",
)
_FAILING_CARD = "4000 0000 0000 4103"

Json = dict[str, Any]


async def demo() -> int:
    """Plays the story; returns 0, or 1 when anything was not as expected."""
    front = Front()
    listening = machine.listening("127.0.0.1", 0)
    settings = bootstrap.Settings(rate=0, seed=2022, base=machine.url(listening))
    async with bootstrap.backend(settings, front), machine.serving(front, listening) as url, _receiver() as received:
        front.opened.set()
        async with aiohttp.ClientSession(url, headers={"Authorization": "Bearer sk_test_drsim"}) as session:
            story = _Story(session, received)
            await story.play(url)
    if story.surprises:
        print(f"\n{len(story.surprises)} not as expected:", *story.surprises, sep="\n  ")
        return 1
    print("\nAll as expected. Start your own: drsim serve")
    return 0


@dataclass
class _Inbox:
    """What came to the receiver: signature header and raw body of each event."""

    url: str
    events: list[tuple[str, bytes]] = field(default_factory=list)


class _Story:
    """The story, its checks, and what was not as expected."""

    def __init__(self, session: aiohttp.ClientSession, inbox: _Inbox) -> None:
        self._session = session
        self._inbox = inbox
        self._secret = ""
        self.surprises: list[str] = []

    async def play(self, url: str) -> None:
        """Plays it from the first webhook to the last event."""
        _head(f"drsim demo: server {url}, receiver {self._inbox.url}")
        webhook = await self._post("/webhooks", {"types": list(_EVENTS), "address": self._inbox.url}, 201)
        secrets = await self._get(f"/_sim/webhooks/{webhook['id']}/secrets")
        self._secret = secrets["secrets"][0]
        _say("POST /webhooks", f"201, {len(_EVENTS)} event types, signed with {self._secret[:12]}…")
        await self._order_that_works()
        await self._order_whose_capture_fails()

    async def _order_that_works(self) -> None:
        _head("\nAn order of three units: two are shipped, one is cancelled")
        order = await self._order("4444 2222 3333 1111")
        item = order["items"][0]["id"]
        shipped = {"orderId": order["id"], "items": [{"itemId": item, "quantity": "2"}]}
        tracking = {"trackingCompany": "Fedex", "trackingNumber": "Z10100002632653"}
        fulfillment = await self._post("/fulfillments", {**shipped, **tracking}, 201)
        _say("POST /fulfillments", f"201, 2 units shipped with {fulfillment.get('trackingCompany')}")
        self._expect("tracking number", fulfillment.get("trackingNumber"), tracking["trackingNumber"])
        await self._settle()
        charge = await self._charge(order)
        self._expect("captured", [capture["amount"] for capture in charge["captures"]], [25.21])
        self._expect("charge after a partial capture", charge["state"], "capturable")

        cancelled = {"orderId": order["id"], "items": [{"itemId": item, "cancelQuantity": 1}]}
        await self._post("/fulfillments", cancelled, 201)
        _say("POST /fulfillments", "201, 1 unit cancelled")
        self._expect("order", (await self._get(f"/orders/{order['id']}"))["state"], "fulfilled")
        refusal = await self._post("/fulfillments", cancelled, 409)
        self._expect("trying again", refusal["errors"][0]["code"], "order_fulfilled")
        _say("POST /fulfillments", f"409 {refusal['errors'][0]['message']}")
        await self._settle()
        charge = await self._charge(order)
        self._expect("cancelled", [cancel["amount"] for cancel in charge["cancels"]], [12.6])
        self._expect("charge in the end", charge["state"], "complete")
        refusal = await self._post("/fulfillments", cancelled, 409)
        self._expect("trying once more", refusal["errors"][0]["code"], "order_complete")
        done = await self._get(f"/orders/{order['id']}")
        sums = [done[name] for name in ("totalAmount", "capturedAmount", "cancelledAmount")]
        self._expect("authorized = captured + cancelled", sums, [37.81, 25.21, 12.6])
        await self._timeline(order)

    async def _order_whose_capture_fails(self) -> None:
        _head(f"\nAn order paid with {_FAILING_CARD}: it is accepted, but the capture fails")
        order = await self._order(_FAILING_CARD)
        item = order["items"][0]["id"]
        await self._post("/fulfillments", {"orderId": order["id"], "items": [{"itemId": item, "quantity": 3}]}, 201)
        _say("POST /fulfillments", "201, 3 units shipped")
        await self._settle()
        failed = [orjson.loads(body) for _, body in self._inbox.events if b"capture.failed" in body]
        self._expect("order.charge.capture.failed events", len(failed), 1)
        told = failed[0]["data"]["object"] if failed else {"id": order["payment"]["charges"][0]["id"], "captures": []}
        charge = await self._get(f"/charges/{told['id']}")
        capture = charge["captures"][0]
        self._expect("message in the event", [each.get("failureMessage") for each in told["captures"]], [None])
        self._expect("message on the charge", capture.get("failureMessage"), "Failed to operate on charge")
        _say(f"GET /charges/{told['id'][:8]}…", f"{capture['failureCode']}: {capture['failureMessage']}")
        source = await self._get(f"/sources/{charge['sourceId']}")
        card = source["creditCard"]
        self._expect("card", [card["brand"], card["lastFourDigits"]], ["Visa", "4103"])
        _say(f"GET /sources/{source['id'][:8]}…", f"{card['brand']} ending in {card['lastFourDigits']}")
        await self._timeline(order)

    async def _order(self, card: str) -> Json:
        items = [{"name": "Widget", "price": 10.0, "quantity": 3}]
        source = {"type": "creditCard", "number": card}
        spec = {"items": items, "shipping": 5.0, "taxRate": 0.08025, "source": source}
        order: Json = await self._post("/_sim/orders", spec, 201)
        self._expect("total", order["totalAmount"], 37.81)
        _say("new order", f"{order['id']}, 3 x 10.00 + 5.00 shipping + 8.025 % tax = {order['totalAmount']}")
        return order

    async def _charge(self, order: Json) -> Json:
        charge: Json = await self._get(f"/charges/{order['payment']['charges'][0]['id']}")
        operations = [*charge.get("captures", []), *charge.get("cancels", [])]
        amounts = ", ".join(f"{each['amount']} {each['state']}" for each in operations)
        _say(f"GET /charges/{charge['id'][:8]}…", f"{charge['state']} of {charge['amount']}: {amounts}")
        return charge

    async def _settle(self) -> None:
        clock = await self._post("/_sim/settle", {"until": "idle"}, 200)
        _say("time passes", f"to {clock['now']}, nothing is pending")

    async def _timeline(self, order: Json) -> None:
        """Prints what happened to the order, each delivery with whether its signature was verified here."""
        entries = (await self._get(f"/_sim/orders/{order['id']}/timeline"))["data"]
        received = {orjson.loads(body)["id"]: (header, body) for header, body in self._inbox.events}
        deliveries = {entry["eventId"]: entry for entry in entries if entry["kind"] == "delivery"}
        self._expect("deliveries received", sum(each in received for each in deliveries), len(deliveries))
        print(_dim(f"  timeline of {order['id']}"))
        for entry in entries:
            line = f"    {entry['time'][11:19]}  {_described(entry)}"
            if entry["kind"] == "delivery":
                header, body = received.get(entry["eventId"], ("", b""))
                genuine = verified(header, self._secret, body)
                self._expect(f"signature of {entry['type']}", genuine, True)
                line += ", signature verified" if genuine else ", SIGNATURE WRONG"
            print(_dim(line))

    async def _get(self, path: str) -> Any:
        async with self._session.get(path) as response:
            self._expect(f"GET {path}", response.status, 200)
            return await response.json()

    async def _post(self, path: str, body: Json, status: int) -> Any:
        async with self._session.post(path, json=body) as response:
            self._expect(f"POST {path}", response.status, status)
            return await response.json()

    def _expect(self, what: str, seen: object, expected: object) -> None:
        if seen != expected:
            self.surprises.append(f"{what}: expected {expected!r}, saw {seen!r}")


def _described(entry: Json) -> str:
    if entry["kind"] == "call":
        return f"call      {entry['method']} {entry['path']} -> {entry['status']}"
    if entry["kind"] == "order":
        return f"order     {entry['state']}"
    if entry["kind"] in ("capture", "cancel"):
        return f"{entry['kind']:<9} {entry['amount']} {entry['state']}"
    if entry["kind"] == "delivery":
        return f"delivery  {entry['type']} -> {entry.get('status', entry.get('error'))}"
    return f"event     {entry['type']}"


@asynccontextmanager
async def _receiver() -> AsyncIterator[_Inbox]:
    inbox = _Inbox("")

    async def take(request: web.Request) -> web.Response:
        inbox.events.append((request.headers.get("DigitalRiver-Signature", ""), await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/hooks", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        yield inbox
    finally:
        await runner.cleanup()


def _colored() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in machine.environment()


def _head(text: str) -> None:
    print(f"\033[1m{text}\033[0m" if _colored() else text)


def _dim(text: str) -> str:
    return f"\033[2m{text}\033[0m" if _colored() else text


def _say(what: str, outcome: str) -> None:
    print(f"  {what:<24} {outcome}")
