"""The shape of the code: imports point down, starting loads little, every route says what it is."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

import drsim
from drsim.web.app import routes

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


LOADED = f"""
import sys
print(*[name for name in {SLOW!r} if name in sys.modules])
print(len(sys.modules))
"""

FIRST_ANSWER = """
import asyncio
from drsim import bootstrap
from drsim.engine import catalog

async def main():
    async with bootstrap.backend(bootstrap.Settings()) as running:
        await running.perform_by_default(catalog.stock)
        running.opened.set()
        got = []
        for path in ("/_sim/health", "/orders", "/events", "/_sim/clock"):
            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}
            async def send(message):
                got.append(message.get("status"))
            headers = [(b"authorization", b"Bearer sk_test_drsim")]
            scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
            await running.app({**scope, "headers": headers, "client": None, "http_version": "1.1"}, receive, send)
        assert got == [200, None] * 4, got

asyncio.run(main())
"""


@pytest.mark.parametrize("start", ["import drsim.cli, drsim.serve", FIRST_ANSWER])
def test_starting_and_the_first_answers_load_nothing_slow(start: str) -> None:
    slow, count = python(start + LOADED).split("\n")[:2]
    assert slow == ""
    assert int(count) < 420


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


def test_only_the_composition_root_can_read_the_clock_or_chance() -> None:
    """What ruff bans by name is here banned by module: nobody else imports what could tell the time or roll dice."""
    banned = {"time", "random", "secrets", "uuid", "tests"}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        if path.name != "bootstrap.py"
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
