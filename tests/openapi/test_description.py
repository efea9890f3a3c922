"""The description of the API is complete: what is served is described, and what is described is served."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import drsim
import drsim.web
from drsim.domain.account import LATEST_VERSION, VERSIONS
from drsim.domain.events import EMITTED
from drsim.web.app import routes
from drsim.web.bodies.fields import Body
from drsim.web.lists import Listing
from drsim.web.openapi import CHAPTERS, refusals
from drsim.web.openapi.document import OPERATIONS, served
from drsim.web.openapi.events import SUBJECTS
from tests.described import document, operation_of, resolved, validator
from tests.harness import JSON, Client, Drsim
from tests.openapi.story import EXAMPLES, examples

SOURCES = sorted(Path(drsim.__file__).parent.rglob("*.py"))


def endpoints() -> dict[str, Any]:
    """The function of each route."""
    return {
        f"{verb} {route.path}": endpoint
        for route in routes()
        for verb, endpoint in inspect.getclosurevars(route.endpoint).nonlocals["verbs"].items()
    }


@pytest.mark.parametrize("version", [VERSIONS[0], "2020-12-17", LATEST_VERSION])
def test_the_document_is_valid_in_every_version(version: str) -> None:
    OpenAPIV31SpecValidator(document(version)).validate()


def test_every_route_is_described_in_one_chapter_and_nothing_else_is() -> None:
    described = [route for chapter in CHAPTERS for route in chapter.operations]
    missing, gone = sorted(served().keys() - set(described)), sorted(set(described) - served().keys())
    assert missing == [], "served, but not described: see the docstring of drsim/web/openapi"
    assert gone == [], "described, but not served"
    assert len(described) == len(set(described)), "described in two chapters"
    ids = [operation.id for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("route", sorted(OPERATIONS))
def test_every_route_says_what_it_does(route: str) -> None:
    operation = operation_of(route)
    assert operation["summary"]
    for name in ("parameters", "responses"):
        assert all(resolved(each).get("description") for each in _each(operation[name]) if each.get("in") != "path")


def _each(parts: Any) -> list[JSON]:
    return list(parts.values()) if isinstance(parts, dict) else parts


@pytest.mark.parametrize("route", sorted(endpoints().keys() & OPERATIONS.keys()))
def test_the_body_of_every_route_is_the_one_that_it_reads(route: str) -> None:
    body = OPERATIONS[route].body
    assert _imported(endpoints()[route]) == ({body.__name__} if body else set())


_READERS = {
    "drsim.format.load.read": "World",
    "drsim.web.asked.read_source": "SourceBody",
    "drsim.web.asked.read_change": "SourceChangeBody",
}
"""Functions that read a body by themselves, and the model of it."""


def _imported(function: Any) -> set[str]:
    """The models of bodies that a function imports, by itself or with the function that reads them."""
    imports = [node for node in _nodes(function) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    models = {name for name in names if name.startswith(("drsim.web.bodies.", "drsim.format.models."))}
    read = {_READERS[name] for name in names & _READERS.keys()}
    return read | {name for each in models if (name := each.rpartition(".")[2])[0].isupper()}


def _nodes(function: Any, seen: frozenset[Any] = frozenset()) -> list[ast.AST]:
    """All syntax of a function and of those of its module that it calls."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for helper in dict.fromkeys(function.__globals__.get(name) for name in called):
        if inspect.isfunction(helper) and helper.__module__ == function.__module__ and helper not in seen | {function}:
            nodes += _nodes(helper, seen | {function})
    return nodes


def _loaded(package: Any) -> list[Any]:
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [importlib.import_module(name) for name in names]


def test_every_model_of_a_body_is_described() -> None:
    described = document()["components"]["schemas"]
    models = {
        each.__name__
        for module in _loaded(drsim.web)
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, Body) and not each.__subclasses__()
    }
    assert models
    assert models - set(described) == set()


def test_every_listing_is_described() -> None:
    described = {id(operation.listing) for operation in OPERATIONS.values()}
    for module in _loaded(drsim.web):
        for each in vars(module).values():
            assert not isinstance(each, Listing) or id(each) in described, f"the listing of {module.__name__}"


def test_every_filter_of_a_listing_is_a_parameter_with_its_ranges() -> None:
    for route, operation in OPERATIONS.items():
        filters = operation.listing.filters if operation.listing else {}
        ranged = {name for name, kind in filters.items() if kind in ("time", "amount")}
        ranges = {f"{name}[{each}]" for name in ranged for each in ("eq", "gt", "gte", "lt", "lte")}
        assert {*filters, *ranges} <= _parameters(route), route


def _parameters(route: str) -> set[str]:
    return {resolved(each)["name"] for each in operation_of(route)["parameters"]}


