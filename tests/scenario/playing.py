"""Running `drsim run` as a user does: a process, its output, its exit code, its reports."""

import gc
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from drsim.cli import main

ROOT = Path(__file__).parents[2]


@dataclass
class Ran:
    """What came of one run of the command line."""

    code: int
    out: str
    err: str


def drsim(*arguments: str, cwd: Path = ROOT, env: dict[str, str] | None = None, timeout: float = 60) -> Ran:
    """Runs a command to its end; a traceback is never part of the answer."""
    command = [sys.executable, "-m", "drsim.cli", *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    return Ran(done.returncode, done.stdout, done.stderr)


def called(*arguments: str) -> Ran:
    """Runs a command that only reads, without a process of its own: most of what such a process does is to start."""
    thresholds, interval, out, err = gc.get_threshold(), sys.getswitchinterval(), StringIO(), StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    except SystemExit as wrong_usage:
        code = int(wrong_usage.code or 0)
    finally:  # a command takes the interpreter for its own
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
    return Ran(code, out.getvalue(), err.getvalue())


def report(tmp_path: Path, *arguments: str, cwd: Path = ROOT) -> dict[str, Any]:
    """Runs scenarios and returns their JSON report."""
    path = tmp_path / "report.json"
    drsim("run", *arguments, "--json", str(path), cwd=cwd)
    read: dict[str, Any] = json.loads(path.read_bytes())
    return read


def written(folder: Path, **scenarios: str) -> Path:
    """A folder with these scenarios in it, each `steps` and what else is given; names are file names."""
    for name, text in scenarios.items():
        (folder / f"{name}.yaml").write_text(f"scenario: {name}\n{text}")
    return folder
