"""A bare loop of the HTTP client that sends drsim's webhooks: what delivering can cost at best.

Takes one JSON document on its standard input: `url`, `deliveries` (headers and body each), `count` and `concurrency`;
with a `rate` it makes no more in a second. Answers with how many seconds they took, and how many of processor time.
"""

import asyncio
import itertools
import sys
import time
from typing import Any

import aiohttp
import orjson
import uvloop


async def post(job: dict[str, Any]) -> tuple[float, float]:
    deliveries = [(headers, body.encode()) for headers, body in job["deliveries"]]
    turns = enumerate(itertools.islice(itertools.cycle(deliveries), job["count"]))
    connector = aiohttp.TCPConnector(limit=job["concurrency"])
    async with aiohttp.ClientSession(connector=connector) as session:
        began, busy_before = time.perf_counter(), time.process_time()

        async def work() -> None:
            for number, (headers, body) in turns:
                if "rate" in job:
                    await asyncio.sleep(max(0.0, began + number / job["rate"] - time.perf_counter()))
                async with session.post(job["url"], data=body, headers=headers) as response:
                    await response.read()
                    response.raise_for_status()

        await asyncio.gather(*(work() for _ in range(job["concurrency"])))
        return time.perf_counter() - began, time.process_time() - busy_before


if __name__ == "__main__":
    print(*uvloop.run(post(orjson.loads(sys.stdin.buffer.read()))))
