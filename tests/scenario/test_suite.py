"""The scenarios that ship, and the page about them: all pass and are listed, and nothing of the language is missing."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from drsim.domain.matching import check
from drsim.domain.methods import TEST_CARDS, TEST_NAMES
from drsim.format.faults import FaultModel
from drsim.format.part import Part
from drsim.scenario.files import File, found, read_all
from drsim.scenario.steps import KINDS
from tests.scenario.playing import ROOT, called, drsim, written

SUITE = ROOT / "scenarios"
PAGE = (SUITE / "README.md").read_text()
LANGUAGE, _, INDEX = PAGE.partition("## The suite")
VARIABLES = {"API_URL": "http://x", "API_KEY": "sk_test_x", "PUBLIC_KEY": "pk_test_x", "WEBHOOK_URL": "http://x/hooks"}
OPERATORS = re.findall(r"\$\w+", check({"$nonsense": 1}) or "")[1:]


@pytest.fixture(scope="module")
def files() -> list[File]:
    """Every scenario that ships."""
    return read_all(found([str(SUITE)]), lambda path: VARIABLES)


def test_the_whole_suite_passes(tmp_path: Path, files: list[File]) -> None:
    ran = drsim("run", "scenarios/", "--jobs", "4", "--junit", str(tmp_path / "report.xml"), timeout=120)
    assert (ran.code, ran.err) == (0, ""), ran.out + ran.err
    assert f"\n{len(files)} passed in " in ran.out
    suite = ElementTree.fromstring((tmp_path / "report.xml").read_bytes())
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": str(len(files)), "failures": "0", "errors": "0", "skipped": "0"}


def test_no_scenario_needs_another_one_before_it(files: list[File]) -> None:
    quick = [os.path.relpath(file.path, ROOT) for file in files if "slow" not in file.scenario.tags]
    ran = drsim("run", *reversed(quick), "--jobs", "1", timeout=120)
    assert (ran.code, ran.err) == (0, ""), ran.out + ran.err


def test_only_one_scenario_is_slow(files: list[File]) -> None:
    assert sum("slow" in file.scenario.tags for file in files) == 1


def test_every_scenario_tells_what_it_shows_and_looks_at_it(files: list[File]) -> None:
    for file in files:
        it = file.scenario
        assert all((it.description, it.tags, it.steps, it.clock)), file.path
        assert not it.name.endswith("."), file.path


def test_every_scenario_can_be_served(files: list[File]) -> None:
    # `serve` knows no variables of a run: the world must do without them.
    for file in files:
        world = file.loaded.document.text.partition("\nsteps:")[0]
        assert not set(re.findall(r"\$\{(\w+)", world)) & VARIABLES.keys(), file.path


def test_the_index_lists_every_scenario_by_its_name_and_nothing_else(files: list[File]) -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", INDEX, re.MULTILINE)
    assert listed == sorted(listed, key=lambda entry: (list(folders()).index(Path(entry[1]).parent.name), entry[1]))
    names = {str(Path(file.path).relative_to(SUITE)): file.scenario.name for file in files}
    assert {path: name for name, path in listed} == names
    assert len(listed) == len(names)


def folders() -> dict[str, None]:
    """The folders that the index has, in its order."""
    return dict.fromkeys(re.findall(r"^### (.+)$", INDEX, re.MULTILINE))


# What there is, is used and told.


def parts_of(annotation: Any) -> Iterator[type[Part]]:
    """The models that stand in a type, and in the types it is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for inner in (*getattr(annotation, "__args__", ()), *getattr(annotation, "__metadata__", ())):
        yield from parts_of(inner)


def keys_of(model: type[Part]) -> set[tuple[str, str]]:
    """Every key that may stand in steps of this kind, with its model; what the world has too is not followed."""
    keys = {(model.__name__, field.alias or name) for name, field in model.model_fields.items()}
    for field in model.model_fields.values():
        for part in parts_of(field.annotation):
            if not part.__module__.startswith("drsim.format"):
                keys |= keys_of(part)
    return keys


