"""A bare loop of the HTTP client that sends drsim's webhooks: what delivering can cost at best.

Takes one JSON document on its standard input: `url`, `deliveries` (headers and body each), `count` and `concurrency`.
Answers with how many seconds the posts took, and how many of processor time.
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
    turns = itertools.islice(itertools.cycle(deliveries), job["count"])
    connector = aiohttp.TCPConnector(limit=job["concurrency"])
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for headers, body in turns:
                async with session.post(job["url"], data=body, headers=headers) as response:
                    await response.read()
                    response.raise_for_status()

        began, busy_before = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(job["concurrency"])))
        return time.perf_counter() - began, time.process_time() - busy_before


if __name__ == "__main__":
    print(*uvloop.run(post(orjson.loads(sys.stdin.buffer.read()))))
