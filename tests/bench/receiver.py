"""A receiver of webhooks that does nothing but count, as fast as it can. Run: python -m tests.bench.receiver.

Any POST is a delivery and is answered 200, but one to `/slow` after 2.5 seconds, one to `/silent` never; these two
do not count. `PUT /hold` keeps the answers back until `PUT /release`, so that deliveries pile up at the sender;
`GET /stats` tells what came, `GET /samples` some of it, and `PUT /forget` starts counting anew.
"""

import asyncio
import re
import time
from typing import Any, cast

import orjson
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_SAMPLES = 500
_SLOW = 2.5


class Tally:
    """What came so far; times are seconds since the count began."""

    def __init__(self) -> None:
        self.held: list[asyncio.Transport] | None = None
        self.forget()

    def forget(self) -> None:
        self.began = time.perf_counter()
        self.count = 0
        self.size = 0
        self.first = 0.0
        self.last = 0.0
        self.held_most = 0
        self.released: tuple[float, int] | None = None
        self.samples: list[tuple[bytes, bytes]] = []

    def deliver(self, head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        self.count += 1
        self.size += len(body)
        self.last = time.perf_counter() - self.began
        self.first = self.first or self.last
        if len(self.samples) < _SAMPLES:
            self.samples.append((head, body))
        if self.held is None:
            transport.write(_OK)
        else:
            self.held.append(transport)
            self.held_most = max(self.held_most, len(self.held))

    def release(self) -> None:
        self.released = (time.perf_counter() - self.began, self.count)
        held, self.held = self.held or [], None
        for transport in held:
            transport.write(_OK)

    def stats(self) -> dict[str, Any]:
        now = time.perf_counter() - self.began
        return {
            "count": self.count,
            "bytes": self.size,
            "first": self.first,
            "last": self.last,
            "now": now,
            "heldMost": self.held_most,
            "released": self.released,
        }


class Exchange(asyncio.Protocol):
    """One connection of a sender."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.partial = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        data = self.partial + data if self.partial else data
        while (head := data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(data, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(data) < end:
                break
            self._handle(data[:head], data[head + 4 : end])
            data = data[end:]
        self.partial = data

    def _handle(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST /silent"):
            return
        if head.startswith(b"POST /slow"):
            asyncio.get_running_loop().call_later(_SLOW, self.transport.write, _OK)
            return
        if head.startswith(b"POST "):
            self.tally.deliver(head, body, self.transport)
            return
        target = head.split(b" ", 2)[1]
        answer: Any = {}
        if target == b"/hold":
            self.tally.held = []
        elif target == b"/release":
            self.tally.release()
        elif target == b"/forget":
            self.tally.forget()
        elif target == b"/stats":
            answer = self.tally.stats()
        elif target == b"/samples":
            answer = [[head.decode(), body.decode()] for head, body in self.tally.samples]
        content = orjson.dumps(answer)
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content)


async def main() -> None:
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(lambda: Exchange(tally), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
