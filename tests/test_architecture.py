"""The shape of the code: imports point down, starting loads little, every route says what it is."""

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

import drsim
from drsim.web.app import routes
from tests.harness import Drsim

ROOT = Path(__file__).parents[1]
PACKAGE = Path(drsim.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

SLOW = ("pydantic", "pydantic_core", "faker", "yaml", "aiohttp", "httpx", "rich", "jinja2", "hypothesis")
"""What costs too much to be loaded before it is needed."""


def test_imports_point_down_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_starting_and_the_first_answers_load_nothing_slow() -> None:
    with Drsim("--clock", "manual", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}) as server:
        client = server.client()
        order = client.ok(client.get("/orders"))["data"][0]
        for path in ("/_sim/health", "/events", "/_sim/clock", f"/orders/{order['id']}", "/webhooks"):
            assert client.get(path).status_code == 200
        client.http.close()
        code, _, errors = server.stop()
    assert code == 0
    loaded = {line.rpartition("|")[2].strip() for line in errors.splitlines() if line.startswith("import time:")}
    assert {"drsim.serve", "uvicorn"} <= loaded
    assert loaded & set(SLOW) == set()
    assert len(loaded) < 470


_SERVED_WITHOUT_COLLECTOR = """
import asyncio, gc
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from drsim import bootstrap, machine
from drsim.web.front import Front

CALLS = ("GET /orders HTTP/1.1", "GET /orders/nothing HTTP/1.1", "POST /fulfillments HTTP/1.1", "GET /nowhere HTTP/1.1")

async def main():
    front, listening = Front(), machine.listening("127.0.0.1", 0)
    async with bootstrap.backend(bootstrap.Settings(), front), machine.serving(front, listening) as url:
        front.opened.set()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        for number in range(40):
            head = f"{CALLS[number % 4]}\\r\\nHost: localhost\\r\\nAuthorization: Bearer sk_test_1\\r\\n"
            writer.write(f"{head}Content-Length: 0\\r\\n\\r\\n".encode())
            answer = await reader.readuntil(b"\\r\\n\\r\\n")
            length = int(answer.lower().partition(b"content-length: ")[2].split()[0])
            await reader.readexactly(length)
            if number == 3:  # whatever is only made on first use
                gc.collect()
                gc.disable()
        print(sum(isinstance(each, RequestResponseCycle) for each in gc.get_objects()))
        writer.close()
    return 0

machine.run(main)
"""


def test_calls_are_gone_when_they_are_answered_without_the_collector() -> None:
    """It would have to look through everything that is kept, and stops the server meanwhile."""
    assert int(python(_SERVED_WITHOUT_COLLECTOR)) <= 2  # the last one, and who follows it on its connection


def test_importing_the_package_loads_nothing_but_itself() -> None:
    assert (
        python("import sys; before = set(sys.modules); import drsim; print(*(set(sys.modules) - before))") == "drsim\n"
    )


def test_importing_every_module_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = f"""
import importlib, os, threading
os.chdir({str(tmp_path)!r})
for name in {names!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
assert os.listdir() == []
"""
    assert python(code) == ""


def endpoints() -> list[tuple[str, str, Any]]:
    """Verb, path and function of every route."""
    return [
        (verb, route.path, endpoint)
        for route in routes()
        for verb, endpoint in inspect.getclosurevars(route.endpoint).nonlocals["verbs"].items()
    ]


@pytest.mark.parametrize(("verb", "path", "endpoint"), endpoints())
def test_every_route_says_what_it_is(verb: str, path: str, endpoint: Any) -> None:
    assert (endpoint.__doc__ or "").startswith(f"`{verb} {path}`"), f"{endpoint.__module__}.{endpoint.__name__}"


def test_no_route_stands_in_the_way_of_another() -> None:
    paths = [route.path for route in routes()]
    assert len(set(paths)) == len(paths)
    assert all(isinstance(route, Route) for route in routes())
    for place, path in enumerate(paths):
        example = path.replace("{id}", "some-id")
        first = next(route for route in routes() if route.path_regex.match(example))
        assert first.path == path, f"{path} (route {place}) is never reached"


def test_only_the_edge_can_read_the_clock_or_chance() -> None:
    """What ruff bans by name is here banned by module, but for the files that pyproject.toml lets off."""
    ignored = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["per-file-ignores"]
    edge = [pattern for pattern, codes in ignored.items() if "TID251" in codes and pattern.startswith("drsim/")]
    assert len(edge) <= 3
    banned = {"time", "random", "secrets", "uuid", "tests"}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        if not any(path.relative_to(ROOT).match(pattern) for pattern in edge)
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.partition(".")[0] in banned
    ]
    assert found == []


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_lives_there(path: Path) -> None:
    tree = ast.parse(path.read_text())
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.rstrip().endswith((".", "!")), "no sentence at the top"