@pytest.mark.parametrize("route", sorted(endpoints().keys() & OPERATIONS.keys()))
def test_every_parameter_that_a_route_asks_for_is_described(route: str) -> None:
    assert _asked(endpoints()[route]) - _parameters(route) == set()


def _asked(function: Any) -> set[str]:
    """The parameters of the query string that a function names."""
    found: set[str] = set()
    for node in _nodes(function):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("query_params"):
            found |= _text(node.slice)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called.endswith("query_params.get"):
            found |= _text(node.args[0])
        if called in ("several", "_whole_number"):
            found |= _text(node.args[1])
        if called == "limit_of":
            found.add("limit")
    return found


def _text(node: ast.AST) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_schema_is_used() -> None:
    text = orjson.dumps(document()).decode()
    unused = [name for name in document()["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]
    # A body whose null means something is written out where it is sent.
    assert set(unused) <= {
        operation.body.__name__ for operation in OPERATIONS.values() if operation.nulls and operation.body
    }


def test_every_code_of_an_error_is_explained_and_every_explained_one_can_occur() -> None:
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        for kind, code in _refused(ast.parse(path.read_text())):
            found.setdefault(kind, set()).add(code)
    for known, codes in refusals.CODES.items():
        # What a behavior rule brings about is no literal.
        assert found.pop(known, set()) == set(codes) - {"failed-request"}, known
    assert set(found) == {"method_not_allowed", "internal_server_error"}


def _refused(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Kind and code of each refusal in the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "_conflict"):
            texts = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
            kind, code, *_ = ["conflict", *texts] if node.func.id == "_conflict" else texts
            if isinstance(kind, str) and isinstance(code, str):
                yield kind, code


def test_it_is_said_of_every_event_what_it_is_about_once() -> None:
    for type in EMITTED:
        assert len([each for each in SUBJECTS if re.match(each, type)]) == 1, type


def test_the_examples_are_what_the_story_gets_to_see() -> None:
    assert examples() == EXAMPLES.read_bytes(), "write them anew: python -m tests.openapi.story"


@pytest.mark.parametrize("route", sorted(OPERATIONS.keys() - {"GET /_sim/openapi.json"}))
def test_every_route_has_an_example_that_fits(route: str) -> None:
    operation = operation_of(route)
    answers = operation["responses"][str(OPERATIONS[route].status)].get("content", {})
    for content in (answers, operation.get("requestBody", {}).get("content", {})):
        if it := content.get("application/json"):
            error = next(validator(orjson.dumps(it["schema"])).iter_errors(it["example"]), None)
            assert error is None, f"{route}: {error}"


def test_every_refusal_has_an_example() -> None:
    for response in document()["components"]["responses"].values():
        it = response["content"]["application/json"]
        assert validator(orjson.dumps(it["schema"])).is_valid(it["example"])


def test_the_server_describes_itself_in_every_version(client: Client) -> None:
    for version in VERSIONS:
        shown = client.ok(client.get("/_sim/openapi.json", params={"version": version}))
        assert shown == document(version)
        assert shown["info"]["version"] == version
    assert client.get("/_sim/openapi.json").json() == document(LATEST_VERSION)
    assert client.get("/_sim/openapi.json?version=2020-01-01").status_code == 400


def test_the_command_prints_it_or_writes_it_to_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "drsim.cli", "openapi"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    shown = orjson.loads(printed.stdout)
    assert shown == {**document(), "servers": [{"url": "http://127.0.0.1:3774"}]}
    file = tmp_path / "openapi.json"
    options = ["--output", str(file), "--api-version", "2020-01-07", "--url", "http://drsim:80"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert orjson.loads(file.read_bytes()) == {**document("2020-01-07"), "servers": [{"url": "http://drsim:80"}]}


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [(["--output", "nowhere/x.json"], 3, "cannot write"), (["--api-version", "2020"], 2, "is not a version")],
)
def test_what_cannot_be_written_or_said_is_told(options: list[str], code: int, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drsim.cli", "openapi", *options], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_answer_that_is_not_as_described_is_found(drsim: Drsim, client: Client) -> None:
    order = client.order()
    schema = orjson.dumps({"$ref": "#/components/schemas/Order"})
    assert validator(schema).is_valid(order)
    assert not validator(schema).is_valid({**order, "unheardOf": 1})
    assert not validator(schema).is_valid({**order, "state": "lost"})
    assert not validator(schema).is_valid({name: each for name, each in order.items() if name != "payment"})
    older = client.ok(client.get(f"/orders/{order['id']}", headers={"DigitalRiver-Version": "2020-01-07"}))
    assert validator(schema, "2020-01-07").is_valid(older)
    assert not validator(schema, "2020-01-07").is_valid(order)
