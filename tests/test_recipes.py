"""The recipes for CI in the README, tried: their commands run, their settings start a server that answers them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.harness import Drsim
from tests.scenario.playing import ROOT, report

README = (ROOT / "README.md").read_text()
IN_CI = README.partition("## In CI")[2].partition("\n## ")[0]
GITHUB, GITLAB = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", IN_CI, re.DOTALL))
IMAGE = re.compile(r"docker run .*?\S+/drsim:latest", re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like a checkout: some scenarios, and drsim where the image has it."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "one.yaml").write_text("scenario: one\nsteps: [{advance: 1d}]\n")
    bin = tmp_path / ".venv" / "bin"
    bin.mkdir(parents=True)
    (bin / "drsim").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m drsim.cli "$@"\n')
    (bin / "drsim").chmod(0o755)
    return tmp_path


def run(checkout: Path, commands: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs shell commands in the checkout, with drsim on the path as in the image."""
    path = f"{checkout / '.venv' / 'bin'}:{os.environ['PATH']}"
    whole = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env}
    shell = ["sh", "-euc", commands]
    return subprocess.run(shell, cwd=checkout, env=whole, capture_output=True, text=True, timeout=120)


def passed(checkout: Path) -> bool:
    """Whether the JUnit report tells of one scenario that passed."""
    suite = ElementTree.parse(checkout / "reports" / "drsim.xml").getroot()[0]
    return (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_the_shell_recipe_runs(checkout: Path) -> None:
    recipe = next(block for block in re.findall(r"```sh\n(.*?)```", IN_CI, re.DOTALL))
    set_up, *commands = recipe.strip().splitlines()
    assert set_up in README.partition("## In CI")[0], "the set-up is that of the first section, which is tried there"
    done = run(checkout, "\n".join(commands))
    assert done.returncode == 0, done.stdout + done.stderr
    assert passed(checkout)


def test_the_runner_of_the_github_recipe_runs(checkout: Path) -> None:
    steps = GITHUB["jobs"]["scenarios"]["steps"]
    command = next(step["run"] for step in steps if "run" in step)
    assert IMAGE.search(command)
    done = run(checkout, IMAGE.sub("drsim", command))  # the image's entry point
    assert done.returncode == 0, done.stdout + done.stderr
    report = next(step["with"]["report_paths"] for step in steps if "report_paths" in step.get("with", {}))
    assert report == "reports/drsim.xml"
    assert passed(checkout)


def test_the_runner_of_the_gitlab_recipe_runs(checkout: Path) -> None:
    job = GITLAB["scenarios"]
    done = run(checkout, "\n".join(job["script"]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert job["artifacts"]["reports"]["junit"] == "reports/drsim.xml"
    assert passed(checkout)


@pytest.mark.parametrize(
    ("settings", "asked", "server"),
    [
        (
            GITHUB["jobs"]["own-tests"]["services"]["drsim"]["env"],
            next(step["run"] for step in GITHUB["jobs"]["own-tests"]["steps"] if "run" in step),
            "http://localhost:3774",
        ),
        (GITLAB["own-tests"]["variables"], GITLAB["own-tests"]["script"][0], "http://drsim:3774"),
    ],
    ids=["github", "gitlab"],
)
def test_the_service_of_a_recipe_starts_and_answers(
    checkout: Path, settings: dict[str, Any], asked: str, server: str
) -> None:
    image = dict(re.findall(r"(DRSIM_\w+)=(\S+)", (ROOT / "Dockerfile").read_text())) | {"DRSIM_PORT": "0"}
    environment = {**os.environ, **image, **{name: value for name, value in settings.items() if "DRSIM" in name}}
    with Drsim(env=environment, port=None) as service:
        assert settings.get("API_URL", server) == server
        done = run(checkout, asked.replace(server, service.url), API_URL=service.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"mode":"manual"' in done.stdout


def test_the_scenario_of_the_readme_passes(tmp_path: Path) -> None:
    block = next(each for each in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if each.startswith("scenario:"))
    (tmp_path / "readme.yaml").write_text(block)
    told = report(tmp_path, str(tmp_path / "readme.yaml"))
    assert told["passed"], told
    assert len(told["scenarios"][0]["steps"]) == 3
