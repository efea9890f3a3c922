"""`drsim wait`: waits until a server answers; what the Docker health check runs."""

import sys
import urllib.error
import urllib.request

from drsim import machine

_EVERY = 0.1


def wait(url: str, seconds: float) -> int:
    """Returns 0 as soon as the server at `url` answers its health check, 3 when it has not within `seconds`."""
    left = seconds
    while True:
        started = machine.wall()
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{url}/_sim/health", timeout=max(0.1, min(left, 2))) as response:
                if response.status == 200:
                    return 0
        except (urllib.error.URLError, OSError, ValueError) as error:
            problem = getattr(error, "reason", error)
        machine.pause(_EVERY)
        left -= (machine.wall() - started) / 1_000_000
        if left <= 0:
            print(f"drsim: nothing answers at {url} within {seconds:g} s: {problem}", file=sys.stderr)
            return 3