def used_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every key that stands in a model and in the models within it."""
    if isinstance(value, Part):
        fields = type(value).model_fields
        for name in value.model_fields_set:
            yield type(value).__name__, fields[name].alias or name
            yield from used_in(getattr(value, name))
    for each in value if isinstance(value, tuple) else ():
        yield from used_in(each)


STEP_KEYS = sorted(set().union(*map(keys_of, KINDS.values())))
FAULT_PARTS: list[type[Part]] = [
    FaultModel,
    *(part for each in FaultModel.model_fields.values() for part in parts_of(each.annotation)),
]
FAULT_KEYS = sorted(
    (part.__name__, field.alias or name) for part in FAULT_PARTS for name, field in part.model_fields.items()
)


def test_every_key_of_every_step_and_fault_is_used_by_some_scenario(files: list[File]) -> None:
    used: set[tuple[str, str]] = set()
    for file in files:
        used |= set(used_in(file.scenario.steps)) | set(used_in(file.scenario.faults))
    missing = [key for key in (*STEP_KEYS, *FAULT_KEYS) if key not in used]
    # Every kind of step may have a name; one with a name is enough.
    assert [key for key in missing if key[1] != "name"] == []
    assert any(name == "name" for _, name in used)


@pytest.mark.parametrize("key", sorted({name for _, name in (*STEP_KEYS, *FAULT_KEYS)}))
def test_every_key_of_every_step_and_fault_is_told(key: str) -> None:
    assert re.search(rf"(?<![\w$]){re.escape(key)}(?!\w)", LANGUAGE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_step_is_told_and_shown(kind: str) -> None:
    assert re.search(rf"^\| `{kind}: ", LANGUAGE, re.MULTILINE)
    assert f"**`{kind}`**" in LANGUAGE
    assert re.search(rf"^ *- {kind}:|^ *- {{{kind}:", "\n".join(snippets()), re.MULTILINE)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_told_shown_and_used(operator: str, files: list[File]) -> None:
    assert f"`{operator}" in LANGUAGE
    assert any(f"{operator}:" in snippet for snippet in snippets())
    assert any(f"{operator}:" in file.loaded.document.text for file in files)


def test_there_are_operators_to_look_for() -> None:
    assert {"$eq", "$exists", "$not"} <= set(OPERATORS)


@pytest.mark.parametrize(("number", "stage"), [(number, it.stage) for number, it in TEST_CARDS.items()])
def test_every_failing_card_has_its_scenario(number: str, stage: str, files: list[File]) -> None:
    folder = "refunds" if stage == "refund" else "test-cards"
    assert any(number in file.loaded.document.text.replace(" ", "") for file in in_folder(files, folder))


@pytest.mark.parametrize(
    ("type", "name", "stage"),
    [(type, name, trouble.stage) for types, name, trouble in TEST_NAMES for type in types],
)
def test_every_failing_name_of_every_method_has_its_scenario(
    type: str, name: str, stage: str, files: list[File]
) -> None:
    folder = "refunds" if stage == "refund" else "test-names"
    written = re.compile(rf"type: {type}, owner: {{[^}}]*lastName: {name}}}")
    assert any(written.search(file.loaded.document.text) for file in in_folder(files, folder))


def in_folder(files: list[File], folder: str) -> list[File]:
    """The scenarios in one folder of the suite."""
    return [file for file in files if Path(file.path).parent.name == folder]


# The page's examples.

WORLD = """scenario: An example
given:
  webhooks: [{as: hooks}]
  orders: [{as: order, items: [{as: widget, price: 10.00, quantity: 3}]}]
"""


def snippets() -> list[str]:
    """The page's YAML, block by block."""
    return re.findall(r"```yaml\n(.*?)```", LANGUAGE, re.DOTALL)


def whole(snippet: str) -> str:
    """A snippet as a whole scenario; steps are put into a world with an order and a webhook."""
    if snippet.startswith("scenario:"):
        return snippet
    return f"{WORLD}steps:\n" + "".join(f"  {line}\n" for line in snippet.splitlines())


@pytest.mark.parametrize("number", range(len(snippets())))
def test_every_example_of_the_page_fits(number: int, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(whole(snippets()[number]))
    ran = called("check", str(path))
    assert (ran.code, ran.err) == (0, "")


def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    for number, snippet in enumerate(snippets()):
        if "receiver:" not in snippet and "behave:" not in snippet:
            (tmp_path / f"example{number}.yaml").write_text(whole(snippet).replace("An example", f"Example {number}"))
    ran = drsim("run", str(tmp_path))
    assert (ran.code, ran.err) == (0, ""), ran.out


def test_the_commands_of_the_page_are_understood(tmp_path: Path) -> None:
    written(tmp_path, my="")
    for command in re.findall(r"^drsim (run .*?) *(?:#|$)", LANGUAGE, re.MULTILINE):
        arguments = re.findall(r"\"[^\"]*\"|'[^']*'|\S+", command.replace("my.yaml", str(tmp_path / "my.yaml")))
        ran = called(*(each.strip("'\"") for each in arguments), "--list", "--port", "0")
        assert (ran.code, ran.err) == (0, ""), command
